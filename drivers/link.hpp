// Bytes in, bytes out: what serial ports, pseudo terminals, TCP sockets and memory have in common.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "drivers/result.hpp"
#include "protocols/units.hpp"

namespace thyrode {

class Link {
 public:
  virtual ~Link() = default;
  /// Waits for bytes.
  /// @returns how many were written to `into`; 0 when none came within the timeout
  /// Errors: device (the other end is gone).
  virtual Result<std::size_t> read(std::span<std::uint8_t> into, Duration timeout) = 0;
  /// Queues bytes for the other end; never waits for it.
  /// Errors: device (gone, or it takes nothing and the queue of 256 KiB is full).
  virtual Result<void> write(std::span<const std::uint8_t> bytes) = 0;
  /// Bytes of write() that have not left yet.
  virtual std::size_t unsent() const = 0;
  /// True where waiting changes nothing: the other end lives in this thread and stands still until written to.
  virtual bool in_lockstep() const = 0;
};

/// Opens a pseudo terminal, raw; a serial port needs its rate, so open_serial().
/// Errors: device (not there, not a terminal, in use, no permission: each with what to do).
Result<std::unique_ptr<Link>> open_terminal(const std::string& path);

/// Opens a serial port found by libserialport, 8N1 without flow control, then drives its descriptor by Asio.
/// Errors: device (no serial port of this machine, in use, no permission, another rate only).
Result<std::unique_ptr<Link>> open_serial(const std::string& path, int baud);

/// Connects to a device that listens on TCP.
/// @param host  name or numeric address, an IPv6 address without brackets
/// Errors: device (unknown host, nobody listens, no answer within 2 s).
Result<std::unique_ptr<Link>> open_tcp(const std::string& host, std::uint16_t port);

}  // namespace thyrode
