#include "daemon/calibration/calibrate.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/random_bits.hpp"
#include "tests/unit/calibration/bench.hpp"

namespace thyrode::calibration {
namespace {

struct Coverage {
  int told = 0;
  int held = 0;
  double worst = 0.0;
  void take(const Estimate& estimate, double truth) {
    ++told;
    held += estimate.holds(truth) ? 1 : 0;
    worst = std::max(worst, std::abs(estimate.value - truth));
  }
  double share() const { return static_cast<double>(held) / told; }
};

TEST(Calibrate, FindsTheHiddenErrorsOfManyInstrumentsWithinItsIntervals) {
  Coverage gains, offsets, volts_offset;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const ResistorBench bench{seed};
    const auto found = calibrate(*bench.device, Channel{0}, bench.procedure(bench.true_ohm));
    ASSERT_TRUE(found) << "seed " << seed << ": " << found.error().message;
    const HiddenErrors hidden{seed};
    gains.take(found->source.gain, 1.0 + hidden.source.gain());
    offsets.take(found->source.offset, hidden.source.offset());
    for (std::size_t j = 0; j < protocol::signal_count; ++j) {
      gains.take(found->signals[j].gain, 1.0 + hidden.signals[j].gain());
      (j == 0 ? volts_offset : offsets).take(found->signals[j].offset, hidden.signals[j].offset());
      EXPECT_GT(found->signals[j].noise.low, 0.9) << "seed " << seed;
      EXPECT_LT(found->signals[j].noise.high, 1.3) << "seed " << seed;
    }
  }
  EXPECT_LT(gains.worst, 1e-3);
  EXPECT_LT(offsets.worst, 1.0);
  // The bend at the code of 0 V, up to a code, is nearly all that is known of the offset of V_out.
  EXPECT_LT(volts_offset.worst, 1.3);
  EXPECT_GT(gains.share(), 0.93) << gains.held << " of " << gains.told;
  EXPECT_GT(offsets.share(), 0.90) << offsets.held << " of " << offsets.told;
  EXPECT_GT(volts_offset.share(), 0.85) << volts_offset.held << " of " << volts_offset.told;
}

TEST(Calibrate, TolerancesOfResistorAndMeterAreInTheIntervals) {
  Coverage gains;
  std::uint64_t state = 11;
  double narrowest = 1.0;
  for (std::uint64_t seed = 101; seed <= 120; ++seed) {
    const double stated = 6.2e3;
    const ResistorBench bench{seed, stated * (1.0 + 0.004 * (2.0 * support::uniform_number(state) - 1.0))};
    const double meter = 1.0 + 0.002 * (2.0 * support::uniform_number(state) - 1.0);
    const auto found = calibrate(*bench.device, Channel{0}, bench.procedure(stated, 0.004, meter, 0.002));
    ASSERT_TRUE(found) << "seed " << seed << ": " << found.error().message;
    const HiddenErrors hidden{seed};
    gains.take(found->source.gain, 1.0 + hidden.source.gain());
    for (std::size_t j = 0; j < 3; ++j) gains.take(found->signals[j].gain, 1.0 + hidden.signals[j].gain());
    narrowest = std::min(narrowest, found->source.gain.high - found->source.gain.low);
  }
  EXPECT_GE(gains.share(), 0.93) << gains.held << " of " << gains.told;
  EXPECT_GT(narrowest, 2.0 * 1.96 * 0.004 / std::sqrt(3.0));
}

TEST(Calibrate, WithoutAMeterTheRatioIsKnownAndTheScaleOnlyToOnePercent) {
  Coverage gains;
  for (std::uint64_t seed = 201; seed <= 215; ++seed) {
    const ResistorBench bench{seed};
    Procedure procedure = bench.procedure(bench.true_ohm);
    procedure.meter = {};
    const auto found = calibrate(*bench.device, Channel{0}, procedure);
    ASSERT_TRUE(found) << "seed " << seed << ": " << found.error().message;
    EXPECT_FALSE(found->reference.absolute());
    const HiddenErrors hidden{seed};
    const double told = found->signals[1].gain.value * found->source.gain.value;
    EXPECT_NEAR(told, (1.0 + hidden.signals[1].gain()) * (1.0 + hidden.source.gain()), 1e-3) << "seed " << seed;
    gains.take(found->source.gain, 1.0 + hidden.source.gain());
  }
  EXPECT_EQ(gains.held, gains.told);
}

TEST(Calibrate, MakesTheCommandedCurrentTheTrueCurrent) {
  const ResistorBench bench{7};
  const auto found = calibrate(*bench.device, Channel{0}, bench.procedure(bench.true_ohm));
  ASSERT_TRUE(found) << found.error().message;
  const DeviceInfo before = bench.device->info();
  const Calibration whole{before.serial, before.board, {{"A", *found}}};
  ASSERT_TRUE(apply(whole, *bench.device));
  const ChannelDescription& now = bench.device->info().channels[0];
  EXPECT_EQ(now.rest(), before.channels[0].rest());
  const HiddenErrors hidden{7};
  for (const double wanted : {40e-6, 80e-6, 120e-6}) {
    const double code = now.command.code(wanted);
    const double truth =
        ((code - 2048.0) * (1.0 + hidden.source.gain()) + hidden.source.offset()) * native::Nominal::amps_per_dac_code;
    EXPECT_NEAR(truth, wanted, 1e-3 * wanted);
  }
}

TEST(Calibrate, AModelCellNeedsItsCapacitor) {
  const ResistorBench bench{3, 6.2e3, 5e-6};
  Procedure procedure = bench.procedure(6.2e3);
  const auto refused = calibrate(*bench.device, Channel{0}, procedure);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("--capacitor"), std::string::npos) << refused.error().message;
  procedure.reference.capacitance = 5e-6;
  const auto found = calibrate(*bench.device, Channel{0}, procedure);
  ASSERT_TRUE(found) << found.error().message;
  const HiddenErrors hidden{3};
  EXPECT_NEAR(found->source.gain.value, 1.0 + hidden.source.gain(), 1e-3);
  EXPECT_NEAR(found->source.offset.value, hidden.source.offset(), 1.0);
}

TEST(Calibrate, AnIdealFrontEndHasNoErrors) {
  const ResistorBench bench{5, 6.2e3, 0.0, true};
  const auto found = calibrate(*bench.device, Channel{0}, bench.procedure(6.2e3));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_NEAR(found->source.gain.value, 1.0, 3e-4);
  EXPECT_NEAR(found->source.offset.value, 0.0, 0.3);
  for (const Converter& told : found->signals) {
    EXPECT_NEAR(told.gain.value, 1.0, 3e-4);
    EXPECT_LT(told.nonlinearity.value, 0.4);
    EXPECT_LT(told.noise.value, 0.1);
  }
}

// ---------------------------------------------------------------- what is refused

/// What came of a procedure that cannot hold; the output is open and the message names the word.
void expect_refused(const ResistorBench& bench, const Procedure& procedure, const char* word) {
  const auto found = calibrate(*bench.device, Channel{0}, procedure);
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find(word), std::string::npos) << found.error().message;
  EXPECT_EQ(*bench.true_current, 0.0);
}

TEST(Calibrate, RefusesAnotherResistorThanStated) {
  const ResistorBench larger{1, 7.5e3};
  expect_refused(larger, larger.procedure(6.2e3), "is stated");
  const ResistorBench smaller{1, 620.0};
  expect_refused(smaller, smaller.procedure(6.2e3), "is stated");
}

TEST(Calibrate, RefusesAnOpenLoop) {
  const ResistorBench bench{1, 1e8};
  expect_refused(bench, bench.procedure(6.2e3), "open loop");
}

TEST(Calibrate, RefusesAReadingThatDoesNotFit) {
  const ResistorBench bench{1};
  expect_refused(bench, bench.procedure(6.2e3, 0.001, 1.12, 0.001), "meter");
}

TEST(Calibrate, RefusesARangeWithoutRoom) {
  const ResistorBench bench{1};
  Procedure procedure = bench.procedure(6.2e3);
  procedure.highest = 10.0_uA;
  expect_refused(bench, procedure, "codes of the source");
}

TEST(Calibrate, RefusesAnAbsurdResistor) {
  const ResistorBench bench{1};
  expect_refused(bench, bench.procedure(0.0), "10 Ohm to 10 MOhm");
}

TEST(Calibrate, LeavesNoCurrentWhenItIsStopped) {
  const ResistorBench bench{1};
  Procedure procedure = bench.procedure(6.2e3);
  int asked = 0;
  procedure.stopped = [&asked] { return ++asked > 900; };
  expect_refused(bench, procedure, "stopped");
  EXPECT_GT(asked, 900);
}

}  // namespace
}  // namespace thyrode::calibration
