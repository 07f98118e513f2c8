// A host of one emulated instrument: writes frames, grants time, reads everything back.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "firmware/boards/native/native_instrument.hpp"
#include "protocols/codec.hpp"
#include "protocols/framing.hpp"
#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"

namespace thyrode::native {

/// The nearest command for a current, by the nominal scale.
constexpr FineCode fine_of(double amperes) {
  return static_cast<FineCode>((amperes / Nominal::amps_per_dac_code + Nominal::bipolar_zero) * (1 << fine_bits));
}
constexpr AdcCode v_out_codes(double volts) {
  return static_cast<AdcCode>(volts / Nominal::volts_per_code_out);
}

class Host {
 public:
  Host(std::unique_ptr<neurons::Neuron> neuron, NativeOptions options) {
    options.truth = [this](const Truth& event) { truth.push_back(event); };
    device = std::make_unique<NativeInstrument>(std::move(neuron), std::move(options));
  }
  /// With the published tonic neuron.
  explicit Host(std::uint64_t seed, bool ideal = false, double noise_current = 0.0, bool every_sample = false)
      : Host{neurons::must_make("thyristor", neurons::wu2023(), {noise_current, 1e-3}, seed),
             NativeOptions{seed, ideal, every_sample, 0, {}}} {}

  template <class Message>
  void send(const Message& message) {
    std::array<std::uint8_t, protocol::max_payload_up> payload;
    std::array<std::uint8_t, protocol::max_frame_bytes> frame;
    const std::size_t size = protocol::encode(message, payload);
    const std::size_t length = protocol::write_frame(Message::type, ++sequence_, {payload.data(), size}, frame);
    device->deliver({frame.data(), length});
  }
  /// Lets the device run as far as granted and takes its bytes.
  void run() {
    while (device->step()) take();
    take();
  }
  void grant(std::int64_t until) {
    send(protocol::Grant{Sample{until}});
    run();
  }
  void grant_to(std::int64_t from, std::int64_t until, std::int64_t by = 2500) {
    for (std::int64_t at = from; at < until + by; at += by) grant(std::min(at, until));
  }
  /// Starts at 10 ms with one step of the current at 20 ms; V_out is recorded unless `decimation` is 0.
  void begin(double current, std::uint16_t decimation = 10, double swing = 0.08) {
    protocol::ConfigureDetector detector;
    detector.swing = v_out_codes(swing);
    detector.refractory = 12;
    send(detector);
    send(protocol::ConfigureTelemetry{0, Sample{0}, decimation});
    send(protocol::Arm{});
    send(protocol::Start{Sample{2500}});
    send(protocol::Schedule{0, Sample{5000}, 0, fine_of(current), fine_of(current)});
  }

  /// Every message of one type, in the order of its coming.
  template <class Message>
  std::vector<Message> all() const {
    std::vector<Message> messages;
    protocol::FrameReader reader;
    std::span<const std::uint8_t> left{bytes};
    while (!left.empty()) {
      if (!reader.push(left) || !reader.frame() || reader.frame()->type != Message::type) continue;
      messages.push_back(*protocol::decode<Message>(reader.frame()->payload));
    }
    return messages;
  }
  std::vector<protocol::SpikeRecord> spikes(std::uint8_t channel = 0) const {
    std::vector<protocol::SpikeRecord> spikes;
    for (const auto& block : all<protocol::SpikeBlock>()) {
      if (block.channel != channel) continue;
      spikes.insert(spikes.end(), block.records.begin(), block.records.end());
    }
    return spikes;
  }

  std::unique_ptr<NativeInstrument> device;
  std::vector<std::uint8_t> bytes;
  std::vector<Truth> truth;

 private:
  void take() {
    const auto out = device->outbox();
    bytes.insert(bytes.end(), out.begin(), out.end());
    device->take(out.size());
  }
  std::uint8_t sequence_ = 0;
};

}  // namespace thyrode::native
