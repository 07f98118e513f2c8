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
  /// i_read codes per DAC code, 16 fractional bits: what a healthy read-back follows.
  { there.readback_ratio() }
  noexcept->std::same_as<std::int32_t>;
};

}  // namespace thyrode::firmware
