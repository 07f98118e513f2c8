#include "daemon/simulation/map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <iterator>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>

namespace thyrode::simulation {
namespace {

using recording::MapDescription;
using recording::MapPoint;
using recording::MapResult;

constexpr double write_every = 1.0;  // s

std::vector<std::int64_t> missing_points(const std::vector<std::uint8_t>& computed) {
  std::vector<std::int64_t> missing;
  for (std::size_t k = 0; k < computed.size(); ++k) {
    if (computed[k] == 0) missing.push_back(std::int64_t(k));
  }
  return missing;
}

// Threads that take one missing point after the other, and the results nobody has fetched yet.
class Workers {
 public:
  Workers(const MapDescription& map, const PointBuilder& builder, const MapRun& run, std::vector<std::int64_t> missing)
      : map_{map}, builder_{builder}, run_{run}, missing_{std::move(missing)} {
    const int count = std::max(1, run.threads);
    // All count as working before the first begins: it may end before the last is there.
    working_ = count;
    for (int k = 0; k < count; ++k) threads_.emplace_back([this] { work(); });
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() {
    stop();
    for (std::thread& thread : threads_) thread.join();
  }

  void stop() {
    const std::lock_guard lock{mutex_};
    stopped_ = true;
  }

  // Moves what is finished behind `results`; waits a moment if nothing is. False once all is fetched and no one works.
  bool fetch(std::vector<MapResult>& results) {
    std::unique_lock lock{mutex_};
    something_.wait_for(lock, std::chrono::milliseconds{100}, [this] { return !finished_.empty() || working_ == 0; });
    results.insert(results.end(), std::move_iterator{finished_.begin()}, std::move_iterator{finished_.end()});
    finished_.clear();
    return working_ > 0;
  }

 private:
  void work() {
    while (const auto index = take()) {
      MapResult result = simulate_point(map_, *index, builder_, run_);
      const std::lock_guard lock{mutex_};
      finished_.push_back(std::move(result));
      something_.notify_one();
    }
    const std::lock_guard lock{mutex_};
    --working_;
    something_.notify_one();
  }

  std::optional<std::int64_t> take() {
    const std::lock_guard lock{mutex_};
    if (stopped_ || next_ == missing_.size()) return std::nullopt;
    if (run_.go_on && !run_.go_on(std::int64_t(next_))) {
      stopped_ = true;
      return std::nullopt;
    }
    return missing_[next_++];
  }

  const MapDescription& map_;
  const PointBuilder& builder_;
  const MapRun& run_;
  std::mutex mutex_;
  std::condition_variable something_;
  std::vector<std::int64_t> missing_;
  std::size_t next_ = 0;
  bool stopped_ = false;
  int working_ = 0;
  std::vector<MapResult> finished_;
  std::vector<std::thread> threads_;
};

}  // namespace

std::vector<double> coordinates_at(const MapDescription& map, std::int64_t index) {
  std::vector<double> at{map.axes[0].values[std::size_t(index % map.columns())]};
  if (map.axes.size() > 1) at.push_back(map.axes[1].values[std::size_t(index / map.columns())]);
  return at;
}

// The finaliser of splitmix64 (Steele, Lea & Flood, OOPSLA 2014) over a counter: neighbours share nothing.
std::uint64_t point_seed(std::uint64_t seed, std::int64_t index) {
  std::uint64_t z = seed + 0x9e3779b97f4a7c15U * (std::uint64_t(index) + 1);
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

std::string place_of(const MapDescription& map, std::int64_t index, std::string_view left_out) {
  const std::vector<double> at = coordinates_at(map, index);
  std::string text;
  for (std::size_t k = 0; k < at.size(); ++k) {
    const recording::MapAxis& axis = map.axes[k];
    if (axis.name == left_out) continue;
    text += fmt::format("{}{} = {:.6g}{}{}", text.empty() ? "" : ", ", axis.name, at[k] / axis.shown_scale,
                        axis.shown_unit.empty() ? "" : " ", axis.shown_unit);
  }
  return text;
}

MapResult simulate_point(const MapDescription& map, std::int64_t index, const PointBuilder& builder,
                         const MapRun& run) {
  MapResult made;
  made.index = index;
  MapPoint& point = made.point;
  const auto failed = [&](const SimulationError& error) {
    point.failed = true;
    made.failure = fmt::format("at {}: {}", place_of(map, index), error.message);
    return made;
  };
  auto built = builder(coordinates_at(map, index), point_seed(run.seed, index));
  if (!built) return failed(built.error());
  const std::vector<Drive> drives(built->neuron->channels(), Drive{built->current, std::nullopt});
  if (run.channel >= drives.size()) return failed({fmt::format("the neuron has no channel {}", run.channel)});
  SimulationOptions options;
  options.facts = built->facts;
  const auto result = simulate(*built->neuron, drives, run.duration, run.settle, options);
  if (!result) return failed(result.error());
  const Simulation& of_channel = (*result)[run.channel];
  constexpr double undefined = std::numeric_limits<double>::quiet_NaN();
  point.frequency_hz = of_channel.frequency_hz.value_or(undefined);
  point.event_frequency_hz = of_channel.pattern.event_frequency_hz.value_or(undefined);
  point.spikes_per_burst = of_channel.pattern.spikes_per_burst.value_or(undefined);
  point.cv = of_channel.pattern.cv.value_or(undefined);
  point.n_spikes = of_channel.n_spikes;
  point.label = of_channel.pattern.label;
  point.latched = of_channel.truth.latched;
  return made;
}

Result<std::int64_t> compute_map(recording::MapFile& file, const MapDescription& map, const PointBuilder& builder,
                                 const MapRun& run) {
  std::vector<std::int64_t> missing = missing_points(file.computed());
  std::int64_t known = map.points() - std::int64_t(missing.size());
  std::int64_t written = known;
  if (run.progress) run.progress(known, written);
  if (missing.empty()) return known;
  Workers workers{map, builder, run, std::move(missing)};
  std::vector<MapResult> waiting;
  double last_write = -std::numeric_limits<double>::infinity();
  for (bool working = true; working;) {
    const std::size_t before = waiting.size();
    working = workers.fetch(waiting);
    known += std::int64_t(waiting.size() - before);
    const double now = run.seconds ? run.seconds() : 0.0;
    if (!waiting.empty() && (!working || now - last_write >= write_every)) {
      if (auto done = file.write(waiting); !done) return tl::make_unexpected(done.error());
      waiting.clear();
      written = known;
      last_write = now;
    }
    if (run.progress) run.progress(known, written);
  }
  return known;
}

}  // namespace thyrode::simulation
