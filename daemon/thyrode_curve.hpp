// f(I) as a picture of characters, for the terminal.
#pragma once

#include <string>

#include "daemon/analysis/result.hpp"

namespace thyrode::program {

/// The rate against the current of the rows of the first row's channel and conditions, with 95 % intervals and the LIF
/// fit of the run. The rate is on a logarithmic axis where it spans a factor of 80 and more; silent steps then stand on
/// the lowest line.
/// @param columns  of the picture, at least 40
/// @returns lines with their ends, 7-bit characters; empty where fewer than two currents have a rate, and for a map,
/// which is a picture of its own
std::string curve_text(const analysis::RunResult& result, int columns = 79);

}  // namespace thyrode::program
