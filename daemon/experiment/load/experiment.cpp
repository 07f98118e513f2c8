#include "daemon/experiment/load/experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "daemon/experiment/load/map_reader.hpp"
#include "daemon/experiment/load/parameters.hpp"
#include "daemon/experiment/load/plan_reader.hpp"
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
// A recording that is no more than its own tables helps nobody; a year is longer than any file can be.
constexpr double shortest_file = 1.0;
constexpr double longest_file = 365.0 * 24.0 * 3600.0;
constexpr std::size_t most_companions = 25;

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
  MapReader map(root.reading(), *node, "record", {"trace", "snippets", "roll_after"});
  read_trace(map, experiment.trace);
  read_snippets(map, experiment.snippets);
  if (const auto after = map.quantity("roll_after", QuantityKind::duration, between(shortest_file, longest_file))) {
    experiment.roll_after = Duration::from_si(*after);
  }
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

void read_detect(MapReader& root, DetectorSettings& detect, Voltage& least_peak) {
  const YamlNode* node = root.find("detect");
  if (node == nullptr) return;
  MapReader map(root.reading(), *node, "detect", {"trigger", "swing", "fire", "rearm", "refractory", "least_peak"});
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
  if (const auto peak = map.quantity("least_peak", QuantityKind::voltage, above_zero_to(largest_voltage))) {
    least_peak = Voltage::from_si(*peak);
  }
}

void read_channel(MapReader& root, std::string& channel) {
  channel = root.text("channel").value_or(channel);
  if (channel.size() != 1 || channel.front() < 'A' || channel.front() > 'Z') {
    root.reading().refuse(root.path("channel"),
                          fmt::format("channel '{}' is not known; a channel is one capital letter, A for "
                                      "the first",
                                      shortened(channel)));
  }
}

void read_companions(MapReader& root, Experiment& experiment) {
  const YamlNode* node = root.find("companions");
  if (node == nullptr) return;
  if (node->kind != YamlNode::Kind::list || node->items.empty() || node->items.size() > most_companions) {
    root.reading().refuse(node->at, "companions must be a list of maps; write for example \"[{channel: B}]\"");
    return;
  }
  for (std::size_t k = 0; k < node->items.size() && !root.reading().failed(); ++k) {
    MapReader map(root.reading(), node->items[k], fmt::format("companions[{}]", k), {"channel", "current"});
    CompanionPlan companion;
    map.require("channel", "channel: B");
    read_channel(map, companion.channel);
    if (const auto held = map.quantity("current", QuantityKind::current, possible_currents())) {
      companion.current = Current::from_si(*held);
    }
    const bool again = companion.channel == experiment.channel ||
                       std::any_of(experiment.companions.begin(), experiment.companions.end(),
                                   [&](const CompanionPlan& other) { return other.channel == companion.channel; });
    if (again) {
      const std::string path = map.path("channel");
      root.reading().refuse(path,
                            fmt::format("{}: channel {} is driven already; name another", path, companion.channel));
    }
    experiment.companions.push_back(std::move(companion));
  }
}

void read_labels(MapReader& root, Experiment& experiment) {
  const YamlNode* node = root.find("labels");
  if (node == nullptr) return;
  // Ratios at which a rule turns: of CV, orders, times or shares.
  using Rules = analysis::LabelRules;
  static constexpr std::pair<const char*, double Rules::*> numbers[] = {
      {"tonic_cv", &Rules::tonic_cv},
      {"tonic_order", &Rules::tonic_order},
      {"irregular_cv", &Rules::irregular_cv},
      {"irregular_order", &Rules::irregular_order},
      {"fast_load_times", &Rules::fast_load_times},
      {"fast_trough", &Rules::fast_trough},
      {"fast_widths", &Rules::fast_widths},
      {"plateau_widths", &Rules::plateau_widths},
      {"plateau_load_times", &Rules::plateau_load_times},
      {"plateau_share", &Rules::plateau_share},
      {"stutter_cv", &Rules::stutter_cv},
      {"latched_swing", &Rules::latched_swing},
      {"latched_across", &Rules::latched_across},
      {"long_interval", &Rules::long_interval},
      {"least_share", &Rules::least_share}};
  std::vector<std::string> keys{"f_FS"};
  for (const auto& [key, unused] : numbers) keys.emplace_back(key);
  MapReader map(root.reading(), *node, "labels", std::move(keys));
  for (const auto& [key, member] : numbers) {
    if (const auto value = map.number(key, above_zero_to(1e6))) experiment.labels.*member = *value;
  }
  if (experiment.labels.irregular_cv < experiment.labels.tonic_cv) {
    map.reading().refuse(map.path(map.find("irregular_cv") != nullptr ? "irregular_cv" : "tonic_cv"),
                         fmt::format("labels: irregular_cv {} is below tonic_cv {}; a train would be both, write a "
                                     "larger irregular_cv",
                                     experiment.labels.irregular_cv, experiment.labels.tonic_cv));
  }
  experiment.sweep.fast_spiking_hz = map.quantity("f_FS", QuantityKind::frequency, above_zero_to(1e6));
}

/// A parameter that is set, and where the file says so.
struct Held {
  std::string name;
  bool by_device = false;
  std::string place;
};

std::vector<Held> held(const std::vector<NeuronSetting>& neuron, const std::string& place) {
  std::vector<Held> all;
  for (const NeuronSetting& setting : neuron) {
    all.push_back({setting.name, !setting.operator_sets,
                   fmt::format("{}.{}", place, setting.operator_sets ? "operator" : setting.name)});
  }
  return all;
}

Held varied(const PhaseMapPlan& map, const std::string& prefix) {
  return {map.knob.name, !map.knob.operator_sets, prefix + (map.knob.operator_sets ? "operator" : map.knob.name)};
}

/// A map cannot vary what its own `neuron` holds. The device has one variable part, which goes by one name in one
/// experiment; and who sets a parameter stays the same.
void check_parameters(Reading& reading, const Experiment& experiment) {
  std::vector<Held> all = held(experiment.neuron, "neuron");
  const auto refuse_varied = [&](const Held& map, const std::vector<Held>& own) {
    for (const Held& other : own) {
      if (other.name != map.name) continue;
      reading.refuse(other.place,
                     fmt::format("{} holds {}, which the phase map varies; remove one of them", other.place, map.name));
    }
  };
  if (const auto* map = std::get_if<PhaseMapPlan>(&experiment.plan)) {
    refuse_varied(varied(*map, ""), all);
    all.push_back(varied(*map, ""));
  }
  if (const auto* sequence = std::get_if<SequencePlan>(&experiment.plan)) {
    for (std::size_t k = 0; k < sequence->parts.size(); ++k) {
      const SequencePartPlan& part = sequence->parts[k];
      const std::string prefix = fmt::format("parts[{}].", k);
      const auto own = held(part.neuron, prefix + "neuron");
      all.insert(all.end(), own.begin(), own.end());
      const auto* map = std::get_if<PhaseMapPlan>(&part.plan);
      if (map == nullptr) continue;
      refuse_varied(varied(*map, prefix), own);
      all.push_back(varied(*map, prefix));
    }
  }
  for (std::size_t k = 1; k < all.size(); ++k) {
    for (std::size_t j = 0; j < k; ++j) {
      const bool same_part = all[j].by_device && all[k].by_device && all[j].name != all[k].name;
      const bool two_hands = all[j].by_device != all[k].by_device && all[j].name == all[k].name;
      if (!same_part && !two_hands) continue;
      reading.refuse(
          all[k].place,
          fmt::format(
              fmt::runtime(same_part ? "{} sets what {} sets by another name; use one of them throughout"
                                     : "{} and {} leave one parameter to the device and to an operator; use one "
                                       "of them throughout"),
              all[k].place, all[j].place));
    }
  }
}

}  // namespace

Result<Experiment> parse_experiment(std::string_view text, std::string_view file_name, const ReadNamedFile& files) {
  const auto tree = parse_yaml(text, file_name, "an experiment file", "schema: thyrode.experiment/1");
  if (!tree) return tl::make_unexpected(tree.error());
  Experiment experiment;
  experiment.source.file_name = file_name;
  experiment.source.text = text;
  Reading reading(experiment.source);
  check_schema(reading, *tree, schema);
  const std::size_t plan = plan_of(reading, *tree, false);
  std::vector<std::string> keys{"schema", "name", "plan", "channel"};
  for (std::string& key : keys_of_plan(plan)) keys.push_back(std::move(key));
  keys.insert(keys.end(), {"companions", "neuron", "dwell", "record", "detect", "labels"});
  MapReader root(reading, *tree, "", std::move(keys));
  experiment.name = read_name(root).value_or("");
  experiment.plan = read_plan(root, plan, {files, experiment.files});
  read_channel(root, experiment.channel);
  read_companions(root, experiment);
  experiment.neuron = read_neuron(root);
  read_dwell(root, experiment.dwell);
  read_record(root, experiment);
  read_detect(root, experiment.detect, experiment.least_peak);
  read_labels(root, experiment);
  check_parameters(reading, experiment);
  if (reading.failed()) return tl::make_unexpected(*reading.error());
  return experiment;
}

Result<Experiment> load_experiment(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path{path}.parent_path();
  const auto named = [&](const std::string& name) { return read_text_file((folder / name).string(), waveform_file); };
  return read_text_file(path).and_then([&](const std::string& text) { return parse_experiment(text, path, named); });
}

namespace {

std::vector<StepPlan> in_order(std::vector<Current> currents, Order order) {
  using analysis::Direction;
  std::vector<StepPlan> steps;
  if (order == Order::as_listed) {
    for (const Current current : currents) steps.push_back({current, Direction::none, 0});
    return steps;
  }
  std::stable_sort(currents.begin(), currents.end());
  if (order != Order::down) {
    for (const Current current : currents) steps.push_back({current, Direction::up, 0});
  }
  if (order != Order::up) {
    const int leg = order == Order::both ? 1 : 0;
    std::for_each(currents.rbegin(), currents.rend(), [&](Current current) {
      steps.push_back({current, Direction::down, leg});
    });
  }
  return steps;
}

}  // namespace

std::vector<StepPlan> timetable(const SweepPlan& plan) {
  return in_order(plan.currents, plan.order);
}
std::vector<StepPlan> timetable(const ListPlan& plan) {
  return in_order(plan.currents, plan.order);
}

}  // namespace thyrode::load
