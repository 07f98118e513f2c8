// Where calibrations are kept between runs: a folder, one file for each serial number.
#pragma once

#include <optional>
#include <string>

#include "daemon/calibration/calibration.hpp"

namespace thyrode::calibration {

/// The folder: $THYRODE_CALIBRATION if set, else $XDG_CONFIG_HOME/thyrode/calibration, else
/// $HOME/.config/thyrode/calibration; empty where none of them is set.
std::string default_store();

/// SERIAL.yaml in the folder, with what a file name cannot hold written as '_'.
std::string file_of(const std::string& store, const std::string& serial);

/// The calibration of an instrument. @returns nothing where there is none
/// Errors: bad_input: it cannot be read, is damaged, or is of another serial number than its file is named after.
Result<std::optional<Calibration>> find(const std::string& store, const std::string& serial);
/// One from a named file. Errors: as find(); there must be one.
Result<Calibration> read_file(const std::string& path);

/// Keeps the calibration of one channel; those of the other channels stay. The file is replaced as a whole, so that
/// whatever happens meanwhile, the old one or the new one is there.
/// @returns the file
/// Errors: run_failed (the folder cannot be made or written: full, read-only); bad_input (what is there is damaged).
Result<std::string> keep(const std::string& store, const std::string& serial, const std::string& board,
                         const std::string& channel, const ChannelCalibration& calibration);

}  // namespace thyrode::calibration
