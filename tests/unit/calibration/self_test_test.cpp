#include "daemon/calibration/self_test.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "daemon/calibration/store.hpp"
#include "tests/unit/calibration/bench.hpp"

namespace thyrode::calibration {
namespace {

namespace fs = std::filesystem;

/// Passes everything on to an instrument, but for what a test breaks.
class BrokenDevice final : public Device {
 public:
  explicit BrokenDevice(Device& inner) : inner_{inner}, info_{inner.info()} {}
  const DeviceInfo& info() const override { return info_; }
  Result<DeviceMessage> read(Duration timeout) override {
    if (silent) return fail(ErrorKind::timeout, "nothing came");
    auto message = inner_.read(timeout);
    if (message && change) change(*message);
    return message;
  }
  Result<void> schedule(Channel c, std::span<const Segment> s) override { return inner_.schedule(c, s); }
  Result<void> configure(Channel c, const Setting& s, Sample at) override { return inner_.configure(c, s, at); }
  Result<void> arm() override { return inner_.arm(); }
  Result<void> start(Sample at) override { return inner_.start(at); }
  Result<void> stop(Sample at) override { return inner_.stop(at); }
  Result<void> estop() override { return deaf ? Result<void>{} : inner_.estop(); }
  Result<void> clear(protocol::FaultCode reason) override { return inner_.clear(reason); }
  Result<void> grant(Sample until) override { return inner_.grant(until); }
  LinkCounters counters() const override {
    LinkCounters counters = inner_.counters();
    counters.lost_frames += lost;
    return counters;
  }

  std::function<void(DeviceMessage&)> change;
  bool silent = false;
  bool deaf = false;
  std::uint64_t lost = 0;
  DeviceInfo& told() { return info_; }

 private:
  Device& inner_;
  DeviceInfo info_;
};

DeviceTest a_test() {
  DeviceTest test;
  // A clock that moves with each look: silence is told in no time.
  test.seconds = [now = 0.0]() mutable { return now += 1e-3; };
  return test;
}

Check named(const std::vector<Check>& checks, const std::string& name) {
  const auto found = std::find_if(checks.begin(), checks.end(), [&](const Check& c) { return c.name == name; });
  if (found == checks.end()) return {name, "not tested", "", Verdict::failed, "", false};
  return *found;
}

/// The check failed or warned, says so, and tells what to do.
void expect_told(const Check& check, Verdict verdict, const std::string& word) {
  EXPECT_EQ(to_string(check.verdict), std::string{to_string(verdict)}) << check.name << ": " << check.measured;
  EXPECT_NE(check.measured.find(word), std::string::npos) << check.name << ": " << check.measured;
  EXPECT_FALSE(check.fix.empty()) << check.name;
}

TEST(SelfTest, FindsNothingWrongWithASoundInstrument) {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6, 7, 8}) {
    const ResistorBench bench{seed};
    const auto checks = test_device(*bench.device, Channel{0}, a_test());
    EXPECT_EQ(checks.size(), 9U);
    for (const Check& check : checks) {
      EXPECT_EQ(check.verdict, Verdict::ok) << "seed " << seed << ' ' << check.name << ": " << check.measured;
    }
    EXPECT_EQ(*bench.true_current, 0.0);
    EXPECT_TRUE(bench.device->arm()) << "what the test latched is cleared";
  }
}

TEST(SelfTest, ALatchedFaultIsToldAndLeft) {
  const ResistorBench bench{1};
  ASSERT_TRUE(bench.device->arm());
  ASSERT_TRUE(bench.device->estop());
  const auto checks = test_device(*bench.device, Channel{0}, a_test());
  expect_told(named(checks, "state"), Verdict::failed, "estop");
  EXPECT_NE(named(checks, "state").fix.find("thyrode clear"), std::string::npos);
  EXPECT_FALSE(bench.device->arm());
}

TEST(SelfTest, ASilentDeviceIsTold) {
  const ResistorBench bench{1};
  BrokenDevice device{*bench.device};
  device.silent = true;
  expect_told(named(test_device(device, Channel{0}, a_test()), "state"), Verdict::failed, "silent");
}

TEST(SelfTest, ASlowLinkIsTold) {
  const ResistorBench bench{1};
  BrokenDevice device{*bench.device};
  device.told().virtual_time = false;
  DeviceTest test = a_test();
  test.seconds = [now = 0.0]() mutable { return now += 12e-3; };
  expect_told(named(test_device(device, Channel{0}, test), "latency"), Verdict::warning, "median 12.00 ms");
}

TEST(SelfTest, ADeadReadBackIsTold) {
  const ResistorBench bench{1};
  BrokenDevice device{*bench.device};
  device.change = [](DeviceMessage& message) {
    if (auto* level = std::get_if<protocol::LevelRecord>(&message)) {
      protocol::Level& read = level->signals[static_cast<std::size_t>(protocol::Signal::i_read)];
      read.sum = 2048U * read.count;
    }
  };
  expect_told(named(test_device(device, Channel{0}, a_test()), "loopback"), Verdict::failed, "10 uA reads 0.000 uA");
}

TEST(SelfTest, NoiseIsTold) {
  const ResistorBench bench{1};
  BrokenDevice device{*bench.device};
  device.change = [up = false](DeviceMessage& message) mutable {
    if (auto* level = std::get_if<protocol::LevelRecord>(&message)) {
      up = !up;
      level->signals[0].sum += up ? level->signals[0].count : 0U;
    }
  };
  expect_told(named(test_device(device, Channel{0}, a_test()), "noise"), Verdict::warning, "V_out");
}

TEST(SelfTest, LatePeriodsAndLostFramesAreTold) {
  const ResistorBench bench{1};
  BrokenDevice device{*bench.device};
  device.lost = 3;
  device.change = [](DeviceMessage& message) {
    if (auto* mark = std::get_if<protocol::Mark>(&message)) mark->overruns = 2;
  };
  const auto checks = test_device(device, Channel{0}, a_test());
  expect_told(named(checks, "watchdog"), Verdict::failed, "2 control periods");
  expect_told(named(checks, "loss"), Verdict::failed, "3 lost");
}

TEST(SelfTest, ADeviceThatDoesNotWatchItsHostIsTold) {
  const ResistorBench bench{1};
  BrokenDevice device{*bench.device};
  device.change = [](DeviceMessage& message) {
    if (auto* fault = std::get_if<protocol::Fault>(&message)) {
      if (fault->code == protocol::FaultCode::lease_expired) message = FramesLost{1};
    }
  };
  expect_told(named(test_device(device, Channel{0}, a_test()), "lease"), Verdict::failed, "no fault came");
  EXPECT_EQ(*bench.true_current, 0.0);
}

TEST(SelfTest, ADeviceThatIsDeafToStopsIsTold) {
  const ResistorBench bench{1};
  BrokenDevice device{*bench.device};
  device.deaf = true;
  const Check told = named(test_device(device, Channel{0}, a_test()), "estop");
  EXPECT_EQ(told.verdict, Verdict::failed) << told.measured;
  EXPECT_FALSE(told.fix.empty());
}

// ---------------------------------------------------------------- this machine

class HostTest : public testing::Test {
 protected:
  HostTest() {
    std::string pattern = (fs::temp_directory_path() / "thyrode-doctor-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    places_.folder = folder_;
  }
  ~HostTest() override { fs::remove_all(folder_); }
  std::string folder_;
  HostPlaces places_;
};

TEST_F(HostTest, AFolderThatIsGoneFailsAndASoundOneLeavesNothing) {
  for (const Check& check : test_disk(places_)) EXPECT_TRUE(check.name != "disk locks" || check.verdict == Verdict::ok);
  EXPECT_TRUE(fs::is_empty(folder_));
  places_.folder = folder_ + "/gone";
  for (const Check& check : test_disk(places_)) expect_told(check, Verdict::failed, "");
}

TEST_F(HostTest, ADiskWithoutRoomOrSpeedIsTold) {
  places_.run_bytes_per_second = 1e15;
  const auto checks = test_disk(places_);
  expect_told(named(checks, "disk space"), Verdict::failed, "MB free");
  expect_told(named(checks, "disk speed"), Verdict::failed, "MB/s");
}

TEST_F(HostTest, ADiskThatIsFullIsTold) {
  // The limit of a process stands for the end of the disk.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{1 << 19, before.rlim_max};
  const auto signals = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto checks = test_disk(places_);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, signals);
  expect_told(named(checks, "disk speed"), Verdict::failed, "");
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(HostTest, AMissingPortAndOneWithoutPermissionAreTold) {
  expect_told(test_port(folder_ + "/ttyACM9", places_)[0], Verdict::failed, "No such file");
  const std::string port = folder_ + "/ttyUSB0";
  std::ofstream{port} << "";
  EXPECT_EQ(test_port(port, places_)[0].verdict, Verdict::ok);
  if (::geteuid() == 0) return;  // root may do everything
  ::chmod(port.c_str(), 0);
  expect_told(test_port(port, places_)[0], Verdict::failed, "Permission denied");
  EXPECT_NE(test_port(port, places_)[0].fix.find("usermod"), std::string::npos);
}

TEST_F(HostTest, ASlowLatencyTimerIsTold) {
  const std::string port = folder_ + "/ttyUSB0";
  std::ofstream{port} << "";
  places_.usb_serial = folder_ + "/sys";
  fs::create_directories(places_.usb_serial + "/ttyUSB0");
  std::ofstream{places_.usb_serial + "/ttyUSB0/latency_timer"} << "16\n";
  const auto checks = test_port(port, places_);
  expect_told(named(checks, "latency timer"), Verdict::warning, "16 ms");
  EXPECT_NE(named(checks, "latency timer").fix.find("echo 1"), std::string::npos);
}

TEST_F(HostTest, ACalibrationThatIsMissingOldOrDamagedIsTold) {
  const double now = 365.0 * 86400.0;
  expect_told(test_calibration(folder_, "EMU1", 30.0, now), Verdict::warning, "none");
  ChannelCalibration channel;
  channel.source.gain = {1.0, 0.9, 1.1};
  for (Converter& converter : channel.signals) converter.gain = {1.0, 0.9, 1.1};
  channel.reference.resistance = 1e3;
  channel.date = "1970-12-20T00:00:00+00:00";
  const std::string path = *keep(folder_, "EMU1", "native", "A", channel);
  EXPECT_EQ(test_calibration(folder_, "EMU1", 30.0, now).verdict, Verdict::ok);
  expect_told(test_calibration(folder_, "EMU1", 3.0, now), Verdict::warning, "12 days old");
  std::ofstream{path, std::ios::app} << "#\n";
  expect_told(test_calibration(folder_, "EMU1", 30.0, now), Verdict::failed, "damaged");
}

}  // namespace
}  // namespace thyrode::calibration
