#include "daemon/experiment/load/currents.hpp"

#include <fmt/format.h>

#include <cmath>

namespace thyrode::load {
namespace {

// Far finer than any converter; makes the points of a sweep the decimal numbers that were meant.
constexpr double current_grain = 1e15;  // per ampere

Current on_grain(double si) {
  return Current::from_si(std::round(si * current_grain) / current_grain);
}

std::string amperes(double si) {
  return format_rounded(si, QuantityKind::current);
}

// How many points lie from start to stop in steps of `step`; nullopt when the last one would not be stop.
std::optional<std::int64_t> points_of_step(MapReader& current, double start, double stop, double step) {
  const double exact = (stop - start) / step;
  const double whole = std::round(exact);
  if (whole > static_cast<double>(most_steps)) return most_steps + 1;
  // The tolerance takes up the rounding of decimal fractions and no more.
  if (whole >= 1.0 && std::abs(exact - whole) < 1e-6) return static_cast<std::int64_t>(whole) + 1;
  if (exact < 1.0) {
    current.reading().refuse("current.step", fmt::format("current.step: {} is larger than the range of {}; write a "
                                                         "smaller step",
                                                         amperes(step), amperes(stop - start)));
    return std::nullopt;
  }
  current.reading().refuse(
      "current.step",
      fmt::format("current.step: {} does not divide the range from {} to {}, so that no point would lie at "
                  "current.stop; write stop: {}, or points: {} in place of step",
                  amperes(step), amperes(start), amperes(stop), amperes(start + std::floor(exact) * step),
                  static_cast<std::int64_t>(whole) + 1));
  return std::nullopt;
}

std::optional<std::int64_t> count_points(MapReader& current, double start, double stop) {
  const bool has_points = current.find("points") != nullptr;
  const bool has_step = current.find("step") != nullptr;
  if (current.reading().failed()) return std::nullopt;
  if (has_points == has_step) {
    current.reading().refuse(has_step ? "current.step" : "current",
                             has_step ? "current has both points and step; keep one of them"
                                      : "current has neither points nor step; add for example \"points: 47\"");
    return std::nullopt;
  }
  if (has_points) return current.whole_number("points", 2, most_steps);
  const auto step = current.quantity("step", QuantityKind::current, above_zero());
  if (!step) return std::nullopt;
  return points_of_step(current, start, stop, *step);
}

void read_range(MapReader& root, const YamlNode& node, Experiment& experiment) {
  Reading& reading = root.reading();
  if (node.kind == YamlNode::Kind::list) {
    reading.refuse(node.at,
                   "current is a list, but plan is sweep; write plan: list, or for example \"current: {start: "
                   "34 uA, stop: 126 uA, points: 47}\"");
    return;
  }
  MapReader current(reading, node, "current", {"start", "stop", "points", "step"});
  current.require("start", "start: 34 uA");
  current.require("stop", "stop: 126 uA");
  const auto start = current.quantity("start", QuantityKind::current, possible_currents());
  const auto stop = current.quantity("stop", QuantityKind::current, possible_currents());
  if (!start || !stop) return;
  if (*start == *stop) {
    reading.refuse("current.stop", fmt::format("current.start and current.stop are both {}; make stop larger, or write "
                                               "plan: list for a single current",
                                               amperes(*start)));
    return;
  }
  if (*start > *stop) {
    reading.refuse("current.start", fmt::format("current.start: {} is above current.stop: {}; swap them, and write "
                                                "direction: down to begin at the larger current",
                                                amperes(*start), amperes(*stop)));
    return;
  }
  const auto points = count_points(current, *start, *stop);
  if (!points) return;
  const std::int64_t legs = experiment.order == Order::both ? 2 : 1;
  if (*points * legs > most_steps) {
    reading.refuse(current.find("step") != nullptr ? "current.step" : "current.points",
                   fmt::format("current gives more than {} steps; write fewer points or a larger step", most_steps));
    return;
  }
  const auto last = static_cast<double>(*points - 1);
  for (std::int64_t k = 0; k < *points; ++k) {
    experiment.currents.push_back(on_grain(*start + (*stop - *start) * (static_cast<double>(k) / last)));
  }
  experiment.currents.front() = Current::from_si(*start);
  experiment.currents.back() = Current::from_si(*stop);
}

void read_list(MapReader& root, const YamlNode& node, Experiment& experiment) {
  if (node.kind == YamlNode::Kind::map) {
    root.reading().refuse(node.at,
                          "current is a map, but plan is list; write plan: sweep, or for example \"current: "
                          "[36.4 uA, 45.3 uA]\"");
    return;
  }
  const std::int64_t legs = experiment.order == Order::both ? 2 : 1;
  const auto values = root.quantities("current", QuantityKind::current, 1, static_cast<std::size_t>(most_steps / legs),
                                      possible_currents());
  if (!values) return;
  for (const double value : *values) experiment.currents.push_back(Current::from_si(value));
}

}  // namespace

void read_currents(MapReader& root, Experiment& experiment) {
  experiment.order = experiment.plan == Plan::sweep ? Order::up : Order::as_listed;
  if (const auto direction = root.word("direction", {"up", "down", "both"})) {
    constexpr Order orders[] = {Order::up, Order::down, Order::both};
    experiment.order = orders[*direction];
  }
  const bool sweep = experiment.plan == Plan::sweep;
  const YamlNode* node = root.require(
      "current", sweep ? "current: {start: 34 uA, stop: 126 uA, points: 47}" : "current: [36.4 uA, 45.3 uA]");
  if (node == nullptr) return;
  if (sweep) {
    read_range(root, *node, experiment);
  } else {
    read_list(root, *node, experiment);
  }
}

}  // namespace thyrode::load
