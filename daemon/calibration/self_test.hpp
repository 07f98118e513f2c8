// What is well and what is not: with an instrument, with its link, and with the machine that records.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "drivers/device.hpp"

namespace thyrode::calibration {

enum class Verdict { ok, warning, failed };

/// One line of the self-test.
struct Check {
  std::string name;
  std::string measured;
  std::string limit;
  Verdict verdict = Verdict::ok;
  std::string fix;         ///< empty where it is ok
  bool of_device = false;  ///< else of this machine
};

struct DeviceTest {
  std::function<double()> seconds;            ///< of a steady clock
  std::function<bool()> stopped{};            ///< somebody wants it to end
  Current current = Current::from_si(10e-6);  ///< the largest that flows
};

/// State, latency and loss of the link, noise, loopback, watchdog, lease and emergency stop. At most `current` flows;
/// the faults that the test makes are cleared by it, others are left as they are. No current is left behind.
std::vector<Check> test_device(Device& device, Channel channel, const DeviceTest& test);

/// Where the host checks look.
struct HostPlaces {
  std::string folder = ".";                         ///< where runs are written
  double run_bytes_per_second = 2.0 * 4.0 * 250e3;  ///< two channels at the full rate
  std::string usb_serial = "/sys/bus/usb-serial/devices";
};

/// Space, speed and locking where runs are written. Leaves no file.
std::vector<Check> test_disk(const HostPlaces& places);
/// Permission and latency timer of a serial port. @param path  "/dev/ttyACM0"
std::vector<Check> test_port(const std::string& path, const HostPlaces& places);
/// Whether an instrument has a calibration that can be used. @param most_days  older ones are told
Check test_calibration(const std::string& store, const std::string& serial, double most_days, double now_seconds);

const char* to_string(Verdict verdict);

}  // namespace thyrode::calibration
