// One step while it is measured: its data go to the analyzer here, the first time and when they are read back.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "daemon/analysis/step_analyzer.hpp"
#include "daemon/experiment/step_data.hpp"

namespace thyrode::experiment {

/// What goes on from one step to the next on a channel.
struct Carried {
  std::optional<Ticks> open_since;  ///< crossing of a spike that had not re-armed at the last level record
  Sample gap_end{};                 ///< of the last gap
  analysis::OutputMemory output;    ///< of the steps so far
};

/// Notes what goes on from a datum, whether a step has taken it or not.
void pass_over(const StepDatum& datum, std::int64_t grid, Carried& carried);

class MeasuredStep {
 public:
  /// @param device  outlives the step
  /// @param settled  data count from here
  /// @param carried  as the step before has left it
  MeasuredStep(const analysis::StepRules& rules, const DeviceInfo& device, Channel channel, Sample settled,
               const Carried& carried);

  /// Takes the next datum in the order of StepData; pass_over() it afterwards.
  void take(const StepDatum& datum);
  /// The step's rules at a mark.
  analysis::Verdict evaluate(Sample mark) { return analyzer_.evaluate(to_ticks(mark)); }
  /// No data come any more: a spike that has not re-armed yet (a plateau) began in this step.
  void close(Sample end, const Carried& carried);

  /// The row as far as `end`; what the plan knows of it is the caller's.
  /// @param planned  the current, where no level record has told it
  analysis::StepResult row(Sample end, Current planned) const;
  std::vector<std::uint32_t> isi_counts() const;
  /// g_n of the step. @param end  as for row()
  analysis::PairCorrelation correlation(Sample end) const { return analyzer_.train().correlation(to_ticks(end)); }
  /// For the next step on the channel.
  const analysis::OutputMemory& output_memory() const { return analyzer_.output_memory(); }
  const analysis::StepAnalyzer& analyzer() const { return analyzer_; }

 private:
  void spike(const protocol::SpikeRecord& record);
  void level(const protocol::LevelRecord& record);

  const ChannelDescription* channel_;
  Ticks settled_;
  analysis::StepAnalyzer analyzer_;
  std::int64_t command_sum_ = 0;
  std::int64_t command_count_ = 0;
};

}  // namespace thyrode::experiment
