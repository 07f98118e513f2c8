#include "firmware/core/spike_detector.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "firmware/core/channel.hpp"

namespace thyrode::firmware {
namespace {

using Codes = std::vector<AdcCode>;

struct Found {
  std::vector<Ticks> fired;
  std::vector<protocol::SpikeRecord> spikes;
};

protocol::ConfigureDetector swing(AdcCode h, std::uint16_t refractory = 0) {
  protocol::ConfigureDetector settings;
  settings.swing = h;
  settings.refractory = refractory;
  return settings;
}

protocol::ConfigureDetector levels(AdcCode fire, AdcCode rearm, std::uint16_t refractory = 0) {
  protocol::ConfigureDetector settings;
  settings.trigger = protocol::Trigger::level;
  settings.fire_level = fire;
  settings.rearm_level = rearm;
  settings.refractory = refractory;
  return settings;
}

/// Feeds one block and notes what the detector says.
void feed(SpikeDetector& detector, std::span<const AdcCode> codes, Sample first, Found& found) {
  const CodeSummary summary = summarise(codes);
  detector.run(
      codes, first, summary.lowest, summary.highest, [&](Ticks at) { found.fired.push_back(at); },
      [&](const protocol::SpikeRecord& spike) { found.spikes.push_back(spike); });
}

/// Feeds all codes in blocks of `block`, the first at sample 0.
Found detect(const protocol::ConfigureDetector& settings, const Codes& codes, std::size_t block = 50) {
  SpikeDetector detector;
  detector.configure(settings);
  Found found;
  for (std::size_t at = 0; at < codes.size(); at += block) {
    const auto part = std::span{codes}.subspan(at, std::min(block, codes.size() - at));
    feed(detector, part, Sample{static_cast<std::int64_t>(at)}, found);
  }
  return found;
}

/// One run with extremes that allow anything: the early-out never applies.
Found detect_sample_by_sample(const protocol::ConfigureDetector& settings, const Codes& codes) {
  SpikeDetector detector;
  detector.configure(settings);
  Found found;
  detector.run(
      codes, Sample{0}, 0, 4095, [&](Ticks at) { found.fired.push_back(at); },
      [&](const protocol::SpikeRecord& spike) { found.spikes.push_back(spike); });
  return found;
}

/// A train of triangles: 20 samples up by `height` codes, 60 down, at the samples given.
std::vector<double> train(const std::vector<int>& starts, double base, double height, std::size_t length) {
  std::vector<double> v(length, base);
  for (const int start : starts) {
    for (int k = 0; k <= 80; ++k) {
      const double up = k <= 20 ? k / 20.0 : 1.0 - (k - 20) / 60.0;
      v[static_cast<std::size_t>(start + k)] = base + height * up;
    }
  }
  return v;
}

TEST(SpikeDetector, FindsEverySpikeOfANoisyTrainAndNoOther) {
  std::mt19937_64 random{20240611};
  std::normal_distribution<double> noise{0.0, 1.0};
  std::uniform_int_distribution<int> gap{120, 900};
  std::vector<int> starts;
  for (int at = 300; starts.size() < 500; at += gap(random)) starts.push_back(at);
  const std::vector<double> v = train(starts, 400.0, 600.0, static_cast<std::size_t>(starts.back()) + 500);
  Codes codes;
  for (const double x : v) codes.push_back(static_cast<AdcCode>(std::lround(x + noise(random))));

  const Found found = detect(swing(250), codes);

  ASSERT_EQ(found.spikes.size(), starts.size());
  ASSERT_EQ(found.fired.size(), starts.size());
  for (std::size_t k = 0; k < starts.size(); ++k) {
    // 30 codes a sample: the crossing of base + 250 lies 8.33 samples into the rise. The lowest of some hundred noisy
    // codes lies about 3 codes (0.1 samples) under the base.
    const double into = static_cast<double>(found.spikes[k].at.count) / 256.0 - starts[k];
    EXPECT_NEAR(into, 250.0 / 30.0, 0.35) << "spike " << k;
    EXPECT_NEAR(found.spikes[k].peak, 1000, 5) << "spike " << k;
    EXPECT_NEAR(found.spikes[k].trough, 397, 4) << "spike " << k;
    EXPECT_EQ(found.spikes[k].at, found.fired[k]);
  }
}

TEST(SpikeDetector, InterpolatesAStraightRampTo256thsOfASample) {
  for (int slope = 37; slope < 900; slope += 61) {
    Codes codes(10, 100);
    for (int code = 100 + slope; code < 1500; code += slope) codes.push_back(static_cast<AdcCode>(code));
    const Found found = detect(swing(500), codes);
    ASSERT_EQ(found.fired.size(), 1U) << "slope " << slope;
    // The ramp leaves 100 at sample 9 and crosses 600 after 500 / slope samples.
    const double exact = 256.0 * (9.0 + 500.0 / slope);
    EXPECT_LE(static_cast<double>(found.fired[0].count), exact + 1e-9) << "slope " << slope;
    EXPECT_GT(static_cast<double>(found.fired[0].count), exact - 1.0) << "slope " << slope;
  }
}

TEST(SpikeDetector, FiresAgainOnlyAfterAFallByTheSwing) {
  // Up to 1000, down to 901 (99 below the top), up again: one spike. Then down to 890 and up: a second one.
  const Found found = detect(swing(100), {100, 1000, 901, 1000, 1000, 890, 1000, 500});
  ASSERT_EQ(found.fired.size(), 2U);
  EXPECT_EQ(to_sample(found.fired[0]).index, 0);
  EXPECT_EQ(to_sample(found.fired[1]).index, 5);
}

TEST(SpikeDetector, KeepsAPlateauOpenAndReportsItsWidth) {
  Codes codes{100, 100, 300};
  codes.insert(codes.end(), 1000, 305);
  SpikeDetector detector;
  detector.configure(swing(100));
  Found found;
  feed(detector, codes, Sample{0}, found);
  ASSERT_EQ(found.fired.size(), 1U);
  EXPECT_TRUE(found.spikes.empty());
  EXPECT_EQ(found.fired[0].count, 256 + 128);
  EXPECT_EQ(detector.open_for(Sample{1003}), 1003U * 256U - 384U);
  feed(detector, Codes{206, 205, 100}, Sample{1003}, found);
  ASSERT_EQ(found.spikes.size(), 1U);
  EXPECT_EQ(found.spikes[0].width, 1004U * 256U - 384U);
  EXPECT_EQ(found.spikes[0].peak, 305);
  EXPECT_EQ(detector.open_for(Sample{1006}), 0U);
}

TEST(SpikeDetector, ReportsPeakTroughAndWidthOfEachSpike) {
  const Found found = detect(swing(100), {210, 205, 230, 400, 650, 500, 330, 180, 190, 300, 420, 390, 300, 290});
  ASSERT_EQ(found.spikes.size(), 2U);
  EXPECT_EQ(found.spikes[0].peak, 650);
  EXPECT_EQ(found.spikes[0].trough, 205);
  // 305 lies 75 / 170 between samples 2 and 3; 500 at sample 5 is 150 below the top.
  EXPECT_EQ(found.spikes[0].at.count, 2 * 256 + 256 * 75 / 170);
  EXPECT_EQ(found.spikes[0].width, 5U * 256U - static_cast<std::uint32_t>(found.spikes[0].at.count));
  EXPECT_EQ(found.spikes[1].peak, 420);
  EXPECT_EQ(found.spikes[1].trough, 180);
  EXPECT_EQ(found.spikes[1].at.count, 8 * 256 + 256 * 90 / 110);
}

TEST(SpikeDetector, IgnoresASecondCrossingWithinTheRefractoryPeriod) {
  Codes codes{100, 100, 400, 100, 400, 100};
  codes.insert(codes.end(), 20, 100);
  codes.insert(codes.end(), {400, 100});
  EXPECT_EQ(detect(swing(200), codes).fired.size(), 3U);
  EXPECT_EQ(detect(swing(200, 12), codes).fired.size(), 2U);
  EXPECT_EQ(detect(swing(200, 100), codes).fired.size(), 1U);
}

TEST(SpikeDetector, FollowsADriftingBaseWithoutFiring) {
  // A slow fall moves the reference down with it; a rise of one code less than the swing is not a spike.
  Codes codes;
  for (int code = 3000; code > 500; --code) codes.push_back(static_cast<AdcCode>(code));
  for (int code = 501; code < 501 + 99; ++code) codes.push_back(static_cast<AdcCode>(code));
  EXPECT_TRUE(detect(swing(100), codes).fired.empty());
  codes.push_back(601);
  EXPECT_EQ(detect(swing(100), codes).fired.size(), 1U);
}

TEST(SpikeDetector, LevelTriggerFiresOnTheUpwardCrossingAndRearmsBelowTheOther) {
  const Found found = detect(levels(500, 300), {100, 480, 520, 490, 510, 310, 600, 299, 450, 550, 200});
  ASSERT_EQ(found.spikes.size(), 2U);
  EXPECT_EQ(found.spikes[0].at.count, 256 + 256 * 20 / 40);
  EXPECT_EQ(found.spikes[0].peak, 600);
  EXPECT_EQ(found.spikes[0].trough, 100);
  EXPECT_EQ(found.spikes[0].width, 7U * 256U - 384U);
  EXPECT_EQ(found.spikes[1].at.count, 8 * 256 + 256 * 50 / 100);
  EXPECT_EQ(found.spikes[1].trough, 299);
}

TEST(SpikeDetector, LevelTriggerDoesNotFireWhenItBeginsAboveTheLevel) {
  EXPECT_TRUE(detect(levels(500, 300), {900, 800, 950, 700}).fired.empty());
}

TEST(SpikeDetector, ForgetsThePastOnResetButKeepsItsSettings) {
  SpikeDetector detector;
  detector.configure(swing(100));
  Found found;
  feed(detector, Codes{100, 300}, Sample{0}, found);
  detector.reset();
  EXPECT_EQ(detector.open_for(Sample{50}), 0U);
  EXPECT_EQ(detector.settings().swing, 100);
  feed(detector, Codes{300, 300, 400}, Sample{50}, found);
  EXPECT_EQ(found.fired.size(), 2U);
}

/// Random codes in all manners: quiet stretches, jumps, plateaus and stairs, so that whole blocks are passed over.
Codes random_codes(std::mt19937_64& random) {
  std::uniform_int_distribution<int> kind{0, 3};
  std::uniform_int_distribution<int> length{1, 200};
  std::uniform_int_distribution<int> anywhere{0, 4095};
  std::uniform_int_distribution<int> small{-12, 12};
  Codes codes;
  int code = anywhere(random);
  while (codes.size() < 6000) {
    const int what = kind(random);
    const int drift = small(random);
    for (int k = length(random); k > 0; --k) {
      if (what == 0) code += small(random);
      if (what == 1) code += drift;
      if (what == 2 && k % 40 == 0) code = anywhere(random);
      code = std::clamp(code, 0, 4095);
      codes.push_back(static_cast<AdcCode>(code));
    }
  }
  return codes;
}

TEST(SpikeDetector, AnyCutIntoBlocksGivesTheRecordsOfSampleBySample) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 random{seed};
    const Codes codes = random_codes(random);
    std::uniform_int_distribution<std::size_t> cut{1, 90};
    for (const auto& settings : {swing(60, 12), swing(256, 12), swing(700), levels(1800, 1500, 12)}) {
      const Found whole = detect_sample_by_sample(settings, codes);
      SpikeDetector detector;
      detector.configure(settings);
      Found found;
      for (std::size_t at = 0; at < codes.size();) {
        const std::size_t n = std::min(cut(random), codes.size() - at);
        feed(detector, std::span{codes}.subspan(at, n), Sample{static_cast<std::int64_t>(at)}, found);
        at += n;
      }
      ASSERT_EQ(found.spikes.size(), whole.spikes.size()) << "seed " << seed << ", swing " << settings.swing;
      for (std::size_t k = 0; k < whole.spikes.size(); ++k) {
        ASSERT_EQ(found.spikes[k], whole.spikes[k])
            << "seed " << seed << ", swing " << settings.swing << ", spike " << k << ", trough "
            << found.spikes[k].trough << " instead of " << whole.spikes[k].trough;
      }
      ASSERT_EQ(found.fired, whole.fired) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace thyrode::firmware
