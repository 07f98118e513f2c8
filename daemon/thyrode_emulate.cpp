// emulate, clear, scan.

#include <fmt/core.h>

#include <atomic>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "daemon/thyrode_commands.hpp"
#include "drivers/current_clamp/words.hpp"
#include "drivers/make_device.hpp"
#include "drivers/serial_ports.hpp"
#include "drivers/simulated/emulator.hpp"
#ifdef THYRODE_SILICON
#include "drivers/simulated/silicon.hpp"
#endif
#include "drivers/tcp_listener.hpp"
#include "drivers/terminal.hpp"

namespace thyrode::program {
namespace {

std::atomic<bool> stop_serving{false};

void stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int number) {
    if (stop_serving.exchange(true)) std::signal(number, SIG_DFL);  // a circuit that hangs does not hold the program
  };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

Result<double> speed_of(const std::string& text) {
  if (text == "max") return 0.0;
  double speed = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), speed);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(speed) || speed <= 0.0) {
    return fail(ErrorKind::bad_input, fmt::format("--speed {}: needs a positive factor such as 1 or 20, or max", text));
  }
  return speed;
}

Result<void> tell_address(const std::string& address) {
  if (std::printf("%s\n", address.c_str()) > 0 && std::fflush(stdout) == 0) return {};
  std::clearerr(stdout);
  return fail(
      ErrorKind::run_failed,
      fmt::format("{} cannot be told: standard output could not be written; nobody would find the device", address));
}

template <class Instrument>
Result<void> serve_tcp(Instrument& instrument, std::uint16_t port, double speed) {
  auto listener = TcpListener::open(port);
  if (!listener) return tl::make_unexpected(listener.error());
  if (auto told = tell_address(fmt::format("tcp://127.0.0.1:{}", listener->port())); !told) return told;
  while (!stop_serving) {
    const auto client = listener->accept(100.0_ms);
    if (!client) continue;
    auto served = serve_client(instrument, **client, speed, stop_serving);
    if (!served && served.error().kind == ErrorKind::run_failed) return served;
  }
  return {};
}

template <class Instrument>
Result<void> serve_terminal(Instrument& instrument, double speed) {
  const auto terminal = PseudoTerminal::open();
  if (!terminal) return tl::make_unexpected(terminal.error());
  if (auto told = tell_address(fmt::format("pty:{}", terminal->client_path())); !told) return told;
  while (!stop_serving) {
    if (!terminal->wait_for_client(100.0_ms)) continue;
    const auto client = terminal->link();
    if (!client) return tl::make_unexpected(client.error());
    auto served = serve_client(instrument, **client, speed, stop_serving);
    if (!served && served.error().kind == ErrorKind::run_failed) return served;
  }
  return {};
}

template <class Instrument>
Result<void> serve(Instrument& instrument, const EmulateOptions& options, double speed) {
  stop_on_signals();
  return options.tcp ? serve_tcp(instrument, *options.tcp, speed) : serve_terminal(instrument, speed);
}

/// The flash image of a board: its host's clock is the wall's, so that it may be slow but never fast.
Result<void> serve_image(std::unique_ptr<neurons::Neuron> neuron, const EmulateOptions& options, double speed) {
#ifdef THYRODE_SILICON
  if (speed <= 0.0 || speed > 1.0) {
    return fail(
        ErrorKind::bad_input,
        fmt::format("--speed {}: the board {} runs in real time, and its host would be late for its lease; needs "
                    "a factor up to 1 (thyrode run --device sim:NEURON?board={} is as fast as this machine)",
                    options.speed, options.board, options.board));
  }
  const auto image = read_flash_image(options.image);
  if (!image) return tl::make_unexpected(image.error());
  auto truth = open_truth(options.truth_path);
  if (!truth) return tl::make_unexpected(truth.error());
  silicon::SiliconInstrument instrument{
      *image, std::move(neuron), {.seed = options.seed, .ideal_front_end = !options.noise, .truth = std::move(*truth)}};
  return serve(instrument, options, speed);
#else
  static_cast<void>(neuron);
  static_cast<void>(speed);
  return fail(ErrorKind::bad_input,
              fmt::format("--board {}: this program was built without libunicorn-dev, which carries out the chip's "
                          "instructions; install it and build again",
                          options.board));
#endif
}

nlohmann::ordered_json describe_port(const SerialPort& port) {
  nlohmann::ordered_json entry{{"uri", "serial:" + port.path}, {"path", port.path}, {"description", port.description}};
  entry["usb"] = port.usb;
  entry["vendor"] = port.usb ? fmt::format("{:04x}", port.vendor) : "";
  entry["product"] = port.usb ? fmt::format("{:04x}", port.product) : "";
  entry["serial"] = port.serial;
  entry["manufacturer"] = port.manufacturer;
  // Only USB ports are asked: a word to an unknown device on a plain port could do harm.
  if (port.usb) {
    const auto device = make_device("serial:" + port.path);
    entry["thyrode"] = device ? nlohmann::ordered_json{{"board", (*device)->info().board},
                                                       {"firmware", (*device)->info().firmware},
                                                       {"serial", (*device)->info().serial}}
                              : nlohmann::ordered_json(nullptr);
  } else {
    entry["thyrode"] = nullptr;
  }
  return entry;
}

void print_port(const nlohmann::ordered_json& entry) {
  fmt::print("{}", entry["uri"].get<std::string>());
  if (entry["usb"]) {
    fmt::print("  usb {}:{} serial {} {}", entry["vendor"].get<std::string>(), entry["product"].get<std::string>(),
               entry["serial"].get<std::string>(), entry["manufacturer"].get<std::string>());
  }
  if (!entry["thyrode"].is_null()) {
    fmt::print("  thyrode {} {}", entry["thyrode"]["board"].get<std::string>(),
               entry["thyrode"]["serial"].get<std::string>());
  } else if (!entry["description"].get<std::string>().empty()) {
    fmt::print("  {}", entry["description"].get<std::string>());
  }
  fmt::print("\n");
}

}  // namespace

int emulate(const EmulateOptions& options) {
  const auto speed = speed_of(options.speed);
  if (!speed) return report(speed.error());
  auto neuron = make_named_neuron(options.neuron, options.seed, options.noise, options.spread);
  if (!neuron) return report(neuron.error());
  if (options.board != "native") {
    const auto served = serve_image(std::move(*neuron), options, *speed);
    return served ? 0 : report(served.error());
  }
  auto truth = open_truth(options.truth_path);
  if (!truth) return report(truth.error());
  // A pseudo terminal stands for the serial line of a board at 1 Mbaud, 8N1.
  const std::uint32_t link_rate = options.tcp ? 0 : 100'000;
  native::NativeInstrument instrument{
      std::move(*neuron),
      {.seed = options.seed, .ideal_front_end = !options.noise, .link_rate = link_rate, .truth = std::move(*truth)}};
  const auto served = serve(instrument, options, *speed);
  return served ? 0 : report(served.error());
}

int clear(const std::string& uri, const std::string& reason) {
  auto code = protocol::FaultCode::none;
  std::string known;
  for (int k = 1; k <= static_cast<int>(protocol::FaultCode::rail); ++k) {
    const auto candidate = static_cast<protocol::FaultCode>(k);
    known += std::string{k > 1 ? ", " : ""} + protocol::fault_name(candidate);
    if (reason == protocol::fault_name(candidate)) code = candidate;
  }
  if (code == protocol::FaultCode::none) {
    return report({ErrorKind::bad_input, fmt::format("'{}' is no fault; there are {}", reason, known)});
  }
  if (uri.starts_with("sim:")) {
    return report(
        {ErrorKind::bad_input, "a device inside the program lives as long as a run: it has no fault to clear"});
  }
  auto device = make_device(uri);
  if (!device) return report(device.error());
  const auto cleared = (*device)->clear(code);
  if (!cleared) return report(cleared.error());
  fmt::print("{}: {} cleared, the device is idle\n", uri, reason);
  return 0;
}

int scan(bool json) {
  const auto ports = serial_ports();
  if (!ports) return report(ports.error());
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const SerialPort& port : *ports) {
    list.push_back(describe_port(port));
  }
  if (json) {
    fmt::print("{}\n", nlohmann::ordered_json{{"schema", "thyrode.scan/1"}, {"ports", list}}.dump());
    return 0;
  }
  if (list.empty()) {
    fmt::print("no serial ports on this machine; the emulated instrument is always there: sim:msn\n");
    return 0;
  }
  for (const auto& entry : list) print_port(entry);
  return 0;
}

}  // namespace thyrode::program
