#include "daemon/recording/tail.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "daemon/recording/layout.hpp"
#include "daemon/recording/readback.hpp"
#include "daemon/recording/step_table.hpp"
#include "daemon/recording/table.hpp"

namespace thyrode::recording {
namespace {

constexpr std::int64_t rows_at_once = 65536;

std::size_t width_of(hid_t file, const std::string& data) {
  const h5::Handle set = h5::open_dataset(file, data);
  const h5::Handle space{H5Dget_space(set.get())};
  std::array<hsize_t, 2> shape{0, 1};
  H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  return shape[1];
}

/// Cuts a dataset to its first rows. @returns rows cut off
std::int64_t cut(hid_t file, const std::string& path, std::int64_t rows) {
  const h5::Handle data = h5::open_dataset(file, path);
  const h5::Handle space{H5Dget_space(data.get())};
  std::array<hsize_t, 2> shape{};
  H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  const std::int64_t more = static_cast<std::int64_t>(shape[0]) - rows;
  if (more <= 0) return 0;
  shape[0] = static_cast<hsize_t>(rows);
  h5::expect(H5Dset_extent(data.get(), shape.data()), file, path, "cut");
  return more;
}

/// Rows up to the last one that has a value.
std::int64_t rows_with_data(hid_t file, const std::string& series) {
  const std::string data = series + "/data";
  const std::size_t width = width_of(file, data);
  for (std::int64_t end = row_count(file, data); end > 0;) {
    const std::int64_t first = std::max<std::int64_t>(0, end - rows_at_once);
    const auto values = read_column<float>(file, data, first, end - first, width);
    const auto last = std::find_if(values.rbegin(), values.rend(), [](float value) { return !std::isnan(value); });
    if (last != values.rend()) {
      return first + (static_cast<std::int64_t>(values.rend() - last) - 1) / static_cast<std::int64_t>(width) + 1;
    }
    end = first;
  }
  return 0;
}

/// The first row for which `good` does not hold, given two columns.
std::int64_t first_bad(hid_t file, const std::string& table, const char* one, const char* other, std::int64_t rows,
                       const std::function<bool(std::int64_t, std::int64_t)>& good) {
  const auto a = read_column<std::int64_t>(file, table + "/" + one, 0, rows);
  const auto b = read_column<std::int64_t>(file, table + "/" + other, 0, rows);
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (!good(a[k], b[k])) return static_cast<std::int64_t>(k);
  }
  return rows;
}

std::int64_t cut_table(hid_t file, const std::string& path, std::int64_t rows) {
  std::int64_t most = cut(file, path + "/id", rows);
  for (const std::string& column : read_texts_attribute(file, path, "colnames")) {
    most = std::max(most, cut(file, std::string{path}.append("/").append(column), rows));
  }
  return most;
}

/// A row that never reached the disk reads as zeros: its time does not rise, or what must not be zero is.
std::int64_t whole_rows(hid_t file, const std::string& path, std::int64_t steps) {
  const std::int64_t rows = table_rows(file, path);
  const auto rising = [&](const char* column) { return first_falling(file, path + "/" + column, rows, false); };
  const auto named = [&](const TableSpec& spec) { return path == spec.path; };
  const auto begins = [&](const char* name) { return path.starts_with(std::string{layout::module} + "/" + name); };
  if (begins("spikes_") || named(layout::marks())) return rising("tick");
  if (begins("levels_")) return rising("first_sample");
  if (begins("snippets_")) return rising("spike_tick");
  if (begins("applied_current_")) return first_falling(file, path + "/tick", rows, true);
  if (named(layout::invalid_times())) {
    return first_bad(file, path, "first_sample", "end_sample", rows, std::less<>{});
  }
  if (named(layout::faults())) {
    return first_bad(file, path, "code", "tick", rows, [](std::int64_t code, std::int64_t) { return code > 0; });
  }
  if (named(layout::link_events())) {
    return first_bad(file, path, "count", "tick", rows, [](std::int64_t count, std::int64_t) { return count > 0; });
  }
  if (named(layout::orders()) || named(layout::operator_requests())) {
    return first_bad(file, path, "kind", "id", rows, [](std::int64_t kind, std::int64_t) { return kind > 0; });
  }
  if (named(layout::isi_histograms()) || named(layout::pair_correlations())) {
    return std::min(rising("step"), first_bad(file, path, "step", "id", rows,
                                              [&](std::int64_t step, std::int64_t) { return step < steps; }));
  }
  if (path == step_table({}).path) {
    return first_bad(file, path, "start_tick", "end_tick", rows,
                     [](std::int64_t start, std::int64_t end) { return end > start; });
  }
  return rows;
}

/// Rows of a level series: up to the last level record.
std::int64_t level_rows(hid_t file, const std::string& series, const std::string& label) {
  const std::string table = layout::levels(label).path;
  const std::int64_t rows = table_rows(file, table);
  if (rows == 0) return 0;
  const std::int64_t last = read_column<std::int64_t>(file, table + "/first_sample", rows - 1, 1).front();
  const std::int64_t first = read_scalar<std::int64_t>(file, series + "/first_tick") / ticks_per_sample;
  return (last - first) / read_attribute<std::int64_t>(file, series + "/data", "decimation") + 1;
}

std::int64_t cut_series(hid_t file, const std::string& label) {
  std::int64_t most = 0;
  const auto shorten = [&](const std::string& series, std::int64_t rows) {
    most = std::max(most, cut(file, series + "/data", rows));
  };
  if (h5::exists(file, layout::trace(label))) shorten(layout::trace(label), rows_with_data(file, layout::trace(label)));
  const std::int64_t currents = rows_with_data(file, layout::command(label));
  shorten(layout::command(label), currents);
  shorten(layout::read_back(label), currents);
  for (std::size_t signal = 0; signal < protocol::signal_count; ++signal) {
    const std::string series = layout::level_series(signal, label);
    shorten(series, level_rows(file, series, label));
  }
  return most;
}

void list_holes(hid_t file, std::span<const Hole> holes, std::int64_t channel) {
  const double rate = read_attribute<double>(file, layout::provenance, "sample_rate_hz");
  const auto origin = read_attribute<std::int64_t>(file, layout::provenance, "origin_sample");
  Table table{file, layout::invalid_times()};
  for (const Hole& hole : holes) {
    const auto seconds = [&](std::int64_t at) { return static_cast<double>(at - origin) / rate; };
    table.append(static_cast<std::int64_t>(table.rows()), seconds(hole.first), seconds(hole.end),
                 static_cast<std::uint8_t>(channel), hole.first, hole.end, hole.trace_samples, std::uint8_t{1});
  }
  table.write();
}

/// Holes of several signals, each of which may be missing where another is.
std::vector<Hole> merged(std::vector<Hole> holes) {
  std::sort(holes.begin(), holes.end(), [](const Hole& a, const Hole& b) { return a.first < b.first; });
  std::vector<Hole> whole;
  for (const Hole& hole : holes) {
    if (whole.empty() || hole.first > whole.back().end) {
      whole.push_back(hole);
      continue;
    }
    whole.back().end = std::max(whole.back().end, hole.end);
    whole.back().trace_samples += hole.trace_samples;
  }
  return whole;
}

}  // namespace

std::int64_t first_falling(hid_t file, const std::string& column, std::int64_t rows, bool equal_allowed) {
  std::int64_t before = std::numeric_limits<std::int64_t>::min();
  for (std::int64_t done = 0; done < rows; done += rows_at_once) {
    const std::int64_t count = std::min(rows_at_once, rows - done);
    const auto values = read_column<std::int64_t>(file, column, done, count);
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (equal_allowed ? values[k] < before : values[k] <= before) return done + static_cast<std::int64_t>(k);
      before = values[k];
    }
  }
  return rows;
}

std::vector<RowRange> missing_rows(hid_t file, const std::string& series) {
  std::vector<RowRange> ranges;
  const std::string data = series + "/data";
  const std::size_t width = width_of(file, data);
  const std::int64_t rows = row_count(file, data);
  for (std::int64_t done = 0; done < rows; done += rows_at_once) {
    const std::int64_t count = std::min(rows_at_once, rows - done);
    const auto values = read_column<float>(file, data, done, count, width);
    for (std::int64_t k = 0; k < count; ++k) {
      const auto begin = values.begin() + k * static_cast<std::int64_t>(width);
      const auto end = begin + static_cast<std::int64_t>(width);
      if (!std::all_of(begin, end, [](float value) { return std::isnan(value); })) continue;
      if (ranges.empty() || ranges.back().first + ranges.back().count != done + k) ranges.push_back({done + k, 0});
      ++ranges.back().count;
    }
  }
  return ranges;
}

std::vector<Hole> unlisted_holes(hid_t file, const std::string& label, std::int64_t channel) {
  const std::string table = layout::invalid_times().path;
  const std::int64_t rows = table_rows(file, table);
  const auto column = [&](const char* name) { return read_column<std::int64_t>(file, table + "/" + name, 0, rows); };
  const auto of = rows > 0 ? column("channel") : std::vector<std::int64_t>{};
  const auto first = rows > 0 ? column("first_sample") : of;
  const auto end = rows > 0 ? column("end_sample") : of;
  std::vector<Hole> holes;
  for (const std::string& series : {layout::trace(label), layout::command(label)}) {
    if (!h5::exists(file, series)) continue;
    const std::int64_t stride = read_attribute<std::int64_t>(file, series + "/data", "decimation");
    const std::int64_t origin = read_scalar<std::int64_t>(file, series + "/first_tick") / ticks_per_sample;
    const std::int64_t of_trace = series == layout::trace(label) ? stride : 0;
    for (const RowRange& range : missing_rows(file, series)) {
      // A row is of `stride` samples, and a gap need not begin or end between two rows.
      for (std::int64_t row = range.first; row < range.first + range.count; ++row) {
        const std::int64_t from = origin + row * stride;
        std::int64_t listed = from;
        for (std::size_t k = 0; k < of.size(); ++k) {
          if (of[k] == channel && first[k] < from + stride && end[k] > from) listed = std::max(listed, end[k]);
        }
        if (listed > from) {
          row += std::max<std::int64_t>(1, (listed - from) / stride) - 1;
          continue;
        }
        holes.push_back({from, from + stride, of_trace});
      }
    }
  }
  return merged(std::move(holes));
}

CutRows cut_ragged_end(hid_t file, std::span<const std::string> labels) {
  CutRows sum;
  const std::string steps = step_table({}).path;
  const std::int64_t whole_steps = whole_rows(file, steps, 0);
  for (const std::string& path : layout::growing_tables(labels)) {
    if (!h5::exists(file, path)) continue;
    sum.rows += cut_table(file, path, path == steps ? whole_steps : whole_rows(file, path, whole_steps));
  }
  for (std::size_t k = 0; k < labels.size(); ++k) {
    sum.rows += cut_series(file, labels[k]);
    const auto holes = unlisted_holes(file, labels[k], static_cast<std::int64_t>(k));
    list_holes(file, holes, static_cast<std::int64_t>(k));
    sum.holes += static_cast<std::int64_t>(holes.size());
  }
  return sum;
}

}  // namespace thyrode::recording
