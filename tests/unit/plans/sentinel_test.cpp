// The current that is measured again and again.
#include "daemon/experiment/plans/sentinel.hpp"

#include <gtest/gtest.h>

#include <string_view>

#include "tests/unit/plans/row.hpp"

namespace thyrode::experiment {
namespace {

using analysis::Label;
using analysis::StepResult;

std::vector<StepResult> first_rows() {
  std::vector<StepResult> rows{row_at(30.0, Label::QH), row_at(40.0, Label::IB1, 20.0), row_at(60.0, Label::FS, 1000.0),
                               row_at(80.0, Label::FS, 2000.0)};
  rows[1].duration_s = 0.01;
  rows[2].duration_s = 0.2;
  rows[3].duration_s = 0.1;
  return rows;
}

Sentinel watching() {
  return *Sentinel::choose(first_rows(), 3, 0.01);
}

TEST(Sentinel, IsTheRegularRowThatTookTheLeastTime) {
  EXPECT_EQ(watching().current_ua(), 80.0);
  EXPECT_FALSE(Sentinel::choose(std::vector{row_at(30.0, Label::QH)}, 3, 0.01));
  EXPECT_FALSE(Sentinel::choose(first_rows(), 0, 0.01));
}

TEST(Sentinel, IsDueAfterSoManyStepsElsewhere) {
  Sentinel sentinel = watching();
  for (int k = 0; k < 3; ++k) {
    EXPECT_FALSE(sentinel.due());
    sentinel.take(row_at(50.0 + k, Label::FS, 900.0));
  }
  ASSERT_TRUE(sentinel.due());
  EXPECT_EQ(sentinel.due()->current_ua, 80.0);
  EXPECT_EQ(std::string_view(sentinel.due()->purpose), "sentinel");
  sentinel.take(row_at(80.0, Label::FS, 2005.0));
  EXPECT_FALSE(sentinel.due());
  EXPECT_EQ(sentinel.looks(), 1);
  EXPECT_EQ(sentinel.drifts(), 0);
}

TEST(Sentinel, ThatMovedAsksForTheStepBeforeAndForItselfOnceMore) {
  Sentinel sentinel = watching();
  sentinel.take(row_at(50.0, Label::FS, 900.0));
  sentinel.take(row_at(80.0, Label::FS, 2100.0));  // 7 sigma
  ASSERT_TRUE(sentinel.due());
  EXPECT_EQ(sentinel.due()->current_ua, 50.0);
  sentinel.take(row_at(50.0, Label::FS, 940.0));
  ASSERT_TRUE(sentinel.due());
  EXPECT_EQ(sentinel.due()->current_ua, 80.0);
  sentinel.take(row_at(80.0, Label::FS, 2105.0));
  EXPECT_FALSE(sentinel.due());
  EXPECT_EQ(sentinel.drifts(), 1);
  EXPECT_NEAR(sentinel.largest_change(), 0.0513, 1e-3);
  // The neuron is another one from now on: the same rate again is no news.
  sentinel.take(row_at(80.0, Label::FS, 2103.0));
  EXPECT_FALSE(sentinel.due());
}

TEST(Sentinel, ThatIsBackInTheSecondLookWasChance) {
  Sentinel sentinel = watching();
  sentinel.take(row_at(50.0, Label::FS, 900.0));
  sentinel.take(row_at(80.0, Label::FS, 2100.0));
  sentinel.take(row_at(50.0, Label::FS, 900.0));
  sentinel.take(row_at(80.0, Label::FS, 2001.0));
  EXPECT_EQ(sentinel.drifts(), 0);
  EXPECT_FALSE(sentinel.due());
}

TEST(Sentinel, ThatFellSilentHasMoved) {
  Sentinel sentinel = watching();
  sentinel.take(row_at(50.0, Label::FS, 900.0));
  sentinel.take(row_at(80.0, Label::QD));
  EXPECT_TRUE(sentinel.due());
}

}  // namespace
}  // namespace thyrode::experiment
