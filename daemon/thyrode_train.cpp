#include "daemon/thyrode_train.hpp"

#include <fmt/core.h>

#include <optional>

#include "daemon/analysis/phase_label.hpp"
#include "daemon/experiment/documents.hpp"
#include "daemon/experiment/train_document.hpp"

namespace thyrode::program {

using nlohmann::ordered_json;

namespace {

std::string shown(const std::optional<double>& value, double factor = 1.0) {
  return value ? fmt::format("{:.5g}", *value * factor) : std::string{"-"};
}

std::string shown(const analysis::Estimate& e) {
  return shown(e.value) + (e.low && e.high ? fmt::format(" Hz ({:.5g} to {:.5g})", *e.low, *e.high) : " Hz");
}

void print_bursts(const analysis::TrainStatistics& s) {
  const auto bursts = s.bursts();
  if (!bursts) {
    fmt::print("  bursts         none: the intervals are of one kind\n");
    return;
  }
  const char* const rhythm = analysis::clock_like(*bursts) ? ", like a clock" : ", stuttering";
  const char* const verdict = s.bursting()        ? rhythm
                              : !bursts->accepted ? " (not accepted as bursts)"
                                                  : " (gaps of whole intervals: missing spikes)";
  fmt::print("  bursts         {}, {} spikes (CV {}), gaps above {:.4g} ms{}\n", shown(bursts->frequency_hz),
             shown(bursts->spikes_per_burst.mean()), shown(bursts->spikes_per_burst.cv()), bursts->threshold_us * 1e-3,
             verdict);
}

void print_vacancies(const analysis::TrainStatistics& s, analysis::Label label) {
  const auto v = analysis::counted_vacancies(s, label);
  if (!v) {
    fmt::print("  missing spikes not counted: {}\n", analysis::why_not_counted(s, label));
  } else {
    fmt::print("  missing spikes {} in {} gaps, {:.3g} % of all{}\n", v->missing, v->clusters, 100.0 * v->fraction,
               v->clustering && v->clustering->low > 1.0 ? ", clustered" : "");
  }
}

void print_label(const analysis::StepResult& row) {
  const analysis::TimesLabel label = analysis::label_of_times(row.label);
  std::string text = label.word;
  std::string between = " (";
  for (const auto& [name, share] : row.label_fractions) {
    text += fmt::format("{}{} {:.0f} %", between, name, 100.0 * share);
    between = ", ";
  }
  if (!row.label_fractions.empty()) text += ")";
  if (label.word == "bursting") {
    const auto kinds =
        fmt::format(" ({} or {})", analysis::to_string(label.candidates[0]), analysis::to_string(label.candidates[1]));
    text += kinds;
  }
  fmt::print("  label          {}, {}\n", text, list_status(row.status));
  if (label.open != nullptr) fmt::print("                 from times alone: {}\n", label.open);
}

}  // namespace

const char* list_status(analysis::StepStatus status) {
  return status == analysis::StepStatus::timeout ? "list_ended" : analysis::to_string(status);
}

ordered_json train_document(const AnalyzedTrain& train) {
  const ordered_json row = experiment::to_json(train.row);
  const analysis::TimesLabel label = analysis::label_of_times(train.row.label);
  ordered_json document;
  document["train"] = train.name.empty() ? ordered_json(nullptr) : ordered_json(train.name);
  document["label"] = label.word;
  document["label_candidates"] = ordered_json::array();
  for (const analysis::Label candidate : label.candidates) {
    document["label_candidates"].push_back(analysis::to_string(candidate));
  }
  document["label_open"] = label.open != nullptr ? ordered_json(label.open) : ordered_json(nullptr);
  document["label_fractions"] = row.at("label_fractions");
  document["status"] = list_status(train.row.status);
  for (const char* key : {"frequency_hz", "frequency_hz_low", "frequency_hz_high", "spike_rate_hz", "spike_rate_hz_low",
                          "spike_rate_hz_high", "vacancies"}) {
    document[key] = row.at(key);
  }
  document.update(experiment::train_json(train.statistics, train.seconds_per_tick, train.end, train.row.label));
  document["n_outside"] = train.outside;
  if (train.max_interval) {
    const analysis::MaxIntervalBursts& found = *train.max_interval;
    const auto seconds = [&](const std::optional<double>& ticks) {
      return ticks ? ordered_json(*ticks * train.seconds_per_tick) : ordered_json(nullptr);
    };
    document["max_interval"] = {
        {"bursts", found.bursts},
        {"spikes_in_bursts", found.spikes_in_bursts},
        {"spikes_per_burst", found.spikes_per_burst ? ordered_json(*found.spikes_per_burst) : ordered_json(nullptr)},
        {"duration_s", seconds(found.duration)},
        {"period_s", seconds(found.period)}};
  }
  return document;
}

void print_train(const AnalyzedTrain& train) {
  const std::string& name = train.name;
  const analysis::TrainStatistics& s = train.statistics;
  const analysis::StepResult& row = train.row;
  fmt::print("{}{}{} {} in {:.6g} s\n", name, name.empty() ? "" : ": ", s.spikes(),
             s.spikes() == 1 ? "spike" : "spikes", static_cast<double>(s.observed(train.end)) * train.seconds_per_tick);
  if (train.outside > 0) fmt::print("  left out       {}: before, after or in the settling\n", train.outside);
  if (s.rejected() > 0) fmt::print("  rejected       {}: at the same time as the spike before\n", s.rejected());
  print_label(row);
  fmt::print("  frequency      {}\n", shown(row.frequency_hz));
  const analysis::IntervalStatistics& i = s.intervals();
  fmt::print("  intervals      mean {} ms, CV {}, CV2 {}, LV {}, serial correlation {}\n",
             shown(i.mean(), 1e3 * train.seconds_per_tick), shown(i.cv()), shown(i.cv2()), shown(i.lv()),
             shown(i.serial_correlation()));
  const auto quantile = [&](double p) {
    const auto us = s.histogram().quantile_us(p);
    return us ? fmt::format("{:.3g}", *us * 1e-3) : std::string{"-"};
  };
  fmt::print("  quantiles      5 % {} ms, 25 % {}, 50 % {}, 75 % {}, 95 % {}\n", quantile(0.05), quantile(0.25),
             quantile(0.5), quantile(0.75), quantile(0.95));
  const auto featureless = s.correlation(train.end).featureless();
  fmt::print("  order          S64 {} ({} blocks), R1 {}, g_n {}\n", shown(s.structure_factor().value()),
             s.structure_factor().blocks(), shown(s.phase_order()),
             !featureless   ? "-"
             : *featureless ? "featureless"
                            : "with structure");
  print_bursts(s);
  if (train.max_interval) {
    const analysis::MaxIntervalBursts& found = *train.max_interval;
    fmt::print("  max interval   {} burst{}, {} spikes each, {} ms long, every {} ms\n", found.bursts,
               found.bursts == 1 ? "" : "s", shown(found.spikes_per_burst),
               shown(found.duration, 1e3 * train.seconds_per_tick), shown(found.period, 1e3 * train.seconds_per_tick));
  }
  print_vacancies(s, row.label);
}

}  // namespace thyrode::program
