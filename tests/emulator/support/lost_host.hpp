// A host that is lost at any moment, for any board that runs in virtual time: what the current does then.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "protocols/codec.hpp"

namespace thyrode::test {

/// A board under test, byte by byte. In virtual time it runs as far as it was granted.
struct LostHostBoard {
  std::function<void(std::span<const std::uint8_t>)> deliver;
  std::function<void()> unplug;  ///< the port is closed
  std::function<bool()> step;    ///< @returns whether device time moved
  std::function<Sample()> now;
  std::function<void()> drop_answers;           ///< nobody reads them
  std::function<double(Sample)> largest_after;  ///< largest |true current| from a sample on, A
  std::function<protocol::State()> state;       ///< as the last mark told it
};

/// One case, all of it from its seed.
class LostHost {
 public:
  static constexpr std::int64_t lease = 25'000;  // samples: 100 ms
  static constexpr std::int64_t period = 2'500;
  static constexpr FineCode zero = 2048 << fine_bits;
  static constexpr FineCode slew = 13'421;               // 5 mA/s at 97.66 nA a code
  static constexpr FineCode reach = 1'331 << fine_bits;  // 130 uA

  LostHost(LostHostBoard& board, std::uint64_t seed) : board_{board}, random_{seed}, seed_{seed} {}

  /// Runs the case. Every expectation names the seed.
  void run() {
    SCOPED_TRACE("seed " + std::to_string(seed_));
    live();
    const Sample lost = board_.now();
    die();
    // The falling current, the switch after it, and the blocks that are written ahead.
    const Sample quiet = lost + lease + reach / slew + 6 * 50;
    grant_is_given(quiet + 125'000);
    EXPECT_EQ(board_.largest_after(quiet), 0.0) << "lost at sample " << lost.index << ", by way " << way_;
    EXPECT_NE(board_.state(), protocol::State::running);
    EXPECT_TRUE(armed_ || board_.state() != protocol::State::armed) << "nothing arms by itself";
  }

 private:
  std::int64_t anything(std::int64_t lowest, std::int64_t highest) {
    return std::uniform_int_distribution<std::int64_t>{lowest, highest}(random_);
  }
  template <class Message>
  std::vector<std::uint8_t> frame(const Message& message) {
    std::array<std::uint8_t, protocol::max_payload_up> payload;
    std::vector<std::uint8_t> bytes(protocol::max_frame_bytes);
    const std::size_t size = protocol::encode(message, payload);
    bytes.resize(protocol::write_frame(Message::type, ++sequence_, {payload.data(), size}, bytes));
    return bytes;
  }
  template <class Message>
  void send(const Message& message) {
    board_.deliver(frame(message));
  }
  /// Lets the board run to where it may.
  void run_until(Sample until) {
    while (board_.now() < until && board_.step()) board_.drop_answers();
    board_.drop_answers();
  }
  void grant_is_given(Sample until) {
    run_until(until);
    EXPECT_GE(board_.now(), until - period) << "granted beforehand";
  }

  /// A host that does everything a host does, up to a random moment.
  void live() {
    send(protocol::Hello{});
    send(protocol::ConfigureLimits{0, zero - reach, zero + reach, slew});
    send(protocol::ConfigureLease{static_cast<std::uint32_t>(lease)});
    send(protocol::ConfigureTelemetry{0, Sample{0}, static_cast<std::uint16_t>(seed_ % 2 == 0 ? 10 : 0)});
    if (anything(0, 9) == 0) return;  // idle
    send(protocol::Arm{});
    armed_ = anything(0, 9) == 0;
    if (armed_) return;  // no current, and no time that a start would name
    const Sample start{period * 2};
    send(protocol::Start{start});
    const Sample end = start + anything(0, 60'000);
    Sample piece = start;
    for (Sample granted{period}; board_.now() < end; granted = granted + period) {
      while (piece < granted + 2 * period) {
        const auto to = static_cast<FineCode>(zero + anything(-reach, reach));
        send(protocol::Schedule{0, piece, static_cast<std::uint32_t>(anything(0, 1) * anything(1, 4'000)),
                                static_cast<FineCode>(zero + anything(-reach, reach)), to});
        piece = piece + anything(500, 9'000);
      }
      send(protocol::Grant{std::min(granted, end)});
      run_until(std::min(granted, end) - 50);
      if (granted > end + period) break;
    }
    if (anything(0, 9) == 0) send(protocol::Stop{board_.now() + anything(0, 500)});
    if (anything(0, 4) == 0) {
      send(protocol::EmergencyStop{});
      if (anything(0, 1) == 0) send(protocol::Clear{protocol::FaultCode::estop});
    }
  }

  /// All that the board is ever told about its time has been told: the host says nothing more that is whole.
  void die() {
    const Sample far = board_.now() + lease + reach / slew + 6 * 50 + 2 * 125'000;
    const auto half = [this](std::vector<std::uint8_t> bytes) {
      bytes.resize(static_cast<std::size_t>(anything(0, static_cast<std::int64_t>(bytes.size()) - 1)));
      board_.deliver(bytes);
    };
    way_ = static_cast<int>(anything(0, 3));
    send(protocol::Grant{far});
    switch (way_) {
      case 0: return;  // killed or stopped: silence
      case 1: {        // in the middle of a frame
        const std::int64_t which = anything(0, 3);
        if (which == 0) return half(frame(protocol::Clear{protocol::FaultCode::lease_expired}));
        if (which == 1) return half(frame(protocol::ConfigureLimits{0, 0, 4095 << fine_bits, slew}));
        if (which == 2) return half(frame(protocol::Schedule{0, board_.now() + 1000, 0, zero + reach, zero + reach}));
        return half(frame(protocol::Heartbeat{}));
      }
      case 2:  // unplugged and plugged in: a port that opens again, and somebody who only grants time
        board_.unplug();
        send(protocol::Grant{far});
        return;
      default: {  // garbage, some of it while the current still flows
        std::vector<std::uint8_t> garbage(static_cast<std::size_t>(anything(1, 20'000)));
        for (std::uint8_t& byte : garbage) byte = static_cast<std::uint8_t>(anything(0, 255));
        board_.deliver(garbage);
      }
    }
  }

  LostHostBoard& board_;
  std::mt19937_64 random_;
  std::uint64_t seed_;
  std::uint8_t sequence_ = 0;
  bool armed_ = false;
  int way_ = 0;
};

}  // namespace thyrode::test
