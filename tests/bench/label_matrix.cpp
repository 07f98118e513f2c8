// What the instrument calls a neuron against what the simulator knows of it, over the whole phase diagram.
// Usage: label_matrix [COLUMNS [ROWS [SHIFT]]]. Cells lie SHIFT (0 to 1) of a cell further; two shifts share no cell.
// Ends with 1 where less than 97 % of the cells that are not on a border have the simulator's label, or where a
// published point does not have it.

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "daemon/simulation/simulate.hpp"
#include "tests/bench/path_support.hpp"

namespace {

using namespace thyrode;
using analysis::Label;

constexpr double lowest_ua = 25.0, highest_ua = 133.0;
constexpr double lowest_ms = 0.005, highest_ms = 0.605;
constexpr std::uint64_t truth_seed = 77;
constexpr std::uint64_t bench_seed = 5;

struct Point {
  double current_ua = 0.0;
  double load_ohm = 0.0;
  double load_farad = 0.1e-6;
  double membrane_farad = 10e-6;
  const char* neuron = "mbn";  ///< of experiments/neurons; its noise is taken
  double load_time_s() const { return load_ohm * load_farad; }
  /// How much slower than the 10 uF board everything is.
  double slowness() const { return std::max(1.0, membrane_farad / 10e-6); }
};

std::unique_ptr<neurons::Neuron> neuron_at(const Point& point, bool noise, std::uint64_t seed) {
  const auto file = bench::must(load::load_neuron_file(fmt::format("experiments/neurons/{}.yaml", point.neuron)));
  neurons::Parameters parameters;
  for (const auto& [key, value] : file.parameters) parameters[key] = value.si;
  parameters.erase("tau_L");
  parameters["R_L"] = point.load_ohm;
  parameters["C_L"] = point.load_farad;
  parameters["C_m"] = point.membrane_farad;
  neurons::NoiseParameters law;
  if (noise) law = {file.noise_deviation.si(), file.noise_correlation_time.si()};
  return bench::must(neurons::make_neuron(file.model, parameters, law, seed));
}

Label truth_at(const Point& point, bool noise) {
  simulation::SimulationOptions options;
  options.facts.load_time = Duration::from_si(point.load_time_s());
  options.facts.noisy = noise;
  const auto circuit = neuron_at(point, noise, truth_seed);
  const double slowness = point.slowness();
  return bench::must(simulation::simulate(*circuit, Current::from_si(point.current_ua * 1e-6),
                                          Duration::from_si(3.0 * slowness), Duration::from_si(0.5 * slowness),
                                          options))
      .pattern.label;
}

/// The row of one step from rest, through the instrument.
/// @param tell_load  the load is known as a condition of the step
analysis::StepResult measured_at(const Point& point, bool noise, bool tell_load) {
  native::NativeOptions options;
  options.seed = bench_seed;
  options.ideal_front_end = !noise;
  const auto device = bench::must(open_simulated(neuron_at(point, noise, bench_seed), options, "sim:mbn"));
  const std::string yaml = fmt::format(
      "schema: thyrode.experiment/1\nname: labels\nplan: list\ncurrent: [{} uA]\n"
      "dwell: {{stop_when: {{ci_rel_f: 5 %}}, max: {} s, max_spikes: {:.0f}, f_min: {} Hz}}\nrecord: {{trace: off}}\n",
      point.current_ua, 30.0 * point.slowness(), 20000.0 * point.slowness(), 1.0 / point.slowness());
  experiment::RunPlan plan = bench::plan_for(*device, yaml, bench_seed);
  if (tell_load) plan.rules.load_time_s = point.load_time_s();
  bench::NoStore store;
  experiment::Bench engine{*device, store, [] { return 0.0; }};
  const auto outcome = engine.run(plan, experiment::Threads::one);
  if (!outcome.error.message.empty()) bench::give_up(outcome.error.message);
  return outcome.result.steps.at(0);
}

/// Counts by the simulator's label and the instrument's.
class Matrix {
 public:
  void add(Label truth, Label seen) {
    ++counts_[truth][seen];
    ++total_;
    right_ += truth == seen ? 1 : 0;
    seen_.insert({seen, 0});
    seen_.insert({truth, 0});
  }
  double share() const { return total_ > 0 ? static_cast<double>(right_) / total_ : 0.0; }
  void print(const std::string& title) const {
    fmt::print("{}: {} of {} cells = {:.2f} %\n  simulator    |", title, right_, total_, 100.0 * share());
    for (const auto& [label, unused] : seen_) fmt::print("{:>10.10}", analysis::to_string(label));
    fmt::print("\n");
    for (const auto& [truth, row] : counts_) {
      fmt::print("  {:<12} |", analysis::to_string(truth));
      for (const auto& [label, unused] : seen_) fmt::print("{:>10}", row.contains(label) ? row.at(label) : 0);
      fmt::print("\n");
    }
  }

 private:
  std::map<Label, std::map<Label, int>> counts_;
  std::map<Label, int> seen_;
  int total_ = 0;
  int right_ = 0;
};

/// The diagram at twice the resolution: a cell is inside a phase if all that lie around it have its label.
class Diagram {
 public:
  Diagram(int columns, int rows, double shift, bool noise)
      : columns_(2 * columns + 1), rows_(2 * rows + 1), shift_(shift) {
    for (int row = 0; row < rows_; ++row) {
      for (int column = 0; column < columns_; ++column) labels_.push_back(truth_at(point(column, row), noise));
    }
  }
  Point cell(int column, int row) const { return point(2 * column + 1, 2 * row + 1); }
  Label label(int column, int row) const { return at(2 * column + 1, 2 * row + 1); }
  bool inside(int column, int row) const {
    for (int r = 2 * row; r <= 2 * row + 2; ++r) {
      for (int c = 2 * column; c <= 2 * column + 2; ++c) {
        if (at(c, r) != label(column, row)) return false;
      }
    }
    return true;
  }

 private:
  Point point(int column, int row) const {
    const auto between = [&](double low, double high, int k, int n) {
      return low + (high - low) * (k + shift_) / (n - 1 + 1.0);
    };
    Point p;
    p.current_ua = between(lowest_ua, highest_ua, column, columns_);
    p.load_ohm = between(lowest_ms, highest_ms, row, rows_) * 1e-3 / p.load_farad;
    return p;
  }
  Label at(int column, int row) const { return labels_[static_cast<std::size_t>(row * columns_ + column)]; }

  int columns_, rows_;
  double shift_;
  std::vector<Label> labels_;
};

void tell_miss(const Point& point, Label truth, const analysis::StepResult& row) {
  fmt::print(
      "    {:.2f} uA {:.4f} ms: {} seen as {} ({}, {} spikes in {:.2f} s, f {:.5g} Hz, CV {:.3f}, gaps {:.0f}, widths "
      "{:.3g} to "
      "{:.3g} ms)\n",
      point.current_ua, point.load_time_s() * 1e3, analysis::to_string(truth), analysis::to_string(row.label),
      analysis::to_string(row.status), row.n_spikes, row.duration_s, row.frequency_hz.value.value_or(0.0),
      row.cv.value_or(0.0), row.features.bursts.value_or(0.0), 1e3 * row.features.width_shortest_s.value_or(0.0),
      1e3 * row.features.width_longest_s.value_or(0.0));
}

bool diagram(int columns, int rows, double shift, bool noise, bool tell_load) {
  const Diagram truth(columns, rows, shift, noise);
  Matrix inside, border;
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      const Point point = truth.cell(column, row);
      const analysis::StepResult seen = measured_at(point, noise, tell_load);
      const Label label = truth.label(column, row);
      const bool clear = truth.inside(column, row);
      (clear ? inside : border).add(label, seen.label);
      if (clear && label != seen.label) tell_miss(point, label, seen);
    }
  }
  const std::string title = fmt::format("noise {}, tau_L {}", noise ? "on" : "off", tell_load ? "known" : "unknown");
  inside.print(title + ", inside the phases");
  border.print(title + ", on borders");
  return inside.share() >= 0.97;
}

/// The msn, which has one load: a current is inside a phase if its neighbours at half the distance have its label.
bool spiking_neuron(int columns, double shift, bool noise) {
  Matrix inside, border;
  const auto point = [&](int k) {
    Point p;
    p.current_ua = lowest_ua + (highest_ua - lowest_ua) * (k + shift) / (2.0 * columns + 1.0);
    p.load_ohm = 47.0;
    p.neuron = "msn";
    return p;
  };
  for (int k = 1; k < 2 * columns; k += 2) {
    const Label label = truth_at(point(k), noise);
    const analysis::StepResult seen = measured_at(point(k), noise, false);
    const bool clear = truth_at(point(k - 1), noise) == label && truth_at(point(k + 1), noise) == label;
    (clear ? inside : border).add(label, seen.label);
    if (clear && label != seen.label) tell_miss(point(k), label, seen);
  }
  inside.print(fmt::format("msn, noise {}, inside the phases", noise ? "on" : "off"));
  border.print("msn, on borders");
  return inside.share() >= 0.97;
}

/// Rows of a kind of the published table: current, load, load capacitor, membrane capacitor, label.
bool published() {
  std::ifstream file("tests/data/physics/wu2023_facts.csv");
  std::string line;
  int points = 0, as_published = 0, right = 0;
  bool good = true;
  while (std::getline(file, line)) {
    std::vector<std::string> fields;
    std::stringstream stream(line);
    for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
    if (fields.size() < 8 || fields[0] != "pair") continue;
    Point point;
    point.current_ua = std::stod(fields[2]);
    point.load_ohm = std::stod(fields[3]);
    point.load_farad = std::stod(fields[4]) * 1e-6;
    point.membrane_farad = std::stod(fields[5]) * 1e-6;
    ++points;
    const Label truth = truth_at(point, false);
    if (fields[7] != analysis::to_string(truth)) {
      fmt::print("  {}: published {}, the model has {}\n", fields[1], fields[7], analysis::to_string(truth));
      continue;
    }
    ++as_published;
    for (const bool tell_load : {false, true}) {
      const analysis::StepResult row = measured_at(point, false, tell_load);
      if (row.label == truth) continue;
      fmt::print("  {}, tau_L {}: ", fields[1], tell_load ? "known" : "unknown");
      tell_miss(point, truth, row);
      good = false;
      --right;
    }
    ++right;
  }
  fmt::print("published points: {}, {} as the model has them, of these {} seen right\n", points, as_published, right);
  return good && as_published >= 29;
}

}  // namespace

int main(int argc, char** argv) {
  const int columns = argc > 1 ? std::atoi(argv[1]) : 27;
  const int rows = argc > 2 ? std::atoi(argv[2]) : 30;
  const double shift = argc > 3 ? std::atof(argv[3]) : 0.37;
  const double began = bench::cpu_seconds();
  bool good = true;
  for (const bool noise : {false, true}) {
    for (const bool tell_load : {false, true}) good = diagram(columns, rows, shift, noise, tell_load) && good;
    good = spiking_neuron(columns, shift, noise) && good;
  }
  good = published() && good;
  fmt::print("{} cells of {:.3g} uA x {:.3g} ms, shift {}, {:.0f} s of one core: {}\n", columns * rows,
             (highest_ua - lowest_ua) / columns, (highest_ms - lowest_ms) / rows, shift, bench::cpu_seconds() - began,
             good ? "good" : "NOT GOOD");
  return good ? 0 : 1;
}
