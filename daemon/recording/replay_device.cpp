#include "daemon/recording/replay_device.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/recording/reader.hpp"
#include "daemon/recording/recorded_stream.hpp"
#include "daemon/recording/replay_settings.hpp"
#include "daemon/recording/requests.hpp"

namespace thyrode::recording {
namespace {

constexpr const char* what_next =
    "a recording answers only what was measured: run its own experiment (thyrode replay FILE), or measure anew on an "
    "instrument";

class ReplayDevice final : public Device {
 public:
  ReplayDevice(DeviceInfo info, RecordedStream stream, std::vector<RecordedOrder> orders, ReplaySettings settings,
               LinkCounters link)
      : info_{std::move(info)},
        stream_{std::move(stream)},
        orders_{std::move(orders)},
        settings_{std::move(settings)},
        link_{link},
        muted_(info_.channels.size()),
        last_mark_{info_.now},
        granted_{info_.now} {}

  const DeviceInfo& info() const override { return info_; }

  Result<DeviceMessage> read(Duration) override {
    if (waiting_.empty()) {
      if (ended_) return end_of_time();
      auto next = stream_.next();
      if (!next) return tl::make_unexpected(next.error());
      for (DeviceMessage& message : *next) {
        if (is_wanted(message)) waiting_.push_back(std::move(message));
      }
    }
    if (waiting_.empty()) return over();
    if (!may_say()) return fail(ErrorKind::timeout, "nothing came");
    DeviceMessage message = std::move(waiting_.front());
    waiting_.pop_front();
    if (const auto* mark = std::get_if<protocol::Mark>(&message)) last_mark_ = mark->at;
    return message;
  }

  Result<void> schedule(Channel channel, std::span<const Segment> segments) override {
    for (const Segment& segment : segments) {
      const RecordedOrder asked{
          RecordedOrder::Kind::piece, channel, segment.start, segment.duration, segment.first, segment.last, {}};
      if (auto found = expect(asked); !found) return found;
    }
    return {};
  }

  Result<void> configure(Channel channel, const Setting& setting, Sample at) override {
    if (const auto* part = std::get_if<PartSettings>(&setting)) {
      return expect({RecordedOrder::Kind::load, channel, at, {}, {}, {}, part->load});
    }
    if (channel.index >= info_.channels.size()) {
      return fail(ErrorKind::bad_input, fmt::format("{}: no channel {}", info_.uri, channel.index));
    }
    if (const auto* trace = std::get_if<TelemetrySettings>(&setting)) {
      muted_[channel.index].trace = trace->decimation == 0;
    }
    if (const auto* snippets = std::get_if<SnippetSettings>(&setting)) muted_[channel.index].snippets = !snippets->on;
    const auto difference = settings_.difference(channel, setting);
    if (difference.empty()) return {};
    return refuse(fmt::format("channel {}: {}", info_.channels[channel.index].label, difference));
  }

  Result<void> arm() override { return {}; }
  Result<void> start(Sample at) override {
    const Sample first = stream_.first_sample();
    if (first == info_.now || at == first) return {};
    return refuse(
        fmt::format("the start at sample {}: the run began at sample {} ({}); is the decision_latency of the "
                    "station the same?",
                    at.index, first.index, time(first)));
  }
  Result<void> stop(Sample at) override {
    const bool told = next_ < orders_.size() && orders_[next_].kind == RecordedOrder::Kind::stop;
    if (at == Sample{} && !(told && orders_[next_].at == at)) {
      // Somebody ends the replay: an instrument would be idle at its next mark.
      end_with({protocol::State::idle, protocol::FaultCode::none});
      return {};
    }
    return expect({RecordedOrder::Kind::stop, {}, at, {}, {}, {}, {}});
  }
  Result<void> estop() override {
    end_with({protocol::State::fault, protocol::FaultCode::estop});
    return {};
  }
  Result<void> clear(protocol::FaultCode) override { return {}; }
  Result<void> grant(Sample until) override {
    granted_ = std::max(granted_, until);
    return {};
  }
  LinkCounters counters() const override { return link_; }

 private:
  struct Muted {
    bool trace = false;
    bool snippets = false;
  };
  /// What the device is from its next mark on, once the replay was ended before the recording ends.
  struct Ending {
    protocol::State state;
    protocol::FaultCode fault;
  };

  bool is_wanted(const DeviceMessage& message) const {
    const auto* block = std::get_if<protocol::SampleBlock>(&message);
    if (block != nullptr && muted_[block->channel].trace) return false;
    const auto* snippet = std::get_if<protocol::SnippetBlock>(&message);
    return snippet == nullptr || !muted_[snippet->channel].snippets;
  }

  /// A period is told when all of its time was granted; what comes after the last mark is told at once.
  bool may_say() const {
    const auto* mark = std::get_if<protocol::Mark>(&waiting_.back());
    return !info_.virtual_time || mark == nullptr || mark->at <= granted_;
  }

  void end_with(Ending ending) {
    if (ended_) return;
    ended_ = ending;
    waiting_.clear();
    if (ending.fault != protocol::FaultCode::none) {
      waiting_.emplace_back(protocol::Fault{ending.fault, 0, last_mark_, 0, 0});
      waiting_.emplace_back(next_mark());
    }
  }
  protocol::Mark next_mark() const {
    return {last_mark_ + info_.samples(10.0_ms).index, ended_->state, ended_->fault, 0, 0, 0};
  }
  Result<DeviceMessage> end_of_time() {
    const protocol::Mark mark = next_mark();
    last_mark_ = mark.at;
    return mark;
  }

  tl::unexpected<Error> over() const {
    return fail(ErrorKind::device, fmt::format("{}: the recording ends here, at {}: what came after it is not known",
                                               info_.uri, time(stream_.end())));
  }

  /// The order must be the next one that was recorded.
  Result<void> expect(const RecordedOrder& asked) {
    if (ended_) return {};
    if (next_ == orders_.size()) {
      // What the program that died was about to ask lies beyond its last data.
      if (asked.at >= stream_.end()) return {};
      return refuse(fmt::format("{}: the recording holds no more of the {} orders that the run was given",
                                describe(asked), orders_.size()));
    }
    if (!same_order(asked, orders_[next_])) {
      return refuse(
          fmt::format("{}: order {} of the recording is {}", describe(asked), next_ + 1, describe(orders_[next_])));
    }
    ++next_;
    return {};
  }

  tl::unexpected<Error> refuse(const std::string& what) const {
    return fail(ErrorKind::not_in_recording, fmt::format("{}: not_in_recording: {}; {}", info_.uri, what, what_next));
  }

  std::string time(Sample at) const {
    return fmt::format("{:.3f} s", static_cast<double>(at - info_.now) / info_.sample_rate_hz);
  }
  std::string describe(const RecordedOrder& order) const {
    const std::string place = fmt::format("at sample {} ({})", order.at.index, time(order.at));
    if (order.kind == RecordedOrder::Kind::stop) {
      return order.at == Sample{} ? "the end at once" : "the end " + place;
    }
    const std::string on = order.channel.index < info_.channels.size()
                               ? "on channel " + info_.channels[order.channel.index].label
                               : fmt::format("on channel {}", order.channel.index);
    if (order.kind == RecordedOrder::Kind::load) {
      return fmt::format("a load of {:.6g} Ohm {} {}", order.load.si(), on, place);
    }
    if (order.duration == Duration{}) return fmt::format("a step to {:.6g} uA {} {}", order.last.in(1.0_uA), on, place);
    return fmt::format("a ramp from {:.6g} to {:.6g} uA in {:.6g} s {} {}", order.first.in(1.0_uA),
                       order.last.in(1.0_uA), order.duration.si(), on, place);
  }

  DeviceInfo info_;
  RecordedStream stream_;
  std::vector<RecordedOrder> orders_;
  std::size_t next_ = 0;  // of the orders
  ReplaySettings settings_;
  LinkCounters link_;
  std::vector<Muted> muted_;  // by channel
  std::deque<DeviceMessage> waiting_;
  Sample last_mark_;
  Sample granted_;
  std::optional<Ending> ended_;
};

}  // namespace

Result<std::unique_ptr<Device>> open_replay(const std::string& path) {
  auto info = read_device(path);
  if (!info) return tl::make_unexpected(info.error());
  auto stream = RecordedStream::open(path);
  if (!stream) return tl::make_unexpected(stream.error());
  auto orders = read_orders(path);
  if (!orders) return tl::make_unexpected(orders.error());
  auto settings = ReplaySettings::read(path);
  if (!settings) return tl::make_unexpected(settings.error());
  const auto record = read_run(path);
  if (!record) return tl::make_unexpected(record.error());
  info->uri = "replay:" + path;
  info->tells_gaps = true;
  return std::make_unique<ReplayDevice>(*std::move(info), *std::move(stream), *std::move(orders), *std::move(settings),
                                        record->link.value_or(LinkCounters{}));
}

}  // namespace thyrode::recording
