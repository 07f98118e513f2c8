#include "daemon/analysis/vacancies.hpp"

#include <gtest/gtest.h>

#include "tests/unit/analysis/train_support.hpp"

namespace thyrode::analysis {
namespace {

using test::Intervals;
using test::Random;

TEST(Vacancies, OfNoIntervalsAreEmpty) {
  EXPECT_FALSE(find_vacancies({}));
}

TEST(Vacancies, CountMissingSpikesByTheSizeOfTheirClusters) {
  Intervals intervals(200, 1000);
  intervals.insert(intervals.end(), {2000, 2000, 3000, 5000, 33'000, 41'000});
  const auto v = find_vacancies(test::histogram_of(intervals));
  ASSERT_TRUE(v);
  EXPECT_DOUBLE_EQ(v->isi0_us, 1000.0);
  EXPECT_EQ(v->clusters, 6);
  EXPECT_EQ(v->missing, 1 + 1 + 2 + 4 + 32 + 40);
  EXPECT_EQ(v->sizes[1], 2);
  EXPECT_EQ(v->sizes[2], 1);
  EXPECT_EQ(v->sizes[4], 1);
  EXPECT_EQ(v->sizes[32], 1);
  EXPECT_EQ(v->largest, 40);
  EXPECT_DOUBLE_EQ(v->fraction, 80.0 / 286.0);
  EXPECT_EQ(v->median_k, 3.0);
  EXPECT_TRUE(v->valid);
}

TEST(Vacancies, AreRefusedInATrainTooIrregularToCount) {
  Random random(1);
  for (const double cv : {0.2, 0.3, 1.0}) {
    const auto v = find_vacancies(test::histogram_of(test::gamma_train(random, 3000, 1000.0, cv)));
    EXPECT_FALSE(v->valid) << cv;
    EXPECT_FALSE(v->found()) << cv;
  }
}

TEST(Vacancies, OfATrainWithoutMissingSpikesAreNone) {
  Random random(2);
  const auto v = find_vacancies(test::histogram_of(test::gamma_train(random, 3000, 1000.0, 0.05)));
  EXPECT_TRUE(v->valid);
  EXPECT_EQ(v->missing, 0);
  EXPECT_FALSE(v->found());
  EXPECT_FALSE(v->clustering);
}

TEST(Vacancies, FractionIsThatOfTheSpikesTakenAway) {
  Random random(3);
  for (const double missing : {0.02, 0.1, 0.3}) {
    const auto v = find_vacancies(test::histogram_of(test::thinned_train(random, 20'000, 0.05, missing)));
    EXPECT_TRUE(v->found()) << missing;
    EXPECT_NEAR(v->fraction, missing, 0.01) << missing;
  }
}

TEST(Vacancies, ThatKnowNothingOfEachOtherAreNotClustered) {
  int clustered = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    const auto v = find_vacancies(test::histogram_of(test::thinned_train(random, 2000, 0.02, 0.1)));
    ASSERT_TRUE(v->clustering) << "seed " << seed;
    if (v->clustering->low > 1.0) ++clustered;
  }
  EXPECT_LE(clustered, 12);  // 2.5 % expected, 99.5 % limit
}

TEST(Vacancies, ThatComeInRunsAreClustered) {
  Intervals intervals(900, 1000);
  intervals.insert(intervals.end(), 40, 4000);
  const auto v = find_vacancies(test::histogram_of(intervals));
  ASSERT_TRUE(v->clustering);
  EXPECT_GT(v->clustering->low, 1.0);
  EXPECT_LE(v->clustering->low, v->clustering->ratio);
  EXPECT_GE(v->clustering->high, v->clustering->ratio);
}

TEST(Vacancies, AreNotTheGapsBetweenBursts) {
  Random random(4);
  for (const double ratio : {3.0, 5.0, 10.0}) {
    const auto intervals = test::burst_train(random, 2000, {.ratio = ratio});
    EXPECT_FALSE(find_vacancies(test::histogram_of(intervals))->found()) << ratio;
  }
}

}  // namespace
}  // namespace thyrode::analysis
