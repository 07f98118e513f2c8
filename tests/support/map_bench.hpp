// A plane whose labels are known, for strategies that map it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/experiment/load/plans.hpp"
#include "tests/support/plan_bench.hpp"

namespace thyrode::support {

/// The true labels on a grid, row by row.
struct TrueMap {
  int columns = 0;
  int rows = 0;
  std::vector<analysis::Label> labels;
  analysis::Label at(int column, int row) const {
    return labels[static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(column)];
  }
};

/// The map of the model of experiments/neurons/mbn.yaml, 129 x 129: tests/data/maps/mbn_129.txt. The program runs from
/// the root of the tree.
TrueMap mbn_map();
/// A plane with a wedge, an oblique border and a strip, 129 x 129.
TrueMap synthetic_map();

/// The plan that maps it: the range of currents and of tau_L of mbn_129.txt, at the resolution of the map.
load::PhaseMapPlan map_plan(const TrueMap& map);

/// Tells the labels of a map, a share of them wrong.
class MapBench final : public PlanBench {
 public:
  MapBench(const TrueMap& map, double wrong_labels, std::uint64_t seed);
  analysis::StepResult measure(const experiment::PlannedStep& step) override;

 private:
  const TrueMap& map_;
  load::PhaseMapPlan plan_;
  double wrong_labels_;
  std::uint64_t state_;
};

}  // namespace thyrode::support
