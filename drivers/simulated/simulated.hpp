// The emulated instrument inside this process: a link through memory, virtual time, the default device.
#pragma once

#include <memory>
#include <string>

#include "drivers/device.hpp"
#include "drivers/link.hpp"
#include "firmware/boards/native/native_instrument.hpp"

namespace thyrode {

/// A link to an instrument in this thread: reading runs the instrument until it says something or has used its grant.
/// @param speed  device seconds per second of wall clock; 0 is as fast as the machine can
std::unique_ptr<Link> memory_link(std::unique_ptr<native::NativeInstrument> instrument, double speed = 0.0);

/// Wires a neuron to the emulated instrument and shakes hands.
/// Errors: device (the handshake fails).
Result<std::unique_ptr<Device>> open_simulated(std::unique_ptr<neurons::Neuron> neuron, native::NativeOptions options,
                                               std::string uri, double speed = 0.0);

}  // namespace thyrode
