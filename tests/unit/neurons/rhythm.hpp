// Rates of spikes and of bursts, as the tables of the conductance models hold them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/table.hpp"

namespace thyrode::neurons {

struct Rhythm {
  long spikes = 0;                // in the time watched
  double spike_rate = 0.0;        // Hz
  double event_rate = 0.0;        // Hz: bursts, or spikes where they do not burst
  double spikes_per_event = 0.0;  // mean
  double isi_min = 0.0;           // s
  double isi_max = 0.0;           // s
};

/// Splits spikes into bursts at the geometric mean of the shortest and longest interval, unless these differ by less
/// than half. Whole bursts count, and an even number of them, since some rhythms alternate between two.
inline Rhythm rhythm_of(const std::vector<double>& times) {
  Rhythm r;
  r.spikes = long(times.size());
  if (times.size() < 3) return r;
  std::vector<double> isi;
  for (std::size_t k = 1; k < times.size(); ++k) isi.push_back(times[k] - times[k - 1]);
  r.isi_min = *std::min_element(isi.begin(), isi.end());
  r.isi_max = *std::max_element(isi.begin(), isi.end());
  const double gap = r.isi_max < 1.5 * r.isi_min ? 0.0 : std::sqrt(r.isi_min * r.isi_max);
  std::vector<std::size_t> starts;
  for (std::size_t k = 0; k < isi.size(); ++k) {
    if (isi[k] > gap) starts.push_back(k + 1);
  }
  if (starts.size() % 2 == 0) starts.pop_back();
  if (starts.size() < 3) return r;
  const double duration = times[starts.back()] - times[starts.front()];
  r.event_rate = double(starts.size() - 1) / duration;
  r.spike_rate = double(starts.back() - starts.front()) / duration;
  r.spikes_per_event = r.spike_rate / r.event_rate;
  return r;
}

/// The rhythm of a neuron at constant current, after it has settled.
inline Rhythm measure_rhythm(Neuron& neuron, double current, double settle, double watch) {
  neuron.inject(0, current);
  std::vector<double> times;
  for (const TimedEvent& e : list_events(neuron, settle + watch, 1)) {
    if (e.event == Event::fire && e.time >= settle) times.push_back(e.time);
  }
  return rhythm_of(times);
}

/// Compares with a row of the tables of the conductance models, to 0.1 % in rates and intervals.
inline void expect_rhythm_of(const TableRow& row, const Rhythm& r) {
  if (row.text("mode") == "quiescent") {
    EXPECT_EQ(r.spikes, 0);
    return;
  }
  EXPECT_NEAR(r.spike_rate, row.number("spike_rate_hz"), 1e-3 * row.number("spike_rate_hz"));
  EXPECT_NEAR(r.event_rate, row.number("event_rate_hz"), 1e-3 * row.number("event_rate_hz"));
  EXPECT_NEAR(r.spikes_per_event, row.number("spikes_per_event"), 5e-4);
  EXPECT_NEAR(r.isi_min * 1e3, row.number("isi_min_ms"), 1e-3 * row.number("isi_min_ms"));
  EXPECT_NEAR(r.isi_max * 1e3, row.number("isi_max_ms"), 1e-3 * row.number("isi_max_ms"));
}

}  // namespace thyrode::neurons
