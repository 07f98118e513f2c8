// The name of a firing pattern from the events of a simulated neuron: the rule that measured labels are tested against.
#pragma once

#include <optional>
#include <vector>

#include "daemon/analysis/result.hpp"
#include "protocols/units.hpp"

namespace thyrode::simulation {

/// What happened in a window, as the neuron itself knows it.
struct EventList {
  std::vector<double> spike_times;       ///< shape (spikes), seconds, rising
  std::vector<double> conduction_times;  ///< shape (conductions that ended in the window), seconds, > 0
  double conducting_for = 0.0;           ///< s: of the conduction that goes on at the end of the window
  bool conducting = false;               ///< the switch is closed at the end of the window
  bool latched = false;                  ///< and would stay so for ever
  /// Seconds from the last spike before the window to the first in it (0: there was none), and from the last spike to
  /// the end: what is known of the intervals that the window cuts.
  double silence_before = 0.0;
  double silence_after = 0.0;
};

/// What is known of a circuit besides its events.
struct CircuitFacts {
  std::optional<Duration> load_time{};  ///< tau_L = R_L C_L (tau_s = R_s C_s); empty for a circuit without such a load
  bool noisy = false;                   ///< intervals scatter by chance
};

/// How a neuron fires.
struct Pattern {
  analysis::Label label = analysis::Label::undetermined;
  /// Bursts a second where it bursts (whole periods only), else (n - 1) / (last - first spike time); empty when that
  /// is not defined.
  std::optional<double> event_frequency_hz;
  std::optional<double> spikes_per_burst;  ///< mean over whole periods; empty where it does not burst
  std::optional<double> cv;                ///< of the inter-spike intervals; empty below two of them
};

/// Names the pattern of a window.
/// No spike, or latched: QD if the switch is closed at the end, else QH. One spike: undetermined. With r the longest
/// inter-spike interval (one that the window cuts counts by what is known of it) divided by the shortest: r < 1.5 is FS
/// if the median interval is below 10 load times, else TS; from there on IB2 if the longest conduction is above 4 times
/// the shortest and above 3 load times (a plateau), else IB1. Bursts are parted by the intervals above the geometric
/// mean of the shortest and the longest one, and are bursts only if at least 70 % of the spikes of whole periods lie in
/// bursts of two or more; else order_label() names the train. A noisy circuit bursts only if its intervals fall into
/// two groups with a void between them; else order_label() names what is not tonic. Source: the rule is ours; its
/// labels are those of Wu et al., Neuromorph. Comput. Eng. 3 (2023) 044008, Figs 3, 5, 6.
Pattern find_pattern(const EventList& events, const CircuitFacts& facts);

}  // namespace thyrode::simulation
