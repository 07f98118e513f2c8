// A device in real time, from the link up, by a wall clock that the test moves: nothing here waits.
#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "daemon/acquisition/acquisition.hpp"
#include "drivers/current_clamp/current_clamp.hpp"
#include "tests/unit/drivers/scripted_link.hpp"

namespace thyrode::acquisition {
namespace {

/// A board on a wire: what it says comes at its time, and waiting for it moves the clock.
struct Wire {
  struct Due {
    double at = 0.0;
    std::vector<std::uint8_t> bytes;
  };
  double now = 100.0;
  Script script;          ///< what the host says, and its answers, which come at once
  std::deque<Due> due;    ///< in order of time
  double cut_at = 1e300;  ///< the cable is out from here on
  std::vector<double> heartbeats;
};

class WireLink final : public Link {
 public:
  explicit WireLink(Wire& wire) : wire_{wire} {}
  Result<std::size_t> read(std::span<std::uint8_t> into, Duration timeout) override {
    const double until = wire_.now + timeout.si();
    std::vector<std::uint8_t>& ready = wire_.script.outbox;
    if (ready.empty() && !wire_.due.empty() && wire_.due.front().at <= std::min(until, wire_.cut_at)) {
      wire_.now = std::max(wire_.now, wire_.due.front().at);
      ready = std::move(wire_.due.front().bytes);
      wire_.due.pop_front();
    }
    if (ready.empty()) {
      wire_.now = std::max(wire_.now, std::min(until, wire_.cut_at));
      if (wire_.now >= wire_.cut_at) return fail(ErrorKind::device, "the port is gone");
      return std::size_t{0};
    }
    const std::size_t count = std::min(into.size(), ready.size());
    std::copy_n(ready.begin(), count, into.begin());
    ready.erase(ready.begin(), ready.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }
  Result<void> write(std::span<const std::uint8_t> bytes) override {
    if (wire_.now >= wire_.cut_at) return fail(ErrorKind::device, "the port is gone");
    const std::size_t heard = wire_.script.heard.size();
    const auto written = scripted_.write(bytes);
    for (std::size_t k = heard; k < wire_.script.heard.size(); ++k) {
      if (wire_.script.heard[k].type == protocol::Heartbeat::type) wire_.heartbeats.push_back(wire_.now);
    }
    return written;
  }
  std::size_t unsent() const override { return 0; }
  bool in_lockstep() const override { return false; }

 private:
  Wire& wire_;
  ScriptedLink scripted_{wire_.script};
};

class RealTime : public testing::Test {
 protected:
  void SetUp() override {
    protocol::Ident ident = good_ident();
    ident.capabilities = 0;
    behave(wire_.script, ident);
    auto device =
        CurrentClamp::open(std::make_unique<WireLink>(wire_), "serial:/dev/ttyTEST", [this] { return wire_.now; });
    ASSERT_TRUE(device) << device.error().message;
    device_ = std::move(*device);
    Settings settings;
    settings.decision_latency = 200.0_ms;
    settings.lease = 100.0_ms;
    settings.silence = 200.0_ms;
    settings.patience = 10.0_s;
    settings.start = Sample{5000};
    settings.wall_clock = [this] { return wire_.now; };
    acquisition_ = std::make_unique<Acquisition>(*device_, *queues_, settings);
    begun_ = wire_.now;
  }
  static std::vector<std::uint8_t> frame(const DeviceMessage& message, std::uint8_t sequence) {
    Script said;
    std::visit(
        [&](const auto& m) {
          if constexpr (requires { m.type; }) said.say(m, sequence);
        },
        message);
    return said.outbox;
  }
  /// Level records, means and a mark each 10 ms from now on, as long as `seconds`.
  void talk_for(double seconds) {
    std::uint8_t sequence = 0;
    const auto say = [&](double at, const DeviceMessage& message) {
      wire_.due.push_back({at, frame(message, sequence++)});
    };
    Sample mark{5000};
    for (double t = 0.0; t < seconds; t += 0.01, mark = mark + 2500) {
      const double at = wire_.now + t;
      if (mark.index > 5000) {
        protocol::CurrentBlock means{0, mark - 2500, 250, 25, {}};
        means.means.resize(10);
        say(at, means);
        protocol::LevelRecord levels;
        levels.first = mark - 2500;
        say(at, levels);
      }
      say(at, protocol::Mark{mark, protocol::State::running});
    }
  }
  /// Turns until one fails or the time is over. @returns the error, if any
  std::optional<Error> turn_until(double seconds, Duration timeout, bool readers = true) {
    const double end = begun_ + seconds;
    while (wire_.now < end) {
      const auto done = acquisition_->turn(timeout);
      if (!done) return done.error();
      if (readers) drain();
    }
    return {};
  }
  void drain() {
    DeviceMessage message;
    AnalysisMessage analysed;
    while (queues_->recording.pop(message)) recorded_.push_back(message);
    while (queues_->analysis.pop(analysed)) {
    }
  }
  double elapsed() const { return wire_.now - begun_; }

  Wire wire_;
  std::unique_ptr<CurrentClamp> device_;
  std::unique_ptr<Queues> queues_ = std::make_unique<Queues>();
  std::unique_ptr<Acquisition> acquisition_;
  double begun_ = 0.0;
  std::vector<DeviceMessage> recorded_;
};

class Heartbeats : public RealTime, public testing::WithParamInterface<double> {};

TEST_P(Heartbeats, GoOutEach20MillisecondsHoweverLongATurnMayWait) {
  talk_for(2.0);
  const auto error = turn_until(1.0, Duration::from_si(GetParam()));
  ASSERT_FALSE(error) << error->message;
  ASSERT_GE(wire_.heartbeats.size(), 50U);
  EXPECT_LE(wire_.heartbeats.size(), 51U);
  for (std::size_t k = 1; k < wire_.heartbeats.size(); ++k) {
    EXPECT_NEAR(wire_.heartbeats[k] - wire_.heartbeats[k - 1], 0.02, 1e-6) << k;
  }
  EXPECT_EQ(acquisition_->counters().gaps, 0);
}

TEST_P(Heartbeats, GoOnWhileTheDeviceIsSilent) {
  ASSERT_FALSE(turn_until(0.19, Duration::from_si(GetParam())));
  EXPECT_EQ(wire_.heartbeats.size(), 10U);
}

INSTANTIATE_TEST_SUITE_P(Timeouts, Heartbeats, testing::Values(0.001, 0.005, 0.0077, 0.02, 0.5));

TEST_F(RealTime, ADeviceThatFallsSilentIsLostAfter200Milliseconds) {
  talk_for(0.5);
  const auto error = turn_until(5.0, 5.0_ms);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind, ErrorKind::device);
  EXPECT_GE(elapsed(), 0.49 + 0.2);
  EXPECT_LE(elapsed(), 0.49 + 0.2 + 0.006);
  EXPECT_NE(error->message.find("the device has been silent for"), std::string::npos) << error->message;
}

TEST_F(RealTime, ADeviceThatNeverSpokeIsLostAfter200Milliseconds) {
  ASSERT_TRUE(turn_until(5.0, 20.0_ms));
  EXPECT_LE(elapsed(), 0.2 + 0.021);
}

TEST_F(RealTime, HalfAFrameIsSilence) {
  auto half = frame(protocol::Mark{Sample{5000}, protocol::State::running}, 0);
  half.resize(half.size() / 2);
  wire_.due.push_back({wire_.now + 0.1, half});
  ASSERT_TRUE(turn_until(5.0, 5.0_ms));
  EXPECT_LE(elapsed(), 0.206);
}

TEST_F(RealTime, NoiseThatNeverBecomesAMessageIsSilence) {
  for (int k = 0; k < 1000; ++k) {
    wire_.due.push_back({wire_.now + 0.001 * k, std::vector<std::uint8_t>(20, static_cast<std::uint8_t>(1 + k % 255))});
  }
  ASSERT_TRUE(turn_until(5.0, 5.0_ms));
  EXPECT_LE(elapsed(), 0.206);
}

TEST_F(RealTime, ALinkThatIsCutInAFrameIsToldOfAtOnceAndNothingHangs) {
  talk_for(0.3);
  auto half = frame(protocol::LevelRecord{}, 200);
  half.resize(half.size() / 2);
  wire_.due.push_back({wire_.now + 0.3, half});
  wire_.cut_at = wire_.now + 0.301;
  const auto error = turn_until(5.0, 5.0_ms);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message, "the port is gone");
  EXPECT_LE(elapsed(), 0.302);
  const double gone = wire_.now;
  EXPECT_FALSE(device_->arm());
  EXPECT_FALSE(device_->stop(Sample{9}));
  EXPECT_FALSE(device_->estop());
  const Segment segment{Sample{50'000}, {}, 10.0_uA, 10.0_uA};
  EXPECT_FALSE(device_->schedule(Channel{0}, {&segment, 1}));
  EXPECT_FALSE(device_->read(5.0_ms));
  EXPECT_EQ(wire_.now, gone) << "a link that is gone is not waited for";
  drain();
  EXPECT_TRUE(std::holds_alternative<protocol::Mark>(recorded_.back())) << "what came before is there";
}

TEST_F(RealTime, AHoleThatNoMarkClosesIsToldWhenTheLinkIsCut) {
  talk_for(0.1);
  wire_.due.push_back({wire_.now + 0.1, frame(protocol::StepApplied{}, 99)});
  wire_.cut_at = wire_.now + 0.105;
  ASSERT_TRUE(turn_until(5.0, 5.0_ms));
  drain();
  ASSERT_GE(recorded_.size(), 3U);
  EXPECT_TRUE(std::holds_alternative<FramesLost>(recorded_[recorded_.size() - 3]));
  EXPECT_TRUE(std::holds_alternative<Gap>(recorded_[recorded_.size() - 2]));
  EXPECT_TRUE(std::holds_alternative<protocol::StepApplied>(recorded_.back()));
}

TEST_F(RealTime, ACommandThatIsNeverAnsweredEndsAfterFourTries) {
  wire_.script.answer = nullptr;
  const auto armed = device_->arm();
  ASSERT_FALSE(armed);
  EXPECT_EQ(wire_.script.count(protocol::Arm::type), 4U);
  EXPECT_NEAR(elapsed(), 0.1 + 0.2 + 0.3 + 0.4, 0.081) << "each wait is longer by 100 ms, looked at each 20 ms";
}

TEST_F(RealTime, ADiskThatDoesNotKeepUpEndsTheRun) {
  talk_for(10.0);
  const auto error = turn_until(10.0, 5.0_ms, false);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind, ErrorKind::run_failed);
  EXPECT_TRUE(error->message.starts_with("recording_overrun:")) << error->message;
  // A mark, a level record and a block of means each 10 ms fill the queue of 1024.
  EXPECT_NEAR(elapsed(), 1024 / 3 * 0.01, 0.011);
  EXPECT_EQ(queues_->recording.read_available(), 1024U) << "what the queue holds is still written";
}

TEST_F(RealTime, FramesLostInALongSilenceOfTheLinkAreCountedBeyondTheirNumbers) {
  wire_.due.push_back({wire_.now, frame(protocol::Mark{Sample{5000}, protocol::State::running}, 0)});
  const Sample later = Sample{5000} + 87 * 2500;
  wire_.due.push_back({wire_.now + 0.05, frame(protocol::Mark{later, protocol::State::running}, 5)});
  ASSERT_FALSE(turn_until(0.06, 5.0_ms));
  // 86 marks, and 87 level records and blocks of means; the number says 4 modulo 256.
  EXPECT_EQ(acquisition_->counters().lost_frames, 260);
  EXPECT_EQ(acquisition_->link().lost_frames, 260U);
  EXPECT_EQ(acquisition_->counters().gaps, 1);
}

}  // namespace
}  // namespace thyrode::acquisition
