// Trigger input and output, by capture and compare of the time stamp: exact to a sample and better.
#pragma once

#include <cstdint>
#include <optional>

#include "protocols/time.hpp"

namespace thyrode::nucleo {

class Trigger {
 public:
  /// Sets TIM5 and its pins up.
  void start() noexcept;

  struct Capture {
    std::uint32_t stamp = 0;  ///< count of the last rising edge
    std::uint32_t count = 0;  ///< edges since the start
  };
  /// The edge since the last call, if there was one. Of several in between only the last is known.
  std::optional<Capture> take_edge() noexcept;

  /// Asks for one pulse. @returns false while another is under way
  bool pulse(Sample at, std::uint32_t length) noexcept;
  /// From the block interrupt: arms the edge that falls into a block to come.
  /// @param playing  sample that is under way
  /// @param first    of the block in question, which begins later
  void prepare(Sample playing, Sample first) noexcept;

 private:
  enum class Output : std::uint8_t { rests, rises, falls, ends };

  Output output_ = Output::rests;
  Sample rise_{};
  Sample fall_{};
  std::uint32_t edges_ = 0;
};

}  // namespace thyrode::nucleo
