#include "daemon/analysis/phase_label.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "daemon/analysis/step_analyzer.hpp"
#include "daemon/analysis/structure_factor.hpp"

namespace thyrode::analysis {
namespace {

TEST(StructureFactor, IsSixtyFourForACrystalAndEmptyWithoutAWholeBlock) {
  StructureFactor s;
  for (int k = 0; k < 63; ++k) s.add(1000 * k);
  EXPECT_FALSE(s.value());
  s.add(63'000);
  EXPECT_NEAR(*s.value(), 64.0, 1e-9);
}

TEST(StructureFactor, BlockBrokenByAGapDoesNotCount) {
  StructureFactor s;
  for (int k = 0; k < 40; ++k) s.add(1000 * k);
  s.interrupt();
  for (int k = 0; k < 40; ++k) s.add(90'000 + 777 * k);
  EXPECT_EQ(s.blocks(), 0);
}

TEST(OrderLabel, FewSpikesHaveNone) {
  EXPECT_EQ(order_label(4, 0.01, {}), Label::undetermined);
  EXPECT_EQ(order_label(100, {}, {}), Label::undetermined);
}

TEST(OrderLabel, WithoutStructureFactorTheRenewalValueDecides) {
  EXPECT_EQ(order_label(20, 0.05, {}), Label::TS);
  EXPECT_EQ(order_label(20, 0.15, {}), Label::soft);
  EXPECT_EQ(order_label(20, 0.5, {}), Label::irregular);
}

TEST(OrderLabel, RegularPatternOfPeriodTwoIsTonic) {
  EXPECT_EQ(order_label(300, 0.25, 27.0), Label::TS);
}

/// Share of 100 trains of 300 gamma intervals that get the label.
double share(double cv, Label label) {
  int hits = 0;
  for (unsigned run = 0; run < 100; ++run) {
    std::mt19937_64 random(run);
    std::gamma_distribution<double> gamma(1.0 / (cv * cv), cv * cv);
    StepAnalyzer step({}, 1e-6, Ticks{0});
    double t = 0.0;
    for (int k = 0; k < 301; ++k) step.spike(Ticks{static_cast<std::int64_t>((t += 5000.0 * gamma(random) + 1.0))});
    if (step.result(Ticks{static_cast<std::int64_t>(t) + 1000}).label == label) ++hits;
  }
  return hits / 100.0;
}

// Design page "Analysis", section 5.
TEST(OrderLabel, GammaTrainsGetThePublishedShares) {
  EXPECT_GE(share(0.10, Label::TS), 0.97);
  EXPECT_GE(share(0.15, Label::soft), 0.80);
  EXPECT_GE(share(0.20, Label::soft), 0.90);
  EXPECT_GE(share(0.25, Label::irregular), 0.60);
  EXPECT_GE(share(0.30, Label::irregular), 0.97);
}

}  // namespace
}  // namespace thyrode::analysis
