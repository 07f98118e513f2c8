#include "daemon/thyrode_shape.hpp"

#include <algorithm>
#include <variant>

#include "daemon/analysis/result.hpp"
#include "daemon/analysis/train_statistics.hpp"
#include "daemon/experiment/documents.hpp"
#include "daemon/experiment/train_document.hpp"

namespace thyrode::program {
namespace {

using nlohmann::ordered_json;

/// What is null in a document because it is undefined is a number where it is defined.
void define(ordered_json& value) {
  if (value.is_null()) value = 0.0;
  if (!value.is_structured()) return;
  for (ordered_json& inner : value) define(inner);
}

/// Calls a function with every plan of an experiment that is no sequence.
template <class F>
void for_each_plan(const load::Experiment& experiment, F&& f) {
  if (const auto single = load::single_plan(experiment.plan)) return f(*single);
  for (const load::SequencePartPlan& part : std::get<load::SequencePlan>(experiment.plan).parts) f(part.plan);
}

/// The names that `conditions` of a row may have.
std::map<std::string, double> conditions_of(const load::Experiment& experiment) {
  std::map<std::string, double> conditions;
  for (const load::NeuronSetting& setting : experiment.neuron) conditions[setting.name] = 0.0;
  if (const auto* sequence = std::get_if<load::SequencePlan>(&experiment.plan)) {
    for (const load::SequencePartPlan& part : sequence->parts) {
      for (const load::NeuronSetting& setting : part.neuron) conditions[setting.name] = 0.0;
    }
  }
  for_each_plan(experiment, [&](const load::SinglePlan& plan) {
    if (const auto* map = std::get_if<load::PhaseMapPlan>(&plan)) conditions[map->knob.name] = 0.0;
  });
  return conditions;
}

analysis::RunResult result_of(const load::Experiment& experiment) {
  analysis::RunResult result;
  analysis::StepResult step;
  step.conditions = conditions_of(experiment);
  step.relation = analysis::Relation{};
  step.label_of_step = step.label;
  step.part = step.purpose = step.resumed_from = "word";
  result.steps.push_back(step);
  const analysis::RowGroup group{0, step.conditions};
  result.fit.lif.emplace();
  result.fit.upper_line.emplace();
  result.fit.transitions.emplace_back().group = group;
  analysis::HysteresisLoop& loop = result.fit.loops.emplace_back();
  loop.group = group;
  loop.up_again.emplace();
  result.fit.rates.emplace_back().group = group;
  result.fit.precursors.emplace_back().group = group;
  result.targets.emplace_back();
  for_each_plan(experiment, [&](const load::SinglePlan& plan) {
    if (std::holds_alternative<load::BetaPlan>(plan)) result.direct_beta.resize(1);
    if (!std::holds_alternative<load::PhaseMapPlan>(plan)) return;
    result.map.emplace();
    result.map->currents_ua = result.map->values = {0.0};
    result.map->labels = {step.label};
    result.map->cells.push_back({0, 0, 0, 0, step.label});
  });
  return result;
}

/// A train of bursts, of which everything can be said.
ordered_json train_shape() {
  constexpr double tick_s = 1e-6;
  analysis::TrainStatistics train(tick_s, Ticks{0}, {{}, 5000.0});
  Ticks at{0};
  for (int k = 0; k < 300; ++k) {
    at = Ticks{at.count + (k % 3 == 0 ? 20'000 : 1'000)};
    train.spike(at);
  }
  return experiment::train_json(train, tick_s, Ticks{at.count + 1}, analysis::Label::IB1);
}

/// Of lists the first element: the others are alike.
void shorten(ordered_json& value) {
  if (value.is_array() && value.size() > 2) value.erase(value.begin() + 1, value.end());
  if (!value.is_structured()) return;
  for (ordered_json& inner : value) shorten(inner);
}

}  // namespace

ordered_json document_shape(const load::Experiment& experiment) {
  ordered_json document = experiment::to_json(result_of(experiment));
  define(document);
  ordered_json step = document["steps"][0];
  step["as_recorded"] = true;
  step["statistics"] = train_shape();
  define(step["statistics"]);
  shorten(step["statistics"]);
  step["statistics"]["vacancy"]["cluster_size_counts"] = nullptr;
  ordered_json statistics{{"schema", "thyrode.analysis/1"}, {"file", "word"}, {"steps", ordered_json::array({step})}};
  if (!experiment.companions.empty()) {
    ordered_json relation{{"index", 0}, {"channels", {0, 1}}, {"current_ua", 0.0}};
    relation.update(experiment::to_json(analysis::TrainRelation{}));
    define(relation);
    statistics["relations"] = ordered_json::array({relation});
  }
  document["statistics"] = std::move(statistics);
  document["steps"][0]["label_fractions"] = nullptr;
  document["statistics"]["steps"][0]["label_fractions"] = nullptr;
  return document;
}

}  // namespace thyrode::program
