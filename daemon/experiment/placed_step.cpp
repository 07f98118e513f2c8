#include "daemon/experiment/placed_step.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "daemon/experiment/step_data.hpp"

namespace thyrode::experiment {
namespace {

/// The front end's filter and the read-back follow the command within this.
constexpr Duration settling = 1.0_ms;

Duration way(Current from, Current to, const RunPlan& plan) {
  return Duration::from_si(std::abs((to - from).si()) / plan.limits.slew.si());
}

/// @returns the lead and how long it takes in all
std::optional<std::pair<Current, Duration>> entrance(const AskedStep& asked, Current present, const RunPlan& plan) {
  if (asked.step.lead) {
    const Lead& lead = *asked.step.lead;
    return std::pair{lead.current, way(present, lead.current, plan) + settling + lead.hold};
  }
  // What began from zero begins from zero again.
  if (!asked.again || asked.before == Current{}) return std::nullopt;
  const Duration silence = Duration::from_si(3.0 / plan.rules.f_min_hz);
  return std::pair{asked.before, std::max(silence, plan.decision_latency)};
}

void add_pieces(const std::vector<Piece>& pieces, const DeviceInfo& device, PlacedStep& placed) {
  Duration into;
  for (const Piece& piece : pieces) {
    // From the sum, so that what is rounded does not add up.
    const Sample at = placed.start + device.samples(into).index;
    if (placed.end && at >= *placed.end) break;
    const bool level = piece.from == piece.to;
    placed.segments.push_back({at, level ? Duration{} : piece.length, piece.from, piece.to});
    into = into + piece.length;
  }
}

}  // namespace

std::optional<std::int64_t> fixed_length(const PlannedStep& step, const DeviceInfo& device) {
  if (!step.lasts && step.pieces.empty()) return std::nullopt;
  Duration length = step.lasts.value_or(Duration{});
  if (!step.lasts) {
    for (const Piece& piece : step.pieces) length = length + piece.length;
  }
  const std::int64_t grid = grid_of(device);
  return std::max(grid, round_up(device.samples(length).index, grid));
}

PlacedStep place(AskedStep asked, Sample at, Current present, const RunPlan& plan, const DeviceInfo& device) {
  PlacedStep placed;
  placed.entered = placed.start = at;
  if (const auto lead = entrance(asked, present, plan)) {
    placed.segments.push_back({at, Duration{}, lead->first, lead->first});
    placed.start = at + round_up(device.samples(lead->second).index, grid_of(device));
    present = lead->first;
  }
  const PlannedStep& step = asked.step;
  const Current first = step.pieces.empty() ? step.current : step.pieces.front().from;
  const auto length = fixed_length(step, device);
  placed.fixed = length.has_value();
  if (length) placed.end = placed.start + *length;
  // A step of fixed length that goes on where the one before has left off has nothing to wait for.
  const bool goes_on = length && first == present;
  placed.settled = placed.start + (goes_on ? 0 : device.samples(way(present, first, plan) + settling).index);
  if (step.pieces.empty()) {
    placed.segments.push_back({placed.start, Duration{}, step.current, step.current});
  } else {
    add_pieces(step.pieces, device, placed);
  }
  placed.last = placed.segments.back().last;
  placed.asked = std::move(asked);
  return placed;
}

analysis::StepRules rules_of(const PlacedStep& placed, const RunPlan& plan, const DeviceInfo& device) {
  analysis::StepRules rules = plan.rules;
  rules.relative_precision = placed.asked.step.relative_precision.value_or(rules.relative_precision);
  const auto load_time = placed.asked.conditions.find("tau_L");
  if (load_time != placed.asked.conditions.end()) rules.load_time_s = load_time->second;
  if (const auto length = fixed_length(placed.asked.step, device)) {
    const std::int64_t counted = (placed.start + *length) - placed.settled;
    rules.longest_s = static_cast<double>(std::max<std::int64_t>(counted, 1)) / device.sample_rate_hz;
  }
  return rules;
}

}  // namespace thyrode::experiment
