// A bench without an instrument: measures what a strategy asks for and counts the time that a device would take.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "daemon/analysis/step_analyzer.hpp"
#include "daemon/experiment/strategy.hpp"
#include "firmware/neurons/neuron.hpp"

namespace thyrode::support {

/// Measures one planned step after the other.
class PlanBench {
 public:
  virtual ~PlanBench() = default;
  /// @returns the finished row: current, label, f with its interval, and when it was measured
  virtual analysis::StepResult measure(const experiment::PlannedStep& step) = 0;
  /// Seconds on the bench so far: leads, settling, steps and the decisions between them.
  double seconds() const { return seconds_; }

 protected:
  static constexpr double seconds_per_tick = 1.0 / (250e3 * 256.0);
  /// Writes what every row has: where it belongs and when it was.
  void close(analysis::StepResult& row, const experiment::PlannedStep& step, double measured_s);
  void pass(double duration_s) { seconds_ += duration_s; }

 private:
  double seconds_ = 0.0;
  int index_ = 0;
};

/// Carries a strategy out. @param most  steps; it ends there at the latest
std::vector<analysis::StepResult> carry_out(experiment::Strategy& strategy, PlanBench& bench, std::size_t most);

/// The currents of a uniform sweep, upwards, as steps.
std::vector<experiment::PlannedStep> uniform_steps(Current start, Current stop, int points);

/// What a neuron does at one current, for ever.
struct Firing {
  analysis::Label label = analysis::Label::QH;
  double frequency_hz = 0.0;  ///< 0: silent
  double cv = 0.0;            ///< of the events that f counts
};

/// A curve with everything that a scan has to cope with, currents in µA: silent below 36.03, bursting up to 47.37 with
/// f from 20 to 140 Hz, then regular, where f jumps by a factor of 1.6 at 81.7, latched above 114.6.
Firing textbook_firing(double current_ua);
inline constexpr double textbook_borders_ua[] = {36.03, 47.37, 114.6};
inline constexpr double textbook_jump_ua = 81.7;

/// Rows drawn from a curve by chance, as the stopping rule of a step would give them.
class SyntheticBench final : public PlanBench {
 public:
  struct Options {
    double relative_precision = 0.02;
    double silence_s = 3.0;     ///< of a silent step
    double settling_s = 0.1;    ///< of any step
    double wrong_labels = 0.0;  ///< share of rows that have another label than they should
    double drift_per_s = 0.0;   ///< of ln f
    std::uint64_t seed = 1;
  };
  SyntheticBench(Firing (*firing)(double current_ua), const Options& options);
  analysis::StepResult measure(const experiment::PlannedStep& step) override;

 private:
  Firing (*firing_)(double);
  Options options_;
  std::uint64_t state_;
};

/// A simulated neuron whose spikes go through StepAnalyzer; its state goes on from step to step.
class SimulatedBench final : public PlanBench {
 public:
  SimulatedBench(std::unique_ptr<neurons::Neuron> neuron, const analysis::StepRules& rules);
  analysis::StepResult measure(const experiment::PlannedStep& step) override;

 private:
  struct Watch;
  void hold(double current_si, double duration_s);
  std::unique_ptr<neurons::Neuron> neuron_;
  analysis::StepRules rules_;
};

/// The bursting neuron of experiments/neurons/mbn.yaml; the program runs from the root of the tree.
/// @param load_time_ms  tau_L
/// @param noise_ua  deviation of its noise current; 0: none
std::unique_ptr<neurons::Neuron> mbn(double load_time_ms, double noise_ua, std::uint64_t seed);

}  // namespace thyrode::support
