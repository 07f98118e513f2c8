// recover: recordings whose program died.

#include "daemon/thyrode_recover.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

#include "daemon/analysis/sweep_analysis.hpp"
#include "daemon/recording/recovery.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_job.hpp"
#include "daemon/thyrode_record.hpp"

namespace thyrode::program {
namespace {

/// What the steps say together, which a run that ends by itself writes last.
void complete_result(const recording::RunRecord& record, analysis::RunResult& result) {
  const auto experiment = recorded_experiment(record, "experiment");
  if (!experiment) return;
  result.fit = analysis::analyze_sweep(result.steps, experiment->sweep);
  complete_by_plan(record, result);
}

std::string count(std::int64_t number, const char* what, const char* plural = "s") {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : plural);
}

std::string told(const recording::Recovery& done) {
  if (done.was_empty) {
    return fmt::format("{}: its program died before anything was recorded: nothing was in it, {}", done.source,
                       done.source_kept ? "and you may remove it" : "and it was removed");
  }
  std::string text = fmt::format("{}: {}, {}, {:.3f} s of data", done.path, count(done.steps, "step"),
                                 count(done.spikes, "spike"), done.seconds);
  if (done.rows_cut > 0)
    text += fmt::format("; {} that were written in part only were cut", count(done.rows_cut, "row"));
  if (done.holes > 0)
    text += fmt::format("; {} of missing data, now in invalid_times", count(done.holes, "stretch", "es"));
  return text;
}

nlohmann::ordered_json document_of(const recording::Recovery& done) {
  return {{"schema", "thyrode.recovery/1"},
          {"file", done.was_empty ? nlohmann::ordered_json{} : nlohmann::ordered_json(done.path)},
          {"source", done.source},
          {"source_kept", done.source_kept},
          {"was_empty", done.was_empty},
          {"steps", done.steps},
          {"spikes", done.spikes},
          {"samples", done.samples},
          {"duration_s", done.seconds},
          {"rows_cut", done.rows_cut},
          {"holes", done.holes}};
}

}  // namespace

int recover(const RecoverOptions& options) {
  const auto done = recording::recover(options.path, complete_result, options.keep);
  if (!done) return report(done.error());
  if (options.json) {
    fmt::print("{}\n", document_of(*done).dump(2));
    return 0;
  }
  fmt::print("{}\n", told(*done));
  if (done->was_empty) return 0;
  fmt::print("{} {}\n", done->source,
             done->source_kept ? "is left as it was" : "is finished with this and was removed");
  return 0;
}

void recover_left_behind(const std::string& folder) {
  for (const std::string& part : recording::unfinished_in(folder)) {
    // Whether a program of another computer still writes is not known here.
    if (!recording::made_here(part)) {
      fmt::print(stderr,
                 "thyrode: {} is unfinished and not known to be of this computer; where its run has ended, "
                 "`thyrode recover` finishes it\n",
                 part);
      continue;
    }
    const auto done = recording::recover(part, complete_result);
    if (done && done->was_empty) {
      fmt::print(stderr, "thyrode: {}\n", told(*done));
    } else if (done) {
      fmt::print(stderr, "thyrode: {} was left by a program that died, and is finished now\nthyrode: {}\n", part,
                 told(*done));
    } else {
      fmt::print(stderr, "thyrode: {} was left by a program that died, and cannot be finished: {}\n", part,
                 done.error().message);
    }
  }
}

std::string recovered_name(const std::string& path) {
  if (!path.ends_with(".part") || recording::writer_of(path) != recording::Writer::gone || !recording::made_here(path))
    return path;
  const auto done = recording::recover(path, complete_result);
  if (!done) return path;
  if (done->was_empty) {
    fmt::print(stderr, "thyrode: {}\n", told(*done));
    return path;
  }
  fmt::print(stderr, "thyrode: {} was left by a program that died, and is finished now\nthyrode: {}\n", path,
             told(*done));
  return done->path;
}

}  // namespace thyrode::program
