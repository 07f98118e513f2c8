#include "daemon/experiment/load/experiment.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/experiment/load/currents.hpp"
#include "daemon/experiment/load/map_reader.hpp"
#include "daemon/experiment/load/words.hpp"
#include "daemon/experiment/load/yaml_tree.hpp"

namespace thyrode::load {
namespace {

constexpr std::string_view schema = "thyrode.experiment/1";
// The device keeps the last 20 ms at 250 kS/s for snippets.
constexpr double longest_snippet = 20e-3;
// What 16 bits of samples hold at 250 kS/s, rounded down.
constexpr double longest_refractory = 0.25;
constexpr double largest_voltage = 10.0;
constexpr double longest_dwell = 24.0 * 3600.0;

// Comes before the check of keys, since other plans have other keys.
void check_plan(Reading& reading, const YamlNode& root) {
  const YamlNode* plan = child(root, "plan");
  if (plan == nullptr || plan->kind != YamlNode::Kind::text || plan->text == "sweep" || plan->text == "list") return;
  reading.refuse(plan->at,
                 fmt::format("plan '{}' is not known; this version knows sweep, list", shortened(plan->text)));
}

void read_plan(MapReader& root, Experiment& experiment) {
  root.require("plan", "plan: sweep");
  experiment.plan = root.word("plan", {"sweep", "list"}).value_or(0) == 0 ? Plan::sweep : Plan::list;
}

void read_settle(MapReader& dwell, Settle& settle) {
  const YamlNode* node = dwell.find("settle");
  if (node == nullptr) return;
  MapReader map(dwell.reading(), *node, dwell.path("settle"), {"tau_slow", "spikes", "drift_p"});
  if (const auto tau = map.quantity("tau_slow", QuantityKind::duration, above_zero_to(3600.0))) {
    settle.tau_slow = Duration::from_si(*tau);
  }
  settle.spikes = map.whole_number("spikes", 0, 1000000).value_or(settle.spikes);
  settle.drift_p = map.number("drift_p", above_zero_to(0.5)).value_or(settle.drift_p);
}

void read_dwell(MapReader& root, Dwell& dwell) {
  const YamlNode* node = root.find("dwell");
  if (node == nullptr) return;
  MapReader map(root.reading(), *node, "dwell", {"settle", "stop_when", "max", "max_spikes", "f_min"});
  read_settle(map, dwell.settle);
  if (const YamlNode* stop = map.find("stop_when")) {
    MapReader when(root.reading(), *stop, map.path("stop_when"), {"ci_rel_f"});
    dwell.ci_rel_f = when.quantity("ci_rel_f", QuantityKind::ratio, between(1e-4, 0.5)).value_or(dwell.ci_rel_f);
  }
  if (const auto max = map.quantity("max", QuantityKind::duration, between(0.1, longest_dwell))) {
    dwell.max = Duration::from_si(*max);
  }
  dwell.max_spikes = map.whole_number("max_spikes", 1, 1000000000).value_or(dwell.max_spikes);
  if (const auto f = map.quantity("f_min", QuantityKind::frequency, between(1e-4, 1e6))) {
    dwell.f_min = Frequency::from_si(*f);
  }
}

void read_trace(MapReader& record, Trace& trace) {
  const YamlNode* node = record.find("trace");
  if (node == nullptr) return;
  if (node->kind == YamlNode::Kind::text && (node->text == "full" || node->text == "off")) {
    trace.mode = node->text == "full" ? Trace::Mode::full : Trace::Mode::off;
    return;
  }
  const bool a_word = node->kind == YamlNode::Kind::text && node->text.find_first_of("0123456789") == std::string::npos;
  if (a_word) {
    record.reading().refuse(node->at, fmt::format("record.trace: '{}' is not known; write full, off or a rate such as "
                                                  "\"25 kS/s\"",
                                                  shortened(node->text)));
    return;
  }
  if (const auto rate = record.quantity("trace", QuantityKind::sampling_rate, above_zero_to(1e9))) {
    trace = {Trace::Mode::rate, Frequency::from_si(*rate)};
  }
}

void read_snippets(MapReader& record, std::optional<Snippets>& snippets) {
  const YamlNode* node = record.find("snippets");
  if (node == nullptr) return;
  if (node->kind == YamlNode::Kind::text && node->text == "off") return;
  MapReader map(record.reading(), *node, record.path("snippets"), {"before", "after", "max"});
  Snippets s;
  if (const auto before = map.quantity("before", QuantityKind::duration, between(0.0, longest_snippet))) {
    s.before = Duration::from_si(*before);
  }
  if (const auto after = map.quantity("after", QuantityKind::duration, above_zero_to(longest_snippet))) {
    s.after = Duration::from_si(*after);
  }
  if (const auto max = map.quantity("max", QuantityKind::frequency, between(1.0, 10000.0))) {
    s.most_per_second = static_cast<int>(*max);
  }
  if ((s.before + s.after).si() > longest_snippet) {
    map.reading().refuse(node->at, fmt::format("record.snippets: before and after together are {}; the device keeps {} "
                                               "at most",
                                               format_rounded((s.before + s.after).si(), QuantityKind::duration),
                                               format_rounded(longest_snippet, QuantityKind::duration)));
  }
  snippets = s;
}

void read_record(MapReader& root, Experiment& experiment) {
  const YamlNode* node = root.find("record");
  if (node == nullptr) return;
  MapReader map(root.reading(), *node, "record", {"trace", "snippets"});
  read_trace(map, experiment.trace);
  read_snippets(map, experiment.snippets);
}

void read_levels(MapReader& map, DetectorSettings& detect) {
  map.require("fire", "fire: 80 mV");
  map.require("rearm", "rearm: 40 mV");
  const Bounds volts = between(-largest_voltage, largest_voltage);
  const auto fire = map.quantity("fire", QuantityKind::voltage, volts);
  const auto rearm = map.quantity("rearm", QuantityKind::voltage, volts);
  if (!fire || !rearm) return;
  detect.fire_level = Voltage::from_si(*fire);
  detect.rearm_level = Voltage::from_si(*rearm);
  if (*rearm >= *fire) {
    map.reading().refuse("detect.rearm", fmt::format("detect.rearm: {} is not below detect.fire: {}; lower it",
                                                     to_text(detect.rearm_level), to_text(detect.fire_level)));
  }
}

void read_detect(MapReader& root, DetectorSettings& detect) {
  const YamlNode* node = root.find("detect");
  if (node == nullptr) return;
  MapReader map(root.reading(), *node, "detect", {"trigger", "swing", "fire", "rearm", "refractory"});
  const bool level = map.word("trigger", {"swing", "level"}).value_or(0) == 1;
  for (const char* foreign : level ? std::vector{"swing"} : std::vector{"fire", "rearm"}) {
    if (map.find(foreign) != nullptr) {
      map.reading().refuse(map.path(foreign), fmt::format("detect.{} belongs to trigger: {}; remove it, or change the "
                                                          "trigger",
                                                          foreign, level ? "swing" : "level"));
    }
  }
  detect.trigger = level ? protocol::Trigger::level : protocol::Trigger::swing;
  if (level) {
    detect.swing = Voltage{};
    read_levels(map, detect);
  } else if (const auto swing = map.quantity("swing", QuantityKind::voltage, above_zero_to(largest_voltage))) {
    detect.swing = Voltage::from_si(*swing);
  }
  if (const auto refractory = map.quantity("refractory", QuantityKind::duration, between(0.0, longest_refractory))) {
    detect.refractory = Duration::from_si(*refractory);
  }
}

void read_channel(MapReader& root, std::string& channel) {
  channel = root.text("channel").value_or(channel);
  if (channel.size() != 1 || channel.front() < 'A' || channel.front() > 'Z') {
    root.reading().refuse("channel", fmt::format("channel '{}' is not known; a channel is one capital letter, A for "
                                                 "the first",
                                                 shortened(channel)));
  }
}

}  // namespace

Result<Experiment> parse_experiment(std::string_view text, std::string_view file_name) {
  const auto tree = parse_yaml(text, file_name, "an experiment file", "schema: thyrode.experiment/1");
  if (!tree) return tl::make_unexpected(tree.error());
  Experiment experiment;
  experiment.source.file_name = file_name;
  experiment.source.text = text;
  Reading reading(experiment.source);
  check_schema(reading, *tree, schema);
  check_plan(reading, *tree);
  MapReader root(reading, *tree, "",
                 {"schema", "name", "plan", "channel", "current", "direction", "dwell", "record", "detect"});
  experiment.name = read_name(root).value_or("");
  read_plan(root, experiment);
  read_channel(root, experiment.channel);
  read_currents(root, experiment);
  read_dwell(root, experiment.dwell);
  read_record(root, experiment);
  read_detect(root, experiment.detect);
  if (reading.failed()) return tl::make_unexpected(*reading.error());
  return experiment;
}

Result<Experiment> load_experiment(const std::string& path) {
  return read_text_file(path).and_then([&](const std::string& text) { return parse_experiment(text, path); });
}

std::vector<StepPlan> timetable(const Experiment& experiment) {
  using analysis::Direction;
  std::vector<Current> rising = experiment.currents;
  std::vector<StepPlan> steps;
  if (experiment.order == Order::as_listed) {
    for (const Current current : rising) steps.push_back({current, Direction::none, 0});
    return steps;
  }
  std::stable_sort(rising.begin(), rising.end());
  if (experiment.order != Order::down) {
    for (const Current current : rising) steps.push_back({current, Direction::up, 0});
  }
  if (experiment.order != Order::up) {
    const int leg = experiment.order == Order::both ? 1 : 0;
    std::for_each(rising.rbegin(), rising.rend(), [&](Current current) {
      steps.push_back({current, Direction::down, leg});
    });
  }
  return steps;
}

}  // namespace thyrode::load
