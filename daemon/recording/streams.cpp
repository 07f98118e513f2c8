#include "daemon/recording/streams.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "daemon/recording/layout.hpp"
#include "daemon/recording/skeleton.hpp"
#include "daemon/recording/step_table.hpp"

namespace thyrode::recording {
namespace {

using protocol::Signal;

constexpr double mv_per_v = 1e3;
constexpr double ua_per_a = 1e6;
constexpr float missing = std::numeric_limits<float>::quiet_NaN();

SeriesClock clock_of(const RunDescription& run, std::int64_t stride) {
  return {.stride = stride, .origin = run.device.now.index, .sample_rate_hz = run.device.sample_rate_hz};
}

}  // namespace

Affine affine(const Scale& scale, double units_per_si, double count) {
  return {.gain = scale.scale * units_per_si / count, .offset = -scale.zero * scale.scale * units_per_si};
}

ChannelStreams::ChannelStreams(hid_t file, const RunDescription& run, std::size_t index)
    : label_{run.device.channels[index].label},
      decimation_{run.channels[index].trace_decimation},
      sample_rate_hz_{run.device.sample_rate_hz},
      current_stride_{current_stride(run.device)},
      snippet_samples_{static_cast<std::size_t>(run.channels[index].snippet_samples)},
      scales_{scale_of(run, index, Signal::v_out), scale_of(run, index, Signal::v_m),
              scale_of(run, index, Signal::i_read)},
      command_scale_{command_scale_of(run, index)},
      command_{file, layout::command(label_), clock_of(run, current_stride_)},
      read_back_{file, layout::read_back(label_), clock_of(run, current_stride_)},
      levels_{file, layout::levels(label_)},
      spikes_{file, layout::spikes(label_)},
      changes_{file, layout::applied_current(label_)} {
  for (std::size_t signal = 0; signal < protocol::signal_count; ++signal) {
    level_series_.emplace_back(file, layout::level_series(signal, label_), clock_of(run, level_stride(run.device)));
  }
  if (decimation_ > 0) {
    const Affine rule = affine(scales_[0], mv_per_v, decimation_);
    trace_values_.resize(std::numeric_limits<std::uint16_t>::max() + 1);
    for (std::size_t sum = 0; sum < trace_values_.size(); ++sum) trace_values_[sum] = rule(static_cast<double>(sum));
    trace_.emplace(file, layout::trace(label_), clock_of(run, decimation_));
  }
  if (snippet_samples_ > 0) {
    snippets_.emplace(file, layout::snippets(label_, run.channels[index].snippet_samples));
  }
}

std::int64_t ChannelStreams::write(const protocol::SampleBlock& block) {
  if (!trace_ || block.decimation != decimation_) {
    raise(ErrorKind::run_failed,
          fmt::format("channel {}: the device sends a trace of {} samples a value, the recording was made for {} (0 is "
                      "none): configure the telemetry before the run",
                      label_, block.decimation, decimation_));
  }
  const std::int64_t skipped = trace_->seek(block.first.index);
  samples_ += static_cast<std::int64_t>(block.sums.size()) * block.decimation;
  trace_->append(block.sums.size(), [&](std::span<float> values, std::size_t row) {
    const std::uint16_t* sums = block.sums.data() + row;
    const float* of_sum = trace_values_.data();
    for (std::size_t k = 0; k < values.size(); ++k) values[k] = of_sum[sums[k]];
  });
  return skipped;
}

void ChannelStreams::write(const protocol::SpikeBlock& block) {
  const Affine rule = affine(scales_[0], mv_per_v, 1.0);
  std::int64_t id = block.index;
  for (const protocol::SpikeRecord& spike : block.records) {
    spikes_.append(id++, spike.at.count, spike.width, rule(spike.peak), rule(spike.trough));
  }
}

void ChannelStreams::write_level(std::size_t signal, const protocol::LevelRecord& record) {
  const protocol::Level& level = record.signals[signal];
  const bool current = static_cast<Signal>(signal) == Signal::i_read;
  const Affine rule = affine(scales_[signal], current ? ua_per_a : mv_per_v, 1.0);
  Series& series = level_series_[signal];
  series.seek(record.first.index);
  series.append(1, [&](std::span<float> values, std::size_t) {
    const bool any = level.count > 0;
    values[0] = any ? rule(level.lowest) : missing;
    values[1] = any ? rule(level.highest) : missing;
    values[2] = any ? rule(static_cast<double>(level.sum) / level.count) : missing;
  });
}

void ChannelStreams::write(const protocol::LevelRecord& record) {
  for (std::size_t signal = 0; signal < protocol::signal_count; ++signal) write_level(signal, record);
  const auto& [v_out, v_m, i_read] = record.signals;
  levels_.append(level_count_++, record.first.index, v_out.lowest, v_out.highest, v_out.sum, v_out.count, v_m.lowest,
                 v_m.highest, v_m.sum, v_m.count, i_read.lowest, i_read.highest, i_read.sum, i_read.count,
                 record.command_sum, record.command_count, record.open_spike);
}

void ChannelStreams::write(const protocol::CurrentBlock& block) {
  if (block.span != current_stride_) {
    raise(ErrorKind::run_failed, fmt::format("channel {}: the device sends means of {} samples, the recording holds "
                                             "means of {}: update the firmware or the host",
                                             label_, block.span, current_stride_));
  }
  const Affine written = affine(command_scale_, ua_per_a, block.span);
  const Affine read = affine(scales_[2], ua_per_a, std::max<double>(1.0, block.read_count));
  command_.seek(block.first.index);
  command_.append(block.means.size(), [&](std::span<float> values, std::size_t row) {
    for (std::size_t k = 0; k < values.size(); ++k) values[k] = written(block.means[row + k].command_sum);
  });
  read_back_.seek(block.first.index);
  read_back_.append(block.means.size(), [&](std::span<float> values, std::size_t row) {
    for (std::size_t k = 0; k < values.size(); ++k) {
      values[k] = block.read_count > 0 ? read(block.means[row + k].read_sum) : missing;
    }
  });
}

void ChannelStreams::write(const protocol::StepApplied& change) {
  constexpr double codes_per_fine = 1.0 / (1 << fine_bits);
  const auto microamperes = [&](FineCode fine) { return command_scale_.value(fine * codes_per_fine) * ua_per_a; };
  const double slew = change.slew * codes_per_fine * command_scale_.scale * ua_per_a * sample_rate_hz_;
  changes_.append(change_count_++, to_ticks(change.at).count, change.first, change.last, change.slew,
                  microamperes(change.first), microamperes(change.last), slew);
}

void ChannelStreams::write(const protocol::SnippetBlock& block) {
  if (!snippets_) return;
  if (block.length != snippet_samples_ || block.offset + block.codes.size() > snippet_samples_) {
    raise(ErrorKind::run_failed, fmt::format("channel {}: a snippet of {} samples came, the recording was made for {}",
                                             label_, block.length, snippet_samples_));
  }
  if (snippet_ && (snippet_->spike != block.spike || snippet_->first != block.first)) end_snippet();
  if (!snippet_) snippet_ = Snippet{block.spike, block.first, std::vector<float>(snippet_samples_, missing)};
  const Affine rule = affine(scales_[0], mv_per_v, 1.0);
  for (std::size_t k = 0; k < block.codes.size(); ++k) snippet_->values[block.offset + k] = rule(block.codes[k]);
  if (block.offset + block.codes.size() == snippet_samples_) end_snippet();
}

void ChannelStreams::end_snippet() {
  snippets_->append(snippet_count_++, snippet_->spike.count, to_ticks(snippet_->first).count, snippet_->values);
  snippet_.reset();
}

void ChannelStreams::go_on_from(const ChannelStreams& before, std::int64_t sample) {
  if (trace_ && before.trace_) trace_->go_on_from(*before.trace_, sample);
  command_.go_on_from(before.command_, sample);
  read_back_.go_on_from(before.read_back_, sample);
  for (std::size_t k = 0; k < level_series_.size(); ++k) level_series_[k].go_on_from(before.level_series_[k], sample);
}

void ChannelStreams::write_series() {
  if (trace_) trace_->write();
  command_.write();
  read_back_.write();
  for (Series& series : level_series_) series.write();
}

void ChannelStreams::write_tables() {
  levels_.write();
  spikes_.write();
  changes_.write();
  if (snippets_) snippets_->write();
}

Streams::Streams(hid_t file, const RunDescription& run)
    : file_{file},
      conditions_{run.conditions},
      sources_{run.resumed_from},
      sample_rate_hz_{run.device.sample_rate_hz},
      origin_{run.device.now.index},
      flush_samples_{run.flush_samples},
      last_flush_{run.device.now.index},
      last_mark_{run.device.now.index},
      gap_end_(run.channels.size(), std::numeric_limits<std::int64_t>::min()),
      marks_{file, layout::marks()},
      faults_{file, layout::faults()},
      link_events_{file, layout::link_events()},
      invalid_times_{file, layout::invalid_times()},
      orders_{file, layout::orders()},
      requests_{file, layout::operator_requests()},
      steps_{file, step_table(run.conditions)},
      histograms_{file, layout::isi_histograms()},
      pair_correlations_{file, layout::pair_correlations()},
      fit_{file, layout::fit()},
      integrity_{file, layout::integrity()},
      link_counters_{file, layout::link_counters()} {
  for (std::size_t k = 0; k < run.channels.size(); ++k) channels_.emplace_back(file, run, k);
  if (run.host_seconds) {
    clocks_.emplace(Clocks{run.host_seconds, Column{file, layout::clock_ticks, Element::i64, 1},
                           Column{file, layout::clock_seconds, Element::f64, 1}});
  }
  update_results({}, {});
  const std::int64_t unknown = layout::unknown_count;
  link_counters_.append(0, unknown, unknown, unknown, unknown, unknown, unknown);
  flush();
}

ChannelStreams& Streams::channel(std::uint8_t index) {
  if (index >= channels_.size()) {
    raise(ErrorKind::run_failed,
          fmt::format("the device speaks of channel {}, the recording has {} channels", index, channels_.size()));
  }
  return channels_[index];
}

void Streams::write(const DeviceMessage& message) {
  std::visit([this](const auto& kind) { take(kind); }, message);
}

void Streams::take(const protocol::SampleBlock& block) {
  const std::int64_t skipped = channel(block.channel).write(block) * block.decimation;
  const std::int64_t from = block.first.index - skipped;
  // A hole that nobody told of is listed all the same: no NaN without a row.
  if (skipped > 0 && gap_end_[block.channel] < block.first.index) {
    const std::int64_t first = std::max(from, gap_end_[block.channel]);
    add_gap({{block.channel}, Sample{first}, block.first, block.first.index - first, true});
  }
}

void Streams::take(const protocol::Mark& mark) {
  marks_.append(static_cast<std::int64_t>(marks_.rows()), to_ticks(mark.at).count,
                static_cast<std::uint8_t>(mark.state), static_cast<std::uint8_t>(mark.fault), mark.overruns,
                mark.dropped_frames, mark.bad_frames);
  last_mark_ = mark.at.index;
  overruns_ = mark.overruns;
  if (flush_samples_ > 0 && last_mark_ - last_flush_ >= flush_samples_) flush();
}

void Streams::take(const protocol::Fault& fault) {
  faults_.append(static_cast<std::int64_t>(faults_.rows()), to_ticks(fault.at).count,
                 static_cast<std::uint8_t>(fault.code), fault.channel, fault.value, fault.limit);
  flush();
}

void Streams::take(const FramesLost& lost) {
  lost_frames_ += lost.count;
  link_events_.append(static_cast<std::int64_t>(link_events_.rows()), last_mark_ * ticks_per_sample,
                      static_cast<std::uint8_t>(layout::LinkEvent::frames_lost), lost.count, std::uint8_t{0},
                      last_mark_ * ticks_per_sample);
}

void Streams::take(const Rejected& refusal) {
  link_events_.append(static_cast<std::int64_t>(link_events_.rows()), to_ticks(refusal.now).count,
                      static_cast<std::uint8_t>(layout::LinkEvent::rejected), std::uint32_t{refusal.command},
                      static_cast<std::uint8_t>(refusal.status), last_mark_ * ticks_per_sample);
}

void Streams::take(const Gap& gap) {
  channel(gap.channel.index);
  add_gap(gap);
}

void Streams::add_gap(const Gap& gap) {
  const auto seconds = [&](Sample at) { return static_cast<double>(at.index - origin_) / sample_rate_hz_; };
  invalid_times_.append(static_cast<std::int64_t>(invalid_times_.rows()), seconds(gap.first), seconds(gap.last),
                        gap.channel.index, gap.first.index, gap.last.index, gap.trace_samples,
                        static_cast<std::uint8_t>(gap.records));
  std::int64_t& end = gap_end_[gap.channel.index];
  end = std::max(end, gap.last.index);
}

analysis::Integrity Streams::integrity() const {
  analysis::Integrity counts;
  for (const ChannelStreams& streams : channels_) counts.samples += streams.samples();
  counts.gaps = static_cast<std::int64_t>(invalid_times_.rows());
  counts.overruns = overruns_;
  counts.retransmits.reset();
  counts.late_decisions.reset();
  counts.lost_frames = lost_frames_;
  return counts;
}

void Streams::update_integrity() {
  const analysis::Integrity counts = integrity();
  integrity_.rewind();
  integrity_.append(0, counts.samples, counts.gaps, counts.overruns, layout::unknown_count, layout::unknown_count,
                    counts.lost_frames);
}

void Streams::go_on_from(const Streams& before, Sample sample) {
  for (std::size_t k = 0; k < channels_.size(); ++k) channels_[k].go_on_from(before.channels_[k], sample.index);
  gap_end_ = before.gap_end_;
  last_flush_ = last_mark_ = sample.index;
}

void Streams::add_earlier(std::span<const analysis::StepResult> steps) {
  for (const analysis::StepResult& step : steps) append_step(steps_, conditions_, sources_, step);
  flush();
}

void Streams::add_step(const analysis::StepResult& step, std::span<const std::uint32_t> isi_counts,
                       const analysis::PairCorrelation& pairs) {
  if (!isi_counts.empty() && isi_counts.size() != layout::isi_buckets) {
    raise(ErrorKind::bad_input, fmt::format("step {}: its histogram has {} buckets, the file has {}", step.index,
                                            isi_counts.size(), layout::isi_buckets));
  }
  const auto row = static_cast<std::int64_t>(steps_.rows());
  append_step(steps_, conditions_, sources_, step);
  if (!isi_counts.empty()) histograms_.append(static_cast<std::int64_t>(histograms_.rows()), row, isi_counts);
  if (pairs.bin > 0 && pairs.bins() == layout::pair_bins) {
    pair_correlations_.append(static_cast<std::int64_t>(pair_correlations_.rows()), row, pairs.bin, pairs.spikes,
                              pairs.observed, static_cast<std::uint8_t>(pairs.clipped ? 1 : 0), pairs.counts,
                              pairs.border);
  }
  flush();
}

void Streams::update_results(std::span<const analysis::StepResult> steps, const analysis::SweepFit& fit) {
  steps_.write();
  overwrite_sweep(steps_, conditions_, steps.first(std::min(steps.size(), steps_.rows())));
  fit_.rewind();
  append_fit(fit_, fit);
}

void Streams::update_link(const LinkCounters& counters) {
  const auto count = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  link_counters_.rewind();
  link_counters_.append(0, count(counters.bytes_up), count(counters.bytes_down), count(counters.retransmits),
                        count(counters.lost_frames), count(counters.bad_frames), count(counters.repeated_frames));
}

void Streams::add(const RecordedOrder& order) {
  const bool piece = order.kind == RecordedOrder::Kind::piece;
  const double undefined = std::numeric_limits<double>::quiet_NaN();
  orders_.append(static_cast<std::int64_t>(orders_.rows()), static_cast<std::uint8_t>(order.kind), order.channel.index,
                 order.at.index, piece ? order.duration.si() : undefined,
                 piece ? order.first.si() * ua_per_a : undefined, piece ? order.last.si() * ua_per_a : undefined,
                 order.kind == RecordedOrder::Kind::load ? order.load.si() : undefined);
}

void Streams::add(const RecordedRequest& request) {
  requests_.append(static_cast<std::int64_t>(requests_.rows()), to_ticks(request.after).count,
                   static_cast<std::uint8_t>(request.kind),
                   request.value.value_or(std::numeric_limits<double>::quiet_NaN()));
}

void Streams::flush() {
  if (clocks_ && last_mark_ > last_flush_) {
    clocks_->ticks.push(last_mark_ * ticks_per_sample);
    clocks_->seconds.push(clocks_->host_seconds());
    clocks_->ticks.write();
    clocks_->seconds.write();
  }
  last_flush_ = last_mark_;
  update_integrity();
  // Signals first, tables after them: a reader never sees a row that points past the data. Whole-file flushes,
  // because each flush of a dataset walks the library's list of everything, and there are many datasets.
  for (ChannelStreams& streams : channels_) streams.write_series();
  h5::expect(H5Fflush(file_, H5F_SCOPE_LOCAL), file_, "the signals", "flush");
  for (ChannelStreams& streams : channels_) streams.write_tables();
  for (Table* table : {&marks_, &faults_, &link_events_, &invalid_times_, &orders_, &requests_, &histograms_,
                       &pair_correlations_, &integrity_, &link_counters_, &fit_}) {
    table->write();
  }
  if (steps_.pending()) {
    // A step that is there has its histogram.
    h5::expect(H5Fflush(file_, H5F_SCOPE_LOCAL), file_, "the tables", "flush");
    steps_.write();
  }
  h5::expect(H5Fflush(file_, H5F_SCOPE_LOCAL), file_, "the tables", "flush");
  ++flushes_;
}

}  // namespace thyrode::recording
