// The writer of a recording: an NWB file that readers can follow while it grows.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "daemon/analysis/pair_correlation.hpp"
#include "daemon/analysis/result.hpp"
#include "daemon/recording/description.hpp"
#include "daemon/recording/requests.hpp"
#include "drivers/device.hpp"
#include "drivers/result.hpp"

namespace thyrode::recording {

/// Writes one run, to one file, or with RunDescription::roll_samples to several: NAME, NAME.2 ... (name_of_part()),
/// each with .part at its end until it is finished. A file that is full is finished while the next one is written, in
/// real time by a thread of its own. One thread owns this; it looks at no clock. After an error of write(), add_step()
/// or flush() the files hold what was flushed before, and every later call returns the same error.
class Recorder {
 public:
  /// Makes NAME.part with everything but the data, and lets readers in.
  /// @param path  final name, NAME
  /// Errors: bad_input (NAME or NAME.part exists, no such folder, not writable, too little disk, a description that
  /// does not fit the device), run_failed (the file system refused).
  static Result<Recorder> create(const std::string& path, RunDescription description);

  Recorder(Recorder&&) noexcept;
  Recorder& operator=(Recorder&&) noexcept;
  /// Without finalise(): closes NAME.part so that any reader can open it.
  ~Recorder();

  /// Takes over one message of the device. With RunDescription::flush_samples, a Mark that is so much device time
  /// after the last flush flushes; a Fault always does.
  /// Errors: run_failed (disk; data that overlap or do not fit the description).
  Result<void> write(const DeviceMessage& message);

  /// A step will begin at a sample, and nothing that is measured before reaches across it. Where the file is full, the
  /// stream is split exactly there. Told late, when data of that sample may have come, it does nothing.
  Result<void> step_begins(Sample at);

  /// add_step() has taken the rows of all steps that began before a sample; what lies before it is complete.
  Result<void> rows_told(Sample before);

  /// Appends a finished step and flushes everything.
  /// @param isi_counts  ISI histogram of the step, shape (1037), counters of
  ///                    analysis::IsiHistogram; empty if none
  /// @param pairs  g_n of the step, of 200 bins; without a bin width there is none
  /// Errors: bad_input (a condition without a column, a histogram of another size), run_failed (disk).
  Result<void> add_step(const analysis::StepResult& step, std::span<const std::uint32_t> isi_counts,
                        const analysis::PairCorrelation& pairs = {});

  /// Replaces what later steps change: labels, the columns of beta_n and the fit. The lists of the fit (transitions,
  /// loops, rates, precursors) are written by finalise.
  /// @param steps  all steps added so far, in order
  Result<void> update_results(std::span<const analysis::StepResult> steps, const analysis::SweepFit& fit);

  /// How the link did so far; kept beside the results.
  Result<void> update_link(const LinkCounters& counters);

  /// Keeps what the host told the device, and what a person asked for. Before the next write(), so that no data are
  /// flushed that follow from what is not in the file.
  Result<void> add(const RecordedOrder& order);
  Result<void> add(const RecordedRequest& request);

  /// Gives back what was written of a stretch of one channel, with the same codes and ticks.
  /// @returns the spikes in [from, until), each in a block of its own; the level records
  /// that begin in it; the marks in (from, until]; every gap that touches it; in no particular order
  /// Errors: run_failed (disk).
  Result<std::vector<DeviceMessage>> read_back(Channel channel, Sample from, Sample until);

  /// Hands everything written so far to readers; it survives the death of this process from here on.
  Result<void> flush();

  /// Ends the run: results, spike trains, intervals and references are written, the file is closed and renamed. Where
  /// there are several, the last one has the rows of all.
  /// @param result       replaces all steps written before; its histograms are those of add_step()
  /// @param exit_status  how the run ended: "completed", "interrupted" ...
  /// @param finished     ISO 8601, the wall clock; may be empty
  /// Errors: run_failed (disk, or NAME exists by now; NAME.part is then left).
  Result<void> finalise(const analysis::RunResult& result, const std::string& exit_status,
                        const std::string& finished = {});

  /// Removes the recording of a run that never began, and what lies beside it; nothing can be written afterwards. A
  /// finished one stays.
  void discard();

  /// Where the newest data are: NAME.part, or NAME after finalise(); of the last file where there are several.
  const std::string& path() const;
  /// All files of the run, in their order.
  std::vector<std::string> paths() const;

 private:
  class Impl;
  explicit Recorder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace thyrode::recording
