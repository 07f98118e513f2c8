// The whole instrument, portable: two entry points. on_block() comes from the block interrupt: ADC codes in, DAC codes
// out, bounded time, integers only, no I/O. poll() comes from the main loop and talks to the host. A board that knows
// its signals in closed form may hand over whole stretches in place of blocks: on_stretch().
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "firmware/core/board.hpp"
#include "firmware/core/channel.hpp"
#include "firmware/core/safety.hpp"
#include "firmware/core/telemetry.hpp"
#include "protocols/codec.hpp"

namespace thyrode::firmware {

template <Board B, std::size_t MaxChannels>
class Instrument {
 public:
  explicit Instrument(B& board) noexcept : board_{board} { reset(); }

  /// The state after power-up: boot, current zero, switch open.
  void reset() noexcept {
    ident_ = board_.identify();
    channel_count_ = std::min<std::size_t>(ident_.channels, MaxChannels);
    for (std::size_t c = 0; c < channel_count_; ++c) {
      info_[c] = board_.describe(static_cast<std::uint8_t>(c));
      channels_[c].reset(static_cast<std::uint8_t>(c), info_[c], ident_.sample_rate);
      safety_[c].reset(info_[c], ident_.sample_rate, board_.readback_ratio());
      command_sums_[c].fill(static_cast<std::uint32_t>(info_[c].command.zero) * ident_.block);
    }
    tested_ = false;
    lease_ = ident_.sample_rate / 10;
    state_ = protocol::State::boot;
    fault_ = {};
    trace_ = Trace::follows;
    streaming_ = false;
    start_pending_ = stop_pending_ = false;
    output_closed_ = switch_due_ = false;
    granted_ = {};
    parts_due_ = {};
    overruns_ = 0;
    bad_frames_.store(0, std::memory_order_relaxed);
    acks_ = {};
    telemetry_.reset();
    dropped_before_ = 0;
    board_.output_switch(false);
  }

  /// The board has tested itself, and its capabilities say with what result. Until then, and as long as something is
  /// missing, the device does not arm.
  void tested() noexcept {
    board_.critical([this] {
      tested_ = true;
      if (state_ == protocol::State::boot) state_ = rest_state();
    });
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
    std::array<ChannelSummary, MaxChannels> summaries;
    for (std::size_t c = 0; c < channel_count_; ++c) summaries[c] = summarise(codes[c]);
    inspect(adc_first, summaries);
    change_state(dac_first);
    move_switch();
    for (std::size_t c = 0; c < channel_count_; ++c) {
      channels_[c].apply_settings(adc_first, telemetry_);
      exchange_part(c, adc_first + ident_.block);
      safety_[c].charge().move_to(adc_first);
      const WrittenCodes written = fill(c, dac_first, out[c]);
      command_sum(c, dac_first) = written.sum;
      check_command(c, dac_first, written.magnitude);
      if (trace_ != Trace::held) channels_[c].keep(adc_first, codes[c]);
      if (listens(adc_first)) {
        channels_[c].take(adc_first, codes[c], summaries[c], command_sum(c, adc_first), telemetry_);
      }
    }
    watch_telemetry(adc_first + ident_.block);
    if (trace_ == Trace::ends) trace_ = Trace::held;
    end_of_block(adc_first + ident_.block);
  }

  // The second door. quiet_blocks() says how far a board may go; V_out is handed over in the order of time, each span
  // by coast() if passes_over() holds for its bounds and else code by code by take_v_out(); on_stretch() ends it.

  /// How many blocks from `adc_first` on, up to the next mark, need nothing from outside but their codes: no command
  /// moves, no setting, switch or state changes, and nobody wants single codes.
  /// @param adc_first, dac_first  as for on_block()
  /// @returns blocks to the next mark; 0 when something is due, or when `adc_first` is not at a mark
  std::int64_t quiet_blocks(Sample adc_first, Sample dac_first) const noexcept;
  /// Whether the codes of a block that begins here are looked at.
  bool listens(Sample adc_first) const noexcept { return streaming_ && adc_first >= stream_from_; }
  /// The command of a channel at rest, at the sample whose code is written next.
  RestingCommand resting(std::size_t channel) const noexcept { return channels_[channel].stimulus().resting(); }
  /// Looks at V_out, and says what it passes over: SpikeDetector::passes_over().
  const SpikeDetector& detector(std::size_t channel) const noexcept { return channels_[channel].detector(); }
  /// Whether V_m codes up to `highest` trip nothing.
  bool v_m_passes(std::size_t channel, AdcCode highest) const noexcept {
    return !flowing() || !safety_[channel].check_compliance(highest);
  }
  /// Whether I_read codes within [lowest, highest] trip nothing while the command rests.
  bool i_read_passes(std::size_t channel, AdcCode lowest, AdcCode highest) const noexcept {
    return !flowing() || safety_[channel].i_read_passes(resting(channel).applied, lowest, highest);
  }
  /// V_out codes of samples from `first` on; only while listens().
  void take_v_out(std::size_t channel, Sample first, std::span<const AdcCode> codes) noexcept {
    channels_[channel].take_stretch(first, codes, telemetry_);
  }
  /// V_out codes that the detector passes over; only while listens().
  void coast(std::size_t channel, const QuietSpan& span) noexcept { channels_[channel].coast(span); }

  /// Ends a stretch: all that on_block() does for `blocks` blocks, except for V_out.
  /// @param blocks  within what quiet_blocks() said
  /// @param codes   one entry a channel. V_m above the compliance may only come in a stretch of one block, which then
  ///                trips as it does on_block()
  void on_stretch(Sample adc_first, Sample dac_first, std::int64_t blocks,
                  std::span<const StretchCodes> codes) noexcept;

  /// A block came before the last one was done.
  void overrun(Sample at) noexcept {
    ++overruns_;
    if (flowing()) trip({protocol::FaultCode::overrun}, 0, at);
  }

  /// The trigger input has risen. From the block interrupt.
  /// @param count  of rising edges since the start
  void edge(Ticks at, std::uint32_t count) noexcept { telemetry_.stream(protocol::Edge{at, count}); }

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
          bad_frames_.store(bad_frames_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        }
      }
    }
    telemetry_.drain([this](std::span<const std::uint8_t> piece) { return board_.send(piece); });
    change_baud();
  }

  /// The host is gone (a closed port): the current goes to zero and the state to idle; nothing is sent any more.
  void link_lost() noexcept {
    end_session();
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
      trip({protocol::FaultCode::lease_expired, protocol::Signal::v_out, static_cast<std::int32_t>(now - last_frame_),
            static_cast<std::int32_t>(lease_)},
           0, now);
    }
  }

  /// What the codes of a block say against the current that flowed.
  void inspect(Sample first, const std::array<ChannelSummary, MaxChannels>& summaries) noexcept {
    for (std::size_t c = 0; c < channel_count_; ++c) {
      if (!flowing()) {
        safety_[c].rest();
      } else if (const Trip cause = safety_[c].inspect(summaries[c], command_sum(c, first))) {
        trip(cause, static_cast<std::uint8_t>(c), first);
      }
    }
  }
  bool inspect_stretch(Sample first, std::span<const StretchCodes> codes) noexcept;

  /// A part that is due is exchanged between two blocks.
  void exchange_part(std::size_t channel, Sample next) noexcept {
    PartDue& part = parts_due_[channel];
    if (!part.due || part.set.at > next) return;
    part.due = false;
    board_.set_part(static_cast<std::uint8_t>(channel), part.set.resistance);
  }

  /// Limits may become narrower under current. The block in question has not begun to play: the switch opens before.
  /// @param magnitude  sum of |code - zero| of the block
  void check_command(std::size_t channel, Sample dac_block, std::uint32_t magnitude) noexcept {
    const Stimulus& stimulus = channels_[channel].stimulus();
    ChargeMeter& charge = safety_[channel].charge();
    const FineCode limit = stimulus.within_limits(stimulus.applied());
    if (flowing() && stimulus.applied() != limit) {
      trip({protocol::FaultCode::current_limit, protocol::Signal::v_out, stimulus.applied(), limit},
           static_cast<std::uint8_t>(channel), dac_block);
    }
    if (flowing() && !charge.allows(magnitude)) {
      trip({protocol::FaultCode::charge, protocol::Signal::v_out, charge.told(magnitude), charge.told_limit()},
           static_cast<std::uint8_t>(channel), dac_block);
    }
    charge.add(magnitude);
  }

  /// In real time a full ring means that the link cannot carry what was asked for: the run would go on with holes.
  void watch_telemetry(Sample now) noexcept {
    const std::uint32_t dropped = telemetry_.stream_dropped();
    const bool more = dropped != dropped_before_;
    dropped_before_ = dropped;
    const bool real_time = (ident_.capabilities & protocol::can_virtual_time) == 0;
    if (more && real_time && state_ == protocol::State::running) {
      trip({protocol::FaultCode::telemetry_lost}, 0, now);
    }
  }

  std::int64_t current_period() const noexcept {
    return static_cast<std::int64_t>(ident_.sample_rate / ChannelState::current_rate);
  }
  std::int64_t mark_period() const noexcept {
    return static_cast<std::int64_t>(ident_.sample_rate / ChannelState::level_rate);
  }
  /// Sum of the DAC codes of the block that begins at a sample, from the time it is written until it has played.
  std::uint32_t& command_sum(std::size_t channel, Sample block) noexcept {
    // Counted from a block whose number is known: six divisions of 64 bits a block are dear on a chip.
    constexpr std::int64_t far = 1 << 20;
    std::int64_t ahead = block - numbered_;
    if (ahead < 0 || ahead >= far) {
      numbered_ = block;
      number_ = static_cast<std::uint32_t>(static_cast<std::uint64_t>(block.index) / ident_.block);
      ahead = 0;
    }
    const std::uint32_t number = number_ + static_cast<std::uint32_t>(ahead) / ident_.block;
    return command_sums_[channel][number % command_sums_[channel].size()];
  }
  WrittenCodes fill(std::size_t channel, Sample first, std::span<DacCode> out) noexcept {
    return channels_[channel].stimulus().fill(
        first, out, [this, channel](Sample at, FineCode from, FineCode to, FineCode slew) {
          telemetry_.stream(protocol::StepApplied{static_cast<std::uint8_t>(channel), at, from, to, slew});
        });
  }
  void write_cut(std::size_t channel, Sample dac_first) noexcept;

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
      if (state_ == protocol::State::stopping) state_ = rest_state();
    }
  }

  /// A piece of the command whose sample comes before the run has begun would find the switch open, and the run would
  /// begin with a jump. @param written  first sample without a DAC code once this block is written
  void refuse_late_segments(Sample written) noexcept {
    for (std::size_t c = 0; c < channel_count_; ++c) {
      const Stimulus& stimulus = channels_[c].stimulus();
      if (!stimulus.queued() || stimulus.next_start() >= written) continue;
      trip({protocol::FaultCode::late_segment, protocol::Signal::v_out,
            static_cast<std::int32_t>(written - stimulus.next_start())},
           static_cast<std::uint8_t>(c), stimulus.next_start());
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
      const FineCode zero = stimulus.zero();
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

  /// Latches a fault. A host that fell silent leaves a current that was wanted: it falls at the slew limit. Whatever
  /// else happened opens the switch at once.
  void trip(const Trip& cause, std::uint8_t channel, Sample at) noexcept {
    if (state_ == protocol::State::fault) return;
    state_ = protocol::State::fault;
    start_pending_ = stop_pending_ = false;
    fault_ = {cause.code, channel, at, cause.value, cause.limit, cause.signal};
    trace_ = Trace::ends;
    for (std::size_t c = 0; c < channel_count_; ++c) channels_[c].snippets().reset();
    if (cause.code != protocol::FaultCode::lease_expired) {
      cut_current();
    } else {
      head_for_zero(next_dac_ - ident_.block, false);
    }
    telemetry_.stream(fault_);
  }

  void end_of_block(Sample end) noexcept {
    const bool counted = streaming_ && end > stream_from_;
    if (counted && end.index % current_period() == 0) {
      for (std::size_t c = 0; c < channel_count_; ++c) channels_[c].end_current_mean(end);
    }
    if (end.index % mark_period() != 0) return;
    tell_health(end);
    if (counted) {
      for (std::size_t c = 0; c < channel_count_; ++c) channels_[c].flush(end, telemetry_);
    }
    telemetry_.stream(protocol::Mark{end, state_, fault_.code, overruns_, telemetry_.dropped(),
                                     bad_frames_.load(std::memory_order_relaxed)});
    if (streaming_ && !start_pending_ && !flowing() && !output_closed_) streaming_ = false;
  }

  void tell_health([[maybe_unused]] Sample now) noexcept {
    if constexpr (TellsHealth<B>) {
      if (now.index % ident_.sample_rate != 0) return;
      protocol::Health health = board_.health();
      health.at = now;
      telemetry_.stream(health);
    }
  }

  // ------------------------------------------------------------------ host side, in instrument_host.hpp

  struct RememberedAck {
    bool valid = false;
    protocol::Ack ack{};
  };

  struct PartDue {
    bool due = false;
    protocol::SetPart set{};
  };

  void execute(const protocol::Frame& frame) noexcept;
  void change_baud() noexcept;
  void end_session() noexcept;
  void hello(const protocol::Frame& frame) noexcept;
  void describe(const protocol::Frame& frame) noexcept;
  void describe_part(const protocol::Frame& frame) noexcept;
  void tell_status(const protocol::Frame& frame) noexcept;
  void tell_trace(const protocol::Frame& frame) noexcept;
  void refuse(const protocol::Frame& frame, protocol::Status status) noexcept {
    telemetry_.answer(protocol::Ack{frame.type, frame.sequence, status, board_.now()}, frame.sequence);
  }
  bool has_part(std::uint8_t channel) const noexcept {
    return channel < channel_count_ && (ident_.capabilities & protocol::can_set_part) != 0 &&
           board_.part(channel).highest > 0;
  }
  template <class Message>
  protocol::Status handle(const protocol::Frame& frame) noexcept {
    const auto message = protocol::decode<Message>(frame.payload);
    return message ? on(*message) : protocol::Status::malformed;
  }
  protocol::Status carry_out(const protocol::Frame& frame) noexcept;
  void disarm() noexcept;
  protocol::Status on(const protocol::Arm& arm) noexcept;
  protocol::Status on(const protocol::Start& start) noexcept;
  protocol::Status on(const protocol::Stop& stop) noexcept;
  protocol::Status on(const protocol::EmergencyStop& stop) noexcept;
  protocol::Status on(const protocol::Clear& clear) noexcept;
  protocol::Status on(const protocol::Schedule& segment) noexcept;
  protocol::Status on(const protocol::ConfigureDetector& settings) noexcept;
  protocol::Status on(const protocol::ConfigureTelemetry& settings) noexcept;
  protocol::Status on(const protocol::ConfigureLimits& limits) noexcept;
  protocol::Status on(const protocol::ConfigureLease& lease) noexcept;
  protocol::Status on(const protocol::ConfigureSnippets& settings) noexcept;
  protocol::Status on(const protocol::SetBaud& set) noexcept;
  protocol::Status on(const protocol::Pulse& pulse) noexcept;
  protocol::Status on(const protocol::SetPart& set) noexcept;
  protocol::Status on(const protocol::ConfigureCharge& limit) noexcept;
  protocol::Status on(const protocol::ConfigurePlausibility& settings) noexcept;
  bool at_rest() const noexcept { return state_ == protocol::State::idle || state_ == protocol::State::boot; }
  protocol::State rest_state() const noexcept {
    const bool fit = tested_ && (ident_.capabilities & protocol::unfit_capabilities) == 0;
    return fit ? protocol::State::idle : protocol::State::boot;
  }
  /// Whether a limit may be changed now: at rest to anything, before and under current only to what is stricter.
  bool may_limit(bool stricter) const noexcept {
    return at_rest() || (stricter && (state_ == protocol::State::armed || state_ == protocol::State::running));
  }

  /// What the newest codes are kept for: for snippets, for the fault of this block, for the host to ask for.
  enum class Trace : std::uint8_t { follows, ends, held };

  B& board_;
  protocol::Ident ident_{};
  std::array<protocol::ChannelInfo, MaxChannels> info_{};
  std::size_t channel_count_ = 0;
  std::array<ChannelState, MaxChannels> channels_{};
  std::array<PartDue, MaxChannels> parts_due_{};
  std::array<ChannelSafety, MaxChannels> safety_{};
  std::array<std::array<std::uint32_t, 8>, MaxChannels> command_sums_{};
  Telemetry telemetry_;
  protocol::FrameReader reader_;
  std::array<RememberedAck, 8> acks_{};
  std::size_t next_ack_ = 0;

  protocol::State state_ = protocol::State::boot;
  bool tested_ = false;
  protocol::Fault fault_{};
  Trace trace_ = Trace::follows;
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
  Sample numbered_{};  // a block, and how many came before it
  std::uint32_t number_ = 0;
  bool baud_due_ = false;
  std::uint32_t baud_ = 0;            // of the link; 0 is the first
  std::uint32_t dropped_before_ = 0;  // frames of the stream, as of the last block
  std::uint32_t overruns_ = 0;
  std::atomic<std::uint32_t> bad_frames_{0};  // written by the main loop, told by the block interrupt
};

}  // namespace thyrode::firmware

#include "firmware/core/instrument_host.hpp"
#include "firmware/core/instrument_stretch.hpp"
