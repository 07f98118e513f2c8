#include "drivers/current_clamp/current_clamp.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "drivers/current_clamp/codes.hpp"
#include "drivers/current_clamp/words.hpp"

namespace thyrode {

// ---------------------------------------------------------------- what comes in

Result<bool> CurrentClamp::pump(Duration timeout) {
  if (bytes_begin_ == bytes_end_) {
    const auto count = link_->read(bytes_, timeout);
    if (!count) return tl::make_unexpected(count.error());
    bytes_begin_ = 0;
    bytes_end_ = *count;
    counters_.bytes_up += *count;
    if (*count == 0) return false;
  }
  while (bytes_begin_ < bytes_end_) {
    std::span<const std::uint8_t> input{bytes_.data() + bytes_begin_, bytes_end_ - bytes_begin_};
    const bool ended = reader_.push(input);
    bytes_begin_ = bytes_end_ - input.size();
    if (!ended) continue;
    if (!reader_.frame()) {
      ++counters_.bad_frames;
      continue;
    }
    take_frame(*reader_.frame());
    // One message at a time keeps the queue short when the stream is fast.
    if (!messages_.empty()) return true;
  }
  return true;
}

void CurrentClamp::take_frame(const protocol::Frame& frame) {
  if (frame.type < protocol::SampleBlock::type) return take_answer(frame);
  const auto lost = order_.take(frame);
  if (!lost) {
    ++counters_.repeated_frames;
    return;
  }
  if (!shaken_) {
    const auto fault = protocol::decode<protocol::Fault>(frame.payload);
    if (frame.type == protocol::Fault::type && fault) last_fault_ = fault->code;
    return;
  }
  if (*lost > 0) lose_frames(*lost);
  switch (frame.type) {
    case protocol::SampleBlock::type: return take_message<protocol::SampleBlock>(frame);
    case protocol::SpikeBlock::type: return take_message<protocol::SpikeBlock>(frame);
    case protocol::LevelRecord::type: return take_message<protocol::LevelRecord>(frame);
    case protocol::CurrentBlock::type: return take_message<protocol::CurrentBlock>(frame);
    case protocol::StepApplied::type: return take_message<protocol::StepApplied>(frame);
    case protocol::Mark::type: return take_message<protocol::Mark>(frame);
    case protocol::SnippetBlock::type: return take_message<protocol::SnippetBlock>(frame);
    case protocol::Fault::type: return take_message<protocol::Fault>(frame);
    case protocol::Health::type: return take_health(frame);
    case protocol::Edge::type: return;  // nobody here waits for a trigger
    default: ++counters_.bad_frames; return;
  }
}

void CurrentClamp::take_health(const protocol::Frame& frame) {
  if (const auto health = protocol::decode<protocol::Health>(frame.payload)) {
    health_ = *health;
  } else {
    ++counters_.bad_frames;
  }
}

void CurrentClamp::lose_frames(std::uint32_t count) {
  counters_.lost_frames += count;
  messages_.emplace_back(FramesLost{count});
}

template <class Message>
void CurrentClamp::take_message(const protocol::Frame& frame) {
  messages_.emplace_back(std::in_place_type<Message>);
  auto& message = std::get<Message>(messages_.back());
  const auto decoded = protocol::decode<Message>(frame.payload);
  bool sound = decoded.has_value();
  if (sound) {
    message = *decoded;
    if constexpr (requires { message.channel; }) sound = message.channel < info_.channels.size();
  }
  if (!sound) {
    messages_.pop_back();
    ++counters_.bad_frames;
    return lose_frames(1);
  }
  if constexpr (std::is_same_v<Message, protocol::Fault>) last_fault_ = message.code;
  if constexpr (std::is_same_v<Message, protocol::Mark>) last_fault_ = message.fault;
}

void CurrentClamp::take_answer(const protocol::Frame& frame) {
  if (frame.type == protocol::Ident::type) {
    order_ = {};  // what came before was for the last host; the stream begins again with each hello
    ident_payload_.assign(frame.payload.begin(), frame.payload.end());
    return;
  }
  switch (frame.type) {
    case protocol::Ack::type: break;
    case protocol::ClockReply::type: return;
    case protocol::ChannelInfo::type:
    case protocol::PartInfo::type:
    case protocol::DeviceStatus::type:
    case protocol::TracePart::type:
      reply_type_ = frame.type;
      reply_payload_.assign(frame.payload.begin(), frame.payload.end());
      return;
    default: ++counters_.bad_frames; return;
  }
  const auto ack = protocol::decode<protocol::Ack>(frame.payload);
  if (!ack) {
    ++counters_.bad_frames;
    return;
  }
  const auto found = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& p) {
    return p.sequence == ack->sequence && p.type == ack->command;
  });
  if (found == pending_.end()) return;  // the answer to a repeated command, seen before
  if (found->wanted) {
    acks_.push_back(*ack);
  } else if (ack->status != protocol::Status::done) {
    messages_.emplace_back(Rejected{ack->command, ack->status, ack->now});
  }
  pending_.erase(found);
}

Result<DeviceMessage> CurrentClamp::read(Duration timeout) {
  std::optional<double> until;  // the clock is asked only when nothing is there
  double left = 0.0;
  while (messages_.empty()) {
    if (auto passed = pass_held_grant(); !passed) return tl::make_unexpected(passed.error());
    const auto came = pump(Duration::from_si(std::clamp(left, 0.0, 0.02)));
    if (!came) return tl::make_unexpected(came.error());
    if (!messages_.empty()) break;
    const double now = clock_();
    if (!until) until = now + timeout.si();
    left = *until - now;
    // Bytes that never become a message (noise, a wrong baud rate) do not stop the clock.
    if (*came && (link_->in_lockstep() || left > 0.0)) continue;
    const bool over = link_->in_lockstep() || left <= 0.0;
    if (over || !pending_.empty()) {
      if (auto repeated = repeat_overdue(!*came); !repeated) return tl::make_unexpected(repeated.error());
    }
    if (over) return fail(ErrorKind::timeout, "nothing came");
  }
  DeviceMessage message = std::move(messages_.front());
  messages_.pop_front();
  return message;
}

/// Sends again what has not been acknowledged in time; on a lockstep link time is "nothing came".
Result<void> CurrentClamp::repeat_overdue(bool link_idle) {
  if (link_idle && info_.virtual_time && last_grant_.index > 0 && pending_.empty()) {
    // A lost grant would leave both ends waiting.
    if (auto sent = send_unacknowledged(protocol::Grant{last_grant_}); !sent) return sent;
  }
  const double now = clock_();
  // A device in virtual time may stand still for seconds on a loaded machine and loses nothing by it.
  const int tries = info_.virtual_time && !link_->in_lockstep() ? patient_tries : most_tries;
  for (Pending& command : pending_) {
    const bool overdue = link_->in_lockstep() ? link_idle : now >= command.due;
    if (!overdue) continue;
    if (command.tries >= tries) {
      return fail(ErrorKind::device,
                  fmt::format("{}: command {:#04x} was not acknowledged after {} tries: the link is broken "
                              "or the firmware hangs",
                              info_.uri, command.type, command.tries));
    }
    ++command.tries;
    ++counters_.retransmits;
    counters_.bytes_down += command.frame.size();
    command.due = now + first_wait * command.tries;
    if (auto sent = link_->write(command.frame); !sent) return sent;
  }
  return {};
}

// ---------------------------------------------------------------- what goes out

template <class Message>
Result<std::uint8_t> CurrentClamp::send(const Message& message, bool wanted) {
  std::array<std::uint8_t, protocol::max_payload_down> payload;
  std::array<std::uint8_t, protocol::max_frame_bytes> frame;
  const std::size_t size = protocol::encode(message, payload);
  const std::uint8_t sequence = next_down_++;
  const std::size_t bytes = protocol::write_frame(Message::type, sequence, {payload.data(), size}, frame);
  // An emergency stop waits for nothing.
  if constexpr (!std::is_same_v<Message, protocol::EmergencyStop>) {
    if (auto room = make_room(bytes); !room) return tl::make_unexpected(room.error());
  }
  pending_.push_back({Message::type,
                      sequence,
                      {frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(bytes)},
                      1,
                      clock_() + first_wait,
                      wanted});
  counters_.bytes_down += bytes;
  if (auto sent = link_->write({frame.data(), bytes}); !sent) return tl::make_unexpected(sent.error());
  return sequence;
}

/// Waits until the device has acknowledged enough to hold `bytes` more.
Result<void> CurrentClamp::make_room(std::size_t bytes) {
  const auto outstanding = [this] {
    std::size_t sum = 0;
    for (const Pending& p : pending_) sum += p.frame.size();
    return sum;
  };
  while (!pending_.empty() && outstanding() + bytes > credit_) {
    const auto came = pump(5.0_ms);
    if (!came) return tl::make_unexpected(came.error());
    if (auto repeated = repeat_overdue(!*came); !repeated) return repeated;
  }
  return {};
}

/// Sends a command and waits for its answer; messages that come meanwhile wait in messages_.
template <class Message>
Result<void> CurrentClamp::command(const Message& message) {
  const auto sequence = send(message, true);
  if (!sequence) return tl::make_unexpected(sequence.error());
  while (true) {
    const auto found = std::find_if(acks_.begin(), acks_.end(), [&](const protocol::Ack& ack) {
      return ack.sequence == *sequence && ack.command == Message::type;
    });
    if (found != acks_.end()) {
      const protocol::Status status = found->status;
      acks_.erase(found);
      if (status == protocol::Status::done) return {};
      return tl::make_unexpected(refusal(Message::type, status));
    }
    const auto came = pump(20.0_ms);
    if (!came) return tl::make_unexpected(came.error());
    if (auto repeated = repeat_overdue(!*came); !repeated) return repeated;
  }
}

Error CurrentClamp::refusal(std::uint8_t type, protocol::Status status) const {
  const char* name = "command";
  protocol::for_each_message([&](const auto& m) {
    if (m.type == type) name = m.name;
  });
  std::string text = fmt::format("{}: the device refuses {}: {}", info_.uri, name, to_string(status));
  if (status == protocol::Status::bad_state && last_fault_ != protocol::FaultCode::none) {
    text += fmt::format(" (latched fault {}; end it with: thyrode clear --device {} {})", describe(last_fault_),
                        info_.uri, protocol::fault_name(last_fault_));
  }
  if (status == protocol::Status::unfit && !info_.lacks_clock && !info_.lacks_converters) {
    text += "; it has not ended: wait a second and try again, or plug it in again";
  }
  if (status == protocol::Status::unfit && info_.lacks_clock) {
    text +=
        "; its crystal did not start: look for the 8 MHz of the ST-LINK (solder bridges SB50, SB55), plug it in again";
  }
  if (status == protocol::Status::unfit && info_.lacks_converters) {
    text += "; its converters do not run: plug it in again, then flash it again";
  }
  const bool value = status == protocol::Status::out_of_range;
  return {value ? ErrorKind::bad_input : ErrorKind::device, std::move(text)};
}

Result<const ChannelDescription*> CurrentClamp::channel(Channel c) const {
  if (c.index >= info_.channels.size()) {
    return fail(ErrorKind::bad_input, fmt::format("{}: there is no channel {}; the device has {}", info_.uri, c.index,
                                                  info_.channels.size()));
  }
  return &info_.channels[c.index];
}

Result<void> CurrentClamp::use_scales(Channel c, const ChannelScales& scales) {
  if (const auto known = channel(c); !known) return tl::make_unexpected(known.error());
  ChannelDescription& described = info_.channels[c.index];
  const auto good = [](const Scale& s) { return std::isfinite(s.scale) && s.scale > 0.0 && std::isfinite(s.zero); };
  if (!good(scales.command) || !std::all_of(scales.signals.begin(), scales.signals.end(), good)) {
    return fail(ErrorKind::bad_input,
                fmt::format("channel {}: a scale is not a positive number of volts or amperes a code; calibrate again",
                            described.label));
  }
  const auto take = [](Scale& into, const Scale& from) {
    into.scale = from.scale;
    into.zero = from.zero;
  };
  const Scale before = described.command;
  described.resting = described.rest();
  take(described.command, scales.command);
  for (std::size_t s = 0; s < protocol::signal_count; ++s) take(described.signals[s], scales.signals[s]);
  // The limits of the board are codes.
  const auto moved = [&](Current limit) { return Current::from_si(described.command.value(before.code(limit.si()))); };
  described.lowest = moved(described.lowest);
  described.highest = moved(described.highest);
  described.fastest = (described.command.scale / before.scale) * described.fastest;
  return {};
}

Result<void> CurrentClamp::schedule(Channel c, std::span<const Segment> segments) {
  const auto described = channel(c);
  if (!described) return tl::make_unexpected(described.error());
  const ChannelDescription& description = **described;
  for (const Segment& segment : segments) {
    for (const Current current : {segment.first, segment.last}) {
      if (current < description.lowest || current > description.highest || !std::isfinite(current.si())) {
        return fail(ErrorKind::bad_input,
                    fmt::format("channel {}: {:.6g} uA is outside the board's {:.6g} to {:.6g} uA", description.label,
                                current.in(1.0_uA), description.lowest.in(1.0_uA), description.highest.in(1.0_uA)));
      }
    }
    const protocol::Schedule message = to_message(segment, c, description, info_);
    if (auto sent = send(message, false); !sent) return tl::make_unexpected(sent.error());
  }
  return {};
}

Result<void> CurrentClamp::configure(Channel c, const Setting& setting, Sample at) {
  const auto described = channel(c);
  if (!described) return tl::make_unexpected(described.error());
  return std::visit([this](const auto& message) { return command(message); },
                    to_message(setting, at, c, **described, info_));
}

Result<void> CurrentClamp::arm() {
  return command(protocol::Arm{});
}
Result<void> CurrentClamp::start(Sample at) {
  return command(protocol::Start{at});
}
Result<void> CurrentClamp::clear(protocol::FaultCode reason) {
  return command(protocol::Clear{reason});
}

Result<void> CurrentClamp::stop(Sample at) {
  if (auto sent = send(protocol::Stop{at}, false); !sent) return tl::make_unexpected(sent.error());
  return {};
}
Result<void> CurrentClamp::estop() {
  if (auto sent = send(protocol::EmergencyStop{}, false); !sent) return tl::make_unexpected(sent.error());
  return {};
}
Result<void> CurrentClamp::grant(Sample until) {
  if (!info_.virtual_time) return send_unacknowledged(protocol::Heartbeat{});
  last_grant_ = std::max(last_grant_, until);
  grant_held_ = true;
  return pass_held_grant();
}

/// Virtual time stands still while a command is under way: one that was lost and sent again must not come too late
/// only because the device ran ahead at the speed of the host.
Result<void> CurrentClamp::pass_held_grant() {
  if (!grant_held_ || !pending_.empty()) return {};
  grant_held_ = false;
  return send_unacknowledged(protocol::Grant{last_grant_});
}

}  // namespace thyrode
