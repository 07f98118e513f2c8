// Whether a companion keeps step with the plan's channel, while a step is measured.
#pragma once

#include <array>
#include <deque>

#include "daemon/analysis/step_analyzer.hpp"
#include "daemon/analysis/train_relation.hpp"
#include "daemon/experiment/step_data.hpp"

namespace thyrode::experiment {

/// Merges the spikes of two channels by their times and counts their phases. Spikes are told when they re-arm, a wide
/// one later than a narrow one that began after it; none is counted before it is known what the other channel did until
/// then.
class MeasuredRelation {
 public:
  /// @param own, beside  the plan's channel (train A) and the companion (train B)
  /// @param settled  data count from here, but for the settling that the rules leave out
  /// @param rules  of the step: its settling time, and spikes of the plan's channel that are settling
  MeasuredRelation(Channel own, Channel beside, Sample settled, const analysis::StepRules& rules,
                   const DeviceInfo& device);

  /// Takes the next datum in the order of StepData; those of other channels are none of it.
  void take(const StepDatum& datum);
  /// No data come any more.
  void close();
  analysis::TrainRelation result() const { return counter_.result(); }

 private:
  void count();

  std::array<Channel, 2> channels_;
  Ticks settled_;
  std::int64_t grid_;
  int settling_;  // spikes of the plan's channel still to come before any counts
  analysis::RelationCounter counter_;
  std::array<std::deque<Ticks>, 2> waiting_;
  std::array<Ticks, 2> known_;  // every spike before it is told
};

}  // namespace thyrode::experiment
