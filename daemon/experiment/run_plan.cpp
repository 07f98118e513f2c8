#include "daemon/experiment/run_plan.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "daemon/experiment/load/checks.hpp"
#include "daemon/experiment/load/file_plan.hpp"
#include "daemon/experiment/load/quantity_text.hpp"

namespace thyrode::experiment {
namespace {

/// Uncalibrated source and read-back may differ by their gain errors (1 % each) and offsets (5 codes each): 4 uA at
/// 130 uA. What differs by more than this is a broken wire or source.
constexpr Current readback_band = 10.0_uA;

Channel channel_of(const std::string& label, const DeviceInfo& device) {
  const auto found = std::find_if(device.channels.begin(), device.channels.end(),
                                  [&](const ChannelDescription& channel) { return channel.label == label; });
  return Channel{static_cast<std::uint8_t>(found - device.channels.begin())};
}

/// The output rests at zero before and after the run, so zero is always allowed.
LimitSettings limits_of(const std::string& label, const load::Station& station) {
  const load::StationChannel& wired = station.channels.at(label);
  return {std::min(wired.lowest, Current{}), std::max(wired.highest, Current{}), wired.slew,
          station.safety.v_compliance, readback_band};
}

/// Ideal converters may give the same code for ever.
PlausibilitySettings plausibility_of(const load::StationSafety& safety, const DeviceInfo& device) {
  return {device.noise_free ? 0 : safety.stuck,
          {safety.rail_v_out, safety.rail_v_m, safety.rail_i_read},
          safety.open_current,
          safety.open_band,
          safety.open_time};
}

/// The scales of IDENT are those of the reference front end; another gain would make every voltage wrong.
Result<void> check_front_end(const load::Experiment& experiment, const load::Station& station,
                             const DeviceInfo& device) {
  const load::StationChannel& wired = load::station_channel(experiment, station);
  const std::string place = "channels." + experiment.channel;
  if (wired.v_out_gain != 4.0 || wired.v_m_gain != 1.0) {
    const bool out = wired.v_out_gain != 4.0;
    const std::string key = place + (out ? ".V_out.gain" : ".V_m.gain");
    return station.source.error(key, fmt::format("{}: {} does not fit the device, whose scales are for {}; wire the "
                                                 "front end for it",
                                                 key, out ? wired.v_out_gain : wired.v_m_gain, out ? 4 : 1));
  }
  const Scale& v_m = device.channels[channel_of(experiment.channel, device).index].signal(protocol::Signal::v_m);
  const double highest = v_m.value((1 << v_m.bits) - 2);
  if (station.safety.v_compliance.si() > highest) {
    return station.source.error(
        "safety.v_compliance",
        fmt::format("safety.v_compliance: {:.3g} V is above the {:.3g} V that the device can see on V_m; lower it",
                    station.safety.v_compliance.si(), highest));
  }
  return {};
}

/// Checks what a plan makes of pieces of the command.
/// @param prefix  of its paths: "" or "parts[1]."
Result<void> check_pieces(const load::Experiment& experiment, const load::SinglePlan& plan, const std::string& prefix,
                          const PieceLimits& limits) {
  const bool ramp = std::holds_alternative<load::RampPlan>(plan);
  const auto* list = std::get_if<load::StepsPlan>(&plan);
  if (!ramp && list == nullptr) return {};
  for (std::size_t k = 0; list != nullptr && k < list->segments.size(); ++k) {
    const load::SegmentPlan& segment = list->segments[k];
    if (segment.kind != load::SegmentPlan::Kind::noise ||
        segment.tau.si() >= limits.least_piece().si() * (1.0 - 1e-6)) {
      continue;
    }
    const std::string path = fmt::format("{}segments[{}].tau", prefix, k);
    return experiment.source.error(
        path,
        fmt::format("{}: {} is shorter than the {} that a piece of the command lasts at least (so many are told {} "
                    "ahead); the noise would be slower than that, write {} or more, or lower the station's "
                    "decision_latency",
                    path, load::to_text(segment.tau),
                    load::format_rounded(limits.least_piece().si(), load::QuantityKind::duration),
                    load::format_rounded(limits.ahead.si(), load::QuantityKind::duration),
                    load::format_rounded(limits.least_piece().si(), load::QuantityKind::duration)));
  }
  const auto problem = find_problem(*known_steps(plan, limits.least_piece()), limits);
  if (!problem) return {};
  const std::string path = prefix + (ramp ? "current.slope" : fmt::format("segments[{}]", problem->step));
  return experiment.source.error(path, fmt::format("{}: {}", path, problem->text));
}

Result<void> add_steps(const load::Experiment& experiment, const DeviceInfo& device, RunPlan& plan) {
  const PieceLimits limits = piece_limits(plan, device);
  if (const auto* sequence = std::get_if<load::SequencePlan>(&experiment.plan)) {
    for (std::size_t k = 0; k < sequence->parts.size(); ++k) {
      auto checked = check_pieces(experiment, sequence->parts[k].plan, fmt::format("parts[{}].", k), limits);
      if (!checked) return checked;
    }
  } else {
    const load::SinglePlan single = *load::single_plan(experiment.plan);
    if (auto checked = check_pieces(experiment, single, "", limits); !checked) return checked;
    if (auto steps = known_steps(single, limits.least_piece())) {
      plan.steps = *std::move(steps);
      for (PlannedStep& step : plan.steps) {
        for (const load::NeuronSetting& setting : experiment.neuron) step.conditions[setting.name] = setting.value;
      }
      return {};
    }
  }
  const auto kept = std::make_shared<const load::Experiment>(experiment);
  plan.strategy = [kept, rules = plan.rules, least = limits.least_piece()] {
    return make_strategy(*kept, rules, least);
  };
  return {};
}

void add_knobs(const load::Experiment& experiment, RunPlan& plan) {
  const auto add = [&plan](const std::string& name, bool operator_sets, const std::string& unit, double one) {
    plan.asks = plan.asks || operator_sets;
    if (plan.knob(name) == nullptr) plan.knobs.push_back({name, operator_sets, unit, one});
  };
  const auto add_settings = [&](const std::vector<load::NeuronSetting>& neuron) {
    for (const load::NeuronSetting& s : neuron) add(s.name, s.operator_sets, s.unit, s.one);
  };
  const auto add_map = [&](const load::PhaseMapPlan& map) {
    add(map.knob.name, map.knob.operator_sets, map.knob.unit, map.knob.one);
  };
  add_settings(experiment.neuron);
  if (const auto* map = std::get_if<load::PhaseMapPlan>(&experiment.plan)) add_map(*map);
  const auto* sequence = std::get_if<load::SequencePlan>(&experiment.plan);
  if (sequence == nullptr) return;
  for (const load::SequencePartPlan& part : sequence->parts) {
    plan.asks = plan.asks || part.when_answered.has_value();
    add_settings(part.neuron);
    if (const auto* map = std::get_if<load::PhaseMapPlan>(&part.plan)) add_map(*map);
  }
}

}  // namespace

PieceLimits piece_limits(const RunPlan& plan, const DeviceInfo& device) {
  // Told the latency and one period ahead, at marks a period apart.
  constexpr Duration period = 10.0_ms;
  return {plan.limits.lowest, plan.limits.highest, plan.limits.slew, plan.decision_latency + 2.0 * period,
          device.queue_depth};
}

analysis::StepRules rules_of(const load::Dwell& dwell, const DeviceInfo& device, const analysis::LabelRules& labels,
                             Voltage least_peak) {
  analysis::StepRules rules;
  rules.least_peak = least_peak.si();
  rules.labels = labels;
  rules.relative_precision = dwell.ci_rel_f;
  rules.longest_s = dwell.max.si();
  rules.most_spikes = dwell.max_spikes;
  rules.f_min_hz = dwell.f_min.si();
  if (dwell.settle.tau_slow) {
    rules.membrane_tau_s = dwell.settle.tau_slow->si();
    rules.settle_drop_s = std::max(5.0 * dwell.settle.tau_slow->si(), 1e-3);
  }
  rules.settle_spikes = static_cast<int>(dwell.settle.spikes);
  rules.drift_p = dwell.settle.drift_p;
  // A crossing is interpolated between two samples: a tenth of a sample is what noise leaves of it.
  rules.timer_floor_s = 0.1 / device.sample_rate_hz;
  return rules;
}

Result<PartSettings> part_setting(const std::string& name, double value, const ChannelDescription& channel) {
  return load::part_load(name, value, channel).map([](Resistance load) { return PartSettings{load}; });
}

Result<RunPlan> make_run_plan(const load::Experiment& experiment, const load::Station& station,
                              const DeviceInfo& device, std::uint64_t seed) {
  const Frequency adc_rate = Frequency::from_si(device.sample_rate_hz);
  if (auto checked = load::check_against(experiment, station, adc_rate); !checked) {
    return tl::make_unexpected(checked.error());
  }
  if (auto checked = load::check_device(experiment, station, device); !checked) {
    return tl::make_unexpected(checked.error());
  }
  RunPlan plan;
  plan.name = experiment.name;
  plan.seed = seed;
  plan.channel = channel_of(experiment.channel, device);
  plan.rules = rules_of(experiment.dwell, device, experiment.labels, experiment.least_peak);
  plan.sweep = experiment.sweep;
  plan.detector = experiment.detect;
  plan.telemetry.decimation = load::trace_decimation(experiment, station, adc_rate);
  if (experiment.snippets) {
    plan.snippets = {true, experiment.snippets->before, experiment.snippets->after,
                     experiment.snippets->most_per_second};
  }
  plan.limits = limits_of(experiment.channel, station);
  for (const load::CompanionPlan& companion : experiment.companions) {
    plan.companions.push_back(
        {channel_of(companion.channel, device), companion.current, limits_of(companion.channel, station)});
  }
  if (auto checked = check_front_end(experiment, station, device); !checked)
    return tl::make_unexpected(checked.error());
  const auto files = load::plan_files(experiment, station, adc_rate);
  if (!files) return tl::make_unexpected(files.error());
  plan.roll_after = files->roll_after;
  plan.charge = {station.safety.max_charge_per_minute};
  plan.plausibility = plausibility_of(station.safety, device);
  plan.lease = station.safety.lease;
  plan.decision_latency = station.decision_latency;
  if (auto checked = add_steps(experiment, device, plan); !checked) return tl::make_unexpected(checked.error());
  add_knobs(experiment, plan);
  return plan;
}

}  // namespace thyrode::experiment
