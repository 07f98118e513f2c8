// What is wired to the chip on the bench: the analog front end of the reference instrument and a circuit under test.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "firmware/boards/native/front_end.hpp"
#include "firmware/boards/native/sampler.hpp"
#include "firmware/boards/native/truth.hpp"
#include "firmware/neurons/neuron.hpp"
#include "firmware/silicon/chip.hpp"

namespace thyrode::silicon {

struct BenchOptions {
  std::uint64_t seed = 1;
  bool ideal_front_end = false;                     ///< no gain, offset, noise or bend; quantisation stays
  std::function<void(const native::Truth&)> truth;  ///< may be empty
  double temperature_celsius = 35.0;                ///< of the chip
  ChipOptions chip{};
};

/// Pins: the table of docs/firmware.md.
class NeuronBoard final : public Board {
 public:
  NeuronBoard(std::unique_ptr<neurons::Neuron> neuron, const BenchOptions& options);

  std::uint16_t convert(int converter, int channel, Time at) override;
  void dac(int channel, std::uint16_t code, Time at) override;
  void outputs(char port, std::uint32_t levels, Time at) override;
  void serial(std::uint8_t byte, Time at) override;

  std::vector<std::uint8_t>& sent() { return sent_; }
  /// Why the circuit cannot go on, or empty.
  std::string failure() const { return std::string{neuron_->failed()}; }
  /// What flows into a channel, A.
  double current(std::size_t channel) const { return channels_[channel]->current; }
  bool trigger_output() const { return trigger_output_; }
  /// When the device's sample 0 was, s from power-on.
  double first_sample_seconds() const;

 private:
  struct Wired {
    Wired(std::uint64_t seed, bool ideal, const native::GaussianTable& gaussian);
    native::CurrentSource source;
    native::AdcInput v_out, v_m, i_read;
    native::AntiAliasFilter filter{native::Nominal::filter_corner};
    native::Signal membrane;
    std::uint16_t code = 0;
    bool closed = false;
    double current = 0.0;
  };
  void advance(Time to);
  void renew();
  void drive(std::size_t channel);
  void report(native::Truth::Kind kind, std::size_t channel, double at, double value) const;
  std::uint16_t take(native::AdcInput& input, double value) const;

  BenchOptions options_;
  native::GaussianTable gaussian_;
  std::unique_ptr<neurons::Neuron> neuron_;
  std::vector<std::unique_ptr<Wired>> channels_;
  std::vector<std::uint8_t> sent_;
  Time at_ = 0;  // of the circuit
  std::uint64_t piece_ = 0;
  double piece_time_ = 0.0;  // of the piece that the filters have
  bool begun_ = false;
  bool trigger_output_ = false;
  Time first_sample_ = 0;  // of the run of samples that goes on
  Time last_code_ = -1;
};

}  // namespace thyrode::silicon
