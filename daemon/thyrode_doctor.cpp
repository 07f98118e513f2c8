// doctor: the self-test of an instrument, its link and this machine.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>

#include "daemon/calibration/self_test.hpp"
#include "daemon/calibration/store.hpp"
#include "daemon/thyrode_calibration.hpp"
#include "daemon/thyrode_commands.hpp"
#include "drivers/serial_ports.hpp"

namespace thyrode::program {
namespace {

using calibration::Check;
using calibration::Verdict;

std::atomic<bool> interrupted{false};

struct DoctorOptions {
  std::string device;
  std::string channel = "A";
  std::string out = ".";
  std::string store;
  double days = usual_calibration_days;
  bool json = false;
};

constexpr const char* text =
    "Each line says what was measured, its limit, and what to do where it is not met. With --device at most 10 uA "
    "flow\n"
    "for about a second, and none afterwards; the lease is let run out once and an emergency stop given, and both are\n"
    "cleared again. A fault that was latched before is left. While a run has the device it cannot be opened, and this\n"
    "says so. The exit code is 3 where the instrument fails, 1 where only this machine does.\n\n"
    "Examples:\n"
    "  thyrode doctor\n"
    "  thyrode doctor --device serial:/dev/ttyACM0 --out /data/runs";

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void add(std::vector<Check>& to, std::vector<Check> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

/// Which instruments are here, where none was named.
void list_ports(std::vector<Check>& checks, const calibration::HostPlaces& places) {
  const auto ports = serial_ports();
  const std::string found = ports ? fmt::format("{} serial ports", ports->size()) : ports.error().message;
  const bool some = ports && !ports->empty();
  checks.push_back({"instruments", found, "one", some ? Verdict::ok : Verdict::warning,
                    some ? "" : "plug a board in and look at its cable; the emulated instrument is sim:msn", false});
  if (!ports) return;
  for (const SerialPort& port : *ports) add(checks, calibration::test_port(port.path, places));
}

void examine(std::vector<Check>& checks, const DoctorOptions& options, const std::string& store,
             const calibration::HostPlaces& places) {
  for (const std::string_view kind : {"serial:", "pty:"}) {
    if (options.device.starts_with(kind))
      add(checks, calibration::test_port(options.device.substr(kind.size()), places));
  }
  const auto device = open_device(options.device, {});
  if (!device) {
    checks.push_back({"device", device.error().message, "an answer of this version", Verdict::failed,
                      "close the program that has it, look at cable and power, or flash the firmware of this version",
                      true});
    return;
  }
  const DeviceInfo& info = (*device)->info();
  const auto channel = std::find_if(info.channels.begin(), info.channels.end(),
                                    [&](const ChannelDescription& c) { return c.label == options.channel; });
  if (channel == info.channels.end()) {
    checks.push_back({"device", fmt::format("no channel {}", options.channel), "", Verdict::failed,
                      "name one with --channel", true});
    return;
  }
  calibration::DeviceTest test;
  test.seconds = steady_seconds;
  test.stopped = [] { return interrupted.load(); };
  const Channel index{static_cast<std::uint8_t>(channel - info.channels.begin())};
  add(checks, calibration::test_device(**device, index, test));
  const double now = static_cast<double>(std::time(nullptr));
  checks.push_back(calibration::test_calibration(store, info.serial, options.days, now));
}

nlohmann::ordered_json to_json(const std::vector<Check>& checks, const std::string& device) {
  nlohmann::ordered_json document{{"schema", "thyrode.doctor/1"}, {"device", device}};
  document["checks"] = nlohmann::ordered_json::array();
  for (const Check& check : checks) {
    document["checks"].push_back({{"name", check.name},
                                  {"measured", check.measured},
                                  {"limit", check.limit},
                                  {"verdict", calibration::to_string(check.verdict)},
                                  {"fix", check.fix},
                                  {"of", check.of_device ? "device" : "host"}});
  }
  return document;
}

int doctor(const DoctorOptions& options) {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = true; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  calibration::HostPlaces places;
  places.folder = options.out;
  const std::string store = options.store.empty() ? calibration::default_store() : options.store;
  std::vector<Check> checks = calibration::test_disk(places);
  options.device.empty() ? list_ports(checks, places) : examine(checks, options, store, places);
  bool device_failed = false, host_failed = false;
  for (const Check& check : checks) {
    if (check.verdict == Verdict::failed) (check.of_device ? device_failed : host_failed) = true;
  }
  if (options.json) {
    fmt::print("{}\n", to_json(checks, options.device).dump());
  } else {
    for (const Check& check : checks) {
      fmt::print("{:8} {:14} {}{}\n", calibration::to_string(check.verdict), check.name, check.measured,
                 check.limit.empty() ? "" : "  (limit: " + check.limit + ")");
      if (!check.fix.empty()) fmt::print("{:24}{}\n", "", check.fix);
    }
  }
  return device_failed ? 3 : host_failed ? 1 : 0;
}

}  // namespace

void add_doctor(CLI::App& app, int& code) {
  const auto options = std::make_shared<DoctorOptions>();
  CLI::App* verb = app.add_subcommand("doctor", "what is wrong with instrument, link and disk, and the fix");
  verb->add_option("--device", options->device, "device URI (default: none, only this machine)")->type_name("URI");
  verb->add_option("--channel", options->channel, "channel that is driven (default A)")->type_name("LABEL");
  verb->add_option("--out", options->out, "folder where runs are written (default: this one)")->type_name("DIR");
  verb->add_option("--store", options->store, "folder of the calibrations")->type_name("DIR");
  verb->add_option("--calibration-days", options->days, "an older calibration is told (default 365)")
      ->check(CLI::PositiveNumber.description(""))
      ->type_name("N");
  verb->add_flag("--json", options->json, "one JSON document on standard output");
  verb->footer(text);
  verb->callback([options, &code] { code = doctor(*options); });
}

}  // namespace thyrode::program
