#include "tests/property/stepped_circuits.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace thyrode::neurons {
namespace {

using Vector = std::array<double, 5>;

// A circuit has a right-hand side slope(), conditions sides() whose change means that a border was crossed, act(),
// which applies what the state demands now and tells fire, open, or none when nothing switches, and step(), the longest
// step.
template <class Circuit>
Vector advance(const Circuit& circuit, const Vector& x, double h) {
  const auto add = [](const Vector& a, double f, const Vector& b) {
    Vector sum;
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k] = a[k] + f * b[k];
    return sum;
  };
  const Vector k1 = circuit.slope(x);
  const Vector k2 = circuit.slope(add(x, h / 2.0, k1));
  const Vector k3 = circuit.slope(add(x, h / 2.0, k2));
  const Vector k4 = circuit.slope(add(x, h, k3));
  Vector sum;
  for (std::size_t k = 0; k < sum.size(); ++k) sum[k] = x[k] + h / 6.0 * (k1[k] + 2.0 * (k2[k] + k3[k]) + k4[k]);
  return sum;
}

template <class Circuit>
std::vector<TimedEvent> run(Circuit circuit, Vector x, double duration, std::size_t most, double fineness) {
  std::vector<TimedEvent> events;
  double t = 0.0;
  while (t < duration && events.size() < most) {
    for (Event e = circuit.act(x); e != Event::none; e = circuit.act(x)) events.push_back({e, t});
    const unsigned here = circuit.sides(x);
    double step = std::min(circuit.step() / fineness, duration - t);
    Vector next = advance(circuit, x, step);
    if (circuit.sides(next) != here) {
      double low = 0.0;
      for (int k = 0; k < 45; ++k) {
        const double middle = 0.5 * (low + step);
        (circuit.sides(advance(circuit, x, middle)) != here ? step : low) = middle;
      }
      next = advance(circuit, x, step);
    }
    x = next;
    t += step;
  }
  return events;
}

// So that an excursion over a border and back is seen.
constexpr double longest_step = 5e-6;  // s

// Conditions as the bits of a number.
template <class... Conditions>
unsigned bits(Conditions... conditions) {
  unsigned mask = 0;
  ((mask = 2 * mask + unsigned(conditions)), ...);
  return mask;
}

// x = u, v, q, time since firing, reserve used.
class SteppedThyristor {
 public:
  SteppedThyristor(const Parameters& p, double current) : current_{current} {
    const auto at = [&](const char* name) { return p.find(name)->second; };
    c_m = at("C_m"), c_l = at("C_L"), r_l = at("R_L"), v_th = at("V_th"), v_k = at("V_k"), g0 = at("G0");
    i_th = at("I_0") + at("dI") * r_l / (r_l + at("R_h"));
    k = at("K"), tau_r = at("tau_r"), r_on = at("R_on"), v_on = at("V_on"), q1 = at("q1"), q2 = at("q2");
    q_f = at("q_F"), r1 = at("r1"), r2 = at("r2"), tau_q = at("tau_q"), i_off = at("I_off"), q3 = at("q3");
    t_s = at("T_s"), z = at("Z");
    q_c = std::max(q3, at("q_inf") - at("V_d") / r_l);
  }

  Vector slope(const Vector& x) const {
    const double i = device(x);
    const double q_slope = state_ == open ? -x[2] / tau_r : (i - x[2]) / tau_q;
    return {(current_ - i) / c_m, (i - x[1] / r_l) / c_l, q_slope, 1.0,
            state_ == settled ? std::max(0.0, q_c - x[2]) : 0.0};
  }

  double step() const {
    const double fastest =
        state_ == open ? std::min(r_l * c_l, tau_r) : std::min(c_l / (1.0 / r_on + 1.0 / r_l), tau_q);
    return std::min(fastest / 10.0, longest_step);
  }

  unsigned sides(const Vector& x) const {
    const double w = x[0] - x[1];
    if (state_ == open) return bits(w < v_k, w >= v_th - k * x[2]);
    const bool opens = device(x) <= i_off;
    if (state_ == fresh) return bits(opens, x[2] > q1, x[2] < q2, x[3] >= t_s);
    return bits(opens, x[2] > q1, x[2] < q_c, x[2] <= q3, x[4] >= z);
  }

  Event act(Vector& x) {
    if (state_ == open) {
      if (x[0] - x[1] < v_th - k * x[2]) return Event::none;
      x[2] = std::max(x[2], q_f);
      x[3] = x[4] = 0.0;
      state_ = fresh;
      return Event::fire;
    }
    if (state_ == fresh && x[3] >= t_s && x[2] >= q2) state_ = settled;
    const bool spent = state_ == settled && (x[2] <= q3 || x[4] >= z);
    if (device(x) > i_off && !spent) return Event::none;
    state_ = open;
    return Event::open;
  }

 private:
  enum { open, fresh, settled } state_ = open;

  double device(const Vector& x) const {
    const double w = x[0] - x[1];
    if (state_ == open) {
      if (w < v_k) return g0 * w;
      return g0 * v_k + (i_th - g0 * v_k) * (w - v_k) / (v_th - v_k);
    }
    double voltage = v_on;
    if (x[2] < q1) voltage += r1 * (q1 - std::max(x[2], state_ == fresh ? q2 : x[2]));
    if (state_ == fresh && x[2] < q2) voltage += r2 * (q2 - x[2]);
    return (w - voltage) / r_on;
  }

  // Names as in the neuron file, SI units.
  double c_m, c_l, r_l, v_th, v_k, g0, i_th, k, tau_r, r_on, v_on, q1, q2, q_f, r1, r2, tau_q, i_off, q3, t_s, z, q_c;
  double current_;  // A
};

// x = u, v, recovery voltage, time since opening, unused.
class SteppedSwitch {
 public:
  SteppedSwitch(const Parameters& p, double current) : current_{current} {
    const auto at = [&](const char* name) { return p.find(name)->second; };
    c_m = at("C_m"), c_l = at("C_L"), r = at("R"), r_on = at("R_on"), r_l = at("R_L"), v_th = at("V_th");
    v_on = at("V_on"), i_h = at("I_H"), d_v = at("dV"), tau_q = at("tau_q"), t_dead = at("t_dead");
  }

  Vector slope(const Vector& x) const {
    const double w = x[0] - x[1];
    const double i = w / r + (closed_ ? (w - v_on) / r_on : 0.0);
    return {(current_ - i) / c_m, (i - x[1] / r_l) / c_l, closed_ ? 0.0 : -x[2] / tau_q, 1.0, 0.0};
  }

  double step() const {
    const double fastest = closed_ ? c_l / (1.0 / r_on + 1.0 / r_l) : std::min(c_l * r_l, tau_q);
    return std::min(fastest / 10.0, longest_step);
  }

  unsigned sides(const Vector& x) const { return closed_ ? bits(opens(x)) : bits(fires(x), x[3] >= t_dead); }

  Event act(Vector& x) {
    if (closed_) {
      if (!opens(x)) return Event::none;
      closed_ = false;
      x[2] = d_v;
      x[3] = 0.0;
      return Event::open;
    }
    if (!fires(x) || x[3] < t_dead) return Event::none;
    closed_ = true;
    return Event::fire;
  }

 private:
  bool opens(const Vector& x) const { return x[0] - x[1] - v_on <= r_on * i_h; }
  bool fires(const Vector& x) const { return x[0] - x[1] + x[2] >= v_th; }

  // Names as in the neuron file, SI units.
  double c_m, c_l, r, r_on, r_l, v_th, v_on, i_h, d_v, tau_q, t_dead;
  double current_;  // A
  bool closed_ = false;
};

}  // namespace

std::vector<TimedEvent> step_thyristor(const Parameters& parameters, double current, double duration, std::size_t most,
                                       double fineness) {
  const double u = parameters.find("u_start")->second;
  return run(SteppedThyristor{parameters, current}, {u, 0.0, 0.0, 0.0, 0.0}, duration, most, fineness);
}

std::vector<TimedEvent> step_switch(const Parameters& parameters, double current, double duration, std::size_t most,
                                    double fineness) {
  // A second since the last opening: no dead time at the start.
  const double u = parameters.find("u_start")->second;
  return run(SteppedSwitch{parameters, current}, {u, 0.0, 0.0, 1.0, 0.0}, duration, most, fineness);
}

}  // namespace thyrode::neurons
