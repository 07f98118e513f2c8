// Time of the exact solver per spike, per block of a board, and per step of its noise.
#include <benchmark/benchmark.h>

#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"

namespace thyrode::neurons {
namespace {

// One iteration is one spike: every event from one firing to the next.
void per_spike(benchmark::State& state, const char* model, const Parameters& parameters, double current) {
  const auto neuron = must_make(model, parameters);
  neuron->inject(0, current);
  for (auto _ : state) {
    while (neuron->advance(1.0).event != Event::fire) {
    }
  }
}
BENCHMARK_CAPTURE(per_spike, tonic, "thyristor", wu2023(), 45.3e-6);
BENCHMARK_CAPTURE(per_spike, tonic_near_latching, "thyristor", wu2023(), 126e-6);
BENCHMARK_CAPTURE(per_spike, fast_spiking, "thyristor", wu2023(3000.0), 60e-6);
BENCHMARK_CAPTURE(per_spike, bursting, "thyristor", wu2023(2800.0), 39.4e-6);
BENCHMARK_CAPTURE(per_spike, plateaus, "thyristor", wu2023(2200.0), 76.5e-6);
BENCHMARK_CAPTURE(per_spike, fast_switch, "thyristor-fast", bench_fast(), 60e-6);
BENCHMARK_CAPTURE(per_spike, fast_switch_with_load_capacitor, "thyristor-fast", bench_fast(15e3, 20e-9), 41.5e-6);

// One iteration is one second of the circuit with noise, in blocks of 200 us.
void second_in_blocks(benchmark::State& state) {
  const auto neuron = must_make("thyristor", wu2023(), {1e-6, 20e-3});
  neuron->inject(0, 45.3e-6);
  for (auto _ : state) list_events(*neuron, 200e-6, 5000);
}
BENCHMARK(second_in_blocks)->Unit(benchmark::kMicrosecond);

// One iteration is a change of the current in the middle of a piece.
void change_of_current(benchmark::State& state) {
  const auto neuron = must_make("thyristor", wu2023());
  bool up = false;
  for (auto _ : state) {
    up = !up;
    neuron->inject(0, up ? 45.4e-6 : 45.2e-6);
    benchmark::DoNotOptimize(neuron->advance(4e-6));
  }
}
BENCHMARK(change_of_current);

}  // namespace
}  // namespace thyrode::neurons

BENCHMARK_MAIN();
