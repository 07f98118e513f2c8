// From a device URI to an open device.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "drivers/device.hpp"

namespace thyrode {

/// Opens `serial:/dev/ttyACM0`, `usb:serial=...`, `pty:/dev/pts/7` or `tcp://host:port` and shakes hands.
/// (`sim:` needs a neuron: see drivers/simulated.)
/// Errors: bad_input (not a URI of these kinds), device (cannot be opened, or does not answer as ours).
Result<std::unique_ptr<Device>> make_device(std::string_view uri);

}  // namespace thyrode
