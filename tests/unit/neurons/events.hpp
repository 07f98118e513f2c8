// Runs a neuron and lists its events, for the tests of this folder.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "firmware/neurons/neuron.hpp"

namespace thyrode::neurons {

struct TimedEvent {
  Event event;
  double time;  // s
};

inline std::unique_ptr<Neuron> must_make(std::string_view model, const Parameters& parameters,
                                         const NoiseParameters& noise = {}, std::uint64_t seed = 1) {
  return std::move(make_neuron(model, parameters, noise, seed).value());
}

/// Every event (fire, open; piece only when asked for) of `steps` steps of dt seconds.
inline std::vector<TimedEvent> list_events(Neuron& neuron, double dt, long steps, bool pieces = false) {
  std::vector<TimedEvent> events;
  for (long k = 0; k < steps; ++k) {
    double done = 0.0;
    while (true) {
      const Advance a = neuron.advance(std::max(dt - done, 0.0));
      if (a.event == Event::none) break;
      done += a.elapsed;
      if (a.event != Event::piece || pieces) events.push_back({a.event, double(k) * dt + done});
    }
    if (!neuron.failed().empty()) break;
  }
  return events;
}

/// What the tables hold about a run at constant current.
struct Firing {
  long spikes = 0;          // in the time watched
  double rate = 0.0;        // (n - 1) / (last - first), 1/s
  double isi_min = 0.0;     // s
  double isi_max = 0.0;     // s
  double on_min = 0.0;      // s from firing to opening, of spikes watched
  double on_max = 0.0;      // s
  bool conducting = false;  // at the end
};

inline Firing measure(Neuron& neuron, double current, double settle, double watch) {
  neuron.inject(0, current);
  Firing result;
  double first = -1.0, last = -1.0, fired = -1.0;
  for (const TimedEvent& e : list_events(neuron, settle + watch, 1)) {
    if (e.event == Event::fire) {
      fired = e.time;
      result.conducting = true;
      if (e.time < settle) continue;
      ++result.spikes;
      if (first < 0.0) {
        first = e.time;
      } else {
        const double isi = e.time - last;
        result.isi_min = result.spikes == 2 ? isi : std::min(result.isi_min, isi);
        result.isi_max = std::max(result.isi_max, isi);
      }
      last = e.time;
    } else {
      result.conducting = false;
      if (fired < settle) continue;
      const double on = e.time - fired;
      result.on_min = result.on_max == 0.0 ? on : std::min(result.on_min, on);
      result.on_max = std::max(result.on_max, on);
    }
  }
  if (result.spikes > 1) result.rate = double(result.spikes - 1) / (last - first);
  return result;
}

/// The highest V_out within `duration` seconds, sampled every dt seconds over the first `window` of each piece:
/// peaks follow events.
inline double highest_output(Neuron& neuron, double duration, double window, double dt) {
  double highest = 0.0;
  double left = duration;
  while (true) {
    const Waveform v = neuron.output(0);
    const double begin = neuron.piece_time();
    const Advance a = neuron.advance(left);
    for (double t = begin; t < begin + std::min(a.elapsed, window); t += dt) highest = std::max(highest, v.at(t));
    if (a.event == Event::none) return highest;
    left = std::max(left - a.elapsed, 0.0);
  }
}

}  // namespace thyrode::neurons
