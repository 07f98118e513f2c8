// The whole instrument path in one process, for programs that measure it.
#pragma once

#include <fmt/core.h>

#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <string>

#include "daemon/experiment/bench.hpp"
#include "daemon/experiment/load/experiment.hpp"
#include "daemon/experiment/load/neuron_file.hpp"
#include "daemon/experiment/load/station.hpp"
#include "drivers/simulated/simulated.hpp"

namespace thyrode::bench {

[[noreturn]] inline void give_up(const std::string& message) {
  fmt::print(stderr, "{}\n", message);
  std::exit(1);
}
template <class T, class E>
T must(tl::expected<T, E> result) {
  if (!result) {
    if constexpr (requires { result.error().message; }) {
      give_up(result.error().message);
    } else {
      give_up(result.error().parameter + ": " + result.error().reason);
    }
  }
  return std::move(*result);
}

/// Processor seconds of this process: what "on one core" means.
inline double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// A neuron of experiments/neurons; the program runs from the root of the tree.
inline std::unique_ptr<neurons::Neuron> neuron(const std::string& name, std::uint64_t seed, bool noise) {
  const auto file = must(load::load_neuron_file("experiments/neurons/" + name + ".yaml"));
  neurons::Parameters parameters;
  for (const auto& [key, value] : file.parameters) parameters[key] = value.si;
  neurons::NoiseParameters law;
  if (noise) law = {file.noise_deviation.si(), file.noise_correlation_time.si()};
  return must(neurons::make_neuron(file.model, parameters, law, seed));
}

/// Keeps nothing: the path without its file.
class NoStore final : public experiment::RunStore {
 public:
  Result<void> write(const DeviceMessage&) override { return {}; }
  Result<void> add_step(const analysis::StepResult&, std::span<const std::uint32_t>) override { return {}; }
  Result<void> update_results(std::span<const analysis::StepResult>, const analysis::SweepFit&) override { return {}; }
  Result<void> update_link(const LinkCounters&) override { return {}; }
  Result<std::vector<DeviceMessage>> read_back(Channel, Sample, Sample) override {
    return fail(ErrorKind::run_failed, "nothing was kept");
  }
  Result<void> flush() override { return {}; }
  Result<void> finalise(const analysis::RunResult&, const std::string&) override { return {}; }
};

inline load::Station station() {
  return must(load::load_station("experiments/stations/emulated.yaml"));
}

inline experiment::RunPlan plan_for(const Device& device, const std::string& experiment_yaml, std::uint64_t seed) {
  const auto experiment = must(load::parse_experiment(experiment_yaml, "bench"));
  return must(experiment::make_run_plan(experiment, station(), device.info(), seed));
}

}  // namespace thyrode::bench
