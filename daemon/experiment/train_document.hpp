// Everything that is said of one spike train, as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "daemon/analysis/step_result.hpp"
#include "daemon/analysis/train_statistics.hpp"

namespace thyrode::experiment {

/// The statistics of a train: counts and rates, intervals (`cv`, `cv2`, `lv`, `lvr_R0.5ms`, `isi_serial_corr_1`,
/// `isi_quantiles_lower_s`), `autocorr`, `isi_phase_order_R1`, `structure_factor_seg64`, `batch_means`, `burst` (null
/// without a threshold) and `vacancy` (null without intervals; its counts are null and `not_counted` says why where
/// there is no regular train, see counted_vacancies). Undefined values are null. Keys are never changed, only added.
/// @param seconds_per_tick  that of the train
/// @param until  end of the observation, ticks
/// @param label  what the train is called
nlohmann::ordered_json train_json(const analysis::TrainStatistics& train, double seconds_per_tick, Ticks until,
                                  analysis::Label label);

}  // namespace thyrode::experiment
