// What a recording is told before its first sample: everything the file needs to say how it was made.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drivers/device.hpp"

namespace thyrode::recording {

/// Settings of one channel, in the order of DeviceInfo::channels.
struct ChannelSetup {
  int trace_decimation = 0;  ///< ADC samples in one value of the recorded V_out; 1 is every sample, 0 records none
  double front_end_gain = 1.0;  ///< V/V between the neuron's V_out and the ADC; already part of the scales
  LimitSettings limits;
  std::optional<DetectorSettings> detector{};  ///< by which the device finds spikes; empty: not told
  SnippetSettings snippets{};
  int snippet_samples = 0;  ///< length of every snippet, ADC samples; 0 records none
};

/// How the emulated instrument inside the program was made, beside its seed.
struct EmulatedSetup {
  bool noise = true;
  std::optional<std::uint64_t> spread{};  ///< seed by which its neuron was drawn; empty: the nominal one
};

/// All that depends on the wall clock or on the machine; it is kept apart in the file.
struct WallClock {
  std::string session_start;  ///< ISO 8601 with offset, the moment of DeviceInfo::now
  std::string created;        ///< ISO 8601 with offset
  std::string host_name;
  std::string command_line;
};

struct RunDescription {
  std::string experiment;                               ///< its name
  std::string experiment_yaml;                          ///< the file, byte for byte
  std::string station_yaml;                             ///< the file, byte for byte
  std::map<std::string, std::string> experiment_files;  ///< those that the experiment names, byte for byte, by name
  std::string calibration_yaml;  ///< by which the scales of `device` were measured, byte for byte; empty: as told
  DeviceInfo device;
  std::vector<ChannelSetup> channels;
  LeaseSettings lease;
  std::uint64_t seed = 0;
  std::optional<EmulatedSetup> emulated{};  ///< empty: another instrument
  std::string host_version;
  std::string host_hash;                  ///< of the program that records; may be empty
  std::vector<std::string> conditions;    ///< names that may appear in StepResult::conditions
  std::vector<std::string> resumed_from;  ///< recordings whose steps this run goes on from; StepResult::resumed_from
  WallClock wall_clock;
  /// Seconds of the host's clock, read at each flush beside the device's time; empty: the clocks are not compared.
  std::function<double()> host_seconds;
  std::int64_t flush_samples = 0;    ///< device time between flushes, ADC samples; 0: only flush() flushes
  std::uint64_t expected_bytes = 0;  ///< size the file will reach; 0: unknown
  /// Device time after which the run goes on in a new file, at the beginning of the next step, ADC samples; 0: never.
  std::int64_t roll_samples = 0;
};

}  // namespace thyrode::recording
