// The whole core when something goes wrong: boot, charge, plausibility, the trace of a fault, and what ends it.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/core/rig.hpp"

namespace thyrode::firmware {
namespace {

using namespace protocol;

TEST(Boot, HoldsUntilTheBoardHasTestedItself) {
  Rig rig;
  rig.core.reset();
  EXPECT_EQ(rig.core.state(), State::boot);
  EXPECT_EQ(rig.ask(Arm{}), Status::unfit);
  EXPECT_EQ(rig.ask(Start{Sample{2500}}), Status::bad_state);
  EXPECT_EQ(rig.step_to(2500, 2100), Status::bad_state);
  EXPECT_EQ(rig.set_slew(1), Status::done) << "settings are taken";
  EXPECT_EQ(rig.ask(ConfigureLease{5000}), Status::done);
  rig.run_until(2500);
  EXPECT_EQ(rig.all<Mark>().back().state, State::boot);
  EXPECT_TRUE(rig.at_zero(0, 0, 2500));
  rig.send(Hello{});
  rig.core.link_lost();
  EXPECT_EQ(rig.core.state(), State::boot);
  // An emergency stop is taken here too, and its end is not the end of the boot.
  EXPECT_EQ(rig.ask(EmergencyStop{}), Status::done);
  EXPECT_EQ(rig.core.state(), State::fault);
  EXPECT_EQ(rig.ask(Clear{FaultCode::estop}), Status::done);
  EXPECT_EQ(rig.core.state(), State::boot);
  rig.core.tested();
  EXPECT_EQ(rig.core.state(), State::idle);
  EXPECT_EQ(rig.ask(Arm{}), Status::done);
  rig.core.tested();
  EXPECT_EQ(rig.core.state(), State::armed) << "told twice";
}

TEST(Boot, AFaultIsNotEndedByTheSelfTest) {
  Rig rig;
  rig.core.reset();
  EXPECT_EQ(rig.ask(EmergencyStop{}), Status::done);
  rig.core.tested();
  EXPECT_EQ(rig.core.state(), State::fault);
  EXPECT_EQ(rig.ask(Clear{FaultCode::estop}), Status::done);
  EXPECT_EQ(rig.core.state(), State::idle);
}

/// 100 codes from 2500 on: 5000 codes times samples a block.
void run_with_charge(Rig& rig, std::uint32_t most) {
  ASSERT_EQ(rig.ask(ConfigureCharge{0, most}), Status::done);
  rig.start(2500);
  ASSERT_EQ(rig.step_to(2500, 2148), Status::done);
}

TEST(Charge, TripsBeforeTheBlockThatIsTooMuch) {
  Rig rig;
  ASSERT_NO_FATAL_FAILURE(run_with_charge(rig, 61));  // 249 856: 49 blocks
  // Written two blocks ahead: block 50 of the current begins at 4950, and is written with the codes of 4850.
  rig.run_until(4850);
  EXPECT_EQ(rig.core.state(), State::running);
  rig.step();
  EXPECT_EQ(rig.core.state(), State::fault);
  ASSERT_EQ(rig.all<Fault>().size(), 1U);
  EXPECT_EQ(rig.all<Fault>()[0], (Fault{FaultCode::charge, 0, Sample{4950}, 62, 61, Signal::v_out}));
  rig.run_until(7500);
  EXPECT_TRUE(rig.at_zero(0, 4900, 7500));
  std::int64_t flowed = 0;
  for (const DacCode code : rig.played[0]) flowed += std::abs(code - 2048);
  EXPECT_LE(flowed, 61 * 4096);
}

TEST(Charge, CountsCurrentOfEitherSign) {
  Rig rig;
  ASSERT_EQ(rig.ask(ConfigureCharge{0, 61}), Status::done);
  rig.start(2500);
  for (int k = 0; k < 8; ++k) ASSERT_EQ(rig.step_to(2500 + 333 * k, k % 2 == 0 ? 2148 : 1948), Status::done);
  rig.run_until(4850);
  EXPECT_EQ(rig.core.state(), State::running);
  rig.run_until(5000);
  EXPECT_EQ(rig.core.state(), State::fault);
}

TEST(Charge, OfOneChannelIsNotThatOfTheOther) {
  Rig rig{2};
  ASSERT_EQ(rig.ask(ConfigureCharge{1, 61}), Status::done);
  EXPECT_EQ(rig.ask(ConfigureCharge{2, 61}), Status::unknown);
  rig.start(2500);
  ASSERT_EQ(rig.step_to(2500, 2148), Status::done);
  rig.run_until(10000);
  EXPECT_EQ(rig.core.state(), State::running);
  ASSERT_EQ(rig.step_to(10000 + 150, 2148, 1), Status::done);
  rig.run_until(15000);
  ASSERT_EQ(rig.all<Fault>().size(), 1U);
  EXPECT_EQ(rig.all<Fault>()[0].channel, 1);
}

TEST(Charge, OutlivesAHostAndAClear) {
  Rig rig;
  ASSERT_NO_FATAL_FAILURE(run_with_charge(rig, 61));
  rig.run_until(4800);
  rig.send(Hello{});
  rig.talk();
  rig.start(7500);
  ASSERT_EQ(rig.step_to(7500, 2148), Status::done);
  rig.run_until(10000);
  ASSERT_EQ(rig.core.state(), State::fault);
  ASSERT_EQ(rig.all<Fault>().size(), 1U);
  EXPECT_LT(rig.all<Fault>()[0].at, Sample{7700}) << "the charge of the last host counts";
  rig.run_until(12500);
  ASSERT_EQ(rig.ask(Clear{FaultCode::charge}), Status::done);
  rig.start(15000);
  rig.run_until(16000);
  EXPECT_EQ(rig.core.state(), State::running) << "no current, no charge";
  ASSERT_EQ(rig.step_to(17000, 2149), Status::done);
  rig.run_until(17500);
  EXPECT_EQ(rig.core.state(), State::fault);
  EXPECT_TRUE(rig.at_zero(0, 15000, 17500));
}

TEST(Charge, IsLoweredUnderCurrentAndRaisedAtRestOnly) {
  Rig rig;
  ASSERT_NO_FATAL_FAILURE(run_with_charge(rig, 1000));
  EXPECT_EQ(rig.ask(ConfigureCharge{0, 1001}), Status::bad_state);
  EXPECT_EQ(rig.ask(ConfigureCharge{0, 1000}), Status::done);
  rig.run_until(5000);
  EXPECT_EQ(rig.ask(ConfigureCharge{0, 1001}), Status::bad_state);
  EXPECT_EQ(rig.ask(ConfigureCharge{0, 10}), Status::done);
  rig.step();
  EXPECT_EQ(rig.core.state(), State::fault);
  EXPECT_EQ(rig.ask(ConfigureCharge{0, 5}), Status::bad_state);
}

// By blocks and by stretches: the same trip at the same sample.
TEST(Charge, OfStretchesIsThatOfTheirBlocks) {
  for (const std::uint32_t most : {100U, 1000U, 1001U, 1777U}) {
    Rig blocks, stretches;
    std::size_t coasted = 0;
    for (Rig* rig : {&blocks, &stretches}) {
      ASSERT_EQ(rig->ask(ConfigureCharge{0, most}), Status::done);
      rig->start(2500);
      ASSERT_EQ(rig->step_to(2500, 2100.3), Status::done);
      ASSERT_EQ(rig->step_to(31111, 2000.7), Status::done);
      for (std::int64_t mark = 2500; mark <= 250'000 && rig->core.state() != State::fault; mark += 2500) {
        rig->write(Heartbeat{}, 0);
        while (rig->board.now().index < mark) {
          if (rig == &stretches && rig->coast(2500)) {
            ++coasted;
          } else {
            rig->step();
          }
        }
      }
      ASSERT_EQ(rig->core.state(), State::fault) << most;
    }
    EXPECT_GT(coasted, 1U);
    EXPECT_EQ(blocks.all<Fault>(), stretches.all<Fault>());
    EXPECT_EQ(blocks.all<Fault>().at(0).limit, static_cast<int>(most));
  }
}

TEST(Charge, OfAMinuteAgoIsForgotten) {
  Rig rig;
  // 50 codes for 20 s in each 61.
  ASSERT_EQ(rig.ask(ConfigureCharge{0, 61'100}), Status::done);  // 250.3e6: 20.02 s
  rig.start(2500);
  for (std::int64_t turn = 0; turn < 3; ++turn) {
    const std::int64_t begin = 250'000 + turn * 61 * 250'000;
    ASSERT_EQ(rig.step_to(begin, 2098), Status::done);
    ASSERT_EQ(rig.step_to(begin + 20 * 250'000, 2048), Status::done);
    for (std::int64_t mark = rig.board.now().index; mark <= begin + 60 * 250'000; mark += 2500) {
      rig.write(Heartbeat{}, 0);
      while (rig.board.now().index < mark) {
        if (!rig.coast(2500)) rig.step();
      }
      rig.forget();
      ASSERT_NE(rig.core.state(), State::fault) << "sample " << mark;
    }
  }
}

// ---------------------------------------------------------------- plausibility

ConfigurePlausibility strict() {
  ConfigurePlausibility settings;
  settings.stuck = 500;
  settings.rail = {2500, 2500, 2500};
  settings.open_current = 50;
  settings.open_band = 8;
  settings.open_time = 5000;
  return settings;
}

/// A source that flickers by one code around a level, as noise does.
Rig::Source noisy(int level) {
  return [level](std::int64_t at) { return level + static_cast<int>(at / 10 % 2); };
}

struct Plausibility : testing::Test {
  void SetUp() override {
    rig.v_out[0] = noisy(100);
    rig.v_m = noisy(500);
    rig.readback_flickers = true;
  }
  void run() {
    ASSERT_EQ(rig.ask(strict()), Status::done);
    rig.start(2500);
    ASSERT_EQ(rig.step_to(2500, 2348.5), Status::done);
    rig.run_until(10000);
    ASSERT_EQ(rig.core.state(), State::running);
  }
  Fault trip(std::int64_t until) {
    rig.run_until(until);
    EXPECT_EQ(rig.core.state(), State::fault);
    EXPECT_FALSE(rig.board.closed());
    const auto faults = rig.all<Fault>();
    return faults.size() == 1 ? faults[0] : Fault{};
  }
  Rig rig;
};

TEST_F(Plausibility, TripsOnAStuckConverterInTheBlockThatShowsIt) {
  ASSERT_NO_FATAL_FAILURE(run());
  rig.v_out[0] = [](std::int64_t) { return 321; };
  rig.run_until(10450);
  EXPECT_EQ(rig.core.state(), State::running);
  EXPECT_EQ(trip(10500), (Fault{FaultCode::stuck, 0, Sample{10450}, 321, 500, Signal::v_out}));
}

TEST_F(Plausibility, TripsWhereASignalStaysAtARail) {
  ASSERT_NO_FATAL_FAILURE(run());
  rig.v_m = [](std::int64_t) { return 0; };
  rig.run_until(12450);
  EXPECT_EQ(rig.core.state(), State::running);
  EXPECT_EQ(trip(12500), (Fault{FaultCode::rail, 0, Sample{12450}, 0, 250, Signal::v_m}));
}

TEST_F(Plausibility, TripsWhereV_mDoesNotRespond) {
  ASSERT_NO_FATAL_FAILURE(run());
  rig.v_m = noisy(32);
  rig.run_until(14950);
  EXPECT_EQ(rig.core.state(), State::running);
  EXPECT_EQ(trip(15000), (Fault{FaultCode::open_loop, 0, Sample{14950}, 1, 8, Signal::v_m}));
}

TEST_F(Plausibility, WatchesOnlyWhileCurrentMayFlow) {
  ASSERT_EQ(rig.ask(strict()), Status::done);
  rig.v_out[0] = [](std::int64_t) { return 321; };
  rig.v_m = [](std::int64_t) { return 4095; };
  rig.run_until(10000);
  EXPECT_EQ(rig.core.state(), State::idle);
  rig.start(12500);
  rig.run_until(12450);
  EXPECT_EQ(rig.core.state(), State::running) << "counts from the start";
  EXPECT_EQ(trip(13000).code, FaultCode::stuck);
}

TEST_F(Plausibility, IsNeverRelaxedUnderCurrent) {
  EXPECT_EQ(rig.ask(ConfigurePlausibility{1}), Status::unknown);
  ASSERT_NO_FATAL_FAILURE(run());
  const auto changed = [](auto&& change) {
    ConfigurePlausibility settings = strict();
    change(settings);
    return settings;
  };
  EXPECT_EQ(rig.ask(strict()), Status::done);
  EXPECT_EQ(rig.ask(changed([](auto& s) { s.stuck = 501; })), Status::bad_state);
  EXPECT_EQ(rig.ask(changed([](auto& s) { s.stuck = 0; })), Status::bad_state);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(rig.ask(changed([k](auto& s) { s.rail[k] = 2501; })), Status::bad_state) << k;
    EXPECT_EQ(rig.ask(changed([k](auto& s) { s.rail[k] = 0; })), Status::bad_state) << k;
  }
  EXPECT_EQ(rig.ask(changed([](auto& s) { s.open_current = 51; })), Status::bad_state);
  EXPECT_EQ(rig.ask(changed([](auto& s) { s.open_current = 0; })), Status::bad_state);
  EXPECT_EQ(rig.ask(changed([](auto& s) { s.open_band = 7; })), Status::bad_state);
  EXPECT_EQ(rig.ask(changed([](auto& s) { s.open_time = 5001; })), Status::bad_state);
  EXPECT_EQ(rig.ask(ConfigurePlausibility{0, 499, {2499, 2499, 2499}, 49, 9, 4999}), Status::done);
  EXPECT_EQ(rig.ask(strict()), Status::bad_state);
}

TEST_F(Plausibility, WhatWasNotWatchedMayBeWatchedUnderCurrent) {
  rig.start(2500);
  rig.run_until(5000);
  EXPECT_EQ(rig.ask(strict()), Status::done);
  EXPECT_EQ(rig.ask(ConfigurePlausibility{}), Status::bad_state);
}

TEST_F(Plausibility, GoesByBlocksWhereSomethingIsWatched) {
  ASSERT_NO_FATAL_FAILURE(run());
  EXPECT_GT(rig.core.quiet_blocks(Sample{10000}, Sample{10100}), 0);
  rig.v_m = noisy(32);
  rig.step();
  rig.run_until(12500);
  EXPECT_EQ(rig.core.quiet_blocks(Sample{12500}, Sample{12600}), 0);
  rig.v_m = noisy(500);
  rig.run_until(15000);
  EXPECT_GT(rig.core.quiet_blocks(Sample{15000}, Sample{15100}), 0);
}

// ---------------------------------------------------------------- the trace of a fault

DeviceStatus status_of(Rig& rig) {
  rig.send(GetStatus{});
  rig.talk();
  return rig.all<DeviceStatus>().back();
}

std::vector<AdcCode> trace_of(Rig& rig, std::uint8_t channel, Signal signal, Sample& first) {
  std::vector<AdcCode> codes;
  while (true) {
    rig.send(GetTrace{channel, signal, static_cast<std::uint16_t>(codes.size())});
    rig.talk();
    const TracePart part = rig.all<TracePart>().back();
    EXPECT_EQ(part.channel, channel);
    EXPECT_EQ(part.signal, signal);
    EXPECT_EQ(part.every, signal == Signal::v_out ? 1 : 10);
    EXPECT_EQ(part.offset, codes.size());
    first = part.first;
    codes.insert(codes.end(), part.codes.begin(), part.codes.end());
    if (codes.size() >= part.length || part.codes.empty()) return codes;
  }
}

TEST(FaultTrace, HoldsTwentyMillisecondsUpToTheBlockOfTheTrip) {
  Rig rig{2};
  rig.v_out[0] = [](std::int64_t at) { return static_cast<int>(at % 3001); };
  rig.v_out[1] = [](std::int64_t at) { return static_cast<int>(at % 2003); };
  rig.v_m = [](std::int64_t at) { return static_cast<int>(at % 1009); };
  EXPECT_EQ(rig.ask(GetTrace{0, Signal::v_out, 0}), Status::bad_state) << "no fault, no trace";
  ASSERT_EQ(rig.set_slew(800, 4000), Status::done);
  rig.start(2500);
  rig.run_until(20000);
  rig.v_m = [](std::int64_t at) { return at == 20030 ? 4001 : static_cast<int>(at % 1009); };
  EXPECT_EQ(status_of(rig).trace, 0);
  rig.step();
  ASSERT_EQ(rig.core.state(), State::fault);
  rig.run_until(30000);
  for (int host = 0; host < 2; ++host) {
    const DeviceStatus status = status_of(rig);
    EXPECT_EQ(status,
              (DeviceStatus{State::fault, FaultCode::compliance, 0, Signal::v_m, Sample{20000}, 4001, 4000, 1}));
    for (std::uint8_t channel = 0; channel < 2; ++channel) {
      for (const Signal signal : {Signal::v_out, Signal::v_m, Signal::i_read}) {
        Sample first;
        const auto codes = trace_of(rig, channel, signal, first);
        const std::int64_t every = signal == Signal::v_out ? 1 : 10;
        const auto count = static_cast<std::int64_t>(codes.size());
        EXPECT_GE(count * every, 5000);
        EXPECT_EQ(first + count * every, Sample{20050});
        for (std::int64_t k = 0; k < count; ++k) {
          const std::int64_t at = first.index + k * every;
          const int expected = signal == Signal::v_out ? rig.v_out[channel](at)
                               : signal == Signal::v_m ? rig.v_m(at)
                                                       : 2048;
          ASSERT_EQ(codes[static_cast<std::size_t>(k)], expected) << "sample " << at;
        }
      }
    }
    rig.send(Hello{});  // the next host gets the same
    rig.talk();
  }
  EXPECT_EQ(rig.ask(GetTrace{2, Signal::v_out, 0}), Status::unknown);
  EXPECT_EQ(rig.ask(GetTrace{0, static_cast<Signal>(3), 0}), Status::unknown);
  rig.send(GetTrace{0, Signal::v_m, 60000});
  rig.talk();
  EXPECT_TRUE(rig.all<TracePart>().back().codes.empty());
  ASSERT_EQ(rig.ask(Clear{FaultCode::compliance}), Status::done);
  EXPECT_EQ(rig.ask(GetTrace{0, Signal::v_out, 0}), Status::bad_state);
  EXPECT_EQ(status_of(rig), DeviceStatus{});
}

TEST(FaultTrace, OfAnEmergencyStopEndsWithTheNextBlock) {
  Rig rig;
  rig.v_out[0] = [](std::int64_t at) { return static_cast<int>(at % 3001); };
  rig.start(2500);
  rig.run_until(10000);
  ASSERT_EQ(rig.ask(EmergencyStop{}), Status::done);
  EXPECT_EQ(rig.core.quiet_blocks(Sample{10000}, Sample{10100}), 0);
  EXPECT_EQ(rig.ask(GetTrace{0, Signal::v_out, 0}), Status::bad_state);
  rig.step();
  Sample first;
  const auto codes = trace_of(rig, 0, Signal::v_out, first);
  EXPECT_EQ(first + static_cast<std::int64_t>(codes.size()), Sample{10050});
  rig.run_until(12500);
  EXPECT_GT(rig.core.quiet_blocks(Sample{12500}, Sample{12600}), 0) << "held: nobody wants codes";
}

TEST(FaultTrace, DoesNotReachBackOverAHole) {
  CodeRing<64> ring;
  ring.reset(10);
  std::array<AdcCode, 5> codes{1, 2, 3, 4, 5};
  ring.store(Sample{0}, codes);
  ring.store(Sample{50}, codes);
  EXPECT_EQ(ring.size(), 10U);
  EXPECT_EQ(ring.first(), Sample{0});
  ring.store(Sample{110}, codes);
  EXPECT_EQ(ring.size(), 5U);
  EXPECT_EQ(ring.first(), Sample{110});
  EXPECT_EQ(ring.next(), Sample{160});
  const auto all = [&ring] {
    std::vector<AdcCode> held(ring.size());
    ring.copy(0, held);
    return held;
  };
  EXPECT_EQ(all(), std::vector<AdcCode>(codes.begin(), codes.end()));
  for (int k = 0; k < 40; ++k) {
    for (AdcCode& code : codes) ++code;
    ring.store(ring.next(), codes);
    std::array<AdcCode, 5> newest;
    ring.copy(ring.size() - 5, newest);
    ASSERT_EQ(newest, codes);
    ASSERT_LE(ring.size(), 64U);
  }
  EXPECT_EQ(ring.size(), 64U);
  const auto held = all();
  for (std::size_t j = 5; j < held.size(); ++j) ASSERT_EQ(held[j], held[j - 5] + 1);
}

TEST(FaultTrace, SnippetsWaitUntilItIsCleared) {
  Rig rig;
  rig.v_out[0] = [](std::int64_t at) { return at % 2500 > 1000 && at % 2500 < 1020 ? 1500 : 100; };
  ASSERT_EQ(rig.ask(ConfigureSnippets{0, 1, 100, 100, 1000}), Status::done);
  ASSERT_EQ(rig.set_slew(0.01), Status::done);
  ASSERT_EQ(rig.ask(ConfigureLease{5000}), Status::done);
  rig.start(2500);
  ASSERT_EQ(rig.step_to(2500, 2448), Status::done);
  rig.run_until(10000);
  const std::size_t before = rig.all<SnippetBlock>().size();
  EXPECT_GT(before, 0U);
  rig.silent = true;
  rig.run_until(20000);
  ASSERT_TRUE(rig.board.closed()) << "the current still falls, and the spikes are still told";
  ASSERT_EQ(rig.all<Fault>().size(), 1U);
  EXPECT_GT(rig.all<SpikeBlock>().back().records.back().at, to_ticks(rig.all<Fault>()[0].at));
  EXPECT_LT(rig.all<SnippetBlock>().back().spike, to_ticks(rig.all<Fault>()[0].at));
}

// ---------------------------------------------------------------- what ends a fault, and what does not

TEST(EmergencyStopPath, IsAnsweredBeforeWhatWaitsInTheStream) {
  Rig rig{1, true};
  ASSERT_EQ(rig.ask(ConfigureTelemetry{0, Sample{0}, 1}), Status::done);
  rig.start(2500);
  ASSERT_EQ(rig.step_to(2500, 3000), Status::done);
  rig.run_until(5000);
  rig.board.accepts = 10;  // the link stands, in the middle of a frame
  rig.run_until(8000);
  ASSERT_EQ(rig.core.state(), State::running);
  rig.send(EmergencyStop{});
  rig.core.poll();
  EXPECT_FALSE(rig.board.closed()) << "carried out though nothing can be said";
  rig.received.clear();
  rig.board.accepts = 600;  // two frames and a half
  rig.talk();
  ASSERT_GE(rig.received.size(), 2U);
  EXPECT_TRUE(rig.received[0].type == Ack::type || rig.received[1].type == Ack::type);
}

TEST(EmergencyStopPath, NothingArmsAgainByItself) {
  for (int way = 0; way < 4; ++way) {
    Rig rig;
    rig.start(2500);
    ASSERT_EQ(rig.step_to(2500, 3000), Status::done);
    ASSERT_EQ(rig.step_to(20000, 3000), Status::done);
    rig.run_until(5000);
    const std::uint8_t arm = static_cast<std::uint8_t>(200);
    rig.write(Arm{}, arm);
    ASSERT_EQ(rig.ask(EmergencyStop{}), Status::done);
    switch (way) {
      case 0: rig.send(Hello{}); break;
      case 1: rig.core.link_lost(); break;
      case 2: rig.write(Arm{}, arm); break;  // a repetition, or a late one
      default: rig.core.tested(); break;
    }
    rig.run_until(30000);
    EXPECT_EQ(rig.core.state(), State::fault) << way;
    EXPECT_TRUE(rig.at_zero(0, 5000, 30000)) << way;
    EXPECT_EQ(rig.ask(Start{Sample{40000}}), Status::bad_state) << way;
    EXPECT_EQ(rig.ask(Clear{FaultCode::estop}), Status::done) << way;
    rig.run_until(50000);
    EXPECT_EQ(rig.core.state(), State::idle) << way;
    EXPECT_TRUE(rig.at_zero(0, 30000, 50000)) << way;
  }
}

}  // namespace
}  // namespace thyrode::firmware
