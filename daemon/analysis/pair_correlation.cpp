#include "daemon/analysis/pair_correlation.hpp"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/poisson.hpp>
#include <cmath>
#include <limits>

namespace thyrode::analysis {
namespace {

constexpr double error_rate = 0.05;
constexpr double two_sided_95 = 1.959963984540054;  // of the normal distribution
constexpr double normal_from = 30.0;                // pairs expected in a bin

/// Two-sided limits of a number of pairs.
PairCorrelation::Band limits(double expected, double rate) {
  if (!(expected > 0.0)) return {};
  if (expected < normal_from) {
    const boost::math::poisson distribution(expected);
    return {boost::math::quantile(distribution, 0.5 * rate),
            boost::math::quantile(boost::math::complement(distribution, 0.5 * rate))};
  }
  const double z = boost::math::quantile(boost::math::complement(boost::math::normal(), 0.5 * rate));
  return {expected - z * std::sqrt(expected), expected + z * std::sqrt(expected)};
}

}  // namespace

double PairCorrelation::g(std::size_t k) const {
  return spikes > 0 ? static_cast<double>(counts[k]) / static_cast<double>(spikes) : 0.0;
}

double PairCorrelation::corrected(std::size_t k) const {
  const auto seen = static_cast<double>(observed);
  const double inside = seen - border[k];
  return inside > 0.0 ? g(k) * seen / inside : 0.0;
}

double PairCorrelation::level() const {
  if (observed <= 0) return 0.0;
  return static_cast<double>(spikes) / static_cast<double>(observed) * static_cast<double>(bin);
}

double PairCorrelation::half_width() const {
  return spikes > 0 ? two_sided_95 * std::sqrt(level() / static_cast<double>(spikes)) : 0.0;
}

PairCorrelation::Band PairCorrelation::band(bool all_bins) const {
  if (spikes == 0 || counts.empty()) return {};
  const auto n = static_cast<double>(spikes);
  const Band pairs = limits(level() * n, all_bins ? error_rate / static_cast<double>(counts.size()) : error_rate);
  return {pairs.low / n, pairs.high / n};
}

std::optional<bool> PairCorrelation::featureless() const {
  if (spikes == 0 || counts.empty() || observed <= 0) return std::nullopt;
  const auto seen = static_cast<double>(observed);
  const double expected = level() * static_cast<double>(spikes);
  const double share = error_rate / static_cast<double>(counts.size());
  for (std::size_t k = 0; k < counts.size(); ++k) {
    // In a short train few spikes have a partner at a long lag: the border correction would enlarge their noise. First
    // and last spike are often where the observation begins and ends, so that their own lag says nothing.
    const double inside = seen - border[k];
    if (inside * static_cast<double>(spikes) < seen) continue;
    const double here = expected * inside / seen;
    const auto count = static_cast<double>(counts[k]);
    const Band pairs = limits(here, share);
    if (count < pairs.low || count > pairs.high) return false;
  }
  return true;
}

void PairCorrelation::merge(const PairCorrelation& other) {
  for (std::size_t k = 0; k < counts.size() && k < other.counts.size(); ++k) {
    counts[k] += other.counts[k];
    border[k] += other.border[k];
  }
  spikes += other.spikes;
  observed += other.observed;
  clipped = clipped || other.clipped;
}

PairCounter::PairCounter(const LagWindow& window, Ticks begin) : window_(window), begin_(begin) {
  if (window_.bin > 0) fix_window(window_.bin);
}

void PairCounter::begin_at(Ticks at) {
  begin_ = at;
  pairs_.observed = 0;
  std::fill(pairs_.border.begin(), pairs_.border.end(), 0.0);
}

void PairCounter::add(Ticks at) {
  if (pairs_.bin > 0) {
    count(at.count);
    return;
  }
  spikes_[static_cast<std::size_t>(next_++)] = at.count;
  if (next_ > intervals_for_window) count_kept();
}

void PairCounter::count_kept() {
  const std::int64_t kept = next_;
  const auto intervals = static_cast<double>(kept - 1);
  const auto mean = static_cast<double>(spikes_[static_cast<std::size_t>(kept - 1)] - spikes_[0]) / intervals;
  fix_window(std::llround(window_.mean_intervals * mean / window_.bins));
  // The ring is filled again from its own beginning: a spike is read before its place is written.
  next_ = 0;
  for (std::int64_t k = 0; k < kept; ++k) count(spikes_[static_cast<std::size_t>(k)]);
}

void PairCounter::fix_window(std::int64_t bin) {
  pairs_.bin = std::max<std::int64_t>(1, bin);
  pairs_.counts.assign(static_cast<std::size_t>(window_.bins), 0);
  pairs_.border.assign(static_cast<std::size_t>(window_.bins), 0.0);
  span_ = pairs_.bin * window_.bins;
  const bool fits = pairs_.bin > 1 && span_ <= std::numeric_limits<std::uint32_t>::max();
  reciprocal_ = fits ? std::numeric_limits<std::uint64_t>::max() / static_cast<std::uint64_t>(pairs_.bin) + 1 : 0;
}

// Lemire, Kaser & Kurz, Softw Pract Exper 49:953 (2019): below 2^32 the product with the reciprocal, rounded up,
// divides exactly.
template <bool by_reciprocal>
void PairCounter::count_lags(std::int64_t at) {
  constexpr std::int64_t mask = ring - 1;
  std::int64_t* const counts = pairs_.counts.data();
  for (std::int64_t j = next_ - 1; j >= first_; --j) {
    const std::int64_t lag = at - spikes_[static_cast<std::size_t>(j & mask)];
    if (lag >= span_) {
      first_ = j + 1;
      return;
    }
    if constexpr (by_reciprocal) {
      const auto product = static_cast<unsigned __int128>(reciprocal_) * static_cast<std::uint64_t>(lag);
      ++counts[static_cast<std::uint64_t>(product >> 64)];
    } else {
      ++counts[lag / pairs_.bin];
    }
  }
}

void PairCounter::count(std::int64_t at) {
  if (reciprocal_ != 0) {
    count_lags<true>(at);
  } else {
    count_lags<false>(at);
  }
  if (next_ - first_ == ring) {
    pairs_.clipped = true;
    ++first_;
  }
  spikes_[static_cast<std::size_t>(next_++ & (ring - 1))] = at;
  ++pairs_.spikes;
}

void PairCounter::end_stretch(PairCorrelation& pairs, Ticks end) const {
  const std::int64_t length = end - begin_;
  if (length <= 0) return;
  pairs.observed += length;
  for (std::size_t k = 0; k < pairs.border.size(); ++k) {
    const double lag = (static_cast<double>(k) + 0.5) * static_cast<double>(pairs.bin);
    pairs.border[k] += std::min(lag, static_cast<double>(length));
  }
}

void PairCounter::gap(Ticks from, Ticks to) {
  if (pairs_.bin > 0) end_stretch(pairs_, from);
  begin_ = std::max(begin_, to);
  first_ = 0;
  next_ = 0;
}

PairCorrelation PairCounter::result(Ticks end) const {
  if (pairs_.bin == 0 && next_ > 1) {
    PairCounter early = *this;
    early.count_kept();
    return early.result(end);
  }
  PairCorrelation pairs = pairs_;
  if (pairs.bin > 0) end_stretch(pairs, end);
  return pairs;
}

}  // namespace thyrode::analysis
