// The portable core on a board made of boxes: bytes in, bytes out, a switch, codes from functions of the sample.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "firmware/core/instrument.hpp"

namespace thyrode::firmware {

constexpr FineCode fine(double code) {
  return static_cast<FineCode>(code * (1 << fine_bits));
}

/// The board of the concept, with the figures of the reference front end.
class FakeBoard {
 public:
  FakeBoard(std::uint8_t channels, bool real_time) {
    ident_.sample_rate = 250000;
    ident_.block = 50;
    ident_.channels = channels;
    ident_.capabilities = protocol::can_snippets | protocol::can_full_trace | protocol::can_set_part;
    ident_.capabilities |= protocol::can_set_baud | protocol::can_trigger;
    if (!real_time) ident_.capabilities |= protocol::can_virtual_time;
    ident_.queue_depth = Stimulus::queue_depth;
    ident_.board = {'f', 'a', 'k', 'e'};
  }
  Sample now() const noexcept { return now_; }
  void output_switch(bool closed) noexcept { closed_ = closed; }
  std::size_t receive(std::span<std::uint8_t> in) noexcept {
    const std::size_t n = std::min(in.size(), inbox.size());
    std::copy_n(inbox.begin(), n, in.begin());
    inbox.erase(inbox.begin(), inbox.begin() + static_cast<std::ptrdiff_t>(n));
    return n;
  }
  std::size_t send(std::span<const std::uint8_t> out) noexcept {
    const std::size_t n = std::min({out.size(), accepts, at_once});
    outbox.insert(outbox.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(n));
    accepts -= n;
    return n;
  }
  void critical(auto&& f) noexcept { f(); }
  protocol::Ident identify() const noexcept { return ident_; }
  protocol::ChannelInfo describe(std::uint8_t channel) const noexcept {
    protocol::ChannelInfo info;
    info.channel = channel;
    info.label[0] = static_cast<char>('A' + channel);
    for (auto& signal : info.signals) signal.bits = 12;
    info.signals[1].zero = 32;
    info.signals[2].zero = 2048;
    info.signals[1].every = info.signals[2].every = 10;
    info.command = {1e-7, 2048, 1, 12};
    info.highest = fine(4095);
    info.fastest = fine(800);
    return info;
  }
  protocol::PartInfo part(std::uint8_t channel) const noexcept {
    return {channel, 1000, has_part ? 9000000U : 0U, resistance, 1e-7};
  }
  void set_part(std::uint8_t, std::uint32_t milliohm) noexcept {
    resistance = milliohm;
    part_set_at = now_;
  }
  std::int32_t readback_ratio() const noexcept { return 52429; }  // 0.8
  bool has_baud(std::uint32_t rate) const noexcept { return rate == 0 || rate == 2000000; }
  void set_baud(std::uint32_t rate) noexcept {
    baud = rate;
    sent_before_baud = outbox.size();
  }
  bool pulse(Sample at, std::uint32_t length) noexcept {
    if (busy) return false;
    pulses.emplace_back(at, length);
    return true;
  }
  bool closed() const { return closed_; }
  void advance(std::int64_t samples) { now_ = now_ + samples; }

  std::vector<std::uint8_t> inbox;
  std::vector<std::uint8_t> outbox;
  std::size_t accepts = std::numeric_limits<std::size_t>::max();  ///< bytes the link still takes
  std::size_t at_once = std::numeric_limits<std::size_t>::max();  ///< bytes taken in one call
  bool has_part = true;
  std::uint32_t baud = 0;
  std::size_t sent_before_baud = 0;  ///< bytes that had left when the rate changed
  bool busy = false;                 ///< with a pulse
  std::vector<std::pair<Sample, std::uint32_t>> pulses;
  std::uint32_t resistance = 47000;  ///< milliohm
  Sample part_set_at{};              ///< the block that was computed then

 private:
  protocol::Ident ident_{};
  Sample now_{};
  bool closed_ = false;
};

/// Board, core and a host that writes frames and reads them.
class Rig {
 public:
  static constexpr std::int64_t block = 50;
  static constexpr std::int64_t period = 2500;  // samples between marks
  static constexpr std::size_t lead = 2;
  using Source = std::function<int(std::int64_t)>;

  explicit Rig(std::uint8_t channels = 1, bool real_time = false)
      : board{channels, real_time}, core{board}, channels_{channels} {
    for (auto& channel : dac_) {
      for (auto& codes : channel) codes.fill(2048);
    }
    core.tested();
    for (std::size_t c = 0; c < channels; ++c) v_out[c] = [](std::int64_t) { return 100; };
  }

  struct Received {
    std::uint8_t type;
    std::uint8_t sequence;
    std::vector<std::uint8_t> payload;
    Sample now;  ///< device time when it came
  };

  /// Sends a command. @returns its sequence number
  template <class Message>
  std::uint8_t send(const Message& message) {
    write(message, ++sequence_);
    return sequence_;
  }
  template <class Message>
  void write(const Message& message, std::uint8_t sequence) {
    std::array<std::uint8_t, protocol::max_payload_up> payload;
    std::array<std::uint8_t, protocol::max_frame_bytes> frame;
    const std::size_t size = protocol::encode(message, payload);
    const std::size_t bytes = protocol::write_frame(Message::type, sequence, {payload.data(), size}, frame);
    board.inbox.insert(board.inbox.end(), frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(bytes));
  }
  /// Sends a command, lets the device talk and gives the status of the answer.
  template <class Message>
  protocol::Status ask(const Message& message) {
    const std::uint8_t sequence = send(message);
    talk();
    const auto acks = all<protocol::Ack>();
    if (acks.empty() || acks.back().sequence != sequence || acks.back().command != Message::type) {
      ADD_FAILURE() << "no answer to " << Message::name;
      return protocol::Status::malformed;
    }
    return acks.back().status;
  }
  /// Lets the device talk without moving its time.
  void talk() {
    core.poll();
    std::span<const std::uint8_t> bytes{board.outbox};
    while (!bytes.empty()) {
      if (!reader_.push(bytes)) continue;
      ASSERT_TRUE(reader_.frame()) << protocol::describe(reader_.frame().error());
      const protocol::Frame& frame = *reader_.frame();
      received.push_back({frame.type, frame.sequence, {frame.payload.begin(), frame.payload.end()}, board.now()});
    }
    board.outbox.clear();
  }

  /// Runs one block: what was written plays, is read back and handed to the core.
  void step() {
    talk();
    const Sample first = board.now();
    const auto number = static_cast<std::size_t>(first.index / block);
    std::array<ChannelCodes, 2> codes;
    std::array<std::span<DacCode>, 2> out;
    for (std::size_t c = 0; c < channels_; ++c) {
      auto& playing = dac_[c][number % (lead + 1)];
      for (std::size_t k = 0; k < block; ++k) {
        const std::int64_t at = first.index + static_cast<std::int64_t>(k);
        written[c].push_back(playing[k]);
        played[c].push_back(board.closed() ? playing[k] : 2048);
        v_out_codes_[c][k] = static_cast<AdcCode>(v_out[c](at));
        if (k % 10 != 0) continue;
        v_m_codes_[c][k / 10] = static_cast<AdcCode>(v_m(at));
        i_codes_[c][k / 10] = static_cast<AdcCode>(std::lround(2048 + readback_gain * 0.8 * (played[c].back() - 2048)) +
                                                   readback_offset + flicker(at));
      }
      codes[c] = {v_out_codes_[c], v_m_codes_[c], i_codes_[c]};
      out[c] = dac_[c][(number + lead) % (lead + 1)];
    }
    closed.push_back(board.closed());
    board.advance(block);
    core.on_block(first, {codes.data(), channels_}, first + static_cast<std::int64_t>(lead) * block,
                  {out.data(), channels_});
    talk();
  }
  /// Runs all blocks to the next mark as one stretch, V_out in spans of at most `longest` codes and code by code where
  /// the detector wants it. @returns false, and does nothing, when something is due
  bool coast(std::int64_t longest) {
    talk();
    const Sample first = board.now();
    const Sample dac_first = first + static_cast<std::int64_t>(lead) * block;
    const std::int64_t blocks = core.quiet_blocks(first, dac_first);
    if (blocks == 0) return false;
    std::array<StretchCodes, 2> slow{};
    for (std::size_t c = 0; c < channels_; ++c) {
      RestingCommand command = core.resting(c).before(static_cast<std::int64_t>(lead) * block);
      for (std::int64_t k = 0; k < blocks * block; ++k) {
        const std::int64_t at = first.index + k;
        written[c].push_back(command.code());
        played[c].push_back(board.closed() ? written[c].back() : 2048);
        if (k % 10 == 0) add_slow(slow[c], at, static_cast<std::size_t>(k / 250), played[c].back());
      }
      if (core.listens(first)) coast_v_out(c, first, blocks * block, longest);
      // The codes that play next.
      const auto number = static_cast<std::size_t>(first.index / block + blocks);
      for (std::size_t k = 0; k < lead; ++k) {
        for (DacCode& code : dac_[c][(number + k) % (lead + 1)]) code = command.code();
      }
    }
    closed.insert(closed.end(), static_cast<std::size_t>(blocks), board.closed());
    board.advance(blocks * block);
    core.on_stretch(first, dac_first, blocks, {slow.data(), channels_});
    talk();
    return true;
  }
  /// Runs up to a sample, with a heartbeat every 10 ms unless the host is silent.
  void run_until(std::int64_t sample) {
    while (board.now().index < sample) {
      if (!silent && board.now().index % period == 0) write(protocol::Heartbeat{}, 0);
      step();
    }
  }
  /// Arms and starts at a sample (a multiple of `period`).
  void start(std::int64_t at) {
    ASSERT_EQ(ask(protocol::Arm{}), protocol::Status::done);
    ASSERT_EQ(ask(protocol::Start{Sample{at}}), protocol::Status::done);
  }
  protocol::Status step_to(std::int64_t at, double code, std::uint8_t channel = 0) {
    return ask(protocol::Schedule{channel, Sample{at}, 0, fine(code), fine(code)});
  }
  protocol::Status set_slew(double codes_per_sample, AdcCode compliance = 0xFFFF, AdcCode band = 0xFFFF) {
    return ask(protocol::ConfigureLimits{0, 0, fine(4095), fine(codes_per_sample), compliance, band});
  }

  template <class Message>
  std::vector<Message> all() const {
    std::vector<Message> messages;
    for (const Received& frame : received) {
      if (frame.type != Message::type) continue;
      const auto message = protocol::decode<Message>(frame.payload);
      EXPECT_TRUE(message) << Message::name;
      if (message) messages.push_back(*message);
    }
    return messages;
  }
  /// Drops what was heard and what flowed, for long runs; keeps the last fault.
  void forget() {
    const auto faults = all<protocol::Fault>();
    if (!faults.empty()) last_fault = faults.back();
    received.clear();
    for (auto& codes : written) codes.clear();
    for (auto& codes : played) codes.clear();
    closed.clear();
  }
  bool at_zero(std::size_t channel, std::int64_t from, std::int64_t to) const {
    for (std::int64_t k = from; k < to; ++k) {
      if (played[channel][static_cast<std::size_t>(k)] != 2048) return false;
    }
    return true;
  }

  FakeBoard board;
  Instrument<FakeBoard, 2> core;
  std::array<Source, 2> v_out;
  Source v_m = [](std::int64_t) { return 500; };
  double readback_gain = 1.0;
  int readback_offset = 0;
  bool readback_flickers = false;  ///< by one code from conversion to conversion
  bool silent = false;
  protocol::Fault last_fault{};
  std::size_t spans = 0;  ///< of V_out, handed over by coast()
  std::vector<Received> received;
  std::array<std::vector<DacCode>, 2> written;  ///< codes as they came out of the converter, one a sample
  std::array<std::vector<DacCode>, 2> played;   ///< the same behind the switch
  std::vector<bool> closed;                     ///< the switch, one a block

 private:
  long flicker(std::int64_t at) const { return readback_flickers ? at / 10 % 2 : 0; }
  void add_slow(StretchCodes& slow, std::int64_t at, std::size_t mean, DacCode played_code) const {
    const auto v = static_cast<AdcCode>(v_m(at));
    slow.v_m = {std::min(slow.v_m.lowest, v), std::max(slow.v_m.highest, v), slow.v_m.sum + v};
    ++slow.v_m_count;
    const auto i = static_cast<AdcCode>(std::lround(2048 + readback_gain * 0.8 * (played_code - 2048)) +
                                        readback_offset + flicker(at));
    slow.i_read = {std::min(slow.i_read.lowest, i), std::max(slow.i_read.highest, i), 0};
    slow.read_sums[mean] += i;
    ++slow.read_counts[mean];
  }
  void coast_v_out(std::size_t c, Sample first, std::int64_t count, std::int64_t longest) {
    for (std::int64_t k = 0; k < count; k += longest) {
      std::vector<AdcCode> codes;
      for (std::int64_t j = k; j < std::min(count, k + longest); ++j) {
        codes.push_back(static_cast<AdcCode>(v_out[c](first.index + j)));
      }
      const CodeSummary all = summarise(codes);
      SpanBounds bounds{all.lowest, all.highest, 0, 0};
      AdcCode lowest = codes[0], highest = codes[0];
      for (const AdcCode code : codes) {
        lowest = std::min(lowest, code);
        highest = std::max(highest, code);
        bounds.rise = std::max(bounds.rise, code - lowest);
        bounds.fall = std::max(bounds.fall, highest - code);
      }
      // Of the codes before, only what the detector has taken in itself counts.
      const SpanBounds none{std::numeric_limits<AdcCode>::max(), 0, 0, 0};
      if (core.detector(c).passes_over(bounds, none)) {
        ++spans;
        core.coast(c, {static_cast<std::uint32_t>(codes.size()), all.lowest, all.highest, codes.back(), all.sum});
      } else {
        core.take_v_out(c, first + k, codes);
      }
    }
  }

  std::size_t channels_;
  std::uint8_t sequence_ = 0;
  protocol::FrameReader reader_;
  std::array<std::array<std::array<DacCode, block>, lead + 1>, 2> dac_{};
  std::array<std::array<AdcCode, block>, 2> v_out_codes_{};
  std::array<std::array<AdcCode, block / 10>, 2> v_m_codes_{};
  std::array<std::array<AdcCode, block / 10>, 2> i_codes_{};
};

}  // namespace thyrode::firmware
