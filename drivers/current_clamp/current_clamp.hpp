// Speaks protocols/ to our own firmware: on a board, behind a pseudo terminal, or in memory.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drivers/current_clamp/stream_order.hpp"
#include "drivers/device.hpp"
#include "drivers/link.hpp"
#include "protocols/codec.hpp"

namespace thyrode {

class CurrentClamp final : public Device {
 public:
  /// Seconds of a steady clock, for the waits of a link.
  using Clock = std::function<double()>;
  static double steady_seconds();

  /// Shakes hands: asks for IDENT until it comes (2 s), then for each channel's scales.
  /// Errors: device (silent, garbage, another major version, another message table: each with the reason).
  static Result<std::unique_ptr<CurrentClamp>> open(std::unique_ptr<Link> link, std::string uri,
                                                    Clock clock = steady_seconds);

  const DeviceInfo& info() const override { return info_; }
  Result<void> use_scales(Channel channel, const ChannelScales& scales) override;
  Result<DeviceMessage> read(Duration timeout) override;
  Result<void> schedule(Channel channel, std::span<const Segment> segments) override;
  Result<void> configure(Channel channel, const Setting& setting, Sample at) override;
  Result<void> arm() override;
  Result<void> start(Sample at) override;
  Result<void> stop(Sample at) override;
  Result<void> estop() override;
  Result<void> clear(protocol::FaultCode reason) override;
  Result<void> grant(Sample until) override;
  Result<protocol::DeviceStatus> status() override;
  Result<FaultTrace> fault_trace() override;
  LinkCounters counters() const override { return counters_; }
  /// What the board has told of itself last; not every board does.
  const std::optional<protocol::Health>& health() const { return health_; }
  double seconds() const override { return clock_(); }

 private:
  static constexpr int most_tries = 4;       // once and three retries
  static constexpr int patient_tries = 14;   // 10 s, each wait longer by 100 ms
  static constexpr double first_wait = 0.1;  // s

  /// A command that has not been acknowledged.
  struct Pending {
    std::uint8_t type = 0;
    std::uint8_t sequence = 0;
    std::vector<std::uint8_t> frame;
    int tries = 1;
    double due = 0.0;
    bool wanted = false;  // somebody waits for the answer
  };

  CurrentClamp(std::unique_ptr<Link> link, std::string uri, Clock clock)
      : link_{std::move(link)}, clock_{std::move(clock)} {
    info_.uri = std::move(uri);
  }

  Result<void> shake_hands();
  Result<protocol::Ident> ask_identity();
  /// Asks for what the device says without a sequence number, a few times: Describe, GetStatus ...
  /// @param wanted  tells the answer to this question from a late one to another
  template <class Answer, class Request, class Wanted>
  Result<Answer> ask(const Request& request, Wanted&& wanted);
  Result<FaultTrace::Codes> ask_trace(std::uint8_t channel, protocol::Signal signal);
  Result<ChannelDescription> describe_channel(std::uint8_t channel, bool has_part);

  /// Reads bytes once and sorts whole frames into messages_ and answers. @returns whether bytes came
  Result<bool> pump(Duration timeout);
  void take_frame(const protocol::Frame& frame);
  void take_answer(const protocol::Frame& frame);
  void take_health(const protocol::Frame& frame);
  void lose_frames(std::uint32_t count);
  template <class Message>
  void take_message(const protocol::Frame& frame);
  Result<void> repeat_overdue(bool link_idle);
  Result<void> pass_held_grant();

  template <class Message>
  Result<std::uint8_t> send(const Message& message, bool wanted);
  template <class Message>
  Result<void> send_unacknowledged(const Message& message);
  template <class Message>
  Result<void> command(const Message& message);
  Result<void> make_room(std::size_t bytes);
  Error refusal(std::uint8_t type, protocol::Status status) const;
  Result<const ChannelDescription*> channel(Channel channel) const;

  std::unique_ptr<Link> link_;
  Clock clock_;
  DeviceInfo info_;
  std::size_t credit_ = 64;
  protocol::FrameReader reader_;
  std::array<std::uint8_t, 65536> bytes_{};
  std::size_t bytes_end_ = 0;
  std::size_t bytes_begin_ = 0;
  std::deque<DeviceMessage> messages_;
  bool shaken_ = false;
  StreamOrder order_;
  std::uint8_t next_down_ = 0;
  std::deque<Pending> pending_;
  std::deque<protocol::Ack> acks_;  // answers somebody waits for
  std::vector<std::uint8_t> ident_payload_;
  std::uint8_t reply_type_ = 0;
  std::vector<std::uint8_t> reply_payload_;
  std::optional<protocol::Health> health_;
  protocol::FaultCode last_fault_ = protocol::FaultCode::none;
  Sample last_grant_{};
  bool grant_held_ = false;  // until every command is acknowledged
  LinkCounters counters_;
};

template <class Message>
Result<void> CurrentClamp::send_unacknowledged(const Message& message) {
  std::array<std::uint8_t, protocol::max_payload_down> payload;
  std::array<std::uint8_t, protocol::max_frame_bytes> frame;
  const std::size_t size = protocol::encode(message, payload);
  // Nobody acknowledges it, so it uses up no sequence number: a command would come round too soon to the number of one
  // that the device still remembers, and be taken for its repetition.
  const std::size_t bytes = protocol::write_frame(Message::type, next_down_, {payload.data(), size}, frame);
  counters_.bytes_down += bytes;
  return link_->write({frame.data(), bytes});
}

}  // namespace thyrode
