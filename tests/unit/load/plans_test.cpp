// What each plan of an experiment file becomes.
#include <gtest/gtest.h>

#include <map>

#include "daemon/experiment/load/checks.hpp"
#include "daemon/experiment/load/plan_extent.hpp"
#include "daemon/experiment/load/segments.hpp"
#include "tests/unit/load/plan_files.hpp"

namespace thyrode::load {
namespace {

template <class T>
T plan_of_type(const Experiment& e) {
  const T* plan = std::get_if<T>(&e.plan);
  EXPECT_NE(plan, nullptr) << "it is " << plan_word(e.plan);
  return plan == nullptr ? T{} : *plan;
}

std::string refusal(const std::string& rest, const std::map<std::string, std::string>& files = {}) {
  const auto named = [&](const std::string& name) -> Result<std::string> { return files.at(name); };
  const auto experiment = parse_experiment(head + rest, "e.yaml", named);
  return experiment ? "accepted" : experiment.error().message;
}

Station station(const std::string& limits = "[0 uA, 140 uA]", const std::string& safety = "") {
  const auto parsed = parse_station(
      "schema: thyrode.station/1\ndevice: sim:msn\nchannels: {A: {limits: " + limits + "}}\n" + safety, "s.yaml");
  EXPECT_TRUE(parsed.has_value()) << parsed.error().message;
  return parsed.value_or(Station{});
}

std::string against(const std::string& rest, const Station& s, const std::map<std::string, std::string>& files = {}) {
  const auto checked = check_against(parsed(rest, files), s);
  return checked ? "accepted" : checked.error().message;
}

// ---------------------------------------------------------------- adaptive_sweep

TEST(AdaptivePlan, HasTheDocumentedDefaults) {
  const auto plan = plan_of_type<AdaptivePlan>(parsed("plan: adaptive_sweep\ncurrent: {start: 30 uA, stop: 120 uA}\n"));
  EXPECT_EQ(plan.start.si(), 30e-6);
  EXPECT_EQ(plan.stop.si(), 120e-6);
  EXPECT_EQ(plan.min_step.si(), 0.0);
  EXPECT_EQ(plan.max_step.si(), 0.0);
  EXPECT_EQ(plan.first_points, 9);
  EXPECT_EQ(plan.transition, 0.002);
  EXPECT_EQ(plan.curve, 0.03);
  EXPECT_FALSE(plan.ci_rel_beta.has_value());
  EXPECT_EQ(plan.approach, Approach::from_below);
  EXPECT_FALSE(plan.lead.has_value());
  EXPECT_EQ(plan.sentinel_every, 10);
  EXPECT_EQ(plan.budget.points, 1000);
  EXPECT_FALSE(plan.budget.time.has_value() || plan.budget.charge.has_value());
}

TEST(AdaptivePlan, ReadsEveryKey) {
  const auto plan = plan_of_type<AdaptivePlan>(
      parsed("plan: adaptive_sweep\n"
             "current: {start: 30 uA, stop: 120 uA, min_step: 20 nA, max_step: 2 uA, first_points: 13}\n"
             "targets: {transition: 0.1 %, curve: 5 %, ci_rel_beta: 10 %}\n"
             "budget: {points: 120, time: 20 min, charge: 50 mC}\n"
             "approach: from_above\nlead: 400 ms\nsentinel: 25\n"));
  EXPECT_EQ(plan.min_step.si(), 20e-9);
  EXPECT_EQ(plan.max_step.si(), 2e-6);
  EXPECT_EQ(plan.first_points, 13);
  EXPECT_EQ(plan.transition, 0.001);
  EXPECT_EQ(plan.curve, 0.05);
  EXPECT_EQ(plan.ci_rel_beta, 0.1);
  EXPECT_EQ(plan.budget.points, 120);
  EXPECT_EQ(plan.budget.time->si(), 1200.0);
  EXPECT_EQ(plan.budget.charge->si(), 0.05);
  EXPECT_EQ(plan.approach, Approach::from_above);
  EXPECT_EQ(plan.lead->si(), 0.4);
  EXPECT_EQ(plan.sentinel_every, 25);
}

TEST(AdaptivePlan, SwitchesTargetsAndSentinelOff) {
  const auto plan =
      plan_of_type<AdaptivePlan>(parsed("plan: adaptive_sweep\ncurrent: {start: 30 uA, stop: 120 uA}\nsentinel: off\n"
                                        "targets: {curve: off, ci_rel_beta: off}\n"));
  EXPECT_FALSE(plan.curve.has_value());
  EXPECT_FALSE(plan.ci_rel_beta.has_value());
  EXPECT_EQ(plan.sentinel_every, 0);
}

TEST(AdaptivePlan, TakesAnyLeastStepWithWhichItsTargetCanBeReached) {
  const std::string current = "plan: adaptive_sweep\ncurrent: {start: 30 uA, stop: 120 uA, min_step: ";
  EXPECT_EQ(refusal(current + "90 nA}\n"), "accepted");
  EXPECT_NE(refusal(current + "90.1 nA}\n"), "accepted");
  EXPECT_EQ(refusal(current + "90.1 nA}\ntargets: {transition: 0.3 %}\n"), "accepted");
}

// ---------------------------------------------------------------- ramp, hysteresis, pairs

TEST(RampPlan, RunsTheWayThatItsDirectionSays) {
  const std::string ramp = "plan: ramp\ncurrent: {start: 30 uA, stop: 60 uA, slope: 500 nA/s}\nrows: 60\n";
  const auto up = plan_of_type<RampPlan>(parsed(ramp));
  EXPECT_EQ(up.start.si(), 30e-6);
  EXPECT_EQ(up.stop.si(), 60e-6);
  EXPECT_EQ(up.slope.si(), 500e-9);
  EXPECT_EQ(up.rows, 60);
  EXPECT_FALSE(up.there_and_back);
  const auto down = plan_of_type<RampPlan>(parsed(ramp + "direction: down\n"));
  EXPECT_EQ(down.start.si(), 60e-6);
  EXPECT_EQ(down.stop.si(), 30e-6);
  EXPECT_FALSE(down.there_and_back);
  const auto both = plan_of_type<RampPlan>(parsed(ramp + "direction: both\n"));
  EXPECT_EQ(both.start.si(), 30e-6);
  EXPECT_TRUE(both.there_and_back);
}

TEST(HysteresisPlan, TakesARangeOrARisingList) {
  const auto range =
      plan_of_type<HysteresisPlan>(parsed("plan: hysteresis\ncurrent: {start: 1 uA, stop: 3 uA, step: 1 uA}\n"));
  const auto list = plan_of_type<HysteresisPlan>(parsed("plan: hysteresis\ncurrent: [1 uA, 2 uA, 3 uA]\n"));
  EXPECT_EQ(range.currents, list.currents);
  EXPECT_EQ(range.currents.size(), 3U);
}

TEST(BetaPlan, ReadsEveryKey) {
  const auto plain = plan_of_type<BetaPlan>(parsed(two_pairs));
  EXPECT_EQ(plain.currents.size(), 2U);
  EXPECT_EQ(plain.offset.si(), 500e-9);
  EXPECT_EQ(plain.ci_rel_beta, 0.1);
  EXPECT_EQ(plain.most_pairs, 100);
  const auto full = plan_of_type<BetaPlan>(parsed(two_pairs + "targets: {ci_rel_beta: 5 %}\nmax_pairs: 12\n"));
  EXPECT_EQ(full.ci_rel_beta, 0.05);
  EXPECT_EQ(full.most_pairs, 12);
}

// ---------------------------------------------------------------- phase_map and neuron

TEST(PhaseMapPlan, TakesTheVariablePartAsItsKnob) {
  const auto plan = plan_of_type<PhaseMapPlan>(parsed(map_of_tau));
  EXPECT_EQ(plan.resolution.si(), 1e-6);
  EXPECT_EQ(plan.knob.name, "tau_L");
  EXPECT_FALSE(plan.knob.operator_sets);
  EXPECT_EQ(plan.knob.start, 0.05e-3);
  EXPECT_EQ(plan.knob.stop, 0.69e-3);
  EXPECT_EQ(plan.knob.resolution, 5e-6);
  EXPECT_EQ(plan.knob.unit, "ms");
  EXPECT_EQ(plan.knob.one, 1e-3);
  EXPECT_EQ(plan.coarse, 9);
  EXPECT_TRUE(plan.remeasure);
  EXPECT_FALSE(plan.budget.points.has_value());
}

TEST(PhaseMapPlan, TakesAnOperatorWithUnitsThatAreKnownAndSuchThatAreNot) {
  const std::string current = "plan: phase_map\ncurrent: {start: 10 uA, stop: 42 uA, resolution: 1 uA}\ncoarse: 5\n";
  const auto known = plan_of_type<PhaseMapPlan>(
      parsed(current + "operator: {quantity: g_c, unit: mS, start: 500 uS, stop: 4.5 mS, resolution: 0.5 mS}\n"));
  EXPECT_EQ(known.knob.name, "g_c");
  EXPECT_TRUE(known.knob.operator_sets);
  EXPECT_EQ(known.knob.start, 0.5e-3);
  EXPECT_EQ(known.knob.stop, 4.5e-3);
  EXPECT_EQ(known.knob.unit, "mS");
  EXPECT_EQ(known.knob.one, 1e-3);
  const auto unknown = plan_of_type<PhaseMapPlan>(parsed(
      current + "operator: {quantity: knob, unit: turns, start: -1.5 turns, stop: 2.5turns, resolution: 1 turns}\n"));
  EXPECT_EQ(unknown.knob.start, -1.5);
  EXPECT_EQ(unknown.knob.stop, 2.5);
  EXPECT_EQ(unknown.knob.one, 1.0);
  EXPECT_EQ(unknown.knob.unit, "turns");
  const auto bare =
      plan_of_type<PhaseMapPlan>(parsed(current + "operator: {quantity: tap, start: 1, stop: 9, resolution: 2}\n"));
  EXPECT_EQ(bare.knob.stop, 9.0);
  EXPECT_EQ(bare.knob.unit, "");
}

TEST(Neuron, IsSetByTheDeviceAndByAnOperator) {
  const Experiment e = parsed(
      "plan: list\ncurrent: [45 uA]\n"
      "neuron: {tau_L: 0.3 ms, operator: {quantity: temperature, unit: degC, value: 25 degC}}\n");
  ASSERT_EQ(e.neuron.size(), 2U);
  EXPECT_EQ(e.neuron[0].name, "tau_L");
  EXPECT_FALSE(e.neuron[0].operator_sets);
  EXPECT_EQ(e.neuron[0].value, 0.3e-3);
  EXPECT_EQ(e.neuron[1].name, "temperature");
  EXPECT_TRUE(e.neuron[1].operator_sets);
  EXPECT_EQ(e.neuron[1].value, 25.0);
  EXPECT_TRUE(asks_operator(e));
  EXPECT_FALSE(asks_operator(parsed(map_of_tau)));
}

TEST(Operator, AMessageSaysWhereTheKeyBelongs) {
  const std::string list = "plan: list\ncurrent: [40 uA]\n";
  const std::string map = "plan: phase_map\ncurrent: {start: 30 uA, stop: 46 uA, resolution: 2 uA}\n";
  const auto says = [](const std::string& message, const std::string& place, const std::string& text) {
    EXPECT_EQ(message.substr(0, place.size()), place) << message;
    EXPECT_NE(message.find(text), std::string::npos) << message;
  };
  const std::string once = "\"neuron: {operator: {quantity: C_L, unit: uF, value: 1 uF}}\"";
  says(refusal(list + "operator: {quantity: bath, value: 1}\n"), "e.yaml:5:1: ", once);
  says(refusal(list + "tau_L: 0.3 ms\n"), "e.yaml:5:1: ", "\"neuron: {tau_L: 0.3 ms}\"");
  says(refusal(map + "operator: {quantity: bath, value: 1}\n"), "e.yaml:5:35: ", once);
  says(refusal(map + "neuron: {operator: {quantity: bath, start: 1, stop: 9, resolution: 1}}\n"),
       "e.yaml:3:7: ", "or operator, which somebody sets by hand");
  says(refusal(list + "neuron: {operator: {quantity: bath, start: 1, stop: 9, resolution: 1}}\n"),
       "e.yaml:5:44: ", "beside `plan`: \"operator: {quantity: C_L");
  says(refusal(list + "neuron: {C_m: 1 uF}\n"), "e.yaml:5:10: ", once);
  says(refusal(list + "neuron: {tau_l: 0.3 ms}\n"), "e.yaml:5:10: ", "did you mean 'tau_L'?");
  says(refusal(map), "e.yaml:3:7: ", "a phase map needs a second parameter");
}

TEST(Plans, RefuseWhatTheyCouldNotCarryOutAsItIsWritten) {
  const std::string ramp = "plan: ramp\ncurrent: {start: 30 uA, stop: 60 uA, slope: 10 uA/s}\n";
  EXPECT_EQ(refusal(ramp + "rows: 300\n"), "accepted");
  EXPECT_EQ(refusal(ramp + "rows: 301\n"),
            "e.yaml:5:7: rows: 301 rows of a ramp of 3 s last 9.967 ms each; a row lasts 10 ms at least, write at most "
            "300 or a smaller slope");
  const std::string adaptive = "plan: adaptive_sweep\ncurrent: {start: 30 uA, stop: 60 uA}\n";
  EXPECT_EQ(refusal(adaptive + "budget: {points: 9}\n"), "accepted");
  EXPECT_EQ(
      refusal(adaptive + "budget: {points: 8}\n"),
      "e.yaml:5:18: budget.points: 8 are fewer than the 9 points with which the plan begins; write 9 at least, or "
      "a smaller current.first_points");
  EXPECT_NE(refusal("plan: adaptive_sweep\ncurrent: {start: 30 uA, stop: 60 uA, min_step: 1e-20 A}\n")
                .find("e.yaml:4:48: current.min_step: 1e-20 A is out of range; it must be from 1 pA to 100 mA"),
            std::string::npos);
  EXPECT_EQ(refusal("plan: sweep\ncurrent: {start: 30 uA, stop: 30.001 uA, points: 2}\n"),
            "e.yaml:4:31: current.stop: 30 uA lies 1 nA above current.start, and a source tells 10 nA apart; make stop "
            "larger");
  EXPECT_EQ(
      refusal("plan: beta_n\ncurrent: [36.4 uA, 45.3 uA, 36.4 uA]\noffset: 1 uA\n"),
      "e.yaml:4:29: current[2]: 36.4 uA stands before it already; its pairs would be counted together, write each "
      "current once, with more max_pairs");
  EXPECT_EQ(refusal("plan: hysteresis\ncurrent: [36.4 uA]\n"),
            "e.yaml:4:10: current has 1 entry; it must have from 2 to 33333");
  EXPECT_EQ(refusal("plan: sequence\nparts:\n  - {name: a b, plan: list, current: [40 uA]}\n").substr(0, 38),
            "e.yaml:5:12: parts[0].name 'a b' canno")
      << "not the name of the experiment";
  EXPECT_NE(refusal("plan: steps\nsegments: [{hold: 40 uA, for: nan s}]\n").find("write for example \"45.3 ms\""),
            std::string::npos);
  EXPECT_NE(refusal("plan: list\ncurrent: [40 uA]\ndwell: {stop_when: 2 %}\n").find("a map with the key ci_rel_f"),
            std::string::npos);
}

TEST(Labels, AreTheNumbersOfTheRule) {
  const Experiment e = parsed(
      "plan: list\ncurrent: [45 uA]\nlabels: {f_FS: 55 Hz, tonic_cv: 0.1, irregular_cv: 0.3, least_share: 0.25}\n");
  EXPECT_EQ(e.sweep.fast_spiking_hz, 55.0);
  EXPECT_EQ(e.labels.tonic_cv, 0.1);
  EXPECT_EQ(e.labels.irregular_cv, 0.3);
  EXPECT_EQ(e.labels.least_share, 0.25);
  const Experiment plain = parsed("plan: list\ncurrent: [45 uA]\n");
  EXPECT_EQ(plain.labels, analysis::LabelRules{});
  EXPECT_FALSE(plain.sweep.fast_spiking_hz.has_value());
}

// ---------------------------------------------------------------- steps

TEST(StepsPlan, ReadsEverySegment) {
  const Experiment e = parsed(every_segment, wave);
  const auto plan = plan_of_type<StepsPlan>(e);
  ASSERT_EQ(plan.segments.size(), 6U);
  using Kind = SegmentPlan::Kind;
  EXPECT_EQ(plan.segments[0].kind, Kind::hold);
  EXPECT_EQ(plan.segments[0].length.si(), 2.0);
  EXPECT_EQ(plan.segments[1].kind, Kind::step);
  EXPECT_EQ(plan.segments[1].length.si(), 0.0);
  EXPECT_EQ(plan.segments[2].kind, Kind::ramp);
  EXPECT_EQ(plan.segments[2].current.si(), 90e-6);
  EXPECT_EQ(plan.segments[3].base.si(), 20e-6);
  EXPECT_EQ(plan.segments[3].width.si(), 0.1);
  EXPECT_EQ(plan.segments[3].period.si(), 0.25);
  EXPECT_EQ(plan.segments[4].sd.si(), 5e-6);
  EXPECT_EQ(plan.segments[4].tau.si(), 0.1);
  EXPECT_EQ(plan.segments[4].seed, 7U);
  EXPECT_EQ(plan.segments[5].kind, Kind::waveform);
  ASSERT_EQ(plan.segments[5].samples.size(), 2U);
  EXPECT_EQ(plan.segments[5].samples[1].second.si(), 45.3e-6);
  EXPECT_EQ(plan.segments[5].length.si(), 0.5);
  EXPECT_EQ(e.files, wave) << "the bytes are kept for the recording";
}

TEST(StepsPlan, NamesThePlaceInTheExperimentAndInTheWaveform) {
  EXPECT_EQ(refusal("plan: steps\nsegments:\n  - {waveform: w.csv}\n", {{"w.csv", "time_s,current_ua\n0,1\n0,2\n"}}),
            "e.yaml:5:16: segments[0].waveform: w.csv:3:1: the time 0 is not after 0 s before it; times rise");
  EXPECT_NE(refusal("plan: steps\nsegments:\n  - {waveform: w.csv}\n", {{"w.csv", "time_s,current_ua\n0,1\n1e-3,2\n"}})
                .find("a segment lasts 10 ms at least"),
            std::string::npos);
}

std::string wave_error(const std::string& text) {
  const auto samples = parse_waveform(text, "w.csv");
  return samples ? "accepted" : samples.error().message;
}

TEST(Waveform, ReadsEveryUnitAndPassesOverComments) {
  const auto samples = parse_waveform(
      "\xEF\xBB\xBF# from the bench\r\n\r\n\"time_us\",\"current_na\"\r\n0,45300\r\n+2e6, -1.5\r\n", "w");
  ASSERT_TRUE(samples.has_value()) << samples.error().message;
  ASSERT_EQ(samples->size(), 2U);
  EXPECT_EQ((*samples)[0].second.si(), 45.3e-6);
  EXPECT_EQ((*samples)[1].first.si(), 2.0);
  EXPECT_EQ((*samples)[1].second.si(), -1.5e-9);
}

TEST(Waveform, SaysInWhichLineItIsWrong) {
  const std::string names = "time_s,current_ua\n";
  EXPECT_EQ(wave_error("0,1\n1,2\n"),
            "w.csv:1:1: '0,1' does not name the columns and their units; begin with for example \"time_s,current_ua\" "
            "(time in s, ms or us, current in a, ma, ua or na)");
  EXPECT_EQ(wave_error(names + "0,1\n\n1;2\n"),
            "w.csv:4:1: '1;2' is not two columns; write time and current separated by one comma");
  EXPECT_EQ(wave_error(names + "0,1\n1,2,3\n"),
            "w.csv:3:1: '1,2,3' is not two columns; write time and current separated by one comma");
  EXPECT_EQ(wave_error(names + "0,1\n1,nan\n"), "w.csv:3:3: 'nan' is not a number; write for example 45.3");
  EXPECT_EQ(wave_error(names + "1,1\n2,2\n"),
            "w.csv:2:1: the first time is 1; times count from the beginning of the segment, write 0");
  EXPECT_EQ(wave_error(names + "0,45.3\n1,450000\n"),
            "w.csv:3:3: 450 mA is out of range; it must be from -100 mA to 100 mA");
  EXPECT_EQ(wave_error(names + "0,1\n"), "w.csv:2:1: the file has 1 sample; a waveform has two at least");
  EXPECT_EQ(wave_error(""), "w.csv:1:1: the file has 0 samples; a waveform has two at least");
}

// ---------------------------------------------------------------- sequence

TEST(SequencePlan, HasPartsWithConditions) {
  const auto plan = plan_of_type<SequencePlan>(parsed(three_parts));
  ASSERT_EQ(plan.parts.size(), 3U);
  EXPECT_EQ(plan.parts[0].name, "look");
  EXPECT_EQ(plan_word(plan.parts[0].plan), "list");
  EXPECT_FALSE(plan.parts[0].when_label || plan.parts[0].when_answered);
  EXPECT_EQ(plan.parts[1].when_label, analysis::Label::FS);
  EXPECT_EQ(plan.parts[2].when_answered, "Is it warm?");
  ASSERT_EQ(plan.parts[2].neuron.size(), 1U);
  EXPECT_EQ(plan.parts[2].neuron[0].value, 0.2e-3);
}

TEST(SequencePlan, PointsIntoItsParts) {
  const Experiment e = parsed(three_parts);
  EXPECT_EQ(e.source.at("parts[1].current.stop"), "e.yaml:6:80");
  EXPECT_EQ(
      against(three_parts, station("[0 uA, 80 uA]")),
      "e.yaml:5:49: parts[0].current[1]: 90 uA is above the station's limit of 80 uA for channel A (s.yaml:3:31); "
      "lower it or raise the limit");
}

// ---------------------------------------------------------------- against the station and the device

TEST(PlanCheck, RefusesALabelOfARowThatHasNoDataWhenItIsAskedFor) {
  const auto after = [](const std::string& first) {
    return against("plan: sequence\nparts:\n  - {name: a, " + first +
                       "}\n  - {name: b, plan: list, when: {label: FS}, current: [45 uA]}\n",
                   station());
  };
  EXPECT_EQ(after("plan: steps, segments: [{hold: 45 uA, for: 100 ms}]"),
            "e.yaml:6:41: parts[1].when.label: the last row before it lasts 100 ms and is judged the station's "
            "decision_latency of 200 ms before its end, without data; make it 220 ms long at least, or end that part "
            "with a step");
  EXPECT_EQ(after("plan: steps, segments: [{hold: 45 uA, for: 100 ms}, {hold: 45 uA, for: 220 ms}]"), "accepted");
  EXPECT_EQ(after("plan: steps, segments: [{step: 45 uA}]"), "accepted");
  EXPECT_NE(after("plan: ramp, current: {start: 30 uA, stop: 60 uA, slope: 3 uA/s}").find("lasts 100 ms"),
            std::string::npos);
  EXPECT_EQ(after("plan: ramp, current: {start: 30 uA, stop: 60 uA, slope: 1 uA/s}, rows: 30"), "accepted");
  EXPECT_EQ(after("plan: list, current: [45 uA]"), "accepted");
}

TEST(PlanCheck, AsksForEveryCurrentThatAPlanReaches) {
  const Station narrow = station("[0 uA, 59 uA]");
  EXPECT_EQ(against("plan: beta_n\ncurrent: [58.7 uA]\noffset: 500 nA\n", narrow),
            "e.yaml:4:11: current[0] and offset: 59.2 uA is above the station's limit of 59 uA for channel A "
            "(s.yaml:3:31); lower it or raise the limit");
  EXPECT_NE(against("plan: ramp\ncurrent: {start: 30 uA, stop: 60 uA, slope: 1 uA/s}\ndirection: down\n", narrow)
                .find("e.yaml:4:31: current.stop: 60 uA is above"),
            std::string::npos);
  EXPECT_NE(against("plan: adaptive_sweep\ncurrent: {start: 30 uA, stop: 60 uA}\n", narrow).find("current.stop"),
            std::string::npos);
  EXPECT_NE(against("plan: hysteresis\ncurrent: [30 uA, 60 uA]\n", narrow).find("current[1]"), std::string::npos);
  EXPECT_NE(against(map_of_tau, narrow).find("current.stop"), std::string::npos);
  EXPECT_NE(against(every_segment, narrow, wave).find("e.yaml:6:12: segments[1].step: 60 uA"), std::string::npos);
  EXPECT_NE(against("plan: steps\nsegments:\n  - {noise: 45 uA, sd: 4 uA, tau: 1 s, for: 9 s}\n", narrow)
                .find("segments[0].noise and 4 sd: 61 uA is above"),
            std::string::npos);
  EXPECT_NE(against("plan: steps\nsegments: [{waveform: w.csv}]\n", narrow,
                    {{"w.csv", "time_s,current_ua\n0,5\n1,60\n2,5\n"}})
                .find("segments[0].waveform, at 1 s: 60 uA is above"),
            std::string::npos);
}

TEST(PlanCheck, CountsTheChargeOfTheLargestCurrent) {
  EXPECT_NE(against("plan: ramp\ncurrent: {start: 30 uA, stop: 60 uA, slope: 1 uA/s}\n",
                    station("[0 uA, 140 uA]", "safety: {max_charge: 3 mC/min}\n"))
                .find("current.stop: 60 uA carries 3.6 mC/min"),
            std::string::npos);
}

DeviceInfo device_with_part(bool part) {
  DeviceInfo info;
  info.uri = "serial:x";
  ChannelDescription channel;
  channel.label = "A";
  channel.command.scale = 98e-9;
  channel.lowest = Current::from_si(-200e-6);
  channel.highest = Current::from_si(200e-6);
  channel.fastest = Slew::from_si(20.0);
  if (part) {
    channel.part = VariablePart{Resistance::from_si(10.0), Resistance::from_si(500.0), Resistance::from_si(100.0),
                                Capacitance::from_si(1e-6)};
  }
  info.channels.push_back(channel);
  return info;
}

std::string on_device(const std::string& rest, bool part) {
  const auto checked = check_device(parsed(rest), station(), device_with_part(part));
  return checked ? "accepted" : checked.error().message;
}

TEST(PartCheck, RefusesADeviceWithoutThePartAndValuesOutsideItsRange) {
  const std::string list = "plan: list\ncurrent: [45 uA]\n";
  EXPECT_EQ(on_device(list + "neuron: {tau_L: 0.3 ms}\n", true), "accepted");
  EXPECT_EQ(on_device(list + "neuron: {R_L: 500 Ohm}\n", true), "accepted");
  EXPECT_EQ(
      on_device(list + "neuron: {tau_L: 0.3 ms}\n", false),
      "e.yaml:5:17: neuron.tau_L: channel A of serial:x has no variable part that could set it; take a device that "
      "has one, or let somebody set it by hand: \"operator: {quantity: tau_L, unit: ms, ...}\"");
  EXPECT_EQ(
      on_device(list + "neuron: {tau_L: 0.6 ms}\n", true),
      "e.yaml:5:17: neuron.tau_L: tau_L of 600 us is outside the 10 us to 500 us that channel A of the device can "
      "set");
  EXPECT_NE(on_device(map_of_tau, true).find("tau_L.stop: tau_L of 690 us is outside"), std::string::npos);
  EXPECT_EQ(on_device(list + "neuron: {operator: {quantity: tau_L, unit: ms, value: 0.6 ms}}\n", false), "accepted");
  EXPECT_NE(
      on_device("plan: sequence\nparts:\n  - {name: a, plan: list, current: [45 uA], neuron: {R_L: 1 Ohm}}\n", true)
          .find("parts[0].neuron.R_L: R_L of 1 Ohm is outside the 10 Ohm to 500 Ohm"),
      std::string::npos);
}

}  // namespace
}  // namespace thyrode::load
