#include "daemon/analysis/isi_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>

namespace thyrode::analysis {

namespace {

/// The upper edges of the counters, and where to begin looking among them: a double's exponent and the first six bits
/// of its fraction name a stretch of at most 1.6 %, in which at most one edge of counters of 2 % lies.
struct Edges {
  static constexpr int bits = 6;
  static constexpr int shift = 52 - bits;
  static constexpr std::uint64_t one = std::uint64_t{1023} << bits;  // of the value 1.0
  static constexpr int stretches = 30 << bits;                       // up to 2^30 µs

  Edges() {
    for (int k = 0; k < IsiHistogram::size; ++k) {
      upper[static_cast<std::size_t>(k)] = IsiHistogram::lower_edge_us(k + 1);
    }
    for (int k = 0; k < stretches; ++k) {
      const auto begin = std::bit_cast<double>((one + static_cast<std::uint64_t>(k)) << shift);
      const auto edge = std::lower_bound(upper.begin(), upper.end(), begin);
      first[static_cast<std::size_t>(k)] =
          static_cast<std::int16_t>(std::min<std::ptrdiff_t>(edge - upper.begin(), IsiHistogram::size - 1));
    }
  }
  std::array<double, IsiHistogram::size> upper{};
  std::array<std::int16_t, stretches> first{};
};

}  // namespace

int IsiHistogram::counter_of(double isi_us) {
  static const Edges edges;
  if (!(isi_us > 1.0)) return 0;
  const std::uint64_t stretch = (std::bit_cast<std::uint64_t>(isi_us) >> Edges::shift) - Edges::one;
  if (stretch >= edges.first.size()) return size - 1;
  const int counter = edges.first[stretch];
  return isi_us > edges.upper[static_cast<std::size_t>(counter)] && counter < size - 1 ? counter + 1 : counter;
}

double IsiHistogram::lower_edge_us(int counter) {
  return std::pow(gamma, counter);
}

void IsiHistogram::add(double isi_us) {
  const auto k = static_cast<std::size_t>(counter_of(isi_us));
  ++counters_[k];
  sums_us_[k] += isi_us;
  shortest_us_ = total_ > 0 ? std::min(shortest_us_, isi_us) : isi_us;
  longest_us_ = std::max(longest_us_, isi_us);
  ++total_;
}

void IsiHistogram::merge(const IsiHistogram& other) {
  for (std::size_t k = 0; k < counters_.size(); ++k) {
    counters_[k] += other.counters_[k];
    sums_us_[k] += other.sums_us_[k];
  }
  if (other.total_ > 0) shortest_us_ = total_ > 0 ? std::min(shortest_us_, other.shortest_us_) : other.shortest_us_;
  longest_us_ = std::max(longest_us_, other.longest_us_);
  total_ += other.total_;
}

std::optional<double> IsiHistogram::quantile_us(double p) const {
  if (total_ == 0 || !(p >= 0.0 && p <= 1.0)) return std::nullopt;
  const auto rank = static_cast<std::int64_t>(std::floor(p * static_cast<double>(total_ - 1)));
  if (rank == 0) return shortest_us_;
  if (rank == total_ - 1) return longest_us_;
  std::int64_t below = 0;
  int counter = 0;
  for (; counter < size - 1; ++counter) {
    below += counters_[static_cast<std::size_t>(counter)];
    if (below > rank) break;
  }
  // The value with the same relative distance to both edges of the bucket.
  const double middle = lower_edge_us(counter + 1) * 2.0 / (1.0 + gamma);
  return std::clamp(middle, shortest_us_, longest_us_);
}

double IsiHistogram::mean_us(int counter) const {
  const auto k = static_cast<std::size_t>(counter);
  if (counters_[k] > 0) return sums_us_[k] / static_cast<double>(counters_[k]);
  return lower_edge_us(counter + 1) * 2.0 / (1.0 + gamma);
}

std::optional<double> IsiHistogram::phase_order() const {
  double sum = 0.0;
  for (const double part : sums_us_) sum += part;
  if (total_ == 0 || !(sum > 0.0)) return std::nullopt;
  const double omega = 2.0 * std::numbers::pi * static_cast<double>(total_) / sum;
  std::complex<double> order;
  for (int k = 0; k < size; ++k) {
    const std::int64_t n = counters_[static_cast<std::size_t>(k)];
    if (n > 0) order += static_cast<double>(n) * std::polar(1.0, omega * mean_us(k));
  }
  return std::abs(order) / static_cast<double>(total_);
}

}  // namespace thyrode::analysis
