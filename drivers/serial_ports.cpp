#include "drivers/serial_ports.hpp"

#include <fmt/core.h>
#include <libserialport.h>
#include <unistd.h>

#include "drivers/terminal.hpp"

namespace thyrode {
namespace {

std::string text(const char* value) {
  return value == nullptr ? std::string{} : std::string{value};
}

struct FreePort {
  void operator()(sp_port* port) const { sp_free_port(port); }
};

std::string last_error() {
  char* message = sp_last_error_message();
  std::string copy = text(message);
  sp_free_error_message(message);
  return copy;
}

}  // namespace

Result<std::vector<SerialPort>> serial_ports() {
  sp_port** list = nullptr;
  if (sp_list_ports(&list) != SP_OK) {
    return fail(ErrorKind::device, "the system does not list its serial ports: " + last_error());
  }
  std::vector<SerialPort> ports;
  for (sp_port** entry = list; *entry != nullptr; ++entry) {
    SerialPort port;
    port.path = text(sp_get_port_name(*entry));
    port.description = text(sp_get_port_description(*entry));
    port.usb = sp_get_port_transport(*entry) == SP_TRANSPORT_USB;
    if (port.usb) {
      sp_get_port_usb_vid_pid(*entry, &port.vendor, &port.product);
      port.serial = text(sp_get_port_usb_serial(*entry));
      port.manufacturer = text(sp_get_port_usb_manufacturer(*entry));
    }
    ports.push_back(std::move(port));
  }
  sp_free_port_list(list);
  return ports;
}

Result<std::unique_ptr<Link>> open_serial(const std::string& path, int baud) {
  sp_port* found = nullptr;
  if (sp_get_port_by_name(path.c_str(), &found) != SP_OK) {
    return fail(ErrorKind::device,
                fmt::format("{} is not a serial port of this machine: list what is there with 'thyrode scan'", path));
  }
  const std::unique_ptr<sp_port, FreePort> port{found};
  if (sp_open(port.get(), SP_MODE_READ_WRITE) != SP_OK) {
    return fail(ErrorKind::device, fmt::format("{} cannot be opened: {}; is it in use, or are you not in its group "
                                               "(often dialout)?",
                                               path, last_error()));
  }
  const bool set = sp_set_baudrate(port.get(), baud) == SP_OK && sp_set_bits(port.get(), 8) == SP_OK &&
                   sp_set_parity(port.get(), SP_PARITY_NONE) == SP_OK && sp_set_stopbits(port.get(), 1) == SP_OK &&
                   sp_set_flowcontrol(port.get(), SP_FLOWCONTROL_NONE) == SP_OK;
  int descriptor = -1;
  if (!set || sp_get_port_handle(port.get(), &descriptor) != SP_OK) {
    const std::string reason = last_error();
    sp_close(port.get());
    return fail(ErrorKind::device, fmt::format("{} refuses {} baud, 8N1: {}", path, baud, reason));
  }
  sp_flush(port.get(), SP_BUF_BOTH);
  // Asio takes a copy of the descriptor and closes it; libserialport's own goes with sp_close. The lock belongs to
  // both, so that it lasts until the last of them is closed.
  const int copy = ::dup(descriptor);
  sp_close(port.get());
  return open_terminal_descriptor(copy, path);
}

}  // namespace thyrode
