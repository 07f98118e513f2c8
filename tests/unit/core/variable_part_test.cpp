// The load resistor that a device owns: exchanged between two blocks, and only where no current flows.
#include <gtest/gtest.h>

#include "tests/unit/core/rig.hpp"

namespace thyrode::firmware {
namespace {

using namespace protocol;

TEST(VariablePart, IsDescribedWithItsRangeAndWhatItIsNow) {
  Rig rig;
  const std::uint8_t asked = rig.send(DescribePart{0});
  rig.talk();
  const auto parts = rig.all<PartInfo>();
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0], (PartInfo{0, 1000, 9000000, 47000, 1e-7}));
  EXPECT_EQ(rig.received.back().sequence, asked);
  EXPECT_EQ(rig.ask(DescribePart{1}), Status::unknown);
}

TEST(VariablePart, IsExchangedJustBeforeItsSample) {
  Rig rig;
  EXPECT_EQ(rig.ask(SetPart{0, Sample{4000}, 3000000}), Status::done);
  rig.run_until(3950);
  EXPECT_EQ(rig.board.resistance, 47000U);
  rig.run_until(4000);
  EXPECT_EQ(rig.board.resistance, 3000000U);
  EXPECT_EQ(rig.board.part_set_at, Sample{4000});
  // A sample that has passed is the next block.
  EXPECT_EQ(rig.ask(SetPart{0, Sample{0}, 2000000}), Status::done);
  rig.step();
  EXPECT_EQ(rig.board.resistance, 2000000U);
}

TEST(VariablePart, StaysWithinItsRangeAndOnABlock) {
  Rig rig;
  EXPECT_EQ(rig.ask(SetPart{0, Sample{0}, 999}), Status::out_of_range);
  EXPECT_EQ(rig.ask(SetPart{0, Sample{0}, 9000001}), Status::out_of_range);
  EXPECT_EQ(rig.ask(SetPart{0, Sample{25}, 1000}), Status::out_of_range);
  EXPECT_EQ(rig.ask(SetPart{1, Sample{0}, 1000}), Status::unknown);
  rig.board.has_part = false;
  EXPECT_EQ(rig.ask(SetPart{0, Sample{0}, 1000}), Status::unknown);
  rig.run_until(5000);
  EXPECT_EQ(rig.board.resistance, 47000U);
}

TEST(VariablePart, IsNotTouchedWhileCurrentFlows) {
  Rig rig;
  ASSERT_EQ(rig.set_slew(800), Status::done);
  rig.start(2500);
  EXPECT_EQ(rig.step_to(5000, 2200), Status::done);
  EXPECT_EQ(rig.step_to(10'000, 2048), Status::done);
  // Before the current begins, but for a sample after it has begun.
  EXPECT_EQ(rig.ask(SetPart{0, Sample{5050}, 3000000}), Status::bad_state);
  EXPECT_EQ(rig.ask(SetPart{0, Sample{5000}, 2000000}), Status::done);
  rig.run_until(7500);
  EXPECT_EQ(rig.board.resistance, 2000000U);
  EXPECT_EQ(rig.ask(SetPart{0, Sample{0}, 3000000}), Status::bad_state);
  EXPECT_EQ(rig.ask(SetPart{0, Sample{12'500}, 3000000}), Status::bad_state);
  rig.run_until(9'950);
  // Written as zero, but what was written before still plays.
  EXPECT_EQ(rig.ask(SetPart{0, Sample{0}, 3000000}), Status::bad_state);
  rig.run_until(10'250);
  EXPECT_EQ(rig.ask(SetPart{0, Sample{0}, 3000000}), Status::done);
  rig.step();
  EXPECT_EQ(rig.board.resistance, 3000000U);
}

TEST(VariablePart, HoldsBackACurrentThatWouldComeBeforeIt) {
  Rig rig;
  ASSERT_EQ(rig.set_slew(800), Status::done);
  rig.start(2500);
  rig.run_until(5000);
  EXPECT_EQ(rig.ask(SetPart{0, Sample{10'000}, 3000000}), Status::done);
  EXPECT_EQ(rig.step_to(9'999, 2200), Status::bad_state);
  EXPECT_EQ(rig.step_to(10'000, 2200), Status::done);
  rig.run_until(12'500);
  EXPECT_EQ(rig.board.part_set_at, Sample{10'000});
  EXPECT_EQ(rig.played[0].at(9'999), 2048);
  EXPECT_EQ(rig.played[0].at(10'900), 2200);
}

TEST(VariablePart, IsKeptFromADeviceThatIsStoppingOrTripped) {
  Rig rig;
  rig.start(2500);
  rig.run_until(5000);
  EXPECT_EQ(rig.ask(EmergencyStop{}), Status::done);
  EXPECT_EQ(rig.ask(SetPart{0, Sample{0}, 3000000}), Status::bad_state);
}

TEST(VariablePart, EndsAStretchWhereItIsExchanged) {
  const auto quiet = [](Sample at) {
    Rig rig;
    rig.start(2500);
    rig.run_until(10'000);
    EXPECT_EQ(rig.ask(SetPart{0, at, 3000000}), Status::done);
    return rig.core.quiet_blocks(rig.board.now(), rig.board.now() + 100) > 0;
  };
  EXPECT_FALSE(quiet(Sample{10'050}));
  EXPECT_FALSE(quiet(Sample{12'500}));
  EXPECT_TRUE(quiet(Sample{12'550}));
}

}  // namespace
}  // namespace thyrode::firmware
