// Everything that is said of one spike train, as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "daemon/analysis/train_statistics.hpp"

namespace thyrode::experiment {

/// The statistics of a train: counts and rates, intervals (`cv`, `cv2`, `lv`, `lvr_R0.5ms`, `isi_serial_corr_1`,
/// `isi_quantiles_lower_s`), `autocorr`, `isi_phase_order_R1`, `structure_factor_seg64`, `batch_means`, `burst` (null
/// without a threshold) and `vacancy` (null without intervals). Undefined values are null. Keys are never changed, only
/// added.
/// @param seconds_per_tick  that of the train
/// @param until  end of the observation, ticks
nlohmann::ordered_json train_json(const analysis::TrainStatistics& train, double seconds_per_tick, Ticks until);

}  // namespace thyrode::experiment
