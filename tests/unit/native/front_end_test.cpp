#include "firmware/boards/native/front_end.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "firmware/core/stimulus.hpp"

namespace thyrode::native {
namespace {

constexpr double code_current = Nominal::amps_per_dac_code;

FineCode fine(double code) {
  return static_cast<FineCode>(code * (1 << fine_bits));
}

TEST(GaussianTable, HasMeanZeroAndVarianceOne) {
  const GaussianTable table;
  for (const std::uint64_t seed : {1ULL, 42ULL, 0x9E3779B97F4A7C15ULL}) {
    double sum = 0.0, squares = 0.0, fourths = 0.0, neighbours = 0.0, last = 0.0;
    constexpr int quads = 500'000;
    for (int q = 0; q < quads; ++q) {
      std::array<float, 4> x;
      table.four(seed, static_cast<std::uint64_t>(q), x.data());
      for (const float value : x) {
        const double v = value;
        sum += v;
        squares += v * v;
        fourths += v * v * v * v;
        neighbours += v * last;
        last = v;
      }
    }
    const double n = 4.0 * quads;
    // Five standard errors of 2 million independent values.
    EXPECT_NEAR(sum / n, 0.0, 5.0 / std::sqrt(n)) << "seed " << seed;
    EXPECT_NEAR(squares / n, 1.0, 5.0 * std::sqrt(2.0 / n)) << "seed " << seed;
    EXPECT_NEAR(neighbours / n, 0.0, 5.0 / std::sqrt(n)) << "seed " << seed;
    EXPECT_NEAR(fourths / n, 3.0, 0.1) << "seed " << seed;
  }
}

TEST(GaussianTable, DependsOnSeedAndSampleAlone) {
  const GaussianTable one, other;
  std::array<float, 4> a, b;
  for (const std::uint64_t quad : {9ULL, 3ULL, 1'000'000'007ULL}) {
    one.four(7, quad, a.data());
    other.four(7, quad, b.data());
    EXPECT_EQ(a, b);
    other.four(8, quad, b.data());
    EXPECT_NE(a, b);
  }
}

TEST(ConverterErrors, StayWithinWhatIsPromisedAndDifferFromSeedToSeed) {
  double lowest_gain = 1.0, highest_gain = -1.0, lowest_offset = 9.0, highest_offset = -9.0;
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    const ConverterErrors errors{mix(seed), false};
    ASSERT_LE(std::abs(errors.gain()), 0.01) << "seed " << seed;
    ASSERT_LE(std::abs(errors.offset()), 5.0) << "seed " << seed;
    lowest_gain = std::min(lowest_gain, errors.gain());
    highest_gain = std::max(highest_gain, errors.gain());
    lowest_offset = std::min(lowest_offset, errors.offset());
    highest_offset = std::max(highest_offset, errors.offset());
    for (std::size_t code = 0; code < 4096; ++code) {
      ASSERT_LE(std::abs(errors.bend(code)), 1.0F) << "seed " << seed;
      const float before = errors.bend(code == 0 ? 0 : code - 1);
      ASSERT_LE(std::abs(errors.bend(code) - before), 1.0F) << "seed " << seed;
    }
  }
  EXPECT_LT(lowest_gain, -0.009);
  EXPECT_GT(highest_gain, 0.009);
  EXPECT_LT(lowest_offset, -4.5);
  EXPECT_GT(highest_offset, 4.5);
}

TEST(ConverterErrors, AreNoneWhenIdeal) {
  const ConverterErrors errors{mix(3), true};
  EXPECT_EQ(errors.gain(), 0.0);
  EXPECT_EQ(errors.offset(), 0.0);
  for (const float bend : errors.bends()) ASSERT_EQ(bend, 0.0F);
}

TEST(AdcInput, IdealRoundsToTheNearestCodeAndClamps) {
  const GaussianTable gaussian;
  AdcInput input{Nominal::volts_per_code_out, Nominal::adc_zero, 5, true, gaussian};
  std::vector<double> volts{-1.0, 2.0};
  std::vector<int> exact{0, 4095};
  for (int code = 0; code < 4096; code += 7) {
    for (const double part : {-0.49, -0.01, 0.0, 0.3, 0.49}) {
      volts.push_back((code - Nominal::adc_zero + part) * Nominal::volts_per_code_out);
      exact.push_back(code);
    }
  }
  std::vector<AdcCode> codes(volts.size());
  input.convert(volts, codes);
  for (std::size_t k = 0; k < codes.size(); ++k) ASSERT_EQ(codes[k], exact[k]) << volts[k] << " V";
}

TEST(AdcInput, NoisyConversionDoesNotDependOnHowItIsCut) {
  const GaussianTable gaussian;
  AdcInput whole{Nominal::volts_per_code_out, Nominal::adc_zero, 5, false, gaussian};
  AdcInput parts{Nominal::volts_per_code_out, Nominal::adc_zero, 5, false, gaussian};
  std::mt19937_64 random{3};
  std::vector<double> volts(10'000);
  for (double& v : volts) v = std::uniform_real_distribution<double>{0.0, 0.8}(random);
  std::vector<AdcCode> a(volts.size()), b(volts.size());
  whole.convert(volts, a);
  for (std::size_t at = 0; at < volts.size();) {
    const std::size_t n = std::min<std::size_t>(random() % 70, volts.size() - at);
    parts.convert(std::span{volts}.subspan(at, n), std::span{b}.subspan(at, n));
    at += n;
  }
  EXPECT_EQ(a, b);
}

TEST(AdcInput, HasOneCodeOfNoiseAndErrorsThatAFitFinds) {
  const GaussianTable gaussian;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    AdcInput input{Nominal::volts_per_code_out, Nominal::adc_zero, mix(seed), false, gaussian};
    const std::vector<double> low(20'000, (500 - 32) * Nominal::volts_per_code_out);
    const std::vector<double> high(20'000, (3500 - 32) * Nominal::volts_per_code_out);
    std::array<double, 2> mean{}, variance{};
    std::vector<AdcCode> codes(low.size());
    for (const std::size_t k : {0U, 1U}) {
      input.convert(k == 0 ? low : high, codes);
      double sum = 0.0, squares = 0.0;
      for (const AdcCode code : codes) sum += code, squares += double(code) * code;
      mean[k] = sum / 20'000;
      variance[k] = squares / 20'000 - mean[k] * mean[k];
    }
    const double gain = (mean[1] - mean[0]) / 3000.0 - 1.0;
    EXPECT_LE(std::abs(gain), 0.01 + 2.0 / 3000) << "seed " << seed;
    EXPECT_LE(std::abs(mean[0] - 500.0), 5.0 + 5.0 + 1.0) << "seed " << seed;
    // Noise 1, quantisation 1/12, and the bend makes a code narrower or wider by up to half.
    EXPECT_NEAR(variance[0], 1.08, 0.8) << "seed " << seed;
  }
}

/// Runs codes through the source and reports the largest charge missed, in codes times samples.
class Meter {
 public:
  explicit Meter(std::uint64_t seed, bool ideal) : source_{seed, ideal} {
    // The current of each code, learned from constant blocks.
    CurrentSource twin{seed, ideal};
    for (std::size_t code = 0; code < 4096; ++code) {
      const std::vector<DacCode> block(50, static_cast<DacCode>(code));
      twin.follow(block, false);
      twin.follow(block, true);
      level_.push_back(twin.current());
    }
  }
  void play(std::span<const DacCode> codes) {
    const auto changes = source_.follow(codes, true);
    pieces += changes.size();
    std::size_t next = 0;
    for (std::size_t k = 0; k < codes.size(); ++k) {
      for (; next < changes.size() && changes[next].at <= static_cast<int>(k); ++next) current_ = changes[next].current;
      missed_ += (level_[codes[k]] - current_) / code_current;
      worst = std::max(worst, std::abs(missed_));
    }
    ASSERT_EQ(next, changes.size());
    ASSERT_EQ(current_, source_.current());
  }
  double worst = 0.0;
  std::size_t pieces = 0;

 private:
  CurrentSource source_;
  std::vector<double> level_;
  double current_ = 0.0;
  double missed_ = 0.0;
};

/// Plays what the core would write for a command; `next_command` may schedule before each block.
void play_command(Meter& meter, FineCode slew, int blocks, auto&& next_command) {
  firmware::Stimulus stimulus;
  stimulus.set_limits({0, fine(4095), slew});
  stimulus.reset(fine(2048));
  std::vector<DacCode> codes(50);
  for (int b = 0; b < blocks; ++b) {
    const Sample first{50LL * b};
    next_command(stimulus, first);
    stimulus.fill(first, codes, [](Sample, FineCode, FineCode, FineCode) {});
    meter.play(codes);
  }
}

constexpr double allowed = 2.0;  // codes times samples: 0.8 pC

TEST(CurrentSource, MissesNoChargeAtAConstantCommand) {
  for (const double code : {2048.0, 2048.5, 2100.25, 1999.99, 2511.37, 2047.003}) {
    Meter meter{1, true};
    play_command(meter, fine(0.2), 200'000, [&](firmware::Stimulus& s, Sample first) {
      if (first.index == 500) s.push({0, first, 0, fine(code), fine(code)}, first);
    });
    EXPECT_LE(meter.worst, allowed) << "code " << code;
  }
}

TEST(CurrentSource, GivesTheNeuronFewPiecesAtAConstantCommand) {
  Meter meter{1, true};
  play_command(meter, fine(0.2), 200'000, [&](firmware::Stimulus& s, Sample first) {
    if (first.index == 0) s.push({0, first, 0, fine(2048.37), fine(2048.37)}, first);
  });
  EXPECT_LE(meter.pieces, 500U);  // of 200 000 blocks
}

TEST(CurrentSource, FollowsStepsSmallerThanACode) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    std::mt19937_64 random{seed};
    Meter meter{1, true};
    play_command(meter, fine(0.2), 40'000, [&](firmware::Stimulus& s, Sample first) {
      if (first.index % 50'000 != 0) return;
      const FineCode to = fine(std::uniform_real_distribution<double>{2100.0, 2101.0}(random));
      s.push({0, first + static_cast<std::int64_t>(random() % 50), 0, to, to}, first);
    });
    EXPECT_LE(meter.worst, allowed) << "seed " << seed;
  }
}

TEST(CurrentSource, FollowsRandomStepsAtEverySlew) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    std::mt19937_64 random{seed};
    const double slew = std::pow(10.0, std::uniform_real_distribution<double>{-2.0, 2.9}(random));
    Meter meter{1, true};
    play_command(meter, fine(slew), 20'000, [&](firmware::Stimulus& s, Sample first) {
      if (random() % 40 != 0) return;
      const FineCode to = fine(std::uniform_real_distribution<double>{100.0, 4000.0}(random));
      s.push({0, first + static_cast<std::int64_t>(random() % 50), 0, to, to}, first);
    });
    EXPECT_LE(meter.worst, allowed) << "seed " << seed << ", slew " << slew;
  }
}

TEST(CurrentSource, FollowsRamps) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    std::mt19937_64 random{seed};
    Meter meter{1, true};
    play_command(meter, fine(800), 20'000, [&](firmware::Stimulus& s, Sample first) {
      if (random() % 60 != 0) return;
      std::uniform_real_distribution<double> code{1900.0, 2200.0};
      const auto length = static_cast<std::uint32_t>(random() % 100'000);
      s.push({0, first, length, s.applied(), fine(code(random))}, first);
    });
    EXPECT_LE(meter.worst, allowed) << "seed " << seed;
  }
}

TEST(CurrentSource, FollowsARandomWalk) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    std::mt19937_64 random{seed};
    std::normal_distribution<double> move{0.0, seed % 2 == 0 ? 0.3 : 20.0};
    double code = 2048.0;
    Meter meter{1, true};
    play_command(meter, fine(800), 20'000, [&](firmware::Stimulus& s, Sample first) {
      code = std::clamp(code + move(random), 1000.0, 3000.0);
      s.push({0, first, 0, fine(code), fine(code)}, first);
    });
    EXPECT_LE(meter.worst, allowed) << "seed " << seed;
  }
}

TEST(CurrentSource, AlsoFollowsThroughABentConverter) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    std::mt19937_64 random{seed};
    Meter meter{mix(seed), false};
    play_command(meter, fine(0.2), 20'000, [&](firmware::Stimulus& s, Sample first) {
      if (random() % 80 != 0) return;
      const FineCode to = fine(std::uniform_real_distribution<double>{1900.0, 2200.0}(random));
      s.push({0, first + static_cast<std::int64_t>(random() % 50), 0, to, to}, first);
    });
    // Neighbouring codes lie up to 1.5 codes apart, and so does the charge.
    EXPECT_LE(meter.worst, 1.5 * allowed) << "seed " << seed;
  }
}

TEST(CurrentSource, KeepsAJumpAtItsSample) {
  CurrentSource source{1, true};
  std::vector<DacCode> codes(50, 2048);
  source.follow(codes, true);
  for (std::size_t k = 13; k < 50; ++k) codes[k] = 3048;
  const auto changes = source.follow(codes, true);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].at, 13);
  EXPECT_DOUBLE_EQ(changes[0].current, 1000 * code_current);
}

TEST(CurrentSource, GivesNoCurrentBehindAnOpenSwitch) {
  CurrentSource source{9, false};
  const std::vector<DacCode> codes(50, 3000);
  EXPECT_TRUE(source.follow(codes, false).empty());
  EXPECT_EQ(source.current(), 0.0);
  source.follow(codes, true);
  EXPECT_NEAR(source.current(), 952 * code_current, 952 * code_current * 0.011 + 6 * code_current);
  const auto changes = source.follow(codes, false);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].at, 0);
  EXPECT_EQ(source.current(), 0.0);
}

}  // namespace
}  // namespace thyrode::native
