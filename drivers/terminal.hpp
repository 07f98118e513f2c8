// Terminals: raw mode for ports we open, and the master side of a pseudo terminal for the emulator.
#pragma once

#include <memory>
#include <string>

#include "drivers/link.hpp"

namespace thyrode {

/// A link over an open terminal descriptor, which it takes over and closes: raw, for this program alone, and such that
/// closing it does not reset the board behind it. The rate stays as it is.
/// Errors: device (not a terminal, in use); the descriptor is closed then.
Result<std::unique_ptr<Link>> open_terminal_descriptor(int descriptor, const std::string& name);

/// The device's end of a pseudo terminal.
class PseudoTerminal {
 public:
  /// Errors: device (the system has no pseudo terminal left).
  static Result<PseudoTerminal> open();
  PseudoTerminal(PseudoTerminal&& other) noexcept;
  PseudoTerminal& operator=(PseudoTerminal&&) = delete;
  ~PseudoTerminal();
  /// Path that a client opens.
  const std::string& client_path() const { return client_path_; }
  /// Waits until a client has it open. @returns false at the timeout
  bool wait_for_client(Duration timeout) const;
  /// A link over a copy of the descriptor, for one client.
  Result<std::unique_ptr<Link>> link() const;

 private:
  PseudoTerminal(int master, std::string path) : master_{master}, client_path_{std::move(path)} {}
  int master_ = -1;
  std::string client_path_;
};

}  // namespace thyrode
