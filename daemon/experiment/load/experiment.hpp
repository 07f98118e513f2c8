// The experiment: which currents, in which order, how long each, and what is recorded.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/analysis/phase_label.hpp"
#include "daemon/analysis/result.hpp"
#include "daemon/analysis/sweep_analysis.hpp"
#include "daemon/experiment/load/plans.hpp"
#include "daemon/experiment/load/source.hpp"
#include "drivers/device.hpp"
#include "drivers/result.hpp"
#include "protocols/units.hpp"

namespace thyrode::load {

/// How the start of a step, where the neuron still settles, is told from the rest.
struct Settle {
  std::optional<Duration> tau_slow;  ///< slowest time constant, if known: 5 of them are dropped
  std::int64_t spikes = 0;           ///< spikes that are dropped at least
  double drift_p = 0.01;             ///< significance below which a step counts as drifting
};

/// When a step ends.
struct Dwell {
  Settle settle;
  double ci_rel_f = 0.02;                     ///< relative half width of the 95 % interval of f
  Duration max = Duration::from_si(60.0);     ///< ceiling
  std::int64_t max_spikes = 20000;            ///< ceiling
  Frequency f_min = Frequency::from_si(1.0);  ///< slower than this counts as quiescent
};

/// Windows of V_out at the full ADC rate around spikes.
struct Snippets {
  Duration before = Duration::from_si(1e-3);
  Duration after = Duration::from_si(4e-3);
  int most_per_second = 50;
};

/// What of V_out goes into the file besides spikes and levels.
struct Trace {
  enum class Mode : std::uint8_t {
    station,  ///< not written: at the rate of the station's channel
    off,
    rate,
    full,  ///< every ADC sample
  };
  Mode mode = Mode::station;
  Frequency rate;  ///< mode rate
};

/// A channel that is driven and measured beside the plan's own, as the partner of a network is.
struct CompanionPlan {
  std::string channel;
  std::optional<Current> current;  ///< held while the plan's channel has one; empty: the plan's current
};

/// An experiment file, schema thyrode.experiment/1.
struct Experiment {
  std::string name;
  std::string channel = "A";
  std::vector<CompanionPlan> companions;  ///< each channel once, and not the plan's
  Plan plan;
  std::vector<NeuronSetting> neuron;  ///< for all steps; each name once
  Dwell dwell;
  Trace trace;
  std::optional<Snippets> snippets;
  std::optional<Duration> roll_after;  ///< `record`: the run goes on in a new file with the next step after it
  DetectorSettings detect{protocol::Trigger::swing, Voltage::from_si(55e-3), {}, {}, Duration::from_si(50e-6)};
  Voltage least_peak;           ///< `detect`: a step most of whose spikes have lower peaks is aliased; 0: none
  analysis::LabelRules labels;  ///< `labels`: the numbers of the rule for one step
  analysis::SweepRules sweep;   ///< `labels`: what a user says of the whole sweep
  /// Places: "current.start", "current[3]", "parts[1].current.start", "record.trace", "dwell.max" ...
  Source source;
  /// Files that it names, byte for byte, by the names that it gives them.
  std::map<std::string, std::string> files;
};

/// One step of a sweep or a list.
struct StepPlan {
  Current current;
  analysis::Direction direction = analysis::Direction::none;
  int leg = 0;  ///< 0 is the first pass over the currents, 1 the second
};

/// Most steps of one experiment, over all legs.
inline constexpr std::int64_t most_steps = 100000;

/// Reads a file that an experiment names, by the name that it gives. Errors: bad_input, without a place.
using ReadNamedFile = std::function<Result<std::string>(const std::string& name)>;

/// Reads an experiment.
///
/// Keys and defaults: schema, name, plan: required, and the keys of the plan (read_plan()). channel: A.
/// companions: [{channel: B, current: CURRENT (the plan's)}].
/// neuron: {tau_L: VALUE or R_L: VALUE, set by the device's variable part; operator: {quantity, unit, value}, set by an
/// operator}. dwell: {settle: {tau_slow, spikes: 0, drift_p: 0.01}, stop_when: {ci_rel_f: 2 %}, max: 60 s,
/// max_spikes: 20000, f_min: 1 Hz}. record: {trace: RATE | full | off (the station's rate, by default 25 kS/s),
/// snippets: {before: 1 ms, after: 4 ms, max: 50 /s} (off), roll_after: TIME (as long as a file can be)}. detect:
/// {trigger: swing, swing: 55 mV, refractory: 50 us} or {trigger: level, fire, rearm, refractory}, and least_peak:
/// VOLTAGE (none) in both. labels: {f_FS: FREQUENCY (found from the jumps of the sweep), and every number of
/// analysis::LabelRules by its name}.
/// @param file_name  for messages only
/// @param files  gives the files that the experiment names; without it none can be named
/// Errors: bad_input, "file:line:column: what is wrong; what would be right", the first one found. No exception.
Result<Experiment> parse_experiment(std::string_view text, std::string_view file_name, const ReadNamedFile& files = {});
/// The same from a file; files that it names are looked for from its folder.
/// Errors: also an unreadable file, a directory, larger than 1 MiB.
Result<Experiment> load_experiment(const std::string& path);

/// Every step in the order of measurement. `both` goes up and then down; the turning point is measured once in each
/// leg. A list with a direction is sorted by it.
std::vector<StepPlan> timetable(const SweepPlan& plan);
std::vector<StepPlan> timetable(const ListPlan& plan);

}  // namespace thyrode::load
