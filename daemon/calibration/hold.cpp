#include "daemon/calibration/hold.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "drivers/current_clamp/words.hpp"

namespace thyrode::calibration {
namespace {

constexpr double longest_silence = 5.0;  // s
constexpr int rest_records = 4;

/// One read with its heartbeat; an empty answer means that nothing came yet.
class Listener {
 public:
  Listener(Device& device, Sample& now, const std::function<double()>& seconds)
      : device_{device}, now_{now}, seconds_{seconds}, heard_{seconds()} {}

  Result<std::optional<DeviceMessage>> read() {
    const DeviceInfo& info = device_.info();
    if (auto granted = device_.grant(now_ + 2 * info.samples(10.0_ms).index); !granted) {
      return tl::make_unexpected(granted.error());
    }
    auto message = device_.read(10.0_ms);
    if (message) {
      heard_ = seconds_();
      if (const auto* mark = std::get_if<protocol::Mark>(&*message)) now_ = mark->at;
      return std::optional<DeviceMessage>{std::move(*message)};
    }
    if (message.error().kind != ErrorKind::timeout) return tl::make_unexpected(message.error());
    if (seconds_() - heard_ > longest_silence) {
      return fail(ErrorKind::device,
                  fmt::format("{}: silent for {:g} s: is the cable in, the board powered?", info.uri, longest_silence));
    }
    return std::optional<DeviceMessage>{};
  }

 private:
  Device& device_;
  Sample& now_;
  const std::function<double()>& seconds_;
  double heard_;
};

class Holding {
 public:
  Holding(Device& device, Channel channel, std::span<const Plateau> plateaus, const HoldSettings& settings, Sample& now)
      : device_{device},
        info_{device.info()},
        channel_{channel},
        plateaus_{plateaus},
        settings_{settings},
        now_{now},
        listener_{device, now, settings.seconds},
        period_{info_.samples(10.0_ms).index} {}

  Result<Held> carry_out() {
    auto held = run();
    if (!held) bring_down();
    return held;
  }

 private:
  const ChannelDescription& described() const { return info_.channels[channel_.index]; }

  Result<Held> run() {
    if (auto ready = prepare(); !ready) return tl::make_unexpected(ready.error());
    while (!over_) {
      if (auto told = tell_ahead(); !told) return tl::make_unexpected(told.error());
      if (settings_.stopped && settings_.stopped()) return fail(ErrorKind::run_failed, "stopped; nothing is stored");
      const auto message = listener_.read();
      if (!message) return tl::make_unexpected(message.error());
      if (!*message) continue;
      if (auto taken = take(**message); !taken) return tl::make_unexpected(taken.error());
    }
    return finish();
  }

  Result<void> prepare() {
    const auto current = next_mark(device_, now_, settings_.seconds);
    if (!current) return tl::make_unexpected(current.error());
    if (current->state == protocol::State::fault) {
      return tl::make_unexpected(latched(info_, {current->fault, channel_.index, current->at, 0, 0}));
    }
    for (const Setting& setting : {Setting{settings_.lease}, Setting{settings_.limits}, Setting{TelemetrySettings{}}}) {
      if (auto set = device_.configure(channel_, setting, align(now_)); !set) return set;
    }
    if (auto armed = device_.arm(); !armed) return armed;
    begin_ = align(now_ + info_.samples(100.0_ms).index);
    next_start_ = begin_;
    return device_.start(begin_);
  }
  Sample align(Sample at) const { return Sample{(at.index + period_ - 1) / period_ * period_}; }

  /// Tells plateaus 200 ms before they begin: the queue of the device is short, and a late host would spoil them.
  Result<void> tell_ahead() {
    const Sample horizon = now_ + info_.samples(200.0_ms).index;
    while (told_ < plateaus_.size() && next_start_ <= horizon) {
      const Plateau& plateau = plateaus_[told_];
      if (auto sent = schedule(plateau.command, next_start_); !sent) return sent;
      starts_.push_back(next_start_);
      next_start_ = next_start_ + (settings_.settling + plateau.records) * period_;
      ++told_;
    }
    if (told_ < plateaus_.size() || ending_ || now_ < next_start_ - period_) return {};
    if (settings_.holds && now_ < next_start_) return {};
    if (settings_.holds && settings_.holds()) return {};
    ending_ = true;
    rest_start_ = align(std::max(next_start_, now_ + info_.samples(100.0_ms).index));
    if (auto sent = schedule(described().rest(), rest_start_); !sent) return sent;
    // A few blocks into a record, so that the rest of it is told of the open output.
    opens_ = rest_start_ + (settings_.settling + rest_records) * period_ + std::int64_t{4} * info_.block_samples;
    return device_.stop(opens_);
  }

  Result<void> schedule(FineCode command, Sample at) {
    const Current current =
        Current::from_si(described().command.value(static_cast<double>(command) / (1 << fine_bits)));
    const Segment segment{at, Duration{}, current, current};
    return device_.schedule(channel_, {&segment, 1});
  }

  Result<void> take(const DeviceMessage& message) {
    if (const auto* level = std::get_if<protocol::LevelRecord>(&message)) {
      if (level->channel == channel_.index) take_level(*level);
    } else if (const auto* fault = std::get_if<protocol::Fault>(&message)) {
      return tl::make_unexpected(latched(info_, *fault));
    } else if (std::holds_alternative<FramesLost>(message)) {
      return fail(ErrorKind::data_gap, info_.uri + ": data were lost on the link; look with `thyrode doctor`");
    } else if (const auto* refused = std::get_if<Rejected>(&message)) {
      return fail(ErrorKind::device,
                  fmt::format("{}: the device refuses a command: {}", info_.uri, to_string(refused->status)));
    } else if (const auto* mark = std::get_if<protocol::Mark>(&message)) {
      held_.overruns = mark->overruns;
      held_.dropped_frames = mark->dropped_frames;
      over_ = ending_ && mark->state == protocol::State::idle && mark->at > opens_;
    }
    return {};
  }

  void take_level(const protocol::LevelRecord& level) {
    if (level.first < begin_) return;
    if (ending_ && level.first <= opens_ && opens_ < level.first + period_) {
      held_.opened = level;
      held_.closed_samples = opens_ - level.first;
      return;
    }
    if (ending_ && level.first >= rest_start_ + settings_.settling * period_) {
      if (level.first < opens_) held_.rest.push_back(level);
      return;
    }
    held_.plateaus.resize(plateaus_.size());
    for (std::size_t k = 0; k < starts_.size(); ++k) {
      const Sample from = starts_[k] + settings_.settling * period_;
      if (level.first >= from && level.first < from + plateaus_[k].records * period_) {
        held_.plateaus[k].push_back(level);
      }
    }
  }

  Result<Held> finish() {
    held_.plateaus.resize(plateaus_.size());
    for (std::size_t k = 0; k < plateaus_.size(); ++k) {
      if (static_cast<int>(held_.plateaus[k].size()) == plateaus_[k].records) continue;
      return fail(ErrorKind::data_gap, fmt::format("{}: {} of {} level records came of one current; look with `thyrode "
                                                   "doctor`",
                                                   info_.uri, held_.plateaus[k].size(), plateaus_[k].records));
    }
    return std::move(held_);
  }

  /// No current stays behind: sample 0 has passed, so the device stops with its next block.
  void bring_down() {
    if (!device_.stop(Sample{0})) return;
    for (int tries = 0; tries < 200; ++tries) {
      const auto message = listener_.read();
      if (!message) return;
      if (!*message) continue;
      const auto* mark = std::get_if<protocol::Mark>(&**message);
      const bool off =
          mark != nullptr && (mark->state == protocol::State::idle || mark->state == protocol::State::fault);
      if (off) return;
    }
    (void)device_.estop();
  }

  Device& device_;
  const DeviceInfo& info_;
  Channel channel_;
  std::span<const Plateau> plateaus_;
  const HoldSettings& settings_;
  Sample& now_;
  Listener listener_;
  std::int64_t period_;
  Sample begin_{};
  std::size_t told_ = 0;
  Sample next_start_{};
  std::vector<Sample> starts_;
  bool ending_ = false;
  Sample rest_start_{};
  Sample opens_{};
  bool over_ = false;
  Held held_;
};

}  // namespace

Error latched(const DeviceInfo& device, const protocol::Fault& fault) {
  const std::string channel = fault.channel < device.channels.size() ? device.channels[fault.channel].label : "?";
  return {ErrorKind::safety,
          fmt::format("channel {}: the device latched {} (value {}, limit {}) and holds its current at zero; end it "
                      "with: thyrode clear --device {} {}",
                      channel, protocol::fault_name(fault.code), fault.value, fault.limit, device.uri,
                      protocol::fault_name(fault.code))};
}

Result<protocol::Mark> next_mark(Device& device, Sample& now, const std::function<double()>& seconds) {
  Listener listener{device, now, seconds};
  const Sample before = now;
  while (true) {
    const auto message = listener.read();
    if (!message) return tl::make_unexpected(message.error());
    if (!*message) continue;
    const auto* mark = std::get_if<protocol::Mark>(&**message);
    if (mark != nullptr && mark->at > before) return *mark;
  }
}

Result<Held> hold(Device& device, Channel channel, std::span<const Plateau> plateaus, const HoldSettings& settings,
                  Sample& now) {
  return Holding{device, channel, plateaus, settings, now}.carry_out();
}

}  // namespace thyrode::calibration
