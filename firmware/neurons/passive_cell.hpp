// Circuits without spikes, whose response is known beforehand: for calibration and self-test.
#pragma once

#include "firmware/neurons/neuron.hpp"
#include "firmware/neurons/piece_clock.hpp"

namespace thyrode::neurons {

/// A resistor to ground, with a capacitor across it or without. Both terminals of the instrument sit on its one node:
/// V_out = V_m. With the capacitor V_m = I R + (V_m(0) - I R) exp(-t/(R C)), beginning at 0 V; without, V_m = I R at
/// once.
class PassiveCell final : public Neuron {
 public:
  /// @param resistance  Ohm, > 0
  /// @param capacitance  F, >= 0
  PassiveCell(double resistance, double capacitance) : resistance_{resistance}, capacitance_{capacitance} {}

  void inject(std::size_t channel, double current) override;
  Advance advance(double dt) override;
  double piece_time() const override { return clock_.now(); }
  Waveform membrane(std::size_t channel) const override;
  Waveform output(std::size_t channel) const override { return membrane(channel); }
  std::uint64_t piece() const override { return pieces_; }

 private:
  double resistance_, capacitance_;
  double current_ = 0.0;  // A
  double u_ = 0.0;        // V, at the start of the piece
  PieceClock clock_;
  std::uint64_t pieces_ = 0;
};

/// Builds a circuit from parameters that check_parameters has passed. Errors: none.
tl::expected<std::unique_ptr<Neuron>, ParameterError> make_model_cell(const Parameters& parameters);
tl::expected<std::unique_ptr<Neuron>, ParameterError> make_resistor(const Parameters& parameters);

std::span<const ParameterRule> model_cell_rules();
std::span<const ParameterRule> resistor_rules();

}  // namespace thyrode::neurons
