// One channel of the instrument: command, detector, levels and trace of its signals.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>

#include "firmware/core/safety.hpp"
#include "firmware/core/snippets.hpp"
#include "firmware/core/spike_detector.hpp"
#include "firmware/core/stimulus.hpp"
#include "firmware/core/telemetry.hpp"
#include "firmware/core/trace_memory.hpp"

namespace thyrode::firmware {

/// ADC codes of one block of one channel. v_out has one code a sample, the others one each `every` samples.
struct ChannelCodes {
  std::span<const AdcCode> v_out;
  std::span<const AdcCode> v_m;
  std::span<const AdcCode> i_read;
};

inline CodeSummary summarise(std::span<const AdcCode> codes) noexcept {
  // Signed 16-bit extremes and 32-bit sums are what vector units have; 12-bit codes fit.
  std::int16_t lowest = std::numeric_limits<std::int16_t>::max();
  std::int16_t highest = 0;
  std::uint32_t sum = 0;
  for (const AdcCode code : codes) {
    const auto value = static_cast<std::int16_t>(code);
    lowest = std::min(lowest, value);
    highest = std::max(highest, value);
    sum += code;
  }
  return {static_cast<AdcCode>(lowest), static_cast<AdcCode>(highest), sum};
}

inline ChannelSummary summarise(const ChannelCodes& codes) noexcept {
  return {{summarise(codes.v_out), summarise(codes.v_m), summarise(codes.i_read)},
          {static_cast<std::uint32_t>(codes.v_out.size()), static_cast<std::uint32_t>(codes.v_m.size()),
           static_cast<std::uint32_t>(codes.i_read.size())}};
}

/// The slow signals of one channel over a stretch of whole blocks whose codes nobody computed one by one.
struct StretchCodes {
  static constexpr std::size_t most_means = 10;  ///< from mark to mark
  CodeSummary v_m;                               ///< no codes at all: count 0
  std::uint32_t v_m_count = 0;
  CodeSummary i_read;                                 ///< extremes; the sum is in read_sums
  std::array<std::uint32_t, most_means> read_sums{};  ///< of each millisecond, the first and the last maybe in part
  std::array<std::uint16_t, most_means> read_counts{};
};

class ChannelState {
 public:
  static constexpr int level_rate = 100;     ///< level records and marks a second
  static constexpr int current_rate = 1000;  ///< current means a second

  void reset(std::uint8_t index, const protocol::ChannelInfo& info, std::uint32_t sample_rate) noexcept {
    index_ = index;
    sample_rate_ = sample_rate;
    stimulus_.set_limits({info.lowest, info.highest, info.fastest});
    stimulus_.reset(static_cast<FineCode>(info.command.zero) << fine_bits);
    protocol::ConfigureDetector detector;
    detector.channel = index;
    detector.swing = 256;
    detector.refractory = static_cast<std::uint16_t>(sample_rate / 20000);
    detector_.configure(detector);
    decimation_ = 0;
    memory_.reset(info);
    begin_run();
  }
  /// Everything that counts from Start.
  void begin_run() noexcept {
    detector_.reset();
    snippets_.reset();
    samples_ = {};
    spikes_ = {};
    current_ = {};
    samples_.channel = spikes_.channel = current_.channel = index_;
    spike_index_ = 0;
    begin_levels();
    read_sum_ = 0;
    read_count_ = 0;
    command_sum_ = 0;
    stretch_v_out_ = {};
    stretch_count_ = 0;
  }

  Stimulus& stimulus() noexcept { return stimulus_; }
  const Stimulus& stimulus() const noexcept { return stimulus_; }
  Snippets& snippets() noexcept { return snippets_; }
  const TraceMemory& memory() const noexcept { return memory_; }
  void set_detector(const protocol::ConfigureDetector& settings) noexcept {
    pending_detector_ = settings;
    detector_due_ = true;
  }
  void set_telemetry(const protocol::ConfigureTelemetry& settings) noexcept {
    pending_telemetry_ = settings;
    telemetry_due_ = true;
  }

  /// Takes settings over whose sample has come.
  void apply_settings(Sample block, Telemetry& out) noexcept {
    if (detector_due_ && pending_detector_.at <= block) {
      detector_.configure(pending_detector_);
      detector_due_ = false;
    }
    if (telemetry_due_ && pending_telemetry_.at <= block) {
      flush_samples(out);
      decimation_ = pending_telemetry_.decimation;
      telemetry_due_ = false;
    }
  }

  /// Keeps the codes of one block, for the snippets and for the trace of a fault.
  void keep(Sample first, const ChannelCodes& codes) noexcept {
    memory_.store(first, codes.v_out, codes.v_m, codes.i_read);
  }
  /// Takes in one block of codes. @param command_sum  sum of the DAC codes of the same samples
  void take(Sample first, const ChannelCodes& codes, const ChannelSummary& summary, std::uint32_t command_sum,
            Telemetry& out) noexcept {
    take_v_out(first, codes.v_out, summary.signals[0], out);
    snippets_.send_due(index_, first, memory_.v_out(), out.room() >= Telemetry::kept_room,
                       [&out](const protocol::SnippetBlock& block) { out.stream(block); });
    add_level(1, summary.signals[1], codes.v_m.size());
    add_level(2, summary.signals[2], codes.i_read.size());
    add_current(summary.signals[2].sum, codes.i_read.size(), command_sum, codes.v_out.size());
    if (decimation_ > 0) add_trace(first, codes.v_out, out);
  }
  /// V_out codes of a stretch that the detector looks at one by one.
  void take_stretch(Sample first, std::span<const AdcCode> codes, Telemetry& out) noexcept {
    const CodeSummary v_out = summarise(codes);
    take_v_out(first, codes, v_out, out);
    widen_stretch(v_out, static_cast<std::uint32_t>(codes.size()));
  }
  /// What a stretch showed of all signals; V_out as it was handed over since the last call.
  ChannelSummary stretch_summary(const StretchCodes& codes) noexcept {
    std::uint32_t reads = 0;
    for (const std::uint16_t count : codes.read_counts) reads += count;
    const ChannelSummary summary{{stretch_v_out_, codes.v_m, codes.i_read}, {stretch_count_, codes.v_m_count, reads}};
    stretch_v_out_ = {};
    stretch_count_ = 0;
    return summary;
  }

  /// Whether a stretch may be taken in by its summaries: nobody wants single codes and no setting changes before `end`.
  bool wants_no_codes(Sample end) const noexcept {
    return decimation_ == 0 && !snippets_.on() && !(detector_due_ && pending_detector_.at < end) &&
           !(telemetry_due_ && pending_telemetry_.at < end);
  }
  const SpikeDetector& detector() const noexcept { return detector_; }
  /// V_out codes that the detector passes over.
  void coast(const QuietSpan& span) noexcept {
    detector_.coast(span);
    add_level(0, {span.lowest, span.highest, span.sum}, span.count);
    widen_stretch({span.lowest, span.highest, span.sum}, span.count);
  }
  /// The slow signals of a stretch, but for the currents of its milliseconds.
  void take_slow(const StretchCodes& codes) noexcept {
    add_level(1, codes.v_m, codes.v_m_count);
    CodeSummary read = codes.i_read;
    read.sum = 0;
    std::uint32_t count = 0;
    for (std::size_t k = 0; k < codes.read_sums.size(); ++k) {
      read.sum += codes.read_sums[k];
      count += codes.read_counts[k];
    }
    add_level(2, read, count);
  }
  /// Read-back and command of samples that belong to one millisecond.
  void add_current(std::uint32_t read_sum, std::size_t read_count, std::uint32_t command_sum,
                   std::size_t command_count) noexcept {
    levels_.command_sum += command_sum;
    levels_.command_count += static_cast<std::uint32_t>(command_count);
    read_sum_ += read_sum;
    read_count_ += static_cast<std::uint16_t>(read_count);
    command_sum_ += command_sum;
  }

  /// Ends a 1 ms mean.
  void end_current_mean(Sample end) noexcept {
    if (current_.means.empty()) {
      current_.span = static_cast<std::uint16_t>(sample_rate_ / current_rate);
      current_.first = end - current_.span;
      current_.read_count = read_count_;
    }
    current_.means.push_back({read_sum_, command_sum_});
    read_sum_ = 0;
    read_count_ = 0;
    command_sum_ = 0;
  }

  /// Sends what has gathered before a mark.
  void flush(Sample mark, Telemetry& out) noexcept {
    flush_samples(out);
    flush_spikes(out);
    if (!current_.means.empty()) {
      out.stream(current_);
      current_.means.clear();
    }
    levels_.first = mark - static_cast<std::int64_t>(sample_rate_ / level_rate);
    levels_.open_spike = detector_.open_for(mark);
    for (protocol::Level& level : levels_.signals) {
      if (level.count == 0) level.lowest = 0;
    }
    out.stream(levels_);
    begin_levels();
  }

 private:
  void take_v_out(Sample first, std::span<const AdcCode> codes, const CodeSummary& v_out, Telemetry& out) noexcept {
    detector_.run(
        codes, first, v_out.lowest, v_out.highest, [this](Ticks at) { snippets_.fire(at, sample_rate_); },
        [this, &out](const protocol::SpikeRecord& spike) { add_spike(spike, out); });
    add_level(0, v_out, codes.size());
  }
  void widen_stretch(const CodeSummary& codes, std::uint32_t count) noexcept {
    stretch_v_out_.lowest = std::min(stretch_v_out_.lowest, codes.lowest);
    stretch_v_out_.highest = std::max(stretch_v_out_.highest, codes.highest);
    stretch_count_ += count;
  }
  void begin_levels() noexcept {
    levels_ = {};
    levels_.channel = index_;
    for (protocol::Level& level : levels_.signals) level.lowest = std::numeric_limits<AdcCode>::max();
  }
  void add_level(std::size_t signal, const CodeSummary& codes, std::size_t count) noexcept {
    protocol::Level& level = levels_.signals[signal];
    if (count == 0) return;
    level.lowest = std::min(level.lowest, codes.lowest);
    level.highest = std::max(level.highest, codes.highest);
    level.sum += codes.sum;
    level.count = static_cast<std::uint16_t>(level.count + count);
  }
  void add_spike(const protocol::SpikeRecord& spike, Telemetry& out) noexcept {
    if (spikes_.records.empty()) spikes_.index = spike_index_;
    spikes_.records.push_back(spike);
    ++spike_index_;
    if (spikes_.records.full()) flush_spikes(out);
  }
  void flush_spikes(Telemetry& out) noexcept {
    if (spikes_.records.empty()) return;
    out.stream(spikes_);
    spikes_.records.clear();
  }
  void add_trace(Sample first, std::span<const AdcCode> codes, Telemetry& out) noexcept {
    if (decimation_ == 1) {
      add_full_trace(first, codes, out);
      return;
    }
    // A value never spans two blocks.
    for (std::size_t k = 0; k < codes.size(); k += decimation_) {
      if (samples_.sums.empty()) {
        samples_.first = first + static_cast<std::int64_t>(k);
        samples_.decimation = static_cast<std::uint8_t>(decimation_);
      }
      std::uint32_t sum = 0;
      for (const AdcCode code : codes.subspan(k, decimation_)) sum += code;
      samples_.sums.push_back(static_cast<std::uint16_t>(sum));
      if (samples_.sums.full()) flush_samples(out);
    }
  }
  void add_full_trace(Sample first, std::span<const AdcCode> codes, Telemetry& out) noexcept {
    std::size_t done = 0;
    while (done < codes.size()) {
      if (samples_.sums.empty()) {
        samples_.first = first + static_cast<std::int64_t>(done);
        samples_.decimation = 1;
      }
      const std::size_t used = samples_.sums.size();
      const std::size_t take = std::min(codes.size() - done, samples_.sums.capacity - used);
      samples_.sums.resize(used + take);
      std::copy_n(codes.data() + done, take, samples_.sums.data() + used);
      done += take;
      if (samples_.sums.full()) flush_samples(out);
    }
  }
  void flush_samples(Telemetry& out) noexcept {
    if (samples_.sums.empty()) return;
    out.stream(samples_);
    samples_.sums.clear();
  }

  std::uint8_t index_ = 0;
  std::uint32_t sample_rate_ = 250000;
  Stimulus stimulus_;
  SpikeDetector detector_;
  Snippets snippets_;
  TraceMemory memory_;
  CodeSummary stretch_v_out_;  // of the stretch that is being handed over
  std::uint32_t stretch_count_ = 0;
  std::uint16_t decimation_ = 0;
  protocol::SampleBlock samples_{};
  protocol::SpikeBlock spikes_{};
  protocol::LevelRecord levels_{};
  protocol::CurrentBlock current_{};
  std::uint32_t spike_index_ = 0;
  std::uint32_t read_sum_ = 0;
  std::uint16_t read_count_ = 0;
  std::uint32_t command_sum_ = 0;
  protocol::ConfigureDetector pending_detector_{};
  protocol::ConfigureTelemetry pending_telemetry_{};
  bool detector_due_ = false;
  bool telemetry_due_ = false;
};

}  // namespace thyrode::firmware
