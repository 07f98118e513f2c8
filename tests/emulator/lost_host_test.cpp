// Hosts that are lost at random samples of all states: the current is gone after the lease and the slope, every time.
#include "tests/emulator/support/lost_host.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "firmware/boards/native/native_instrument.hpp"
#include "tests/emulator/support/tonic_neuron.hpp"

namespace thyrode {
namespace {

/// What flowed, from the side of the circuit.
struct Flow {
  std::vector<std::pair<Sample, double>> changes;
  double largest_after(Sample from) const {
    double current = 0.0;
    double largest = 0.0;
    for (const auto& [at, value] : changes) {
      if (at < from) {
        current = value;
      } else {
        largest = std::max(largest, std::abs(value));
      }
    }
    return std::max(largest, std::abs(current));
  }
  double largest() const { return largest_after(Sample{0}); }
};

double largest_of_case(std::uint64_t seed) {
  Flow flow;
  native::NativeInstrument instrument{test::tonic_neuron(seed),
                                      {.seed = seed, .truth = [&flow](const native::Truth& truth) {
                                         if (truth.kind == native::Truth::Kind::current) {
                                           flow.changes.emplace_back(truth.sample, truth.value);
                                         }
                                       }}};
  protocol::FrameReader reader;
  auto state = protocol::State::idle;
  const auto listen = [&] {
    std::span<const std::uint8_t> bytes = instrument.outbox();
    const std::size_t count = bytes.size();
    while (!bytes.empty()) {
      if (!reader.push(bytes) || !reader.frame() || reader.frame()->type != protocol::Mark::type) continue;
      if (const auto mark = protocol::decode<protocol::Mark>(reader.frame()->payload)) state = mark->state;
    }
    instrument.take(count);
  };
  test::LostHostBoard board{[&](std::span<const std::uint8_t> bytes) { instrument.deliver(bytes); },
                            [&] { instrument.link_lost(); },
                            [&] { return instrument.step(); },
                            [&] { return instrument.now(); },
                            listen,
                            [&](Sample from) { return flow.largest_after(from); },
                            [&] { return state; }};
  test::LostHost{board, seed}.run();
  return flow.largest();
}

TEST(LostHost, CurrentIsZeroAfterLeaseAndSlopeInAThousandCases) {
  int flowed = 0;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    flowed += largest_of_case(seed) > 5e-6 ? 1 : 0;
    if (HasFailure()) return;
  }
  EXPECT_GT(flowed, 500) << "in most cases there was a current to lose";
}

}  // namespace
}  // namespace thyrode
