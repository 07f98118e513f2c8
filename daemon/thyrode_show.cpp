// show: the result of a recording, as text or as the document.

#include <fmt/core.h>

#include <filesystem>

#include "daemon/experiment/documents.hpp"
#include "daemon/recording/map_file.hpp"
#include "daemon/recording/reader.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_view.hpp"

namespace thyrode::program {

int show(const std::string& path, bool json) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    return report({ErrorKind::bad_input, path + ": is not a file"});
  }
  if (recording::is_map(path)) return show_map(path, json);
  const auto record = recording::read_run(path);
  if (!record) return report(record.error());
  const analysis::RunResult& result = record->result;
  if (json) {
    fmt::print("{}\n", experiment::to_json(result).dump(2));
    return 0;
  }
  fmt::print("{}: {} on {} ({} {}, firmware {}), seed {}, {}\n\n", path, result.experiment, result.device_uri,
             result.device_board, result.device_serial, result.device_firmware, result.seed,
             record->finalised ? "ended: " + record->exit_status : std::string{"not finished"});
  fmt::print("{}\n", table_head());
  for (const analysis::StepResult& step : result.steps) fmt::print("{}\n", table_row(step));
  fmt::print("\n{}", summary(result));
  return 0;
}

}  // namespace thyrode::program
