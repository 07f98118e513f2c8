#include "daemon/calibration/adjustment.hpp"

namespace thyrode::calibration {

Adjusted adjust(const std::vector<Observation>& observations, std::size_t levels, const std::vector<double>& variance) {
  constexpr int n = Observation::shared;
  using Square = Eigen::Matrix<double, n, n>;
  using Row = Observation::Row;
  Square normal = Square::Zero();
  Row right = Row::Zero();
  std::vector<Row> joint(levels, Row::Zero());  // shared times level
  std::vector<double> weight_of(levels, 0.0);
  std::vector<double> right_of(levels, 0.0);
  for (const Observation& seen : observations) {
    const double weight = 1.0 / (seen.factor * variance[seen.group]);
    normal += weight * seen.by_shared * seen.by_shared.transpose();
    right += weight * seen.residual * seen.by_shared;
    if (seen.level < 0) continue;
    const auto level = static_cast<std::size_t>(seen.level);
    joint[level] += weight * seen.by_level * seen.by_shared;
    weight_of[level] += weight * seen.by_level * seen.by_level;
    right_of[level] += weight * seen.by_level * seen.residual;
  }
  for (std::size_t k = 0; k < levels; ++k) {
    normal -= joint[k] * joint[k].transpose() / weight_of[k];
    right -= joint[k] * right_of[k] / weight_of[k];
  }
  Adjusted found;
  // Parameters differ by orders of magnitude: the matrix is brought to a unit diagonal first.
  const Row size = normal.diagonal().cwiseMax(1e-300).cwiseSqrt().cwiseInverse();
  const Square scaled = size.asDiagonal() * normal * size.asDiagonal();
  const Eigen::SelfAdjointEigenSolver<Square> solver{scaled};
  found.solvable = solver.info() == Eigen::Success && solver.eigenvalues()(0) > 1e-13;
  if (!found.solvable) return found;
  const Square inverse =
      solver.eigenvectors() * solver.eigenvalues().cwiseInverse().asDiagonal() * solver.eigenvectors().transpose();
  found.covariance = size.asDiagonal() * inverse * size.asDiagonal();
  found.step = found.covariance * right;
  found.level_steps.resize(levels);
  for (std::size_t k = 0; k < levels; ++k) {
    found.level_steps[k] = (right_of[k] - joint[k].dot(found.step)) / weight_of[k];
  }
  found.redundancy.reserve(observations.size());
  for (const Observation& seen : observations) {
    double spread = seen.by_shared.dot(found.covariance * seen.by_shared);
    if (seen.level >= 0) {
      const auto k = static_cast<std::size_t>(seen.level);
      const Row with_level = -(found.covariance * joint[k]) / weight_of[k];
      const double own = 1.0 / weight_of[k] - with_level.dot(joint[k]) / weight_of[k];
      spread += 2.0 * seen.by_level * seen.by_shared.dot(with_level) + seen.by_level * seen.by_level * own;
    }
    found.redundancy.push_back(1.0 - spread / (seen.factor * variance[seen.group]));
  }
  return found;
}

}  // namespace thyrode::calibration
