#include "firmware/neurons/root_search.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace thyrode::neurons {
namespace {

using Start = RootSearch::Start;

Signal make_signal(double constant, std::array<double, 3> coefficient, bool pair = false) {
  return {constant, 0.0, coefficient, pair ? std::hypot(coefficient[1], coefficient[2]) : 0.0, 0.0};
}

RootSearch search_for(const Modes& modes, const Signal& signal, Start start = Start::level) {
  RootSearch search;
  search.begin(modes);
  search.add(signal, start);
  return search;
}

TEST(RootSearch, FindsTheMomentACapacitorReachesAVoltage) {
  RootSearch search = search_for({{-100.0, -1e4, -2e4}, 0.0}, make_signal(0.3, {-1.0, 0.0, 0.0}));
  EXPECT_NEAR(search.first(1.0).time, std::log(1.0 / 0.3) / 100.0, 1e-15);
}

// 3 exp(-t) - 2 exp(-3t) - 0.9 rises through zero and falls through it again.
TEST(RootSearch, FindsTheFirstOfTwoRootsWhoseEndPointsHaveTheSameSign) {
  RootSearch search = search_for({{-1.0, -3.0, -50.0}, 0.0}, make_signal(-1.1, {3.0, -2.0, 0.0}));
  const auto g = [](double t) { return -1.1 + 3.0 * std::exp(-t) - 2.0 * std::exp(-3.0 * t); };
  const double root = search.first(100.0).time;
  ASSERT_LT(root, 100.0);
  EXPECT_LT(g(100.0), 0.0);
  EXPECT_NEAR(g(root), 0.0, 1e-14);
  EXPECT_GT(g(root + 1e-3), 0.0);
  for (double t = 0.0; t < root - 1e-9; t += 1e-4) ASSERT_LT(g(t), 0.0) << t;
}

TEST(RootSearch, FindsTheFirstCrestOfAnOscillationThatReachesZero) {
  // A growing oscillation: crests at -1 + exp(0.5 t) 0.1 cos(10 t); the first above zero is long after the start.
  RootSearch search = search_for({{-1.0, 0.5, 0.5}, 10.0}, make_signal(-1.0, {0.0, 0.1, 0.0}, true));
  const auto g = [](double t) { return -1.0 + 0.1 * std::exp(0.5 * t) * std::cos(10.0 * t); };
  const double root = search.first(100.0).time;
  EXPECT_NEAR(g(root), 0.0, 1e-12);
  for (double t = 0.0; t < root - 1e-6; t += 1e-5) ASSERT_LT(g(t), 0.0) << t;
}

TEST(RootSearch, FindsNoRootInACrestThatStaysBelowZero) {
  RootSearch search = search_for({{-1.0, -0.5, -0.5}, 10.0}, make_signal(-1.0, {0.0, 0.999, 0.0}, true));
  EXPECT_EQ(search.first(1e12).time, RootSearch::never);
}

TEST(RootSearch, PassesAGrazingCrest) {
  // The crest of exp(-t) - exp(-2t) is exactly 1/4, at ln 2.
  for (const double depth : {0.0, 1e-17, 1e-14, 1e-10}) {
    RootSearch search = search_for({{-1.0, -2.0, -3.0}, 0.0}, make_signal(-0.25 - depth, {1.0, -1.0, 0.0}));
    const double root = search.first(1e9).time;
    EXPECT_TRUE(root == RootSearch::never || std::abs(root - std::numbers::ln2) < 1e-6) << depth;
  }
}

TEST(RootSearch, GivesTheSameRootHoweverOftenItIsAsked) {
  const Modes modes{{-10.0, -400.0, -400.0}, 3000.0};
  const Signal signal = make_signal(0.2, {-1.0, 0.05, -0.3}, true);
  RootSearch once = search_for(modes, signal);
  RootSearch often = search_for(modes, signal);
  const double expected = once.first(10.0).time;
  double found = RootSearch::never;
  for (int k = 1; k < 100'000 && found == RootSearch::never; ++k) {
    found = often.first(k * 1e-5).time;
    if (found == RootSearch::never) {
      EXPECT_GT(expected, k * 1e-5);
    }
  }
  EXPECT_EQ(found, expected);
}

TEST(RootSearch, LeavesABorderThatWasJustCrossed) {
  const Modes modes{{-1.0, -2.0, -3.0}, 0.0};
  // Falls from a rounding error above zero, then rises for good.
  const Signal signal = make_signal(1.0 + 1e-17, {-2.0, 1.0, 0.0});
  const Signal leaving{1.0, 0.0, {-4.0, 3.0, 0.0}, 0.0};
  RootSearch border = search_for(modes, leaving, Start::border);
  EXPECT_NEAR(border.first(10.0).time, std::log(3.0), 1e-14);  // 1 - 4 x + 3 x^2 = 0 at x = 1/3
  RootSearch level = search_for(modes, leaving, Start::level);
  EXPECT_EQ(level.first(10.0).time, 0.0);
  RootSearch rising = search_for(modes, signal, Start::level);
  EXPECT_EQ(rising.first(10.0).time, 0.0);
}

TEST(RootSearch, NamesTheSignalThatComesFirst) {
  RootSearch search;
  search.begin({{-1.0, -2.0, -3.0}, 0.0});
  search.add(make_signal(0.5, {-1.0, 0.0, 0.0}), Start::level);
  search.add(make_signal(0.6, {-1.0, 0.0, 0.0}), Start::level);
  search.add(make_signal(-0.6, {0.0, 0.0, 0.0}), Start::level);
  const RootSearch::Root root = search.first(10.0);
  EXPECT_EQ(root.signal, 1U);
  EXPECT_NEAR(root.time, -std::log(0.6), 1e-15);
}

// Whatever a signal is made of, the search ends.
TEST(RootSearch, GivesUpOnASignalThatIsNoNumber) {
  RootSearch search = search_for({{-1.0, -3.0, -50.0}, 0.0}, make_signal(std::nan(""), {3.0, -2.0, 0.0}));
  EXPECT_EQ(search.first(100.0).time, RootSearch::never);
  EXPECT_TRUE(search.gave_up());
  search.begin({{-1.0, -3.0, -50.0}, 0.0});
  EXPECT_FALSE(search.gave_up());
}

}  // namespace
}  // namespace thyrode::neurons
