#include "daemon/experiment/plans/sentinel.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace thyrode::experiment {
namespace {

constexpr double moved_deviations = 3.0;

bool is_regular(const analysis::StepResult& row) {
  return (row.label == analysis::Label::TS || row.label == analysis::Label::FS) &&
         row.status == analysis::StepStatus::ok;
}

}  // namespace

std::optional<Sentinel> Sentinel::choose(std::span<const analysis::StepResult> first, int every, double resolution_ua) {
  const analysis::StepResult* chosen = nullptr;
  for (const analysis::StepResult& row : first) {
    const bool usable = is_regular(row) && join_rows(std::span(&row, 1), resolution_ua).front().fi;
    if (usable && (chosen == nullptr || row.duration_s < chosen->duration_s)) chosen = &row;
  }
  if (chosen == nullptr || every <= 0) return std::nullopt;
  return Sentinel(*chosen, every, resolution_ua);
}

Sentinel::Sentinel(const analysis::StepResult& chosen, int every, double resolution_ua)
    : current_ua_(chosen.current_ua),
      every_(every),
      resolution_ua_(resolution_ua),
      reference_(*point(chosen)),
      other_ua_(chosen.current_ua) {}

std::optional<analysis::FiPoint> Sentinel::point(const analysis::StepResult& row) const {
  return join_rows(std::span(&row, 1), resolution_ua_).front().fi;
}

void Sentinel::take(const analysis::StepResult& row) {
  if (stage_ == Stage::has_moved) {
    stage_ = Stage::between;
  } else if (std::abs(row.current_ua - current_ua_) < resolution_ua_) {
    since_ = 0;
    look(row);
  } else {
    ++since_;
    other_ua_ = row.current_ua;
  }
}

void Sentinel::look(const analysis::StepResult& row) {
  ++looks_;
  const auto now = point(row);
  double change = std::numeric_limits<double>::infinity();
  double deviations = change;
  if (now) {
    change = std::abs(std::log(now->frequency_hz / reference_.frequency_hz));
    deviations = change / std::hypot(now->sigma_ln_f, reference_.sigma_ln_f);
  }
  const bool moved = deviations > moved_deviations;
  if (stage_ == Stage::watching) {
    if (moved) stage_ = Stage::has_moved;
    return;
  }
  stage_ = Stage::watching;
  if (!moved) return;
  ++drifts_;
  largest_change_ = std::max(largest_change_, change);
  if (now) reference_ = *now;  // what the neuron is from now on
}

std::optional<Need> Sentinel::due() const {
  if (stage_ == Stage::has_moved) return Need{other_ua_, "drift", {}};
  if (stage_ == Stage::between) return Need{current_ua_, "drift", {}};
  if (since_ >= every_) return Need{current_ua_, "sentinel", {}};
  return std::nullopt;
}

}  // namespace thyrode::experiment
