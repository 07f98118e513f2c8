#include "firmware/neurons/noise.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace thyrode::neurons {

namespace {

// exp(-1/20), written out so that no mathematical library has a say in the path of the noise.
constexpr double persistence = 0.95122942450071400910;
static_assert(NoiseCurrent::steps_per_correlation_time == 20);

}  // namespace

NoiseCurrent::NoiseCurrent(const NoiseParameters& parameters, std::uint64_t seed)
    : random_{seed},
      step_{parameters.correlation_time / steps_per_correlation_time},
      innovation_{parameters.deviation * std::sqrt(1.0 - persistence * persistence)},
      value_{parameters.deviation * random_.normal()} {}

void NoiseCurrent::next() {
  value_ = std::fma(persistence, value_, innovation_ * random_.normal());
}

NoisyNeuron::NoisyNeuron(std::unique_ptr<Neuron> neuron, const NoiseParameters& noise, std::uint64_t seed)
    : neuron_{std::move(neuron)}, noise_{noise, seed} {
  neuron_->inject(0, noise_.value());
}

void NoisyNeuron::inject(std::size_t channel, double current) {
  injected_ = current;
  neuron_->inject(channel, injected_ + noise_.value());
}

Advance NoisyNeuron::advance(double dt) {
  const double left = std::max((noise_.grid_step() - spent_) + correction_, 0.0);
  Advance done = neuron_->advance(std::min(dt, left));
  if (done.event == Event::none && left <= dt && failed().empty()) {
    noise_.next();
    neuron_->inject(0, injected_ + noise_.value());
    spent_ = correction_ = 0.0;
    done.event = Event::piece;
    return done;
  }
  // Many small steps must add up to the same moment as one large one.
  const double part = done.elapsed - correction_;
  const double sum = spent_ + part;
  correction_ = (sum - spent_) - part;
  spent_ = sum;
  return done;
}

}  // namespace thyrode::neurons
