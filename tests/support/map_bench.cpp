#include "tests/support/map_bench.hpp"

#include <array>
#include <cmath>
#include <fstream>
#include <stdexcept>

#include "tests/support/random_bits.hpp"

namespace thyrode::support {

using analysis::Label;

namespace {

constexpr double step_s = 0.5;

Label label_of(char letter) {
  switch (letter) {
    case 'q': return Label::QH;
    case 'd': return Label::QD;
    case 't': return Label::TS;
    case 'f': return Label::FS;
    case '1': return Label::IB1;
    case '2': return Label::IB2;
    default: return Label::undetermined;
  }
}

}  // namespace

TrueMap mbn_map() {
  std::ifstream file("tests/data/maps/mbn_129.txt");
  TrueMap map;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    map.columns = static_cast<int>(line.size());
    ++map.rows;
    for (const char letter : line) map.labels.push_back(label_of(letter));
  }
  if (map.rows != 129 || map.columns != 129) throw std::runtime_error("tests/data/maps/mbn_129.txt is not 129 x 129");
  return map;
}

TrueMap synthetic_map() {
  TrueMap map{129, 129, {}};
  for (int row = 0; row < map.rows; ++row) {
    for (int column = 0; column < map.columns; ++column) {
      const double x = column / 128.0;
      const double y = row / 128.0;
      Label label = y < 0.33 ? Label::TS : Label::FS;
      if (y >= 0.33 && x < 0.07 + 0.18 * std::exp(-4.0 * (y - 0.33))) label = Label::IB1;
      if (y >= 0.33 && y < 0.8 && x > 0.35 + 0.62 * std::sqrt((y - 0.33) / 0.47)) label = Label::IB2;
      if (x < 0.04 + 0.02 * y) label = Label::QH;
      if (x > 0.9 - 0.25 * std::exp(-8.0 * y)) label = Label::QD;
      map.labels.push_back(label);
    }
  }
  return map;
}

load::PhaseMapPlan map_plan(const TrueMap& map) {
  load::PhaseMapPlan plan;
  plan.start = 30.0_uA;
  plan.stop = 130.0_uA;
  plan.resolution = (plan.stop - plan.start) / (map.columns - 1);
  plan.knob = {"tau_L", false, 0.02e-3, 0.6e-3, (0.6e-3 - 0.02e-3) / (map.rows - 1)};
  return plan;
}

MapBench::MapBench(const TrueMap& map, double wrong_labels, std::uint64_t seed)
    : map_(map), plan_(map_plan(map)), wrong_labels_(wrong_labels), state_(seed) {}

analysis::StepResult MapBench::measure(const experiment::PlannedStep& step) {
  if (step.lead) pass(step.lead->hold.si());
  const double column = (step.current - plan_.start) / plan_.resolution;
  const double row = (step.conditions.at(plan_.knob.name) - plan_.knob.start) / plan_.knob.resolution;
  analysis::StepResult result;
  result.status = analysis::StepStatus::ok;
  result.label = map_.at(static_cast<int>(std::lround(column)), static_cast<int>(std::lround(row)));
  if (uniform_number(state_) < wrong_labels_) {
    constexpr std::array<Label, 6> all{Label::QH, Label::QD, Label::TS, Label::FS, Label::IB1, Label::IB2};
    Label other = result.label;
    while (other == result.label) other = all[static_cast<std::size_t>(6.0 * uniform_number(state_))];
    result.label = other;
  }
  close(result, step, step_s);
  return result;
}

}  // namespace thyrode::support
