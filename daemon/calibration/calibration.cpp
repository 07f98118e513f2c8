#include "daemon/calibration/calibration.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <ctime>

#include "daemon/experiment/load/map_reader.hpp"
#include "daemon/experiment/load/yaml_tree.hpp"

namespace thyrode::calibration {
namespace {

using load::MapReader;
using load::QuantityKind;
using load::Reading;
using load::YamlNode;

constexpr std::string_view schema = "thyrode.calibration/1";
constexpr std::string_view checksum_key = "checksum: ";
constexpr load::Bounds any{-1e300, 1e300, false};
constexpr std::array<const char*, protocol::signal_count> names{"V_out", "V_m", "I_read"};

/// Source: Fowler, Noll & Vo, FNV-1a, 64 bits.
std::string checksum_of(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return fmt::format("fnv1a-{:016x}", hash);
}

std::string quoted(const std::string& text) {
  std::string out{'"'};
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + '"';
}

std::string to_text(const Estimate& e) {
  return fmt::format("[{}, {}, {}]", e.value, e.low, e.high);
}

void write_converter(std::string& out, const char* name, const Converter& c) {
  out += fmt::format("    {}:\n      scale: {}\n      zero: {}\n      bits: {}\n      every: {}\n", name,
                     c.nominal.scale, c.nominal.zero, c.nominal.bits, c.nominal.every);
  if (!c.measured) return;
  out += fmt::format(
      "      gain: {}\n      offset: {}\n      nonlinearity: {}\n      largest_deviation: {}\n      noise: {}\n",
      to_text(c.gain), to_text(c.offset), to_text(c.nonlinearity), c.largest_deviation, to_text(c.noise));
  if (c.step) out += fmt::format("      step: {}\n", to_text(*c.step));
}

std::optional<Estimate> read_estimate(MapReader& map, std::string_view key) {
  const auto values = map.quantities(key, QuantityKind::number, 3, 3, any);
  if (!values) return std::nullopt;
  return Estimate{(*values)[0], (*values)[1], (*values)[2]};
}

Converter read_converter(MapReader& channel, std::string_view name) {
  Converter c;
  const YamlNode* node = channel.require(name, "the converter");
  if (node == nullptr) return c;
  MapReader map(
      channel.reading(), *node, channel.path(name),
      {"scale", "zero", "bits", "every", "gain", "offset", "nonlinearity", "largest_deviation", "noise", "step"});
  c.nominal.scale = map.number("scale", load::above_zero()).value_or(1.0);
  c.nominal.zero = map.number("zero", any).value_or(0.0);
  c.nominal.bits = static_cast<int>(map.whole_number("bits", 1, 16).value_or(12));
  c.nominal.every = static_cast<int>(map.whole_number("every", 1, 65535).value_or(1));
  const auto gain = read_estimate(map, "gain");
  c.measured = gain.has_value();
  if (!gain) return c;
  c.gain = *gain;
  c.offset = read_estimate(map, "offset").value_or(Estimate{});
  c.nonlinearity = read_estimate(map, "nonlinearity").value_or(Estimate{});
  c.largest_deviation = map.number("largest_deviation", any).value_or(0.0);
  c.noise = read_estimate(map, "noise").value_or(Estimate{});
  c.step = read_estimate(map, "step");
  if (!(c.gain.value > 0.5 && c.gain.value < 2.0)) map.reading().refuse(map.path("gain"), "a gain is 0.5 to 2");
  return c;
}

ChannelCalibration read_channel(Reading& reading, const YamlNode& node, const std::string& path) {
  ChannelCalibration channel;
  MapReader map(reading, node, path,
                {"date", "resistance_ohm", "tolerance", "capacitance_f", "reading_v", "reading_a", "reading_tolerance",
                 "lowest_a", "highest_a", "source", "V_out", "V_m", "I_read"});
  channel.date = map.text("date").value_or("");
  Reference& reference = channel.reference;
  reference.resistance = map.number("resistance_ohm", load::above_zero()).value_or(1.0);
  reference.tolerance = map.number("tolerance", load::between(0.0, 1.0)).value_or(0.0);
  reference.capacitance = map.number("capacitance_f", load::between(0.0, 1.0)).value_or(0.0);
  reference.reading = map.number("reading_v", any);
  if (const auto amperes = map.number("reading_a", any)) {
    reference.reading = amperes;
    reference.reads_current = true;
  }
  reference.reading_tolerance = map.number("reading_tolerance", load::between(0.0, 1.0)).value_or(0.0);
  channel.lowest = map.number("lowest_a", any).value_or(0.0);
  channel.highest = map.number("highest_a", any).value_or(0.0);
  channel.source = read_converter(map, "source");
  for (std::size_t j = 0; j < protocol::signal_count; ++j) channel.signals[j] = read_converter(map, names[j]);
  return channel;
}

/// The text without its last line, which must be its check sum.
Result<std::string_view> checked_text(std::string_view text, const std::string& name) {
  const auto damaged = [&name](const char* what) {
    return fail(
        ErrorKind::bad_input,
        fmt::format("{}: the calibration is damaged ({}); remove it and calibrate again with `thyrode calibrate`", name,
                    what));
  };
  const std::size_t at = text.rfind(checksum_key);
  if (at == std::string_view::npos || (at > 0 && text[at - 1] != '\n')) return damaged("its end is missing");
  const std::string_view body = text.substr(0, at);
  std::string_view written = text.substr(at + checksum_key.size());
  if (written.empty() || written.back() != '\n') return damaged("its end is missing");
  written.remove_suffix(1);
  if (written != checksum_of(body)) return damaged("its check sum does not fit; a change by hand does that too");
  return body;
}

/// Whether a device still tells of the converter that was measured.
bool same_converter(const Scale& a, const Scale& b) {
  const auto near = [](double x, double y) { return std::abs(x - y) <= 1e-9 * std::max(std::abs(x), std::abs(y)); };
  return near(a.scale, b.scale) && near(a.zero, b.zero) && a.bits == b.bits;
}

}  // namespace

Scale Converter::of_adc() const {
  if (!measured) return nominal;
  Scale scale = nominal;
  scale.scale = nominal.scale / gain.value;
  scale.zero = nominal.zero + offset.value;
  return scale;
}

Scale Converter::of_source() const {
  Scale scale = nominal;
  scale.scale = nominal.scale * gain.value;
  scale.zero = nominal.zero - offset.value / gain.value;
  return scale;
}

ChannelScales ChannelCalibration::scales() const {
  ChannelScales scales;
  for (std::size_t j = 0; j < protocol::signal_count; ++j) scales.signals[j] = signals[j].of_adc();
  scales.command = source.of_source();
  return scales;
}

std::string to_yaml(const Calibration& calibration) {
  std::string out =
      "# What `thyrode calibrate` found. Offsets, nonlinearity, step and noise are codes; [value, low, high] are "
      "values\n"
      "# with their 95 % intervals.\n";
  out += fmt::format("schema: {}\nserial: {}\nboard: {}\nchannels:\n", schema, quoted(calibration.serial),
                     quoted(calibration.board));
  for (const auto& [label, c] : calibration.channels) {
    const Reference& r = c.reference;
    out += fmt::format("  {}:\n    date: {}\n    resistance_ohm: {}\n    tolerance: {}\n    capacitance_f: {}\n", label,
                       quoted(c.date), r.resistance, r.tolerance, r.capacitance);
    if (r.reading) {
      out += fmt::format("    {}: {}\n    reading_tolerance: {}\n", r.reads_current ? "reading_a" : "reading_v",
                         *r.reading, r.reading_tolerance);
    }
    out += fmt::format("    lowest_a: {}\n    highest_a: {}\n", c.lowest, c.highest);
    write_converter(out, "source", c.source);
    for (std::size_t j = 0; j < protocol::signal_count; ++j) write_converter(out, names[j], c.signals[j]);
  }
  return out + std::string{checksum_key} + checksum_of(out) + "\n";
}

Result<Calibration> parse_calibration(const std::string& text, const std::string& name) {
  const auto tree = load::parse_yaml(text, name, "a calibration", "schema: thyrode.calibration/1");
  load::Source source;
  source.file_name = name;
  Reading reading(source);
  if (tree) load::check_schema(reading, *tree, schema);
  if (tree && reading.failed()) return tl::make_unexpected(*reading.error());
  if (const auto body = checked_text(text, name); !body) return tl::make_unexpected(body.error());
  if (!tree) return tl::make_unexpected(tree.error());
  Calibration calibration;
  MapReader root(reading, *tree, "", {"schema", "serial", "board", "channels", "checksum"});
  root.require("serial", "serial: \"...\"");
  calibration.serial = root.text("serial").value_or("");
  calibration.board = root.text("board").value_or("");
  const YamlNode* channels = root.require("channels", "channels: {A: ...}");
  if (channels != nullptr && channels->kind != YamlNode::Kind::map) {
    reading.refuse(channels->at, "channels must be a map of channels");
    channels = nullptr;
  }
  for (std::size_t k = 0; channels != nullptr && k < channels->keys.size(); ++k) {
    const std::string& label = channels->keys[k].name;
    calibration.channels.emplace(label, read_channel(reading, channels->items[k], "channels." + label));
  }
  if (reading.failed()) return tl::make_unexpected(*reading.error());
  return calibration;
}

Result<void> apply(const Calibration& calibration, Device& device) {
  const DeviceInfo& info = device.info();
  if (calibration.serial != info.serial || calibration.board != info.board) {
    return fail(
        ErrorKind::bad_input,
        fmt::format("the calibration is of the {} with serial number {}, and {} is the {} with {}: calibrate this "
                    "one (thyrode calibrate), or run it with --calibration none",
                    calibration.board, calibration.serial, info.uri, info.board, info.serial));
  }
  for (std::size_t k = 0; k < info.channels.size(); ++k) {
    const auto found = calibration.channels.find(info.channels[k].label);
    if (found == calibration.channels.end()) continue;
    const ChannelDescription& told = info.channels[k];
    bool same = same_converter(found->second.source.nominal, told.command);
    for (std::size_t j = 0; j < protocol::signal_count; ++j) {
      same = same && same_converter(found->second.signals[j].nominal, told.signals[j]);
    }
    if (!same) {
      return fail(
          ErrorKind::bad_input,
          fmt::format("channel {}: the calibration was made for converters of other scales than {} tells of now; "
                      "calibrate again, or run with --calibration none",
                      told.label, info.uri));
    }
    auto used = device.use_scales(Channel{static_cast<std::uint8_t>(k)}, found->second.scales());
    if (!used) return used;
  }
  return {};
}

Result<double> age_in_days(const std::string& date, double now_seconds) {
  std::tm t{};
  int hours = 0, minutes = 0;
  char sign = '+';
  const int read = std::sscanf(date.c_str(), "%d-%d-%dT%d:%d:%d%c%d:%d", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour,
                               &t.tm_min, &t.tm_sec, &sign, &hours, &minutes);
  if (read != 9 || (sign != '+' && sign != '-')) {
    return fail(ErrorKind::bad_input, fmt::format("'{}' is not a date such as 2026-01-31T12:00:00+01:00", date));
  }
  t.tm_year -= 1900;
  t.tm_mon -= 1;
  const double offset = (sign == '-' ? -60.0 : 60.0) * (60.0 * hours + minutes);
  return (now_seconds - (static_cast<double>(timegm(&t)) - offset)) / 86400.0;
}

}  // namespace thyrode::calibration
