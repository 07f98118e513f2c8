#include "daemon/experiment/run_plan.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "daemon/experiment/load/checks.hpp"

namespace thyrode::experiment {
namespace {

/// Uncalibrated source and read-back may differ by their gain errors (1 % each) and offsets (5 codes each): 4 uA at
/// 130 uA. What differs by more than this is a broken wire or source.
constexpr Current readback_band = 10.0_uA;

Channel channel_of(const load::Experiment& experiment, const DeviceInfo& device) {
  const auto found =
      std::find_if(device.channels.begin(), device.channels.end(),
                   [&](const ChannelDescription& channel) { return channel.label == experiment.channel; });
  return Channel{static_cast<std::uint8_t>(found - device.channels.begin())};
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
  const Scale& v_m = device.channels[channel_of(experiment, device).index].signal(protocol::Signal::v_m);
  const double highest = v_m.value((1 << v_m.bits) - 2);
  if (station.safety.v_compliance.si() > highest) {
    return station.source.error(
        "safety.v_compliance",
        fmt::format("safety.v_compliance: {:.3g} V is above the {:.3g} V that the device can see on V_m; lower it",
                    station.safety.v_compliance.si(), highest));
  }
  return {};
}

}  // namespace

analysis::StepRules rules_of(const load::Dwell& dwell, const DeviceInfo& device) {
  analysis::StepRules rules;
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
  if (!channel.part || (name != "tau_L" && name != "R_L")) {
    return fail(ErrorKind::bad_input,
                fmt::format("channel {} of the device cannot set {}: let an operator set it, or take a device that "
                            "has the variable part",
                            channel.label, name));
  }
  const VariablePart& part = *channel.part;
  const double load = name == "R_L" ? value : value / part.capacitance.si();
  if (load < part.lowest.si() * (1.0 - 1e-9) || load > part.highest.si() * (1.0 + 1e-9)) {
    const double one = name == "R_L" ? 1.0 : part.capacitance.si();
    return fail(ErrorKind::bad_input,
                fmt::format("{} of {:.6g} is outside the {:.6g} to {:.6g} that channel {} of the device can set", name,
                            value, part.lowest.si() * one, part.highest.si() * one, channel.label));
  }
  return PartSettings{Resistance::from_si(load)};
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
  plan.channel = channel_of(experiment, device);
  for (const load::StepPlan& step : load::timetable(experiment)) {
    PlannedStep planned;
    planned.current = step.current;
    planned.direction = step.direction;
    planned.leg = step.leg;
    plan.steps.push_back(std::move(planned));
  }
  plan.rules = rules_of(experiment.dwell, device);
  plan.detector = experiment.detect;
  plan.telemetry.decimation = load::trace_decimation(experiment, station, adc_rate);
  if (experiment.snippets) {
    plan.snippets = {true, experiment.snippets->before, experiment.snippets->after,
                     experiment.snippets->most_per_second};
  }
  const load::StationChannel& wired = load::station_channel(experiment, station);
  // The output rests at zero before and after the run, so zero is always allowed.
  plan.limits = {std::min(wired.lowest, Current{}), std::max(wired.highest, Current{}), wired.slew,
                 station.safety.v_compliance, readback_band};
  if (auto checked = check_front_end(experiment, station, device); !checked)
    return tl::make_unexpected(checked.error());
  plan.lease = station.safety.lease;
  plan.decision_latency = station.decision_latency;
  return plan;
}

}  // namespace thyrode::experiment
