// The host itself as one more board: the portable core, ADC and DAC wired to circuits under test, virtual time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "firmware/boards/native/front_end.hpp"
#include "firmware/boards/native/sampler.hpp"
#include "firmware/boards/native/span_tally.hpp"
#include "firmware/boards/native/truth.hpp"
#include "firmware/core/instrument.hpp"
#include "firmware/neurons/neuron.hpp"

namespace thyrode::native {

struct NativeOptions {
  std::uint64_t seed = 1;
  bool ideal_front_end = false;             ///< no gain, offset, noise or bend; quantisation stays
  bool every_sample = false;                ///< computes all conversions, also where nobody wants single codes
  std::uint32_t link_rate = 0;              ///< bytes per second told in IDENT; 0 is no limit
  std::function<void(const Truth&)> truth;  ///< may be empty
};

/// The board of the concept: bytes in two boxes, time in samples.
class NativeBoard {
 public:
  NativeBoard(std::size_t channels, const NativeOptions& options);
  Sample now() const noexcept { return now_; }
  void output_switch(bool closed) noexcept { closed_ = closed; }
  std::size_t receive(std::span<std::uint8_t> in) noexcept;
  std::size_t send(std::span<const std::uint8_t> out) noexcept;
  void critical(auto&& f) noexcept { f(); }
  protocol::Ident identify() const noexcept { return ident_; }
  protocol::ChannelInfo describe(std::uint8_t channel) const noexcept;
  std::int32_t readback_ratio() const noexcept;
  bool has_baud(std::uint32_t) const noexcept { return false; }
  void set_baud(std::uint32_t) noexcept {}
  bool pulse(Sample, std::uint32_t) noexcept { return false; }
  protocol::PartInfo part(std::uint8_t channel) const noexcept { return parts_[channel]; }
  void set_part(std::uint8_t channel, std::uint32_t resistance) noexcept {
    parts_[channel].present = resistance;
    part_changed_ = true;
  }
  /// Gives a channel a variable part.
  void own_part(const protocol::PartInfo& part) noexcept {
    parts_[part.channel] = part;
    ident_.capabilities |= protocol::can_set_part;
  }
  /// Whether a part was exchanged since the last call.
  bool take_part_change() noexcept { return std::exchange(part_changed_, false); }

  bool closed() const noexcept { return closed_; }
  void advance(std::int64_t samples) noexcept { now_ = now_ + samples; }
  /// Bytes of the host, to be received.
  void deliver(std::span<const std::uint8_t> bytes) { inbox_.insert(inbox_.end(), bytes.begin(), bytes.end()); }
  std::span<const std::uint8_t> outbox() const noexcept {
    return {outbox_.data() + outbox_read_, outbox_.size() - outbox_read_};
  }
  void take(std::size_t count) noexcept;
  /// Bytes that send() takes before it refuses.
  std::size_t room() const noexcept { return outbox_limit - std::min(outbox_limit, outbox_.size() - outbox_read_); }
  void clear_boxes() noexcept;

 private:
  static constexpr std::size_t outbox_limit = 65536;
  protocol::Ident ident_{};
  Sample now_{};
  bool closed_ = false;
  std::array<protocol::PartInfo, 2> parts_{};
  bool part_changed_ = false;
  std::vector<std::uint8_t> inbox_;
  std::size_t inbox_read_ = 0;
  std::vector<std::uint8_t> outbox_;
  std::size_t outbox_read_ = 0;
};

/// Board, core, front end and neuron in one: bytes in, bytes out, and time that moves only as far as granted.
/// While nobody wants single codes it advances by events instead of by samples: from mark to mark at once, or not at
/// all before the next mark is granted, so that the cuts between grants do not show in what it says.
class NativeInstrument {
 public:
  /// @param neuron  the circuit under test; its channels are the instrument's
  NativeInstrument(std::unique_ptr<neurons::Neuron> neuron, NativeOptions options);

  /// Gives bytes of the host to the device.
  void deliver(std::span<const std::uint8_t> bytes) { board_.deliver(bytes); }
  /// Bytes for the host; take() what was used.
  std::span<const std::uint8_t> outbox() const { return board_.outbox(); }
  void take(std::size_t count) { board_.take(count); }

  /// Talks, and runs one block, or all blocks to the next mark, if the host has granted it and the outbox has room.
  /// @returns true when device time has moved; from the block on in which the circuit fails it never does
  bool step();
  Sample now() const { return board_.now(); }
  /// The port was closed: current to zero, idle, what was under way is forgotten.
  void link_lost();
  /// Why the circuit cannot go on, or empty.
  std::string failure() const { return std::string{neuron_->failed()}; }

 private:
  static constexpr std::size_t block = Nominal::block;
  static constexpr std::size_t slow_every = Nominal::slow_every;
  static constexpr std::size_t slow_block = block / slow_every;
  static constexpr std::size_t lead = 2;  // blocks the DAC is written ahead, as by the chip's double buffer
  static constexpr std::size_t max_channels = 2;

  static constexpr double sample_time = 1.0 / Nominal::sample_rate;
  /// Bytes, well above the telemetry that blocks from mark to mark can make: with the least refractory that
  /// by_samples() lets through, 12 samples, that is at most 208 spikes or 4 KiB a channel, and a level record.
  static constexpr std::size_t worst_stretch = 49152;

  struct ChannelBench {
    ChannelBench(std::uint64_t seed, bool ideal, const GaussianTable& gaussian);
    CurrentSource source;
    AdcInput v_out;
    AdcInput v_m;
    AdcInput i_read;
    AntiAliasFilter filter{Nominal::filter_corner};
    Signal membrane;
    std::array<std::array<DacCode, block>, lead + 1> dac{};
    std::vector<CurrentChange> changes;  // of the walk that is under way
    std::size_t next_change = 0;
    double output_current = 0.0;
    // Block by block.
    Sampler out_sampler;
    Sampler m_sampler;
    std::array<double, block> v_out_values{};
    std::array<double, slow_block> v_m_values{};
    std::array<double, slow_block> i_values{};
    std::array<AdcCode, block> v_out_codes{};
    std::array<AdcCode, slow_block> v_m_codes{};
    std::array<AdcCode, slow_block> i_codes{};
    // By events.
    SpanTally v_out_tally{v_out};
    SpanTally v_m_tally{v_m};
    SpanTally i_tally{i_read};
    firmware::RestingCommand command;  // as the block that begins now plays
  };
  /// What a walk along the circuit asks and tells: see walk().
  class BlockWalk;
  class EventWalk;

  bool run_block(Sample first);
  bool simulate_block(Sample first);
  template <class Walk>
  bool walk(Sample first, Walk& along);
  void apply_changes(Sample first, int at);
  int next_change_after(int at, int end) const;
  bool renew_pieces();
  void report(Truth::Kind kind, std::size_t channel, Sample first, double into, double value) const;
  void offer_parts();
  void exchange_parts(Sample first);

  bool by_samples() const;
  std::size_t coast(Sample first, std::size_t blocks);
  bool coast_currents(std::size_t blocks);
  void end_stretch(Sample first, const EventWalk& along, std::size_t from, std::size_t to,
                   std::span<const double> before);
  void read_currents(ChannelBench& bench, std::size_t from, std::size_t to, double before,
                     firmware::StretchCodes& codes) const;
  void write_dac(Sample first);

  NativeOptions options_;
  GaussianTable gaussian_;
  std::unique_ptr<neurons::Neuron> neuron_;
  NativeBoard board_;
  firmware::Instrument<NativeBoard, max_channels> core_;
  std::vector<std::unique_ptr<ChannelBench>> bench_;
  std::uint64_t piece_ = 0;
  bool pieces_begun_ = false;
  double piece_left_at_ = 0.0;   // s from the start of the present piece to where the walk is
  bool samplers_behind_ = true;  // they were not moved with the present piece
  bool dac_behind_ = false;      // the codes that play next were not computed one by one
};

}  // namespace thyrode::native
