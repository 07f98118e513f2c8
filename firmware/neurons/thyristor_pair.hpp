// Two tonic neurons that kick each other: the network of Fig. 8 of the source paper as one device with two channels.
#pragma once

#include <array>

#include "firmware/neurons/neuron.hpp"
#include "firmware/neurons/piece_clock.hpp"
#include "firmware/neurons/thyristor.hpp"

namespace thyrode::neurons {

/// Two equal thyristor neurons, channels 0 (A) and 1 (B). Each spike of one adds w to a current into the other that
/// decays as exp(-t/t_d): inhibitory for w < 0, excitatory for w > 0. That current is a mode of the other's linear
/// pieces, so that the network is solved as exactly as one neuron.
/// Source: Rozenberg, arXiv:2302.08458 (2023), Fig. 8, whose synapses are instantaneous; w and t_d are assumed.
class ThyristorPair final : public Neuron {
 public:
  /// @param a, b  the two neurons; they differ in their start
  /// @param kick  w, amperes
  /// @param decay_time  t_d, seconds, > 0
  ThyristorPair(const ThyristorParameters& a, const ThyristorParameters& b, double kick, double decay_time);

  std::size_t channels() const override { return 2; }
  void inject(std::size_t channel, double current) override;
  Advance advance(double dt) override;
  double piece_time() const override { return clock_.now(); }
  Waveform membrane(std::size_t channel) const override;
  Waveform output(std::size_t channel) const override;
  std::uint64_t piece() const override { return pieces_; }
  std::string_view mode(std::size_t channel) const override { return neurons_[channel].mode(0); }
  bool latched(std::size_t channel) const override { return neurons_[channel].latched(0); }
  std::string_view failed() const override;

 private:
  Advance finish(std::size_t channel, double elapsed, Event event);
  void begin();

  std::array<Thyristor, 2> neurons_;
  double kick_;                  // A
  Event pending_ = Event::none;  // of channel 1, at the moment of an event of channel 0
  std::array<double, 2> age_{};  // s: how old each neuron's piece was when the common piece began
  PieceClock clock_;             // of the common piece
  std::uint64_t pieces_ = 0;
};

/// Builds the pair from parameters that check_parameters has passed.
/// Errors: as make_thyristor.
tl::expected<std::unique_ptr<Neuron>, ParameterError> make_thyristor_pair(const Parameters& parameters);

/// Those of the thyristor with u_start_A and u_start_B in place of u_start, and w and t_d.
std::span<const ParameterRule> thyristor_pair_rules();

}  // namespace thyrode::neurons
