// What really happened on an emulated bench: for the side file, never for the host.
#pragma once

#include <cstdint>

#include "protocols/time.hpp"

namespace thyrode::native {

struct Truth {
  enum class Kind : std::uint8_t { current, fire, open, load };
  Kind kind = Kind::current;
  std::uint8_t channel = 0;
  Sample sample;          ///< the sample before the moment
  double fraction = 0.0;  ///< of a sample after it
  double value = 0.0;     ///< A, for `current`; Ohm, for `load`
};

}  // namespace thyrode::native
