// The exact solution against an integrator that shares nothing with it but the equations.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "firmware/neurons/random.hpp"
#include "tests/unit/neurons/events.hpp"
#include "tests/unit/neurons/reference_neurons.hpp"

namespace thyrode::neurons {
namespace {

using Vector = std::array<double, 5>;

// A circuit as a right-hand side, a set of switching functions, and what happens at their zeros.
class Stepped {
 public:
  virtual ~Stepped() = default;
  virtual Vector slope(const Vector& x) const = 0;
  // Signs tell in which region of the right-hand side, and on which side of each switching condition, x lies.
  virtual unsigned sides(const Vector& x) const = 0;
  // Applies what x demands now; fire, open, or none when nothing switches.
  virtual Event act(Vector& x) = 0;

  // Steps of h, each cut by bisection at the first change of side.
  std::vector<TimedEvent> run(Vector x, double duration, double h, std::size_t most) {
    std::vector<TimedEvent> events;
    double t = 0.0;
    while (t < duration && events.size() < most) {
      for (Event e = act(x); e != Event::none; e = act(x)) events.push_back({e, t});
      const unsigned here = sides(x);
      double step = std::min(h, duration - t);
      Vector next = advance(x, step);
      if (sides(next) != here) {
        double low = 0.0;
        for (int k = 0; k < 45; ++k) {
          const double middle = 0.5 * (low + step);
          (sides(advance(x, middle)) != here ? step : low) = middle;
        }
        next = advance(x, step);
      }
      x = next;
      t += step;
    }
    return events;
  }

 private:
  // Classical Runge-Kutta, order 4.
  Vector advance(const Vector& x, double h) const {
    const auto add = [](const Vector& a, double f, const Vector& b) {
      Vector sum;
      for (std::size_t k = 0; k < sum.size(); ++k) sum[k] = a[k] + f * b[k];
      return sum;
    };
    const Vector k1 = slope(x);
    const Vector k2 = slope(add(x, h / 2.0, k1));
    const Vector k3 = slope(add(x, h / 2.0, k2));
    const Vector k4 = slope(add(x, h, k3));
    Vector sum;
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k] = x[k] + h / 6.0 * (k1[k] + 2.0 * (k2[k] + k3[k]) + k4[k]);
    return sum;
  }
};

// Conditions as the bits of a number.
template <class... Conditions>
unsigned bits(Conditions... conditions) {
  unsigned mask = 0;
  ((mask = 2 * mask + unsigned(conditions)), ...);
  return mask;
}

// x = u, v, q, time since firing, reserve used.
class SteppedThyristor final : public Stepped {
 public:
  SteppedThyristor(const Parameters& p, double current) : current_{current} {
    const auto at = [&](const char* name) { return p.find(name)->second; };
    c_m = at("C_m"), c_s = at("C_L"), r_s = at("R_L"), v_th = at("V_th"), v_k = at("V_k"), g0 = at("G0");
    i_th = at("I_0") + at("dI") * r_s / (r_s + at("R_h"));
    k = at("K"), tau_r = at("tau_r"), r_on = at("R_on"), v_on = at("V_on"), q1 = at("q1"), q2 = at("q2");
    q_f = at("q_F"), r1 = at("r1"), r2 = at("r2"), tau_q = at("tau_q"), i_off = at("I_off"), q3 = at("q3");
    t_s = at("T_s"), z = at("Z");
    q_c = std::max(q3, at("q_inf") - at("V_d") / r_s);
  }

  Vector slope(const Vector& x) const override {
    const double i = device(x);
    const double q_slope = state_ == open ? -x[2] / tau_r : (i - x[2]) / tau_q;
    return {(current_ - i) / c_m, (i - x[1] / r_s) / c_s, q_slope, 1.0,
            state_ == settled ? std::max(0.0, q_c - x[2]) : 0.0};
  }

  unsigned sides(const Vector& x) const override {
    const double w = x[0] - x[1];
    if (state_ == open) return bits(w < v_k, w >= v_th - k * x[2]);
    const bool opens = device(x) <= i_off;
    if (state_ == fresh) return bits(opens, x[2] > q1, x[2] < q2, x[3] >= t_s);
    return bits(opens, x[2] > q1, x[2] < q_c, x[2] <= q3, x[4] >= z);
  }

  Event act(Vector& x) override {
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
  double c_m, c_s, r_s, v_th, v_k, g0, i_th, k, tau_r, r_on, v_on, q1, q2, q_f, r1, r2, tau_q, i_off, q3, t_s, z, q_c;
  double current_;  // A
};

// x = u, v, recovery voltage, time since opening, unused.
class SteppedSwitch final : public Stepped {
 public:
  SteppedSwitch(const Parameters& p, double current) : current_{current} {
    const auto at = [&](const char* name) { return p.find(name)->second; };
    c_m = at("C_m"), c_l = at("C_L"), r = at("R"), r_on = at("R_on"), r_l = at("R_L"), v_th = at("V_th");
    v_on = at("V_on"), i_h = at("I_H"), d_v = at("dV"), tau_q = at("tau_q"), t_dead = at("t_dead");
  }

  Vector slope(const Vector& x) const override {
    const double w = x[0] - x[1];
    const double i = w / r + (closed_ ? (w - v_on) / r_on : 0.0);
    return {(current_ - i) / c_m, (i - x[1] / r_l) / c_l, closed_ ? 0.0 : -x[2] / tau_q, 1.0, 0.0};
  }

  unsigned sides(const Vector& x) const override { return closed_ ? bits(opens(x)) : bits(fires(x), x[3] >= t_dead); }

  Event act(Vector& x) override {
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

constexpr int cases = 300;
constexpr std::size_t most_events = 16;

// Times must agree; with each event the integrator's error grows, so the first events are the sharp test.
void expect_same_events(const std::vector<TimedEvent>& events, const std::vector<TimedEvent>& expected, double last) {
  for (std::size_t k = 0; k < std::min(expected.size(), most_events); ++k) {
    if (expected[k].time > last) return;
    ASSERT_LT(k, events.size()) << "missing event at " << expected[k].time;
    ASSERT_EQ(events[k].event, expected[k].event) << "event " << k;
    ASSERT_NEAR(events[k].time, expected[k].time, 1e-7 + 2e-6 * expected[k].time) << "event " << k;
  }
}

TEST(ThyristorAgainstBruteForce, FiresAndOpensAtTheSameTimes) {
  std::size_t compared = 0, longest = 0;
  for (std::uint64_t seed = 0; seed < cases; ++seed) {
    Random random{seed};
    const auto vary = [&](double low, double high) { return low * std::pow(high / low, random.uniform()); };
    // Loads from deep inside tonic spiking to the bursting range, a light membrane so that the cycle is short.
    Parameters p = wu2023(vary(40.0, 5000.0));
    p["C_m"] = vary(0.2e-6, 2e-6);
    p["C_L"] = vary(0.05e-6, 0.2e-6);
    for (const char* name :
         {"G0", "I_0", "dI", "R_h", "K", "tau_r", "R_on", "q_F", "r1", "r2", "tau_q", "I_off", "T_s", "Z", "V_d"}) {
      p[name] *= vary(0.7, 1.4);
    }
    p["q3"] *= vary(0.8, 1.1);
    p["u_start"] = 0.88;
    const double current = vary(38e-6, 120e-6);
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", R_L " << p["R_L"] << " Ohm, " << current << " A");
    const double fastest = std::min(p["C_L"] / (1.0 / p["R_on"] + 1.0 / p["R_L"]), p["tau_q"]);
    const double duration = 8e-3;
    const auto expected =
        SteppedThyristor{p, current}.run({p["u_start"], 0.0, 0.0, 0.0, 0.0}, duration, fastest / 10.0, most_events);
    const auto neuron = must_make("thyristor", p);
    neuron->inject(0, current);
    expect_same_events(list_events(*neuron, duration, 1), expected, duration * (1.0 - 1e-4));
    if (HasFatalFailure()) return;
    compared += expected.size();
    longest += expected.size() == most_events;
  }
  EXPECT_GT(compared, 4U * cases);
  EXPECT_GT(longest, 10U);
}

TEST(ThyristorFastAgainstBruteForce, FiresAndOpensAtTheSameTimes) {
  std::size_t compared = 0;
  for (std::uint64_t seed = 0; seed < cases; ++seed) {
    Random random{seed};
    const auto vary = [&](double low, double high) { return low * std::pow(high / low, random.uniform()); };
    Parameters p = bench_fast(vary(100.0, 20e3), vary(5e-9, 40e-9));
    for (const char* name : {"C_m", "R", "R_on", "I_H", "dV", "tau_q", "t_dead"}) p[name] *= vary(0.5, 2.0);
    p["u_start"] = 1.7;
    const double current = vary(1.05, 2.5) * p["V_th"] / p["R"];
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", R_L " << p["R_L"] << " Ohm, " << current << " A");
    const double fastest = p["C_L"] / (1.0 / p["R_on"] + 1.0 / p["R_L"] + 1.0 / p["R"]);
    const double duration = 3e-3;
    const auto expected =
        SteppedSwitch{p, current}.run({1.7, 0.0, 0.0, 1.0, 0.0}, duration, fastest / 10.0, most_events);
    const auto neuron = must_make("thyristor-fast", p);
    neuron->inject(0, current);
    expect_same_events(list_events(*neuron, duration, 1), expected, duration * (1.0 - 1e-4));
    if (HasFatalFailure()) return;
    compared += expected.size();
  }
  EXPECT_GT(compared, 4U * cases);
}

}  // namespace
}  // namespace thyrode::neurons
