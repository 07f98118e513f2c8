#include "daemon/analysis/train_relation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "tests/unit/analysis/vectors.hpp"

namespace thyrode::analysis {
namespace {

using Train = RelationCounter::Train;
using Times = std::vector<std::int64_t>;

/// Feeds two trains in the order of time.
void feed(RelationCounter& counter, const Times& a, const Times& b) {
  std::size_t j = 0;
  for (const std::int64_t at : a) {
    while (j < b.size() && b[j] < at) counter.spike(Train::b, Ticks{b[j++]});
    counter.spike(Train::a, Ticks{at});
  }
  while (j < b.size()) counter.spike(Train::b, Ticks{b[j++]});
}

TrainRelation relation_of(const Times& a, const Times& b) {
  RelationCounter counter;
  feed(counter, a, b);
  return counter.result();
}

/// Regular spikes with independent jitter about a clock.
Times clocked(int n, double period, double phase, double jitter, std::mt19937_64& random) {
  std::normal_distribution<double> noise(0.0, jitter);
  Times times;
  for (int k = 0; k < n; ++k) {
    const auto at = std::llround(period * (k + phase + (jitter > 0.0 ? noise(random) : 0.0)));
    if (times.empty() || at > times.back()) times.push_back(at);
  }
  return times;
}

/// A renewal train: its clock is forgotten.
Times renewal(int n, double period, double cv, std::mt19937_64& random) {
  std::gamma_distribution<double> gamma(1.0 / (cv * cv), period * cv * cv);
  Times times;
  double at = 0.0;
  for (int k = 0; k < n; ++k) times.push_back(std::llround(at += gamma(random)));
  return times;
}

TEST(TrainRelation, OfTheReferenceVectors) {
  const auto vectors = test::read_vectors("pairs.json");
  ASSERT_FALSE(vectors["cases"].empty());
  for (const auto& c : vectors["cases"]) {
    SCOPED_TRACE(c["name"].get<std::string>());
    const auto& expected = c["expected"];
    const TrainRelation relation = relation_of(c["a"].get<Times>(), c["b"].get<Times>());
    EXPECT_EQ(relation.phases, expected["n_phases"].get<std::int64_t>());
    test::expect_same(relation.order, expected["R"], 1e-9);
    test::expect_same(relation.mean_phase_cycles, expected["mean_phase_cycles"], 1e-9);
    test::expect_same(relation.least_quarter_order, expected["quarter_R_min"], 1e-9);
    test::expect_same(relation.quarter_phase_cycles, expected["quarter_phase_dev_max_cycles"], 1e-9);
    EXPECT_NEAR(std::log(*relation.rayleigh_p), std::log(expected["rayleigh_p"].get<double>()),
                0.01 * std::abs(std::log(expected["rayleigh_p"].get<double>())));
    EXPECT_EQ(relation.locked(), expected["locked"].get<bool>());
    EXPECT_EQ(to_string(relation.relation), expected["relation"].get<std::string>());
  }
}

TEST(TrainRelation, NeedsFortyPhases) {
  std::mt19937_64 random(1);
  const Times a = clocked(41, 1000.0, 0.0, 0.0, random);
  const Times b = clocked(40, 1000.0, 0.5, 0.0, random);
  EXPECT_EQ(relation_of(a, b).relation, Relation::alternation);
  EXPECT_EQ(relation_of({a.begin(), a.end() - 1}, b).relation, Relation::undetermined);
  EXPECT_EQ(relation_of({}, b), TrainRelation{});
  EXPECT_EQ(relation_of(a, {}).phases, 0);
}

TEST(TrainRelation, FindsRatiosUpToFourToFour) {
  for (int a = 1; a <= 4; ++a) {
    for (int b = 1; b <= 4; ++b) {
      if (std::gcd(a, b) != 1 || a == b) continue;
      std::mt19937_64 random(7);
      // A fires a times while B fires b times.
      const TrainRelation relation = relation_of(clocked(400 * a, 12000.0 / a, 0.0, 0.01, random),
                                                 clocked(400 * b, 12000.0 / b, 0.37, 0.01, random));
      EXPECT_EQ(relation.relation, Relation::phase_locked_other) << a << ":" << b;
      EXPECT_EQ(relation.a, a) << a << ":" << b;
      EXPECT_EQ(relation.b, b) << a << ":" << b;
    }
  }
  std::mt19937_64 random(8);
  EXPECT_EQ(relation_of(clocked(1000, 5000.0, 0.0, 0.01, random), clocked(1000, 1000.0, 0.4, 0.01, random)).relation,
            Relation::unlocked)
      << "1:5 is not looked for";
}

TEST(TrainRelation, TwoUncoupledRegularTrainsOfEqualRateAreSeldomLocked) {
  int locked = 0;
  constexpr int runs = 400;
  for (unsigned seed = 0; seed < runs; ++seed) {
    std::mt19937_64 random(seed);
    locked += relation_of(renewal(200, 8000.0, 0.05, random), renewal(200, 8000.0, 0.05, random)).locked() ? 1 : 0;
  }
  EXPECT_LE(locked, runs / 100) << "seeds 0 to " << runs - 1;
}

TEST(TrainRelation, LockedTrainsWithJitterAreAlwaysFound) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    const Times a = renewal(200, 8000.0, 0.05, random);
    std::normal_distribution<double> jitter(0.0, 0.03 * 8000.0);
    Times b;
    for (const std::int64_t at : a) b.push_back(at + 4000 + std::llround(jitter(random)));
    std::sort(b.begin(), b.end());
    EXPECT_EQ(relation_of(a, b).relation, Relation::alternation) << "seed " << seed;
  }
}

TEST(TrainRelation, APhaseThatWandersIsNotLocked) {
  Times a;
  Times b;
  for (int k = 0; k < 400; ++k) {
    a.push_back(1000 * k);
    b.push_back(1000 * k + 100 + k);  // 0.4 of a cycle over the record
  }
  EXPECT_EQ(relation_of(a, b).relation, Relation::unlocked);
}

TEST(TrainRelation, OfALongRecordIsThatOfAShortOne) {
  std::mt19937_64 random(3);
  const TrainRelation relation =
      relation_of(clocked(100'000, 1000.0, 0.0, 0.02, random), clocked(100'000, 1000.0, 0.5, 0.02, random));
  EXPECT_EQ(relation.relation, Relation::alternation);
  EXPECT_NEAR(*relation.mean_phase_cycles, 0.5, 1e-3);
  EXPECT_NEAR(*relation.least_quarter_order, *relation.order, 1e-3);
}

TEST(TrainRelation, NoCycleReachesOverAGap) {
  RelationCounter counter;
  feed(counter, {0, 1000, 2000}, {500, 1500, 2500});
  counter.gap();
  for (int k = 0; k < 3; ++k) {
    counter.spike(Train::a, Ticks{10'000 + 1000 * k});
    counter.spike(Train::b, Ticks{10'500 + 1000 * k});
  }
  const TrainRelation relation = counter.result();
  EXPECT_EQ(relation.cycles, 4);
  EXPECT_EQ(relation.phases, 4);
  EXPECT_NEAR(*relation.order, 1.0, 1e-12);
}

TEST(TrainRelation, ACycleWithMoreSpikesThanCanWaitIsLeftOut) {
  RelationCounter counter;
  counter.spike(Train::a, Ticks{0});
  for (int k = 1; k <= 5000; ++k) counter.spike(Train::b, Ticks{k});
  counter.spike(Train::a, Ticks{10'000});
  EXPECT_EQ(counter.result().phases, 0);
  EXPECT_EQ(counter.result().skipped, 5000);
}

TEST(TrainRelation, SpikesOutOfOrderAreRefused) {
  RelationCounter counter;
  EXPECT_TRUE(counter.spike(Train::a, Ticks{10}));
  EXPECT_FALSE(counter.spike(Train::a, Ticks{10}));
  EXPECT_TRUE(counter.spike(Train::b, Ticks{10})) << "B at the time of A has phase 0";
  EXPECT_FALSE(counter.spike(Train::b, Ticks{10}));
  EXPECT_FALSE(counter.spike(Train::b, Ticks{9}));
  EXPECT_TRUE(counter.spike(Train::a, Ticks{20}));
  EXPECT_EQ(counter.result().phases, 1);
  EXPECT_EQ(counter.result().mean_phase_cycles, 0.0);
}

}  // namespace
}  // namespace thyrode::analysis
