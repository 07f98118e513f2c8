#include "daemon/analysis/train_relation.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <tuple>
#include <utility>

namespace thyrode::analysis {
namespace {

constexpr std::size_t most_batches = 512;
constexpr std::size_t most_waiting = 1024;
constexpr std::int64_t least_phases = 40;
constexpr double least_order = 0.8;
constexpr double quarter_tolerance = 0.05;  // cycles
constexpr double phase_tolerance = 0.1;     // cycles
constexpr double rate_tolerance = 0.02;

/// Argument in cycles, 0 to 1.
double cycles_of(std::complex<double> z) {
  const double phase = std::arg(z) / (2.0 * std::numbers::pi);
  return phase < 0.0 ? phase + 1.0 : phase;
}

double distance(double a, double b) {
  const double d = std::abs(a - b);
  return std::min(d, 1.0 - d);
}

double rayleigh(double n, double order) {
  const double resultant = n * order;
  return std::exp(std::sqrt(1.0 + 4.0 * n + 4.0 * (n * n - resultant * resultant)) - (1.0 + 2.0 * n));
}

}  // namespace

const char* to_string(Relation relation) {
  switch (relation) {
    case Relation::undetermined: return "undetermined";
    case Relation::unlocked: return "unlocked";
    case Relation::unison: return "unison";
    case Relation::alternation: return "alternation";
    case Relation::phase_locked_other: return "phase_locked_other";
  }
  return "undetermined";
}

RelationCounter::RelationCounter() {
  batches_.reserve(most_batches);
  waiting_.reserve(most_waiting);
}

bool RelationCounter::spike(Train train, Ticks at) {
  if (latest_ && at < *latest_) return false;
  if (train == Train::a) {
    if (cycle_ && !(at > *cycle_)) return false;
    close_cycle(at);
  } else {
    if (latest_b_ && !(at > *latest_b_)) return false;
    latest_b_ = at;
    if (!cycle_) {
      // Before the first spike of A there is no cycle.
    } else if (waiting_.size() < most_waiting) {
      waiting_.push_back(at);
    } else {
      ++overfull_;
    }
  }
  latest_ = at;
  return true;
}

void RelationCounter::gap() {
  cycle_.reset();
  waiting_.clear();
  overfull_ = 0;
}

void RelationCounter::close_cycle(Ticks end) {
  if (cycle_) {
    ++cycles_;
    const auto length = static_cast<double>(end - *cycle_);
    if (overfull_ > 0) {
      skipped_ += overfull_ + static_cast<std::int64_t>(waiting_.size());
    } else {
      for (const Ticks at : waiting_) add(static_cast<double>(at - *cycle_) / length);
    }
  }
  cycle_ = end;
  waiting_.clear();
  overfull_ = 0;
}

void RelationCounter::add(double phase) {
  ++phases_;
  const auto once = std::polar(1.0, 2.0 * std::numbers::pi * phase);
  auto power = once;
  for (std::size_t n = 0; n < harmonics; ++n, power *= once) partial_[n] += power;
  if (++in_partial_ < batch_size_) return;
  batches_.push_back(std::exchange(partial_, Sums{}));
  in_partial_ = 0;
  if (batches_.size() < most_batches) return;
  for (std::size_t k = 0; k < most_batches / 2; ++k) {
    for (std::size_t n = 0; n < harmonics; ++n) batches_[k][n] = batches_[2 * k][n] + batches_[2 * k + 1][n];
  }
  batches_.resize(most_batches / 2);
  batch_size_ *= 2;
}

RelationCounter::Sums RelationCounter::total() const {
  Sums sums = partial_;
  for (const Sums& batch : batches_) {
    for (std::size_t n = 0; n < harmonics; ++n) sums[n] += batch[n];
  }
  return sums;
}

/// Cycles of A and of B that last equally long, if the rates differ; empty if no ratio of small numbers fits them.
std::optional<std::pair<int, int>> RelationCounter::ratio() const {
  const double b_per_a = static_cast<double>(phases_) / static_cast<double>(cycles_);
  if (std::abs(b_per_a - 1.0) <= rate_tolerance) return std::pair{1, 1};
  for (int a = 1; a <= static_cast<int>(harmonics); ++a) {
    for (int b = 1; b <= static_cast<int>(harmonics); ++b) {
      const bool fits = std::abs(b_per_a * a / b - 1.0) <= rate_tolerance;
      if (fits && a != b && std::gcd(a, b) == 1) return std::pair{a, b};
    }
  }
  return std::nullopt;
}

void RelationCounter::judge(int harmonic, TrainRelation& relation) const {
  const auto n = static_cast<std::size_t>(harmonic - 1);
  const auto mean = total()[n] / static_cast<double>(phases_);
  relation.order = std::abs(mean);
  relation.mean_phase_cycles = cycles_of(mean);
  relation.rayleigh_p = rayleigh(static_cast<double>(phases_), *relation.order);
  const std::size_t quarter = batches_.size() / 4;
  if (quarter == 0) return;
  double least = 1.0;
  double farthest = 0.0;
  for (std::size_t q = 0; q < 4; ++q) {
    std::complex<double> sum;
    for (std::size_t k = q * quarter; k < (q + 1) * quarter; ++k) sum += batches_[k][n];
    least = std::min(least, std::abs(sum) / static_cast<double>(quarter) / static_cast<double>(batch_size_));
    farthest = std::max(farthest, distance(cycles_of(sum), *relation.mean_phase_cycles));
  }
  relation.least_quarter_order = least;
  relation.quarter_phase_cycles = farthest;
}

TrainRelation RelationCounter::result() const {
  TrainRelation relation;
  relation.phases = phases_;
  relation.cycles = cycles_;
  relation.skipped = skipped_;
  if (phases_ == 0) return relation;
  const auto fits = ratio();
  if (fits) std::tie(relation.a, relation.b) = *fits;
  judge(relation.b, relation);
  if (phases_ < least_phases) return relation;
  relation.relation = Relation::unlocked;
  const bool steady = *relation.order >= least_order && *relation.least_quarter_order >= least_order &&
                      *relation.quarter_phase_cycles <= quarter_tolerance;
  if (!fits || !steady) return relation;
  relation.relation = Relation::phase_locked_other;
  if (relation.a != 1 || relation.b != 1) return relation;
  if (distance(*relation.mean_phase_cycles, 0.0) <= phase_tolerance) relation.relation = Relation::unison;
  if (distance(*relation.mean_phase_cycles, 0.5) <= phase_tolerance) relation.relation = Relation::alternation;
  return relation;
}

}  // namespace thyrode::analysis
