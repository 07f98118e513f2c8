// Which calibration a run uses, and how one is told.
#include "daemon/thyrode_calibration.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <ctime>

#include "daemon/calibration/store.hpp"
#include "daemon/experiment/load/quantity_text.hpp"

namespace thyrode::program {
namespace {

using calibration::Calibration;
using calibration::ChannelCalibration;
using calibration::Converter;
using calibration::Estimate;

constexpr std::array<const char*, protocol::signal_count> names{"V_out", "V_m", "I_read"};

/// What is used, if anything; `where` is for messages.
Result<std::optional<Calibration>> chosen(const CalibrationChoice& choice, const DeviceInfo& device,
                                          std::string& where) {
  if (choice.which == "none") return std::optional<Calibration>{};
  if (choice.which.empty() && choice.recorded) {
    if (choice.recorded->empty()) return std::optional<Calibration>{};
    where = "the recording that this run goes on from";
    return calibration::parse_calibration(*choice.recorded, where).map([](Calibration c) {
      return std::optional{std::move(c)};
    });
  }
  if (choice.which.empty() && device.uri.starts_with("sim:")) return std::optional<Calibration>{};
  const std::string store = calibration::default_store();
  if (choice.which.empty() || choice.which == "stored") {
    where = store.empty() ? "the store" : calibration::file_of(store, device.serial);
    auto found = calibration::find(store, device.serial);
    if (found && !*found && choice.which == "stored") {
      return fail(ErrorKind::bad_input, fmt::format("--calibration stored: there is no {}; calibrate with: thyrode "
                                                    "calibrate --device {}",
                                                    where, device.uri));
    }
    return found;
  }
  where = choice.which;
  return calibration::read_file(choice.which).map([](Calibration c) { return std::optional{std::move(c)}; });
}

void say_age(const ChannelCalibration& used, const std::string& label, double most_days, const std::string& uri) {
  const auto age = calibration::age_in_days(used.date, static_cast<double>(std::time(nullptr)));
  if (!age) {
    fmt::print(stderr, "thyrode: channel {}: the date of its calibration is not one: {}\n", label, age.error().message);
  } else if (*age > most_days) {
    fmt::print(stderr,
               "thyrode: channel {}: the calibration of {} is {:.0f} days old, and {:g} is the limit; it is used; "
               "calibrate again with: thyrode calibrate --device {} --channel {}\n",
               label, used.date, *age, most_days, uri, label);
  } else if (*age < -1.0) {
    fmt::print(stderr,
               "thyrode: channel {}: the calibration is dated {}, which is to come: look at this machine's clock\n",
               label, used.date);
  }
}

nlohmann::ordered_json to_json(const Estimate& e) {
  return {{"value", e.value}, {"low", e.low}, {"high", e.high}};
}

nlohmann::ordered_json to_json(const Converter& c) {
  nlohmann::ordered_json told{
      {"measured", c.measured}, {"nominal_scale", c.nominal.scale}, {"nominal_zero", c.nominal.zero}};
  if (!c.measured) return told;
  told["gain"] = to_json(c.gain);
  told["offset_codes"] = to_json(c.offset);
  told["nonlinearity_codes"] = to_json(c.nonlinearity);
  told["largest_deviation_codes"] = c.largest_deviation;
  told["step_codes"] = c.step ? to_json(*c.step) : nlohmann::ordered_json{};
  told["noise_codes"] = to_json(c.noise);
  return told;
}

std::string half(const Estimate& e, int digits) {
  return fmt::format("{:.{}f} +-{:.{}f}", e.value, digits, 0.5 * (e.high - e.low), digits);
}

std::string row(const char* name, const Converter& c) {
  if (!c.measured) return fmt::format("  {:8} not measured: the circuit does not show it; left as told\n", name);
  const std::string step = c.step ? half(*c.step, 2) : "not seen";
  return fmt::format("  {:8} {:18} {:14} {:14} {:8.2f}  {:12} [{:.3f}, {:.3f}]\n", name, half(c.gain, 5),
                     half(c.offset, 2), half(c.nonlinearity, 2), c.largest_deviation, step, c.noise.low, c.noise.high);
}

std::string reference_text(const calibration::Reference& r) {
  using load::QuantityKind;
  std::string text =
      fmt::format("{} +-{:g} %", load::format_rounded(r.resistance, QuantityKind::resistance, 6), 100.0 * r.tolerance);
  if (r.capacitance > 0.0)
    text += fmt::format(" parallel {}", load::format_rounded(r.capacitance, QuantityKind::capacitance));
  if (!r.reading) return text + "; no meter: the common scale of volts and amperes is as told, +-1 %";
  return text + fmt::format("; meter {} +-{:g} %",
                            load::format_rounded(*r.reading,
                                                 r.reads_current ? QuantityKind::current : QuantityKind::voltage, 7),
                            100.0 * r.reading_tolerance);
}

}  // namespace

Result<std::string> use_calibration(const CalibrationChoice& choice, Device& device, const std::string& channel) {
  const DeviceInfo& info = device.info();
  std::string where;
  const auto found = chosen(choice, info, where);
  if (!found) return tl::make_unexpected(found.error());
  if (!*found) {
    if (choice.which.empty() && !choice.recorded && !info.uri.starts_with("sim:")) {
      fmt::print(stderr,
                 "thyrode: {} has no calibration: currents and voltages are as its converters are told, +-1 %; "
                 "calibrate with: thyrode calibrate --device {}\n",
                 info.serial, info.uri);
    }
    return std::string{};
  }
  if (auto used = calibration::apply(**found, device); !used) {
    return fail(used.error().kind, fmt::format("{}: {}", where, used.error().message));
  }
  for (const auto& [label, used] : (*found)->channels) say_age(used, label, choice.most_days, info.uri);
  if ((*found)->channels.count(channel) == 0) {
    fmt::print(stderr, "thyrode: channel {} has no calibration in {}; it is used as told\n", channel, where);
  }
  return calibration::to_yaml(**found);
}

std::string calibration_text(const Calibration& calibration) {
  std::string text;
  for (const auto& [label, c] : calibration.channels) {
    text += fmt::format(
        "channel {} of {} {}, calibrated {}\n  {}\n  {:.4g} to {:.4g} uA; offset, INL, DNL and noise in "
        "codes; +- are 95 %\n  {:8} {:18} {:14} {:14} {:>8}  {:12} {}\n",
        label, calibration.board, calibration.serial, c.date, reference_text(c.reference), 1e6 * c.lowest,
        1e6 * c.highest, "", "gain", "offset", "INL rms", "largest", "DNL rms", "noise rms");
    text += row("source", c.source);
    for (std::size_t j = 0; j < protocol::signal_count; ++j) text += row(names[j], c.signals[j]);
  }
  return text;
}

nlohmann::ordered_json to_json(const Calibration& calibration) {
  nlohmann::ordered_json document{
      {"schema", "thyrode.calibration/1"}, {"serial", calibration.serial}, {"board", calibration.board}};
  for (const auto& [label, c] : calibration.channels) {
    nlohmann::ordered_json& channel = document["channels"][label];
    channel = {{"date", c.date},
               {"absolute", c.reference.absolute()},
               {"resistance_ohm", c.reference.resistance},
               {"resistance_tolerance", c.reference.tolerance},
               {"lowest_ua", 1e6 * c.lowest},
               {"highest_ua", 1e6 * c.highest}};
    channel["source"] = to_json(c.source);
    for (std::size_t j = 0; j < protocol::signal_count; ++j) channel[names[j]] = to_json(c.signals[j]);
  }
  return document;
}

}  // namespace thyrode::program
