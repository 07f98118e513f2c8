#include "firmware/core/stimulus.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>
#include <random>
#include <vector>

namespace thyrode::firmware {
namespace {

using protocol::Schedule;
using protocol::Status;

constexpr FineCode fine(double code) {
  return static_cast<FineCode>(code * (1 << fine_bits));
}
constexpr FineCode zero = fine(2048);

struct Applied {
  Sample at;
  FineCode from;
  FineCode to;
  FineCode slew;
  bool operator==(const Applied&) const = default;
};

/// A stimulus at zero with wide limits, run in blocks of 50 samples.
class Bench {
 public:
  explicit Bench(FineCode slew = fine(4095), FineCode lowest = 0, FineCode highest = fine(4095)) {
    stimulus.set_limits({lowest, highest, slew});
    stimulus.reset(zero);
  }
  void run(std::size_t samples, std::size_t block = 50) {
    while (samples > 0) {
      const std::size_t n = std::min(samples, block);
      std::vector<DacCode> out(n);
      const WrittenCodes written =
          stimulus.fill(next, out, [this](Sample at, FineCode from, FineCode to, FineCode slew) {
            applied.push_back({at, from, to, slew});
          });
      EXPECT_EQ(written.sum, std::accumulate(out.begin(), out.end(), 0U));
      std::uint32_t magnitude = 0;
      for (const DacCode code : out) magnitude += static_cast<std::uint32_t>(std::abs(code - 2048));
      EXPECT_EQ(written.magnitude, magnitude);
      codes.insert(codes.end(), out.begin(), out.end());
      next = next + static_cast<std::int64_t>(n);
      samples -= n;
    }
  }
  Status push(std::int64_t start, std::uint32_t duration, FineCode first, FineCode last) {
    return stimulus.push(Schedule{0, Sample{start}, duration, first, last}, next);
  }
  Status step(std::int64_t start, FineCode to) { return push(start, 0, to, to); }

  Stimulus stimulus;
  Sample next{0};
  std::vector<DacCode> codes;
  std::vector<Applied> applied;
};

TEST(Stimulus, StepsAtItsExactSample) {
  for (const std::int64_t at : {0, 1, 49, 50, 51, 123}) {
    Bench bench;
    ASSERT_EQ(bench.step(at, fine(3000)), Status::done);
    bench.run(200);
    for (std::size_t k = 0; k < 200; ++k) {
      ASSERT_EQ(bench.codes[k], static_cast<std::int64_t>(k) < at ? 2048 : 3000)
          << "step at " << at << ", sample " << k;
    }
    ASSERT_EQ(bench.applied, (std::vector<Applied>{{Sample{at}, zero, fine(3000), fine(4095)}}));
  }
}

TEST(Stimulus, ExecutesSegmentsOfOneBlockInOrder) {
  Bench bench;
  ASSERT_EQ(bench.step(3, fine(2100)), Status::done);
  ASSERT_EQ(bench.step(7, fine(1900)), Status::done);
  ASSERT_EQ(bench.step(7, fine(2000)), Status::done);
  ASSERT_EQ(bench.step(20, fine(2048)), Status::done);
  bench.run(50);
  EXPECT_EQ(bench.codes[2], 2048);
  EXPECT_EQ(bench.codes[3], 2100);
  EXPECT_EQ(bench.codes[6], 2100);
  EXPECT_EQ(bench.codes[7], 2000);
  EXPECT_EQ(bench.codes[19], 2000);
  EXPECT_EQ(bench.codes[20], 2048);
}

TEST(Stimulus, AppliedCurrentFollowsAStepAtTheSlewLimit) {
  Bench bench{fine(2.5)};
  ASSERT_EQ(bench.step(10, fine(2148)), Status::done);
  bench.run(100);
  // 100 codes at 2.5 a sample take 40 samples; the first movement is at the step's own sample.
  std::int64_t sum = 0;
  for (int k = 0; k < 100; ++k) {
    const double expected = k < 10 ? 2048.0 : std::min(2148.0, 2048.0 + 2.5 * (k - 9));
    EXPECT_NEAR(bench.codes[static_cast<std::size_t>(k)], expected, 1.0) << "sample " << k;
    sum += bench.codes[static_cast<std::size_t>(k)];
  }
  EXPECT_LT(bench.codes[48], 2148);
  EXPECT_EQ(bench.codes[49], 2148);
  EXPECT_EQ(bench.applied, (std::vector<Applied>{{Sample{10}, zero, fine(2148), fine(2.5)}}));
  EXPECT_EQ(bench.stimulus.applied(), fine(2148));
  EXPECT_NEAR(static_cast<double>(sum), 2048.0 * 10 + (2048.0 * 40 + 2.5 * 820) + 2148.0 * 50, 1.0);
}

TEST(Stimulus, MeanOfCodesIsTheAppliedCurrentToOneCodeInN) {
  for (const double target : {2048.0 + 1.0 / 65536, 2100.25, 1999.999, 2300.0 + 1.0 / 3.0}) {
    Bench bench;
    ASSERT_EQ(bench.step(0, fine(target)), Status::done);
    bench.run(100'000);
    double sum = 0.0;
    const double exact = static_cast<double>(fine(target)) / 65536.0;
    for (std::size_t k = 0; k < bench.codes.size(); ++k) {
      sum += bench.codes[k];
      // Every prefix, so the remainder never drifts.
      ASSERT_LT(std::abs(sum - exact * static_cast<double>(k + 1)), 1.0) << "target " << target << ", sample " << k;
    }
  }
}

TEST(Stimulus, RemainderNeverDriftsOverRandomCommands) {
  std::mt19937_64 random{77};
  std::uniform_int_distribution<FineCode> anywhere{0, fine(4095)};
  Bench bench;
  std::int64_t fine_sum = 0;
  std::int64_t code_sum = 0;
  for (int k = 0; k < 20'000; ++k) {
    if (k % 7 == 0) {
      ASSERT_EQ(bench.step(bench.next.index, anywhere(random)), Status::done);
    }
    bench.run(1);
    fine_sum += bench.stimulus.applied();
    code_sum += bench.codes.back();
    const std::int64_t carried = fine_sum - (code_sum << fine_bits);
    ASSERT_GE(carried, 0) << "sample " << k;
    ASSERT_LT(carried, 1 << fine_bits) << "sample " << k;
  }
}

TEST(Stimulus, RampsInAStraightLineAndHoldsItsEnd) {
  Bench bench;
  ASSERT_EQ(bench.push(20, 200, zero, fine(2348)), Status::done);
  bench.run(300);
  for (int k = 0; k < 300; ++k) {
    const double expected = k < 20 ? 2048.0 : k < 220 ? 2048.0 + 1.5 * (k - 20) : 2348.0;
    ASSERT_NEAR(bench.codes[static_cast<std::size_t>(k)], expected, 1.0) << "sample " << k;
  }
  EXPECT_EQ(bench.applied, (std::vector<Applied>{{Sample{20}, zero, fine(2348), fine(1.5)}}));
}

TEST(Stimulus, RampSteeperThanTheSlewLimitIsHeldBack) {
  Bench bench{fine(1)};
  ASSERT_EQ(bench.push(0, 50, zero, fine(2248)), Status::done);
  bench.run(300);
  for (std::size_t k = 1; k < bench.codes.size(); ++k) {
    ASSERT_LE(std::abs(bench.codes[k] - bench.codes[k - 1]), 2) << "sample " << k;
  }
  EXPECT_EQ(bench.codes[150], 2048 + 150);
  EXPECT_EQ(bench.codes[299], 2248);
  EXPECT_EQ(bench.applied.at(0).slew, fine(1));
}

TEST(Stimulus, ASegmentEndsTheOneBeforeIt) {
  Bench bench;
  ASSERT_EQ(bench.push(0, 1000, zero, fine(3048)), Status::done);
  ASSERT_EQ(bench.step(100, fine(1000)), Status::done);
  bench.run(200);
  EXPECT_EQ(bench.codes[99], 2147);
  EXPECT_EQ(bench.codes[100], 1000);
  EXPECT_EQ(bench.codes[199], 1000);
}

TEST(Stimulus, RefusesASampleThatIsAlreadyWritten) {
  Bench bench;
  bench.run(100);
  EXPECT_EQ(bench.step(99, zero), Status::too_late);
  EXPECT_EQ(bench.step(100, zero), Status::done);
}

TEST(Stimulus, RefusesWhatLiesOutsideTheLimits) {
  Bench bench{fine(1), fine(1000), fine(3000)};
  EXPECT_EQ(bench.step(10, fine(3000)), Status::done);
  EXPECT_EQ(bench.step(10, fine(3000) + 1), Status::out_of_range);
  EXPECT_EQ(bench.step(10, fine(1000) - 1), Status::out_of_range);
  EXPECT_EQ(bench.push(10, 5, fine(3001), fine(2000)), Status::out_of_range);
  EXPECT_EQ(bench.push(10, 5, fine(2000), fine(999)), Status::out_of_range);
}

TEST(Stimulus, RefusesASegmentBeforeTheOneQueuedLast) {
  Bench bench;
  EXPECT_EQ(bench.step(100, zero), Status::done);
  EXPECT_EQ(bench.step(99, zero), Status::out_of_range);
  EXPECT_EQ(bench.step(100, zero), Status::done);
}

TEST(Stimulus, HoldsItsQueueDepthAndTakesMoreAsSegmentsBegin) {
  Bench bench;
  for (std::size_t k = 0; k < Stimulus::queue_depth; ++k) {
    ASSERT_EQ(bench.step(static_cast<std::int64_t>(10 * k), fine(2048.0 + double(k))), Status::done);
  }
  EXPECT_EQ(bench.step(500, zero), Status::queue_full);
  bench.run(11, 11);
  EXPECT_EQ(bench.step(500, zero), Status::done);
  EXPECT_EQ(bench.step(510, zero), Status::done);
  EXPECT_EQ(bench.step(520, zero), Status::queue_full);
  bench.run(189);
  EXPECT_EQ(bench.codes[149], 2048 + 14);
  EXPECT_EQ(bench.codes[150], 2048 + 15);
}

TEST(Stimulus, GoesToZeroAtOnceAndForgetsItsQueue) {
  Bench bench{fine(0.5)};
  ASSERT_EQ(bench.step(0, fine(3000.7)), Status::done);
  ASSERT_EQ(bench.step(200, fine(3500)), Status::done);
  bench.run(150);
  EXPECT_FALSE(bench.stimulus.at_zero());
  bench.stimulus.to_zero(true);
  EXPECT_TRUE(bench.stimulus.at_zero());
  bench.run(200);
  for (std::size_t k = 150; k < 350; ++k) ASSERT_EQ(bench.codes[k], 2048) << "sample " << k;
}

TEST(Stimulus, GoesToZeroAtTheSlewLimitFromAnyMovement) {
  for (const double end : {1500.3, 2600.7}) {
    Bench bench{fine(2)};
    ASSERT_EQ(bench.push(0, 1000, zero, fine(end)), Status::done);
    bench.run(500);
    const FineCode left = bench.stimulus.applied();
    bench.stimulus.to_zero(false);
    const std::int64_t needed = (std::abs(left - zero) + fine(2) - 1) / fine(2);
    bench.run(static_cast<std::size_t>(needed) - 1);
    EXPECT_FALSE(bench.stimulus.at_zero());
    bench.run(1);
    EXPECT_TRUE(bench.stimulus.at_zero());
    bench.run(100);
    EXPECT_EQ(bench.codes.back(), 2048);
  }
}

TEST(StraightLine, IsWhatTheDivisionGives) {
  std::uint64_t state = 0x9E3779B97F4A7C15U;
  const auto random = [&state](std::uint64_t below) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (state >> 20) % below;
  };
  for (int trial = 0; trial < 300; ++trial) {
    const auto first = static_cast<FineCode>(random(4096 << fine_bits));
    const auto last =
        static_cast<FineCode>(trial % 7 == 0 ? static_cast<std::uint64_t>(first) : random(4096 << fine_bits));
    const auto length = static_cast<std::uint32_t>(1 + random(trial % 3 == 0 ? 60 : 4'000'000'000));
    const auto into = static_cast<std::int64_t>(trial % 2 == 0 ? 0 : random(length));
    StraightLine line{first, last, length, into};
    for (std::int64_t k = into; k < std::min<std::int64_t>(length, into + 200); ++k) {
      const std::int64_t expected = first + (std::int64_t{last} - first) * k / length;
      ASSERT_EQ(line.value(), expected) << first << " to " << last << " in " << length << ", at " << k;
      const FineCode before = line.value();
      line.step();
      ASSERT_LE(std::abs(line.value() - before), line.slope());
    }
  }
}

}  // namespace
}  // namespace thyrode::firmware
