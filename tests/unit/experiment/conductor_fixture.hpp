// A device that a test plays period by period into a conductor.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/experiment/conductor.hpp"

namespace thyrode::experiment {

inline constexpr std::int64_t grid = 2'500;      // samples between marks
inline constexpr std::int64_t latency = 50'000;  // samples
inline constexpr std::int64_t ms = 250 * ticks_per_sample;
inline constexpr std::int64_t settling = 1'750;  // samples: 30 uA at 5 mA/s, and 1 ms

/// A device that fires regularly, played period by period into a conductor.
class ConductorTest : public testing::Test {
 protected:
  void SetUp() override {
    ChannelDescription channel;
    channel.label = "A";
    channel.signals = {Scale{2e-4, 32.0, 1, 12}, Scale{8e-4, 32.0, 10, 12}, Scale{1e-7, 2048.0, 10, 12}};
    channel.command = {1e-7, 2048.0, 1, 12};
    device_.channels.assign(2, channel);
    plan_.name = "test";
    plan_.steps = {{30.0_uA, analysis::Direction::up, 0}, {40.0_uA, analysis::Direction::up, 0}};
    plan_.limits.slew = Slew::from_si(5e-3);
    plan_.lease = 100.0_ms;
    plan_.decision_latency = 200.0_ms;
  }
  void begin() {
    conductor_ = std::make_unique<Conductor>(
        plan_, device_, [this](const acquisition::Order& order) { orders_.push_back(order); },
        [this](const Event& event) { events_.push_back(event); },
        [this](const ReadBack& ask) { asked_.push_back(ask); });
    conductor_->begin();
    next_spike_ = to_ticks(conductor_->start_sample()) + 10 * ms;
  }

  /// The command as the orders so far set it, DAC codes.
  std::int64_t code_at(Sample at) const {
    Current current;
    for (const auto& order : orders_) {
      const auto* step = std::get_if<acquisition::ScheduleStep>(&order);
      if (step != nullptr && step->segment.start <= at && !refused(step->segment.start)) current = step->segment.last;
    }
    return std::llround(device_.channels[0].command.code(current.si()));
  }
  bool refused(Sample start) const { return std::find(refused_.begin(), refused_.end(), start) != refused_.end(); }

  protocol::SpikeBlock spikes_before(Ticks end) {
    protocol::SpikeBlock block{0, index_, {}};
    for (; next_spike_ < end; next_spike_ = next_spike_ + period_, ++index_)
      block.records.push_back({next_spike_, 100, 3000, 40});
    return block;
  }
  /// One period of 10 ms.
  void play(bool spikes_arrive = true, bool mark_arrives = true, std::uint32_t open_spike = 0,
            protocol::State state = protocol::State::running) {
    const Sample first = now_;
    now_ = now_ + grid;
    if (first >= conductor_->start_sample()) {
      const auto block = spikes_before(to_ticks(now_));
      if (spikes_arrive && !block.records.empty()) conductor_->take(block);
      protocol::LevelRecord levels;
      levels.first = first;
      levels.signals[0] = {40, 3000, 2500 * 60, 2500};
      levels.command_sum = code_at(first) * grid;
      levels.command_count = grid;
      levels.open_spike = open_spike;
      conductor_->take(levels);
    }
    if (mark_arrives) conductor_->take(protocol::Mark{now_, state});
  }
  void play_until(const std::function<bool()>& done) {
    for (int k = 0; k < 20'000 && !done(); ++k) play();
    ASSERT_TRUE(done());
  }
  void play_to_the_end() {
    play_until([this] { return stop_at().has_value(); });
    while (now_ < *stop_at()) play();
    play(true, true, 0, protocol::State::idle);
  }
  std::vector<acquisition::ScheduleStep> schedules() const {
    std::vector<acquisition::ScheduleStep> found;
    for (const auto& order : orders_) {
      if (const auto* step = std::get_if<acquisition::ScheduleStep>(&order)) found.push_back(*step);
    }
    return found;
  }
  /// The current falls to zero within this period, as the device tells it, and then the device is idle.
  void play_the_stop() {
    const auto zero = static_cast<FineCode>(2048) << fine_bits;
    conductor_->take(protocol::StepApplied{0, now_ + 300, zero + 1, zero, 1000});
    play(true, true, 0, protocol::State::stopping);
    play(true, true, 0, protocol::State::idle);
  }
  std::optional<Sample> stop_at() const {
    for (const auto& order : orders_) {
      if (const auto* stop = std::get_if<acquisition::StopRun>(&order)) return stop->at;
    }
    return {};
  }
  template <class Wanted>
  std::vector<Wanted> events() const {
    std::vector<Wanted> found;
    for (const auto& event : events_) {
      if (const auto* wanted = std::get_if<Wanted>(&event)) found.push_back(*wanted);
    }
    return found;
  }
  const analysis::StepResult& row(std::size_t k) const { return conductor_->results().at(k); }

  DeviceInfo device_;
  RunPlan plan_;
  std::unique_ptr<Conductor> conductor_;
  std::vector<acquisition::Order> orders_;
  std::vector<Event> events_;
  std::vector<ReadBack> asked_;
  std::vector<Sample> refused_;
  Sample now_{};
  Ticks next_spike_{};
  std::int64_t period_ = 10 * ms;
  std::uint32_t index_ = 0;
};

}  // namespace thyrode::experiment
