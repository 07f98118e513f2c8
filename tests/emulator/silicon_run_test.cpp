// The flash image of the NUCLEO-F446RE, unmodified, in closed loop with the neuron: the scenarios of the emulated board.
#include <gtest/gtest.h>

#include <cmath>

#include "drivers/simulated/silicon.hpp"
#include "tests/emulator/support/short_run.hpp"

namespace thyrode {
namespace {

using experiment::Bench;
using experiment::Threads;

std::unique_ptr<silicon::SiliconInstrument> instrument(test::Emulated& emulated) {
  const auto image = read_flash_image();
  EXPECT_TRUE(image) << image.error().message;
  if (!image) return nullptr;
  return std::make_unique<silicon::SiliconInstrument>(
      *image, test::tonic_neuron(5, test::noise), silicon::BenchOptions{.seed = 5, .truth = emulated.options().truth});
}

Bench::Outcome run_on_the_image(test::Emulated& emulated, test::MemoryStore& store) {
  auto chip = instrument(emulated);
  if (!chip) return {};
  auto device = open_silicon(std::move(chip), "sim:tonic?board=nucleo_f446re");
  EXPECT_TRUE(device) << device.error().message;
  if (!device) return {};
  Bench bench{**device, store, [&device] { return (*device)->seconds(); }};
  return bench.run(test::short_plan(), Threads::one);
}

TEST(SiliconRun, MeasuresTheStaircaseAsTheNativeBoardDoes) {
  test::Emulated emulated;
  test::MemoryStore store;
  const auto outcome = run_on_the_image(emulated, store);
  ASSERT_EQ(outcome.error.message, "");
  const auto native = test::run_clean(Threads::one);
  const auto& steps = outcome.result.steps;
  ASSERT_EQ(steps.size(), native.result.steps.size());
  for (std::size_t k = 0; k < steps.size(); ++k) {
    const auto& other = native.result.steps[k];
    std::printf("step %zu: %s %g Hz, native %s %g Hz\n", k, "", steps[k].frequency_hz.value.value_or(0.0), "",
                other.frequency_hz.value.value_or(0.0));
    EXPECT_EQ(steps[k].label, other.label) << k;
  }
  EXPECT_EQ(outcome.result.integrity.gaps, 0);
  EXPECT_EQ(outcome.result.integrity.late_decisions, 0);
  emulated.expect_current_flowed_and_is_zero();
}

}  // namespace
}  // namespace thyrode
