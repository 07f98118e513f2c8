// What the flash image costs its chip, counted in emulation, and how fast the emulation is.
//   bench_firmware [SECONDS]   device time of each load (2)
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>

#include "daemon/experiment/load/neuron_file.hpp"
#include "drivers/simulated/silicon.hpp"

namespace thyrode {
namespace {

constexpr int block_exception = 16 + 58;  // DMA2 stream 2: docs/firmware.md
constexpr double samples_in_a_block = 50.0;
constexpr double most = 0.6;  // of a block, for its interrupt

std::unique_ptr<neurons::Neuron> two_neurons() {
  const auto file = load::load_neuron_file("experiments/neurons/two-msn-excitatory.yaml");
  if (!file) return nullptr;
  neurons::Parameters parameters;
  for (const auto& [name, parameter] : file->parameters) parameters[name] = parameter.si;
  auto neuron = neurons::make_neuron(file->model, parameters, {}, 1);
  return neuron ? std::move(*neuron) : nullptr;
}

struct Load {
  const char* name;
  double current;  // A, into each channel; 0: idle
  int decimation;  // of the trace
  bool commands;   // settings due and limits each 10 ms, heartbeats as fast as the line
};

/// Settings that are due in the same block for both channels, and a command that lies on its limit.
Result<void> give_commands(Device& device, Sample mark, Current level) {
  for (std::uint8_t c = 0; c < 2; ++c) {
    const Channel channel{c};
    const Sample due = mark + 5'000;
    if (auto done =
            device.configure(channel, DetectorSettings{protocol::Trigger::swing, 55.0_mV, {}, {}, 50.0_us}, due);
        !done) {
      return done;
    }
    const Segment step{due + 100, 2.0_ms, level, level};
    if (auto done = device.schedule(channel, {&step, 1}); !done) return done;
  }
  return {};
}

Result<void> drive(Device& device, silicon::SiliconInstrument& chip, const Load& load, double seconds) {
  const Current level = Current::from_si(load.current);
  if (load.current > 0.0) {
    for (std::uint8_t c = 0; c < 2; ++c) {
      const Channel channel{c};
      if (auto done = device.configure(channel, LimitSettings{0.0_uA, level, Slew::from_si(5e-3), 3.0_V, {}}, {});
          !done) {
        return done;
      }
      // The line carries the trace of one channel.
      const auto trace = TelemetrySettings{c == 0 ? load.decimation : 0};
      if (auto done = device.configure(channel, trace, Sample{}); !done) return done;
      const auto detector = DetectorSettings{protocol::Trigger::swing, 55.0_mV, {}, {}, 50.0_us};
      if (auto done = device.configure(channel, detector, Sample{}); !done) return done;
    }
    if (auto done = device.arm(); !done) return done;
    const Sample start{(device.info().now.index / 2'500 + 40) * 2'500};
    if (auto done = device.start(start); !done) return done;
    for (std::uint8_t c = 0; c < 2; ++c) {
      const Segment step{start + 2'500, {}, level, level};
      if (auto done = device.schedule(Channel{c}, {&step, 1}); !done) return done;
    }
  }
  const double end = chip.seconds() + seconds;
  double beaten = 0.0;
  while (chip.seconds() < end) {
    auto message = device.read(5.0_ms);
    if (!message && message.error().kind != ErrorKind::timeout) return tl::make_unexpected(message.error());
    if (message && std::holds_alternative<protocol::Fault>(*message)) {
      return fail(ErrorKind::device, fmt::format("the device trips: fault {}",
                                                 static_cast<int>(std::get<protocol::Fault>(*message).code)));
    }
    const auto* mark = message ? std::get_if<protocol::Mark>(&*message) : nullptr;
    if (mark != nullptr && load.commands) {
      if (auto given = give_commands(device, mark->at, level); !given) return given;
    }
    if (chip.seconds() - beaten > (load.commands ? 0.001 : 0.02)) {
      beaten = chip.seconds();
      if (auto sent = device.grant({}); !sent) return sent;
    }
  }
  return {};
}

bool measure(const std::vector<std::uint8_t>& image, const Load& load, double seconds) {
  auto owned = std::make_unique<silicon::SiliconInstrument>(image, two_neurons(), silicon::BenchOptions{});
  silicon::SiliconInstrument& chip = *owned;
  auto device = open_silicon(std::move(owned), "sim:two-msn-excitatory?board=nucleo_f446re");
  if (!device) {
    fmt::print(stderr, "bench_firmware: {}\n", device.error().message);
    return false;
  }
  silicon::Processor& core = chip.chip().processor();
  core.forget_costs();
  const std::uint64_t cycles = core.cycles();
  const std::uint64_t asleep = core.asleep();
  const std::uint64_t instructions = core.instructions();
  const double from = chip.seconds();
  const auto wall = std::chrono::steady_clock::now();
  const auto done = drive(**device, chip, load, seconds);
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - wall).count();
  if (!done) {
    fmt::print(stderr, "bench_firmware: {}: {}; {} blocks, the worst of {} cycles\n", load.name, done.error().message,
               core.cost_of(block_exception).runs, core.cost_of(block_exception).worst);
    return false;
  }
  const auto& cost = core.cost_of(block_exception);
  const double block = samples_in_a_block * chip.chip().core_hz() / 250e3;
  const double mean = static_cast<double>(cost.cycles) / static_cast<double>(std::max<std::uint64_t>(1, cost.runs));
  const double busy = 1.0 - static_cast<double>(core.asleep() - asleep) / static_cast<double>(core.cycles() - cycles);
  const double device_time = chip.seconds() - from;
  fmt::print("{:<28} {:>7.0f} {:>7} {:>8.1f} {:>8.1f} {:>8.1f} {:>9.1f} {:>8.2f}\n", load.name, mean, cost.worst,
             100.0 * mean / block, 100.0 * static_cast<double>(cost.worst) / block, 100.0 * busy,
             1e-6 * static_cast<double>(core.instructions() - instructions) / device_time, device_time / took);
  return static_cast<double>(cost.worst) <= most * block;
}

int run(double seconds) {
  const auto image = read_flash_image();
  if (!image) {
    fmt::print(stderr, "bench_firmware: {}\n", image.error().message);
    return 2;
  }
  fmt::print(
      "Interrupt of a block (50 samples at 250 kS/s, two channels), cycles by class; % of the block's 200 us:\n\n");
  fmt::print("{:<28} {:>7} {:>7} {:>8} {:>8} {:>8} {:>9} {:>8}\n", "load", "mean", "worst", "mean %", "worst %",
             "core %", "M instr/s", "x real");
  bool within = true;
  for (const Load& load : {Load{"idle", 0.0, 0, false}, Load{"no trace", 60e-6, 0, false},
                           Load{"trace at 25 kS/s", 60e-6, 10, false}, Load{"all at once", 120e-6, 10, true}}) {
    within = measure(*image, load, seconds) && within;
  }
  fmt::print("\ncore: all that runs, until it sleeps. x real: device seconds per second of this machine.\n");
  fmt::print("The worst block {} {:.0f} % of its time.\n", within ? "stays under" : "EXCEEDS", 100.0 * most);
  return within ? 0 : 1;
}

}  // namespace
}  // namespace thyrode

int main(int argc, char** argv) {
  return thyrode::run(argc > 1 ? std::atof(argv[1]) : 2.0);
}
