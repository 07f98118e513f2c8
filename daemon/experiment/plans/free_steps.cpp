#include "daemon/experiment/plans/free_steps.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "daemon/experiment/load/plan_extent.hpp"
#include "daemon/experiment/load/segments.hpp"

namespace thyrode::experiment {
namespace {

using Kind = load::SegmentPlan::Kind;

/// Normal deviates that are the same on every machine.
class Gaussian {
 public:
  explicit Gaussian(std::uint64_t seed) : state_{seed} {}
  double operator()() {
    // Box and Muller, of which one half is used.
    const double radius = std::sqrt(-2.0 * std::log(uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }

 private:
  /// In (0, 1]. Source: splitmix64 (S. Vigna).
  double uniform() {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    z ^= z >> 31;
    return (static_cast<double>(z >> 11) + 1.0) * 0x1.0p-53;
  }
  std::uint64_t state_;
};

void add_leg(const load::RampPlan& plan, int leg, std::vector<PlannedStep>& steps) {
  const Current from = leg == 0 ? plan.start : plan.stop;
  const Current to = leg == 0 ? plan.stop : plan.start;
  const load::RampRows rows = load::ramp_rows(plan);
  const double whole_s = rows.leg.si();
  const double row_s = rows.length.si();
  const auto at = [&](double t) { return from + (to - from) * std::min(1.0, t / whole_s); };
  for (int k = 0; k < rows.count; ++k) {
    PlannedStep row;
    const double begin = k * row_s;
    const double end = std::min(whole_s, begin + row_s);
    row.pieces = {{Duration::from_si(end - begin), at(begin), at(end)}};
    row.current = (at(begin) + at(end)) * 0.5;
    row.direction = to > from ? analysis::Direction::up : analysis::Direction::down;
    row.leg = leg;
    row.lasts = Duration::from_si(row_s);
    steps.push_back(std::move(row));
  }
}

std::vector<Piece> pulses(const load::SegmentPlan& segment) {
  std::vector<Piece> pieces;
  for (int k = 0; k * segment.period.si() < segment.length.si() - 1e-9; ++k) {
    const double left = segment.length.si() - k * segment.period.si();
    const double width = std::min(segment.width.si(), left);
    const double rest = std::min(segment.period.si(), left) - width;
    pieces.push_back({Duration::from_si(width), segment.current, segment.current});
    if (rest > 0.0) pieces.push_back({Duration::from_si(rest), segment.base, segment.base});
  }
  return pieces;
}

std::vector<Piece> noise(const load::SegmentPlan& segment, Duration least_piece) {
  Gaussian gaussian{segment.seed};
  const double h = std::max(segment.tau.si() / 5.0, least_piece.si());
  const double keep = std::exp(-h / segment.tau.si());
  const Current fresh = segment.sd * std::sqrt(1.0 - keep * keep);
  Current off = segment.sd * gaussian();
  std::vector<Piece> pieces;
  for (int k = 0; k * h < segment.length.si() - 1e-9; ++k) {
    const Current next = off * keep + fresh * gaussian();
    const double length = std::min(h, segment.length.si() - k * h);
    const Current to = length < h ? off + (next - off) * (length / h) : next;
    pieces.push_back({Duration::from_si(length), segment.current + off, segment.current + to});
    off = next;
  }
  return pieces;
}

std::vector<Piece> waveform(const load::SegmentPlan& segment) {
  std::vector<Piece> pieces;
  for (std::size_t k = 0; k + 1 < segment.samples.size(); ++k) {
    const auto& [begin, from] = segment.samples[k];
    const auto& [end, to] = segment.samples[k + 1];
    pieces.push_back({end - begin, from, to});
  }
  return pieces;
}

std::vector<Piece> pieces_of(const load::SegmentPlan& segment, Current present, Duration least_piece) {
  switch (segment.kind) {
    case Kind::hold:
    case Kind::step: return {};
    case Kind::ramp: return {{segment.length, present, segment.current}};
    case Kind::pulse: return pulses(segment);
    case Kind::noise: return noise(segment, least_piece);
    case Kind::waveform: return waveform(segment);
  }
  return {};
}

/// Mean of the command, for a row without data.
Current mean_of(const std::vector<Piece>& pieces) {
  double charge = 0.0;
  double time = 0.0;
  for (const Piece& piece : pieces) {
    charge += 0.5 * (piece.from + piece.to).si() * piece.length.si();
    time += piece.length.si();
  }
  return Current::from_si(time > 0.0 ? charge / time : 0.0);
}

}  // namespace

std::vector<PlannedStep> ramp_steps(const load::RampPlan& plan) {
  std::vector<PlannedStep> steps;
  add_leg(plan, 0, steps);
  if (plan.there_and_back) add_leg(plan, 1, steps);
  // The first row begins where the ramp does.
  if (!steps.empty()) steps.front().lead = Lead{plan.start, Duration{}};
  return steps;
}

std::vector<PlannedStep> free_steps(const load::StepsPlan& plan, Duration least_piece) {
  std::vector<PlannedStep> steps;
  Current present;
  for (const load::SegmentPlan& segment : plan.segments) {
    PlannedStep step;
    step.leg = static_cast<int>(steps.size());  // a free list sweeps nothing
    step.pieces = pieces_of(segment, present, least_piece);
    step.current = step.pieces.empty() ? segment.current : mean_of(step.pieces);
    if (segment.length > Duration{}) step.lasts = segment.length;
    step.purpose = load::segment_word(segment.kind);
    present = step.pieces.empty() ? segment.current : step.pieces.back().to;
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace thyrode::experiment
