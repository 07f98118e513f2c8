// calibrate: a known resistor, the whole range of currents, one file for each serial number.

#include <fmt/chrono.h>
#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <memory>

#include "daemon/calibration/calibrate.hpp"
#include "daemon/calibration/store.hpp"
#include "daemon/experiment/load/quantity_text.hpp"
#include "daemon/experiment/load/words.hpp"
#include "daemon/thyrode_calibration.hpp"
#include "daemon/thyrode_commands.hpp"

namespace thyrode::program {
namespace {

using load::QuantityKind;

std::atomic<bool> interrupted{false};

struct CalibrateOptions {
  std::string device;
  std::string channel = "A";
  std::string resistor;
  std::string capacitor;
  std::string lowest = "-20 uA";
  std::string highest = "200 uA";
  std::string reading;
  bool meter = false;
  std::string store;
  std::uint64_t seed = first_seed;
  bool noise = true;
  bool json = false;
};

constexpr const char* text =
    "Wire a resistor whose value you know to the current output, V_m (and V_out) across it, and nothing else. About\n"
    "6.2 kOhm suits: V_m and V_out both use their ranges. The current goes up and down through zero, 50 s in all; a "
    "fit\n"
    "that does not hold stores nothing. A resistor alone tells how volts and amperes go together; how large both are, "
    "it\n"
    "does not: for that a meter is read at the last current, across the resistor (V) or in series (A). Without one "
    "the\n"
    "gains are taken to be right on average, and the intervals say +-1.1 %. See docs/calibration.md.\n\n"
    "Examples:\n"
    "  thyrode calibrate --device serial:/dev/ttyACM0 --resistor '6.2 kOhm +-0.1 %' --meter\n"
    "  thyrode calibrate --device pty:/dev/pts/7 --resistor '1 kOhm +-0.1 %' --capacitor 1uF --reading '0.1993 V "
    "+-0.05 %'";

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string iso_now() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::string date = fmt::format("{:%Y-%m-%dT%H:%M:%S%z}", local);
  return date.insert(date.size() - 2, ":");
}

struct WithTolerance {
  load::AnyQuantity quantity;
  double tolerance = 0.0;
};

/// "10 kOhm +-0.1 %": a quantity and the bounds of its error. Errors: bad_input.
Result<WithTolerance> parse_with_tolerance(const std::string& option, std::string written, const char* example) {
  const auto refuse = [&](const std::string& why) {
    return fail(ErrorKind::bad_input, fmt::format("{} {}: {}; write for example {} '{}'", option,
                                                  load::shortened(written), why, option, example));
  };
  std::string value = written;
  for (const std::string_view sign : {"±", "+/-"}) {
    if (const auto at = value.find(sign); at != std::string::npos) value.replace(at, sign.size(), "+-");
  }
  // Ohm is a name, and not only this program writes it without its capital letter.
  if (const auto at = value.find("ohm"); at != std::string::npos) value.replace(at, 3, "Ohm");
  const auto at = value.find("+-");
  if (at == std::string::npos) return refuse("how well it is known is missing");
  std::string head = value.substr(0, at);
  head.erase(head.find_last_not_of(' ') + 1);
  std::string tail = value.substr(at + 2);
  tail.erase(0, tail.find_first_not_of(' '));
  const auto quantity = load::parse_any_quantity(head);
  if (!quantity) return refuse(quantity.error().message);
  if (quantity->kind == QuantityKind::number) return refuse("the unit is missing");
  const auto tolerance = load::parse_quantity(tail, QuantityKind::ratio);
  if (!tolerance) return refuse(tolerance.error().message);
  if (!(*tolerance >= 0.0 && *tolerance <= 0.2)) return refuse("a tolerance is 0 % to 20 %");
  return WithTolerance{*quantity, *tolerance};
}

Result<calibration::Reading> parse_reading(const std::string& option, const std::string& written) {
  const auto read = parse_with_tolerance(option, written, "1.2345 V +-0.05 %");
  if (!read) return tl::make_unexpected(read.error());
  const bool amperes = read->quantity.kind == QuantityKind::current;
  if (!amperes && read->quantity.kind != QuantityKind::voltage) {
    return fail(ErrorKind::bad_input, fmt::format("{} {}: a meter reads V or A", option, load::shortened(written)));
  }
  return calibration::Reading{read->quantity.si, amperes, read->tolerance};
}

/// Asks at the terminal; in real time it comes back at once while nobody has answered, for the device's sake.
class MeterPrompt {
 public:
  explicit MeterPrompt(bool virtual_time) : virtual_time_{virtual_time} {}
  std::optional<Result<calibration::Reading>> ask(Current held) {
    if (!asked_) {
      fmt::print(stderr, "About {} is held. What does the meter read, and how well (1.2345 V +-0.05 %)? ",
                 load::to_text(held));
      std::fflush(stderr);
      asked_ = true;
    }
    pollfd keyboard{STDIN_FILENO, POLLIN, 0};
    if (::poll(&keyboard, 1, virtual_time_ ? 200 : 0) <= 0) return std::nullopt;
    std::string line;
    if (!std::getline(std::cin, line)) {
      return Result<calibration::Reading>{
          fail(ErrorKind::bad_input, "--meter: the input ended before the meter was read")};
    }
    auto reading = parse_reading("reading", line);
    if (reading) return reading;
    fmt::print(stderr, "{}\n", reading.error().message);
    asked_ = false;
    return std::nullopt;
  }

 private:
  bool virtual_time_;
  bool asked_ = false;
};

Result<calibration::Procedure> procedure_of(const CalibrateOptions& options) {
  calibration::Procedure procedure;
  const auto resistor = parse_with_tolerance("--resistor", options.resistor, "10 kOhm +-0.1 %");
  if (!resistor) return tl::make_unexpected(resistor.error());
  if (resistor->quantity.kind != QuantityKind::resistance) {
    return fail(ErrorKind::bad_input,
                fmt::format("--resistor {}: is {}, and a resistance is meant; write for example "
                            "'10 kOhm +-0.1 %'",
                            load::shortened(options.resistor), load::kind_name(resistor->quantity.kind)));
  }
  procedure.reference.resistance = resistor->quantity.si;
  procedure.reference.tolerance = resistor->tolerance;
  if (!options.capacitor.empty()) {
    const auto farad = load::parse_quantity(options.capacitor, QuantityKind::capacitance);
    if (!farad) return fail(ErrorKind::bad_input, "--capacitor: " + farad.error().message);
    if (!(*farad >= 0.0 && *farad * resistor->quantity.si <= 1.0)) {
      return fail(ErrorKind::bad_input, "--capacitor: with this resistor the time constant is negative or above 1 s");
    }
    procedure.reference.capacitance = *farad;
  }
  for (const auto& [name, written, into] : {std::tuple{"--lowest: ", options.lowest, &procedure.lowest},
                                            std::tuple{"--highest: ", options.highest, &procedure.highest}}) {
    const auto current = load::parse_current(written);
    if (!current) return fail(ErrorKind::bad_input, name + current.error().message);
    *into = *current;
  }
  procedure.seconds = steady_seconds;
  procedure.stopped = [] { return interrupted.load(); };
  if (options.reading.empty()) return procedure;
  const auto reading = parse_reading("--reading", options.reading);
  if (!reading) return tl::make_unexpected(reading.error());
  procedure.meter = [reading](Current) { return std::optional<Result<calibration::Reading>>{reading}; };
  return procedure;
}

int calibrate(const CalibrateOptions& options) {
  auto procedure = procedure_of(options);
  if (!procedure) return report(procedure.error());
  const std::string store = options.store.empty() ? calibration::default_store() : options.store;
  SimulatorOptions simulator;
  simulator.seed = options.seed;
  simulator.noise = options.noise;
  const auto device = open_device(options.device, simulator);
  if (!device) return report(device.error());
  const DeviceInfo& info = (*device)->info();
  const auto channel = std::find_if(info.channels.begin(), info.channels.end(),
                                    [&](const ChannelDescription& c) { return c.label == options.channel; });
  if (channel == info.channels.end()) {
    return report({ErrorKind::bad_input, fmt::format("--channel {}: {} has channels A to {}", options.channel, info.uri,
                                                     info.channels.back().label)});
  }
  // What is damaged must not be found out after the work.
  if (const auto before = calibration::find(store, info.serial); !before) return report(before.error());
  MeterPrompt prompt{info.virtual_time};
  if (options.meter) procedure->meter = [&prompt](Current held) { return prompt.ask(held); };
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = true; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  const Channel index{static_cast<std::uint8_t>(channel - info.channels.begin())};
  auto found = calibration::calibrate(**device, index, *procedure);
  if (!found) return report(found.error());
  found->date = iso_now();
  const auto path = calibration::keep(store, info.serial, info.board, options.channel, *found);
  if (!path) return report(path.error());
  const calibration::Calibration told{info.serial, info.board, {{options.channel, *found}}};
  if (options.json) {
    auto document = to_json(told);
    document["file"] = *path;
    fmt::print("{}\n", document.dump());
  } else {
    fmt::print("{}file           {}\n", calibration_text(told), *path);
  }
  return 0;
}

}  // namespace

void add_calibrate(CLI::App& app, int& code) {
  const auto options = std::make_shared<CalibrateOptions>();
  CLI::App* verb =
      app.add_subcommand("calibrate", "gain, offset and noise of source and inputs, with a known resistor");
  verb->add_option("--device", options->device, "device URI")->required()->type_name("URI");
  verb->add_option("--resistor", options->resistor, "its value and tolerance: '10 kOhm +-0.1 %'")
      ->required()
      ->type_name("R");
  verb->add_option("--channel", options->channel, "channel of the device (default A)")->type_name("LABEL");
  verb->add_option("--capacitor", options->capacitor, "in parallel with it, as in the model cell (default none)")
      ->type_name("C");
  verb->add_option("--lowest", options->lowest, "lowest current (default -20 uA)")->type_name("I");
  verb->add_option("--highest", options->highest, "highest current (default 200 uA, or what V_m allows)")
      ->type_name("I");
  CLI::Option* meter = verb->add_flag("--meter", options->meter, "hold the last current and ask what a meter reads");
  verb->add_option("--reading", options->reading, "what a meter reads at the last current: '1.2345 V +-0.05 %'")
      ->excludes(meter)
      ->type_name("V|A");
  verb->add_option("--store", options->store, "folder of the calibrations (default: that of the user's configuration)")
      ->type_name("DIR");
  verb->add_option("--seed", options->seed, "seed of an emulated instrument in this process (default 1)")
      ->type_name("N");
  verb->add_option_function<std::string>(
          "--noise", [options](const std::string& word) { options->noise = word == "on"; },
          "noise and errors of that instrument: on or off")
      ->check(CLI::IsMember({"on", "off"}).description(""))
      ->type_name("on|off");
  verb->add_flag("--json", options->json, "one JSON document on standard output");
  verb->footer(text);
  verb->callback([options, &code] { code = calibrate(*options); });
}

}  // namespace thyrode::program
