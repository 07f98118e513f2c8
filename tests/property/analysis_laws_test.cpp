// Laws of the analysis over random input.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "daemon/analysis/batch_means.hpp"
#include "daemon/analysis/beta.hpp"
#include "daemon/analysis/isi_histogram.hpp"
#include "daemon/analysis/step_analyzer.hpp"
#include "daemon/analysis/sweep_analysis.hpp"

namespace thyrode::analysis {
namespace {

constexpr double tick_s = 1.0 / (250'000.0 * 256.0);

/// Any value of [low, high) from the first test on; the range of inRange alone grows with the number of the test.
template <class T>
rc::Gen<T> within(T low, T high) {
  return rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(low, high));
}

std::vector<double> intervals_us() {
  std::vector<double> result;
  for (const int exponent : *rc::gen::container<std::vector<int>>(within<int>(-2000, 10000))) {
    result.push_back(std::pow(10.0, exponent / 1000.0));
  }
  return result;
}

void require_finite(const std::optional<double>& value) {
  RC_ASSERT(!value || std::isfinite(*value));
}

void require_sane(const Estimate& e) {
  require_finite(e.value);
  require_finite(e.low);
  require_finite(e.high);
  if (e.low && e.high) RC_ASSERT(*e.low <= *e.high);
  if (e.value && e.low) RC_ASSERT(*e.low <= *e.value);
  if (e.value && e.high) RC_ASSERT(*e.value <= *e.high);
}

void require_sane(const StepResult& row) {
  require_sane(row.frequency_hz);
  require_sane(row.spike_rate_hz);
  require_sane(row.beta_n_per_ua);
  require_finite(row.cv);
  if (row.frequency_hz.low) RC_ASSERT(*row.frequency_hz.low >= 0.0);
  if (row.frequency_hz.value) RC_ASSERT(*row.frequency_hz.value > 0.0);
}

TEST(IsiHistogramLaw, PartsMergedEqualTheWhole) {
  ASSERT_TRUE(rc::check([] {
    const std::vector<double> intervals = intervals_us();
    const auto cut = *within<std::size_t>(0, intervals.size() + 1);
    IsiHistogram whole;
    IsiHistogram first;
    IsiHistogram second;
    for (std::size_t k = 0; k < intervals.size(); ++k) {
      whole.add(intervals[k]);
      (k < cut ? first : second).add(intervals[k]);
    }
    second.merge(first);
    RC_ASSERT(second == whole);
  }));
}

TEST(IsiHistogramLaw, QuantilesAreWithinOnePercentOfTheSortedValue) {
  ASSERT_TRUE(rc::check([] {
    std::vector<double> intervals = intervals_us();
    std::erase_if(intervals, [](double us) { return us < 1.0 || us > 1e9; });
    RC_PRE(!intervals.empty());
    const double p = *within<int>(0, 1001) / 1000.0;
    IsiHistogram histogram;
    for (const double us : intervals) histogram.add(us);
    std::sort(intervals.begin(), intervals.end());
    const auto rank = static_cast<std::size_t>(std::floor(p * static_cast<double>(intervals.size() - 1)));
    RC_ASSERT(std::abs(*histogram.quantile_us(p) / intervals[rank] - 1.0) <= 0.010001);
  }));
}

TEST(BatchMeansLaw, NothingIsLost) {
  ASSERT_TRUE(rc::check([](const std::vector<std::uint16_t>& intervals) {
    BatchMeans batches;
    std::int64_t sum = 0;
    for (const std::uint16_t interval : intervals) batches.add(interval), sum += interval;
    RC_ASSERT(batches.sum() == sum);
    RC_ASSERT(batches.intervals() == static_cast<std::int64_t>(intervals.size()));
    RC_ASSERT(batches.count() < BatchMeans::capacity);
    RC_ASSERT(batches.count() * batches.batch_size() <= batches.intervals());
    RC_ASSERT(batches.settling() <= batches.count() / 2);
  }));
}

// Also of a doublet in a long step, and of two spikes at its very ends.
TEST(StepAnalyzerLaw, RateOfFewSpikesLiesWithinItsInterval) {
  ASSERT_TRUE(rc::check([] {
    StepAnalyzer step({}, tick_s, Ticks{0});
    const auto spikes = *within<int>(0, 7);
    Ticks now{0};
    for (int k = 0; k < spikes; ++k) {
      now = now + std::llround(std::pow(10.0, *within<int>(0, 8500) / 1000.0));
      step.spike(now);
    }
    const Ticks end = now + std::llround(std::pow(10.0, *within<int>(0, 8500) / 1000.0));
    const StepResult row = step.result(end);
    require_sane(row);
    const Estimate& f = row.frequency_hz;
    RC_ASSERT(f.value.has_value() == (spikes >= 2 && row.status != StepStatus::upper_bound));
    if (spikes < 5) RC_ASSERT(f.low && f.high);
    if (spikes < 2 || spikes > 4 || row.status == StepStatus::upper_bound) return;
    // It is no narrower than what the count of spikes allows.
    const CountInterval count = count_interval(spikes, static_cast<double>(end.count) * tick_s);
    RC_ASSERT(*f.low <= count.low_hz);
    RC_ASSERT(*f.high >= count.high_hz);
  }));
}

/// Feeds a step whatever comes: spikes forwards, backwards and twice, gaps, levels, looks.
TEST(StepAnalyzerLaw, AnySequenceGivesFiniteNumbersInOrder) {
  ASSERT_TRUE(rc::check([] {
    StepRules rules;
    rules.settle_spikes = *within<int>(0, 3);
    rules.settle_drop_s = *within<int>(0, 2) * 0.01;
    rules.longest_s = *within<int>(1, 100) * 0.1;
    StepAnalyzer step(rules, tick_s, Ticks{1000});
    const auto scale = *within<int>(0, 40);
    Ticks now{1000};
    std::int64_t accepted = 0;
    for (const int action : *rc::gen::container<std::vector<int>>(within<int>(-30, 200))) {
      const std::int64_t ahead = (static_cast<std::int64_t>(action) << scale) / 64;
      now = now + std::max<std::int64_t>(0, ahead);
      if (action % 17 == 16) step.gap(now - 5000, now);
      if (action % 13 == 12) step.level(action, action % 2 == 0);
      const std::int64_t before = step.spikes();
      step.spike(now + (action < 0 ? ahead : 0), {static_cast<double>(action), 0.0, 10});
      accepted += step.spikes() - before;
      if (action % 5 == 0) step.evaluate(now);
      require_sane(step.result(now + 1));
    }
    const StepResult row = step.result(now + 1);
    RC_ASSERT(row.n_spikes == accepted);
    const IntervalStatistics& intervals = step.train().intervals();
    for (const auto& value : {intervals.cv2(), intervals.lv(), intervals.lvr(1000.0), intervals.serial_correlation(),
                              step.train().structure_factor().value()}) {
      require_finite(value);
    }
  }));
}

TEST(StepAnalyzerLaw, StartOfTheClockDoesNotMatter) {
  ASSERT_TRUE(rc::check([](const std::vector<std::uint16_t>& intervals) {
    const auto shift = *within<std::int64_t>(0, std::int64_t{1} << 55);
    StepAnalyzer here({}, tick_s, Ticks{0});
    StepAnalyzer there({}, tick_s, Ticks{shift});
    std::int64_t at = 0;
    for (const std::uint16_t interval : intervals) {
      at += 1 + 100 * std::int64_t{interval};
      here.spike(Ticks{at});
      there.spike(Ticks{at + shift});
    }
    StepResult a = here.result(Ticks{at + 1});
    const StepResult b = there.result(Ticks{at + 1 + shift});
    a.start = b.start;
    a.end = b.end;
    RC_ASSERT(a == b);
  }));
}

TEST(StepAnalyzerLaw, VerdictStaysOnceItIsDone) {
  ASSERT_TRUE(rc::check([](const std::vector<std::uint16_t>& intervals) {
    StepAnalyzer step({}, tick_s, Ticks{0});
    std::optional<Verdict> done;
    std::int64_t at = 0;
    for (const std::uint16_t interval : intervals) {
      at += 1'000'000 + 100 * std::int64_t{interval};
      step.spike(Ticks{at});
      const Verdict verdict = step.evaluate(Ticks{at + 1});
      if (done) RC_ASSERT(verdict == *done);
      if (verdict.done) done = verdict;
    }
  }));
}

StepResult random_row() {
  StepResult row;
  row.current_ua = *within<int>(0, 60) * 2.0;
  row.leg = *within<int>(0, 2);
  // Mostly points of one branch, so that fits and smoothing have something to work on.
  row.label = *within<int>(0, 8) > 0 ? Label::TS : static_cast<Label>(*within<int>(0, 11));
  row.status = *within<int>(0, 8) > 0 ? StepStatus::ok : static_cast<StepStatus>(*within<int>(0, 8));
  row.n_spikes = *within<int>(0, 100);
  if (*within<int>(0, 10) > 0) {
    const double f = std::pow(10.0, *within<int>(-3000, 4000) / 1000.0);
    const double relative = std::pow(10.0, *within<int>(-9000, 0) / 1000.0);
    row.frequency_hz = {f, f * (1.0 - relative), f * (1.0 + relative)};
  }
  return row;
}

TEST(AnalyzeSweepLaw, AnyTableGivesFiniteNumbersAndIsStable) {
  ASSERT_TRUE(rc::check([] {
    std::vector<StepResult> rows;
    const int count = *within<int>(0, 40);
    for (int k = 0; k < count; ++k) rows.push_back(random_row());
    const SweepFit fit = analyze_sweep(rows);
    for (const StepResult& row : rows) {
      require_sane(row);
      RC_ASSERT((row.beta_status == BetaStatus::ok) == row.beta_n_per_ua.value.has_value());
    }
    if (fit.lif) {
      for (const double value :
           {fit.lif->rheobase_ua, fit.lif->rheobase_low_ua, fit.lif->rheobase_high_ua, fit.lif->tau_low_ms,
            fit.lif->refractory_ms, fit.lif->refractory_low_ms, fit.lif->chi2_per_dof}) {
        RC_ASSERT(std::isfinite(value));
      }
      // What the rates leave open is infinite, and then the fit is not accepted.
      for (const double value : {fit.lif->tau_ms, fit.lif->tau_high_ms, fit.lif->refractory_high_ms}) {
        RC_ASSERT(!std::isnan(value));
        RC_ASSERT(std::isfinite(value) || !fit.lif->accepted);
      }
      RC_ASSERT(fit.lif->tau_ms > 0.0);
      RC_ASSERT(fit.lif->refractory_ms >= 0.0);
    }
    for (const Transition& t : fit.transitions) {
      RC_ASSERT(t.bracket.low_ua < t.bracket.high_ua);
      RC_ASSERT(t.below != t.above || t.jump);
      for (const auto& value : {t.ln_ratio.value, t.ln_ratio.low, t.ln_ratio.high, t.beta_n_at_least_per_ua}) {
        require_finite(value);
      }
    }
    for (const Precursor& p : fit.precursors) {
      RC_ASSERT(p.range.low_ua < p.range.high_ua);
      RC_ASSERT(p.beta_n_per_ua > p.reference_per_ua && p.reference_per_ua > 0.0);
    }
    std::vector<StepResult> again = rows;
    RC_ASSERT(analyze_sweep(again) == fit);
    RC_ASSERT(again == rows);
  }));
}

TEST(LocalBetaLaw, ScaleOfTheRateDoesNotMatter) {
  ASSERT_TRUE(rc::check([] {
    std::vector<FiPoint> points;
    double current = 33.0;
    const int count = *within<int>(5, 25);
    for (int k = 0; k < count; ++k) {
      current += *within<int>(10, 400) * 0.01;
      const double noise = 1.0 + 1e-5 * *within<int>(-100, 100);
      points.push_back({current, std::log(current / 30.0) * 20.0 * noise, 1e-3});
    }
    std::vector<FiPoint> scaled = points;
    for (FiPoint& p : scaled) p.frequency_hz *= 1000.0;
    const auto a = local_beta(points, {31.0});
    const auto b = local_beta(scaled, {31.0});
    for (std::size_t k = 0; k < a.size(); ++k) {
      RC_ASSERT(a[k].status == b[k].status);
      if (a[k].per_ua.value) RC_ASSERT(std::abs(*a[k].per_ua.value - *b[k].per_ua.value) < 1e-9);
    }
  }));
}

}  // namespace
}  // namespace thyrode::analysis
