// Device messages to datasets: the open end of a recording. Private to this room.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/analysis/pair_correlation.hpp"
#include "daemon/analysis/result.hpp"
#include "daemon/recording/description.hpp"
#include "daemon/recording/requests.hpp"
#include "daemon/recording/series.hpp"
#include "daemon/recording/table.hpp"

namespace thyrode::recording {

/// value = code * gain + offset, in the unit of the file (mV or uA).
struct Affine {
  double gain = 1.0;
  double offset = 0.0;
  float operator()(double code) const { return static_cast<float>(code * gain + offset); }
};

/// Makes the rule for sums of `count` codes.
Affine affine(const Scale& scale, double units_per_si, double count);

/// The streams of one channel.
class ChannelStreams {
 public:
  ChannelStreams(hid_t file, const RunDescription& run, std::size_t index);

  /// @returns rows of the trace that were passed over before this block
  std::int64_t write(const protocol::SampleBlock& block);
  void write(const protocol::SpikeBlock& block);
  void write(const protocol::LevelRecord& record);
  void write(const protocol::CurrentBlock& block);
  void write(const protocol::StepApplied& change);
  void write(const protocol::SnippetBlock& block);
  /// Begins the series where those of the file before end.
  void go_on_from(const ChannelStreams& before, std::int64_t sample);
  /// ADC samples of V_out that arrived in the trace.
  std::int64_t samples() const { return samples_; }
  void write_series();
  void write_tables();

 private:
  void write_level(std::size_t signal, const protocol::LevelRecord& record);
  void end_snippet();

  struct Snippet {
    Ticks spike;
    Sample first;
    std::vector<float> values;
  };

  std::string label_;
  int decimation_ = 0;
  double sample_rate_hz_ = 0.0;
  std::int64_t current_stride_ = 0;
  std::int64_t samples_ = 0;
  std::int64_t snippet_count_ = 0;
  std::int64_t change_count_ = 0;
  std::int64_t level_count_ = 0;
  std::size_t snippet_samples_ = 0;
  std::vector<float> trace_values_;  ///< of every sum of codes, mV: reading them is quicker than reckoning
  std::array<Scale, protocol::signal_count> scales_;
  Scale command_scale_;
  std::optional<Series> trace_;
  Series command_;
  Series read_back_;
  std::vector<Series> level_series_;
  Table levels_;
  Table spikes_;
  Table changes_;
  std::optional<Table> snippets_;
  std::optional<Snippet> snippet_;
};

/// All streams and tables of a recording.
class Streams {
 public:
  /// @param file  open, made by create_skeleton()
  Streams(hid_t file, const RunDescription& run);
  /// The data before a sample are in the file before; only before anything was written.
  void go_on_from(const Streams& before, Sample sample);
  /// Appends the rows of steps whose data are in earlier files, with no histograms, and flushes.
  void add_earlier(std::span<const analysis::StepResult> steps);

  void write(const DeviceMessage& message);
  void add_step(const analysis::StepResult& step, std::span<const std::uint32_t> isi_counts,
                const analysis::PairCorrelation& pairs);
  void update_results(std::span<const analysis::StepResult> steps, const analysis::SweepFit& fit);
  void update_link(const LinkCounters& counters);
  void add(const RecordedOrder& order);
  void add(const RecordedRequest& request);
  void flush();
  /// How often it was flushed.
  std::int64_t flushes() const { return flushes_; }
  /// Rows of the table of steps.
  std::size_t steps() const { return steps_.rows(); }
  /// What can be said of this file's data so far.
  analysis::Integrity integrity() const;

 private:
  void take(const protocol::SampleBlock& block);
  void take(const protocol::Mark& mark);
  void take(const protocol::Fault& fault);
  void take(const FramesLost& lost);
  void take(const Gap& gap);
  void take(const Rejected& refusal);
  template <class Message>
  void take(const Message& message) {
    channel(message.channel).write(message);
  }
  ChannelStreams& channel(std::uint8_t index);
  /// What can be said of the whole stream before the end, for a file whose writer dies.
  void update_integrity();
  void add_gap(const Gap& gap);

  hid_t file_;
  std::vector<std::string> conditions_;
  std::vector<std::string> sources_;
  double sample_rate_hz_;
  std::int64_t origin_;
  std::int64_t flush_samples_;
  std::int64_t last_flush_;
  std::int64_t last_mark_;
  std::int64_t flushes_ = 0;
  std::uint32_t overruns_ = 0;
  std::int64_t lost_frames_ = 0;
  std::vector<std::int64_t> gap_end_;  ///< by channel: end of the last gap that was told
  std::vector<ChannelStreams> channels_;
  /// Readings of the device's and of the host's clock.
  struct Clocks {
    std::function<double()> host_seconds;
    Column ticks;
    Column seconds;
  };
  std::optional<Clocks> clocks_;
  Table marks_;
  Table faults_;
  Table link_events_;
  Table invalid_times_;
  Table orders_;
  Table requests_;
  Table steps_;
  Table histograms_;
  Table pair_correlations_;
  Table fit_;
  Table integrity_;
  Table link_counters_;
};

}  // namespace thyrode::recording
