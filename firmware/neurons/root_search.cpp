#include "firmware/neurons/root_search.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace thyrode::neurons {

namespace {

// Steps are never shorter: a signal that grazes zero would otherwise be approached for ever.
constexpr double floor_step = 1e-10;  // s
// A root is taken when the iteration cannot move it by more.
constexpr double root_error = 1e-15;  // s
// A piece of a circuit on a bench takes some forty.
constexpr int most_steps = 10'000'000;

// First positive zero of g + slope h + bound h^2/2 for g <= 0 and bound >= 0.
double first_zero(double g, double slope, double bound) {
  const double root = std::sqrt(slope * slope - 2.0 * bound * g);
  if (slope > 0.0) return -2.0 * g / (slope + root);
  return bound > 0.0 ? (root - slope) / bound : RootSearch::never;
}

}  // namespace

void RootSearch::begin(const Modes& modes) {
  modes_ = modes;
  count_ = 0;
  gave_up_ = false;
  for (std::size_t j = 0; j < 3; ++j) square_[j] = modes.rate[j] * modes.rate[j];
  if (modes.has_pair()) square_[1] += modes.frequency * modes.frequency;
  fastest_ = std::max(std::sqrt(std::max({square_[0], square_[1], square_[2]})), std::abs(modes.drive));
  growth_ = std::max({0.0, modes.rate[0], modes.rate[1], modes.rate[2]});
}

void RootSearch::add(const Signal& signal, Start start) {
  Search& search = searches_[count_++];
  search.signal = signal;
  search.clear = search.previous = 0.0;
  search.start = start;
  search.found = false;
}

RootSearch::Root RootSearch::first(double limit) {
  if (count_ == 0 || gave_up_) return {};
  for (int steps = 0; steps < most_steps; ++steps) {
    std::size_t next = 0;
    for (std::size_t k = 1; k < count_; ++k) {
      if (searches_[k].clear < searches_[next].clear) next = k;
    }
    Search& search = searches_[next];
    if (search.clear > limit || search.clear == never) return {};
    if (search.found) return {search.clear, next};
    step(search);
  }
  gave_up_ = true;
  return {};
}

RootSearch::Local RootSearch::evaluate(const Signal& signal, double t) const {
  const auto& c = signal.coefficient;
  Local at{signal.constant + signal.slope * t, signal.slope, 0.0, 0.0, 0.0, 0.0};
  const auto real_mode = [&](std::size_t j) {
    if (c[j] == 0.0) return 0.0;
    const double x = t > 0.0 ? c[j] * std::exp(modes_.rate[j] * t) : c[j];
    at.g += x;
    at.slope += modes_.rate[j] * x;
    at.curvature += square_[j] * x;
    at.bound += square_[j] * std::abs(x);
    return x;
  };
  at.slowest = real_mode(0);
  if (signal.driven != 0.0) {
    const double x = t > 0.0 ? signal.driven * std::exp(modes_.drive * t) : signal.driven;
    at.g += x;
    at.slope += modes_.drive * x;
    at.curvature += modes_.drive * modes_.drive * x;
    at.bound += modes_.drive * modes_.drive * std::abs(x);
    at.tail_rest = std::max(0.0, x);
  }
  if (!modes_.has_pair()) {
    at.tail_rest += std::max(0.0, real_mode(1)) + std::max(0.0, real_mode(2));
    return at;
  }
  if (signal.amplitude == 0.0) return at;
  const double sigma = modes_.rate[1];
  const double omega = modes_.frequency;
  const double envelope = t > 0.0 ? std::exp(sigma * t) : 1.0;
  const double cosine = envelope * (t > 0.0 ? std::cos(omega * t) : 1.0);
  const double sine = envelope * (t > 0.0 ? std::sin(omega * t) : 0.0);
  const double x = c[1] * cosine + c[2] * sine;
  const double y = c[2] * cosine - c[1] * sine;
  at.g += x;
  at.slope += sigma * x + omega * y;
  at.curvature += (sigma * sigma - omega * omega) * x + 2.0 * sigma * omega * y;
  at.bound += square_[1] * envelope * signal.amplitude;
  at.tail_rest += envelope * signal.amplitude;
  return at;
}

void RootSearch::step(Search& search) const {
  const double t = search.clear;
  Local at = evaluate(search.signal, t);
  if (at.g >= 0.0) {
    const bool leaving = t == 0.0 && search.start == Start::border && at.slope < 0.0;
    if (!leaving) {
      search.found = true;
      // Only a floor step or rounding can have passed the root; take it back by what it passed.
      if (t > 0.0 && at.slope > 0.0) search.clear = std::clamp(t - at.g / at.slope, search.previous, t);
      return;
    }
    at.g = 0.0;
  }
  // A growing mode grows by e at most over the longest step allowed, and so does the bound.
  const double longest = growth_ > 0.0 ? 1.0 / growth_ : never;
  const double bound = growth_ > 0.0 ? std::numbers::e * at.bound : at.bound;
  search.previous = t;
  if (at.slope > 0.0 && at.slope * at.slope > -4.0 * bound * at.g && -2.0 * at.g < at.slope * longest) {
    // The slope stays positive as far as twice the root of the tangent: this root is certain and is the first.
    return polish(search, at);
  }
  const double h = std::max(first_zero(at.g, at.slope, bound), tail_step(search.signal, at));
  search.clear = t + std::max(std::min(h, longest), floor_step);
}

void RootSearch::polish(Search& search, Local at) const {
  double t = search.clear;
  for (int iteration = 0; iteration < 20; ++iteration) {
    const double discriminant = at.slope * at.slope - 2.0 * at.curvature * at.g;
    const double h = discriminant > 0.0 ? -2.0 * at.g / (at.slope + std::sqrt(discriminant)) : -at.g / at.slope;
    t = std::max(t + h, search.previous);
    const double size = std::abs(h);
    // The remainder of the Taylor series, divided by the slope; or no more than rounding.
    if (at.bound * fastest_ * size * size * size < 6.0 * at.slope * root_error || size < root_error) break;
    at = evaluate(search.signal, t);
  }
  search.clear = t;
  search.found = true;
}

double RootSearch::tail_step(const Signal& signal, const Local& at) const {
  if (growth_ > 0.0) return 0.0;
  // While no mode grows, the faster modes can add at most what is positive of them now; the slowest is known.
  const double rest = signal.constant + at.tail_rest;
  if (signal.slope != 0.0) return 0.0;
  if (rest + std::max(at.slowest, 0.0) < 0.0) return never;
  if (at.slowest >= 0.0 || modes_.rate[0] == 0.0) return 0.0;
  if (rest <= 0.0) return never;
  const double ratio = -at.slowest / rest;
  return ratio > 1.0 ? std::log(ratio) / -modes_.rate[0] : 0.0;
}

}  // namespace thyrode::neurons
