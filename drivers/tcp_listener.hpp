// The device's end of a TCP link, on loopback only.
#pragma once

#include <cstdint>
#include <memory>

#include "drivers/link.hpp"

namespace thyrode {

class TcpListener {
 public:
  /// Listens on 127.0.0.1. @param port  0 lets the system choose
  /// Errors: device (port in use).
  static Result<TcpListener> open(std::uint16_t port);
  TcpListener(TcpListener&&) noexcept;
  ~TcpListener();
  std::uint16_t port() const;
  /// Waits for the next client. Errors: timeout.
  Result<std::unique_ptr<Link>> accept(Duration timeout);

 private:
  struct State;
  explicit TcpListener(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace thyrode
