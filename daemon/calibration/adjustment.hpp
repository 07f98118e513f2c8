// Least squares of many lines that share what they were drawn from. Private to this room.
#pragma once

#include <Eigen/Dense>
#include <array>
#include <cstddef>
#include <vector>

namespace thyrode::calibration {

/// An observation: residual = observed - predicted, its derivative by the shared parameters, and by the current of one
/// level, of which there are many.
struct Observation {
  static constexpr int shared = 9;
  using Row = Eigen::Matrix<double, shared, 1>;
  double residual = 0.0;
  Row by_shared = Row::Zero();
  double by_level = 0.0;
  int level = -1;             ///< -1: none
  std::size_t group = 0;      ///< whose variance it has
  double factor = 1.0;        ///< of that variance: above 1 where it says less than it seems to
  std::size_t converter = 0;  ///< which one was read
};

struct Adjusted {
  Observation::Row step = Observation::Row::Zero();  ///< of the shared parameters
  std::vector<double> level_steps;
  Eigen::Matrix<double, Observation::shared, Observation::shared> covariance;
  std::vector<double> redundancy;  ///< of each observation, 0 to 1; shape (observations)
  bool solvable = true;
};

/// One step of least squares. The levels are eliminated first, so that their number costs little.
/// @param variance  of each group
Adjusted adjust(const std::vector<Observation>& observations, std::size_t levels, const std::vector<double>& variance);

}  // namespace thyrode::calibration
