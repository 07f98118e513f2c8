// What the steps say, as tables that need no arithmetic to be read. Private to this room.
#pragma once

#include <cstdint>

#include "daemon/analysis/pair_correlation.hpp"
#include "daemon/analysis/result.hpp"
#include "daemon/recording/builder.hpp"

namespace thyrode::recording {

/// A row of the table of pairs, g_n of a step: counts and border of shape (200). Throws Failure.
analysis::PairCorrelation read_pairs(hid_t file, std::int64_t row);

/// Writes, each where it has rows, replacing what is there: g_n (of every step that has pair correlations, with its
/// Poisson limits), bursts (of every step that bursts), beta_n (of every step that has a value or tells why not),
/// direct_beta (of plan beta_n).
void write_result_tables(Builder& builder, const analysis::RunResult& result);

}  // namespace thyrode::recording
