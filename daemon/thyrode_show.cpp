// show: the result of a recording, as text or as the document.

#include <fmt/core.h>

#include <filesystem>

#include "daemon/experiment/documents.hpp"
#include "daemon/recording/map_file.hpp"
#include "daemon/recording/reader.hpp"
#include "daemon/thyrode_calibration.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_curve.hpp"
#include "daemon/thyrode_record.hpp"
#include "daemon/thyrode_summary.hpp"

namespace thyrode::program {
namespace {

double seconds(const recording::RunRecord& record, std::int64_t ticks) {
  return static_cast<double>(ticks) / (record.sample_rate_hz * ticks_per_sample);
}

nlohmann::ordered_json running_json(const recording::RunRecord& record) {
  const recording::RunningStretch& running = *record.running;
  nlohmann::ordered_json frequency = nullptr;
  if (running.frequency_hz) frequency = *running.frequency_hz;
  return {{"channel", running.channel},       {"current_ua", running.current_ua},
          {"start_tick", running.from.count}, {"duration_s", seconds(record, running.until - running.from)},
          {"n_spikes", running.n_spikes},     {"frequency_hz", frequency}};
}

/// What an unfinished run was doing at its last flush.
std::string running_text(const recording::RunRecord& record) {
  const recording::RunningStretch& running = *record.running;
  return fmt::format("under way      {:.3f} uA on {} for {:.2f} s: {} spikes{}, until {:.2f} s\n", running.current_ua,
                     running.channel, seconds(record, running.until - running.from), running.n_spikes,
                     running.frequency_hz ? fmt::format(", {:.3f} Hz", *running.frequency_hz) : std::string{},
                     seconds(record, running.until.count));
}

}  // namespace

int show(const std::string& path, bool json) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    return report({ErrorKind::bad_input, path + ": is not a file"});
  }
  if (recording::is_map(path)) return show_map(path, json);
  const auto record = read_completed_run(path);
  if (!record) return report(record.error());
  const analysis::RunResult& result = record->result;
  std::optional<calibration::Calibration> calibrated;
  if (!record->calibration_yaml.empty()) {
    auto parsed = calibration::parse_calibration(record->calibration_yaml, path + ": calibration");
    if (!parsed) return report(parsed.error());
    calibrated = *std::move(parsed);
  }
  if (json) {
    auto document = experiment::to_json(result);
    if (calibrated) document["calibration"] = to_json(*calibrated);
    if (record->running) document["running"] = running_json(*record);
    fmt::print("{}\n", document.dump(2));
    return 0;
  }
  fmt::print("{}: {} on {} ({} {}, firmware {}), seed {}, {}\n\n", path, result.experiment, result.device_uri,
             result.device_board, result.device_serial, result.device_firmware, result.seed,
             record->finalised ? "ended: " + record->exit_status : std::string{"not finished"});
  if (const std::string files = files_text(path); !files.empty()) fmt::print("{}\n\n", files);
  if (calibrated) fmt::print("{}\n", calibration_text(*calibrated));
  fmt::print("{}\n", table_head());
  StepTable table;
  for (const analysis::StepResult& step : result.steps) fmt::print("{}\n", table.row(step));
  if (const std::string curve = curve_text(result); !curve.empty()) fmt::print("\n{}", curve);
  fmt::print("\n{}{}", record->running ? running_text(*record) : std::string{}, summary(result));
  return 0;
}

}  // namespace thyrode::program
