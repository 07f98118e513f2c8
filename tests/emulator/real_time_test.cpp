// A device whose time does not wait: an analysis that is behind loses messages, and no row is the worse for it.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "tests/emulator/support/short_run.hpp"

namespace thyrode {
namespace {

using experiment::Bench;
using experiment::Threads;

/// A store that tells how much was written.
class CountingStore final : public test::MemoryStore {
 public:
  std::atomic<std::int64_t> written{0};
  std::atomic<int> kept{0};  ///< steps
  Result<void> add_step(const analysis::StepResult& step, std::span<const std::uint32_t> counts) override {
    auto done = MemoryStore::add_step(step, counts);
    ++kept;
    return done;
  }
  Result<void> write(const DeviceMessage& message) override {
    auto done = MemoryStore::write(message);
    ++written;
    return done;
  }
};

/// The emulated instrument as one in real time: the host's heartbeats do not hold it. The test says how far it may run,
/// so that nothing depends on the speed of the machine.
class RealTimeDevice final : public Device {
 public:
  RealTimeDevice(std::unique_ptr<Device> inner, const CountingStore& store)
      : inner_{std::move(inner)}, store_{store}, info_{inner_->info()}, granted_{info_.now}, last_mark_{info_.now} {
    info_.virtual_time = false;
  }

  const DeviceInfo& info() const override { return info_; }
  Result<DeviceMessage> read(Duration) override {
    // A recording that is behind would end the run; here it is the analysis that is slow.
    if (read_ - store_.written > 500) return fail(ErrorKind::timeout, "nothing came");
    // Never so far that the device would miss the host for longer than its lease.
    const Sample until{std::min(limit_.load(), last_mark_.index + info_.samples(50.0_ms).index)};
    if (until > granted_) {
      granted_ = until;
      if (auto passed = inner_->grant(until); !passed) return tl::make_unexpected(passed.error());
    }
    auto message = inner_->read(Duration{});
    if (!message) return message;
    ++read_;
    if (const auto* mark = std::get_if<protocol::Mark>(&*message)) last_mark_ = mark->at;
    if (!std::holds_alternative<protocol::SampleBlock>(*message)) {
      const std::lock_guard lock{mutex_};
      ++for_analysis_;
      moved_.notify_all();
    }
    return message;
  }
  Result<void> schedule(Channel channel, std::span<const Segment> segments) override {
    return inner_->schedule(channel, segments);
  }
  Result<void> configure(Channel channel, const Setting& setting, Sample at) override {
    return inner_->configure(channel, setting, at);
  }
  Result<void> arm() override { return inner_->arm(); }
  Result<void> start(Sample at) override { return inner_->start(at); }
  Result<void> stop(Sample at) override { return inner_->stop(at); }
  Result<void> estop() override { return inner_->estop(); }
  Result<void> clear(protocol::FaultCode reason) override { return inner_->clear(reason); }
  Result<void> grant(Sample) override { return {}; }
  LinkCounters counters() const override { return inner_->counters(); }

  void run_until(double seconds) { limit_ = info_.samples(Duration::from_si(seconds)).index; }
  /// Waits until so many more messages for the analysis have come.
  void wait_for_messages(std::int64_t count) {
    std::unique_lock lock{mutex_};
    const std::int64_t wanted = for_analysis_ + count;
    moved_.wait(lock, [&] { return for_analysis_ >= wanted; });
  }

 private:
  std::unique_ptr<Device> inner_;
  const CountingStore& store_;
  DeviceInfo info_;
  Sample granted_;
  Sample last_mark_;
  std::int64_t read_ = 0;
  std::atomic<std::int64_t> limit_{0};
  std::mutex mutex_;
  std::condition_variable moved_;
  std::int64_t for_analysis_ = 0;
};

struct Measured {
  Bench::Outcome outcome;
  int told = 0;      ///< steps that were computed again
  int finished = 0;  ///< steps told as finished
  int unkept = 0;    ///< of them, those that were not in the store yet
};

/// @param stalls_in  step in whose midst the analysis stands still while 1500 messages come; negative: none
Measured measure(int stalls_in) {
  test::Emulated emulated;
  CountingStore store;
  RealTimeDevice device{emulated.open(), store};
  auto plan = test::short_plan();
  // Every step ends at its ceiling: how long it lasts does not depend on what the analysis has missed. Orders are given
  // so early that an analysis which lags by three seconds is in time.
  plan.rules.relative_precision = 1e-9;
  plan.rules.longest_s = 8.0;
  plan.rules.f_min_hz = 0.3;
  plan.decision_latency = 4.0_s;
  constexpr double most_ahead = 3.0;
  device.run_until(4.0 + most_ahead);
  Measured measured;
  bool stalled = false;
  Bench bench{device, store, [] { return 0.0; }};
  bench.subscribe([&](const experiment::Event& event) {
    if (std::holds_alternative<experiment::Notice>(event)) ++measured.told;
    if (std::holds_alternative<experiment::StepFinished>(event)) {
      measured.unkept += store.kept < ++measured.finished ? 1 : 0;
    }
    const auto* progress = std::get_if<experiment::StepProgress>(&event);
    if (progress == nullptr) return;
    if (progress->row.index == stalls_in && !std::exchange(stalled, true)) {
      device.run_until(1e6);
      device.wait_for_messages(1500);
    }
    device.run_until(progress->device_time_s + most_ahead);
  });
  measured.outcome = bench.run(plan, Threads::three);
  return measured;
}

TEST(RealTime, AStepWhoseMessagesTheAnalysisLostHasTheRowItWouldHaveHad) {
  const Measured whole = measure(-1);
  ASSERT_EQ(whole.outcome.error.message, "");
  EXPECT_EQ(whole.told, 0);
  ASSERT_EQ(whole.outcome.result.steps.size(), 4U);
  for (const int step : {0, 2, 3}) {
    const Measured holed = measure(step);
    EXPECT_EQ(holed.outcome.error.message, "");
    EXPECT_GE(holed.told, 1) << "nothing was lost: the test tests nothing";
    EXPECT_EQ(holed.outcome.result, whole.outcome.result) << "step " << step;
    EXPECT_EQ(holed.finished, 4);
    EXPECT_EQ(holed.unkept, 0) << "told before it was kept";
  }
}

}  // namespace
}  // namespace thyrode
