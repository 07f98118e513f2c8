#include "daemon/calibration/self_test.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "daemon/calibration/hold.hpp"

namespace thyrode::calibration {
namespace {

using protocol::FaultCode;
using protocol::Signal;

constexpr Duration lease = Duration::from_si(0.1);
constexpr double most_noise = 3.0;        // codes rms of one conversion
constexpr double most_gain_error = 0.04;  // both converters of the loop may be off by 1 %, twice over
constexpr double most_offset = 2e-6;      // A: 5 codes each, twice over

double mean_of(const protocol::Level& level) {
  return static_cast<double>(level.sum) / std::max<double>(1.0, level.count);
}

/// Mean of a signal over records, and the deviation of a single conversion.
struct Seen {
  double mean = 0.0;
  double noise = 0.0;
};
Seen seen_of(const std::vector<protocol::LevelRecord>& records, std::size_t signal) {
  Seen seen;
  const double n = static_cast<double>(records.size());
  for (const auto& record : records) seen.mean += mean_of(record.signals[signal]) / n;
  for (const auto& record : records) seen.noise += std::pow(mean_of(record.signals[signal]) - seen.mean, 2) / (n - 1.0);
  seen.noise = std::sqrt(seen.noise * records.front().signals[signal].count);
  return seen;
}

class DeviceTests {
 public:
  DeviceTests(Device& device, Channel channel, const DeviceTest& test)
      : device_{device}, info_{device.info()}, channel_{channel}, test_{test}, now_{info_.now} {}

  std::vector<Check> carry_out() {
    tell("firmware",
         fmt::format("{}, {}, serial {}, protocol {}.{}", info_.board, info_.firmware, info_.serial,
                     info_.protocol_major, info_.protocol_minor),
         "the same message table", Verdict::ok, "");
    if (!test_state() || !test_latency()) return std::move(checks_);
    if (test_converters()) {
      test_lease();
      test_estop();
    }
    test_loss();
    return std::move(checks_);
  }

 private:
  bool tell(const char* name, std::string measured, std::string limit, Verdict verdict, std::string fix) {
    checks_.push_back({name, std::move(measured), std::move(limit), verdict,
                       verdict == Verdict::ok ? std::string{} : std::move(fix), true});
    return verdict != Verdict::failed;
  }
  bool fails(const char* name, const Error& error, const char* limit, const char* fix) {
    return tell(name, error.message, limit, Verdict::failed, fix);
  }

  bool test_state() {
    const auto mark = next_mark(device_, now_, test_.seconds);
    if (!mark)
      return fails("state", mark.error(), "a mark every 10 ms", "look at cable and power, then reset the board");
    if (mark->fault == FaultCode::none) return tell("state", "idle, no fault", "no latched fault", Verdict::ok, "");
    return tell("state", fmt::format("latched {}", protocol::fault_name(mark->fault)), "no latched fault",
                Verdict::failed,
                fmt::format("find its cause, then: thyrode clear --device {} {}", info_.uri,
                            protocol::fault_name(mark->fault)));
  }

  bool test_latency() {
    std::vector<double> trips;
    for (int k = 0; k < 100; ++k) {
      const double before = test_.seconds();
      if (auto set = device_.configure(channel_, LeaseSettings{lease}, now_); !set) {
        return fails("latency", set.error(), "an answer", "look at cable and USB hub; close other programs");
      }
      trips.push_back(test_.seconds() - before);
    }
    std::sort(trips.begin(), trips.end());
    const double median = 1e3 * trips[trips.size() / 2];
    const double late = 1e3 * trips[trips.size() - 2];
    const std::string measured = fmt::format("median {:.2f} ms, p99 {:.2f} ms", median, late);
    if (info_.virtual_time) {
      return tell("latency", measured, "none: the device waits in virtual time", Verdict::ok, "");
    }
    const Verdict verdict = median > 50.0                 ? Verdict::failed
                            : median > 5.0 || late > 20.0 ? Verdict::warning
                                                          : Verdict::ok;
    return tell("latency", measured, "5 ms, 20 ms", verdict,
                "set the latency timer of the USB adapter to 1 ms, use no hub, close what loads this machine");
  }

  HoldSettings settings() const {
    HoldSettings settings;
    const Current room = Current::from_si(2.0 * info_.channels[channel_.index].command.scale);
    settings.limits = {-room, test_.current + room, Slew::from_si(5e-3), Voltage::from_si(3.0), {}};
    settings.lease = {lease};
    settings.seconds = test_.seconds;
    settings.stopped = test_.stopped;
    return settings;
  }
  FineCode code_of(Current current) const {
    const double code = info_.channels[channel_.index].command.code(current.si());
    return static_cast<FineCode>(std::llround(code)) << fine_bits;
  }

  bool test_converters() {
    const std::array<Plateau, 2> plateaus{Plateau{code_of({}), 30}, Plateau{code_of(test_.current), 20}};
    const auto held = hold(device_, channel_, plateaus, settings(), now_);
    if (!held) {
      return fails("loopback", held.error(), "a current that is held",
                   "the device says why; open the output, clear the fault and test with a resistor at the output");
    }
    const ChannelDescription& channel = info_.channels[channel_.index];
    std::string measured;
    double worst = 0.0;
    for (std::size_t j = 0; j < protocol::signal_count; ++j) {
      constexpr std::array<const char*, protocol::signal_count> names{"V_out", "V_m", "I_read"};
      const double noise = seen_of(held->plateaus[0], j).noise;
      worst = std::max(worst, noise);
      measured += fmt::format("{}{} {:.2f}", j > 0 ? ", " : "", names[j], noise);
    }
    tell("noise", measured + " codes rms", fmt::format("{:g} codes", most_noise),
         worst > most_noise ? Verdict::warning : Verdict::ok,
         "with a neuron wired this is its own noise: test with a resistor; else shield and ground the front end");
    loopback(*held, channel);
    tell("watchdog", fmt::format("{} control periods late", held->overruns), "0",
         held->overruns > 0 ? Verdict::failed : Verdict::ok,
         "the firmware does not keep up: flash the release image, and tell its version with the report");
    return true;
  }

  void loopback(const Held& held, const ChannelDescription& channel) {
    const auto read = static_cast<std::size_t>(Signal::i_read);
    const double zero = channel.signals[read].value(seen_of(held.plateaus[0], read).mean);
    const double driven = channel.signals[read].value(seen_of(held.plateaus[1], read).mean);
    const double gain = (driven - zero) / test_.current.si();
    const bool good = std::abs(gain - 1.0) <= most_gain_error + 0.5 * most_offset / test_.current.si() &&
                      std::abs(zero) <= most_offset;
    tell(
        "loopback",
        fmt::format("{:.4g} uA reads {:.3f} uA, 0 reads {:.3f} uA", test_.current.in(1.0_uA), 1e6 * driven, 1e6 * zero),
        fmt::format("{:.2g} uA", 1e6 * most_offset), good ? Verdict::ok : Verdict::failed,
        "no current flows or the read-back is not wired: look at the output switch, the sense resistor and its "
        "amplifier, then calibrate");
  }

  /// Brings a current to flow, and lets the host fall silent.
  void test_lease() {
    constexpr const char* limit = "100 ms, then zero";
    constexpr const char* fix =
        "the device does not watch its host: do not use it with a neuron; flash the firmware again";
    const double before = test_.seconds();
    if (auto flows = begin(); !flows) {
      fails("lease", flows.error(), limit, fix);
      return;
    }
    // In virtual time the device may run on alone for so long; in real time it simply is not talked to.
    if (info_.virtual_time) {
      if (auto granted = device_.grant(now_ + info_.samples(400.0_ms).index); !granted) return;
    }
    const auto fault = wait_for_fault(before + 3.0);
    if (!fault) {
      fails("lease", fault.error(), limit, fix);
      (void)device_.estop();
      (void)end_fault(FaultCode::estop);
      return;
    }
    const FaultCode code = fault->code;
    const auto ended = end_fault(code);
    const bool good = code == FaultCode::lease_expired && ended.has_value();
    tell("lease",
         good ? fmt::format("latched lease_expired after {:.0f} ms, cleared", 1e3 * fault->value / info_.sample_rate_hz)
              : fmt::format("latched {}{}", protocol::fault_name(code), ended ? "" : ", and: " + ended.error().message),
         limit, good ? Verdict::ok : Verdict::failed, fix);
  }

  void test_estop() {
    constexpr const char* limit = "zero and latched";
    constexpr const char* fix = "the device does not stop when it is told: pull its plug, and flash the firmware again";
    if (auto flows = begin(); !flows) {
      fails("estop", flows.error(), limit, fix);
      return;
    }
    const double before = test_.seconds();
    auto told = device_.estop();
    if (told && info_.virtual_time) told = device_.grant(now_ + info_.samples(50.0_ms).index);
    const auto fault = told ? wait_for_fault(before + 3.0) : tl::make_unexpected(told.error());
    const auto ended = fault ? end_fault(fault->code) : tl::make_unexpected(fault.error());
    const bool good = fault && fault->code == FaultCode::estop && ended;
    tell("estop",
         good    ? std::string{"latched, cleared"}
         : fault ? "latched " + std::string{protocol::fault_name(fault->code)}
                 : fault.error().message,
         limit, good ? Verdict::ok : Verdict::failed, fix);
  }

  /// Half of the current flows when it returns.
  Result<void> begin() {
    const auto mark = next_mark(device_, now_, test_.seconds);
    if (!mark) return tl::make_unexpected(mark.error());
    for (const Setting& setting : {Setting{LeaseSettings{lease}}, Setting{settings().limits}}) {
      if (auto set = device_.configure(channel_, setting, now_); !set) return set;
    }
    if (auto armed = device_.arm(); !armed) return armed;
    const std::int64_t period = info_.samples(10.0_ms).index;
    const Sample at{(now_.index / period + 8) * period};
    if (auto started = device_.start(at); !started) return started;
    const Current half = 0.5 * test_.current;
    const Segment segment{at, {}, half, half};
    if (auto sent = device_.schedule(channel_, {&segment, 1}); !sent) return sent;
    while (now_ < at + 2 * period) {
      const auto next = next_mark(device_, now_, test_.seconds);
      if (!next) return tl::make_unexpected(next.error());
      if (next->fault != FaultCode::none) return tl::make_unexpected(latched(info_, {next->fault, 0, next->at, 0, 0}));
    }
    return {};
  }

  Result<protocol::Fault> wait_for_fault(double until) {
    while (test_.seconds() < until) {
      // Long waits: a short one would send a grant again, and that is a sign of life.
      const auto message = device_.read(500.0_ms);
      if (!message && message.error().kind != ErrorKind::timeout) return tl::make_unexpected(message.error());
      if (!message) continue;
      if (const auto* mark = std::get_if<protocol::Mark>(&*message)) now_ = mark->at;
      if (const auto* fault = std::get_if<protocol::Fault>(&*message)) return *fault;
    }
    return fail(ErrorKind::device, "no fault came");
  }

  /// Waits until the current is zero, then clears. @param code  what the test itself has made
  Result<void> end_fault(FaultCode code) {
    for (int k = 0; k < 20; ++k) {
      const auto mark = next_mark(device_, now_, test_.seconds);
      if (!mark) return tl::make_unexpected(mark.error());
      if (mark->state == protocol::State::idle) return {};
      if (mark->state == protocol::State::fault && k > 2) break;
    }
    return device_.clear(code);
  }

  void test_loss() {
    const LinkCounters link = device_.counters();
    const std::uint64_t bad = link.lost_frames + link.bad_frames + link.retransmits;
    tell("loss",
         fmt::format("{} lost, {} broken, {} sent again in {} bytes", link.lost_frames, link.bad_frames,
                     link.retransmits, link.bytes_up),
         "0",
         link.lost_frames > 0 ? Verdict::failed
         : bad > 0            ? Verdict::warning
                              : Verdict::ok,
         "use a shorter or another cable and no hub; stop other programs at this port");
  }

  Device& device_;
  const DeviceInfo& info_;
  Channel channel_;
  const DeviceTest& test_;
  Sample now_;
  std::vector<Check> checks_;
};

}  // namespace

std::vector<Check> test_device(Device& device, Channel channel, const DeviceTest& test) {
  return DeviceTests{device, channel, test}.carry_out();
}

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok: return "ok";
    case Verdict::warning: return "warning";
    case Verdict::failed: return "failed";
  }
  return "failed";
}

}  // namespace thyrode::calibration
