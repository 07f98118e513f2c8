// The whole instrument, portable: two entry points. on_block() comes from the block interrupt: ADC codes in, DAC codes
// out, bounded time, integers only, no I/O. poll() comes from the main loop and talks to the host.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "firmware/core/board.hpp"
#include "firmware/core/channel.hpp"
#include "firmware/core/telemetry.hpp"
#include "protocols/codec.hpp"

namespace thyrode::firmware {

template <Board B, std::size_t MaxChannels>
class Instrument {
 public:
  explicit Instrument(B& board) noexcept : board_{board} { reset(); }

  /// The state after power-up: idle, current zero, switch open.
  void reset() noexcept {
    ident_ = board_.identify();
    channel_count_ = std::min<std::size_t>(ident_.channels, MaxChannels);
    for (std::size_t c = 0; c < channel_count_; ++c) {
      info_[c] = board_.describe(static_cast<std::uint8_t>(c));
      channels_[c].reset(static_cast<std::uint8_t>(c), info_[c], ident_.sample_rate);
      command_sums_[c].fill(static_cast<std::uint32_t>(info_[c].command.zero) * ident_.block);
    }
    lease_ = ident_.sample_rate / 10;
    state_ = protocol::State::idle;
    fault_ = {};
    streaming_ = false;
    start_pending_ = stop_pending_ = false;
    output_closed_ = switch_due_ = false;
    granted_ = {};
    overruns_ = bad_frames_ = 0;
    acks_ = {};
    telemetry_.reset();
    board_.output_switch(false);
  }

  /// One control period.
  /// @param adc_first  sample of the first ADC code; a multiple of the block
  /// @param codes      one entry a channel
  /// @param dac_first  sample at which the first DAC code will be written: some blocks ahead of adc_first
  /// @param out        one span of `block` codes a channel
  void on_block(Sample adc_first, std::span<const ChannelCodes> codes, Sample dac_first,
                std::span<const std::span<DacCode>> out) noexcept {
    next_dac_ = dac_first + ident_.block;
    playing_ = adc_first + ident_.block;
    watch_lease(adc_first);
    check_codes(adc_first, codes);
    change_state(dac_first);
    move_switch();
    const std::int64_t lead = (dac_first - adc_first) / ident_.block;
    for (std::size_t c = 0; c < channel_count_; ++c) {
      channels_[c].apply_settings(adc_first, telemetry_);
      const std::uint32_t sum = channels_[c].stimulus().fill(
          dac_first, out[c], [this, c](Sample at, FineCode first, FineCode last, FineCode slew) {
            telemetry_.stream(protocol::StepApplied{static_cast<std::uint8_t>(c), at, first, last, slew});
          });
      const std::uint64_t block_number = static_cast<std::uint64_t>(adc_first.index) / ident_.block;
      command_sums_[c][(block_number + static_cast<std::uint64_t>(lead)) % command_sums_[c].size()] = sum;
      if (streaming_ && adc_first >= stream_from_) {
        channels_[c].take(adc_first, codes[c], command_sums_[c][block_number % command_sums_[c].size()], telemetry_);
      }
    }
    end_of_block(adc_first + ident_.block);
  }

  /// A block came before the last one was done.
  void overrun(Sample at) noexcept {
    ++overruns_;
    if (flowing()) trip(protocol::FaultCode::overrun, 0, at, 0, 0, true);
  }

  /// Reads commands and hands bytes to the board. From the main loop, as often as possible.
  void poll() noexcept {
    std::array<std::uint8_t, 64> bytes;
    while (true) {
      const std::size_t count = board_.receive(bytes);
      if (count == 0) break;
      std::span<const std::uint8_t> input{bytes.data(), count};
      while (!input.empty()) {
        if (!reader_.push(input)) continue;
        if (reader_.frame()) {
          execute(*reader_.frame());
        } else {
          ++bad_frames_;
        }
      }
    }
    telemetry_.drain([this](std::span<const std::uint8_t> piece) { return board_.send(piece); });
  }

  /// The host is gone (a closed port): the current goes to zero and the state to idle; nothing is sent any more.
  void link_lost() noexcept {
    for (std::size_t c = 0; c < channel_count_; ++c) channels_[c].stimulus().to_zero(true);
    board_.output_switch(false);
    output_closed_ = switch_due_ = false;
    if (state_ != protocol::State::fault) state_ = protocol::State::idle;
    forget_gathered();
    start_pending_ = stop_pending_ = false;
    telemetry_.reset();
    reader_ = {};
  }

  protocol::State state() const noexcept { return state_; }
  /// Virtual time: the board does not run the block that begins here or later.
  Sample granted() const noexcept { return granted_; }
  /// Bytes of telemetry that still find room; a board in virtual time waits while this is under worst_block.
  std::size_t room() const noexcept { return telemetry_.room(); }
  bool all_sent() const noexcept { return telemetry_.idle(); }
  /// More telemetry than one block can make: a mark with everything flushed, and snippets, on each channel.
  static constexpr std::size_t worst_block = 8192;

 private:
  bool flowing() const noexcept { return state_ == protocol::State::running || state_ == protocol::State::stopping; }

  // ------------------------------------------------------------------ block side

  void watch_lease(Sample now) noexcept {
    if (state_ == protocol::State::running && now - last_frame_ > lease_) {
      trip(protocol::FaultCode::lease_expired, 0, now, static_cast<std::int32_t>(now - last_frame_),
           static_cast<std::int32_t>(lease_), false);
    }
  }

  void check_codes(Sample first, std::span<const ChannelCodes> codes) noexcept {
    if (!flowing()) return;
    for (std::size_t c = 0; c < channel_count_; ++c) {
      const AdcCode limit = compliance_[c];
      if (limit == no_limit) continue;
      const AdcCode highest = summarise(codes[c].v_m).highest;
      if (highest > limit) {
        trip(protocol::FaultCode::compliance, static_cast<std::uint8_t>(c), first, highest, limit, true);
        return;
      }
    }
  }

  void change_state(Sample dac_block) noexcept {
    if (start_pending_ && start_at_ <= dac_block) {
      start_pending_ = false;
      state_ = protocol::State::running;
      switch_to(true, dac_block);
    }
    if (state_ == protocol::State::armed) refuse_late_segments(dac_block + ident_.block);
    if (stop_pending_ && stop_at_ <= dac_block && state_ == protocol::State::running) {
      stop_pending_ = false;
      state_ = protocol::State::stopping;
      head_for_zero(dac_block, false);
    }
    const bool leaving = state_ == protocol::State::stopping || state_ == protocol::State::fault;
    if (leaving && output_closed_ && everything_at_zero()) {
      switch_to(false, dac_block);
      if (state_ == protocol::State::stopping) state_ = protocol::State::idle;
    }
  }

  /// A piece of the command whose sample comes before the run has begun would find the switch open, and the run would
  /// begin with a jump. @param written  first sample without a DAC code once this block is written
  void refuse_late_segments(Sample written) noexcept {
    for (std::size_t c = 0; c < channel_count_; ++c) {
      const Stimulus& stimulus = channels_[c].stimulus();
      if (!stimulus.queued() || stimulus.next_start() >= written) continue;
      trip(protocol::FaultCode::late_segment, static_cast<std::uint8_t>(c), stimulus.next_start(),
           static_cast<std::int32_t>(written - stimulus.next_start()), 0, true);
      return;
    }
  }

  /// The switch moves when the block whose codes were just written begins to play.
  void switch_to(bool closed, Sample at) noexcept {
    output_closed_ = closed;
    switch_due_ = true;
    switch_at_ = at;
  }
  void move_switch() noexcept {
    if (!switch_due_ || switch_at_ > playing_) return;
    switch_due_ = false;
    board_.output_switch(output_closed_);
  }

  bool everything_at_zero() const noexcept {
    for (std::size_t c = 0; c < channel_count_; ++c) {
      if (!channels_[c].stimulus().at_zero()) return false;
    }
    return true;
  }

  void head_for_zero(Sample at, bool at_once) noexcept {
    for (std::size_t c = 0; c < channel_count_; ++c) {
      Stimulus& stimulus = channels_[c].stimulus();
      const FineCode zero = static_cast<FineCode>(info_[c].command.zero) << fine_bits;
      if (stimulus.applied() != zero) {
        const FineCode slew =
            at_once ? std::max<FineCode>(1, std::abs(stimulus.applied() - zero)) : stimulus.limits().slew;
        telemetry_.stream(protocol::StepApplied{static_cast<std::uint8_t>(c), at, stimulus.applied(), zero, slew});
      }
      stimulus.to_zero(at_once);
    }
  }

  void cut_current() noexcept {
    board_.output_switch(false);
    output_closed_ = switch_due_ = false;
    head_for_zero(playing_, true);
  }

  void trip(protocol::FaultCode code, std::uint8_t channel, Sample at, std::int32_t value, std::int32_t limit,
            bool at_once) noexcept {
    if (state_ == protocol::State::fault) return;
    state_ = protocol::State::fault;
    start_pending_ = stop_pending_ = false;
    fault_ = {code, channel, at, value, limit};
    if (at_once) {
      cut_current();
    } else {
      head_for_zero(next_dac_ - ident_.block, false);
    }
    telemetry_.stream(fault_);
  }

  void end_of_block(Sample end) noexcept {
    const auto current_period = static_cast<std::int64_t>(ident_.sample_rate / ChannelState::current_rate);
    const auto mark_period = static_cast<std::int64_t>(ident_.sample_rate / ChannelState::level_rate);
    const bool counted = streaming_ && end > stream_from_;
    if (counted && end.index % current_period == 0) {
      for (std::size_t c = 0; c < channel_count_; ++c) end_current_mean(c, end);
    }
    if (end.index % mark_period != 0) return;
    if (counted) {
      for (std::size_t c = 0; c < channel_count_; ++c) channels_[c].flush(end, telemetry_);
    }
    telemetry_.stream(protocol::Mark{end, state_, fault_.code, overruns_, telemetry_.dropped(), bad_frames_});
    if (streaming_ && !start_pending_ && !flowing() && !output_closed_) streaming_ = false;
  }

  void end_current_mean(std::size_t c, Sample end) noexcept {
    const auto read_zero = static_cast<std::int32_t>(info_[c].signals[2].zero);
    const std::int64_t difference = channels_[c].end_current_mean(end, board_.readback_ratio(), read_zero);
    const std::int64_t band = std::int64_t{readback_band_[c]} * channels_[c].last_read_count();
    if (readback_band_[c] == no_limit || !flowing() || std::abs(difference) <= band) return;
    trip(protocol::FaultCode::readback, static_cast<std::uint8_t>(c), end,
         static_cast<std::int32_t>(difference / std::max<std::int64_t>(1, channels_[c].last_read_count())),
         readback_band_[c], true);
  }

  // ------------------------------------------------------------------ host side

  struct RememberedAck {
    bool valid = false;
    protocol::Ack ack{};
  };

  void execute(const protocol::Frame& frame) noexcept {
    board_.critical([&] { last_frame_ = board_.now(); });
    switch (frame.type) {
      case protocol::Hello::type: return hello(frame);
      case protocol::Describe::type: return describe(frame);
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

  /// Data that were gathered for the last host are no data of the next one.
  void forget_gathered() noexcept {
    streaming_ = false;
    for (std::size_t c = 0; c < channel_count_; ++c) channels_[c].begin_run();
  }

  /// A new host begins: whatever ran for the last one ends.
  void hello(const protocol::Frame& frame) noexcept {
    board_.critical([&] {
      acks_ = {};
      forget_gathered();
      if (state_ == protocol::State::armed) disarm();
      if (state_ == protocol::State::running) {
        stop_pending_ = true;
        stop_at_ = {};
      }
    });
    protocol::Ident ident = ident_;
    ident.schema = protocol::schema_hash;
    ident.now = board_.now();
    telemetry_.answer(ident, frame.sequence);
    // A latched fault is told again: without its name the new host could not clear it.
    if (state_ == protocol::State::fault) telemetry_.stream(fault_);
  }

  void describe(const protocol::Frame& frame) noexcept {
    const auto request = protocol::decode<protocol::Describe>(frame.payload);
    if (request && request->channel < channel_count_) {
      telemetry_.answer(info_[request->channel], frame.sequence);
    } else {
      telemetry_.answer(protocol::Ack{frame.type, frame.sequence, protocol::Status::unknown, board_.now()},
                        frame.sequence);
    }
  }

  template <class Message>
  protocol::Status handle(const protocol::Frame& frame) noexcept {
    const auto message = protocol::decode<Message>(frame.payload);
    return message ? on(*message) : protocol::Status::malformed;
  }

  protocol::Status carry_out(const protocol::Frame& frame) noexcept {
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
      default: return protocol::Status::unknown;
    }
  }

  /// Back to idle before anything ran: what was queued must not move the current of a later run.
  void disarm() noexcept {
    for (std::size_t c = 0; c < channel_count_; ++c) channels_[c].stimulus().to_zero(true);
    start_pending_ = stop_pending_ = false;
    state_ = protocol::State::idle;
  }

  protocol::Status on(const protocol::Arm&) noexcept {
    if (state_ != protocol::State::idle) return protocol::Status::bad_state;
    state_ = protocol::State::armed;
    return protocol::Status::done;
  }
  protocol::Status on(const protocol::Start& start) noexcept {
    if (state_ != protocol::State::armed) return protocol::Status::bad_state;
    if (start.at < next_dac_) return protocol::Status::too_late;
    if (start.at.index % (ident_.sample_rate / ChannelState::level_rate) != 0) return protocol::Status::out_of_range;
    start_pending_ = true;
    streaming_ = true;
    start_at_ = stream_from_ = start.at;
    for (std::size_t c = 0; c < channel_count_; ++c) channels_[c].begin_run();
    return protocol::Status::done;
  }
  protocol::Status on(const protocol::Stop& stop) noexcept {
    if (state_ == protocol::State::armed && !start_pending_) {
      disarm();
      return protocol::Status::done;
    }
    if (state_ != protocol::State::running && !start_pending_) return protocol::Status::bad_state;
    stop_pending_ = true;
    stop_at_ = stop.at;
    return protocol::Status::done;
  }
  protocol::Status on(const protocol::EmergencyStop&) noexcept {
    // A fault that lets the current fall slowly must not hold an emergency stop back; the first reason stays.
    if (state_ == protocol::State::fault) cut_current();
    trip(protocol::FaultCode::estop, 0, board_.now(), 0, 0, true);
    return protocol::Status::done;
  }
  protocol::Status on(const protocol::Clear& clear) noexcept {
    if (state_ != protocol::State::fault || output_closed_) return protocol::Status::bad_state;
    if (clear.reason != fault_.code) return protocol::Status::wrong_reason;
    fault_ = {};
    state_ = protocol::State::idle;
    return protocol::Status::done;
  }
  protocol::Status on(const protocol::Schedule& segment) noexcept {
    if (segment.channel >= channel_count_) return protocol::Status::unknown;
    if (state_ != protocol::State::armed && state_ != protocol::State::running) return protocol::Status::bad_state;
    return channels_[segment.channel].stimulus().push(segment, next_dac_);
  }
  protocol::Status on(const protocol::ConfigureDetector& settings) noexcept {
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
  protocol::Status on(const protocol::ConfigureTelemetry& settings) noexcept {
    if (settings.channel >= channel_count_) return protocol::Status::unknown;
    if (settings.decimation > 16 || settings.at.index % ident_.block != 0) return protocol::Status::out_of_range;
    if (settings.decimation == 1 && (ident_.capabilities & protocol::can_full_trace) == 0) {
      return protocol::Status::out_of_range;
    }
    channels_[settings.channel].set_telemetry(settings);
    return protocol::Status::done;
  }
  protocol::Status on(const protocol::ConfigureLimits& limits) noexcept {
    if (limits.channel >= channel_count_) return protocol::Status::unknown;
    if (state_ != protocol::State::idle) return protocol::Status::bad_state;
    const protocol::ChannelInfo& hard = info_[limits.channel];
    if (limits.lowest < hard.lowest || limits.highest > hard.highest || limits.lowest > limits.highest ||
        limits.slew < 1 || limits.slew > hard.fastest) {
      return protocol::Status::out_of_range;
    }
    channels_[limits.channel].stimulus().set_limits({limits.lowest, limits.highest, limits.slew});
    compliance_[limits.channel] = limits.compliance;
    readback_band_[limits.channel] = limits.readback_band;
    return protocol::Status::done;
  }
  protocol::Status on(const protocol::ConfigureLease& lease) noexcept {
    if (state_ != protocol::State::idle) return protocol::Status::bad_state;
    if (lease.samples < ident_.sample_rate / 50 || lease.samples > ident_.sample_rate) {
      return protocol::Status::out_of_range;
    }
    lease_ = lease.samples;
    return protocol::Status::done;
  }
  protocol::Status on(const protocol::ConfigureSnippets& settings) noexcept {
    if (settings.channel >= channel_count_) return protocol::Status::unknown;
    return channels_[settings.channel].snippets().configure(settings) ? protocol::Status::done
                                                                      : protocol::Status::out_of_range;
  }

  static constexpr AdcCode no_limit = 0xFFFF;

  B& board_;
  protocol::Ident ident_{};
  std::array<protocol::ChannelInfo, MaxChannels> info_{};
  std::size_t channel_count_ = 0;
  std::array<ChannelState, MaxChannels> channels_{};
  std::array<AdcCode, MaxChannels> compliance_ = filled_with_no_limit();
  std::array<AdcCode, MaxChannels> readback_band_ = filled_with_no_limit();
  std::array<std::array<std::uint32_t, 8>, MaxChannels> command_sums_{};
  Telemetry telemetry_;
  protocol::FrameReader reader_;
  std::array<RememberedAck, 8> acks_{};
  std::size_t next_ack_ = 0;

  protocol::State state_ = protocol::State::idle;
  protocol::Fault fault_{};
  bool output_closed_ = false;  // as it will be when switch_at_ has come
  bool switch_due_ = false;
  Sample switch_at_{};
  bool streaming_ = false;
  Sample stream_from_{};
  bool start_pending_ = false;
  Sample start_at_{};
  bool stop_pending_ = false;
  Sample stop_at_{};
  Sample next_dac_{};  // first sample without a DAC code
  Sample playing_{};   // first sample of the block that begins to play now
  Sample last_frame_{};
  Sample granted_{};
  std::int64_t lease_ = 0;
  std::uint32_t overruns_ = 0;
  std::uint32_t bad_frames_ = 0;

  static constexpr std::array<AdcCode, MaxChannels> filled_with_no_limit() noexcept {
    std::array<AdcCode, MaxChannels> limits{};
    limits.fill(no_limit);
    return limits;
  }
};

}  // namespace thyrode::firmware
