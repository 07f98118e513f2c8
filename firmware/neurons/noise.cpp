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

WhiteCurrent::WhiteCurrent(const NoiseParameters& parameters, std::uint64_t seed)
    : random_{seed},
      step_{parameters.white_step},
      deviation_{parameters.white_density / std::sqrt(2.0 * parameters.white_step)},
      value_{deviation_ * random_.normal()} {}

std::uint64_t stream_seed(std::uint64_t seed, std::uint64_t k) {
  // Neighbouring seeds of Random share words of their state; a number drawn from a scrambled seed does not.
  return k == 0 ? seed : Random{seed ^ (k * 0xd1b54a32d192ed03U)}.bits();
}

NoisyNeuron::NoisyNeuron(std::unique_ptr<Neuron> neuron, const NoiseParameters& noise, std::uint64_t seed)
    : neuron_{std::move(neuron)}, channels_(neuron_->channels()) {
  for (std::size_t k = 0; k < channels_.size(); ++k) {
    if (noise.deviation > 0.0) channels_[k].slow.emplace(noise, stream_seed(seed, 2 * k));
    if (noise.white_density > 0.0) channels_[k].white.emplace(noise, stream_seed(seed, 2 * k + 1));
    neuron_->inject(k, channels_[k].current());
  }
  if (const auto& slow = channels_.front().slow) slow_grid_ = Grid{slow->grid_step()};
  if (const auto& white = channels_.front().white) white_grid_ = Grid{white->grid_step()};
}

void NoisyNeuron::inject(std::size_t channel, double current) {
  channels_[channel].injected = current;
  neuron_->inject(channel, channels_[channel].current());
}

Advance NoisyNeuron::advance(double dt) {
  const double slow = slow_grid_.left();
  const double white = white_grid_.left();
  const double left = std::min(slow, white);
  Advance done = neuron_->advance(std::min(dt, left));
  slow_grid_.pass(done.elapsed);
  white_grid_.pass(done.elapsed);
  if (done.event == Event::none && left <= dt && failed().empty()) {
    renew(slow <= left, white <= left);
    done.event = Event::piece;
  }
  return done;
}

void NoisyNeuron::renew(bool slow, bool white) {
  if (slow) slow_grid_.restart();
  if (white) white_grid_.restart();
  for (std::size_t k = 0; k < channels_.size(); ++k) {
    if (slow) channels_[k].slow->next();
    if (white) channels_[k].white->next();
    neuron_->inject(k, channels_[k].current());
  }
}

}  // namespace thyrode::neurons
