// The reader of a recording: finished, still growing, or left by a writer that died.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/analysis/pair_correlation.hpp"
#include "daemon/analysis/result.hpp"
#include "daemon/recording/description.hpp"
#include "drivers/device.hpp"
#include "drivers/result.hpp"

namespace thyrode::recording {

/// The last piece of constant current of a run that is not finished.
struct RunningStretch {
  std::string channel;  ///< label
  double current_ua = 0.0;
  Ticks from;   ///< the current began to move
  Ticks until;  ///< the last mark in the file
  std::int64_t n_spikes = 0;
  std::optional<double> frequency_hz;  ///< of the intervals so far
};

/// Everything about a run but its signals.
struct RunRecord {
  analysis::RunResult result;  ///< the same doubles that were written; of an unfinished run the steps so far
  std::string experiment_yaml;
  std::string station_yaml;
  std::string calibration_yaml;  ///< empty: the scales are as the device told
  std::map<std::string, std::string> experiment_files;  ///< those that the experiment names, by name
  std::optional<LinkCounters> link;  ///< nothing: not known, the program of the run died
  std::string host_version;
  int part = 1;           ///< number of the file among those of its run; the rows of steps in the files before say so
  std::string next_file;  ///< in which the run goes on; empty: it is the last one, or not known
  bool finalised = false;
  std::optional<RunningStretch> running;  ///< of an unfinished run, once its current has moved
  std::string exit_status;                ///< empty until finalised
  std::vector<std::string> resumed_from;  ///< recordings that the run goes on from, in the order of their making
  std::optional<EmulatedSetup> emulated;  ///< empty: another instrument, or not told
  std::vector<std::string> channels;      ///< labels
  double sample_rate_hz = 0.0;
};

/// A stretch of a trace, mV; NaN where data were lost.
struct Trace {
  std::vector<float> values_mv;
  Ticks first;  ///< tick of the first ADC sample of the first value
  std::int64_t ticks_per_value = 0;
  std::int64_t total = 0;  ///< values in the file
  Scale scale;             ///< of one ADC code, V
  int decimation = 0;
  /// The sum of `decimation` ADC codes behind a value.
  /// Source: inverse of value = (sum / decimation - zero) * scale.
  std::int64_t code_sum(float value_mv) const;
};

struct SpikeRow {
  std::int64_t index = 0;  ///< number of the spike since the device was started
  Ticks at;
  std::uint32_t width = 0;  ///< ticks
  float peak_mv = 0.0F;
  float trough_mv = 0.0F;
};

/// Reads the result and the provenance of a recording.
/// Errors: bad_input (no such file, not HDF5, not ours, a newer schema, damaged).
Result<RunRecord> read_run(const std::string& path);

/// Reads part of the V_out trace of a channel; fewer values than asked for at its end.
/// @param channel  label
/// Errors: bad_input (as read_run; no such channel; no trace recorded).
Result<Trace> read_trace(const std::string& path, const std::string& channel, std::int64_t first, std::int64_t count);

/// Reads part of the spikes of a channel; fewer than asked for at the end.
Result<std::vector<SpikeRow>> read_spikes(const std::string& path, const std::string& channel, std::int64_t first,
                                          std::int64_t count);

/// Reads the ISI histogram of a step.
/// @param step  row of the step table
/// @returns counts, shape (1037); empty if the step has none
Result<std::vector<std::uint32_t>> read_isi_counts(const std::string& path, std::int64_t step);

/// Reads g_n of a step. @returns empty where the step has none
Result<std::optional<analysis::PairCorrelation>> read_pair_correlation(const std::string& path, std::int64_t step);

/// What the file knows of the instrument: as it was at the handshake, its address included.
/// Errors: bad_input (as read_run).
Result<DeviceInfo> read_device(const std::string& path);

/// Reads what Recorder::read_back() gives, from any recording, and from the files of its run beside it where the
/// stretch begins before its data or ends after them.
/// @returns the spikes in [from, until), each in a block of its own; the level records that begin in it; the marks in
/// (from, until]; every gap that touches it; in no particular order, with the codes and ticks that were written
/// Errors: bad_input (as read_run; no such channel).
Result<std::vector<DeviceMessage>> read_stretch(const std::string& path, Channel channel, Sample from, Sample until);

}  // namespace thyrode::recording
