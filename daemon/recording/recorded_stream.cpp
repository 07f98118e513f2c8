#include "daemon/recording/recorded_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "daemon/recording/file_access.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/reader.hpp"
#include "daemon/recording/recorded_rows.hpp"

namespace thyrode::recording {
namespace {

using Messages = std::vector<DeviceMessage>;
using protocol::Signal;

AdcCode code_of(const Scale& scale, double value_mv) {
  return static_cast<AdcCode>(std::lround(scale.code(value_mv * 1e-3)));
}

std::vector<std::string> level_columns() {
  std::vector<std::string> names{"first_sample", "command_sum", "command_count", "open_spike_ticks"};
  for (const char* signal : {"v_out", "v_m", "i_read"}) {
    for (const char* what : {"_lowest", "_highest", "_sum", "_count"}) names.push_back(std::string{signal} + what);
  }
  return names;
}

/// What one channel said.
class RecordedChannel {
 public:
  RecordedChannel(hid_t file, const DeviceInfo& device, std::uint8_t index)
      : file_{file},
        index_{index},
        v_out_{device.channels[index].signal(Signal::v_out)},
        read_every_{std::max(device.channels[index].signal(Signal::i_read).every, 1)},
        period_{device.samples(10.0_ms).index},
        snippets_table_{layout::snippets(device.channels[index].label, 1).path},
        trace_{file, layout::trace(device.channels[index].label)},
        command_{file, layout::command(device.channels[index].label)},
        read_back_{file, layout::read_back(device.channels[index].label)},
        spikes_{file,
                layout::spikes(device.channels[index].label).path,
                {"id", "tick", "width_ticks"},
                {"peak_mv", "trough_mv"}},
        levels_{file, layout::levels(device.channels[index].label).path, level_columns()},
        changes_{file,
                 layout::applied_current(device.channels[index].label).path,
                 {"tick", "from_fine", "to_fine", "slew_fine"}},
        snippets_{file, snippets_table_, {"spike_tick", "first_tick"}} {
    if (snippets_.done()) return;
    const Rows shape = shape_of(file, snippets_table_ + "/v_out_mv");
    snippet_samples_ = static_cast<std::size_t>(shape.width);
  }

  std::optional<Sample> first_sample() const {
    return command_.done() ? std::nullopt : std::optional{command_.begins()};
  }

  /// Everything that was known before a sample and was not taken yet.
  void take(Sample until, Messages& out) {
    take_changes(until, out);
    take_trace(until, out);
    take_spikes(until, out);
    take_levels(until, out);
    take_currents(until, out);
    take_snippets(until, out);
  }

 private:
  struct Rows {
    std::int64_t width = 1;
  };
  static Rows shape_of(hid_t file, const std::string& path) {
    const h5::Handle data = h5::open_dataset(file, path);
    const h5::Handle space{H5Dget_space(data.get())};
    std::array<hsize_t, 2> shape{0, 1};
    H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
    return {static_cast<std::int64_t>(shape[1])};
  }

  void take_changes(Sample until, Messages& out) {
    for (; !changes_.done() && to_sample(Ticks{changes_.integer(0)}) < until; changes_.advance()) {
      const auto fine = [this](std::size_t column) { return static_cast<FineCode>(changes_.integer(column)); };
      out.emplace_back(protocol::StepApplied{index_, to_sample(Ticks{changes_.integer(0)}), fine(1), fine(2), fine(3)});
    }
  }

  void take_trace(Sample until, Messages& out) {
    const auto whole = [&] { return !trace_.done() && trace_.begins() + trace_.stride() <= until; };
    while (whole()) {
      if (trace_.missing()) {
        trace_.advance();
        continue;
      }
      protocol::SampleBlock block{index_, static_cast<std::uint8_t>(trace_.stride()), trace_.begins(), {}};
      for (; whole() && !trace_.missing() && block.sums.size() < block.sums.capacity; trace_.advance()) {
        block.sums.push_back(static_cast<std::uint16_t>(trace_.sum_of(trace_.stride())));
      }
      out.emplace_back(block);
    }
  }

  /// A spike is told when it re-arms.
  void take_spikes(Sample until, Messages& out) {
    for (; !spikes_.done() && to_sample(Ticks{spikes_.integer(1) + spikes_.integer(2)}) < until; spikes_.advance()) {
      protocol::SpikeBlock block{index_, static_cast<std::uint32_t>(spikes_.integer(0)), {}};
      block.records.push_back({Ticks{spikes_.integer(1)}, static_cast<std::uint32_t>(spikes_.integer(2)),
                               code_of(v_out_, spikes_.real(0)), code_of(v_out_, spikes_.real(1))});
      out.emplace_back(block);
    }
  }

  void take_levels(Sample until, Messages& out) {
    for (; !levels_.done() && Sample{levels_.integer(0) + period_} <= until; levels_.advance()) {
      protocol::LevelRecord record;
      record.channel = index_;
      record.first = Sample{levels_.integer(0)};
      record.command_sum = levels_.integer(1);
      record.command_count = static_cast<std::uint32_t>(levels_.integer(2));
      record.open_spike = static_cast<std::uint32_t>(levels_.integer(3));
      for (std::size_t s = 0; s < protocol::signal_count; ++s) {
        const std::size_t k = 4 + 4 * s;
        record.signals[s] = {static_cast<AdcCode>(levels_.integer(k)), static_cast<AdcCode>(levels_.integer(k + 1)),
                             static_cast<std::uint32_t>(levels_.integer(k + 2)),
                             static_cast<std::uint16_t>(levels_.integer(k + 3))};
      }
      out.emplace_back(record);
    }
  }

  void take_currents(Sample until, Messages& out) {
    const auto whole = [&] { return !command_.done() && command_.begins() + command_.stride() <= until; };
    const auto pass = [this] {
      command_.advance();
      if (!read_back_.done()) read_back_.advance();
    };
    while (whole()) {
      if (command_.missing()) {
        pass();
        continue;
      }
      const auto read_missing = [this] { return read_back_.done() || read_back_.missing(); };
      const bool read = !read_missing();
      protocol::CurrentBlock block{index_, command_.begins(), static_cast<std::uint16_t>(command_.stride()), 0, {}};
      if (read) block.read_count = static_cast<std::uint16_t>(command_.stride() / read_every_);
      for (; whole() && !command_.missing() && read == !read_missing() && block.means.size() < block.means.capacity;
           pass()) {
        const std::int64_t sum = read ? read_back_.sum_of(block.read_count) : 0;
        block.means.push_back(
            {static_cast<std::uint32_t>(sum), static_cast<std::uint32_t>(command_.sum_of(command_.stride()))});
      }
      out.emplace_back(block);
    }
  }

  void take_snippets(Sample until, Messages& out) {
    const auto length = static_cast<std::int64_t>(snippet_samples_);
    for (; !snippets_.done(); snippets_.advance()) {
      const Sample first = to_sample(Ticks{snippets_.integer(1)});
      if (first + length > until) return;
      const auto values =
          read_column<float>(file_, snippets_table_ + "/v_out_mv", snippets_.number(), 1, snippet_samples_);
      for (std::size_t k = 0; k < values.size();) {
        if (std::isnan(values[k])) {
          ++k;
          continue;
        }
        protocol::SnippetBlock block{.channel = index_,
                                     .spike = Ticks{snippets_.integer(0)},
                                     .first = first,
                                     .offset = static_cast<std::uint16_t>(k),
                                     .length = static_cast<std::uint16_t>(values.size()),
                                     .codes = {}};
        for (; k < values.size() && !std::isnan(values[k]) && block.codes.size() < block.codes.capacity; ++k) {
          block.codes.push_back(code_of(v_out_, values[k]));
        }
        out.emplace_back(block);
      }
    }
  }

  hid_t file_;
  std::uint8_t index_;
  Scale v_out_;
  std::int64_t read_every_;
  std::int64_t period_;
  std::string snippets_table_;
  std::size_t snippet_samples_ = 0;
  RecordedSeries trace_;
  RecordedSeries command_;
  RecordedSeries read_back_;
  RecordedRows spikes_;
  RecordedRows levels_;
  RecordedRows changes_;
  RecordedRows snippets_;
};

}  // namespace

class RecordedStream::Impl {
 public:
  Impl(const std::string& path, const DeviceInfo& device)
      : handle_{open_for_reading(path)},
        marks_{file(), layout::marks().path, {"tick", "state", "fault", "overruns", "dropped_frames", "bad_frames"}},
        faults_{file(), layout::faults().path, {"tick", "code", "channel", "value", "limit"}},
        events_{file(), layout::link_events().path, {"tick", "kind", "count", "status", "mark_tick"}},
        gaps_{file(),
              layout::invalid_times().path,
              {"channel", "first_sample", "end_sample", "trace_samples", "records"}},
        mark_{device.now},
        first_{device.now},
        end_{device.now} {
    if (marks_.done()) {
      raise(ErrorKind::bad_input,
            path + ": nothing was recorded of the device; there is nothing to replay, name another recording");
    }
    const std::string ticks = layout::marks().path + "/tick";
    end_ =
        to_sample(Ticks{read_column<std::int64_t>(file(), ticks, table_rows(file(), layout::marks().path) - 1, 1)[0]});
    for (std::size_t k = 0; k < device.channels.size(); ++k) {
      channels_.emplace_back(file(), device, static_cast<std::uint8_t>(k));
      if (k == 0) first_ = channels_[k].first_sample().value_or(first_);
    }
  }

  Messages next() {
    Messages out;
    if (over_) return out;
    over_ = marks_.done();
    protocol::Mark mark;
    mark.at = Sample{std::numeric_limits<std::int64_t>::max() / ticks_per_sample};
    if (!over_) mark = read_mark();
    take_events(out);
    for (; !gaps_.done() && Sample{gaps_.integer(2)} <= mark.at; gaps_.advance()) {
      out.emplace_back(Gap{{static_cast<std::uint8_t>(gaps_.integer(0))},
                           Sample{gaps_.integer(1)},
                           Sample{gaps_.integer(2)},
                           gaps_.integer(3),
                           gaps_.integer(4) != 0});
    }
    for (RecordedChannel& channel : channels_) channel.take(mark.at, out);
    take_faults(mark, out);
    if (over_) return out;
    out.emplace_back(mark);
    mark_ = mark.at;
    marks_.advance();
    return out;
  }

  Sample first_sample() const { return first_; }
  Sample end() const { return end_; }

 private:
  hid_t file() const { return handle_.get(); }

  protocol::Mark read_mark() const {
    protocol::Mark mark;
    mark.at = to_sample(Ticks{marks_.integer(0)});
    mark.state = static_cast<protocol::State>(marks_.integer(1));
    mark.fault = static_cast<protocol::FaultCode>(marks_.integer(2));
    mark.overruns = static_cast<std::uint32_t>(marks_.integer(3));
    mark.dropped_frames = static_cast<std::uint32_t>(marks_.integer(4));
    mark.bad_frames = static_cast<std::uint32_t>(marks_.integer(5));
    return mark;
  }

  /// What came after the last mark that was given out.
  void take_events(Messages& out) {
    for (; !events_.done() && to_sample(Ticks{events_.integer(4)}) <= mark_; events_.advance()) {
      if (events_.integer(1) == static_cast<std::int64_t>(layout::LinkEvent::frames_lost)) {
        out.emplace_back(FramesLost{static_cast<std::uint32_t>(events_.integer(2))});
      } else {
        out.emplace_back(Rejected{static_cast<std::uint8_t>(events_.integer(2)),
                                  static_cast<protocol::Status>(events_.integer(3)),
                                  to_sample(Ticks{events_.integer(0)})});
      }
    }
  }

  void take_faults(const protocol::Mark& mark, Messages& out) {
    for (; !faults_.done(); faults_.advance()) {
      const Sample at = to_sample(Ticks{faults_.integer(0)});
      if (at > mark.at || (at == mark.at && mark.state != protocol::State::fault)) return;
      out.emplace_back(protocol::Fault{
          static_cast<protocol::FaultCode>(faults_.integer(1)), static_cast<std::uint8_t>(faults_.integer(2)), at,
          static_cast<std::int32_t>(faults_.integer(3)), static_cast<std::int32_t>(faults_.integer(4))});
    }
  }

  h5::Handle handle_;
  RecordedRows marks_;
  RecordedRows faults_;
  RecordedRows events_;
  RecordedRows gaps_;
  std::vector<RecordedChannel> channels_;
  Sample mark_;  // the last that was given out
  Sample first_;
  Sample end_;
  bool over_ = false;
};

RecordedStream::RecordedStream(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
RecordedStream::RecordedStream(RecordedStream&&) noexcept = default;
RecordedStream& RecordedStream::operator=(RecordedStream&&) noexcept = default;
RecordedStream::~RecordedStream() = default;

Result<RecordedStream> RecordedStream::open(const std::string& path) {
  const auto device = read_device(path);
  if (!device) return tl::make_unexpected(device.error());
  auto stream = guarded([&] { return RecordedStream{std::make_unique<Impl>(path, *device)}; });
  if (!stream) stream.error().kind = ErrorKind::bad_input;
  return stream;
}

Result<std::vector<DeviceMessage>> RecordedStream::next() {
  auto messages = guarded([&] { return impl_->next(); });
  if (!messages) messages.error().kind = ErrorKind::bad_input;
  return messages;
}

Sample RecordedStream::first_sample() const {
  return impl_->first_sample();
}

Sample RecordedStream::end() const {
  return impl_->end();
}

}  // namespace thyrode::recording
