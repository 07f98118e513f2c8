#include "daemon/simulation/simulate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
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

std::optional<std::string> wrong_argument(const Neuron& neuron, Current current, Duration duration, Duration settle,
                                          Frequency rate) {
  if (neuron.channels() != 1) {
    return fmt::format("the neuron has {} channels, simulate takes one", neuron.channels());
  }
  if (!std::isfinite(current.si())) return fmt::format("current is {} A, must be finite", current.si());
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
  Renderer(Duration duration, Frequency rate) {
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
    membrane_ = neuron.membrane(0);
    output_ = neuron.output(0);
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
  Trace trace_;
  std::int64_t count_ = 0;
  std::int64_t next_ = 0;
  double piece_begin_ = 0.0;
  Waveform membrane_, output_;
};

tl::unexpected<SimulationError> chatter(const Neuron& neuron, Current current, const Moment& now) {
  return fail(fmt::format("stopped {:.9g} s after the start at {:.6g} uA: {}", now.seconds(), current.si() * 1e6,
                          neuron.failed()));
}

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

tl::expected<Simulation, SimulationError> simulate(Neuron& neuron, Current current, Duration duration, Duration settle,
                                                   const SimulationOptions& options) {
  if (auto wrong = wrong_argument(neuron, current, duration, settle, options.trace_rate))
    return fail(*std::move(wrong));
  Moment now;
  neuron.inject(0, current.si());
  const Moment settled{settle};
  for (Advance step{0.0, Event::piece}; step.event != Event::none && settled.since(now) > 0.0;) {
    step = neuron.advance(settled.since(now));
    now += step.elapsed;
    if (!neuron.failed().empty()) return chatter(neuron, current, now);
  }

  Simulation result;
  Renderer renderer{duration, options.trace_rate};
  const Moment end = Moment{settle} += duration.si();
  std::optional<Moment> first;
  Moment last;
  for (Advance step{0.0, Event::piece}; step.event != Event::none;) {
    renderer.begin(neuron, now.since(settled));
    step = neuron.advance(std::max(end.since(now), 0.0));
    now += step.elapsed;
    if (!neuron.failed().empty()) return chatter(neuron, current, now);
    renderer.render(step.event == Event::none ? duration.si() : now.since(settled));
    if (step.event != Event::fire) continue;
    if (!first) first = now;
    last = now;
    result.spike_times.push_back(now.seconds());
  }
  result.n_spikes = std::int64_t(result.spike_times.size());
  if (result.n_spikes > 1) result.frequency_hz = double(result.n_spikes - 1) / last.since(*first);
  if (options.trace_rate.si() > 0.0) result.trace = renderer.take();
  return result;
}

}  // namespace thyrode::simulation
