#include "drivers/make_device.hpp"

#include <fmt/core.h>

#include <charconv>

#include "drivers/current_clamp/current_clamp.hpp"
#include "drivers/serial_ports.hpp"

namespace thyrode {
namespace {

constexpr int baud = 1'000'000;

Result<std::unique_ptr<Device>> shake(Result<std::unique_ptr<Link>> link, std::string_view uri) {
  if (!link) return tl::make_unexpected(link.error());
  auto device = CurrentClamp::open(std::move(*link), std::string{uri});
  if (!device) return tl::make_unexpected(device.error());
  return std::move(*device);
}

Result<std::unique_ptr<Device>> open_by_usb_serial(std::string_view uri, std::string_view serial) {
  const auto ports = serial_ports();
  if (!ports) return tl::make_unexpected(ports.error());
  for (const SerialPort& port : *ports) {
    if (port.usb && port.serial == serial) return shake(open_serial(port.path, baud), uri);
  }
  return fail(ErrorKind::device, fmt::format("{}: no USB port has this serial number ({} ports here; list them with "
                                             "'thyrode scan')",
                                             uri, ports->size()));
}

struct Address {
  std::string_view host;
  std::string_view port;
};

/// Splits HOST:PORT or [IPV6]:PORT. Errors: bad_input.
Result<Address> split_address(std::string_view uri, std::string_view address) {
  const auto refuse = [uri](const char* reason) {
    return fail(ErrorKind::bad_input,
                fmt::format("{}: {}; write tcp://HOST:PORT, for example tcp://127.0.0.1:7001 or tcp://[::1]:7001", uri,
                            reason));
  };
  if (address.starts_with('[')) {
    const std::size_t end = address.find(']');
    if (end == std::string_view::npos) return refuse("the bracket around the address is not closed");
    if (end == 1) return refuse("names no host");
    const std::string_view rest = address.substr(end + 1);
    if (rest.empty() || rest.front() != ':') return refuse("names no port behind the bracket");
    return Address{address.substr(1, end - 1), rest.substr(1)};
  }
  const std::size_t colon = address.find(':');
  if (address.rfind(':') != colon) return refuse("an IPv6 address stands in brackets");
  if (colon == 0 || address.empty()) return refuse("names no host");
  if (colon == std::string_view::npos) return refuse("names no port");
  return Address{address.substr(0, colon), address.substr(colon + 1)};
}

Result<std::unique_ptr<Device>> open_by_address(std::string_view uri, std::string_view text) {
  const auto address = split_address(uri, text);
  if (!address) return tl::make_unexpected(address.error());
  const std::string_view digits = address->port;
  unsigned port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port == 0 || port > 65535) {
    return fail(ErrorKind::bad_input, fmt::format("{}: the port '{}' is not a number from 1 to 65535", uri, digits));
  }
  return shake(open_tcp(std::string{address->host}, static_cast<std::uint16_t>(port)), uri);
}

}  // namespace

Result<std::unique_ptr<Device>> make_device(std::string_view uri) {
  const auto after = [uri](std::string_view prefix) { return uri.substr(prefix.size()); };
  // An empty serial number would match any port that has none.
  for (const std::string_view prefix : {"serial:", "usb:serial=", "pty:"}) {
    if (uri == prefix) return fail(ErrorKind::bad_input, fmt::format("{}: names no port", uri));
  }
  if (uri.starts_with("serial:")) return shake(open_serial(std::string{after("serial:")}, baud), uri);
  if (uri.starts_with("usb:serial=")) return open_by_usb_serial(uri, after("usb:serial="));
  if (uri.starts_with("pty:")) return shake(open_terminal(std::string{after("pty:")}), uri);
  if (uri.starts_with("tcp://")) return open_by_address(uri, after("tcp://"));
  return fail(ErrorKind::bad_input, fmt::format("'{}' is not a device: use sim:NEURON, replay:FILE, "
                                                "serial:/dev/ttyACM0, usb:serial=NUMBER, pty:/dev/pts/N or "
                                                "tcp://HOST:PORT",
                                                uri));
}

}  // namespace thyrode
