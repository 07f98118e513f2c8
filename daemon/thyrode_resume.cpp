#include "daemon/thyrode_resume.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "daemon/recording/run_files.hpp"

namespace thyrode::program {
namespace {

namespace fs = std::filesystem;

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && std::string_view{text}.substr(text.size() - end.size()) == end;
}

/// NAME of NAME.nwb.part or NAME.nwb.
std::string stem_of(std::string path) {
  for (const std::string_view end : {".part", ".nwb"}) {
    if (ends_with(path, end)) path.resize(path.size() - end.size());
  }
  return path;
}

/// The file that holds the histogram of a step: one of this run that its data are in, or the first one, which has those
/// of what an earlier run measured.
std::string file_of(const analysis::StepResult& step, const std::vector<recording::RunFile>& files,
                    const std::string& path) {
  if (step.resumed_from.empty()) return path;
  const auto its = std::find_if(files.begin(), files.end(), [&](const recording::RunFile& file) {
    return fs::path{file.path}.filename().string() == step.resumed_from;
  });
  return (its == files.end() ? files.front() : *its).path;
}

Result<void> take_rows(ResumedRun& resumed) {
  const std::string& path = resumed.options.resume;
  auto rows = measured_rows(path, resumed.record, fs::path{path}.filename().string());
  if (!rows) return tl::make_unexpected(rows.error());
  resumed.before = *std::move(rows);
  for (const experiment::MeasuredBefore& measured : resumed.before) {
    const std::string& source = measured.row.resumed_from;
    if (std::find(resumed.sources.begin(), resumed.sources.end(), source) == resumed.sources.end()) {
      resumed.sources.push_back(source);
    }
  }
  return {};
}

}  // namespace

Result<std::vector<experiment::MeasuredBefore>> measured_rows(const std::string& path,
                                                              const recording::RunRecord& record,
                                                              const std::string& name) {
  const auto files = recording::files_of_run(path);
  if (!files) return tl::make_unexpected(files.error());
  std::vector<experiment::MeasuredBefore> rows;
  const auto& steps = record.result.steps;
  for (std::size_t k = 0; k < steps.size(); ++k) {
    if (steps[k].status == analysis::StepStatus::interrupted) continue;
    auto counts = recording::read_isi_counts(file_of(steps[k], *files, path), static_cast<std::int64_t>(k));
    if (!counts) return tl::make_unexpected(counts.error());
    rows.push_back({steps[k], std::move(*counts)});
    if (rows.back().row.resumed_from.empty()) rows.back().row.resumed_from = name;
  }
  return rows;
}

std::string next_name(const std::string& path) {
  const std::string stem = stem_of(path);
  for (int k = 2;; ++k) {
    const std::string name = fmt::format("{}-{}", stem, k);
    std::error_code ignored;
    const auto there = [&](const char* end) { return fs::exists(name + end, ignored); };
    if (!there(".nwb") && !there(".nwb.part") && !there(".truth.csv")) return name + ".nwb";
  }
}

Result<ResumedRun> load_resumed(const RunOptions& options) {
  auto record = recording::read_run(options.resume);
  if (!record) return tl::make_unexpected(record.error());
  if (!record->next_file.empty()) {
    const auto files = recording::files_of_run(options.resume);
    const bool found = files && files->size() > 1;
    return fail(ErrorKind::bad_input,
                fmt::format("{}: the run went on in {}; go on from its last file, {}", options.resume,
                            record->next_file, found ? files->back().path : "which is not in this folder"));
  }
  if (record->finalised && record->exit_status == "success") {
    return fail(ErrorKind::bad_input,
                fmt::format("{}: this run was carried out whole, {} steps; nothing is left to go on with",
                            options.resume, record->result.steps.size()));
  }
  auto job = recorded_job(*record, options.resume, options.device);
  if (!job) return tl::make_unexpected(job.error());
  ResumedRun resumed{std::move(*job), options, {}, {}, std::move(*record)};
  if (!resumed.options.seed && resumed.job.uri.starts_with("sim:")) resumed.options.seed = resumed.record.result.seed;
  resumed.options.recorded_calibration = resumed.record.calibration_yaml;
  if (resumed.options.out.empty()) {
    const auto files = recording::files_of_run(options.resume);
    resumed.options.out = next_name(files ? files->front().path : options.resume);
  }
  if (auto taken = take_rows(resumed); !taken) return tl::make_unexpected(taken.error());
  return resumed;
}

Result<void> check_same_device(const recording::RunRecord& record, const DeviceInfo& device) {
  std::vector<std::string> labels;
  for (const ChannelDescription& channel : device.channels) labels.push_back(channel.label);
  const auto& was = record.result;
  const auto text = [](double rate) { return fmt::format("{:.6g}", rate); };
  struct Trait {
    const char* name;
    std::string then, now;
  };
  // Two neurons inside this program have the same instrument; their names tell them apart.
  const bool emulated = was.device_uri.starts_with("sim:") && device.uri.starts_with("sim:");
  for (const auto& [name, then, now] :
       {Trait{"neuron", emulated ? was.device_uri : "", emulated ? device.uri : ""},
        Trait{"board", was.device_board, device.board}, Trait{"firmware", was.device_firmware, device.firmware},
        Trait{"serial number", was.device_serial, device.serial},
        Trait{"sampling rate, Hz", text(record.sample_rate_hz), text(device.sample_rate_hz)},
        Trait{"channels", fmt::format("{}", fmt::join(record.channels, ", ")),
              fmt::format("{}", fmt::join(labels, ", "))}}) {
    if (then == now) continue;
    return fail(ErrorKind::bad_input,
                fmt::format("the instrument at {} is not the one of the recording: {} {} then, {} now; connect that "
                            "one (--device), or begin a new run",
                            device.uri, name, then, now));
  }
  return {};
}

}  // namespace thyrode::program
