// The flash image of a real board as a device: emulated chip, front end and neuron in this process.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "drivers/device.hpp"
#include "drivers/link.hpp"
#include "firmware/silicon/silicon_instrument.hpp"

namespace thyrode {

/// Reads a flash image as it is flashed (.bin).
/// @param path  empty: where ./dev firmware leaves it, below this folder or that of the program
/// Errors: bad_input (not there: with the places looked at; too large for the flash).
Result<std::vector<std::uint8_t>> read_flash_image(const std::string& path = {});

/// Shakes hands with an emulated chip, whose time moves only while the host waits for it: the host's clock is the
/// chip's, so that a run is the same to the bit each time, at any speed of the machine.
/// @param speed  device seconds per second of wall clock at most; 0 is as fast as the machine can
/// Errors: device (the chip refuses what its image does, or does not answer).
Result<std::unique_ptr<Device>> open_silicon(std::unique_ptr<silicon::SiliconInstrument> instrument, std::string uri,
                                             double speed = 0.0);

/// Serves one client until it is gone or `stop` is set; then the chip runs on until its lease is over.
/// @param speed  device seconds per second of wall clock, at most 1: the client's clock is the wall's
/// Errors: device (the client is gone: normal), run_failed (the chip refuses what its image does; the circuit cannot go
/// on).
Result<void> serve_client(silicon::SiliconInstrument& instrument, Link& client, double speed,
                          const std::atomic<bool>& stop);

}  // namespace thyrode
