// How fast the neurons are solved: each one by itself, growing with time and number, and beside ngspice.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/experiment/load/neuron_file.hpp"
#include "firmware/neurons/neuron.hpp"
#include "tests/reference/ngspice.hpp"

namespace thyrode::neurons {
namespace {

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

// The shortest of five runs: what is left when nothing else wants the core.
double shortest(const std::function<void()>& run) {
  double best = 1e300;
  for (int k = 0; k < 5; ++k) {
    const double begin = cpu_seconds();
    run();
    best = std::min(best, cpu_seconds() - begin);
  }
  return best;
}

std::unique_ptr<Neuron> load(const std::string& name, const Parameters& changes = {}) {
  const auto file = load::load_neuron_file("experiments/neurons/" + name + ".yaml");
  if (!file) throw std::runtime_error(file.error().message);
  Parameters parameters;
  for (const auto& [key, value] : file->parameters) parameters[key] = value.si;
  for (const auto& [key, value] : changes) parameters[key] = value;
  auto neuron = make_neuron(file->model, parameters, {}, 1);
  if (!neuron) throw std::runtime_error(name + ": " + neuron.error().parameter + " " + neuron.error().reason);
  return *std::move(neuron);
}

void inject(Neuron& neuron, double current) {
  for (std::size_t c = 0; c < neuron.channels(); ++c) neuron.inject(c, current);
}

// Seconds of the circuit in one call; counts the spikes of all channels.
long run_for(Neuron& neuron, double seconds) {
  long spikes = 0;
  for (double left = seconds; left > 0.0;) {
    const Advance a = neuron.advance(left);
    if (a.event == Event::none) break;
    spikes += a.event == Event::fire;
    left -= a.elapsed;
  }
  if (!neuron.failed().empty()) throw std::runtime_error(std::string{neuron.failed()});
  return spikes;
}

struct Load {
  const char* neuron;
  const char* what;
  double current;  // A
  double watch;    // s of the circuit in one run
  double limit;    // ns a spike that we hold ourselves to; 0: none
  Parameters changes;
};

void table_of_neurons() {
  const std::vector<Load> loads{
      {"ideal-if", "tonic", 45.3e-6, 10.0, 0.0, {}},
      {"lif", "tonic", 45.3e-6, 10.0, 0.0, {}},
      {"msn-fast", "tonic", 45.3e-6, 10.0, 200.0, {}},
      {"mbn-fast", "fast spiking", 41.5e-6, 2.0, 800.0, {}},
      {"msn", "tonic", 45.3e-6, 60.0, 1500.0, {}},
      {"msn", "tonic, near latching", 126e-6, 60.0, 1500.0, {}},
      {"mbn", "fast spiking", 60e-6, 2.0, 1500.0, {}},
      {"mbn", "bursts IB1", 39.4e-6, 10.0, 1500.0, {{"tau_L", 0.28e-3}}},
      {"mbn", "bursts IB2", 76.5e-6, 10.0, 1500.0, {{"tau_L", 0.22e-3}}},
      {"two-msn-inhibitory", "alternation", 45.3e-6, 30.0, 0.0, {}},
      {"two-msn-excitatory", "unison", 45.3e-6, 30.0, 0.0, {}},
      {"msn-melting", "tonic, without noise", 45.3e-6, 60.0, 1500.0, {}},
      {"pinsky-rinzel-soma", "tonic", 60e-6, 5.0, 0.0, {}},
      {"pinsky-rinzel-dendrite", "slow", 60e-6, 5.0, 0.0, {}},
      {"pinsky-rinzel", "tonic", 80e-6, 5.0, 0.0, {}},
      {"butera", "bursts", 70e-6, 20.0, 0.0, {}},
  };
  fmt::print("{:<23} {:<22} {:>8} {:>10} {:>10} {:>8} {:>14}\n", "neuron", "state", "I uA", "spikes/s", "ns/spike",
             "limit", "us per second");
  for (const Load& l : loads) {
    const auto neuron = load(l.neuron, l.changes);
    inject(*neuron, l.current);
    run_for(*neuron, std::min(1.0, l.watch));
    long spikes = 0;
    const double seconds = shortest([&] { spikes = run_for(*neuron, l.watch); });
    fmt::print("{:<23} {:<22} {:>8.1f} {:>10.2f} {:>10.1f} {:>8} {:>14.2f}\n", l.neuron, l.what, l.current * 1e6,
               double(spikes) / l.watch, spikes > 0 ? seconds / double(spikes) * 1e9 : 0.0,
               l.limit > 0.0 ? fmt::format("{:.0f}", l.limit) : "-", seconds / l.watch * 1e6);
  }
}

void curves() {
  fmt::print("\nmsn at 45.3 uA, cost against simulated time\n{:>12} {:>12} {:>16}\n", "seconds", "ms", "us per second");
  for (const double watch : {10.0, 100.0, 1000.0, 10000.0}) {
    const auto neuron = load("msn");
    inject(*neuron, 45.3e-6);
    const double seconds = shortest([&] { run_for(*neuron, watch); });
    fmt::print("{:>12.0f} {:>12.2f} {:>16.3f}\n", watch, seconds * 1e3, seconds / watch * 1e6);
  }
  fmt::print(
      "\nmsn at 45.3 uA, cost against the number of neurons, 10 s each in steps of 10 ms\n{:>12} {:>12} {:>16}\n",
      "neurons", "ms", "us per neuron s");
  for (const std::size_t count : {1U, 10U, 100U, 1000U}) {
    std::vector<std::unique_ptr<Neuron>> neurons;
    for (std::size_t k = 0; k < count; ++k) {
      neurons.push_back(load("msn"));
      inject(*neurons.back(), 45.3e-6);
    }
    const double seconds = shortest([&] {
      for (int step = 0; step < 1000; ++step) {
        for (auto& neuron : neurons) run_for(*neuron, 10e-3);
      }
    });
    fmt::print("{:>12} {:>12.2f} {:>16.3f}\n", count, seconds * 1e3, seconds / (10.0 * double(count)) * 1e6);
  }
}

// ------------------------------------------------------------------ ngspice on the circuit that both can run

double interval(const reference::Transient& run, double from) {
  const auto spikes = reference::rises(run.time, run.signals[0], 250e-6);
  const auto first = std::lower_bound(spikes.begin(), spikes.end(), from);
  const auto count = spikes.end() - first;
  return count < 3 ? 0.0 : (spikes.back() - *first) / double(count - 1);
}

void beside_ngspice() {
  // One second of msn.cir at 45.3 uA. The truth: ngspice itself, ten times as fine as its tables were made.
  const auto truth = reference::run_ngspice(
      "msn.cir", {{}, ".options method=gear reltol=1e-5 abstol=1e-12 chgtol=1e-16", ".tran 1u 500m 0 1u uic"},
      {"i(VA)"});
  const double exact = interval(truth, 0.1);
  struct Setting {
    std::string options, transient;
    double seconds, error;
  };
  std::vector<Setting> settings;
  fmt::print(
      "\nngspice on msn.cir at 45.3 uA, 1 s of the circuit; its interval from {:.4f} ms\n{:<24} {:>10} {:>10} {:>10}\n",
      exact * 1e3, "method, reltol", "max step", "CPU s", "error %");
  for (const std::string method : {"gear", "trap"}) {
    for (const std::string tolerance : {"1e-4", "1e-3", "1e-2"}) {
      for (const std::string step : {"10u", "50u", "200u"}) {
        const std::string options = ".options method=" + method + " reltol=" + tolerance;
        const std::string transient = ".tran 100u 1 0 " + step + " uic";
        const auto run = reference::run_ngspice("msn.cir", {{}, options, transient}, {"i(VA)"});
        const double found = interval(run, 0.1);
        const double error = found > 0.0 ? 100.0 * (found / exact - 1.0) : 100.0;
        // Its time again without the writing of a file.
        const double seconds = reference::run_ngspice("msn.cir", {{}, options, transient}, {}).cpu_seconds;
        fmt::print("{:<24} {:>10} {:>10.3f} {:>10.3f}\n", method + ", " + tolerance, step, seconds, error);
        settings.push_back({options, transient, seconds, error});
      }
    }
  }
  const Setting* best = nullptr;
  for (const Setting& s : settings) {
    if (std::abs(s.error) <= 0.1 && (best == nullptr || s.seconds < best->seconds)) best = &s;
  }
  if (best == nullptr) throw std::runtime_error("no setting of ngspice meets 0.1 %");
  // The switch with the values that stand for the transistors of msn.cir.
  const auto neuron =
      load("msn-fast", {{"R", 55.6e3}, {"V_th", 1.70}, {"V_on", 0.599}, {"R_on", 30.0}, {"I_H", 115e-6}, {"dV", 0.0}});
  inject(*neuron, 45.3e-6);
  double ours = 1e300, peer = 1e300;
  long spikes = 0;
  // In pairs, so that a busy machine slows both.
  for (int k = 0; k < 5; ++k) {
    peer = std::min(peer, reference::run_ngspice("msn.cir", {{}, best->options, best->transient}, {}).cpu_seconds);
    ours = std::min(ours, shortest([&] { spikes = run_for(*neuron, 1000.0); }) / 1000.0);
  }
  fmt::print("ngspice at its loosest within 0.1 % ({}; {}): {:.3f} s per second of circuit\n", best->options,
             best->transient, peer);
  fmt::print(
      "msn-fast with the values of msn.cir: {:.3f} us per second of circuit, {:.1f} ns a spike, {:.1f} spikes/s\n",
      ours * 1e6, ours / double(spikes) * 1000.0 * 1e9, double(spikes) / 1000.0);
  fmt::print("ratio {:.0f} (aim: at least 20000)\n", peer / ours);
}

}  // namespace
}  // namespace thyrode::neurons

int main() {
  try {
    thyrode::neurons::table_of_neurons();
    thyrode::neurons::curves();
    thyrode::neurons::beside_ngspice();
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_neurons: {}\n", error.what());
    return 1;
  }
  return 0;
}
