// How fast the statistics of a train are, and whether they stay small: spikes per second and resident memory against
// the length of the train, and the same train by a numpy script.
// Usage: bench_analysis [LONGEST]. LONGEST: spikes of the longest train (1e8).
// The numpy script runs by THYRODE_PYTHON; without it that part is left out, and said so.
// Ends with 1 below 8 million spikes/s, above 1 MB of growth, or below 30 times the script that counts spike by spike.

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "daemon/analysis/train_statistics.hpp"

namespace {

using namespace thyrode;
using analysis::TrainStatistics;

constexpr double tick_s = 1e-6 / 64.0;  // of 250 kS/s
constexpr double least_rate = 8e6;      // spikes/s
constexpr double most_growth_mb = 1.0;
constexpr double least_ratio = 30.0;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double resident_mb() {
  std::ifstream in("/proc/self/statm");
  double total = 0.0;
  double resident = 0.0;
  in >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) * 1e-6;
}

/// Draws intervals in ticks.
struct Family {
  const char* name;
  std::function<std::int64_t(std::mt19937_64&, std::int64_t)> interval;
};

constexpr double mean = 320'000.0;  // ticks: 5 ms

std::vector<Family> families() {
  return {{"tonic, CV 0.1",
           [draw = std::normal_distribution<double>(mean, 0.1 * mean)](std::mt19937_64& random, std::int64_t) mutable {
             return std::max<std::int64_t>(1, std::llround(draw(random)));
           }},
          {"Poisson", [draw = std::exponential_distribution<double>(1.0 / mean)](
                          std::mt19937_64& random, std::int64_t) mutable { return 1 + std::llround(draw(random)); }},
          {"bursts of 5",
           [draw = std::normal_distribution<double>(1.0, 0.1)](std::mt19937_64& random, std::int64_t k) mutable {
             return std::max<std::int64_t>(1, std::llround(draw(random) * mean * (k % 5 == 4 ? 3.0 : 0.3)));
           }}};
}

struct Speed {
  double seconds = 0.0;
  double cv = 0.0;
};

/// Feeds a train in pieces, so that it is never in memory; only the analysis is timed, with its answers at the end.
Speed run(Family& family, std::int64_t spikes) {
  std::mt19937_64 random(1);
  std::array<std::int64_t, 8192> times{};
  auto train = std::make_unique<TrainStatistics>(tick_s, Ticks{0});
  Speed speed;
  std::int64_t at = 0;
  for (std::int64_t done = 0; done < spikes;) {
    const auto piece = static_cast<std::size_t>(std::min<std::int64_t>(times.size(), spikes - done));
    for (std::size_t k = 0; k < piece; ++k) {
      times[k] = at += family.interval(random, done + static_cast<std::int64_t>(k));
    }
    const double began = cpu_seconds();
    for (std::size_t k = 0; k < piece; ++k) train->spike(Ticks{times[k]});
    speed.seconds += cpu_seconds() - began;
    done += static_cast<std::int64_t>(piece);
  }
  const double began = cpu_seconds();
  speed.cv = train->intervals().cv().value_or(0.0) + train->correlation(Ticks{at}).level();
  if (const auto bursts = train->bursting()) speed.cv += bursts->frequency_hz.value.value_or(0.0);
  if (const auto missing = train->vacancies()) speed.cv += missing->fraction;
  speed.seconds += cpu_seconds() - began;
  return speed;
}

bool lengths(std::int64_t longest) {
  bool good = true;
  fmt::print("{:16} {:>12} {:>16} {:>14}\n", "train", "spikes", "spikes/s", "resident (MB)");
  double first_mb = 0.0;
  for (Family& family : families()) {
    run(family, 10'000);  // warms up
    for (std::int64_t spikes = 100'000; spikes <= longest; spikes *= 10) {
      const Speed speed = run(family, spikes);
      const double rate = static_cast<double>(spikes) / speed.seconds;
      const double mb = resident_mb();
      if (first_mb == 0.0) first_mb = mb;
      fmt::print("{:16} {:12} {:16.3g} {:14.2f}\n", family.name, spikes, rate, mb);
      std::fflush(stdout);
      // Short trains take a millisecond, in which another process can take the core's clock or cache.
      good = good && (spikes < 1'000'000 || rate >= least_rate) && mb - first_mb < most_growth_mb;
    }
  }
  fmt::print("least wanted {:.3g} spikes/s, most growth {} MB: {}\n\n", least_rate, most_growth_mb,
             good ? "ok" : "MISSED");
  return good;
}

/// What the script printed, or nothing.
nlohmann::json script(const std::string& python, const std::string& arguments) {
  const std::string command = fmt::format("'{}' tests/bench/plain_analysis.py {}", python, arguments);
  std::FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::string text;
  std::array<char, 65536> part{};
  for (std::size_t n = 0; (n = std::fread(part.data(), 1, part.size(), pipe)) > 0;) text.append(part.data(), n);
  if (pclose(pipe) != 0) return {};
  return nlohmann::json::parse(text, nullptr, false);
}

bool close_to(double value, double expected, double relative) {
  return std::abs(value - expected) <= relative * std::abs(expected);
}

/// Whether both programs say the same of the train.
bool agree(const TrainStatistics& train, const analysis::PairCorrelation& pairs, const nlohmann::json& found) {
  const bool intervals = close_to(*train.intervals().cv(), found["cv"], 1e-9) &&
                         close_to(*train.intervals().cv2(), found["cv2"], 1e-9) &&
                         close_to(*train.intervals().lv(), found["lv"], 1e-9) &&
                         close_to(*train.structure_factor().value(), found["s64"], 1e-6);
  const auto bursts = train.bursts();
  const bool same_bursts = found["burst"].is_null() ? !bursts
                                                    : bursts && close_to(*bursts->spikes_per_burst.mean(),
                                                                         found["burst"]["spikes"][0], 1e-9);
  return intervals && same_bursts && pairs.counts == found["pairs"].get<std::vector<std::int64_t>>();
}

bool against_numpy(const std::string& python) {
  constexpr std::int64_t spikes = 1'000'000;
  constexpr double threshold_us = 9000.0;
  const std::string file =
      (std::filesystem::temp_directory_path() / fmt::format("thyrode-bench-{}.raw", getpid())).string();
  bool good = true;
  fmt::print("{:16} {:>12} {:>16} {:>16} {:>8} {:>8}\n", "10^6 spikes", "here (s)", "numpy, lags by", "numpy, lags by",
             "ratio", "ratio");
  fmt::print("{:16} {:>12} {:>16} {:>16} {:>8} {:>8}\n", "", "", "spike (s)", "order (s)", "", "");
  for (Family& family : families()) {
    std::mt19937_64 random(1);
    std::vector<std::int64_t> times;
    std::int64_t at = 0;
    for (std::int64_t k = 0; k < spikes; ++k) times.push_back(at += family.interval(random, k));
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(times.data()),
               static_cast<std::streamsize>(times.size() * sizeof times[0]));

    // The same threshold for both, and the window that is found here.
    double best = 0.0;
    auto train = std::make_unique<TrainStatistics>(tick_s, Ticks{times.front()});
    for (int repeat = 0; repeat < 3; ++repeat) {
      const double began = cpu_seconds();
      analysis::TrainSettings settings;
      settings.burst_threshold_us = threshold_us;
      train = std::make_unique<TrainStatistics>(tick_s, Ticks{times.front()}, settings);
      for (const std::int64_t time : times) train->spike(Ticks{time});
      const auto missing = train->vacancies();
      const double seconds = cpu_seconds() - began;
      if (missing && (repeat == 0 || seconds < best)) best = seconds;
    }
    const analysis::PairCorrelation pairs = train->correlation(Ticks{times.back()});
    const std::string arguments = fmt::format("{} {} {} {} {}", file, tick_s * 1e6, pairs.bin, pairs.bins(),
                                              std::llround(threshold_us / (tick_s * 1e6)));
    const auto by_spike = script(python, arguments + " each_spike");
    const auto by_order = script(python, arguments);
    if (!by_spike.is_object() || !by_order.is_object()) {
      fmt::print("the script failed; {} needs numpy\n", python);
      good = false;
      break;
    }
    if (!agree(*train, pairs, by_spike) || !agree(*train, pairs, by_order)) {
      fmt::print("{}: the script and the analysis disagree\n", family.name);
      good = false;
    }
    const double plain = by_spike["seconds"];
    const double vectors = by_order["seconds"];
    fmt::print("{:16} {:12.4f} {:16.3f} {:16.3f} {:8.1f} {:8.1f}\n", family.name, best, plain, vectors, plain / best,
               vectors / best);
    good = good && plain / best >= least_ratio;
  }
  std::filesystem::remove(file);
  fmt::print("least wanted ratio {}, lags spike by spike: {}\n", least_ratio, good ? "ok" : "MISSED");
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  const double longest = argc > 1 ? std::strtod(argv[1], nullptr) : 1e8;
  if (!(longest >= 1e5 && longest <= 1e10)) {
    std::fprintf(stderr, "usage: bench_analysis [LONGEST]; LONGEST from 1e5 to 1e10 spikes\n");
    return 2;
  }
  bool good = lengths(std::llround(longest));
  if (const char* const python = std::getenv("THYRODE_PYTHON")) {
    good = against_numpy(python) && good;
  } else {
    fmt::print("no THYRODE_PYTHON: the comparison with numpy was left out\n");
  }
  return good ? 0 : 1;
}
