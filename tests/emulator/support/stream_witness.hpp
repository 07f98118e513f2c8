// Sees every frame of a device's stream before a bad link touches it: what tests of losses measure against.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "drivers/device.hpp"
#include "drivers/link.hpp"
#include "protocols/codec.hpp"

namespace thyrode::test {

/// One frame as the device sent it.
struct WitnessedFrame {
  std::vector<std::uint8_t> text;  ///< with its delimiter
  bool stream = false;             ///< of the stream, not an answer
  DeviceMessage message;           ///< of the stream
};

/// Cuts bytes into frames.
class StreamWitness {
 public:
  /// @returns the frames that end within `bytes`
  std::vector<WitnessedFrame> take(std::span<const std::uint8_t> bytes) {
    std::vector<WitnessedFrame> frames;
    for (const std::uint8_t byte : bytes) {
      text_.push_back(byte);
      std::span<const std::uint8_t> one{&byte, 1};
      if (!reader_.push(one)) continue;
      WitnessedFrame frame;
      frame.text = std::exchange(text_, {});
      if (reader_.frame()) read(*reader_.frame(), frame);
      frames.push_back(std::move(frame));
    }
    return frames;
  }

 private:
  template <class Message>
  static void try_as(const protocol::Frame& frame, WitnessedFrame& into) {
    if (frame.type != Message::type) return;
    const auto message = protocol::decode<Message>(frame.payload);
    if (!message) return;
    into.stream = true;
    into.message = *message;
  }
  static void read(const protocol::Frame& frame, WitnessedFrame& into) {
    try_as<protocol::SampleBlock>(frame, into);
    try_as<protocol::SpikeBlock>(frame, into);
    try_as<protocol::LevelRecord>(frame, into);
    try_as<protocol::CurrentBlock>(frame, into);
    try_as<protocol::StepApplied>(frame, into);
    try_as<protocol::Mark>(frame, into);
    try_as<protocol::SnippetBlock>(frame, into);
    try_as<protocol::Fault>(frame, into);
  }
  protocol::FrameReader reader_;
  std::vector<std::uint8_t> text_;
};

/// A good link that notes the stream in a list of the test.
class WitnessedLink final : public Link {
 public:
  WitnessedLink(std::unique_ptr<Link> inner, std::vector<DeviceMessage>& stream)
      : inner_{std::move(inner)}, stream_{stream} {}
  Result<std::size_t> read(std::span<std::uint8_t> into, Duration timeout) override {
    auto came = inner_->read(into, timeout);
    if (!came) return came;
    for (WitnessedFrame& frame : witness_.take(into.first(*came))) {
      if (frame.stream) stream_.push_back(std::move(frame.message));
    }
    return came;
  }
  Result<void> write(std::span<const std::uint8_t> bytes) override { return inner_->write(bytes); }
  std::size_t unsent() const override { return inner_->unsent(); }
  bool in_lockstep() const override { return inner_->in_lockstep(); }

 private:
  std::unique_ptr<Link> inner_;
  std::vector<DeviceMessage>& stream_;
  StreamWitness witness_;
};

}  // namespace thyrode::test
