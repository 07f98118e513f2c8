#include "daemon/report/windows.hpp"

#include <algorithm>
#include <numeric>

namespace thyrode::report {
namespace {

constexpr std::int64_t silent_values = 2000;  // of a step without spikes: what rest looks like
constexpr std::int64_t joined_below = 16;     // values between two pieces that are kept too

/// `count` of the spikes, evenly spread, the first and the last among them.
std::vector<std::int64_t> spread(std::span<const std::int64_t> spikes, std::int64_t count) {
  const auto size = static_cast<std::int64_t>(spikes.size());
  count = std::min(count, size);
  std::vector<std::int64_t> chosen;
  for (std::int64_t k = 0; k < count; ++k) {
    const std::int64_t at = count > 1 ? k * (size - 1) / (count - 1) : 0;
    chosen.push_back(spikes[static_cast<std::size_t>(at)]);
  }
  return chosen;
}

void add(std::vector<Window>& windows, std::int64_t begin, std::int64_t end, std::int64_t values) {
  begin = std::clamp<std::int64_t>(begin, 0, values);
  end = std::clamp<std::int64_t>(end, 0, values);
  if (end > begin) windows.push_back({begin, end - begin});
}

std::vector<Window> joined(std::vector<Window> windows) {
  std::sort(windows.begin(), windows.end(), [](const Window& a, const Window& b) { return a.first < b.first; });
  std::vector<Window> all;
  for (const Window& next : windows) {
    if (!all.empty() && next.first < all.back().first + all.back().count + joined_below) {
      all.back().count = std::max(all.back().count, next.first + next.count - all.back().first);
    } else {
      all.push_back(next);
    }
  }
  return all;
}

/// Cuts the last pieces off until no more than `most` values are left.
void limit(std::vector<Window>& windows, std::int64_t most) {
  std::int64_t left = most;
  for (Window& window : windows) {
    window.count = std::min(window.count, left);
    left -= window.count;
  }
  std::erase_if(windows, [](const Window& window) { return window.count == 0; });
}

}  // namespace

std::vector<std::int64_t> fair_shares(std::span<const std::int64_t> wants, std::int64_t total) {
  std::vector<std::size_t> order(wants.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return wants[a] < wants[b]; });
  std::vector<std::int64_t> shares(wants.size(), 0);
  auto others = static_cast<std::int64_t>(wants.size());
  for (const std::size_t k : order) {
    shares[k] = std::min(wants[k], total / others);
    total -= shares[k];
    --others;
  }
  return shares;
}

std::vector<Window> choose_windows(std::int64_t values, std::span<const std::int64_t> spikes, std::int64_t width,
                                   std::int64_t most) {
  if (values <= 0 || most <= 0) return {};
  if (values <= most) return {{0, values}};
  if (spikes.empty()) return {{0, std::min({values, most, silent_values})}};
  const std::int64_t before = std::max<std::int64_t>(8, 2 * width);
  const std::int64_t after = std::max<std::int64_t>(16, 4 * width);
  const std::int64_t core = before + after;
  std::vector<Window> windows;
  const auto cores = spread(spikes, std::max<std::int64_t>(1, 6 * most / (10 * core)));
  for (const std::int64_t at : cores) add(windows, at - before, at + after, values);
  // A piece that begins early shows how a spike comes about.
  const std::int64_t left = most - static_cast<std::int64_t>(cores.size()) * (core + joined_below);
  const std::int64_t interval = values / static_cast<std::int64_t>(spikes.size());
  const std::int64_t length = std::clamp(4 * interval, 2 * core, std::max(2 * core, left / 4));
  for (const std::int64_t at : spread(spikes, left / length)) {
    add(windows, at - length / 2, at + length - length / 2, values);
  }
  windows = joined(std::move(windows));
  limit(windows, most);
  return windows;
}

}  // namespace thyrode::report
