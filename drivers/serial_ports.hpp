// Serial ports of this machine, found by libserialport.
#pragma once

#include <string>
#include <vector>

#include "drivers/result.hpp"

namespace thyrode {

struct SerialPort {
  std::string path;
  std::string description;
  bool usb = false;
  int vendor = 0;   ///< USB vendor id
  int product = 0;  ///< USB product id
  std::string serial;
  std::string manufacturer;
};

/// All ports, in the order of the system. Errors: device (the system refuses to list them).
Result<std::vector<SerialPort>> serial_ports();

}  // namespace thyrode
