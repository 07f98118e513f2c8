// What was asked during a run: by the host of the device, and by a person of the run. A replay asks the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drivers/device.hpp"
#include "drivers/result.hpp"

namespace thyrode::recording {

/// What the host told the device while the run went on.
struct RecordedOrder {
  enum class Kind : std::uint8_t { piece = 1, load = 2, stop = 3 };
  Kind kind = Kind::piece;
  Channel channel;
  Sample at;          ///< of a stop 0: at once
  Duration duration;  ///< of a piece of the command; 0 is a step
  Current first;      ///< of a piece
  Current last;       ///< of a piece
  Resistance load;    ///< of a load that was set
};

/// What a person asked for; it was taken up after a mark and before the next one.
struct RecordedRequest {
  enum class Kind : std::uint8_t { stop = 1, pause = 2, resume = 3, yes = 4, no = 5 };
  Kind kind = Kind::stop;
  Sample after;                 ///< the mark; the origin of the run where there was none yet
  std::optional<double> value;  ///< of an answer, SI units of the quantity asked for
};

/// What the host told the device in a run, in order; none of a recording that does not tell.
/// Errors: bad_input (as read_run).
Result<std::vector<RecordedOrder>> read_orders(const std::string& path);

/// What persons asked for in a run, in order; none of a recording that does not tell.
/// Errors: bad_input (as read_run).
Result<std::vector<RecordedRequest>> read_requests(const std::string& path);

}  // namespace thyrode::recording
