#include "daemon/experiment/load/file_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <variant>

#include "daemon/experiment/load/checks.hpp"
#include "daemon/experiment/load/plan_extent.hpp"
#include "daemon/experiment/load/plans.hpp"
#include "daemon/experiment/load/quantity_text.hpp"

namespace thyrode::load {
namespace {

/// Values of one series that NWB's 32-bit index can number.
constexpr double most_values = 2147483647.0;
/// Means of the currents, recorded whatever the trace does.
constexpr double current_rate_hz = 1000.0;

/// Seconds from the beginning of a step's command to its end, and those of a lead before it.
struct Lengths {
  double step = 0.0;
  double lead = 0.0;
};

struct LongestOf {
  const Dwell& dwell;
  Lengths& longest;

  void operator()(const AdaptivePlan& plan) const { take(dwell.max.si(), plan.lead.value_or(lead_of(dwell)).si()); }
  void operator()(const PhaseMapPlan& plan) const { take(dwell.max.si(), plan.lead.value_or(lead_of(dwell)).si()); }
  void operator()(const RampPlan& plan) const { take(ramp_rows(plan).length.si()); }
  void operator()(const StepsPlan& plan) const {
    for (const SegmentPlan& segment : plan.segments) {
      take(segment.kind == SegmentPlan::Kind::step ? dwell.max.si() : segment.length.si());
    }
  }
  template <class Plan>
  void operator()(const Plan&) const {
    take(dwell.max.si());
  }
  void take(double step, double lead = 0.0) const {
    longest.step = std::max(longest.step, step);
    longest.lead = std::max(longest.lead, lead);
  }
};

/// With the ways at the slew, the time in which decisions act, and the wait of a step that is entered once more.
Duration longest_step(const Experiment& experiment, const StationChannel& channel, Duration latency) {
  Lengths longest;
  for_each_plan(experiment, [&](const SinglePlan& plan, const std::string&) {
    std::visit(LongestOf{experiment.dwell, longest}, plan);
  });
  const double range = std::abs((channel.highest - channel.lowest).si());
  const double again = std::max(longest.lead, 3.0 / experiment.dwell.f_min.si());
  return Duration::from_si(longest.step + again + 4.0 * (range / channel.slew.si() + latency.si()));
}

}  // namespace

Result<FilePlan> plan_files(const Experiment& experiment, const Station& station, Frequency adc_rate) {
  const PlanSummary summary = summarize(experiment, station, adc_rate);
  const StationChannel& channel = station.channels.at(experiment.channel);
  const double rate = summary.trace_rate.si() > 0.0 ? summary.trace_rate.si() : current_rate_hz;
  const Duration most = Duration::from_si(most_values / rate);
  FilePlan plan;
  plan.longest_step = longest_step(experiment, channel, station.decision_latency);
  const auto text = [](Duration time) { return format_rounded(time.si(), QuantityKind::duration, 4); };
  if (plan.longest_step >= most) {
    return experiment.source.error(
        "dwell.max", fmt::format("a step may take {}, and a file holds {} of {:.6g} values a second at most (2^31 "
                                 "values): lower dwell.max, or record.trace",
                                 text(plan.longest_step), text(most), rate));
  }
  plan.roll_after = most - plan.longest_step;
  if (experiment.roll_after && *experiment.roll_after < plan.roll_after) {
    plan.roll_after = *experiment.roll_after;
    plan.by_the_user = true;
  }
  const double files = 1.0 + std::floor(summary.longest_bench_time.si() / plan.roll_after.si());
  plan.files = std::min(static_cast<std::int64_t>(files), std::max<std::int64_t>(1, summary.most_steps));
  return plan;
}

}  // namespace thyrode::load
