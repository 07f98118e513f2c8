// A desk for the flash image: the chip in models, signals from functions of the conversion, and a host that writes
// frames and reads them. Time is the chip's.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "firmware/silicon/chip.hpp"
#include "protocols/codec.hpp"

namespace thyrode::test {

constexpr silicon::Time microsecond = 1'000'000;
constexpr silicon::Time millisecond = 1000 * microsecond;
constexpr silicon::Time sample_time = 4 * microsecond;

inline std::vector<std::uint8_t> flash_image() {
  std::ifstream file("build/firmware/bin/thyrode_nucleo_f446re.bin", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class ImageDesk final : public silicon::Board {
 public:
  /// A change of a DAC's code, or of the pins of a port.
  struct Change {
    silicon::Time at;
    int which;  ///< channel 0 or 1, or the letter of the port
    std::uint32_t value;
  };
  using Signal = std::function<std::uint16_t(std::int64_t)>;  ///< code by the count of conversions since the last start

  explicit ImageDesk(silicon::ChipOptions options = {}) : chip{flash_image(), *this, options} {
    v_out = [](std::int64_t) { return std::uint16_t{400}; };
  }

  // The pins.
  std::uint16_t convert(int converter, int channel, silicon::Time at) override {
    std::int64_t& count = conversions_[converter];
    // The image tries its converters before it starts them: the pause tells the one from the other.
    if (at - last_[converter] > 100 * microsecond) {
      count = 0;
      first[converter] = at;
    }
    last_[converter] = at;
    if (converter != 1) return v_out(count++);
    ++count;
    if (channel == 18) return 950;
    return channel == 12 || channel == 13 ? v_m : i_read;
  }
  void dac(int channel, std::uint16_t code, silicon::Time at) override {
    if (dac_[channel] == code) return;
    dac_[channel] = code;
    changes.push_back({at, channel, code});
  }
  void outputs(char port, std::uint32_t levels, silicon::Time at) override {
    if (levels_[port] == levels) return;
    levels_[port] = levels;
    changes.push_back({at, port, levels});
  }
  void serial(std::uint8_t byte, silicon::Time) override {
    bytes_.push_back(byte);
    if (byte == 0 && rate_after_frame > 0.0) chip.usart().line_rate(std::exchange(rate_after_frame, 0.0));
  }

  // The host.
  template <class Message>
  void send(const Message& message) {
    std::array<std::uint8_t, protocol::max_payload_up> payload;
    std::array<std::uint8_t, protocol::max_frame_bytes> frame;
    const std::size_t size = protocol::encode(message, payload);
    const std::size_t bytes = protocol::write_frame(Message::type, ++sequence_, {payload.data(), size}, frame);
    chip.usart().deliver({frame.data(), bytes});
  }
  /// Runs for a while and takes in what the image has said. @returns false when the chip refused something
  bool run(silicon::Time length) {
    until_ += length;
    const bool going = chip.run_until(until_);
    EXPECT_EQ(chip.refusal(), "");
    std::span<const std::uint8_t> bytes{bytes_};
    while (!bytes.empty()) {
      if (!reader_.push(bytes)) continue;
      if (!reader_.frame()) {
        ++bad_frames;
        continue;
      }
      const protocol::Frame& frame = *reader_.frame();
      received_[frame.type].emplace_back(frame.payload.begin(), frame.payload.end());
    }
    bytes_.clear();
    return going;
  }
  /// Sends a command and gives the status of its answer.
  template <class Message>
  protocol::Status ask(const Message& message) {
    const std::size_t before = all<protocol::Ack>().size();
    send(message);
    for (int k = 0; k < 20; ++k) {
      if (!run(millisecond / 2)) break;
      const auto acks = all<protocol::Ack>();
      if (acks.size() > before && acks.back().command == Message::type) return acks.back().status;
    }
    ADD_FAILURE() << "no answer to " << Message::name;
    return protocol::Status::malformed;
  }
  template <class Message>
  std::vector<Message> all() const {
    std::vector<Message> messages;
    const auto found = received_.find(Message::type);
    if (found == received_.end()) return messages;
    for (const auto& payload : found->second) {
      const auto message = protocol::decode<Message>(payload);
      EXPECT_TRUE(message) << Message::name;
      if (message) messages.push_back(*message);
    }
    return messages;
  }
  /// Waits for the start and shakes hands. @returns what the image says it is
  protocol::Ident meet() {
    run(10 * millisecond);
    for (int k = 0; k < 200 && all<protocol::Ident>().empty(); ++k) {
      send(protocol::Hello{});
      run(10 * millisecond);
    }
    const auto idents = all<protocol::Ident>();
    EXPECT_FALSE(idents.empty()) << "the image does not answer";
    return idents.empty() ? protocol::Ident{} : idents.back();
  }
  /// Runs with a heartbeat every 10 ms.
  void run_alive(silicon::Time length) {
    for (silicon::Time done = 0; done < length; done += 10 * millisecond) {
      send(protocol::Heartbeat{});
      if (!run(10 * millisecond)) return;
    }
  }
  /// The moment at which a sample is taken: its conversion's trigger, by the first conversion of V_out A.
  silicon::Time time_of(std::int64_t sample) const { return first.at(2) + sample * sample_time; }
  /// The code of a channel of the DAC.
  std::uint32_t code(int channel) const { return dac_.at(channel); }
  bool switch_closed() const {
    const auto port = levels_.find('C');
    return port != levels_.end() && (port->second & 0x140U) != 0;
  }

  Signal v_out;
  std::uint16_t v_m = 800;
  std::uint16_t i_read = 2048;
  std::vector<Change> changes;
  std::map<int, silicon::Time> first;  ///< by converter: its first conversion since it was started
  int bad_frames = 0;
  double rate_after_frame = 0.0;  ///< of the line, once the image has ended a frame; 0: stays

 private:
  std::map<int, std::int64_t> conversions_;
  std::map<int, silicon::Time> last_;
  std::map<int, std::uint32_t> dac_;
  std::map<char, std::uint32_t> levels_;
  std::vector<std::uint8_t> bytes_;
  std::map<std::uint8_t, std::vector<std::vector<std::uint8_t>>> received_;
  protocol::FrameReader reader_;
  silicon::Time until_ = 0;
  std::uint8_t sequence_ = 0;

 public:
  silicon::Chip chip;
};

}  // namespace thyrode::test
