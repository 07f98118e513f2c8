#include "daemon/report/step_detail.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "daemon/recording/reader.hpp"
#include "daemon/report/pack.hpp"
#include "daemon/report/windows.hpp"
#include "protocols/messages.hpp"

namespace thyrode::report {
namespace {

using Json = nlohmann::ordered_json;

/// The messages of a step by kind, in the order of time.
struct Stretch {
  std::vector<protocol::SpikeRecord> spikes;
  std::vector<protocol::LevelRecord> levels;
  std::vector<Gap> gaps;
};

Result<Stretch> read_stretch(const std::string& path, const analysis::StepResult& step) {
  const Channel channel{static_cast<std::uint8_t>(step.channel)};
  const Sample from = to_sample(step.start);
  const auto messages = recording::read_stretch(path, channel, from, to_sample(step.end) + 1);
  if (!messages) return tl::make_unexpected(messages.error());
  Stretch stretch;
  for (const DeviceMessage& message : *messages) {
    if (const auto* block = std::get_if<protocol::SpikeBlock>(&message)) {
      for (const protocol::SpikeRecord& spike : block->records) {
        if (spike.at >= step.start && spike.at < step.end) stretch.spikes.push_back(spike);
      }
    } else if (const auto* level = std::get_if<protocol::LevelRecord>(&message)) {
      if (to_ticks(level->first) < step.end) stretch.levels.push_back(*level);
    } else if (const auto* gap = std::get_if<Gap>(&message)) {
      stretch.gaps.push_back(*gap);
    }
  }
  const auto by_time = [](const auto& a, const auto& b) { return a.at < b.at; };
  const auto by_first = [](const auto& a, const auto& b) { return a.first < b.first; };
  std::stable_sort(stretch.spikes.begin(), stretch.spikes.end(), by_time);
  std::stable_sort(stretch.levels.begin(), stretch.levels.end(), by_first);
  std::stable_sort(stretch.gaps.begin(), stretch.gaps.end(), by_first);
  return stretch;
}

double seconds(std::int64_t ticks, const DeviceInfo& device) {
  return static_cast<double>(ticks) * device.seconds_per_tick();
}

Json gaps_json(const Stretch& stretch, const analysis::StepResult& step, const DeviceInfo& device) {
  Json list = Json::array();
  for (const Gap& gap : stretch.gaps) {
    list.push_back(
        {seconds(to_ticks(gap.first) - step.start, device), seconds(to_ticks(gap.last) - step.start, device)});
  }
  return list;
}

/// The first spikes of a step belong to its settling: its row counts the others.
Json spikes_json(const Stretch& stretch, const analysis::StepResult& step, std::int64_t most) {
  const auto total = static_cast<std::int64_t>(stretch.spikes.size());
  const std::int64_t held = std::min(total, most);
  Packer times;
  Ticks last = step.start;
  for (std::int64_t k = 0; k < held; ++k) {
    const Ticks at = stretch.spikes[static_cast<std::size_t>(k)].at;
    times.put(static_cast<std::uint64_t>(at - last));
    last = at;
  }
  const std::int64_t settling = std::max<std::int64_t>(0, total - step.n_spikes);
  return {{"total", total}, {"settling", settling}, {"held", held}, {"times", times.text()}};
}

/// Whole records joined so that there are at most `most` pieces.
Json levels_json(const Stretch& stretch, const analysis::StepResult& step, const DeviceInfo& device,
                 std::int64_t most) {
  constexpr double every_s = 0.01;  // of the device's level records
  if (stretch.levels.empty() || most <= 0) return nullptr;
  const std::int64_t record = std::max<std::int64_t>(1, std::llround(every_s * device.sample_rate_hz));
  const Sample origin = stretch.levels.front().first;
  const std::int64_t records = (stretch.levels.back().first - origin) / record + 1;
  const std::int64_t joined = (records + most - 1) / most;
  constexpr auto v_out = static_cast<std::size_t>(protocol::Signal::v_out);
  struct Bin {
    std::int64_t low = 0, high = 0;
    bool known = false;
  };
  std::vector<Bin> bins(static_cast<std::size_t>((records + joined - 1) / joined));
  for (const protocol::LevelRecord& level : stretch.levels) {
    const protocol::Level& seen = level.signals[v_out];
    if (seen.count == 0) continue;
    Bin& bin = bins[static_cast<std::size_t>((level.first - origin) / record / joined)];
    bin.low = bin.known ? std::min<std::int64_t>(bin.low, seen.lowest) : seen.lowest;
    bin.high = bin.known ? std::max<std::int64_t>(bin.high, seen.highest) : seen.highest;
    bin.known = true;
  }
  Packer low;
  Packer high;
  for (const Bin& bin : bins) {
    bin.known ? low.put_near(bin.low) : low.put_missing();
    bin.known ? high.put_near(bin.high) : high.put_missing();
  }
  return {{"from_s", seconds(to_ticks(origin) - step.start, device)},
          {"every_s", static_cast<double>(record * joined) / device.sample_rate_hz},
          {"low", low.text()},
          {"high", high.text()}};
}

std::int64_t median_width(const Stretch& stretch) {
  if (stretch.spikes.empty()) return 0;
  std::vector<std::uint32_t> widths;
  for (const protocol::SpikeRecord& spike : stretch.spikes) widths.push_back(spike.width);
  const auto middle = widths.begin() + static_cast<std::ptrdiff_t>(widths.size() / 2);
  std::nth_element(widths.begin(), middle, widths.end());
  return *middle;
}

/// Pieces close to each other are read at once.
Result<void> pack_windows(const recording::TraceReader& trace, const TracePart& part,
                          const std::vector<Window>& windows, Packer& packer) {
  constexpr std::int64_t at_once = 1 << 16;  // values
  std::int64_t end = 0;
  for (std::size_t k = 0; k < windows.size();) {
    std::size_t last = k;
    const std::int64_t from = windows[k].first;
    while (last + 1 < windows.size() && windows[last + 1].first + windows[last + 1].count - from <= at_once) ++last;
    const auto values = trace.code_sums(part.first + from, windows[last].first + windows[last].count - from);
    if (!values) return tl::make_unexpected(values.error());
    for (; k <= last; ++k) {
      const Window& window = windows[k];
      packer.put(static_cast<std::uint64_t>(window.first - end));
      packer.put(static_cast<std::uint64_t>(window.count));
      end = window.first + window.count;
      for (std::int64_t v = window.first - from; v < end - from; ++v) {
        const std::int64_t sum = (*values)[static_cast<std::size_t>(v)];
        sum == recording::TraceReader::missing ? packer.put_missing() : packer.put_near(sum);
      }
    }
  }
  return {};
}

Result<Json> trace_json(const recording::TraceReader* trace, const Stretch& stretch, const analysis::StepResult& step,
                        const DeviceInfo& device, const Share& share) {
  const TracePart part = part_of(trace, step);
  if (trace == nullptr || part.count == 0) return Json(nullptr);
  const Ticks origin{trace->first().count + part.first * trace->ticks_per_value()};
  std::vector<std::int64_t> at;
  const auto held = std::min(static_cast<std::int64_t>(stretch.spikes.size()), share.spikes);
  for (std::int64_t k = 0; k < held; ++k) {
    at.push_back((stretch.spikes[static_cast<std::size_t>(k)].at - origin) / trace->ticks_per_value());
  }
  const std::int64_t width = median_width(stretch) / trace->ticks_per_value() + 1;
  const auto windows = choose_windows(part.count, at, width, share.trace_values);
  Packer packer;
  if (auto packed = pack_windows(*trace, part, windows, packer); !packed) return tl::make_unexpected(packed.error());
  std::int64_t kept = 0;
  for (const Window& window : windows) kept += window.count;
  // A value is the mean of its samples: it stands at the middle of them.
  const double ticks_per_sample_of_value =
      static_cast<double>(trace->ticks_per_value()) / static_cast<double>(trace->decimation());
  const double middle = 0.5 * (static_cast<double>(trace->ticks_per_value()) - ticks_per_sample_of_value);
  return Json{{"from_s", (static_cast<double>(origin - step.start) + middle) * device.seconds_per_tick()},
              {"every_s", static_cast<double>(trace->ticks_per_value()) * device.seconds_per_tick()},
              {"values", part.count},
              {"kept", kept},
              {"packed", packer.text()}};
}

Result<Json> isi_json(const std::string& path, std::int64_t row) {
  const auto counts = recording::read_isi_counts(path, row);
  if (!counts) return tl::make_unexpected(counts.error());
  if (counts->empty()) return Json(nullptr);
  Json list = Json::array();
  for (std::size_t k = 0; k < counts->size(); ++k) {
    if ((*counts)[k] == 0) continue;
    list.push_back(k);
    list.push_back((*counts)[k]);
  }
  return list;
}

Result<Json> pairs_json(const std::string& path, std::int64_t row, const DeviceInfo& device) {
  const auto found = recording::read_pair_correlation(path, row);
  if (!found) return tl::make_unexpected(found.error());
  if (!*found || (*found)->bin <= 0 || (*found)->spikes <= 0) return Json(nullptr);
  const analysis::PairCorrelation& pairs = **found;
  const auto band = pairs.band(false);
  const auto all = pairs.band(true);
  const auto featureless = pairs.featureless();
  return Json{{"bin_s", static_cast<double>(pairs.bin) * device.seconds_per_tick()},
              {"spikes", pairs.spikes},
              {"counts", pairs.counts},
              {"poisson_level", pairs.level()},
              {"poisson_band95", {band.low, band.high}},
              {"poisson_band95_all_bins", {all.low, all.high}},
              {"featureless", featureless ? Json(*featureless) : Json(nullptr)},
              {"window_clipped", pairs.clipped}};
}

}  // namespace

TracePart part_of(const recording::TraceReader* trace, const analysis::StepResult& step) {
  if (trace == nullptr) return {};
  const std::int64_t every = trace->ticks_per_value();
  const auto value_at = [&](Ticks at) {
    return std::clamp<std::int64_t>((at - trace->first()) / every, 0, trace->total());
  };
  const std::int64_t first = value_at(step.start);
  return {first, value_at(step.end) - first};
}

Result<Json> step_detail(const std::string& path, std::int64_t row, const analysis::StepResult& step,
                         const DeviceInfo& device, const recording::TraceReader* trace, const Share& share) {
  const auto stretch = read_stretch(path, step);
  if (!stretch) return tl::make_unexpected(stretch.error());
  auto isi = isi_json(path, row);
  if (!isi) return isi;
  auto pairs = pairs_json(path, row, device);
  if (!pairs) return pairs;
  auto pieces = trace_json(trace, *stretch, step, device, share);
  if (!pieces) return pieces;
  Json detail;
  detail["gaps"] = gaps_json(*stretch, step, device);
  detail["spikes"] = spikes_json(*stretch, step, share.spikes);
  detail["isi"] = std::move(*isi);
  detail["pairs"] = std::move(*pairs);
  detail["levels"] = levels_json(*stretch, step, device, share.level_bins);
  detail["trace"] = std::move(*pieces);
  return detail;
}

}  // namespace thyrode::report
