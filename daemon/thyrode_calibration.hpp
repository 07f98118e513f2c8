// Calibrations at the command line: which one a run uses, and how it is told.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "daemon/calibration/calibration.hpp"
#include "drivers/device.hpp"
#include "drivers/result.hpp"

namespace CLI {
class App;
}

namespace thyrode::program {

/// Days after which a calibration is said to be old.
inline constexpr double usual_calibration_days = 365.0;

struct CalibrationChoice {
  std::string which;  ///< a file, `none`, `stored`; empty: the stored one, but of `sim:` none
  double most_days = usual_calibration_days;
  /// Of the recording that a run goes on from: its text, or "" where it had none; empty: no such recording.
  std::optional<std::string> recorded{};
};

/// Makes an open device use its calibration, and says on standard error what a user should know: none, old, a channel
/// without.
/// @param channel  label of the one that is stepped
/// @returns its text, to be recorded; empty where none is used
/// Errors: bad_input: damaged, of another instrument, not there.
Result<std::string> use_calibration(const CalibrationChoice& choice, Device& device, const std::string& channel);

/// Lines for people: each converter with its intervals. Empty text: "none".
std::string calibration_text(const calibration::Calibration& calibration);
nlohmann::ordered_json to_json(const calibration::Calibration& calibration);

/// The verb `calibrate`. @param code  where its exit code goes
void add_calibrate(CLI::App& app, int& code);
/// The verb `doctor`.
void add_doctor(CLI::App& app, int& code);

}  // namespace thyrode::program
