// The emulated instrument for other programs: the native board behind a pseudo terminal or a TCP port.
#pragma once

#include <atomic>

#include "drivers/link.hpp"
#include "firmware/boards/native/native_instrument.hpp"

namespace thyrode {

/// Serves one client until it is gone or `stop` is set; then the current is zero and the instrument idle.
/// @param speed  device seconds per second of wall clock; 0 is as fast as the machine can. Virtual time rules at any
///               speed: the instrument never passes the sample the client has granted.
/// Errors: device (the client is gone: normal), run_failed (the circuit cannot go on).
Result<void> serve_client(native::NativeInstrument& instrument, Link& client, double speed,
                          const std::atomic<bool>& stop);

}  // namespace thyrode
