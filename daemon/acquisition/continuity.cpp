#include "daemon/acquisition/continuity.hpp"

#include <algorithm>
#include <map>
#include <type_traits>
#include <utility>

namespace thyrode::acquisition {
namespace {

constexpr std::size_t most_held = 4096;  // messages; a device that sends no marks must not fill the memory
constexpr std::int64_t sequence_numbers = 256;

constexpr std::int64_t ceil_div(std::int64_t value, std::int64_t by) {
  return (value + by - 1) / by;
}
template <class List>
constexpr std::int64_t capacity(const List&) {
  return static_cast<std::int64_t>(List::capacity);
}

}  // namespace

Continuity::Continuity(const DeviceInfo& device, Sample start, const std::vector<int>& decimation)
    : tells_gaps_{device.tells_gaps},
      period_{device.samples(10.0_ms).index},
      start_{start},
      channels_(device.channels.size()),
      told_until_{device.now} {
  // Virtual time stands still until a host grants some, so that the first mark is known. A real device has been talking
  // while it shook hands, and its first mark tells.
  if (device.virtual_time) next_mark_ = Sample{(device.now.index / period_ + 1) * period_};
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    ChannelOrder& channel = channels_[c];
    channel.decimation = c < decimation.size() ? decimation[c] : 0;
    channel.trace = channel.levels = channel.currents = start;
  }
  held_.reserve(256);
}

/// Counts what a device says of itself; nothing of it is missing untold.
void Continuity::count(const DeviceMessage& message) {
  if (const auto* block = std::get_if<protocol::SampleBlock>(&message)) {
    counters_.samples += static_cast<std::int64_t>(block->sums.size()) * block->decimation;
  } else if (const auto* mark = std::get_if<protocol::Mark>(&message)) {
    counters_.overruns = mark->overruns;
  } else if (const auto* lost = std::get_if<FramesLost>(&message)) {
    counters_.lost_frames += lost->count;
  } else if (std::holds_alternative<Gap>(message)) {
    ++counters_.gaps;
  }
}

void Continuity::take(DeviceMessage&& message, std::vector<DeviceMessage>& out) {
  if (tells_gaps_) {
    count(message);
    out.push_back(std::move(message));
    return;
  }
  if (const auto* mark = std::get_if<protocol::Mark>(&message)) {
    const protocol::Mark copy = *mark;
    take_mark(copy, out);
    out.push_back(std::move(message));
    return;
  }
  if (const auto* lost = std::get_if<FramesLost>(&message)) {
    lost_ += lost->count;
    open_ = true;
    return;
  }
  if (std::holds_alternative<Rejected>(message)) {  // an answer, not of the stream
    out.push_back(std::move(message));
    return;
  }
  if (held_.size() == most_held) release(out);
  if (!over_) {
    std::visit(
        [this](const auto& m) {
          if constexpr (requires { this->check(m); }) {
            ran_ = true;
            check(m);
          }
        },
        message);
  }
  (open_ ? held_ : out).push_back(std::move(message));
}

// ---------------------------------------------------------------- one message after the other

void Continuity::check(const protocol::SampleBlock& block) {
  ChannelOrder& channel = channels_[block.channel];
  if (channel.decimation > 0) expect_trace(channel, block.first);
  channel.decimation = block.decimation;
  const auto count = static_cast<std::int64_t>(block.sums.size()) * block.decimation;
  counters_.samples += count;
  channel.trace = block.first + count;
}

void Continuity::check(const protocol::LevelRecord& record) {
  ChannelOrder& channel = channels_[record.channel];
  expect_records(channel, channel.levels, record.first);
  channel.levels = record.first + period_;
}

void Continuity::check(const protocol::CurrentBlock& block) {
  ChannelOrder& channel = channels_[block.channel];
  expect_records(channel, channel.currents, block.first);
  channel.currents = block.first + static_cast<std::int64_t>(block.means.size()) * block.span;
}

void Continuity::check(const protocol::SpikeBlock& block) {
  ChannelOrder& channel = channels_[block.channel];
  const std::int64_t missing = static_cast<std::int32_t>(block.index - channel.spikes);
  if (missing > 0 && !channel.spikes_unsure) {
    accounted_ += ceil_div(missing, capacity(block.records));
    channel.records_missing = open_ = true;
  }
  if (missing > 0 && channel.spikes_held && !block.records.empty()) {
    channel.cuts.push_back({held_.size(), Sample{block.records[0].at.count / ticks_per_sample}});
  }
  channel.spikes = block.index + static_cast<std::uint32_t>(block.records.size());
  channel.spikes_unsure = false;
  channel.spikes_held = open_;
}

/// The end of the last whole value of the trace that begins before `until`.
Sample Continuity::trace_end(const ChannelOrder& channel, Sample until) {
  if (channel.decimation <= 0 || until <= channel.trace) return channel.trace;
  return channel.trace + (until - channel.trace) / channel.decimation * channel.decimation;
}

void Continuity::expect_trace(ChannelOrder& channel, Sample until) {
  if (until <= channel.trace) return;
  accounted_ += trace_frames(channel, until);
  channel.trace_holes.push_back({channel.trace, until});
  channel.trace = until;
  open_ = true;
}

void Continuity::expect_records(ChannelOrder& channel, Sample& next, Sample until) {
  if (until <= next) return;
  accounted_ += ceil_div(until - next, period_);
  next = until;
  channel.records_missing = open_ = true;
}

/// Fewest frames that can have held the trace from its next sample on: what has gathered is sent at each mark.
std::int64_t Continuity::trace_frames(const ChannelOrder& channel, Sample until) const {
  const std::int64_t values_a_frame = capacity(protocol::SampleBlock{}.sums);
  std::int64_t frames = 0;
  for (Sample at = channel.trace; at < until;) {
    // A value goes out at the first mark that is not before its end.
    const Sample mark{ceil_div(at.index + channel.decimation, period_) * period_};
    const std::int64_t values = std::max<std::int64_t>(1, (std::min(until, mark) - at) / channel.decimation);
    frames += ceil_div(values, values_a_frame);
    at = at + values * channel.decimation;
  }
  return frames;
}

// ---------------------------------------------------------------- at a mark

void Continuity::take_mark(const protocol::Mark& mark, std::vector<DeviceMessage>& out) {
  counters_.overruns = mark.overruns;
  std::int64_t marks_lost = 0;
  if (next_mark_ && mark.at > *next_mark_) {
    marks_lost = (mark.at - *next_mark_) / period_;
    open_ = true;
  }
  ran_ = ran_ || mark.state == protocol::State::running || mark.state == protocol::State::stopping;
  // A run that was stopped before its first sample sends nothing, and nothing of it is missing.
  const bool never_ran = mark.state == protocol::State::idle && mark.at > start_ && !ran_ && !open_;
  const Sample until = over_ || never_ran ? told_until_ : data_end(mark, marks_lost);
  if (!over_ && !never_ran && until > start_) expect_all(until);
  if (open_) close(until, marks_lost, out);
  const bool ended = mark.state == protocol::State::idle && mark.at > start_;
  over_ = over_ || ended || mark.state == protocol::State::fault;
  told_until_ = mark.at;
  next_mark_ = mark.at + period_;
}

void Continuity::expect_all(Sample until) {
  for (ChannelOrder& channel : channels_) {
    if (channel.decimation > 0) expect_trace(channel, trace_end(channel, until));
    expect_records(channel, channel.levels, until);
    expect_records(channel, channel.currents, until);
  }
}

/// Up to where a mark says that data have been sent. The first mark that is not running any more ends the data; when
/// marks before it were lost, that may have been any of them: the latest that fits the number of lost frames.
Sample Continuity::data_end(const protocol::Mark& mark, std::int64_t marks_lost) const {
  const bool ended = mark.state == protocol::State::idle || mark.state == protocol::State::fault;
  if (!ended || marks_lost == 0 || mark.at <= start_) return mark.at;
  Sample earliest = std::max(start_, mark.at - marks_lost * period_);
  for (const ChannelOrder& channel : channels_) {
    earliest = std::max({earliest, channel.trace, channel.levels, channel.currents});
  }
  for (Sample end = mark.at; end >= earliest; end = end - period_) {
    if (accounted_ + marks_lost + frames_until(end) <= lost_) return end;
  }
  return mark.at;
}

/// Fewest frames still to come before a mark at `until`.
std::int64_t Continuity::frames_until(Sample until) const {
  std::int64_t frames = 0;
  for (const ChannelOrder& channel : channels_) {
    if (channel.decimation > 0) frames += trace_frames(channel, trace_end(channel, until));
    frames += std::max<std::int64_t>(0, ceil_div(until - channel.levels, period_));
    frames += std::max<std::int64_t>(0, ceil_div(until - channel.currents, period_));
  }
  return frames;
}

void Continuity::close(Sample until, std::int64_t marks_lost, std::vector<DeviceMessage>& out) {
  const std::int64_t unseen = accounted_ + marks_lost - lost_;
  if (unseen > 0) lost_ += ceil_div(unseen, sequence_numbers) * sequence_numbers;
  const bool unexplained = lost_ > accounted_;
  counters_.lost_frames += lost_;
  if (lost_ > 0) out.emplace_back(FramesLost{static_cast<std::uint32_t>(lost_)});

  std::multimap<std::size_t, Gap> later;  // by position in held_
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    ChannelOrder& channel = channels_[c];
    if (unexplained) channel.records_missing = channel.spikes_unsure = true;
    // What is lost after the end of the run is counted, but no data are missing.
    const std::vector<Gap> gaps = over_ ? std::vector<Gap>{} : holes_of(static_cast<std::uint8_t>(c), channel, until);
    counters_.gaps += static_cast<std::int64_t>(gaps.size());
    const std::size_t at_once = gaps.size() - std::min(gaps.size(), channel.records_missing ? channel.cuts.size() : 0);
    for (std::size_t k = 0; k < gaps.size(); ++k) {
      if (k < at_once) {
        out.emplace_back(gaps[k]);
      } else {
        later.emplace(channel.cuts[k - at_once].before, gaps[k]);
      }
    }
    channel.trace_holes.clear();
    channel.cuts.clear();
    channel.records_missing = channel.spikes_held = false;
  }
  for (std::size_t k = 0; k < held_.size(); ++k) {
    for (auto [gap, end] = later.equal_range(k); gap != end; ++gap) out.emplace_back(gap->second);
    out.push_back(std::move(held_[k]));
  }
  held_.clear();
  lost_ = accounted_ = 0;
  open_ = false;
}

/// The holes of one channel since the last mark, none of them twice.
std::vector<Gap> Continuity::holes_of(std::uint8_t index, const ChannelOrder& channel, Sample until) const {
  std::vector<Gap> gaps;
  if (!channel.records_missing) {
    for (const Stretch& hole : channel.trace_holes) {
      gaps.push_back({{index}, hole.first, hole.last, hole.last - hole.first, false});
    }
    return gaps;
  }
  std::int64_t missing = 0;
  Sample from = told_until_;
  for (const Stretch& hole : channel.trace_holes) {
    missing += hole.last - hole.first;
    from = std::min(from, hole.first);
  }
  for (const Cut& cut : channel.cuts) {
    const Sample at = std::clamp(cut.at, from, std::max(from, until));
    gaps.push_back({{index}, from, at, std::exchange(missing, 0), true});
    from = at;
  }
  gaps.push_back({{index}, from, std::max(from, until), missing, true});
  return gaps;
}

void Continuity::release(std::vector<DeviceMessage>& out) {
  if (!open_) return;
  Sample until = told_until_ + period_;
  for (const ChannelOrder& channel : channels_) {
    until = std::max({until, channel.trace, channel.levels, channel.currents});
  }
  close(until, 0, out);
  told_until_ = until;
}

}  // namespace thyrode::acquisition
