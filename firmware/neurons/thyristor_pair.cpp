#include "firmware/neurons/thyristor_pair.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace thyrode::neurons {

namespace {

// A waveform that begins `by` seconds later.
Waveform shifted(Waveform wave, double by) {
  if (by == 0.0) return wave;
  wave.polynomial[0] = wave.polynomial[0] + by * wave.polynomial[1];
  for (std::size_t k = 0; k < wave.mode_count; ++k) {
    Waveform::Mode& mode = wave.modes[k];
    const double grown = std::exp(mode.rate * by);
    const double cosine = std::cos(mode.frequency * by), sine = std::sin(mode.frequency * by);
    mode = {mode.rate, mode.frequency, grown * (mode.cosine * cosine + mode.sine * sine),
            grown * (mode.sine * cosine - mode.cosine * sine)};
  }
  return wave;
}

}  // namespace

ThyristorPair::ThyristorPair(const ThyristorParameters& a, const ThyristorParameters& b, double kick, double decay_time)
    : neurons_{Thyristor{a, decay_time}, Thyristor{b, decay_time}}, kick_{kick} {}

void ThyristorPair::inject(std::size_t channel, double current) {
  const std::uint64_t before = neurons_[channel].piece();
  neurons_[channel].inject(0, current);
  if (neurons_[channel].piece() != before) begin();
}

// A new piece of one neuron is a new piece of the pair; the other's goes on in it.
void ThyristorPair::begin() {
  ++pieces_;
  clock_.restart();
  for (std::size_t k = 0; k < neurons_.size(); ++k) age_[k] = neurons_[k].piece_time();
}

Advance ThyristorPair::finish(std::size_t channel, double elapsed, Event event) {
  if (event == Event::fire) neurons_[1 - channel].kick(kick_);
  begin();
  return {elapsed, event, channel};
}

Advance ThyristorPair::advance(double dt) {
  if (!failed().empty()) return {};
  if (pending_ != Event::none) return finish(1, 0.0, std::exchange(pending_, Event::none));
  double done = 0.0;
  while (true) {
    // Rounding may leave a neuron a last bit short of its event; then there is one more, very short, step.
    const double left = std::max(dt - done, 0.0);
    const double first = neurons_[0].next_event(left);
    const double step = std::min({left, first, neurons_[1].next_event(std::min(left, first))});
    const Advance a = neurons_[0].advance(step);
    const Advance b = neurons_[1].advance(step);
    clock_.pass(step);
    done += step;
    if (a.event != Event::none) {
      pending_ = b.event;
      return finish(0, done, a.event);
    }
    if (b.event != Event::none) return finish(1, done, b.event);
    if (step >= left) return {dt, Event::none, 0};
  }
}

Waveform ThyristorPair::membrane(std::size_t channel) const {
  return shifted(neurons_[channel].membrane(0), age_[channel]);
}

Waveform ThyristorPair::output(std::size_t channel) const {
  return shifted(neurons_[channel].output(0), age_[channel]);
}

std::string_view ThyristorPair::failed() const {
  return neurons_[0].failed().empty() ? neurons_[1].failed() : neurons_[0].failed();
}

std::span<const ParameterRule> thyristor_pair_rules() {
  static const std::vector<ParameterRule> rules = [] {
    constexpr auto any = ParameterLimit::any;
    std::vector<ParameterRule> all;
    for (const ParameterRule& rule : thyristor_rules()) {
      if (rule.name == "u_start") {
        all.push_back({"u_start_A", "V", any, "V_m of channel A when the circuit is switched on"});
        all.push_back({"u_start_B", "V", any, "V_m of channel B when the circuit is switched on"});
        all.push_back({"w", "A", any, "what a spike of one neuron adds to the current into the other"});
        all.push_back({"t_d", "s", ParameterLimit::positive, "the current of a synapse decays"});
      } else {
        all.push_back(rule);
      }
    }
    return all;
  }();
  return rules;
}

tl::expected<std::unique_ptr<Neuron>, ParameterError> make_thyristor_pair(const Parameters& parameters) {
  const auto one = [&](const char* start) {
    Parameters alone = parameters;
    for (const char* name : {"u_start_A", "u_start_B", "w", "t_d"}) alone.erase(name);
    alone["u_start"] = parameters.find(start)->second;
    return alone;
  };
  const auto a = lower_thyristor(one("u_start_A"));
  if (!a) return tl::make_unexpected(a.error());
  const auto b = lower_thyristor(one("u_start_B"));
  return std::make_unique<ThyristorPair>(*a, *b, parameters.find("w")->second, parameters.find("t_d")->second);
}

}  // namespace thyrode::neurons
