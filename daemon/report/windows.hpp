// Which pieces of a trace a page carries, when it cannot carry all of it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace thyrode::report {

/// Values [first, first + count) of a step's trace.
struct Window {
  std::int64_t first = 0;
  std::int64_t count = 0;
  bool operator==(const Window&) const = default;
};

/// Shares a total out: nobody gets more than wanted, and those who want more than they get all get the same.
/// @param wants  shape (n), >= 0
/// @returns shares, shape (n), whose sum is at most `total`
std::vector<std::int64_t> fair_shares(std::span<const std::int64_t> wants, std::int64_t total);

/// Chooses what to keep of the trace of a step. All of it if that is no more than `most`. Else a piece around each
/// spike, or around as many, evenly spread, as 60 % of `most` allow; the rest goes into longer pieces of some intervals
/// each, evenly spread. Without spikes the begin.
/// @param values  how long the trace of the step is
/// @param spikes  where its spikes are, rising, shape (n)
/// @param width   of a spike, values
/// @param most    values to keep
/// @returns pieces in order, without overlap; together about `most` values and at most that
std::vector<Window> choose_windows(std::int64_t values, std::span<const std::int64_t> spikes, std::int64_t width,
                                   std::int64_t most);

}  // namespace thyrode::report
