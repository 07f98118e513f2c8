#include "daemon/thyrode_curve.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <vector>

namespace thyrode::program {
namespace {

using analysis::Direction;
using analysis::StepResult;

constexpr int lines = 16;
constexpr int margin = 9;  // columns of the rates, with the axis
constexpr double logarithmic_from = 80.0;

/// Where a value stands on an axis of `cells` characters.
struct Axis {
  double low = 0.0;
  double high = 1.0;
  int cells = 1;
  bool logarithmic = false;

  double map(double value) const { return logarithmic ? std::log(value) : value; }
  /// Cut to the axis.
  int cell(double value) const {
    if (logarithmic && value <= low) return 0;
    const double share = (map(value) - map(low)) / (map(high) - map(low));
    return static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * (cells - 1)));
  }
  double value(int cell) const {
    const double share = static_cast<double>(cell) / (cells - 1);
    const double mapped = map(low) + share * (map(high) - map(low));
    return logarithmic ? std::exp(mapped) : mapped;
  }
};

std::vector<const StepResult*> rows_of(const std::vector<StepResult>& steps) {
  std::vector<const StepResult*> rows;
  for (const StepResult& step : steps) {
    const bool same = step.channel == steps.front().channel && step.conditions == steps.front().conditions;
    if (same && step.status != analysis::StepStatus::interrupted) rows.push_back(&step);
  }
  return rows;
}

/// Of the LIF; 0 below its rheobase.
/// Source: Lapicque, J Physiol Pathol Gen 9:620 (1907).
double lif_rate(const analysis::LifFit& fit, double current_ua) {
  if (current_ua <= fit.rheobase_ua) return 0.0;
  const double period_ms = fit.refractory_ms + fit.tau_ms * std::log(current_ua / (current_ua - fit.rheobase_ua));
  return 1e3 / period_ms;
}

class Picture {
 public:
  Picture(Axis current, Axis rate) : current_{current}, rate_{rate} {
    cells_.assign(static_cast<std::size_t>(rate.cells), std::string(static_cast<std::size_t>(current.cells), ' '));
  }

  void interval(const StepResult& step) {
    const auto& [value, low, high] = step.frequency_hz;
    if (!low || !high) return;
    for (int y = rate_.cell(*low); y <= rate_.cell(*high); ++y) put(current_.cell(step.current_ua), y, '|');
  }
  void fit(const analysis::LifFit& lif) {
    // Of a neuron without a leak the rates leave it open, and the LIF says nothing.
    if (!std::isfinite(lif.tau_ms)) return;
    for (int x = 0; x < current_.cells; ++x) {
      const double current = current_.value(x);
      const double f = lif_rate(lif, current);
      // Beyond the steps that it was fitted to, it would be taken for a measurement.
      if (current >= lif.range_low_ua && current <= lif.range_high_ua && f <= rate_.high) put(x, rate_.cell(f), '.');
    }
  }
  void mark(const StepResult& step) {
    const char mark = !step.frequency_hz.value            ? '_'
                      : step.direction == Direction::up   ? '^'
                      : step.direction == Direction::down ? 'v'
                                                          : 'o';
    char& at = cell(current_.cell(step.current_ua), rate_.cell(step.frequency_hz.value.value_or(0.0)));
    const bool other = (at == '^' && mark == 'v') || (at == 'v' && mark == '^');
    at = other || at == '*' ? '*' : mark;
  }
  bool shows(char mark) const {
    return std::any_of(cells_.begin(), cells_.end(),
                       [mark](const std::string& line) { return line.find(mark) != std::string::npos; });
  }

  std::string text() const {
    std::string all;
    for (int y = rate_.cells - 1; y >= 0; --y) {
      const std::string number = y % 5 == 0 ? fmt::format("{:.4g}", rate_.value(y)) : std::string{};
      std::string line = fmt::format("{:>{}} |{}", number, margin - 2, cells_[static_cast<std::size_t>(y)]);
      line.erase(line.find_last_not_of(' ') + 1);
      all += line + "\n";
    }
    const std::string low = fmt::format("{:.4g}", current_.low);
    const std::string high = fmt::format("{:.4g} uA", current_.high);
    const std::string middle = fmt::format("{:.4g}", 0.5 * (current_.low + current_.high));
    const int half = current_.cells / 2;
    all += fmt::format("{:>{}}+{}\n", "", margin - 1, std::string(static_cast<std::size_t>(current_.cells), '-'));
    all += fmt::format("{:>{}}{:<{}}{:<{}}{:>{}}\n", "", margin, low, half - 2, middle,
                       current_.cells - half + 2 - static_cast<int>(high.size()), high, high.size());
    return all;
  }

 private:
  char& cell(int x, int y) { return cells_[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)]; }
  void put(int x, int y, char mark) { cell(x, y) = mark; }

  Axis current_;
  Axis rate_;
  std::vector<std::string> cells_;  // from the lowest line
};

std::optional<Axis> rate_axis(const std::vector<const StepResult*>& rows) {
  double low = INFINITY;
  double high = 0.0;
  std::set<double> currents;
  for (const StepResult* row : rows) {
    if (!row->frequency_hz.value || *row->frequency_hz.value <= 0.0) continue;
    currents.insert(row->current_ua);
    low = std::min(low, *row->frequency_hz.value);
    high = std::max(high, *row->frequency_hz.value);
  }
  if (currents.size() < 2) return std::nullopt;
  if (high / low >= logarithmic_from) return Axis{low / 1.5, high, lines, true};
  return Axis{0.0, high, lines, false};
}

std::string legend(const Picture& picture, const analysis::SweepFit& fit) {
  std::string text;
  const auto add = [&](char mark, const std::string& what) {
    if (picture.shows(mark)) text += fmt::format("   {} {}", mark, what);
  };
  add('^', "current up");
  add('v', "down");
  add('*', "both");
  add('o', "step");
  add('_', "no rate");
  add('|', "95 %");
  if (fit.lif) add('.', fit.lif->accepted ? "LIF" : "LIF, not accepted");
  return text;
}

}  // namespace

std::string curve_text(const analysis::RunResult& result, int columns) {
  if (result.steps.empty() || result.map) return {};
  const auto rows = rows_of(result.steps);
  const auto rate = rate_axis(rows);
  if (!rate) return {};
  const auto [first, last] = std::minmax_element(
      rows.begin(), rows.end(), [](const auto* a, const auto* b) { return a->current_ua < b->current_ua; });
  const Axis current{(*first)->current_ua, (*last)->current_ua, std::max(columns, 40) - margin, false};
  Picture picture{current, *rate};
  for (const StepResult* row : rows) picture.interval(*row);
  if (result.fit.lif) picture.fit(*result.fit.lif);
  for (const StepResult* row : rows) picture.mark(*row);
  return fmt::format("{:>{}}{}{}\n{}", "f [Hz]", margin - 2, rate->logarithmic ? "   logarithmic" : "",
                     legend(picture, result.fit), picture.text());
}

}  // namespace thyrode::program
