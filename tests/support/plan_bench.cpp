#include "tests/support/plan_bench.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>

#include "daemon/experiment/load/neuron_file.hpp"
#include "tests/support/random_bits.hpp"

namespace thyrode::support {

using analysis::Label;
using analysis::StepResult;
using experiment::PlannedStep;

namespace {

constexpr double grid_s = 0.01;        // decisions are taken on it
constexpr double latency_s = 0.05;     // from a decision to the next current
constexpr double watch_step_s = 1e-3;  // the output is looked at this often for its level

}  // namespace

void PlanBench::close(StepResult& row, const PlannedStep& step, double measured_s) {
  row.index = index_++;
  row.leg = step.leg;
  row.direction = step.direction;
  row.conditions = step.conditions;
  row.purpose = step.purpose;
  row.current_ua = step.current.in(1.0_uA);
  row.lead_s = step.lead ? step.lead->hold.si() : 0.0;
  row.start = Ticks{std::llround(seconds_ / seconds_per_tick)};
  seconds_ += measured_s;
  row.end = Ticks{std::llround(seconds_ / seconds_per_tick)};
  row.duration_s = measured_s;
  seconds_ += latency_s;
}

std::vector<StepResult> carry_out(experiment::Strategy& strategy, PlanBench& bench, std::size_t most) {
  std::vector<StepResult> rows;
  while (rows.size() < most) {
    const auto step = strategy.next(rows);
    if (!step) break;
    rows.push_back(bench.measure(*step));
  }
  return rows;
}

std::vector<PlannedStep> uniform_steps(Current start, Current stop, int points) {
  std::vector<PlannedStep> steps;
  for (int k = 0; k < points; ++k) {
    PlannedStep step;
    step.current = start + (static_cast<double>(k) / (points - 1)) * (stop - start);
    step.direction = analysis::Direction::up;
    steps.push_back(step);
  }
  return steps;
}

Firing textbook_firing(double ua) {
  const auto [onset, fast, latch] = textbook_borders_ua;
  if (ua < onset) return {Label::QH, 0.0, 0.0};
  if (ua < fast) return {Label::IB1, 1.0 / (6e-3 + 8.6e-3 * std::log(ua / (ua - 35.93))), 0.08};
  if (ua < latch) {
    const double f = 1.0 / (0.22e-3 + 0.62e-3 * std::log(ua / (ua - 41.0)));
    return {Label::FS, ua < textbook_jump_ua ? f : 1.6 * f, 0.05};
  }
  return {Label::QD, 0.0, 0.0};
}

SyntheticBench::SyntheticBench(Firing (*firing)(double), const Options& options)
    : firing_(firing), options_(options), state_(options.seed) {}

StepResult SyntheticBench::measure(const PlannedStep& step) {
  if (step.lead) pass(step.lead->hold.si());
  pass(options_.settling_s);
  const Firing truth = firing_(step.current.in(1.0_uA));
  StepResult row;
  row.label = truth.label;
  double lasts = options_.silence_s;
  row.status = analysis::StepStatus::upper_bound;
  if (truth.frequency_hz > 0.0) {
    const double precision = step.relative_precision.value_or(options_.relative_precision);
    const double factor = 1.96 * analysis::BatchMeans::looking_factor;
    // Batches tell their own scatter to about one part in seven.
    const double told = std::clamp(1.0 + 0.14 * normal_number(state_), 0.6, 1.5);
    const double events = std::max(70.0, std::pow(factor * truth.cv * told / precision, 2.0));
    const double sigma = truth.cv / std::sqrt(events);
    const double f = truth.frequency_hz * std::exp(sigma * normal_number(state_) + options_.drift_per_s * seconds());
    lasts = std::ceil(events / truth.frequency_hz / grid_s) * grid_s;
    row.status = analysis::StepStatus::ok;
    row.frequency_hz = {f, f * (1.0 - factor * sigma * told), f * (1.0 + factor * sigma * told)};
    row.n_spikes = static_cast<std::int64_t>(events);
    row.cv = truth.cv;
  }
  if (uniform_number(state_) < options_.wrong_labels)
    row.label = row.label == Label::irregular ? Label::soft : Label::irregular;
  close(row, step, lasts);
  return row;
}

SimulatedBench::SimulatedBench(std::unique_ptr<neurons::Neuron> neuron, const analysis::StepRules& rules)
    : neuron_(std::move(neuron)), rules_(rules) {}

void SimulatedBench::hold(double current_si, double duration_s) {
  neuron_->inject(0, current_si);
  for (double left = duration_s; left > 0.0;) {
    const auto advance = neuron_->advance(left);
    left -= advance.elapsed;
    if (advance.event == neurons::Event::none) break;
  }
  pass(duration_s);
}

/// The spike under way and the level since the last mark.
struct SimulatedBench::Watch {
  analysis::StepAnalyzer analyzer;
  std::optional<Ticks> fired{};
  analysis::SpikeShape shape{};
  double trough = 0.0;
  double level_sum = 0.0;
  int levels = 0;

  void look(double output) {
    if (fired) shape.peak = std::max(shape.peak, output);
    trough = std::min(trough, output);
    level_sum += output;
    ++levels;
  }
  void fire(Ticks at, double output) {
    shape = {output, trough, 0};
    trough = output;
    fired = at;
  }
  void open(Ticks at, double output) {
    if (!fired) return;
    shape.peak = std::max(shape.peak, output);
    shape.width_ticks = at - *fired;
    analyzer.spike(*fired, shape);
    fired.reset();
    trough = output;
  }
  void mark() {
    if (levels > 0) analyzer.level(level_sum / levels, fired.has_value());
    level_sum = 0.0;
    levels = 0;
  }
};

StepResult SimulatedBench::measure(const PlannedStep& step) {
  if (step.lead) hold(step.lead->current.si(), step.lead->hold.si());
  analysis::StepRules rules = rules_;
  if (step.relative_precision) rules.relative_precision = *step.relative_precision;
  const Ticks start{std::llround(seconds() / seconds_per_tick)};
  Watch watch{analysis::StepAnalyzer{rules, seconds_per_tick, start}};
  neuron_->inject(0, step.current.si());
  const auto output = [&] { return neuron_->output(0).at(neuron_->piece_time()); };
  watch.trough = output();
  std::int64_t marks = 0;
  Ticks now = start;
  for (bool done = false; !done; done = watch.analyzer.evaluate(now).done) {
    ++marks;
    double t = static_cast<double>(marks - 1) * grid_s;
    const double end = static_cast<double>(marks) * grid_s;
    while (end - t > 1e-12) {
      const auto advance = neuron_->advance(std::min(watch_step_s, end - t));
      t += advance.elapsed;
      const Ticks at = start + std::llround(t / seconds_per_tick);
      if (advance.event == neurons::Event::fire) watch.fire(at, output());
      if (advance.event == neurons::Event::open) watch.open(at, output());
      watch.look(output());
    }
    watch.mark();
    now = start + std::llround(end / seconds_per_tick);
  }
  if (watch.fired) watch.analyzer.spike(*watch.fired, watch.shape);
  StepResult row = watch.analyzer.result(now);
  close(row, step, static_cast<double>(marks) * grid_s);
  return row;
}

std::unique_ptr<neurons::Neuron> mbn(double load_time_ms, double noise_ua, std::uint64_t seed) {
  const auto file = load::load_neuron_file("experiments/neurons/mbn.yaml");
  if (!file) throw std::runtime_error(file.error().message);
  neurons::Parameters parameters;
  for (const auto& [key, value] : file->parameters) parameters[key] = value.si;
  parameters["tau_L"] = load_time_ms * 1e-3;
  neurons::NoiseParameters noise;
  if (noise_ua > 0.0) noise.deviation = noise_ua * 1e-6, noise.correlation_time = file->noise_correlation_time.si();
  auto neuron = neurons::make_neuron(file->model, parameters, noise, seed);
  if (!neuron) throw std::runtime_error(neuron.error().parameter + ": " + neuron.error().reason);
  return std::move(*neuron);
}

}  // namespace thyrode::support
