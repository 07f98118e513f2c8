#include "daemon/experiment/load/currents.hpp"

#include <fmt/format.h>

#include <cmath>

#include "daemon/experiment/load/experiment.hpp"
#include "daemon/experiment/load/words.hpp"

namespace thyrode::load {
namespace {

// Far finer than any converter; makes the points of a sweep the decimal numbers that were meant.
constexpr double current_grain = 1e15;  // per ampere
// The error feedback of a source makes steps far finer than its converter's, and these can still be told apart.
constexpr double finest_difference = 10e-9;

Current on_grain(double si) {
  return Current::from_si(std::round(si * current_grain) / current_grain);
}

std::string amperes(double si) {
  return format_rounded(si, QuantityKind::current);
}

// How many points lie from start to stop in steps of `step`; nullopt when the last one would not be stop.
std::optional<std::int64_t> points_of_step(MapReader& current, const CurrentRange& range, double step) {
  const double exact = (range.stop - range.start) / step;
  const double whole = std::round(exact);
  if (whole > static_cast<double>(most_steps)) return most_steps + 1;
  // The tolerance takes up the rounding of decimal fractions and no more.
  if (whole >= 1.0 && std::abs(exact - whole) < 1e-6) return static_cast<std::int64_t>(whole) + 1;
  const std::string path = current.path("step");
  if (exact < 1.0) {
    current.reading().refuse(path, fmt::format("{}: {} is larger than the range of {}; write a smaller step", path,
                                               amperes(step), amperes(range.stop - range.start)));
    return std::nullopt;
  }
  current.reading().refuse(
      path, fmt::format("{}: {} does not divide the range from {} to {}, so that no point would lie at {}; write "
                        "stop: {}, or points: {} in place of step",
                        path, amperes(step), amperes(range.start), amperes(range.stop), current.path("stop"),
                        amperes(range.start + std::floor(exact) * step), static_cast<std::int64_t>(whole) + 1));
  return std::nullopt;
}

std::optional<std::int64_t> count_points(MapReader& current, const CurrentRange& range) {
  const bool has_points = current.find("points") != nullptr;
  const bool has_step = current.find("step") != nullptr;
  if (current.reading().failed()) return std::nullopt;
  if (has_points == has_step) {
    const std::string path = current.path("");
    current.reading().refuse(has_step ? current.path("step") : path,
                             has_step
                                 ? fmt::format("{} has both points and step; keep one of them", path)
                                 : fmt::format("{} has neither points nor step; add for example \"points: 47\"", path));
    return std::nullopt;
  }
  if (has_points) return current.whole_number("points", 2, most_steps);
  const auto step = current.quantity("step", QuantityKind::current, above_zero());
  if (!step) return std::nullopt;
  return points_of_step(current, range, *step);
}

}  // namespace

std::optional<CurrentRange> read_ends(MapReader& current, std::string_view single, std::string_view downwards) {
  current.require("start", "start: 34 uA");
  current.require("stop", "stop: 126 uA");
  const auto start = current.quantity("start", QuantityKind::current, possible_currents());
  const auto stop = current.quantity("stop", QuantityKind::current, possible_currents());
  if (!start || !stop) return std::nullopt;
  const std::string from = current.path("start");
  const std::string to = current.path("stop");
  if (*start == *stop) {
    current.reading().refuse(to, fmt::format("{} and {} are both {}; make stop larger{}{}", from, to, amperes(*start),
                                             single.empty() ? "" : ", or write ", single));
    return std::nullopt;
  }
  if (*start > *stop) {
    current.reading().refuse(from, fmt::format("{}: {} is above {}: {}; swap them{}{}", from, amperes(*start), to,
                                               amperes(*stop), downwards.empty() ? "" : ", and write ", downwards));
    return std::nullopt;
  }
  if (*stop - *start < finest_difference * (1.0 - 1e-9)) {
    current.reading().refuse(
        to, fmt::format("{}: {} lies {} above {}, and a source tells {} apart; make stop larger", to, amperes(*stop),
                        amperes(*stop - *start), from, amperes(finest_difference)));
    return std::nullopt;
  }
  return CurrentRange{*start, *stop};
}

void read_direction(MapReader& plan, Order& order) {
  if (const auto direction = plan.word("direction", {"up", "down", "both"})) {
    constexpr Order orders[] = {Order::up, Order::down, Order::both};
    order = orders[*direction];
  }
}

std::vector<Current> read_range(MapReader& plan, const YamlNode& node, std::int64_t legs, std::string_view single,
                                std::string_view downwards) {
  MapReader current(plan.reading(), node, plan.path("current"), {"start", "stop", "points", "step"});
  const auto range = read_ends(current, single, downwards);
  if (!range) return {};
  const auto points = count_points(current, *range);
  if (!points) return {};
  if (*points * legs > most_steps) {
    const std::string key = current.path(current.find("step") != nullptr ? "step" : "points");
    const std::int64_t fewer = most_steps / legs;
    plan.reading().refuse(
        key, fmt::format("{}: {} gives more than {} steps{}; write {}", key,
                         shortened(current.text(current.find("step") != nullptr ? "step" : "points").value_or("")),
                         most_steps, legs > 1 ? fmt::format(" ({} for each current)", legs) : "",
                         current.find("step") != nullptr
                             ? fmt::format("{} or a larger step",
                                           amperes((range->stop - range->start) / static_cast<double>(fewer - 1)))
                             : fmt::format("at most {} points", fewer)));
    return {};
  }
  std::vector<Current> currents;
  const auto last = static_cast<double>(*points - 1);
  for (std::int64_t k = 0; k < *points; ++k) {
    currents.push_back(on_grain(range->start + (range->stop - range->start) * (static_cast<double>(k) / last)));
  }
  currents.front() = Current::from_si(range->start);
  currents.back() = Current::from_si(range->stop);
  return currents;
}

std::vector<Current> read_list(MapReader& plan, std::int64_t legs, std::size_t least) {
  const auto values = plan.quantities("current", QuantityKind::current, least,
                                      static_cast<std::size_t>(most_steps / legs), possible_currents());
  std::vector<Current> currents;
  for (const double value : values.value_or(std::vector<double>{})) currents.push_back(Current::from_si(value));
  return currents;
}

}  // namespace thyrode::load
