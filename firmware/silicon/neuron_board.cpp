#include "firmware/silicon/neuron_board.hpp"

#include <algorithm>
#include <cmath>

namespace thyrode::silicon {
namespace {

using native::Nominal;

constexpr double seconds_of(Time time) {
  return static_cast<double>(time) / static_cast<double>(picoseconds_per_second);
}
constexpr Time sample_time = 4'000'000;
constexpr int switch_a = 8, switch_b = 6;  // of port C
constexpr int trigger_out = 1;             // of port A

/// An input of a converter: which signal of which channel.
struct Input {
  int converter, channel;
  std::size_t neuron_channel;
  enum class Signal : std::uint8_t { v_out, v_m, i_read } signal;
};
constexpr std::array<Input, 6> inputs{{
    {2, 10, 0, Input::Signal::v_out},
    {3, 11, 1, Input::Signal::v_out},
    {1, 12, 0, Input::Signal::v_m},
    {1, 13, 1, Input::Signal::v_m},
    {1, 8, 0, Input::Signal::i_read},
    {1, 14, 1, Input::Signal::i_read},
}};
constexpr int temperature_channel = 18;

}  // namespace

NeuronBoard::Wired::Wired(std::uint64_t seed, bool ideal, const native::GaussianTable& gaussian)
    : source{native::mix(seed ^ 1), ideal},
      v_out{Nominal::volts_per_code_out, Nominal::adc_zero, native::mix(seed ^ 2), ideal, gaussian},
      v_m{Nominal::volts_per_code_m, Nominal::adc_zero, native::mix(seed ^ 3), ideal, gaussian},
      i_read{Nominal::amps_per_read_code, Nominal::bipolar_zero, native::mix(seed ^ 4), ideal, gaussian} {}

/// Seeds as on the native board: the same hidden errors of gain and offset.
NeuronBoard::NeuronBoard(std::unique_ptr<neurons::Neuron> neuron, const BenchOptions& options)
    : options_{options}, neuron_{std::move(neuron)} {
  for (std::size_t c = 0; c < neuron_->channels(); ++c) {
    channels_.push_back(
        std::make_unique<Wired>(native::mix(options.seed + 0x100 * (c + 1)), options.ideal_front_end, gaussian_));
  }
}

/// @param at  seconds
void NeuronBoard::report(native::Truth::Kind kind, std::size_t channel, double at, double value) const {
  if (!options_.truth) return;
  const double samples = (at - seconds_of(first_sample_)) * Nominal::sample_rate;
  const double whole = std::floor(samples);
  options_.truth(
      {kind, static_cast<std::uint8_t>(channel), Sample{static_cast<std::int64_t>(whole)}, samples - whole, value});
}

/// Takes the signals of a new piece over.
void NeuronBoard::renew() {
  if (begun_ && neuron_->piece() == piece_) return;
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    channels_[c]->filter.begin(native::to_signal(neuron_->output(c)), piece_time_);
    channels_[c]->membrane = native::to_signal(neuron_->membrane(c));
  }
  begun_ = true;
  piece_ = neuron_->piece();
  piece_time_ = neuron_->piece_time();
}

/// Moves the circuit on, from event to event.
void NeuronBoard::advance(Time to) {
  if (to <= at_ || !neuron_->failed().empty()) return;
  double left = seconds_of(to - at_);
  while (left > 0.0) {
    renew();
    const double before = neuron_->piece_time();
    const neurons::Advance move = neuron_->advance(left);
    if (!neuron_->failed().empty()) return;
    const bool reached = move.event == neurons::Event::none;
    // A new piece may have begun: the old one's own time is what it had plus what has passed.
    piece_time_ = before + move.elapsed;
    left = reached ? 0.0 : left - move.elapsed;
    const double now = seconds_of(to) - std::max(left, 0.0);
    if (move.event == neurons::Event::fire) report(native::Truth::Kind::fire, move.channel, now, 0.0);
    if (move.event == neurons::Event::open) report(native::Truth::Kind::open, move.channel, now, 0.0);
  }
  at_ = to;
}

void NeuronBoard::drive(std::size_t channel) {
  Wired& wired = *channels_[channel];
  const double current = wired.closed ? wired.source.level(wired.code) : 0.0;
  if (current == wired.current) return;
  wired.current = current;
  neuron_->inject(channel, current);
  report(native::Truth::Kind::current, channel, seconds_of(at_), current);
}

void NeuronBoard::dac(int channel, std::uint16_t code, Time at) {
  if (channel == 0) {
    if (at - last_code_ != sample_time && at != last_code_) first_sample_ = at;
    last_code_ = at;
  }
  const auto c = static_cast<std::size_t>(channel);
  if (c >= channels_.size() || code == channels_[c]->code) return;
  advance(at);
  channels_[c]->code = code;
  drive(c);
}

void NeuronBoard::outputs(char port, std::uint32_t levels, Time at) {
  if (port == 'A') trigger_output_ = (levels >> trigger_out & 1U) != 0;
  if (port != 'C') return;
  constexpr std::array<int, 2> pins{switch_a, switch_b};
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    const bool closed = (levels >> pins[c] & 1U) != 0;
    if (closed == channels_[c]->closed) continue;
    advance(at);
    channels_[c]->closed = closed;
    drive(c);
  }
}

double NeuronBoard::first_sample_seconds() const {
  return seconds_of(first_sample_);
}

void NeuronBoard::serial(std::uint8_t byte, Time) {
  sent_.push_back(byte);
}

std::uint16_t NeuronBoard::take(native::AdcInput& input, double value) const {
  const AdcCode code = input.convert_at(input.conversions(), value);
  input.skip(1);
  return code;
}

std::uint16_t NeuronBoard::convert(int converter, int channel, Time at) {
  if (channel == temperature_channel) {
    // Data sheet DS10693, table 81: 0.76 V at 25 degrees, 2.5 mV a degree; 3.3 V over 4096 codes.
    const double volts = 0.76 + 2.5e-3 * (options_.temperature_celsius - 25.0);
    return static_cast<std::uint16_t>(std::lround(volts / Nominal::adc_full_scale * 4096.0));
  }
  for (const Input& input : inputs) {
    if (input.converter != converter || input.channel != channel) continue;
    if (input.neuron_channel >= channels_.size()) {
      // Nothing is wired to it: the pull-down of the front end holds zero.
      const bool bipolar = input.signal == Input::Signal::i_read;
      return static_cast<std::uint16_t>(bipolar ? Nominal::bipolar_zero : Nominal::adc_zero);
    }
    Wired& wired = *channels_[input.neuron_channel];
    if (input.signal == Input::Signal::i_read) return take(wired.i_read, wired.current);
    advance(at);
    renew();
    const double within = neuron_->piece_time();
    if (input.signal == Input::Signal::v_m) return take(wired.v_m, wired.membrane.at(within)[0]);
    return take(wired.v_out, wired.filter.output().at(within)[0]);
  }
  return 0;
}

}  // namespace thyrode::silicon
