// The host's side of the instrument: commands, each answered once. Included by instrument.hpp.
#pragma once

#include "firmware/core/instrument.hpp"

namespace thyrode::firmware {

template <Board B, std::size_t MaxChannels>
void Instrument<B, MaxChannels>::execute(const protocol::Frame& frame) noexcept {
  board_.critical([&] { last_frame_ = board_.now(); });
  switch (frame.type) {
    case protocol::Hello::type: return hello(frame);
    case protocol::Describe::type: return describe(frame);
    case protocol::DescribePart::type: return describe_part(frame);
    case protocol::GetStatus::type: return tell_status(frame);
    case protocol::GetTrace::type: return tell_trace(frame);
    case protocol::GetClock::type: return telemetry_.answer(protocol::ClockReply{board_.now()}, frame.sequence);
    case protocol::Heartbeat::type: return;
    case protocol::Grant::type:
      if (const auto grant = protocol::decode<protocol::Grant>(frame.payload)) {
        board_.critical([&] { granted_ = std::max(granted_, grant->until); });
      }
      return;
    default: break;
  }
  // A repeated command is answered again, not carried out again.
  for (const RememberedAck& past : acks_) {
    if (past.valid && past.ack.sequence == frame.sequence && past.ack.command == frame.type) {
      telemetry_.answer(past.ack, frame.sequence);
      return;
    }
  }
  protocol::Status status = protocol::Status::unknown;
  board_.critical([&] { status = carry_out(frame); });
  const protocol::Ack ack{frame.type, frame.sequence, status, board_.now()};
  acks_[next_ack_] = {true, ack};
  next_ack_ = (next_ack_ + 1) % acks_.size();
  telemetry_.answer(ack, frame.sequence);
}

/// Nobody watches what runs for the last host: no current, nothing due, nothing on its way to it. In virtual time the
/// samples that it has granted and that have not been run are gone as well: else the device would run on beyond what
/// it tells the next host of its time.
template <Board B, std::size_t MaxChannels>
void Instrument<B, MaxChannels>::end_session() noexcept {
  for (std::size_t c = 0; c < channel_count_; ++c) {
    channels_[c].stimulus().to_zero(true);
    channels_[c].begin_run();
  }
  board_.output_switch(false);
  output_closed_ = switch_due_ = false;
  if (state_ != protocol::State::fault) state_ = rest_state();
  streaming_ = start_pending_ = stop_pending_ = false;
  parts_due_ = {};
  granted_ = std::min(granted_, board_.now());
  acks_ = {};
  telemetry_.reset();
  dropped_before_ = 0;
}

/// A new host begins. On a serial line nothing else tells that the last one is gone.
template <Board B, std::size_t MaxChannels>
void Instrument<B, MaxChannels>::hello(const protocol::Frame& frame) noexcept {
  board_.critical([&] { end_session(); });
  protocol::Ident ident = ident_;
  ident.schema = protocol::schema_hash;
  ident.now = board_.now();
  telemetry_.answer(ident, frame.sequence);
  // A latched fault is told again: without its name the new host could not clear it.
  board_.critical([&] {
    if (state_ == protocol::State::fault) telemetry_.stream(fault_);
  });
}

template <Board B, std::size_t MaxChannels>
void Instrument<B, MaxChannels>::describe(const protocol::Frame& frame) noexcept {
  const auto request = protocol::decode<protocol::Describe>(frame.payload);
  if (request && request->channel < channel_count_) {
    telemetry_.answer(info_[request->channel], frame.sequence);
  } else {
    refuse(frame, protocol::Status::unknown);
  }
}

template <Board B, std::size_t MaxChannels>
void Instrument<B, MaxChannels>::describe_part(const protocol::Frame& frame) noexcept {
  const auto request = protocol::decode<protocol::DescribePart>(frame.payload);
  if (request && request->channel < channel_count_ && (ident_.capabilities & protocol::can_set_part) != 0) {
    telemetry_.answer(board_.part(request->channel), frame.sequence);
  } else {
    refuse(frame, protocol::Status::unknown);
  }
}

template <Board B, std::size_t MaxChannels>
void Instrument<B, MaxChannels>::tell_status(const protocol::Frame& frame) noexcept {
  protocol::DeviceStatus status;
  board_.critical([&] {
    const bool held = trace_ == Trace::held;
    status = {state_,    fault_.code,  fault_.channel, fault_.signal,
              fault_.at, fault_.value, fault_.limit,   held ? std::uint8_t{1} : std::uint8_t{0}};
  });
  telemetry_.answer(status, frame.sequence);
}

/// Nothing writes to a trace that is held, and only the main loop lets it go: no interrupt is held off for the copy.
template <Board B, std::size_t MaxChannels>
void Instrument<B, MaxChannels>::tell_trace(const protocol::Frame& frame) noexcept {
  const auto request = protocol::decode<protocol::GetTrace>(frame.payload);
  if (!request) return refuse(frame, protocol::Status::malformed);
  if (request->channel >= channel_count_ || request->signal > protocol::Signal::i_read) {
    return refuse(frame, protocol::Status::unknown);
  }
  bool held = false;
  board_.critical([&] { held = trace_ == Trace::held; });
  if (!held) return refuse(frame, protocol::Status::bad_state);
  telemetry_.answer(channels_[request->channel].memory().part(request->channel, request->signal, request->offset),
                    frame.sequence);
}

template <Board B, std::size_t MaxChannels>
protocol::Status Instrument<B, MaxChannels>::carry_out(const protocol::Frame& frame) noexcept {
  switch (frame.type) {
    case protocol::Arm::type: return handle<protocol::Arm>(frame);
    case protocol::Start::type: return handle<protocol::Start>(frame);
    case protocol::Stop::type: return handle<protocol::Stop>(frame);
    case protocol::EmergencyStop::type: return handle<protocol::EmergencyStop>(frame);
    case protocol::Clear::type: return handle<protocol::Clear>(frame);
    case protocol::Schedule::type: return handle<protocol::Schedule>(frame);
    case protocol::ConfigureDetector::type: return handle<protocol::ConfigureDetector>(frame);
    case protocol::ConfigureTelemetry::type: return handle<protocol::ConfigureTelemetry>(frame);
    case protocol::ConfigureLimits::type: return handle<protocol::ConfigureLimits>(frame);
    case protocol::ConfigureLease::type: return handle<protocol::ConfigureLease>(frame);
    case protocol::ConfigureSnippets::type: return handle<protocol::ConfigureSnippets>(frame);
    case protocol::SetBaud::type: return handle<protocol::SetBaud>(frame);
    case protocol::SetPart::type: return handle<protocol::SetPart>(frame);
    case protocol::Pulse::type: return handle<protocol::Pulse>(frame);
    case protocol::ConfigureCharge::type: return handle<protocol::ConfigureCharge>(frame);
    case protocol::ConfigurePlausibility::type: return handle<protocol::ConfigurePlausibility>(frame);
    default: return protocol::Status::unknown;
  }
}

/// Back to idle before anything ran: what was queued must not move the current of a later run.
template <Board B, std::size_t MaxChannels>
void Instrument<B, MaxChannels>::disarm() noexcept {
  for (std::size_t c = 0; c < channel_count_; ++c) channels_[c].stimulus().to_zero(true);
  start_pending_ = stop_pending_ = false;
  state_ = rest_state();
}

template <Board B, std::size_t MaxChannels>
protocol::Status Instrument<B, MaxChannels>::on(const protocol::Arm&) noexcept {
  if (state_ == protocol::State::boot) return protocol::Status::unfit;
  if (state_ != protocol::State::idle) return protocol::Status::bad_state;
  state_ = protocol::State::armed;
  return protocol::Status::done;
}

template <Board B, std::size_t MaxChannels>
protocol::Status Instrument<B, MaxChannels>::on(const protocol::Start& start) noexcept {
  // A second start would throw away what the first has begun to gather.
  if (state_ != protocol::State::armed || start_pending_) return protocol::Status::bad_state;
  if (start.at < next_dac_) return protocol::Status::too_late;
  if (start.at.index % (ident_.sample_rate / ChannelState::level_rate) != 0) return protocol::Status::out_of_range;
  start_pending_ = true;
  streaming_ = true;
  start_at_ = stream_from_ = start.at;
  for (std::size_t c = 0; c < channel_count_; ++c) channels_[c].begin_run();
  return protocol::Status::done;
}

template <Board B, std::size_t MaxChannels>
protocol::Status Instrument<B, MaxChannels>::on(const protocol::Stop& stop) noexcept {
  if (state_ == protocol::State::armed && !start_pending_) {
    disarm();
    return protocol::Status::done;
  }
  if (state_ != protocol::State::running && !start_pending_) return protocol::Status::bad_state;
  stop_pending_ = true;
  stop_at_ = stop.at;
  return protocol::Status::done;
}

template <Board B, std::size_t MaxChannels>
protocol::Status Instrument<B, MaxChannels>::on(const protocol::EmergencyStop&) noexcept {
  // A fault that lets the current fall slowly must not hold an emergency stop back; the first reason stays.
  if (state_ == protocol::State::fault) cut_current();
  trip({protocol::FaultCode::estop}, 0, board_.now());
  return protocol::Status::done;
}

template <Board B, std::size_t MaxChannels>
protocol::Status Instrument<B, MaxChannels>::on(const protocol::Clear& clear) noexcept {
  if (state_ != protocol::State::fault || output_closed_) return protocol::Status::bad_state;
  if (clear.reason != fault_.code) return protocol::Status::wrong_reason;
  fault_ = {};
  trace_ = Trace::follows;
  state_ = rest_state();
  return protocol::Status::done;
}

template <Board B, std::size_t MaxChannels>
protocol::Status Instrument<B, MaxChannels>::on(const protocol::Schedule& segment) noexcept {
  if (segment.channel >= channel_count_) return protocol::Status::unknown;
  if (state_ != protocol::State::armed && state_ != protocol::State::running) return protocol::Status::bad_state;
  const PartDue& part = parts_due_[segment.channel];
  if (part.due && segment.start < part.set.at) return protocol::Status::bad_state;
  return channels_[segment.channel].stimulus().push(segment, next_dac_);
}

template <Board B, std::size_t MaxChannels>
protocol::Status Instrument<B, MaxChannels>::on(const protocol::ConfigureDetector& settings) noexcept {
  if (settings.channel >= channel_count_) return protocol::Status::unknown;
  if (settings.trigger == protocol::Trigger::level && settings.rearm_level >= settings.fire_level) {
    return protocol::Status::out_of_range;
  }
  if (settings.trigger > protocol::Trigger::level || settings.at.index % ident_.block != 0) {
    return protocol::Status::out_of_range;
  }
  channels_[settings.channel].set_detector(settings);
  return protocol::Status::done;
}

template <Board B, std::size_t MaxChannels>
protocol::Status Instrument<B, MaxChannels>::on(const protocol::ConfigureTelemetry& settings) noexcept {
  if (settings.channel >= channel_count_) return protocol::Status::unknown;
  // A value never spans two blocks: so a mark leaves none unfinished, and a change of the rate loses no conversion.
  const bool whole = settings.decimation == 0 || ident_.block % settings.decimation == 0;
  if (settings.decimation > 16 || !whole || settings.at.index % ident_.block != 0) {
    return protocol::Status::out_of_range;
  }
  if (settings.decimation == 1 && (ident_.capabilities & protocol::can_full_trace) == 0) {
    return protocol::Status::out_of_range;
  }
  channels_[settings.channel].set_telemetry(settings);
  return protocol::Status::done;
}

template <Board B, std::size_t MaxChannels>
protocol::Status Instrument<B, MaxChannels>::on(const protocol::ConfigureLimits& limits) noexcept {
  if (limits.channel >= channel_count_) return protocol::Status::unknown;
  const protocol::ChannelInfo& hard = info_[limits.channel];
  if (limits.lowest < hard.lowest || limits.highest > hard.highest || limits.lowest > limits.highest ||
      limits.slew < 1 || limits.slew > hard.fastest) {
    return protocol::Status::out_of_range;
  }
  const Stimulus::Limits& now = channels_[limits.channel].stimulus().limits();
  ChannelSafety& safety = safety_[limits.channel];
  const bool narrower = limits.lowest >= now.lowest && limits.highest <= now.highest && limits.slew <= now.slew &&
                        limits.compliance <= safety.compliance() && limits.readback_band <= safety.readback_band();
  if (!may_limit(narrower)) return protocol::Status::bad_state;
  channels_[limits.channel].stimulus().set_limits({limits.lowest, limits.highest, limits.slew});
  safety.set_limits(limits.compliance, limits.readback_band);
  return protocol::Status::done;
}

template <Board B, std::size_t MaxChannels>
protocol::Status Instrument<B, MaxChannels>::on(const protocol::ConfigureCharge& limit) noexcept {
  if (limit.channel >= channel_count_) return protocol::Status::unknown;
  ChargeMeter& charge = safety_[limit.channel].charge();
  if (!may_limit(limit.most <= charge.limit())) return protocol::Status::bad_state;
  charge.set_limit(limit.most);
  return protocol::Status::done;
}

template <Board B, std::size_t MaxChannels>
protocol::Status Instrument<B, MaxChannels>::on(const protocol::ConfigurePlausibility& settings) noexcept {
  if (settings.channel >= channel_count_) return protocol::Status::unknown;
  ChannelSafety& safety = safety_[settings.channel];
  const protocol::ConfigurePlausibility& now = safety.plausibility();
  // Zero never trips: of all values it is the widest.
  const auto at_most = [](std::uint32_t value, std::uint32_t present) {
    return present == 0 || (value != 0 && value <= present);
  };
  bool stricter = at_most(settings.stuck, now.stuck) && at_most(settings.open_current, now.open_current);
  for (std::size_t s = 0; s < protocol::signal_count; ++s)
    stricter = stricter && at_most(settings.rail[s], now.rail[s]);
  const bool open_stricter = settings.open_band >= now.open_band && settings.open_time <= now.open_time;
  stricter = stricter && (now.open_current == 0 || open_stricter);
  if (!may_limit(stricter)) return protocol::Status::bad_state;
  safety.set_plausibility(settings);
  return protocol::Status::done;
}

template <Board B, std::size_t MaxChannels>
protocol::Status Instrument<B, MaxChannels>::on(const protocol::ConfigureLease& lease) noexcept {
  if (!at_rest()) return protocol::Status::bad_state;
  if (lease.samples < ident_.sample_rate / 50 || lease.samples > ident_.sample_rate) {
    return protocol::Status::out_of_range;
  }
  lease_ = lease.samples;
  return protocol::Status::done;
}

template <Board B, std::size_t MaxChannels>
protocol::Status Instrument<B, MaxChannels>::on(const protocol::ConfigureSnippets& settings) noexcept {
  if (settings.channel >= channel_count_) return protocol::Status::unknown;
  return channels_[settings.channel].snippets().configure(settings) ? protocol::Status::done
                                                                    : protocol::Status::out_of_range;
}

template <Board B, std::size_t MaxChannels>
protocol::Status Instrument<B, MaxChannels>::on(const protocol::SetBaud& set) noexcept {
  if ((ident_.capabilities & protocol::can_set_baud) == 0) return protocol::Status::unknown;
  if (!at_rest()) return protocol::Status::bad_state;
  if (set.baud == 0 || !board_.has_baud(set.baud)) return protocol::Status::out_of_range;
  baud_ = set.baud;
  baud_due_ = true;
  return protocol::Status::done;
}

/// The answer leaves at the rate that the host still listens at. Silence at another rate than the first may mean that
/// the link does not carry it, and a new host begins with the first.
template <Board B, std::size_t MaxChannels>
void Instrument<B, MaxChannels>::change_baud() noexcept {
  if (baud_due_ && telemetry_.idle()) {
    baud_due_ = false;
    board_.set_baud(baud_);
  }
  if (baud_ == 0 || baud_due_ || board_.now() - last_frame_ <= static_cast<std::int64_t>(ident_.sample_rate)) return;
  baud_ = 0;
  board_.set_baud(0);
}

template <Board B, std::size_t MaxChannels>
protocol::Status Instrument<B, MaxChannels>::on(const protocol::Pulse& pulse) noexcept {
  if ((ident_.capabilities & protocol::can_trigger) == 0) return protocol::Status::unknown;
  if (pulse.length < 2U * ident_.block) return protocol::Status::out_of_range;
  if (pulse.at < next_dac_) return protocol::Status::too_late;
  return board_.pulse(pulse.at, pulse.length) ? protocol::Status::done : protocol::Status::queue_full;
}

/// Only where no current flows: what is soldered in must not change under a neuron that is being measured.
template <Board B, std::size_t MaxChannels>
protocol::Status Instrument<B, MaxChannels>::on(const protocol::SetPart& set) noexcept {
  if (!has_part(set.channel)) return protocol::Status::unknown;
  const protocol::PartInfo part = board_.part(set.channel);
  if (set.resistance < part.lowest || set.resistance > part.highest || set.at.index % ident_.block != 0) {
    return protocol::Status::out_of_range;
  }
  if (state_ == protocol::State::stopping || state_ == protocol::State::fault) return protocol::Status::bad_state;
  const Stimulus& stimulus = channels_[set.channel].stimulus();
  const Sample from = std::max(set.at, playing_);
  if (stimulus.queued() && stimulus.next_start() < from) return protocol::Status::bad_state;
  const bool rests_at_zero = stimulus.at_zero() && stimulus.rests(from, from);
  if (state_ == protocol::State::running && !rests_at_zero) return protocol::Status::bad_state;
  parts_due_[set.channel] = {true, set};
  return protocol::Status::done;
}

}  // namespace thyrode::firmware
