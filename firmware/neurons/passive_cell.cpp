#include "firmware/neurons/passive_cell.hpp"

#include <array>
#include <cmath>

namespace thyrode::neurons {

void PassiveCell::inject(std::size_t channel, double current) {
  if (current == current_) return;
  u_ = membrane(channel).at(clock_.now());
  current_ = current;
  clock_.restart();
  ++pieces_;
}

Advance PassiveCell::advance(double dt) {
  clock_.pass(dt);
  return {dt, Event::none, 0};
}

Waveform PassiveCell::membrane(std::size_t /*channel*/) const {
  Waveform wave;
  const double aim = current_ * resistance_;
  wave.polynomial[0] = aim;
  if (capacitance_ == 0.0) return wave;
  wave.modes[0] = {-1.0 / (resistance_ * capacitance_), 0.0, u_ - aim, 0.0};
  wave.mode_count = 1;
  return wave;
}

namespace {

constexpr ParameterRule resistor{"R", "Ohm", ParameterLimit::positive, "a passive resistor loses energy"};
constexpr ParameterRule capacitor{"C", "F", ParameterLimit::positive,
                                  "a capacitor stores charge of the sign of its voltage"};
constexpr std::array cell{capacitor, resistor};
constexpr std::array bare{resistor};

}  // namespace

std::span<const ParameterRule> model_cell_rules() {
  return cell;
}
std::span<const ParameterRule> resistor_rules() {
  return bare;
}

tl::expected<std::unique_ptr<Neuron>, ParameterError> make_model_cell(const Parameters& parameters) {
  return std::make_unique<PassiveCell>(parameters.find("R")->second, parameters.find("C")->second);
}

tl::expected<std::unique_ptr<Neuron>, ParameterError> make_resistor(const Parameters& parameters) {
  return std::make_unique<PassiveCell>(parameters.find("R")->second, 0.0);
}

}  // namespace thyrode::neurons
