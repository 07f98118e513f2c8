#include "firmware/neurons/integrate_and_fire.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "firmware/neurons/parameters.hpp"

namespace thyrode::neurons {

IntegrateAndFire::IntegrateAndFire(const IntegrateAndFireParameters& parameters)
    : p_{parameters}, u_{parameters.v_reset} {
  fires_at_ = time_to_threshold();
}

double IntegrateAndFire::voltage(double t) const {
  if (p_.leak == 0.0) return u_ + current_ / p_.c * t;
  const double aim = current_ / p_.leak;
  return aim + (u_ - aim) * std::exp(-p_.leak / p_.c * t);
}

double IntegrateAndFire::time_to_threshold() const {
  const double missing = p_.v_th - u_;
  if (missing <= 0.0) return 0.0;
  if (p_.leak == 0.0) return current_ > 0.0 ? missing * p_.c / current_ : never;
  const double beyond = current_ / p_.leak - p_.v_th;
  return beyond > 0.0 ? p_.c / p_.leak * std::log1p(missing / beyond) : never;
}

void IntegrateAndFire::begin() {
  ++pieces_;
  clock_.restart();
}

void IntegrateAndFire::inject(std::size_t /*channel*/, double current) {
  if (current == current_) return;
  u_ = voltage(clock_.now());
  pulse_ends_at_ -= clock_.now();
  current_ = current;
  fires_at_ = time_to_threshold();
  begin();
}

Advance IntegrateAndFire::advance(double dt) {
  if (!failed().empty()) return {};
  const double next = std::min(fires_at_, pulse_ends_at_);
  if (next > clock_.after(dt)) {
    clock_.pass(dt);
    chatter_.pass(dt);
    return {dt, Event::none, 0};
  }
  const double elapsed = std::clamp(next - clock_.now(), 0.0, dt);
  const Event event = fires_at_ <= pulse_ends_at_ ? Event::fire : Event::open;
  if (event == Event::fire) {
    u_ = p_.v_reset;
    pulse_ends_at_ = p_.t_pulse;
    fires_at_ = time_to_threshold();
  } else {
    u_ = voltage(next);
    // What is left of the way is known; to work it out again from u_ would lose digits.
    fires_at_ -= next;
    pulse_ends_at_ = never;
  }
  begin();
  chatter_.event(elapsed, event);
  return {elapsed, event, 0};
}

Waveform IntegrateAndFire::membrane(std::size_t /*channel*/) const {
  Waveform wave;
  if (p_.leak == 0.0) {
    wave.polynomial = {u_, current_ / p_.c, 0.0, 0.0};
    return wave;
  }
  const double aim = current_ / p_.leak;
  wave.polynomial[0] = aim;
  wave.modes[0] = {-p_.leak / p_.c, 0.0, u_ - aim, 0.0};
  wave.mode_count = 1;
  return wave;
}

Waveform IntegrateAndFire::output(std::size_t /*channel*/) const {
  Waveform wave;
  wave.polynomial[0] = pulse_ends_at_ == never ? 0.0 : p_.v_pulse;
  return wave;
}

std::string_view IntegrateAndFire::mode(std::size_t /*channel*/) const {
  return pulse_ends_at_ == never ? "silent" : "pulse";
}

namespace {

constexpr auto positive = ParameterLimit::positive;
constexpr auto any = ParameterLimit::any;

constexpr ParameterRule capacitor{"C", "F", positive, "a capacitor stores charge of the sign of its voltage"};
constexpr ParameterRule threshold{"V_th", "V", positive, "a current into the membrane raises it to the threshold"};
constexpr ParameterRule reset{"V_reset", "V", any, "V_m after a spike and at the start"};
constexpr ParameterRule height{"V_pulse", "V", positive, "the pulse is what shows a spike in V_out"};
constexpr ParameterRule width{"t_pulse", "s", positive, "a pulse of no length cannot be seen"};

constexpr std::array ideal_rules{capacitor, threshold, reset, height, width};
constexpr std::array leaky_rules{
    capacitor,
    ParameterRule{"R", "Ohm", positive, "a passive resistor loses energy"},
    threshold,
    reset,
    height,
    width,
    ParameterRule{"tau", "s", positive, "the membrane relaxes with tau = R C", "R", "C"},
    ParameterRule{"I_c", "A", positive, "the threshold is reached above I_c = V_th / R", "V_th", "", "R"},
};

constexpr std::array order{
    Ordered{"V_reset", "V_th", false, "a spike that does not bring the membrane below the threshold has no end"},
};

tl::expected<std::unique_ptr<Neuron>, ParameterError> make(std::span<const ParameterRule> rules,
                                                           const Parameters& given, double leak) {
  if (auto error = check_order(rules, given, order)) return tl::make_unexpected(*error);
  const auto get = [&](std::string_view name) { return given.find(name)->second; };
  return std::make_unique<IntegrateAndFire>(
      IntegrateAndFireParameters{get("C"), leak, get("V_th"), get("V_reset"), get("V_pulse"), get("t_pulse")});
}

}  // namespace

std::span<const ParameterRule> ideal_if_rules() {
  return ideal_rules;
}
std::span<const ParameterRule> lif_rules() {
  return leaky_rules;
}

tl::expected<std::unique_ptr<Neuron>, ParameterError> make_ideal_if(const Parameters& parameters) {
  return make(ideal_rules, parameters, 0.0);
}

tl::expected<std::unique_ptr<Neuron>, ParameterError> make_lif(const Parameters& parameters) {
  return make(leaky_rules, parameters, 1.0 / parameters.find("R")->second);
}

}  // namespace thyrode::neurons
