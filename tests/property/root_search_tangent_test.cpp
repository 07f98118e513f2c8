// Crests that touch zero by construction: the search must take the first that passes it and none that does not.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "firmware/neurons/random.hpp"
#include "firmware/neurons/root_search.hpp"

namespace thyrode::neurons {
namespace {

constexpr int cases = 10'000;

struct Curve {
  Modes modes;
  Signal signal;
  double scale = 0.0;    // the sum of the sizes of its parts
  double horizon = 0.0;  // s: what is looked at
};

// Sums of exponentials and oscillations with rates from 10 to 1e5 per second.
Curve random_curve(Random& random) {
  const auto rate = [&] { return -10.0 * std::pow(1e4, random.uniform()); };
  Curve c;
  c.modes.rate = {rate(), rate(), rate()};
  auto& s = c.signal;
  for (double& coefficient : s.coefficient) coefficient = random.normal();
  if (random.uniform() < 0.5) {
    c.modes.rate[2] = c.modes.rate[1];
    c.modes.frequency = -c.modes.rate[1] * 20.0 * random.uniform();
    s.amplitude = std::hypot(s.coefficient[1], s.coefficient[2]);
  } else {
    std::sort(c.modes.rate.begin(), c.modes.rate.end(), std::greater<>());
  }
  if (random.uniform() < 0.3) {
    c.modes.drive = rate();
    s.driven = random.normal();
  }
  for (const double coefficient : s.coefficient) c.scale += std::abs(coefficient);
  c.scale += std::abs(s.driven);
  c.horizon = 5.0 / -std::max({c.modes.rate[0], c.modes.rate[1], c.modes.rate[2]});
  return c;
}

double at(const Curve& c, double t) {
  return value(c.signal, c.modes, t);
}

double slope(const Curve& c, double t) {
  const auto& k = c.signal.coefficient;
  const auto& r = c.modes.rate;
  double x = r[0] * k[0] * std::exp(r[0] * t) + c.modes.drive * c.signal.driven * std::exp(c.modes.drive * t);
  if (!c.modes.has_pair()) return x + r[1] * k[1] * std::exp(r[1] * t) + r[2] * k[2] * std::exp(r[2] * t);
  const double w = c.modes.frequency, cosine = std::cos(w * t), sine = std::sin(w * t);
  return x + std::exp(r[1] * t) * ((r[1] * k[1] + w * k[2]) * cosine + (r[1] * k[2] - w * k[1]) * sine);
}

struct Crest {
  double time, height;
};

// Every crest before the horizon, by the sign of the slope on a fine grid, dense at the start, and bisection.
std::vector<Crest> crests(const Curve& c) {
  constexpr int points = 3000;
  std::vector<Crest> found;
  double last = 0.0;
  bool rising = slope(c, 0.0) > 0.0;
  for (int k = 1; k <= points; ++k) {
    const double t = c.horizon * std::pow(double(k) / points, 3);
    const bool now = slope(c, t) > 0.0;
    if (rising && !now) {
      double low = last, high = t;
      for (int b = 0; b < 60; ++b) (slope(c, 0.5 * (low + high)) > 0.0 ? low : high) = 0.5 * (low + high);
      found.push_back({low, at(c, low)});
    }
    rising = now;
    last = t;
  }
  return found;
}

RootSearch search_for(const Curve& c) {
  RootSearch search;
  search.begin(c.modes);
  search.add(c.signal, RootSearch::Start::level);
  return search;
}

// A curve whose first crest above everything before it stands at 0, at `crest.time`. The room is how far below it the
// rest before it stays.
struct Tangent {
  Curve curve;
  std::vector<Crest> crests;
  std::size_t crest = 0;
  double room = 0.0;
};

Tangent make_tangent(std::uint64_t seed) {
  Random random{seed};
  while (true) {
    Tangent t{random_curve(random), {}, 0, 0.0};
    t.crests = crests(t.curve);
    double highest = at(t.curve, 0.0);
    for (std::size_t k = 0; k < t.crests.size(); ++k) {
      t.room = t.crests[k].height - highest;
      highest = std::max(highest, t.crests[k].height);
      // Rather often the second or third crest than the first.
      if (t.room <= 1e-4 * t.curve.scale || (k == 0 && random.uniform() < 0.5)) continue;
      t.crest = k;
      t.curve.signal.constant = -t.crests[k].height;
      return t;
    }
  }
}

// The search never steps by less than this.
constexpr double shortest_step = 1e-10;  // s

// Whether the curve comes from below and passes zero at `root`, as well as the shortest step lets tell.
testing::AssertionResult passes_zero(const Curve& c, double root, double crest) {
  const double rounding = 1e-13 * c.scale;
  const double before = at(c, std::max(root - shortest_step, 0.0)),
               after = at(c, std::min(root + shortest_step, crest));
  if (before <= rounding && after >= -rounding) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "at " << root << ": " << before << " before, " << after << " after";
}

TEST(RootSearchAtATangent, FindsACrestThatPassesZero) {
  int too_short = 0;
  for (int seed = 0; seed < cases; ++seed) {
    const Tangent t = make_tangent(std::uint64_t(seed));
    const double crest = t.crests[t.crest].time;
    for (const double depth : {1e-5, 1e-8, 1e-11}) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << ", depth " << depth);
      Curve c = t.curve;
      c.signal.constant += depth * c.scale;
      const double root = search_for(c).first(crest).time;
      if (root == RootSearch::never && at(c, crest - shortest_step) < 0.0 && at(c, crest + shortest_step) < 0.0) {
        ++too_short;
        continue;
      }
      ASSERT_LE(root, crest);
      ASSERT_TRUE(passes_zero(c, root, crest));
    }
  }
  EXPECT_LT(too_short, cases / 10);
}

TEST(RootSearchAtATangent, PassesACrestThatStaysBelowZero) {
  int later = 0, never = 0;
  for (int seed = 0; seed < cases; ++seed) {
    const Tangent t = make_tangent(std::uint64_t(seed));
    for (const double depth : {1e-5, 1e-8, 1e-11}) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << ", depth " << depth);
      Curve c = t.curve;
      c.signal.constant -= depth * c.scale;
      // What comes after it: crests, and the end of what is looked at.
      std::vector<Crest> rest(t.crests.begin() + std::ptrdiff_t(t.crest) + 1, t.crests.end());
      for (Crest& crest : rest) crest.height += c.signal.constant;
      rest.push_back({c.horizon, at(c, c.horizon)});
      const auto passes = [&](const Crest& crest) { return crest.height > 0.0; };
      const auto expected = std::find_if(rest.begin(), rest.end(), passes);
      const double root = search_for(c).first(c.horizon).time;
      if (expected == rest.end()) {
        ++never;
        ASSERT_EQ(root, RootSearch::never) << "value " << at(c, root);
        continue;
      }
      ++later;
      ASSERT_GT(root, t.crests[t.crest].time);
      ASSERT_LE(root, expected->time);
      ASSERT_TRUE(passes_zero(c, root, expected->time));
    }
  }
  EXPECT_GT(later, 1000);
  EXPECT_GT(never, 1000);
}

}  // namespace
}  // namespace thyrode::neurons
