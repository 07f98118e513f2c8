// What a channel must not exceed, and what its signals must look like: the judges alone.
#include "firmware/core/safety.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace thyrode::firmware {
namespace {

using namespace protocol;

constexpr std::int32_t ratio = 52429;  // 0.8

ChannelInfo front_end() {
  ChannelInfo info;
  info.signals[0] = {1e-4, 32, 1, 12};
  info.signals[1] = {1e-3, 32, 10, 12};
  info.signals[2] = {1e-7, 2048, 10, 12};
  info.command = {1e-7, 2048, 1, 12};
  return info;
}

/// A block of 50 samples: a command held, V_m held, and a read-back.
struct Block {
  int command = 2048;
  int v_m = 500;
  int read = 2048;
  int v_out_low = 90;
  int v_out_high = 110;
  int spread = 1;  ///< of V_m and I_read within the block
};

class Channel {
 public:
  Channel() { safety.reset(front_end(), 250000, ratio); }
  Trip look(const Block& block) {
    ChannelSummary summary;
    const auto code = [](int value) { return static_cast<AdcCode>(value); };
    summary.signals[0] = {code(block.v_out_low), code(block.v_out_high), 0};
    summary.signals[1] = {code(block.v_m), code(block.v_m + block.spread), 0};
    summary.signals[2] = {code(block.read), code(block.read + block.spread),
                          static_cast<std::uint32_t>(5 * block.read)};
    summary.counts = {50, 5, 5};
    return safety.inspect(summary, static_cast<std::uint32_t>(50 * block.command));
  }
  /// Blocks until something trips, at most `most`. @returns how many
  int blocks_to_trip(const Block& block, int most) {
    for (int k = 1; k <= most; ++k) {
      last = look(block);
      if (last) return k;
    }
    return 0;
  }
  ChannelSafety safety;
  Trip last;
};

TEST(ChannelSafety, WatchesNothingAfterAReset) {
  Channel channel;
  EXPECT_EQ(channel.blocks_to_trip({4095, 4095, 2048, 4095, 4095, 0}, 10000), 0);
  EXPECT_EQ(channel.safety.compliance(), 0xFFFF);
  EXPECT_EQ(channel.safety.readback_band(), 0xFFFF);
  EXPECT_TRUE(channel.safety.at_ease());
}

TEST(ChannelSafety, ComplianceIsTheHighestCodeAllowed) {
  Channel channel;
  channel.safety.set_limits(3000, 0xFFFF);
  EXPECT_FALSE(channel.look({.v_m = 2999}));  // and its neighbour 3000
  const Trip trip = channel.look({.v_m = 3000});
  EXPECT_EQ(trip.code, FaultCode::compliance);
  EXPECT_EQ(trip.signal, Signal::v_m);
  EXPECT_EQ(trip.value, 3001);
  EXPECT_EQ(trip.limit, 3000);
}

TEST(ChannelSafety, ReadBackMayDifferByItsBandAndNoMore) {
  for (const int command : {2048, 2148, 1948, 3048, 1048}) {
    const int expected = 2048 + 8 * (command - 2048) / 10;
    for (const int sign : {1, -1}) {
      Channel channel;
      channel.safety.set_limits(0xFFFF, 10);
      // 0.8 in 16 fractional bits is a little more than 0.8: the band has room for a hundredth of a code.
      EXPECT_FALSE(channel.look({.command = command, .read = expected + 9 * sign})) << command << " " << sign;
      const Trip trip = channel.look({.command = command, .read = expected + 11 * sign});
      EXPECT_EQ(trip.code, FaultCode::readback) << command << " " << sign;
      EXPECT_EQ(trip.signal, Signal::i_read);
      EXPECT_NEAR(trip.value, 11 * sign, 1);
      EXPECT_EQ(trip.limit, 10);
    }
  }
}

TEST(ChannelSafety, TheBandIsExactWhereTheCommandIsZero) {
  Channel channel;
  channel.safety.set_limits(0xFFFF, 10);
  EXPECT_FALSE(channel.look({.read = 2058}));
  EXPECT_FALSE(channel.look({.read = 2038}));
  EXPECT_EQ(channel.look({.read = 2059}).value, 11);
  EXPECT_EQ(channel.look({.read = 2037}).value, -11);
}

TEST(ChannelSafety, AQuarterOfTheCurrentIsAWireThatIsOff) {
  for (const int sign : {1, -1}) {
    Channel channel;
    channel.safety.set_limits(0xFFFF, 10);
    const int command = 2048 + 500 * sign;  // 400 codes of I_read
    EXPECT_EQ(channel.look({.command = command, .read = 2048 + 101 * sign}).code, FaultCode::readback);
    const Trip off = channel.look({.command = command, .read = 2048 + 99 * sign});
    EXPECT_EQ(off.code, FaultCode::open_loop);
    EXPECT_EQ(off.signal, Signal::i_read);
    EXPECT_EQ(off.value, 99 * sign);
    EXPECT_NEAR(off.limit, 400 * sign, 1);
    EXPECT_EQ(channel.look({.command = command, .read = 2048 - 99 * sign}).code, FaultCode::open_loop);
    EXPECT_EQ(channel.look({.command = command, .read = 2048 - 300 * sign}).code, FaultCode::readback);
    // Less than the band is asked for: that some of it is missing cannot be seen.
    EXPECT_FALSE(channel.look({.command = 2048 + 12 * sign, .read = 2048}));
    EXPECT_EQ(channel.look({.command = 2048 + 12 * sign, .read = 2048 - 11 * sign}).code, FaultCode::readback);
  }
}

ConfigurePlausibility watched() {
  ConfigurePlausibility settings;
  settings.stuck = 100;
  settings.rail = {500, 1000, 2000};
  settings.open_current = 100;
  settings.open_band = 8;
  settings.open_time = 300;
  return settings;
}

TEST(ChannelSafety, V_mThatDoesNotMoveUnderCurrentIsAnOpenLoop) {
  for (const int sign : {1, -1}) {
    Channel channel;
    channel.safety.set_plausibility(watched());
    const Block still{.command = 2048 + 100 * sign, .v_m = 39};  // codes 39 and 40: 8 from 0 V
    EXPECT_EQ(channel.blocks_to_trip(still, 100), 6);            // 300 samples
    EXPECT_EQ(channel.last.code, FaultCode::open_loop);
    EXPECT_EQ(channel.last.signal, Signal::v_m);
    EXPECT_EQ(channel.last.value, 8);
    EXPECT_EQ(channel.last.limit, 8);
    channel.safety.rest();
    EXPECT_EQ(channel.blocks_to_trip({.command = 2048 + 99 * sign, .v_m = 39}, 19), 0) << "less current";
    EXPECT_EQ(channel.blocks_to_trip({.command = 2048 + 100 * sign, .v_m = 40}, 19), 0) << "moved up";
    EXPECT_EQ(channel.blocks_to_trip({.command = 2048 + 100 * sign, .v_m = 23}, 19), 0) << "moved down";
    EXPECT_EQ(channel.blocks_to_trip({.command = 2048 + 100 * sign, .v_m = 24}, 19), 6) << "8 below 0 V";
    channel.safety.rest();
    EXPECT_EQ(channel.blocks_to_trip(still, 5), 0);
    EXPECT_FALSE(channel.safety.at_ease());
    EXPECT_FALSE(channel.look({.command = 2048, .v_m = 39}));
    EXPECT_TRUE(channel.safety.at_ease());
    EXPECT_EQ(channel.blocks_to_trip(still, 5), 0) << "counts anew";
    channel.safety.rest();
    EXPECT_EQ(channel.blocks_to_trip(still, 5), 0) << "rest() forgets";
    EXPECT_EQ(channel.blocks_to_trip(still, 1), 1);
  }
}

TEST(ChannelSafety, NoCurrentIsNoOpenLoopWhereNoneIsWatched) {
  Channel channel;
  ConfigurePlausibility settings = watched();
  settings.open_current = 0;
  channel.safety.set_plausibility(settings);
  EXPECT_EQ(channel.blocks_to_trip({.command = 4000, .v_m = 32}, 19), 0);
  EXPECT_TRUE(channel.safety.at_ease());
}

TEST(ChannelSafety, ACodeThatNeverChangesIsAStuckConverter) {
  Channel channel;
  channel.safety.set_plausibility(watched());
  // V_out has 50 conversions a block, the others 5.
  EXPECT_EQ(channel.blocks_to_trip({.v_out_low = 700, .v_out_high = 700}, 100), 2);
  EXPECT_EQ(channel.last.code, FaultCode::stuck);
  EXPECT_EQ(channel.last.signal, Signal::v_out);
  EXPECT_EQ(channel.last.value, 700);
  EXPECT_EQ(channel.last.limit, 100);
  channel.safety.rest();
  Block slow{.spread = 0};
  slow.read = 2048;
  EXPECT_EQ(channel.blocks_to_trip(slow, 100), 20);
  EXPECT_EQ(channel.last.code, FaultCode::stuck);
  EXPECT_EQ(channel.last.signal, Signal::v_m);
  EXPECT_EQ(channel.last.value, 500);
}

TEST(ChannelSafety, AnotherCodeBeginsTheCountAnew) {
  Channel channel;
  channel.safety.set_plausibility(watched());
  for (int k = 0; k < 20; ++k) {
    EXPECT_FALSE(channel.look({.v_out_low = 700 + k % 2, .v_out_high = 700 + k % 2})) << k;
  }
  EXPECT_TRUE(channel.look({.v_out_low = 701, .v_out_high = 701}));
  channel.safety.rest();
  EXPECT_FALSE(channel.look({.v_out_low = 700, .v_out_high = 700}));
  EXPECT_FALSE(channel.look({.v_out_low = 700, .v_out_high = 701}));
  EXPECT_FALSE(channel.look({.v_out_low = 700, .v_out_high = 700}));
  EXPECT_FALSE(channel.safety.at_ease());
  channel.safety.rest();
  EXPECT_TRUE(channel.safety.at_ease());
}

TEST(ChannelSafety, EitherEndOfARangeHasATimeOfItsOwn) {
  for (const int end : {0, 4095}) {
    Channel channel;
    channel.safety.set_plausibility(watched());
    EXPECT_EQ(channel.blocks_to_trip({.v_out_low = end, .v_out_high = end}, 100), 10);  // 500 samples
    EXPECT_EQ(channel.last.code, FaultCode::rail);
    EXPECT_EQ(channel.last.signal, Signal::v_out);
    EXPECT_EQ(channel.last.value, end);
    EXPECT_EQ(channel.last.limit, 500);
    channel.safety.rest();
    EXPECT_EQ(channel.blocks_to_trip({.v_m = end, .spread = 0}, 100), 20);  // 100 conversions
    EXPECT_EQ(channel.last.code, FaultCode::rail);
    EXPECT_EQ(channel.last.signal, Signal::v_m);
    EXPECT_EQ(channel.last.limit, 100);
    channel.safety.rest();
    Block reads{.read = end, .spread = 0};
    for (int k = 1; k <= 39; ++k) {
      reads.v_m = 500 + k % 2;
      EXPECT_FALSE(channel.look(reads)) << k;
    }
    const Trip trip = channel.look(reads);
    EXPECT_EQ(trip.code, FaultCode::rail);
    EXPECT_EQ(trip.signal, Signal::i_read);
    EXPECT_EQ(trip.limit, 200);
  }
}

TEST(ChannelSafety, NextToTheEndOfARangeACodeIsStuck) {
  for (const int code : {1, 4094}) {
    Channel channel;
    channel.safety.set_plausibility(watched());
    EXPECT_EQ(channel.blocks_to_trip({.v_out_low = code, .v_out_high = code}, 100), 2);
    EXPECT_EQ(channel.last.code, FaultCode::stuck);
  }
}

TEST(ChannelSafety, AShortTimeAtTheEndOfARangeIsOneConversionAtLeast) {
  Channel channel;
  ConfigurePlausibility settings;
  settings.rail = {0, 5, 0};
  channel.safety.set_plausibility(settings);
  EXPECT_EQ(channel.blocks_to_trip({.v_m = 0, .spread = 0}, 5), 1);
  EXPECT_EQ(channel.last.limit, 1);
  EXPECT_EQ(channel.blocks_to_trip({.read = 0, .v_out_low = 0, .v_out_high = 0}, 500), 0) << "not watched";
}

TEST(ChannelSafety, AStretchIsJudgedWithTheNextBlock) {
  Channel channel;
  channel.safety.set_plausibility(watched());
  ChannelSummary stretch;
  stretch.signals[0] = {700, 700, 0};
  stretch.signals[1] = {500, 510, 0};
  stretch.counts = {2500, 250, 0};
  channel.safety.coast(stretch, 2500 * 2048, 2500);
  EXPECT_FALSE(channel.safety.at_ease());
  EXPECT_TRUE(channel.look({.v_out_low = 700, .v_out_high = 700}));
  channel.safety.rest();
  channel.safety.coast(stretch, 2500 * 2048, 2500);
  EXPECT_FALSE(channel.look({.v_out_low = 700, .v_out_high = 701}));
  stretch.signals[0] = {700, 701, 0};
  stretch.signals[1] = {30, 40, 0};
  channel.safety.coast(stretch, 2500 * 2148, 2500);
  EXPECT_FALSE(channel.safety.at_ease());
  EXPECT_EQ(channel.look({.command = 2148, .v_m = 30}).code, FaultCode::open_loop);
  channel.safety.rest();
  stretch.counts = {0, 0, 0};  // nobody listened
  channel.safety.coast(stretch, 2500 * 2148, 2500);
  EXPECT_TRUE(channel.safety.at_ease());
}

TEST(ChannelSafety, BoundsOfTheReadBackPassWithTwoCodesToSpare) {
  Channel channel;
  const FineCode command = (2048 + 500) << fine_bits;  // 2448 codes of I_read
  EXPECT_TRUE(channel.safety.i_read_passes(command, 0, 4095));
  channel.safety.set_limits(0xFFFF, 10);
  EXPECT_TRUE(channel.safety.i_read_passes(command, 2440, 2456));
  EXPECT_FALSE(channel.safety.i_read_passes(command, 2439, 2456));
  EXPECT_FALSE(channel.safety.i_read_passes(command, 2440, 2457));
}

// ---------------------------------------------------------------- charge

TEST(ChargeMeter, AddsUpAMinuteAndTheSecondUnderWay) {
  ChargeMeter meter;
  meter.reset(250000);
  std::mt19937_64 random{11};
  std::vector<std::uint32_t> blocks;
  for (std::int64_t block = 0; block < 130 * 5000; ++block) {
    if (block % 50 == 0) {  // the meter may be told of long stretches at once
      const auto magnitude = static_cast<std::uint32_t>(random() % 100000);
      meter.move_to(Sample{block * 50});
      meter.add(magnitude);
      blocks.push_back(magnitude);
      if (block % 5000 != 2500) continue;
      const std::size_t second = static_cast<std::size_t>(block / 5000);
      const std::size_t oldest = second > 60 ? (second - 60) * 100 : 0;
      std::int64_t sum = 0;
      for (std::size_t k = oldest; k < blocks.size(); ++k) sum += blocks[k];
      ASSERT_EQ(meter.sum(), sum) << "second " << second;
    }
  }
}

TEST(ChargeMeter, BeginsANewSecondExactlyAtItsSample) {
  ChargeMeter meter;
  meter.reset(1000);
  meter.add(7);
  meter.move_to(Sample{60999});
  EXPECT_EQ(meter.sum(), 7);
  meter.move_to(Sample{61000});
  EXPECT_EQ(meter.sum(), 0);
}

TEST(ChargeMeter, AllowsItsLimitAndNoMore) {
  ChargeMeter meter;
  meter.reset(1000);
  EXPECT_TRUE(meter.allows(0xFFFFFFFF));
  EXPECT_EQ(meter.told_limit(), 0x7FFFFFFF);
  meter.set_limit(2);
  EXPECT_EQ(meter.limit(), 2U);
  EXPECT_EQ(meter.told_limit(), 2);
  EXPECT_TRUE(meter.allows(8192));
  EXPECT_FALSE(meter.allows(8193));
  meter.add(8000);
  EXPECT_TRUE(meter.allows(192));
  EXPECT_FALSE(meter.allows(193));
  EXPECT_EQ(meter.told(192), 2);
  EXPECT_EQ(meter.told(193), 3);
  meter.add(1000);
  EXPECT_TRUE(meter.allows(0)) << "zero is always allowed";
  EXPECT_FALSE(meter.allows(1));
  meter.reset(1000);
  EXPECT_EQ(meter.sum(), 0);
  EXPECT_EQ(meter.limit(), ChargeMeter::no_limit);
}

}  // namespace
}  // namespace thyrode::firmware
