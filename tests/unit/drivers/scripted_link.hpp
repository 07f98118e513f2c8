// A device made of a function: what it hears comes as frames, what it says are messages or any bytes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "drivers/current_clamp/current_clamp.hpp"
#include "drivers/link.hpp"
#include "protocols/codec.hpp"

namespace thyrode {

/// One frame of the host, kept.
struct HeardFrame {
  std::uint8_t type = 0;
  std::uint8_t sequence = 0;
  std::vector<std::uint8_t> payload;
};

/// Both ends of the conversation; the test owns it, the link refers to it.
struct Script {
  std::function<void(const HeardFrame&)> answer;  ///< called for each frame of the host
  std::function<void()> before_read;              ///< called before each read; may say something
  std::vector<HeardFrame> heard;
  std::vector<std::uint8_t> outbox;
  protocol::FrameReader reader;

  template <class Message>
  void say(const Message& message, std::uint8_t sequence) {
    std::array<std::uint8_t, protocol::max_payload_up> payload;
    say_bytes(Message::type, sequence, {payload.data(), protocol::encode(message, payload)});
  }
  void say_bytes(std::uint8_t type, std::uint8_t sequence, std::span<const std::uint8_t> payload) {
    std::array<std::uint8_t, protocol::max_frame_bytes> frame;
    const std::size_t size = protocol::write_frame(type, sequence, payload, frame);
    outbox.insert(outbox.end(), frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
  }
  void acknowledge(const HeardFrame& frame, protocol::Status status = protocol::Status::done, Sample now = {}) {
    say(protocol::Ack{frame.type, frame.sequence, status, now}, frame.sequence);
  }
  std::size_t count(std::uint8_t type) const {
    return static_cast<std::size_t>(
        std::count_if(heard.begin(), heard.end(), [type](const HeardFrame& f) { return f.type == type; }));
  }
};

class ScriptedLink final : public Link {
 public:
  explicit ScriptedLink(Script& script) : script_{script} {}
  Result<std::size_t> read(std::span<std::uint8_t> into, Duration) override {
    if (script_.before_read) script_.before_read();
    const std::size_t count = std::min(into.size(), script_.outbox.size());
    std::copy_n(script_.outbox.begin(), count, into.begin());
    script_.outbox.erase(script_.outbox.begin(), script_.outbox.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }
  Result<void> write(std::span<const std::uint8_t> bytes) override {
    while (!bytes.empty()) {
      if (!script_.reader.push(bytes) || !script_.reader.frame()) continue;
      const protocol::Frame& frame = *script_.reader.frame();
      script_.heard.push_back({frame.type, frame.sequence, {frame.payload.begin(), frame.payload.end()}});
      const HeardFrame copy = script_.heard.back();
      if (script_.answer) script_.answer(copy);
    }
    return {};
  }
  std::size_t unsent() const override { return 0; }
  bool in_lockstep() const override { return true; }

 private:
  Script& script_;
};

inline protocol::Ident good_ident() {
  protocol::Ident ident;
  ident.schema = protocol::schema_hash;
  ident.board = {'f', 'a', 'k', 'e'};
  ident.firmware = {'f', 'w', '-', '1'};
  ident.serial = {'S', '1'};
  ident.sample_rate = 250'000;
  ident.block = 50;
  ident.channels = 1;
  ident.capabilities = protocol::can_virtual_time;
  ident.credit = 1024;
  ident.queue_depth = 16;
  ident.now = Sample{2500};
  return ident;
}

inline protocol::ChannelInfo good_channel() {
  protocol::ChannelInfo info;
  info.label = {'A'};
  info.signals = {protocol::SignalScale{2e-4, 32.0, 1, 12}, protocol::SignalScale{8e-4, 32.0, 10, 12},
                  protocol::SignalScale{500e-6 / 4096.0, 2048.0, 10, 12}};
  info.command = {400e-6 / 4096.0, 2048.0, 1, 12};
  info.lowest = 0;
  info.highest = 4095 << fine_bits;
  info.fastest = 1 << fine_bits;
  return info;
}

/// Answers the handshake like a good board, and every other command by `done`, as the default.
inline void behave(Script& script, const protocol::Ident& ident = good_ident(),
                   const protocol::ChannelInfo& channel = good_channel()) {
  script.answer = [&script, ident, channel](const HeardFrame& frame) {
    if (frame.type == protocol::Hello::type) return script.say(ident, frame.sequence);
    if (frame.type == protocol::Describe::type) return script.say(channel, frame.sequence);
    if (frame.type == protocol::Grant::type || frame.type == protocol::Heartbeat::type) return;
    script.acknowledge(frame);
  };
}

inline Result<std::unique_ptr<CurrentClamp>> open_scripted(Script& script) {
  return CurrentClamp::open(std::make_unique<ScriptedLink>(script), "test:script");
}

}  // namespace thyrode
