// Whether a companion keeps step with the plan's channel, while a step is measured.
#pragma once

#include <array>
#include <deque>

#include "daemon/analysis/train_relation.hpp"
#include "daemon/experiment/step_data.hpp"

namespace thyrode::experiment {

/// Merges the spikes of two channels by their times and counts their phases. Spikes are told when they re-arm, a wide
/// one later than a narrow one that began after it; none is counted before it is known what the other channel did until
/// then.
class MeasuredRelation {
 public:
  /// @param own, beside  the plan's channel (train A) and the companion (train B)
  /// @param settled  data count from here
  /// @param grid  samples of a period of the decision grid
  MeasuredRelation(Channel own, Channel beside, Sample settled, std::int64_t grid)
      : channels_{own, beside}, settled_{to_ticks(settled)}, grid_{grid}, known_{settled_, settled_} {}

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
  analysis::RelationCounter counter_;
  std::array<std::deque<Ticks>, 2> waiting_;
  std::array<Ticks, 2> known_;  // every spike before it is told
};

}  // namespace thyrode::experiment
