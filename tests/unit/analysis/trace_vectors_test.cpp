// The traces of the reference vectors, through the detector of the instrument in level mode.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "firmware/core/channel.hpp"
#include "firmware/core/spike_detector.hpp"
#include "tests/unit/analysis/vectors.hpp"

namespace thyrode::analysis {
namespace {

using nlohmann::json;

AdcCode to_code(const json& trace, double volts) {
  return static_cast<AdcCode>(
      std::lround(trace["code_offset"].get<double>() + volts / trace["volts_per_code"].get<double>()));
}

/// Crossings in seconds.
std::vector<double> detect(const json& trace) {
  const double rate = trace["fs_hz"];
  const json& rules = trace["detector"];
  protocol::ConfigureDetector settings;
  settings.trigger = protocol::Trigger::level;
  settings.fire_level = to_code(trace, rules["threshold_V"]);
  settings.rearm_level = to_code(trace, rules["rearm_V"]);
  settings.refractory = static_cast<std::uint16_t>(std::lround(rules["refractory_s"].get<double>() * rate));
  firmware::SpikeDetector detector;
  detector.configure(settings);

  const auto codes = trace["codes"].get<std::vector<AdcCode>>();
  const auto summary = firmware::summarise(codes);
  std::vector<double> times;
  detector.run(
      codes, Sample{0}, summary.lowest, summary.highest,
      [&](Ticks at) { times.push_back(static_cast<double>(at.count) / (rate * ticks_per_sample)); },
      [](const protocol::SpikeRecord&) {});
  return times;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return 0.5 * (values[(n - 1) / 2] + values[n / 2]);
}

template <class F>
void for_each_trace(F&& f) {
  const json vectors = test::read_vectors("traces.json");
  ASSERT_FALSE(vectors["cases"].empty());
  for (const json& trace : vectors["cases"]) {
    SCOPED_TRACE(trace["name"].get<std::string>());
    f(trace, detect(trace));
  }
}

TEST(TraceVectors, EverySpikeIsFoundWithinAMillisecondAndNoneIsExtra) {
  for_each_trace([](const json& trace, const std::vector<double>& found) {
    const auto truth = trace["expected"]["true_spike_times_s"].get<std::vector<double>>();
    ASSERT_EQ(found.size(), truth.size());
    for (std::size_t k = 0; k < truth.size(); ++k) EXPECT_NEAR(found[k], truth[k], 1e-3) << "spike " << k;
  });
}

TEST(TraceVectors, JitterAboutTheMedianLatencyIsThatOfTheReference) {
  for_each_trace([](const json& trace, const std::vector<double>& found) {
    const json& expected = trace["expected"];
    const auto truth = expected["true_spike_times_s"].get<std::vector<double>>();
    ASSERT_EQ(found.size(), truth.size());
    std::vector<double> latency_us;
    for (std::size_t k = 0; k < truth.size(); ++k) latency_us.push_back(1e6 * (found[k] - truth[k]));
    const double middle = median(latency_us);
    double squares = 0.0;
    for (const double latency : latency_us) squares += (latency - middle) * (latency - middle);
    EXPECT_LE(std::sqrt(squares / static_cast<double>(truth.size())), 1.3 * expected["jitter_rms_us"].get<double>());
    EXPECT_NEAR(middle, expected["median_latency_us"].get<double>(), expected["jitter_rms_us"].get<double>());
  });
}

TEST(TraceVectors, CrossingsAreThoseOfTheReference) {
  for_each_trace([](const json& trace, const std::vector<double>& found) {
    const auto reference = trace["expected"]["reference_detections_s"].get<std::vector<double>>();
    ASSERT_EQ(found.size(), reference.size());
    // Interpolation to 1/256 sample.
    const double tick = 1.0 / (trace["fs_hz"].get<double>() * ticks_per_sample);
    for (std::size_t k = 0; k < found.size(); ++k) EXPECT_NEAR(found[k], reference[k], 1.01 * tick) << "spike " << k;
  });
}

}  // namespace
}  // namespace thyrode::analysis
