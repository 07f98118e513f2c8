#include "daemon/experiment/plans/approach.hpp"

#include <algorithm>
#include <cmath>

#include "daemon/experiment/load/plan_extent.hpp"

namespace thyrode::experiment {
namespace {

constexpr double same_current = 1e-6;  // of the range: closer than any source can set

Current microamperes(double ua) {
  return Current::from_si(ua * 1e-6);
}

}  // namespace

Entry::Entry(load::Approach approach, Current start, Current stop, Duration hold)
    : approach_(approach),
      low_ua_(std::min(start, stop).in(1.0_uA)),
      high_ua_(std::max(start, stop).in(1.0_uA)),
      hold_(hold) {}

bool Entry::on_the_way(double before_ua, double to_ua) const {
  const double slack = same_current * (high_ua_ - low_ua_);
  if (approach_ == load::Approach::from_below) return to_ua >= before_ua - slack;
  if (approach_ == load::Approach::from_above) return to_ua <= before_ua + slack;
  return true;
}

std::optional<Lead> Entry::lead(std::optional<double> before_ua, double to_ua) const {
  if (on_the_way(before_ua.value_or(0.0), to_ua)) return std::nullopt;
  return Lead{microamperes(approach_ == load::Approach::from_below ? low_ua_ : high_ua_), hold_};
}

analysis::Direction Entry::direction() const {
  if (approach_ == load::Approach::from_below) return analysis::Direction::up;
  if (approach_ == load::Approach::from_above) return analysis::Direction::down;
  return analysis::Direction::none;
}

const Need& Entry::next(const std::vector<Need>& needs, std::optional<double> before_ua) const {
  const double before = before_ua.value_or(0.0);
  // Steps on the way come before the others, near before far; the others by their distance from where the way begins.
  const auto rank = [&](const Need& need) {
    if (approach_ == load::Approach::direct) return std::pair(0, std::abs(need.current_ua - before));
    const double along = approach_ == load::Approach::from_below ? need.current_ua : -need.current_ua;
    return std::pair(on_the_way(before, need.current_ua) ? 0 : 1, along);
  };
  return *std::min_element(needs.begin(), needs.end(), [&](const Need& a, const Need& b) { return rank(a) < rank(b); });
}

PlannedStep Entry::step(const Need& need, std::optional<double> before_ua) const {
  PlannedStep step;
  step.current = microamperes(need.current_ua);
  step.direction = direction();
  step.lead = lead(before_ua, need.current_ua);
  step.relative_precision = need.relative_precision;
  step.purpose = need.purpose;
  return step;
}

Duration lead_by_rules(const analysis::StepRules& rules) {
  std::optional<Duration> tau;
  if (rules.membrane_tau_s > 0.0) tau = Duration::from_si(rules.membrane_tau_s);
  return load::lead_of(tau, Frequency::from_si(rules.f_min_hz), Duration::from_si(rules.settle_drop_s));
}

}  // namespace thyrode::experiment
