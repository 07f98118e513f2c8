#include "tests/support/scan_score.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "daemon/experiment/plans/scan_survey.hpp"

namespace thyrode::support {
namespace {

constexpr double left_out_ua = 0.9;  // of the curve beside a transition and in a bracket, where one point decides

}  // namespace

ScanScore score(std::span<const analysis::StepResult> rows, const TrueCurve& truth, double resolution_ua) {
  const auto s = experiment::survey(rows, resolution_ua, false);
  ScanScore result;
  for (std::size_t t = 0; t < truth.transitions_ua.size(); ++t) {
    const double transition = truth.transitions_ua[t];
    const double doubt = truth.doubt_ua.empty() ? 0.0 : truth.doubt_ua[t];
    const experiment::ScanInterval* nearest = nullptr;
    const auto distance = [&](const experiment::ScanInterval& i) {
      return std::max({0.0, i.low_ua - transition - doubt, transition - doubt - i.high_ua});
    };
    for (const auto& interval : s.intervals) {
      if (!interval.border && !interval.jump) continue;
      if (nearest == nullptr || distance(interval) < distance(*nearest)) nearest = &interval;
    }
    const bool found = nearest != nullptr && distance(*nearest) < 2.0 * nearest->width();
    result.widest_ua = std::max(result.widest_ua, found ? nearest->width() : std::numeric_limits<double>::infinity());
    if (found && distance(*nearest) == 0.0) ++result.contained;
  }
  double squares = 0.0;
  int close = 0;
  int counted = 0;
  for (std::size_t k = 0; k < truth.currents_ua.size(); ++k) {
    const double ua = truth.currents_ua[k];
    const auto in = std::find_if(s.intervals.begin(), s.intervals.end(),
                                 [&](const auto& i) { return i.low_ua <= ua && ua <= i.high_ua; });
    const bool beside_transition = std::any_of(truth.transitions_ua.begin(), truth.transitions_ua.end(),
                                               [&](double t) { return std::abs(t - ua) < left_out_ua; });
    if (in == s.intervals.end() || beside_transition) continue;
    if ((in->border || in->jump) && in->width() < left_out_ua) continue;
    const auto at = static_cast<std::size_t>(in - s.intervals.begin());
    const auto& a = s.points[at].fi;
    const auto& b = s.points[at + 1].fi;
    if (!truth.frequency[k] && !a && !b) continue;
    ++counted;
    double error = 1.0;
    if (truth.frequency[k] && a && b && !in->border && !in->jump) {
      const double share = (ua - in->low_ua) / in->width();
      const double ln_f = std::lerp(std::log(a->frequency_hz), std::log(b->frequency_hz), share);
      error = std::exp(ln_f) / *truth.frequency[k] - 1.0;
    }
    squares += error * error;
    close += std::abs(error) < 0.05 ? 1 : 0;
  }
  result.rms = counted > 0 ? std::sqrt(squares / counted) : 1.0;
  result.within_5 = counted > 0 ? static_cast<double>(close) / counted : 0.0;
  return result;
}

}  // namespace thyrode::support
