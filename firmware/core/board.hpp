// What a board must offer, so that one core compiles for a chip, the emulated board and a unit test.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "protocols/messages.hpp"

namespace thyrode::firmware {

template <class B>
concept Board = requires(B board, const B& there, std::span<std::uint8_t> in, std::span<const std::uint8_t> out,
                         std::uint8_t channel) {
  /// Device time: the ADC sample being converted now.
  { there.now() }
  noexcept->std::same_as<Sample>;
  /// Closes or opens the analog switch behind the current sources.
  { board.output_switch(bool{}) }
  noexcept;
  /// Bytes from the host, 0 when idle.
  { board.receive(in) }
  noexcept->std::same_as<std::size_t>;
  /// Bytes taken for the host, fewer than offered when the link is busy.
  { board.send(out) }
  noexcept->std::same_as<std::size_t>;
  /// Runs f while the block interrupt is held off.
  {
    board.critical([] {})
  }
  noexcept;
  /// Identity and scales; constant after reset.
  { there.identify() }
  noexcept->std::same_as<protocol::Ident>;
  { there.describe(channel) }
  noexcept->std::same_as<protocol::ChannelInfo>;
  /// The variable part of a channel; called where Ident tells can_set_part.
  { there.part(channel) }
  noexcept->std::same_as<protocol::PartInfo>;
  /// Exchanges it for another value, milliohm; no current flows into the channel.
  { board.set_part(channel, std::uint32_t{}) }
  noexcept;
  /// Whether the clock gives a rate of the link exactly; 0 is the first rate.
  { there.has_baud(std::uint32_t{}) }
  noexcept->std::same_as<bool>;
  /// Changes to it once all bytes taken so far are out. Both are called where Ident tells can_set_baud.
  { board.set_baud(std::uint32_t{}) }
  noexcept;
  /// Raises the trigger output with a sample whose DAC code is not written yet, and lowers it so many samples later.
  /// Called where Ident tells can_trigger. Returns false while it is busy with another pulse.
  { board.pulse(Sample{}, std::uint32_t{}) }
  noexcept->std::same_as<bool>;
  /// i_read codes per DAC code, 16 fractional bits: what a healthy read-back follows.
  { there.readback_ratio() }
  noexcept->std::same_as<std::int32_t>;
};

/// A board that can say how it is: called once a second from the block interrupt; the core adds the time.
template <class B>
concept TellsHealth = requires(B board) {
  { board.health() }
  noexcept->std::same_as<protocol::Health>;
};

}  // namespace thyrode::firmware
