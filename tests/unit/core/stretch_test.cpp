// Stretches against blocks: the same codes, handed over by their summaries, give the same bytes.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/core/rig.hpp"

namespace thyrode::firmware {
namespace {

using namespace protocol;

/// Plateaus, ramps, spikes and noise, the same for the same seed.
std::vector<int> course(std::uint64_t seed, std::size_t length, int noise) {
  std::mt19937_64 random{seed};
  std::vector<int> v;
  int now = 400;
  while (v.size() < length) {
    const int goal = 100 + static_cast<int>(random() % 1500);
    const std::size_t steps = random() % 2 == 0 ? 1 + random() % 8 : 1 + random() % 900;
    for (std::size_t k = 1; k <= steps; ++k) {
      v.push_back(now + (goal - now) * static_cast<int>(k) / static_cast<int>(steps));
    }
    now = goal;
    v.insert(v.end(), random() % 700, now);
  }
  for (int& code : v) code += static_cast<int>(random() % static_cast<std::uint64_t>(2 * noise + 1)) - noise;
  return v;
}

void begin(Rig& rig, const std::vector<int>& v, Trigger trigger) {
  rig.v_out[0] = [&v](std::int64_t at) { return v[static_cast<std::size_t>(at)]; };
  rig.v_out[1] = [&v](std::int64_t at) { return v[v.size() - 1 - static_cast<std::size_t>(at)]; };
  rig.v_m = [](std::int64_t at) { return 500 + static_cast<int>(at % 37); };
  for (std::uint8_t channel = 0; channel < 2; ++channel) {
    EXPECT_EQ(rig.ask(ConfigureDetector{channel, Sample{0}, trigger, 250, 700, 500, 12}), Status::done);
  }
  rig.start(2500);
}

TEST(Stretch, GivesTheBytesOfItsBlocks) {
  std::size_t spans = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    std::mt19937_64 random{seed};
    const auto v = course(seed, 60'000, static_cast<int>(seed % 4) * 20);
    const Trigger trigger = seed % 3 == 0 ? Trigger::level : Trigger::swing;
    const auto longest = static_cast<std::int64_t>(1 + random() % 300);
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", spans of " << longest);
    Rig blocks{2}, stretches{2};
    begin(blocks, v, trigger);
    begin(stretches, v, trigger);
    for (std::int64_t mark = 2500; mark <= 50'000; mark += 2500) {
      if (random() % 4 == 0) {
        const std::int64_t at = mark + 200 + static_cast<std::int64_t>(random() % 6000);
        const FineCode to = fine(1500) + static_cast<FineCode>(random() % static_cast<std::uint64_t>(fine(1000)));
        const auto duration = static_cast<std::uint32_t>(random() % 2 == 0 ? 0 : random() % 3000);
        for (Rig* rig : {&blocks, &stretches})
          rig->send(Schedule{static_cast<std::uint8_t>(seed % 2), Sample{at}, duration, to, to});
      }
      blocks.write(Heartbeat{}, 0);
      stretches.write(Heartbeat{}, 0);
      while (blocks.board.now().index < mark) blocks.step();
      while (stretches.board.now().index < mark) {
        if (!stretches.coast(longest)) stretches.step();
      }
    }
    spans += stretches.spans;
    ASSERT_EQ(blocks.received.size(), stretches.received.size());
    EXPECT_EQ(blocks.all<SpikeBlock>(), stretches.all<SpikeBlock>());
    EXPECT_EQ(blocks.all<LevelRecord>(), stretches.all<LevelRecord>());
    EXPECT_EQ(blocks.all<CurrentBlock>(), stretches.all<CurrentBlock>());
    EXPECT_EQ(blocks.all<StepApplied>(), stretches.all<StepApplied>());
    EXPECT_EQ(blocks.all<Mark>(), stretches.all<Mark>());
    for (const std::size_t c : {0U, 1U}) {
      EXPECT_EQ(blocks.written[c], stretches.written[c]);
      EXPECT_EQ(blocks.played[c], stretches.played[c]);
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(spans, 1000U);
}

TEST(Stretch, IsRefusedWhereSomethingIsDue) {
  const auto quiet = [](auto&& prepare) {
    Rig rig;
    rig.start(2500);
    EXPECT_EQ(rig.step_to(2500, 2200), Status::done);
    rig.run_until(10'000);
    prepare(rig);
    rig.talk();
    return rig.core.quiet_blocks(rig.board.now(), rig.board.now() + 100) > 0;
  };
  EXPECT_TRUE(quiet([](Rig&) {}));
  EXPECT_FALSE(quiet([](Rig& rig) { rig.run_until(10'050); }));  // not at a mark
  EXPECT_FALSE(quiet([](Rig& rig) { rig.send(Schedule{0, Sample{12'599}, 0, fine(2000), fine(2000)}); }));
  EXPECT_TRUE(quiet([](Rig& rig) { rig.send(Schedule{0, Sample{12'600}, 0, fine(2000), fine(2000)}); }));
  EXPECT_FALSE(quiet([](Rig& rig) { rig.send(Stop{Sample{12'500}}); }));
  EXPECT_TRUE(quiet([](Rig& rig) { rig.send(Stop{Sample{12'600}}); }));
  EXPECT_FALSE(quiet([](Rig& rig) { rig.send(ConfigureTelemetry{0, Sample{0}, 10}); }));
  EXPECT_FALSE(quiet([](Rig& rig) { rig.send(ConfigureTelemetry{0, Sample{12'450}, 0}); }));
  EXPECT_TRUE(quiet([](Rig& rig) { rig.send(ConfigureTelemetry{0, Sample{12'500}, 0}); }));
  EXPECT_FALSE(quiet([](Rig& rig) { rig.send(ConfigureDetector{0, Sample{12'450}, Trigger::swing, 300, 0, 0, 12}); }));
  EXPECT_FALSE(quiet([](Rig& rig) { rig.send(ConfigureSnippets{0, 1, 10, 10, 5}); }));
  EXPECT_FALSE(quiet([](Rig& rig) { rig.send(ConfigureLimits{0, 0, fine(2100), fine(800)}); }));
  EXPECT_FALSE(quiet([](Rig& rig) {
    rig.silent = true;
    rig.run_until(32'500);  // 22 500 samples without a frame, and a lease of 25 000
  }));
  EXPECT_FALSE(quiet([](Rig& rig) {
    EXPECT_EQ(rig.step_to(12'550, 2100), Status::done);
    rig.run_until(12'500);  // the step lies in what is written and not yet played
  }));
}

TEST(Stretch, OfOneBlockTripsTheComplianceAsABlockDoes) {
  Rig blocks, stretches;
  for (Rig* rig : {&blocks, &stretches}) {
    ASSERT_EQ(rig->set_slew(800, 600), Status::done);
    rig->start(2500);
    ASSERT_EQ(rig->step_to(2500, 2333.4), Status::done);
    rig->run_until(5000);
  }
  blocks.v_m = [](std::int64_t) { return 601; };
  blocks.step();
  StretchCodes codes;
  codes.v_m = {601, 601, 5 * 601};
  codes.v_m_count = 5;
  const auto i = static_cast<AdcCode>(blocks.all<LevelRecord>().back().signals[2].highest);
  codes.i_read = {i, i, 0};
  codes.read_sums[0] = 5U * i;
  codes.read_counts[0] = 5;
  ASSERT_GT(stretches.core.quiet_blocks(Sample{5000}, Sample{5100}), 0);
  stretches.core.coast(0, {50, 100, 100, 100, 5000});
  stretches.board.advance(50);
  stretches.core.on_stretch(Sample{5000}, Sample{5100}, 1, {&codes, 1});
  stretches.talk();
  EXPECT_EQ(stretches.core.state(), State::fault);
  EXPECT_FALSE(stretches.board.closed());
  EXPECT_EQ(blocks.all<Fault>(), stretches.all<Fault>());
  EXPECT_EQ(blocks.all<StepApplied>(), stretches.all<StepApplied>());
  // What the codes of the blocks that were on their way add up to.
  stretches.v_m = blocks.v_m;
  blocks.run_until(7500);
  stretches.run_until(7500);
  const LevelRecord a = blocks.all<LevelRecord>().back();
  const LevelRecord b = stretches.all<LevelRecord>().back();
  EXPECT_EQ(a.command_sum, b.command_sum);
  EXPECT_EQ(a.signals[1], b.signals[1]);
}

}  // namespace
}  // namespace thyrode::firmware
