#include "daemon/experiment/load/station.hpp"

#include <fmt/format.h>

#include "daemon/experiment/load/map_reader.hpp"
#include "daemon/experiment/load/words.hpp"
#include "daemon/experiment/load/yaml_tree.hpp"

namespace thyrode::load {
namespace {

/// A/s: at least this fast, so that the current of a silent host is gone 0.2 s after the lease even from full scale.
constexpr double slowest_slew = 1e-3;

constexpr std::string_view schema = "thyrode.station/1";
constexpr double largest_gain = 1e6;
constexpr double largest_compliance = 10.0;

void read_limits(MapReader& map, StationChannel& channel) {
  if (map.require("limits", "limits: [0 uA, 130 uA]") == nullptr) return;
  const auto limits = map.quantities("limits", QuantityKind::current, 2, 2, possible_currents());
  if (!limits) return;
  const std::string path = map.path("limits");
  channel.lowest = Current::from_si((*limits)[0]);
  channel.highest = Current::from_si((*limits)[1]);
  if (channel.lowest >= channel.highest) {
    map.reading().refuse(path, fmt::format("{}: {} is not below {}; write the lowest current first", path,
                                           to_text(channel.lowest), to_text(channel.highest)));
  }
}

StationChannel read_channel(Reading& reading, const YamlNode& node, const std::string& path) {
  StationChannel channel;
  MapReader map(reading, node, path, {"limits", "slew", "V_out", "V_m"});
  read_limits(map, channel);
  if (const auto slew = map.quantity("slew", QuantityKind::slew, between(slowest_slew, 1e3))) {
    channel.slew = Slew::from_si(*slew);
  }
  if (const YamlNode* v_out = map.find("V_out")) {
    MapReader signal(reading, *v_out, map.path("V_out"), {"gain", "rate"});
    if (const auto gain = signal.number("gain", above_zero_to(largest_gain))) channel.v_out_gain = *gain;
    if (const auto rate = signal.quantity("rate", QuantityKind::sampling_rate, above_zero_to(1e9))) {
      channel.trace_rate = Frequency::from_si(*rate);
    }
  }
  if (const YamlNode* v_m = map.find("V_m")) {
    MapReader signal(reading, *v_m, map.path("V_m"), {"gain"});
    if (const auto gain = signal.number("gain", above_zero_to(largest_gain))) channel.v_m_gain = *gain;
  }
  return channel;
}

void read_channels(MapReader& root, Station& station) {
  const YamlNode* channels = root.require("channels", "channels: {A: {limits: [0 uA, 130 uA]}}");
  if (channels == nullptr) return;
  Reading& reading = root.reading();
  if (channels->kind != YamlNode::Kind::map || channels->keys.empty()) {
    reading.refuse(channels->at,
                   "channels must be a map of at least one channel; write for example "
                   "\"channels: {A: {limits: [0 uA, 130 uA]}}\"");
    return;
  }
  for (std::size_t i = 0; i < channels->keys.size(); ++i) {
    const auto& [label, at] = channels->keys[i];
    if (label.size() != 1 || label.front() < 'A' || label.front() > 'Z') {
      reading.refuse(at, fmt::format("channel '{}' is not known; a channel is one capital letter, A for the first",
                                     shortened(label)));
      return;
    }
    const std::string path = "channels." + label;
    if (channels->items[i].kind == YamlNode::Kind::nothing) {
      reading.refuse(at, fmt::format("{} has no value; write for example {{limits: [0 uA, 130 uA]}}", path));
    }
    station.channels.emplace(label, read_channel(reading, channels->items[i], path));
  }
}

/// 0 watches nothing.
void read_plausibility(MapReader& map, StationSafety& safety) {
  if (const auto stuck = map.number("stuck", between(0.0, 65535.0))) safety.stuck = static_cast<int>(*stuck);
  if (const YamlNode* node = map.find("rail")) {
    MapReader rail(map.reading(), *node, map.path("rail"), {"V_out", "V_m", "I_read"});
    const auto read = [&rail](const char* key, Duration& time) {
      if (const auto value = rail.quantity(key, QuantityKind::duration, between(0.0, 60.0)))
        time = Duration::from_si(*value);
    };
    read("V_out", safety.rail_v_out);
    read("V_m", safety.rail_v_m);
    read("I_read", safety.rail_i_read);
  }
  if (const YamlNode* node = map.find("open_loop")) {
    MapReader loop(map.reading(), *node, map.path("open_loop"), {"above", "V_m", "for"});
    if (const auto above = loop.quantity("above", QuantityKind::current, between(0.0, 1.0))) {
      safety.open_current = Current::from_si(*above);
    }
    if (const auto band = loop.quantity("V_m", QuantityKind::voltage, between(0.0, largest_compliance))) {
      safety.open_band = Voltage::from_si(*band);
    }
    if (const auto time = loop.quantity("for", QuantityKind::duration, between(1e-3, 60.0))) {
      safety.open_time = Duration::from_si(*time);
    }
  }
}

void read_safety(MapReader& root, StationSafety& safety) {
  const YamlNode* node = root.find("safety");
  if (node == nullptr) return;
  MapReader map(root.reading(), *node, "safety",
                {"lease", "max_charge", "v_compliance", "stuck", "rail", "open_loop", "on_fault"});
  if (const auto lease = map.quantity("lease", QuantityKind::duration, between(20e-3, 1.0))) {
    safety.lease = Duration::from_si(*lease);
  }
  if (const auto charge = map.quantity("max_charge", QuantityKind::charge_rate, above_zero_to(1.0))) {
    safety.max_charge_per_minute = Charge::from_si(*charge * 60.0);
  }
  if (const auto volts = map.quantity("v_compliance", QuantityKind::voltage, above_zero_to(largest_compliance))) {
    safety.v_compliance = Voltage::from_si(*volts);
  }
  map.word("on_fault", {"ramp_to_safe"});
  read_plausibility(map, safety);
}

}  // namespace

Result<Station> parse_station(std::string_view text, std::string_view file_name) {
  const auto tree = parse_yaml(text, file_name, "a station file", "schema: thyrode.station/1");
  if (!tree) return tl::make_unexpected(tree.error());
  Station station;
  station.source.file_name = file_name;
  station.source.text = text;
  Reading reading(station.source);
  check_schema(reading, *tree, schema);
  MapReader root(reading, *tree, "", {"schema", "device", "channels", "safety", "decision_latency"});
  root.require("device", "device: sim:msn");
  station.device = root.text("device").value_or("");
  read_channels(root, station);
  read_safety(root, station.safety);
  if (const auto latency = root.quantity("decision_latency", QuantityKind::duration, between(20e-3, 10.0))) {
    station.decision_latency = Duration::from_si(*latency);
  }
  if (reading.failed()) return tl::make_unexpected(*reading.error());
  return station;
}

Result<Station> load_station(const std::string& path) {
  return read_text_file(path).and_then([&](const std::string& text) { return parse_station(text, path); });
}

}  // namespace thyrode::load
