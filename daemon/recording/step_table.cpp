#include "daemon/recording/step_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

#include "daemon/recording/layout.hpp"
#include "daemon/recording/readback.hpp"

namespace thyrode::recording {
namespace {

using analysis::BetaStatus;
using analysis::Direction;
using analysis::Estimate;
using analysis::Label;
using analysis::StepResult;
using analysis::StepStatus;

constexpr std::string_view condition_prefix = "condition_";
constexpr std::size_t label_count = static_cast<std::size_t>(Label::undetermined) + 1;

std::array<std::string, label_count> label_names() {
  std::array<std::string, label_count> names;
  for (std::size_t k = 0; k < label_count; ++k) names[k] = analysis::to_string(static_cast<Label>(k));
  return names;
}

/// What is undefined is NaN in the file; nothing defined ever is.
double or_nan(const std::optional<double>& value) {
  return value.value_or(std::numeric_limits<double>::quiet_NaN());
}
std::optional<double> defined(double value) {
  return std::isnan(value) ? std::nullopt : std::optional{value};
}

void add_estimate(TableSpec& spec, const std::string& name, const std::string& what) {
  spec.columns.push_back({name, what + "; NaN is undefined", Element::f64});
  spec.columns.push_back({name + "_low", "lower end of the 95 % interval", Element::f64});
  spec.columns.push_back({name + "_high", "upper end of the 95 % interval", Element::f64});
}

/// Finds the enum value of a word; `last` is the largest value.
template <class Enum>
Enum from_word(const std::string& word, Enum last, hid_t file, const std::string& path) {
  for (int k = 0; k <= static_cast<int>(last); ++k) {
    if (word == analysis::to_string(static_cast<Enum>(k))) return static_cast<Enum>(k);
  }
  std::array<char, 4096> name{};
  H5Fget_name(file, name.data(), name.size());
  raise(ErrorKind::bad_input,
        fmt::format("{}: {} holds the word '{}', which this version does not know: use a newer version", name.data(),
                    path, word));
}

std::size_t column_of(const TableSpec& spec, std::string_view name) {
  for (std::size_t k = 0; k < spec.columns.size(); ++k) {
    if (spec.columns[k].name == name) return k;
  }
  raise(ErrorKind::run_failed, fmt::format("{} has no column {}", spec.path, name));
}

void push_estimate(Table& table, std::size_t& k, const Estimate& estimate) {
  table.column(k++).push(or_nan(estimate.value));
  table.column(k++).push(or_nan(estimate.low));
  table.column(k++).push(or_nan(estimate.high));
}

void check_conditions(const std::vector<std::string>& names, const StepResult& step) {
  for (const auto& [name, value] : step.conditions) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      raise(ErrorKind::bad_input, fmt::format("step {}: condition {} has no column in the file; conditions are named "
                                              "when the recording is created",
                                              step.index, name));
    }
  }
}

void push_conditions(Table& table, std::size_t& k, const std::vector<std::string>& names, const StepResult& step) {
  for (const std::string& name : names) {
    const auto found = step.conditions.find(name);
    table.column(k++).push(found != step.conditions.end() ? found->second : or_nan(std::nullopt));
  }
}

/// The number of the recording that holds a step's data, from 1; 0 is this one.
std::int64_t number_of(const std::vector<std::string>& sources, const StepResult& step) {
  if (step.resumed_from.empty()) return 0;
  const auto found = std::find(sources.begin(), sources.end(), step.resumed_from);
  if (found == sources.end()) {
    raise(ErrorKind::bad_input, fmt::format("step {}: the recording {} is not among those that this run goes on from",
                                            step.index, step.resumed_from));
  }
  return found - sources.begin() + 1;
}

std::array<double, label_count> fractions_of(const StepResult& step) {
  std::array<double, label_count> row{};
  row.fill(or_nan(std::nullopt));
  const auto names = label_names();
  for (const auto& [name, fraction] : step.label_fractions) {
    const auto* found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      raise(ErrorKind::bad_input, fmt::format("step {}: label fraction of unknown label {}", step.index, name));
    }
    row[static_cast<std::size_t>(found - names.begin())] = fraction;
  }
  return row;
}

/// What a step said by itself, or an empty word.
std::string word_of_step(const StepResult& step) {
  return step.label_of_step ? analysis::to_string(*step.label_of_step) : "";
}

/// Columns of one table, read whole.
class StepColumns {
 public:
  StepColumns(hid_t file, std::string path) : file_{file}, path_{std::move(path)}, rows_{table_rows(file, path_)} {}

  std::int64_t rows() const { return rows_; }
  std::vector<double> reals(const std::string& name, std::size_t width = 1) const {
    return read_column<double>(file_, path_ + "/" + name, 0, rows_, width);
  }
  std::vector<std::int64_t> integers(const std::string& name) const {
    return read_column<std::int64_t>(file_, path_ + "/" + name, 0, rows_);
  }
  std::vector<std::string> texts(const std::string& name) const { return read_texts(file_, path_ + "/" + name, rows_); }
  template <class Enum>
  std::vector<Enum> words(const std::string& name, Enum last) const {
    std::vector<Enum> values;
    for (const std::string& word : texts(name)) values.push_back(from_word(word, last, file_, path_ + "/" + name));
    return values;
  }
  std::vector<Estimate> estimates(const std::string& name) const {
    const auto value = reals(name);
    const auto low = reals(name + "_low");
    const auto high = reals(name + "_high");
    std::vector<Estimate> all;
    for (std::size_t k = 0; k < value.size(); ++k) {
      all.push_back({defined(value[k]), defined(low[k]), defined(high[k])});
    }
    return all;
  }

 private:
  hid_t file_;
  std::string path_;
  std::int64_t rows_;
};

void read_identity(const StepColumns& columns, std::vector<StepResult>& steps) {
  const auto index = columns.integers("index");
  const auto channel = columns.integers("channel");
  const auto leg = columns.integers("leg");
  const auto current = columns.reals("current_ua");
  const auto direction = columns.words("direction", Direction::none);
  const auto start = columns.integers("start_tick");
  const auto end = columns.integers("end_tick");
  const auto duration = columns.reals("duration_s");
  for (std::size_t k = 0; k < steps.size(); ++k) {
    StepResult& step = steps[k];
    step.index = static_cast<int>(index[k]);
    step.channel = static_cast<int>(channel[k]);
    step.leg = static_cast<int>(leg[k]);
    step.current_ua = current[k];
    step.direction = direction[k];
    step.start = Ticks{start[k]};
    step.end = Ticks{end[k]};
    step.duration_s = duration[k];
  }
}

void read_labels(const StepColumns& columns, std::vector<StepResult>& steps) {
  const auto status = columns.words("status", StepStatus::interrupted);
  const auto label = columns.words("label", Label::undetermined);
  const auto fractions = columns.reals("label_fractions", label_count);
  const auto vacancies = columns.integers("vacancies");
  const auto names = label_names();
  for (std::size_t k = 0; k < steps.size(); ++k) {
    steps[k].status = status[k];
    steps[k].label = label[k];
    steps[k].vacancies = vacancies[k] != 0;
    for (std::size_t n = 0; n < label_count; ++n) {
      const double fraction = fractions[k * label_count + n];
      if (!std::isnan(fraction)) steps[k].label_fractions[names[n]] = fraction;
    }
  }
}

void read_statistics(const StepColumns& columns, std::vector<StepResult>& steps) {
  const auto n_spikes = columns.integers("n_spikes");
  const auto n_gaps = columns.integers("n_gaps");
  const auto frequency = columns.estimates("frequency_hz");
  const auto spike_rate = columns.estimates("spike_rate_hz");
  const auto per_burst = columns.reals("spikes_per_burst");
  const auto cv = columns.reals("cv");
  const auto beta = columns.estimates("beta_n_per_ua");
  const auto beta_status = columns.words("beta_status", BetaStatus::few_points);
  for (std::size_t k = 0; k < steps.size(); ++k) {
    StepResult& step = steps[k];
    step.n_spikes = n_spikes[k];
    step.n_gaps = n_gaps[k];
    step.frequency_hz = frequency[k];
    step.spike_rate_hz = spike_rate[k];
    step.spikes_per_burst = defined(per_burst[k]);
    step.cv = defined(cv[k]);
    step.beta_n_per_ua = beta[k];
    step.beta_status = beta_status[k];
  }
}

void read_features(const StepColumns& columns, std::vector<StepResult>& steps) {
  for (const analysis::FeatureField& field : analysis::feature_fields()) {
    const auto values = columns.reals(field.name);
    for (std::size_t k = 0; k < steps.size(); ++k) steps[k].features.*field.value = defined(values[k]);
  }
}

/// What the neighbours of a step say of it.
void read_sweep(const StepColumns& columns, hid_t file, const std::string& path, std::vector<StepResult>& steps) {
  const auto kappa = columns.estimates("kappa");
  const auto sigma = columns.reals("sigma_current_ua");
  const auto words = columns.texts("label_of_step");
  const auto unresolved = columns.integers("branch_unresolved");
  for (std::size_t k = 0; k < steps.size(); ++k) {
    StepResult& step = steps[k];
    step.kappa = kappa[k];
    step.sigma_current_ua = defined(sigma[k]);
    if (!words[k].empty()) {
      step.label_of_step = from_word(words[k], Label::undetermined, file, path + "/label_of_step");
    }
    step.branch_unresolved = unresolved[k] != 0;
  }
}

/// Where in its plan a step belongs, and where its data are.
void read_origin(const StepColumns& columns, const std::vector<std::string>& sources, std::vector<StepResult>& steps) {
  const auto relation = columns.integers("relation");
  const auto lead = columns.reals("lead_s");
  const auto part = columns.texts("part");
  const auto purpose = columns.texts("purpose");
  const auto source = columns.integers("resumed_from");
  for (std::size_t k = 0; k < steps.size(); ++k) {
    if (relation[k] > 0) steps[k].relation = static_cast<analysis::Relation>(relation[k] - 1);
    steps[k].lead_s = lead[k];
    steps[k].part = part[k];
    steps[k].purpose = purpose[k];
    const std::int64_t number = source[k];
    if (number < 0 || number > static_cast<std::int64_t>(sources.size())) {
      raise(ErrorKind::bad_input, fmt::format("step {}: the file names no recording {}", steps[k].index, number));
    }
    if (number > 0) steps[k].resumed_from = sources[static_cast<std::size_t>(number) - 1];
  }
}

}  // namespace

TableSpec step_table(const std::vector<std::string>& conditions) {
  TableSpec spec{.path = std::string{layout::module} + "/steps",
                 .description = "One row a step and channel: thyrode.result/1.",
                 .rows_per_chunk = 256};
  auto& columns = spec.columns;
  columns.push_back({"index", "number of the step", Element::i64});
  columns.push_back({"channel", "index of the channel", Element::i64});
  columns.push_back(
      {"leg", "0 is the first sweep direction, 1 the second; a free list numbers its segments", Element::i64});
  for (const std::string& name : conditions) {
    columns.push_back({std::string{condition_prefix} + name, "setting " + name, Element::f64});
  }
  columns.push_back({"current_ua", "mean of the current written, uA", Element::f64});
  columns.push_back({"direction", "up, down or none", Element::text16});
  columns.push_back({"start_tick", "begin of the step, device ticks", Element::i64});
  columns.push_back({"end_tick", "end of the step, device ticks", Element::i64});
  columns.push_back({"duration_s", "time that was evaluated, s", Element::f64});
  columns.push_back({"status", "how the step ended", Element::text16});
  columns.push_back({"label", "phase of the neuron", Element::text16});
  std::string order;
  for (const std::string& name : label_names()) order += (order.empty() ? "" : ", ") + name;
  columns.push_back({"label_fractions", "share of the time under each label: " + order, Element::f64, label_count});
  columns.push_back({"vacancies", "1: spikes are missing from a regular train", Element::u8});
  columns.push_back({"n_spikes", "count", Element::i64});
  columns.push_back({"n_gaps", "count", Element::i64});
  add_estimate(spec, "frequency_hz", "rate of spikes, or of bursts where it bursts, Hz");
  add_estimate(spec, "spike_rate_hz", "rate of spikes, Hz");
  columns.push_back({"spikes_per_burst", "count; NaN is undefined", Element::f64});
  columns.push_back({"cv", "coefficient of variation of the intervals; NaN is undefined", Element::f64});
  add_estimate(spec, "beta_n_per_ua", "d ln f / dI, 1/uA");
  columns.push_back({"beta_status", "ok, edge, jump or few_points", Element::text16});
  add_estimate(spec, "kappa", "current times beta_n");
  columns.push_back({"sigma_current_ua", "CV over beta_n, uA; NaN is undefined", Element::f64});
  columns.push_back({"label_of_step", "what the step said by itself, without its neighbours", Element::text16});
  columns.push_back({"branch_unresolved", "1: TS, and no jump of f tells it from FS", Element::u8});
  columns.push_back(
      {"relation", "of a companion to the channel of the plan: its number, unlocked from 1 on; 0: none", Element::u8});
  columns.push_back({"lead_s", "for which the current waited elsewhere before the step, s", Element::f64});
  columns.push_back({"part", "of a sequence; empty in any other plan", Element::text16});
  columns.push_back({"purpose", "why the plan asked for the step; may be empty", Element::text16});
  columns.push_back({"resumed_from",
                     "which of the recordings in resumed_from of /general/thyrode holds the data of the step, from 1; "
                     "0: this one",
                     Element::i64});
  for (const analysis::FeatureField& field : analysis::feature_fields()) {
    columns.push_back({field.name, std::string{field.description} + "; NaN is undefined", Element::f64});
  }
  return spec;
}

std::vector<std::string> conditions_of(std::span<const std::string> column_names) {
  std::vector<std::string> names;
  for (const std::string& column : column_names) {
    if (column.starts_with(condition_prefix)) names.push_back(column.substr(condition_prefix.size()));
  }
  return names;
}

void append_step(Table& table, const std::vector<std::string>& conditions, const std::vector<std::string>& sources,
                 const StepResult& step) {
  check_conditions(conditions, step);
  const auto fractions = fractions_of(step);
  std::size_t k = 0;
  table.column(k++).push(std::int64_t{step.index});
  table.column(k++).push(std::int64_t{step.channel});
  table.column(k++).push(std::int64_t{step.leg});
  push_conditions(table, k, conditions, step);
  table.column(k++).push(step.current_ua);
  table.column(k++).push(analysis::to_string(step.direction));
  table.column(k++).push(step.start.count);
  table.column(k++).push(step.end.count);
  table.column(k++).push(step.duration_s);
  table.column(k++).push(analysis::to_string(step.status));
  table.column(k++).push(analysis::to_string(step.label));
  table.column(k++).push(fractions);
  table.column(k++).push(static_cast<std::uint8_t>(step.vacancies ? 1 : 0));
  table.column(k++).push(step.n_spikes);
  table.column(k++).push(step.n_gaps);
  push_estimate(table, k, step.frequency_hz);
  push_estimate(table, k, step.spike_rate_hz);
  table.column(k++).push(or_nan(step.spikes_per_burst));
  table.column(k++).push(or_nan(step.cv));
  push_estimate(table, k, step.beta_n_per_ua);
  table.column(k++).push(analysis::to_string(step.beta_status));
  push_estimate(table, k, step.kappa);
  table.column(k++).push(or_nan(step.sigma_current_ua));
  table.column(k++).push(word_of_step(step));
  table.column(k++).push(static_cast<std::uint8_t>(step.branch_unresolved ? 1 : 0));
  table.column(k++).push(static_cast<std::uint8_t>(step.relation ? 1 + static_cast<int>(*step.relation) : 0));
  table.column(k++).push(step.lead_s);
  table.column(k++).push(step.part);
  table.column(k++).push(step.purpose);
  table.column(k++).push(number_of(sources, step));
  for (const analysis::FeatureField& field : analysis::feature_fields()) {
    table.column(k++).push(or_nan(step.features.*field.value));
  }
  table.end_row(static_cast<std::int64_t>(table.rows()));
}

void overwrite_sweep(Table& table, const std::vector<std::string>& conditions, std::span<const StepResult> steps) {
  const TableSpec spec = step_table(conditions);
  const auto real = [&](const std::string& name, auto&& value) {
    std::vector<double> values;
    for (const StepResult& step : steps) values.push_back(or_nan(value(step)));
    table.column(column_of(spec, name)).overwrite(0, std::as_bytes(std::span{values}));
  };
  const auto estimate = [&](const std::string& name, auto&& member) {
    real(name, [&](const StepResult& step) { return (step.*member).value; });
    real(name + "_low", [&](const StepResult& step) { return (step.*member).low; });
    real(name + "_high", [&](const StepResult& step) { return (step.*member).high; });
  };
  const auto word = [&](const std::string& name, auto&& value) {
    std::vector<std::array<char, text16_bytes>> words;
    for (const StepResult& step : steps) value(step).copy(words.emplace_back().data(), text16_bytes);
    table.column(column_of(spec, name)).overwrite(0, std::as_bytes(std::span{words}));
  };
  estimate("beta_n_per_ua", &StepResult::beta_n_per_ua);
  word("beta_status", [](const StepResult& step) { return std::string{analysis::to_string(step.beta_status)}; });
  estimate("kappa", &StepResult::kappa);
  real("sigma_current_ua", [](const StepResult& step) { return step.sigma_current_ua; });
  word("label", [](const StepResult& step) { return std::string{analysis::to_string(step.label)}; });
  word("label_of_step", word_of_step);
  std::vector<std::uint8_t> unresolved;
  for (const StepResult& step : steps) unresolved.push_back(step.branch_unresolved ? 1 : 0);
  table.column(column_of(spec, "branch_unresolved")).overwrite(0, std::as_bytes(std::span{unresolved}));
}

std::vector<std::string> sources_of(hid_t file) {
  if (H5Aexists_by_name(file, layout::provenance, "resumed_from", H5P_DEFAULT) <= 0) return {};
  return read_texts_attribute(file, layout::provenance, "resumed_from");
}

std::vector<StepResult> read_steps(hid_t file, const std::string& path) {
  const StepColumns columns{file, path};
  std::vector<StepResult> steps(static_cast<std::size_t>(columns.rows()));
  if (steps.empty()) return steps;
  read_identity(columns, steps);
  for (const std::string& name : conditions_of(read_texts_attribute(file, path, "colnames"))) {
    const auto values = columns.reals(std::string{condition_prefix} + name);
    for (std::size_t k = 0; k < steps.size(); ++k) {
      if (!std::isnan(values[k])) steps[k].conditions[name] = values[k];
    }
  }
  read_labels(columns, steps);
  read_statistics(columns, steps);
  read_features(columns, steps);
  read_sweep(columns, file, path, steps);
  read_origin(columns, sources_of(file), steps);
  return steps;
}

void append_fit(Table& table, const analysis::SweepFit& fit) {
  const auto lif = fit.lif.value_or(analysis::LifFit{});
  const std::uint8_t accepted = !fit.lif ? 2 : lif.accepted ? 1 : 0;
  const Estimate& slope = lif.ideal_slope_hz_per_ua;
  const auto line = fit.upper_line.value_or(analysis::StraightLine{});
  const Estimate& line_slope = line.slope_hz_per_ua;
  table.append(0, or_nan(fit.onset_low_ua), or_nan(fit.onset_high_ua), or_nan(fit.end_low_ua), or_nan(fit.end_high_ua),
               lif.rheobase_ua, lif.rheobase_low_ua, lif.rheobase_high_ua, lif.tau_ms, lif.tau_low_ms, lif.tau_high_ms,
               lif.refractory_ms, lif.refractory_low_ms, lif.refractory_high_ms, lif.range_low_ua, lif.range_high_ua,
               lif.chi2_per_dof, or_nan(slope.value), or_nan(slope.low), or_nan(slope.high), or_nan(line_slope.value),
               or_nan(line_slope.low), or_nan(line_slope.high), line.intercept_ua, line.range_low_ua,
               line.range_high_ua, line.chi2_per_dof, accepted);
}

analysis::SweepFit read_fit(hid_t file) {
  const TableSpec spec = layout::fit();
  analysis::SweepFit fit;
  if (table_rows(file, spec.path) == 0) return fit;
  const auto value = [&](const char* name) { return read_column<double>(file, spec.path + "/" + name, 0, 1).front(); };
  fit.onset_low_ua = defined(value("onset_low_ua"));
  fit.onset_high_ua = defined(value("onset_high_ua"));
  fit.end_low_ua = defined(value("end_low_ua"));
  fit.end_high_ua = defined(value("end_high_ua"));
  const auto estimate = [&](const std::string& name) {
    return Estimate{defined(value(name.c_str())), defined(value((name + "_low").c_str())),
                    defined(value((name + "_high").c_str()))};
  };
  if (const Estimate slope = estimate("upper_line_slope_hz_per_ua"); slope.value) {
    fit.upper_line = analysis::StraightLine{.slope_hz_per_ua = slope,
                                            .intercept_ua = value("upper_line_intercept_ua"),
                                            .range_low_ua = value("upper_line_range_low_ua"),
                                            .range_high_ua = value("upper_line_range_high_ua"),
                                            .chi2_per_dof = value("upper_line_chi2_per_dof")};
  }
  const auto accepted = read_column<std::int64_t>(file, spec.path + "/accepted", 0, 1).front();
  if (accepted > 1) return fit;
  fit.lif = analysis::LifFit{.rheobase_ua = value("rheobase_ua"),
                             .rheobase_low_ua = value("rheobase_low_ua"),
                             .rheobase_high_ua = value("rheobase_high_ua"),
                             .tau_ms = value("tau_ms"),
                             .tau_low_ms = value("tau_low_ms"),
                             .tau_high_ms = value("tau_high_ms"),
                             .refractory_ms = value("refractory_ms"),
                             .refractory_low_ms = value("refractory_low_ms"),
                             .refractory_high_ms = value("refractory_high_ms"),
                             .ideal_slope_hz_per_ua = estimate("ideal_slope_hz_per_ua"),
                             .range_low_ua = value("range_low_ua"),
                             .range_high_ua = value("range_high_ua"),
                             .chi2_per_dof = value("chi2_per_dof"),
                             .accepted = accepted == 1};
  return fit;
}

}  // namespace thyrode::recording
