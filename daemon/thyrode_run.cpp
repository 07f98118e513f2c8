// run, demo: experiments on a device.

#include <fmt/chrono.h>
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "daemon/experiment/bench.hpp"
#include "daemon/experiment/documents.hpp"
#include "daemon/experiment/load/checks.hpp"
#include "daemon/experiment/load/quantity_text.hpp"
#include "daemon/experiment/load/words.hpp"
#include "daemon/recording/recorder.hpp"
#include "daemon/recording/recovery.hpp"
#include "daemon/recording/run_files.hpp"
#include "daemon/thyrode_calibration.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_control.hpp"
#include "daemon/thyrode_job.hpp"
#include "daemon/thyrode_recover.hpp"
#include "daemon/thyrode_replay.hpp"
#include "daemon/thyrode_resume.hpp"
#include "daemon/thyrode_store.hpp"
#include "daemon/thyrode_summary.hpp"
#include "daemon/thyrode_view.hpp"

namespace thyrode::program {
namespace {

// ---------------------------------------------------------------- what is run

Result<std::string> output_path(const RunOptions& options, const std::string& name) {
  if (!options.out.empty()) return options.out;
  std::error_code error;
  std::filesystem::create_directories("runs", error);
  if (error) {
    return fail(ErrorKind::bad_input,
                fmt::format("the folder runs/ cannot be made here: {}; say where with --out", error.message()));
  }
  std::tm local{};
  const std::time_t now = std::time(nullptr);
  localtime_r(&now, &local);
  const std::string stem = fmt::format("runs/{}-{:%Y%m%d-%H%M%S}", name, local);
  std::string path = stem + ".nwb";
  for (int k = 2; std::filesystem::exists(path) || std::filesystem::exists(path + ".part"); ++k) {
    path = fmt::format("{}-{}.nwb", stem, k);
  }
  return path;
}

std::string truth_path(const std::string& out) {
  return std::filesystem::path{out}.replace_extension(".truth.csv").string();
}

// ---------------------------------------------------------------- the run

/// @param paths  the files of the run; the last one has its results
int finish(const experiment::Bench::Outcome& outcome, const std::vector<std::string>& paths,
           const RunOptions& options) {
  const std::string& path = paths.back();
  if (options.json) {
    fmt::print("{}\n", experiment::to_json(outcome.result).dump());
  } else {
    fmt::print("\n{}file           {}\n", summary(outcome.result), path);
    if (paths.size() > 1) fmt::print("files before   {}\n", fmt::join(paths.begin(), paths.end() - 1, ", "));
  }
  int page_code = 0;
  if (options.report) {
    const std::string page = report_path(path);
    const auto written = write_report(path, page);
    if (!written) page_code = report(written.error());
    if (written && !options.json) fmt::print("report         {}\n", page);
  }
  std::fflush(stdout);
  if (!outcome.error.message.empty()) {
    if (options.json) fmt::print(stderr, "thyrode: the file is {}\n", path);
    return report(outcome.error);
  }
  if (outcome.result.integrity.gaps > 0) {
    return report({ErrorKind::data_gap,
                   fmt::format("{} gaps in the data: they are marked in {} and no interval reaches across one",
                               outcome.result.integrity.gaps, path)});
  }
  return page_code;
}

/// A name that the file system takes, in a folder that takes a file.
Result<void> check_name(const std::string& out) {
  const std::filesystem::path path{out};
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return fail(ErrorKind::bad_input, fmt::format("{}: is a folder; name a file in it with --out", out));
  }
  if (!std::filesystem::is_directory(folder, error)) {
    const std::string reason = error ? error.message() : "it is not a folder";
    return fail(ErrorKind::bad_input, fmt::format("--out {}: there is no folder {} ({}); create it or name another",
                                                  load::shortened(out), load::shortened(folder.string()), reason));
  }
  const std::size_t length = std::max(out.size() + std::string_view{".part"}.size(), truth_path(out).size()) -
                             (out.size() - path.filename().string().size());
  const long most = pathconf(folder.c_str(), _PC_NAME_MAX);
  if (most > 0 && length > static_cast<std::size_t>(most)) {
    return fail(ErrorKind::bad_input, fmt::format("--out {}: the name is too long: {} bytes with its ending, and the "
                                                  "file system takes {}; name a shorter one",
                                                  load::shortened(out), length, most));
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    return fail(ErrorKind::bad_input, fmt::format("{}: {}; the recording needs a folder you may write to, name one "
                                                  "with --out",
                                                  folder.string(), std::strerror(errno)));
  }
  return {};
}

/// A run that dies before it has a recording leaves its side file with nothing in it, which nobody misses. One with a
/// truth in it is somebody's.
Result<void> check_side_file(const std::string& out) {
  const std::string path = truth_path(out);
  std::error_code error;
  const auto status = std::filesystem::symlink_status(path, error);
  if (!std::filesystem::exists(status)) return {};
  const bool alone = !std::filesystem::exists(out, error) && !std::filesystem::exists(out + ".part", error);
  const bool empty = std::filesystem::is_regular_file(status) && std::filesystem::file_size(path, error) == 0;
  if (alone && empty && recording::writer_of(path) == recording::Writer::gone) {
    std::filesystem::remove(path, error);
    return {};
  }
  if (!alone) return {};  // the recording is what the user is told of
  return fail(
      ErrorKind::bad_input,
      fmt::format("{}: is there already, the side file with the truth of an earlier run, and is never "
                  "overwritten; the recording {} is not there: remove the side file, or name another with --out",
                  path, out));
}

/// Nothing that is there is overwritten: recording, unfinished recording, side file.
Result<void> check_free(const std::string& out, bool simulated) {
  std::error_code error;
  if (simulated) {
    if (auto side = check_side_file(out); !side) return side;
  }
  std::vector<std::string> paths{out, out + ".part"};
  if (const std::string later = recording::taken_later_name(out); !later.empty()) paths.push_back(later);
  for (const std::string& path : paths) {
    const auto status = std::filesystem::symlink_status(path, error);
    if (status.type() == std::filesystem::file_type::none) {
      return fail(ErrorKind::bad_input, fmt::format("{}: {}", path, error.message()));
    }
    if (std::filesystem::exists(status)) {
      return fail(
          ErrorKind::bad_input,
          fmt::format("{}: a recording is there already and is never overwritten; name another with --out", path));
    }
  }
  return {};
}

/// Options of the emulated instrument mean nothing to a device elsewhere, and silence about that would mislead.
Result<void> check_options(const RunOptions& options, const std::string& uri) {
  if (uri.starts_with("sim:")) return {};
  const char* option = !options.noise      ? "--noise off"
                       : options.spread    ? "--spread"
                       : options.seed      ? "--seed"
                       : options.real_time ? "--real-time"
                                           : nullptr;
  if (option == nullptr) return {};
  return fail(
      ErrorKind::bad_input,
      fmt::format("{} is of the emulated instrument inside this program (sim:...), and the device is {}; give it "
                  "to `thyrode emulate`{}, or leave it out",
                  option, uri, options.noise && !options.spread && !options.seed ? " as --speed 1" : ""));
}

SimulatorOptions simulator_of(const RunOptions& options, const std::string& truth_path) {
  SimulatorOptions simulator;
  simulator.seed = options.seed.value_or(first_seed);
  simulator.noise = options.noise;
  simulator.spread = options.spread;
  simulator.speed = options.real_time ? 1.0 : 0.0;
  simulator.truth_path = truth_path;
  return simulator;
}

/// Who answers what the run asks, and what a recorded run was asked for.
struct Askings {
  RunControl control;
  RecordedAnswers recorded;  ///< of a run that is repeated: they come first
  bool of_replay = false;    ///< the requests of the recording are the plan's

  void show(experiment::Bench& bench, const experiment::Event& event) {
    if (!of_replay && !recorded.answer(bench, event)) control.show(event);
  }
  Result<void> prepare(const Job& job, experiment::RunPlan& plan) {
    const auto path = replayed_path(job.uri);
    if (!path) return recorded.any() ? Result<void>{} : control.can_answer(plan);
    of_replay = true;
    auto requests = recorded_requests(*path);
    if (!requests) return tl::make_unexpected(requests.error());
    plan.requests = *std::move(requests);
    return {};
  }
};

/// What was measured with one calibration goes on with it; a recording is told in the scales that it was made in.
Result<std::string> calibrate_device(const Job& job, const RunOptions& options, Device& device) {
  if (const auto path = replayed_path(job.uri); path && options.calibration.empty()) {
    return recording::read_run(*path).map([](const recording::RunRecord& record) { return record.calibration_yaml; });
  }
  const CalibrationChoice choice{options.calibration, options.calibration_days, options.recorded_calibration};
  return use_calibration(choice, device, job.experiment.channel);
}

/// @param resumed  the run that goes on; nullptr: it begins
/// @param recorded  answers of the run that is repeated
int carry_out(const Job& job, const RunOptions& options, const ResumedRun* resumed, RecordedAnswers recorded = {}) {
  if (auto checked = check_options(options, job.uri); !checked) return report(checked.error());
  const auto out = output_path(options, job.experiment.name);
  if (!out) return report(out.error());
  if (auto named = check_name(*out); !named) return report(named.error());
  const std::filesystem::path folder = std::filesystem::path{*out}.parent_path();
  recover_left_behind(folder.empty() ? "." : folder.string());
  const bool simulated = job.uri.starts_with("sim:");
  if (auto free = check_free(*out, simulated); !free) return report(free.error());
  const SimulatorOptions simulator = simulator_of(options, simulated ? truth_path(*out) : "");
  Askings askings{RunControl{options.answers}, std::move(recorded)};
  RunControl& control = askings.control;
  auto device = open_device(job.uri, simulator);
  const auto undo_truth = [&] {
    std::error_code ignored;
    if (simulated) std::filesystem::remove(simulator.truth_path, ignored);
  };
  if (device && control.interrupted()) device = fail(ErrorKind::run_failed, "stopped before anything was measured");
  if (!device) {
    if (device.error().kind == ErrorKind::run_failed) undo_truth();
    return report(device.error());
  }
  const DeviceInfo& info = (*device)->info();
  const auto calibration = calibrate_device(job, options, **device);
  if (!calibration) {
    undo_truth();
    return report(calibration.error());
  }
  if (resumed != nullptr) {
    if (auto same = check_same_device(resumed->record, info); !same) {
      undo_truth();
      return report(same.error());
    }
  }
  auto plan = experiment::make_run_plan(job.experiment, job.station, info, options.seed.value_or(first_seed));
  if (!plan) {
    undo_truth();
    return report(plan.error());
  }
  if (resumed != nullptr) plan->before = resumed->before;
  if (auto answered = askings.prepare(job, *plan); !answered) {
    undo_truth();
    return report(answered.error());
  }
  recording::RunDescription description = describe_run(job, *plan, info, options);
  description.calibration_yaml = *calibration;
  if (resumed != nullptr) description.resumed_from = resumed->sources;
  auto recorder = recording::Recorder::create(*out, description);
  if (!recorder) {
    undo_truth();
    return report(recorder.error());
  }
  if (const std::string others = other_channels(job, info); !others.empty())
    fmt::print(stderr, "thyrode: {}\n", others);
  RecorderStore store{std::move(*recorder)};
  experiment::Bench bench{**device, store, [&device] { return (*device)->seconds(); }};
  LiveView view{options.json, steady_seconds};
  bench.subscribe([&view](const experiment::Event& event) { view.show(event); });
  bench.subscribe([&](const experiment::Event& event) { askings.show(bench, event); });
  control.attach(bench, *plan);
  const bool lockstep = (simulated && !options.real_time) || askings.of_replay;
  const auto outcome = bench.run(*plan, lockstep ? experiment::Threads::one : experiment::Threads::three);
  control.detach();
  if (!outcome.begun) {
    undo_truth();
    store.discard();
    return report(outcome.error);
  }
  return finish(outcome, store.paths(), options);
}

}  // namespace

Result<analysis::RunResult> measure(const Job& job, const RunOptions& options, RunControl& control) {
  auto device = open_device(job.uri, simulator_of(options, ""));
  if (!device) return tl::make_unexpected(device.error());
  if (control.interrupted()) return fail(ErrorKind::run_failed, "stopped before anything was measured");
  const DeviceInfo& info = (*device)->info();
  const auto plan = experiment::make_run_plan(job.experiment, job.station, info, options.seed.value_or(first_seed));
  if (!plan) return tl::make_unexpected(plan.error());
  auto recorder = recording::Recorder::create(options.out, describe_run(job, *plan, info, options));
  if (!recorder) return tl::make_unexpected(recorder.error());
  RecorderStore store{std::move(*recorder)};
  experiment::Bench bench{**device, store, [&device] { return (*device)->seconds(); }};
  const bool lockstep = job.uri.starts_with("sim:");
  control.attach(bench, *plan);
  auto outcome = bench.run(*plan, lockstep ? experiment::Threads::one : experiment::Threads::three);
  control.detach();
  if (!outcome.begun) store.discard();
  if (!outcome.error.message.empty()) return tl::make_unexpected(outcome.error);
  if (const std::int64_t gaps = outcome.result.integrity.gaps; gaps > 0) {
    return fail(ErrorKind::data_gap, fmt::format("{} gaps in the data of {}", gaps, store.path()));
  }
  return std::move(outcome.result);
}

int run(const RunOptions& options) {
  if (!options.rerun.empty()) {
    auto repeated = load_rerun(options);
    if (!repeated) return report(repeated.error());
    return carry_out(repeated->job, repeated->options, nullptr, std::move(repeated->answers));
  }
  if (!options.resume.empty()) {
    if (options.resume.ends_with(".part") && recording::writer_of(options.resume) == recording::Writer::alive) {
      return report({ErrorKind::bad_input,
                     options.resume + " is still being written; wait for its run to end, or stop that one first"});
    }
    RunOptions whole = options;
    whole.resume = recovered_name(options.resume);
    const auto resumed = load_resumed(whole);
    return resumed ? carry_out(resumed->job, resumed->options, &*resumed) : report(resumed.error());
  }
  const auto job = load_job(options);
  return job ? carry_out(*job, options, nullptr) : report(job.error());
}

int demo(RunOptions options) {
  options.built_in = true;
  return run(options);
}

}  // namespace thyrode::program
