#include "daemon/simulation/simulate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>
#include <utility>

namespace thyrode::simulation {

namespace {

using neurons::Advance;
using neurons::Event;
using neurons::Neuron;
using neurons::Waveform;

tl::unexpected<SimulationError> fail(std::string message) {
  return tl::make_unexpected(SimulationError{std::move(message)});
}

std::optional<std::string> wrong_argument(const Neuron& neuron, std::span<const Drive> drives, Duration duration,
                                          Duration settle, Frequency rate) {
  if (neuron.channels() != drives.size()) {
    return fmt::format("the neuron has {} channel{}, {} current{} given", neuron.channels(),
                       neuron.channels() == 1 ? "" : "s", drives.size(), drives.size() == 1 ? " is" : "s are");
  }
  for (const Drive& drive : drives) {
    if (!std::isfinite(drive.from.si())) return fmt::format("current is {} A, must be finite", drive.from.si());
    if (drive.to && !std::isfinite(drive.to->si())) {
      return fmt::format("current at the end of the ramp is {} A, must be finite", drive.to->si());
    }
  }
  if (!(duration.si() > 0.0) || !std::isfinite(duration.si())) {
    return fmt::format("duration is {} s, must be above 0 s and finite", duration.si());
  }
  if (!(settle.si() >= 0.0) || !std::isfinite(settle.si())) {
    return fmt::format("settling time is {} s, must be at least 0 s and finite", settle.si());
  }
  if (!(rate.si() >= 0.0) || !std::isfinite(rate.si())) {
    return fmt::format("trace rate is {} Hz, must be at least 0 Hz and finite", rate.si());
  }
  if (rate.si() * duration.si() > double(trace_samples_max)) {
    return fmt::format("a trace of {} s at {} Hz has more than {} samples; lower the rate or the duration",
                       duration.si(), rate.si(), trace_samples_max);
  }
  return std::nullopt;
}

// Samples the closed forms of one piece after the other.
class Renderer {
 public:
  Renderer(std::size_t channel, Duration duration, Frequency rate) : channel_{channel} {
    trace_.rate_hz = rate.si();
    // A product such as 0.29 s x 100 Hz falls short of the whole number it means.
    count_ = std::int64_t(std::floor(rate.si() * duration.si() + 1e-6));
    trace_.membrane_v.reserve(std::size_t(count_));
    trace_.output_v.reserve(std::size_t(count_));
  }

  // Notes the piece the neuron is in before it is left.
  // @param now  seconds after the settling time
  void begin(const Neuron& neuron, double now) {
    if (next_ >= count_) return;
    piece_begin_ = now - neuron.piece_time();
    membrane_ = neuron.membrane(channel_);
    output_ = neuron.output(channel_);
  }

  // Renders the noted piece up to but not including `end`, seconds after the settling time.
  void render(double end) {
    for (; next_ < count_; ++next_) {
      const double t = double(next_) / trace_.rate_hz;
      if (t >= end) return;
      trace_.membrane_v.push_back(membrane_.at(t - piece_begin_));
      trace_.output_v.push_back(output_.at(t - piece_begin_));
    }
  }

  Trace take() { return std::move(trace_); }

 private:
  std::size_t channel_;
  Trace trace_;
  std::int64_t count_ = 0;
  std::int64_t next_ = 0;
  double piece_begin_ = 0.0;
  Waveform membrane_, output_;
};

// Gathers what one channel does.
class Watcher {
 public:
  Watcher(std::size_t channel, Duration duration, const SimulationOptions& options)
      : channel_{channel}, options_{options}, renderer_{channel, duration, options.trace_rate} {}

  // The state before the first event is known only to the neuron.
  void start(const Neuron& neuron) { closed_ = closed(neuron); }

  void begin_watching(const Neuron& neuron, const Moment& now) {
    watching_ = true;
    begin_ = now;
    note_mode(neuron, now);
  }
  void before(const Neuron& neuron, double since_settled) { renderer_.begin(neuron, since_settled); }
  void render(double end) { renderer_.render(end); }

  void after(const Neuron& neuron, const Advance& step, const Moment& now) {
    if (step.channel == channel_ && step.event == Event::fire) {
      closed_ = true;
      closed_at_ = now;
      if (watching_) {
        note_spike(now);
      } else {
        last_before_ = now;
      }
    } else if (step.channel == channel_ && step.event == Event::open) {
      if (watching_ && closed_) result_.truth.conduction_times.push_back(now.since(closed_at_));
      closed_ = false;
    }
    if (watching_) note_mode(neuron, now);
  }

  Simulation finish(const Neuron& neuron, const Moment& now) {
    Truth& truth = result_.truth;
    truth.mode = neuron.mode(channel_);
    truth.conducting = closed(neuron);
    truth.latched = neuron.latched(channel_);
    if (truth.conducting && closed_) truth.conducting_for = now.since(closed_at_);
    result_.n_spikes = std::int64_t(result_.spike_times.size());
    if (result_.n_spikes > 1) result_.frequency_hz = double(result_.n_spikes - 1) / last_.since(first_);
    EventList events;
    // Differences of times since the settling time are as exact after a day as after a second.
    events.spike_times = std::move(since_);
    events.conduction_times = truth.conduction_times;
    events.conducting_for = truth.conducting_for;
    events.conducting = truth.conducting;
    events.latched = truth.latched;
    if (result_.n_spikes > 0 && last_before_) events.silence_before = first_.since(*last_before_);
    if (result_.n_spikes > 0) events.silence_after = now.since(last_);
    result_.pattern = find_pattern(events, options_.facts);
    if (options_.trace_rate.si() > 0.0) result_.trace = renderer_.take();
    return std::move(result_);
  }

 private:
  bool closed(const Neuron& neuron) const {
    const std::string_view mode = neuron.mode(channel_);
    return !mode.empty() && mode != "open" && mode != "silent";
  }
  void note_spike(const Moment& now) {
    if (result_.spike_times.empty()) first_ = now;
    last_ = now;
    result_.spike_times.push_back(now.seconds());
    since_.push_back(now.since(begin_));
  }
  void note_mode(const Neuron& neuron, const Moment& now) {
    if (!options_.list_modes) return;
    std::vector<ModeChange>& modes = result_.truth.modes;
    const std::string_view mode = neuron.mode(channel_);
    if (mode.empty() || (!modes.empty() && modes.back().mode == mode)) return;
    modes.push_back({now.seconds(), std::string{mode}});
  }

  std::size_t channel_;
  const SimulationOptions& options_;
  Renderer renderer_;
  Simulation result_;
  std::vector<double> since_;  // s after the settling time, of each spike
  bool watching_ = false;
  bool closed_ = false;
  Moment begin_, closed_at_, first_, last_;
  std::optional<Moment> last_before_;
};

// Carries a neuron and its watchers through time.
class Course {
 public:
  Course(Neuron& neuron, std::span<const Drive> drives, Duration duration, Duration settle,
         const SimulationOptions& options)
      : neuron_{neuron}, drives_{drives}, options_{options}, duration_{duration}, settled_{settle} {
    for (std::size_t c = 0; c < drives.size(); ++c) watchers_.emplace_back(c, duration, options);
  }

  tl::expected<std::vector<Simulation>, SimulationError> run() {
    inject([](const Drive& drive) { return drive.from.si(); });
    for (Watcher& watcher : watchers_) watcher.start(neuron_);
    if (settled_.since(now_) > 0.0 && !advance_to(settled_)) return chatter();
    for (Watcher& watcher : watchers_) watcher.begin_watching(neuron_, now_);
    watching_ = true;
    std::int64_t steps = 1;
    for (const Drive& drive : drives_) steps = std::max(steps, ramp_steps(drive, duration_));
    for (std::int64_t k = 0; k < steps; ++k) {
      const double middle = (double(k) + 0.5) / double(steps);
      inject([&](const Drive& drive) {
        return drive.to ? std::lerp(drive.from.si(), drive.to->si(), middle) : drive.from.si();
      });
      const double end = k + 1 == steps ? duration_.si() : duration_.si() * (double(k + 1) / double(steps));
      Moment stop = settled_;
      stop += end;
      if (!advance_to(stop)) return chatter();
      for (Watcher& watcher : watchers_) watcher.render(end);
    }
    std::vector<Simulation> results;
    for (Watcher& watcher : watchers_) results.push_back(watcher.finish(neuron_, now_));
    return results;
  }

 private:
  template <class CurrentOf>
  void inject(CurrentOf current_of) {
    for (std::size_t c = 0; c < drives_.size(); ++c) neuron_.inject(c, current_of(drives_[c]));
  }

  // False when the circuit cannot go on.
  bool advance_to(const Moment& stop) {
    for (Advance step{0.0, Event::piece}; step.event != Event::none;) {
      if (watching_) {
        for (Watcher& watcher : watchers_) watcher.before(neuron_, now_.since(settled_));
      }
      step = neuron_.advance(std::max(stop.since(now_), 0.0));
      now_ += step.elapsed;
      if (!neuron_.failed().empty()) return false;
      tell_progress();
      for (Watcher& watcher : watchers_) {
        if (watching_ && step.event != Event::none) watcher.render(now_.since(settled_));
        watcher.after(neuron_, step, now_);
      }
    }
    return true;
  }

  void tell_progress() {
    constexpr std::uint64_t every = 1024;  // moves, each of some 100 ns to 100 us
    if (++moves_ % every != 0 || !options_.progress) return;
    options_.progress(now_.seconds() / (settled_.seconds() + duration_.si()));
  }

  tl::unexpected<SimulationError> chatter() const {
    std::string currents;
    for (const Drive& drive : drives_) {
      currents += fmt::format("{}{:.6g}", currents.empty() ? "" : " and ", drive.from.si() * 1e6);
      if (drive.to) currents += fmt::format(":{:.6g}", drive.to->si() * 1e6);
    }
    return fail(
        fmt::format("stopped {:.9g} s after the start at {} uA: {}", now_.seconds(), currents, neuron_.failed()));
  }

  Neuron& neuron_;
  std::span<const Drive> drives_;
  const SimulationOptions& options_;
  Duration duration_;
  Moment settled_;
  Moment now_;
  bool watching_ = false;
  std::uint64_t moves_ = 0;
  std::vector<Watcher> watchers_;
};

}  // namespace

Moment::Moment(Duration since_start) : fraction_{since_start.si()} {
  carry();
}

Moment& Moment::operator+=(double seconds) {
  const double part = seconds - lost_;
  const double sum = fraction_ + part;
  lost_ = (sum - fraction_) - part;
  fraction_ = sum;
  carry();
  return *this;
}

void Moment::carry() {
  const double full = std::floor(fraction_);
  whole_ += std::int64_t(full);
  fraction_ -= full;
}

std::int64_t ramp_steps(const Drive& drive, Duration duration) {
  if (!drive.to || *drive.to == drive.from) return 1;
  constexpr double slip = 1e-9;  // s
  const double change = std::abs(drive.to->si() - drive.from.si());
  const double largest = std::max(std::abs(drive.from.si()), std::abs(drive.to->si()));
  const double step = std::sqrt(8.0 * slip * largest * duration.si() / change);
  return std::int64_t(std::ceil(duration.si() / step));
}

std::vector<PhasePoint> phase_series(std::span<const double> cycle, std::span<const double> other) {
  std::vector<PhasePoint> series;
  for (const double t : other) {
    const auto next = std::upper_bound(cycle.begin(), cycle.end(), t);
    if (next == cycle.begin() || next == cycle.end()) continue;
    const double begin = *std::prev(next);
    series.push_back({t, (t - begin) / (*next - begin)});
  }
  return series;
}

tl::expected<std::vector<Simulation>, SimulationError> simulate(Neuron& neuron, std::span<const Drive> drives,
                                                                Duration duration, Duration settle,
                                                                const SimulationOptions& options) {
  if (auto wrong = wrong_argument(neuron, drives, duration, settle, options.trace_rate)) return fail(*std::move(wrong));
  return Course{neuron, drives, duration, settle, options}.run();
}

tl::expected<Simulation, SimulationError> simulate(Neuron& neuron, Current current, Duration duration, Duration settle,
                                                   const SimulationOptions& options) {
  const Drive drive{current, std::nullopt};
  auto result = simulate(neuron, std::span{&drive, 1}, duration, settle, options);
  if (!result) return tl::make_unexpected(result.error());
  return std::move(result->front());
}

}  // namespace thyrode::simulation
