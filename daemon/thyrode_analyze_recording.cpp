// analyze, on a recording: every step is measured again from its spikes, levels and gaps.

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/analysis/step_analyzer.hpp"
#include "daemon/analysis/train_statistics.hpp"
#include "daemon/experiment/documents.hpp"
#include "daemon/experiment/load/experiment.hpp"
#include "daemon/experiment/plans/make_strategy.hpp"
#include "daemon/experiment/recorded_step.hpp"
#include "daemon/experiment/run_plan.hpp"
#include "daemon/experiment/step_data.hpp"
#include "daemon/experiment/train_document.hpp"
#include "daemon/recording/reader.hpp"
#include "daemon/recording/run_files.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_job.hpp"
#include "daemon/thyrode_summary.hpp"
#include "daemon/thyrode_train.hpp"

namespace thyrode::program {
namespace {

using analysis::StepResult;
using nlohmann::ordered_json;

/// What a step says by itself: not what its neighbours say of it, its name in the sweep and beta_n.
bool says_the_same(const StepResult& again, const StepResult& recorded) {
  return again.status == recorded.status && again.n_spikes == recorded.n_spikes && again.n_gaps == recorded.n_gaps &&
         again.frequency_hz == recorded.frequency_hz && again.spike_rate_hz == recorded.spike_rate_hz &&
         again.cv == recorded.cv && again.current_ua == recorded.current_ua &&
         again.label == recorded.label_of_step.value_or(recorded.label) && again.vacancies == recorded.vacancies &&
         again.spikes_per_burst == recorded.spikes_per_burst;
}

/// A step measured again.
struct Repeated {
  StepResult row;
  analysis::TrainStatistics train;
};

/// Measures the steps of one recording again.
class Repetition {
 public:
  /// Errors: bad_input (as read_run, parse_experiment).
  static Result<Repetition> open(const std::string& path, const analysis::TrainSettings& settings) {
    auto record = recording::read_run(path);
    if (!record) return tl::make_unexpected(record.error());
    auto device = recording::read_device(path);
    if (!device) return tl::make_unexpected(device.error());
    const auto experiment = recorded_experiment(*record, path + ": its experiment");
    if (!experiment) return tl::make_unexpected(experiment.error());
    const auto rules = experiment::rules_of(experiment->dwell, *device, experiment->labels, experiment->least_peak);
    // How fine pieces of noise are does not change which steps there are.
    auto strategy = experiment::make_strategy(*experiment, rules, 10.0_ms);
    return Repetition{path, std::move(*record), std::move(*device), rules, settings, std::move(strategy)};
  }

  const std::vector<StepResult>& steps() const { return record_.result.steps; }
  const DeviceInfo& device() const { return device_; }

  /// Steps that an earlier recording holds have no data here.
  static bool has_data(const StepResult& recorded) { return recorded.resumed_from.empty(); }

  /// Passes over a step that has no data here. What it left of the output is known where its data are in another file
  /// of this run.
  void skip(const StepResult& recorded) {
    if (earlier_.contains(recorded.resumed_from)) {
      static_cast<void>(measure(recorded));
    } else {
      ask_again(recorded);
    }
  }
  /// The steps in their order: what one leaves of the output, the next one knows.
  /// Errors: bad_input (as read_run).
  Result<Repeated> measure(const StepResult& recorded) {
    const Channel channel = channel_of(recorded);
    experiment::StepSpan span = span_of(recorded);
    const auto messages = stretch(channel, span);
    if (!messages) return tl::make_unexpected(messages.error());
    analysis::StepRules rules = rules_;
    ask_again(recorded);
    if (planned_) rules.relative_precision = planned_->relative_precision.value_or(rules.relative_precision);
    if (planned_ && (planned_->lasts || !planned_->pieces.empty())) {
      // Nobody asked whether its data suffice.
      rules.longest_s = static_cast<double>(span.end - span.settled) / device_.sample_rate_hz;
      span.evaluated = {};
    }
    // The rules are asked of the plan's own channel alone.
    if (recorded.channel != steps().front().channel) span.evaluated = {};
    rules.before = outputs_[recorded.channel];
    const auto load_time = recorded.conditions.find("tau_L");
    if (load_time != recorded.conditions.end()) rules.load_time_s = load_time->second;
    const auto step = experiment::measure_again(rules, device_, channel, span, *messages);
    outputs_[recorded.channel] = step.output_memory();
    return Repeated{row(step, recorded), train(*messages, channel, recorded)};
  }

  /// How a companion kept step with the plan's channel.
  /// @param own, beside  their rows of one step
  Result<analysis::TrainRelation> relate(const StepResult& own, const StepResult& beside) const {
    const experiment::StepSpan span = span_of(own);
    std::vector<DeviceMessage> all;
    for (const StepResult* row : {&own, &beside}) {
      const auto messages = stretch(channel_of(*row), span);
      if (!messages) return tl::make_unexpected(messages.error());
      all.insert(all.end(), messages->begin(), messages->end());
    }
    return experiment::relate_again(rules_, device_, channel_of(own), channel_of(beside), span, all).result();
  }

 private:
  static std::set<std::string> earlier_files(const std::string& path) {
    std::set<std::string> names;
    const auto files = recording::files_of_run(path);
    for (std::size_t k = 0; files && k < files->size() && (*files)[k].path != path; ++k) {
      std::filesystem::path name = std::filesystem::path{(*files)[k].path}.filename();
      if (name.extension() == ".part") name.replace_extension();
      names.insert(name.string());
    }
    return names;
  }

  /// What the plan asked for in a step, from the rows before it: what it decides depends on nothing else.
  void ask_again(const StepResult& recorded) {
    if (recorded.channel != steps().front().channel) return;
    planned_ = strategy_->next(before_);
    if (recorded.status != analysis::StepStatus::interrupted) before_.push_back(recorded);
  }

  static Channel channel_of(const StepResult& row) { return Channel{static_cast<std::uint8_t>(row.channel)}; }

  /// The row begins where its data count; what goes on from before is told within the period before.
  experiment::StepSpan span_of(const StepResult& recorded) const {
    const std::int64_t grid = experiment::grid_of(device_);
    experiment::StepSpan span;
    span.settled = to_sample(recorded.start);
    span.start = Sample{span.settled.index / grid * grid};
    span.end = span.evaluated = to_sample(recorded.end);
    return span;
  }

  Result<std::vector<DeviceMessage>> stretch(Channel channel, const experiment::StepSpan& span) const {
    return recording::read_stretch(path_, channel, span.start - experiment::grid_of(device_), span.end);
  }

  /// What only the plan and the sweep know is taken from the recording.
  static StepResult row(const experiment::MeasuredStep& step, const StepResult& recorded) {
    StepResult again = step.row(to_sample(recorded.end), Current::from_si(recorded.current_ua * 1e-6));
    again.index = recorded.index;
    again.channel = recorded.channel;
    again.leg = recorded.leg;
    again.conditions = recorded.conditions;
    again.direction = recorded.direction;
    again.lead_s = recorded.lead_s;
    again.part = recorded.part;
    again.purpose = recorded.purpose;
    again.beta_n_per_ua = recorded.beta_n_per_ua;
    again.beta_status = recorded.beta_status;
    // That somebody ended the step is no matter of its data.
    if (recorded.status == analysis::StepStatus::interrupted) again.status = recorded.status;
    return again;
  }

  /// The spikes that count, in the order in which the step was fed.
  analysis::TrainStatistics train(const std::vector<DeviceMessage>& messages, Channel channel,
                                  const StepResult& recorded) const {
    const Ticks origin = recorded.start + std::llround(rules_.settle_drop_s / device_.seconds_per_tick());
    analysis::TrainStatistics train(device_.seconds_per_tick(), origin, settings_);
    experiment::StepData data{device_, {channel}};
    for (const DeviceMessage& message : messages) data.add(message);
    int settling = rules_.settle_spikes;
    for (const experiment::StepDatum& datum : data.take()) {
      const auto* spike = std::get_if<protocol::SpikeRecord>(&datum.what);
      const bool inside = spike != nullptr && spike->at >= recorded.start && spike->at < recorded.end;
      if (inside && --settling < 0 && spike->at >= origin) train.spike(spike->at);
      const auto* gap = std::get_if<Gap>(&datum.what);
      if (gap != nullptr && to_ticks(gap->last) > origin) train.gap(to_ticks(gap->first), to_ticks(gap->last));
    }
    return train;
  }

  Repetition(std::string path, recording::RunRecord record, DeviceInfo device, const analysis::StepRules& rules,
             const analysis::TrainSettings& settings, std::unique_ptr<experiment::Strategy> strategy)
      : path_(std::move(path)),
        earlier_(earlier_files(path_)),
        record_(std::move(record)),
        device_(std::move(device)),
        rules_(rules),
        settings_(settings),
        strategy_(std::move(strategy)) {}

  std::string path_;
  std::set<std::string> earlier_;  ///< names of the files of this run before this one
  recording::RunRecord record_;
  DeviceInfo device_;
  analysis::StepRules rules_;
  analysis::TrainSettings settings_;
  std::map<int, analysis::OutputMemory> outputs_;  // by channel
  std::unique_ptr<experiment::Strategy> strategy_;
  std::vector<StepResult> before_;  // whole steps of the plan's channel
  std::optional<experiment::PlannedStep> planned_;
};

ordered_json step_document(const Repeated& step, bool as_recorded, double seconds_per_tick) {
  ordered_json document = experiment::to_json(step.row);
  document["as_recorded"] = as_recorded;
  document["statistics"] = experiment::train_json(step.train, seconds_per_tick, step.row.end, step.row.label);
  return document;
}

/// Rows of two channels in one step follow each other.
Result<ordered_json> relations(const Repetition& repetition) {
  ordered_json list = ordered_json::array();
  const std::vector<StepResult>& steps = repetition.steps();
  for (std::size_t k = 1; k < steps.size(); ++k) {
    const StepResult& a = steps[k - 1];
    const StepResult& b = steps[k];
    if (a.index != b.index || !Repetition::has_data(a)) continue;
    const auto relation = repetition.relate(a, b);
    if (!relation) return tl::make_unexpected(relation.error());
    ordered_json told{{"index", a.index}, {"channels", {a.channel, b.channel}}, {"current_ua", a.current_ua}};
    told.update(experiment::to_json(*relation));
    list.push_back(std::move(told));
  }
  return list;
}

}  // namespace

Result<ordered_json> recording_document(const std::string& path, const analysis::TrainSettings& settings) {
  auto repetition = Repetition::open(path, settings);
  if (!repetition) return tl::make_unexpected(repetition.error());
  ordered_json list = ordered_json::array();
  for (const StepResult& recorded : repetition->steps()) {
    if (!Repetition::has_data(recorded)) {
      repetition->skip(recorded);
      continue;
    }
    const auto step = repetition->measure(recorded);
    if (!step) return tl::make_unexpected(step.error());
    list.push_back(step_document(*step, says_the_same(step->row, recorded), repetition->device().seconds_per_tick()));
  }
  auto between = relations(*repetition);
  if (!between) return tl::make_unexpected(between.error());
  ordered_json document{{"schema", "thyrode.analysis/1"}, {"file", path}, {"steps", std::move(list)}};
  if (!between->empty()) document["relations"] = std::move(*between);
  return document;
}

int analyze_recording(const AnalyzeOptions& options, const analysis::TrainSettings& settings) {
  if (options.json) {
    const auto document = recording_document(options.path, settings);
    if (!document) return report(document.error());
    fmt::print("{}\n", document->dump(2));
    return 0;
  }
  auto repetition = Repetition::open(options.path, settings);
  if (!repetition) return report(repetition.error());
  std::vector<int> different;
  int count = 0;
  int elsewhere = 0;
  fmt::print("{}\n", table_head());
  for (const StepResult& recorded : repetition->steps()) {
    if (!Repetition::has_data(recorded)) {
      repetition->skip(recorded);
      ++elsewhere;
      continue;
    }
    const auto step = repetition->measure(recorded);
    if (!step) return report(step.error());
    ++count;
    if (!says_the_same(step->row, recorded)) different.push_back(recorded.index);
    fmt::print("{}\n", table_row(step->row));
  }
  if (elsewhere > 0) fmt::print("{} steps were measured in an earlier recording and are not repeated\n", elsewhere);
  if (different.empty()) {
    fmt::print("\n{} step{} measured again from the recording: as recorded\n", count, count == 1 ? "" : "s");
  } else {
    fmt::print("\n{} of {} steps say something else than was recorded: {}\n", different.size(), count,
               fmt::join(different, ", "));
  }
  return 0;
}

}  // namespace thyrode::program
