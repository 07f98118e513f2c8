// Neurons made of membrane currents: a system of differential equations, integrated and shown as an instrument sees it.
#pragma once

#include <algorithm>
#include <array>
#include <boost/numeric/odeint/stepper/controlled_runge_kutta.hpp>
#include <boost/numeric/odeint/stepper/generation.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta_dopri5.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "firmware/neurons/conductance_scale.hpp"
#include "firmware/neurons/neuron.hpp"
#include "firmware/neurons/piece_clock.hpp"
#include "firmware/neurons/step_curve.hpp"

namespace thyrode::neurons {

/// A conductance model as a neuron under test. A spike begins (fire) where the membrane potential rises through
/// scale.spike_level and ends (open) where it falls through it.
///
/// Integrated with the fifth-order pair of Dormand & Prince (J. Comput. Appl. Math. 6:19 (1980)) and its dense output.
/// These models are stiff only within a spike, where accuracy asks for short steps anyway. Odeint's Rosenbrock method
/// of fourth order, with a Jacobian of differences, took more steps at a tolerance of 1e-9 even between bursts, and ten
/// times the time for each.
///
/// Steps end where the error says, never where the caller stops to look: the trajectory does not depend on how the
/// time is divided, unless the current changes. A change begins a new step from the dense output.
///
/// @tparam Model  `size` variables in `State = std::array<double, size>`, milliseconds and millivolts:
///                start(); operator()(x, dx/dt, t); inject(current in amperes of the model); electrode(), the index of
///                the membrane potential shown
template <class Model>
class ConductanceNeuron final : public Neuron {
 public:
  ConductanceNeuron(const Model& model, const ConductanceScale& scale)
      : model_{model},
        scale_{scale},
        stepper_{boost::numeric::odeint::make_controlled(scale.tolerance, scale.tolerance, Method{})} {
    model_.inject(0.0);
    above_now_ = model_.start()[model_.electrode()] * volts_per_unit >= scale_.spike_level;
    restart(model_.start());
  }

  void inject(std::size_t /*channel*/, double current) override {
    if (current == current_ || !failed_.empty()) return;
    const State x = state_now();
    current_ = current;
    model_.inject(current * scale_.current_gain);
    restart(x);
  }

  Advance advance(double dt) override {
    if (!failed_.empty()) return {};
    if (length_ > clock_.after(dt)) {
      clock_.pass(dt);
      return {dt, Event::none, 0};
    }
    const double elapsed = std::clamp(length_ - clock_.now(), 0.0, dt);
    const Event event = cuts_[cut_].event;
    if (event != Event::piece) above_now_ = event == Event::fire;
    from_ = cuts_[cut_].at;
    if (++cut_ == cut_count_) follow();
    begin_piece();
    return {elapsed, event, 0};
  }

  double piece_time() const override { return clock_.now(); }
  Waveform membrane(std::size_t /*channel*/) const override { return shown(scale_.membrane); }
  Waveform output(std::size_t /*channel*/) const override { return shown(scale_.output); }
  std::uint64_t piece() const override { return pieces_; }
  std::string_view failed() const override { return failed_; }

 private:
  using State = typename Model::State;
  using Method = boost::numeric::odeint::runge_kutta_dopri5<State>;
  using Stepper = typename boost::numeric::odeint::result_of::make_controlled<Method>::type;
  struct Cut {
    double at = 0.0;  // part of the step
    Event event = Event::piece;
  };
  static constexpr double volts_per_unit = 1e-3;
  static constexpr double seconds_per_unit = 1e-3;
  static constexpr double first_try = 1e-3;        // ms
  static constexpr std::size_t parts_max = 8;      // a step that asks for more cubics is shortened
  static constexpr int steps_watched = 10'000;     // fewer than this many
  static constexpr double least_progress = 1.0;    // steps must pass this many ms
  static constexpr double longest_step = 1'000.0;  // ms

  State state_now() const {
    State x{};
    const double x_now = std::min(from_ + clock_.now() / (step_ * seconds_per_unit), 1.0);
    stepper_.stepper().calc_state(x_now * step_, x, begin_, slope_begin_, 0.0, end_, slope_end_, step_);
    return x;
  }

  void restart(const State& x) {
    begin_ = x;
    above_ = above_now_;
    model_(begin_, slope_begin_, 0.0);
    step();
    begin_piece();
  }

  // Goes on from the end of the step, whose last slope is the first of the next.
  void follow() {
    begin_ = end_;
    slope_begin_ = slope_end_;
    step();
  }

  void step() {
    while (try_step()) {
      const std::size_t v = model_.electrode();
      State middle;
      stepper_.stepper().calc_state(0.5 * step_, middle, begin_, slope_begin_, 0.0, end_, slope_end_, step_);
      curve_ = StepCurve{begin_[v], slope_begin_[v] * step_, middle[v], end_[v], slope_end_[v] * step_};
      const std::size_t parts = curve_.parts(scale_.shown_tolerance() / volts_per_unit);
      if (parts <= parts_max) return cut_step(parts);
      next_ = 0.5 * step_;
    }
  }

  // One step that keeps the tolerance, from begin_ to end_. @returns false when the model cannot be followed
  bool try_step() {
    for (int attempt = 0; attempt < 100; ++attempt) {
      double t = 0.0;
      const double tried = next_;
      const auto result = stepper_.try_step([this](const State& x, State& dxdt, double now) { model_(x, dxdt, now); },
                                            begin_, slope_begin_, t, end_, slope_end_, next_);
      next_ = std::min(next_, longest_step);
      if (!is_finite(end_) || !is_finite(slope_end_)) {
        // No error estimate sees what is not a number.
        next_ = 0.1 * tried;
        continue;
      }
      if (result != boost::numeric::odeint::success) continue;
      step_ = tried;
      return progresses();
    }
    return give_up(
        "the membrane cannot be followed: no step is short enough; the current or a parameter is out of all "
        "proportion");
  }

  static bool is_finite(const State& x) {
    return std::all_of(x.begin(), x.end(), [](double value) { return std::isfinite(value); });
  }

  bool progresses() {
    progress_ += step_;
    if (++steps_ < steps_watched) return true;
    if (progress_ < least_progress) {
      return give_up(
          "the membrane cannot be followed: 10 000 steps without 1 ms passing; a time constant is too short "
          "or the current far too large");
    }
    steps_ = 0;
    progress_ = 0.0;
    return true;
  }

  bool give_up(std::string_view why) {
    failed_ = why;
    return false;
  }

  void cut_step(std::size_t parts) {
    const StepCurve::Crossings crossed = curve_.crossings(scale_.spike_level / volts_per_unit, above_);
    cut_count_ = cut_ = 0;
    std::size_t next = 0;
    for (std::size_t part = 1; part <= parts; ++part) {
      const double end = part == parts ? 1.0 : double(part) / double(parts);
      for (; next < crossed.count && crossed.list[next].at <= end; ++next) {
        cuts_[cut_count_++] = {crossed.list[next].at, crossed.list[next].upward ? Event::fire : Event::open};
      }
      if (cut_count_ == 0 || cuts_[cut_count_ - 1].at < end) cuts_[cut_count_++] = {end, Event::piece};
    }
    from_ = 0.0;
  }

  void begin_piece() {
    if (!failed_.empty()) return;
    ++pieces_;
    clock_.restart();
    length_ = (cuts_[cut_].at - from_) * step_ * seconds_per_unit;
    cubic_ = curve_.cubic(from_, cuts_[cut_].at);
  }

  Waveform shown(const VoltageScale& scale) const {
    Waveform w;
    double factor = scale.gain * volts_per_unit;
    for (std::size_t k = 0; k < cubic_.size(); ++k) {
      w.polynomial[k] = cubic_[k] * factor;
      factor /= step_ * seconds_per_unit;
    }
    w.polynomial[0] += scale.offset;
    return w;
  }

  Model model_;
  ConductanceScale scale_;
  Stepper stepper_;
  double current_ = 0.0;  // A, as injected

  // The present step: its ends and the way between them.
  State begin_{}, slope_begin_{}, end_{}, slope_end_{};
  double step_ = first_try;  // ms
  double next_ = first_try;  // ms: what is tried next
  StepCurve curve_;
  bool above_ = false;  // at the end of the step
  std::array<Cut, parts_max + 4> cuts_{};
  std::size_t cut_count_ = 0;

  // The present piece of it.
  std::size_t cut_ = 0;     // where it ends
  double from_ = 0.0;       // where it begins, part of the step
  bool above_now_ = false;  // by the events told so far
  double length_ = 0.0;     // s
  PieceClock clock_;
  std::array<double, 4> cubic_{};
  std::uint64_t pieces_ = 0;

  int steps_ = 0;
  double progress_ = 0.0;  // ms
  std::string_view failed_;
};

}  // namespace thyrode::neurons
