// replay: the whole host on a recording, and whether it says the same again.

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/experiment/bench.hpp"
#include "daemon/experiment/documents.hpp"
#include "daemon/recording/reader.hpp"
#include "daemon/recording/recorder.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_control.hpp"
#include "daemon/thyrode_job.hpp"
#include "daemon/thyrode_record.hpp"
#include "daemon/thyrode_resume.hpp"
#include "daemon/thyrode_store.hpp"
#include "daemon/thyrode_summary.hpp"
#include "daemon/thyrode_table_difference.hpp"

namespace thyrode::program {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_lines = 20;  // of differences that are printed

/// Where recordings are that nobody wants to keep.
class WorkFolder {
 public:
  static Result<WorkFolder> make() {
    std::error_code error;
    std::string name = (fs::temp_directory_path(error) / "thyrode-replay-XXXXXX").string();
    if (error || mkdtemp(name.data()) == nullptr) {
      return fail(ErrorKind::run_failed,
                  fmt::format("no folder for the results can be made beside {}: name another with TMPDIR", name));
    }
    return WorkFolder{std::move(name)};
  }
  WorkFolder(WorkFolder&& other) noexcept : path_{std::exchange(other.path_, {})} {}
  WorkFolder& operator=(WorkFolder&&) = delete;
  ~WorkFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  /// A name that no recording there has.
  std::string next_file() { return fmt::format("{}/{}.nwb", path_, count_++); }

 private:
  explicit WorkFolder(std::string path) : path_{std::move(path)} {}
  std::string path_;
  int count_ = 0;
};

/// One replay, and those of the recordings that its run went on from.
class Replay {
 public:
  Replay(WorkFolder& folder, RunControl& control, std::string command_line)
      : folder_{folder}, control_{control}, command_line_{std::move(command_line)} {}

  /// @param out  the new recording
  /// @param keep_signals  trace and snippets too
  /// Errors: bad_input (as read_run, recorded_job, open_replay), run_failed (disk).
  Result<experiment::Bench::Outcome> carry_out(const std::string& path, const recording::RunRecord& record,
                                               const std::string& out, bool keep_signals) {
    if (record.part > 1 || !record.next_file.empty()) {
      return fail(ErrorKind::bad_input,
                  fmt::format("{}: its run is in several files ({}); a replay takes a run that is "
                              "in one; `thyrode analyze` measures the steps of each again",
                              path, files_text(path)));
    }
    const auto job = recorded_job(record, path, "replay:" + path);
    if (!job) return tl::make_unexpected(job.error());
    auto device = open_device(job->uri, {});
    if (!device) return tl::make_unexpected(device.error());
    const DeviceInfo& info = (*device)->info();
    auto plan = experiment::make_run_plan(job->experiment, job->station, info, record.result.seed);
    if (!plan) return tl::make_unexpected(plan.error());
    auto requests = recorded_requests(path);
    if (!requests) return tl::make_unexpected(requests.error());
    plan->requests = *std::move(requests);
    auto before = rows_before(path, record);
    if (!before) return tl::make_unexpected(before.error());
    plan->before = *std::move(before);
    RunOptions options;
    options.seed = record.result.seed;
    options.command_line = command_line_;
    recording::RunDescription description = describe_run(*job, *plan, info, options);
    description.resumed_from = record.resumed_from;
    description.roll_samples = 0;
    description.calibration_yaml = record.calibration_yaml;
    for (recording::ChannelSetup& setup : description.channels) {
      if (!keep_signals) setup.trace_decimation = setup.snippet_samples = 0;
    }
    auto recorder = recording::Recorder::create(out, description);
    if (!recorder) return tl::make_unexpected(recorder.error());
    RecorderStore store{std::move(*recorder), keep_signals};
    experiment::Bench bench{**device, store, steady_seconds};
    control_.attach(bench, *plan);
    auto outcome = bench.run(*plan, experiment::Threads::one);
    control_.detach();
    if (!outcome.begun) store.discard();
    return outcome;
  }

 private:
  /// The steps that an earlier run had measured: from the recording itself, or where their rows are gone, by a replay
  /// of the one that the run went on from.
  Result<std::vector<experiment::MeasuredBefore>> rows_before(const std::string& path,
                                                              const recording::RunRecord& record) {
    if (record.resumed_from.empty()) return std::vector<experiment::MeasuredBefore>{};
    if (!record.result.steps.empty()) {
      auto rows = measured_rows(path, record, "");
      if (rows) std::erase_if(*rows, [](const auto& measured) { return measured.row.resumed_from.empty(); });
      return rows;
    }
    const std::string& name = record.resumed_from.back();
    const std::string source = (fs::path{path}.parent_path() / name).string();
    if (std::error_code error; !fs::exists(source, error)) {
      return fail(ErrorKind::bad_input,
                  fmt::format("{}: its run went on from {}, whose rows are gone with the result tables, and {} is not "
                              "there: put it beside the recording",
                              path, name, source));
    }
    const auto of_source = recording::read_run(source);
    if (!of_source) return tl::make_unexpected(of_source.error());
    const std::string out = folder_.next_file();
    const auto outcome = carry_out(source, *of_source, out, false);
    if (!outcome) return tl::make_unexpected(outcome.error());
    if (!outcome->begun) return tl::make_unexpected(outcome->error);
    const auto again = recording::read_run(out);
    if (!again) return tl::make_unexpected(again.error());
    return measured_rows(out, *again, name);
  }

  WorkFolder& folder_;
  RunControl& control_;
  std::string command_line_;
};

/// The recording was closed by its run, so that everything at its end is there.
bool ended_in_order(const recording::RunRecord& record) {
  return record.finalised && record.exit_status != "recovered";
}

/// Why the replay is no replay; empty where it ended as the run did.
std::optional<Error> not_as_recorded(const experiment::Bench::Outcome& outcome, const recording::RunRecord& record) {
  const Error& error = outcome.error;
  if (!outcome.begun || error.kind == ErrorKind::not_in_recording || error.kind == ErrorKind::bad_input) {
    if (!error.message.empty()) return error;
  }
  if (!ended_in_order(record) || outcome.exit_status == record.exit_status) return std::nullopt;
  return Error{ErrorKind::run_failed,
               fmt::format("the run ended as {}, its replay as {}{}{}", record.exit_status, outcome.exit_status,
                           error.message.empty() ? "" : ": ", error.message)};
}

std::string line_of(const Difference& difference) {
  return fmt::format("{}{}{}, {}: {} recorded, {} replayed", difference.table, difference.row.empty() ? "" : ", ",
                     difference.row, difference.name, difference.recorded, difference.replayed);
}

void print_results(const analysis::RunResult& result) {
  fmt::print("{}\n", table_head());
  StepTable table;
  for (const analysis::StepResult& step : result.steps) fmt::print("{}\n", table.row(step));
  fmt::print("\n{}", summary(result));
}

void print_verdict(const Comparison& comparison, const analysis::RunResult& result, const ReplayOptions& options) {
  if (comparison.compared == 0) {
    print_results(result);
    fmt::print("compared       nothing: {} holds no results any more\n", options.path);
  } else {
    fmt::print("{}: {} replayed, {} steps\n", options.path, result.experiment, result.steps.size());
    fmt::print("equal          {} of {} values, in {}\n", comparison.equal, comparison.compared,
               fmt::join(comparison.tables, ", "));
  }
  if (comparison.compared > 0 && !comparison.missing.empty()) {
    fmt::print("not there      {}: nothing to compare with\n", fmt::join(comparison.missing, ", "));
  }
  if (comparison.more_steps > 0) {
    fmt::print("more           {} step(s) that had not ended when the recording broke off\n", comparison.more_steps);
  }
  for (std::size_t k = 0; k < std::min(most_lines, comparison.differences.size()); ++k) {
    fmt::print("different      {}\n", line_of(comparison.differences[k]));
  }
  if (const std::int64_t more = comparison.compared - comparison.equal - static_cast<std::int64_t>(most_lines);
      more > 0) {
    fmt::print("different      and {} more (--json tells the first {})\n", more, Comparison::most_differences);
  }
  if (!options.out.empty()) fmt::print("file           {}\n", options.out);
}

nlohmann::ordered_json document_of(const Comparison& comparison, const analysis::RunResult& result,
                                   const ReplayOptions& options) {
  nlohmann::ordered_json document{{"schema", "thyrode.replay/1"},       {"file", options.path},
                                  {"compared", comparison.compared},    {"equal", comparison.equal},
                                  {"tables", comparison.tables},        {"missing", comparison.missing},
                                  {"more_steps", comparison.more_steps}};
  document["differences"] = nlohmann::ordered_json::array();
  for (const Difference& one : comparison.differences) {
    document["differences"].push_back({{"table", one.table},
                                       {"row", one.row},
                                       {"name", one.name},
                                       {"recorded", one.recorded},
                                       {"replayed", one.replayed}});
  }
  document["result"] = experiment::to_json(result);
  return document;
}

}  // namespace

int replay(const ReplayOptions& options) {
  const auto record = recording::read_run(options.path);
  if (!record) return report(record.error());
  auto folder = WorkFolder::make();
  if (!folder) return report(folder.error());
  const std::string out = options.out.empty() ? folder->next_file() : options.out;
  RunControl control{{}, RunControl::Ask::never};
  const auto outcome =
      Replay{*folder, control, options.command_line}.carry_out(options.path, *record, out, !options.out.empty());
  if (!outcome) return report(outcome.error());
  if (control.interrupted()) return report({ErrorKind::run_failed, "stopped: nothing was compared"});
  if (const auto error = not_as_recorded(*outcome, *record)) return report(*error);
  const auto comparison = compare_results(options.path, out, !ended_in_order(*record));
  if (!comparison) return report(comparison.error());
  if (options.json) {
    fmt::print("{}\n", document_of(*comparison, outcome->result, options).dump(2));
  } else {
    print_verdict(*comparison, outcome->result, options);
  }
  return comparison->all_equal() ? 0 : 1;
}

}  // namespace thyrode::program
