#include "firmware/neurons/chatter.hpp"

#include <gtest/gtest.h>

#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"

namespace thyrode::neurons {
namespace {

TEST(Chatter, IsManyEventsWithinAMillisecond) {
  Chatter fast, slow;
  int events = 0;
  while (!fast.event(0.9e-8, Event::piece)) ASSERT_LT(++events, 200'000);
  EXPECT_EQ(events, 99'999);
  EXPECT_NE(fast.reason().find("within 1 ms"), std::string_view::npos);
  for (int k = 0; k < 1'000'000; ++k) ASSERT_FALSE(slow.event(1.1e-8, Event::piece));
}

TEST(Chatter, IsNotABurstOfEventsThatEnds) {
  Chatter guard;
  for (int burst = 0; burst < 10; ++burst) {
    for (int k = 0; k < 99'000; ++k) ASSERT_FALSE(guard.event(0.0, Event::piece));
    guard.pass(1e-2);
  }
}

TEST(Chatter, IsASwitchThatOpensWheneverItCloses) {
  Chatter bounces, conducts;
  for (int k = 0; k < 60'000; ++k) {
    const bool fired = bounces.event(5e-6, Event::fire);
    if (fired || bounces.event(0.0, Event::open)) break;
  }
  EXPECT_NE(bounces.reason().find("50 000 times in a row"), std::string_view::npos);
  for (int k = 0; k < 60'000; ++k) {
    ASSERT_FALSE(conducts.event(5e-6, Event::fire));
    ASSERT_FALSE(conducts.event(2e-9, Event::open));
  }
}

// A holding current above what the load lets through: the switch opens as it closes, each time the dead time is over.
TEST(Chatter, StopsASwitchWhoseHoldingCurrentIsOutOfReach) {
  for (const double load_capacitor : {0.0, 20e-9}) {
    Parameters p = bench_fast(15e3, load_capacitor);
    p["I_H"] = 40e-3;  // 3 V, the most that 60 uA can raise, give 24 mA
    const auto neuron = must_make("thyristor-fast", p);
    neuron->inject(0, 60e-6);
    EXPECT_LT(list_events(*neuron, 10.0, 1).size(), 300'000U) << load_capacitor;
    EXPECT_NE(neuron->failed().find("chatters"), std::string_view::npos) << load_capacitor;
    EXPECT_EQ(neuron->advance(1.0).elapsed, 0.0);
  }
}

}  // namespace
}  // namespace thyrode::neurons
