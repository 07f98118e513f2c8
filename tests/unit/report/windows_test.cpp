#include "daemon/report/windows.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace thyrode::report {
namespace {

using Values = std::vector<std::int64_t>;

std::int64_t kept(const std::vector<Window>& windows) {
  return std::accumulate(windows.begin(), windows.end(), std::int64_t{0},
                         [](std::int64_t sum, const Window& window) { return sum + window.count; });
}

bool holds(const std::vector<Window>& windows, std::int64_t value) {
  return std::any_of(windows.begin(), windows.end(), [&](const Window& window) {
    return value >= window.first && value < window.first + window.count;
  });
}

void expect_in_order(const std::vector<Window>& windows, std::int64_t values) {
  std::int64_t end = 0;
  for (const Window& window : windows) {
    EXPECT_GE(window.first, end);
    EXPECT_GT(window.count, 0);
    end = window.first + window.count;
  }
  EXPECT_LE(end, values);
}

Values every(std::int64_t interval, std::int64_t values) {
  Values spikes;
  for (std::int64_t at = interval / 2; at < values; at += interval) spikes.push_back(at);
  return spikes;
}

TEST(FairShares, GiveEverybodyWhatTheyWantWhereThereIsEnough) {
  EXPECT_EQ(fair_shares(Values{3, 5, 0}, 100), (Values{3, 5, 0}));
}

TEST(FairShares, LeaveToTheOthersWhatOneDoesNotWant) {
  EXPECT_EQ(fair_shares(Values{100, 2, 100}, 22), (Values{10, 2, 10}));
}

TEST(FairShares, NeverGiveMoreThanThereIs) {
  const auto shares = fair_shares(Values{7, 7, 7}, 10);
  EXPECT_LE(std::accumulate(shares.begin(), shares.end(), std::int64_t{0}), 10);
  EXPECT_EQ(fair_shares(Values{}, 10), Values{});
}

TEST(ChooseWindows, KeepAShortTraceWhole) {
  EXPECT_EQ(choose_windows(1000, Values{10, 20}, 5, 1000), (std::vector<Window>{{0, 1000}}));
}

TEST(ChooseWindows, KeepTheBeginWhereNothingFires) {
  const auto windows = choose_windows(1'000'000, Values{}, 5, 5000);
  ASSERT_EQ(windows.size(), 1U);
  EXPECT_EQ(windows[0].first, 0);
  EXPECT_LE(windows[0].count, 5000);
}

TEST(ChooseWindows, KeepASpikeFromItsFootToItsEnd) {
  const auto windows = choose_windows(100'000, Values{50'000}, 20, 4000);
  for (const std::int64_t at : {49'970, 50'000, 50'070}) EXPECT_TRUE(holds(windows, at)) << at;
  expect_in_order(windows, 100'000);
}

TEST(ChooseWindows, KeepEverySpikeWhereTheyFit) {
  const Values spikes = every(1000, 200'000);
  const auto windows = choose_windows(200'000, spikes, 10, 60'000);
  expect_in_order(windows, 200'000);
  EXPECT_LE(kept(windows), 60'000);
  for (const std::int64_t spike : spikes) {
    for (const std::int64_t at : {spike - 20, spike, spike + 39}) EXPECT_TRUE(holds(windows, at)) << at;
  }
}

TEST(ChooseWindows, SpreadOverTheStepWhereTheyDoNotFit) {
  const std::int64_t values = 10'000'000;
  const auto windows = choose_windows(values, every(100, values), 10, 20'000);
  expect_in_order(windows, values);
  EXPECT_LE(kept(windows), 20'000);
  EXPECT_GE(kept(windows), 10'000);
  for (std::int64_t tenth = 0; tenth < 10; ++tenth) {
    EXPECT_TRUE(std::any_of(windows.begin(), windows.end(), [&](const Window& window) {
      return window.first / (values / 10) == tenth;
    })) << tenth;
  }
}

TEST(ChooseWindows, ShowSomeIntervalsInOnePiece) {
  const auto windows = choose_windows(1'000'000, every(1000, 1'000'000), 10, 80'000);
  const auto longest = std::max_element(windows.begin(), windows.end(),
                                        [](const Window& a, const Window& b) { return a.count < b.count; });
  EXPECT_GE(longest->count, 3000);
}

TEST(ChooseWindows, KeepNothingOfNothing) {
  EXPECT_TRUE(choose_windows(0, Values{}, 5, 100).empty());
  EXPECT_TRUE(choose_windows(100, Values{50}, 5, 0).empty());
}

}  // namespace
}  // namespace thyrode::report
