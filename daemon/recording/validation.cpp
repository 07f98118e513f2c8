#include "daemon/recording/validation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>

#include "daemon/recording/file_access.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/readback.hpp"
#include "daemon/recording/reader.hpp"
#include "daemon/recording/step_table.hpp"
#include "daemon/recording/streams.hpp"
#include "daemon/recording/tail.hpp"

namespace thyrode::recording {
namespace {

constexpr std::int64_t rows_at_once = 65536;
constexpr int most_findings = 20;

/// Path of the object that an attribute refers to.
std::string target_of(hid_t file, const std::string& path, const char* name) {
  const h5::Handle attribute =
      h5::own(H5Aopen_by_name(file, path.c_str(), name, H5P_DEFAULT, H5P_DEFAULT), file, path + "@" + name, "open");
  hobj_ref_t reference = 0;
  h5::expect(H5Aread(attribute.get(), H5T_STD_REF_OBJ, &reference), file, path + "@" + name, "read");
  std::array<char, 1024> text{};
  const ssize_t length = H5Rget_name(file, H5R_OBJECT, &reference, text.data(), text.size());
  return length > 0 ? std::string{text.data()} : std::string{};
}

bool has_attribute(hid_t file, const std::string& path, const char* name) {
  return H5Aexists_by_name(file, path.c_str(), name, H5P_DEFAULT) > 0;
}

std::string type_name(hid_t file, const std::string& path) {
  return has_attribute(file, path, "neurodata_type") ? read_text_attribute(file, path, "neurodata_type")
                                                     : std::string{};
}

/// Every group of the file that is a table: it has an attribute `colnames`.
std::vector<std::string> tables_of(hid_t file) {
  std::vector<std::string> tables;
  const auto visit = [](hid_t object, const char* name, const H5O_info_t* info, void* list) -> herr_t {
    const std::string path = std::string{"/"} + name;
    if (info->type == H5O_TYPE_GROUP && has_attribute(object, path, "colnames")) {
      static_cast<std::vector<std::string>*>(list)->push_back(path);
    }
    return 0;
  };
  // An object that cannot be opened ends the walk: what comes after it was not seen.
  h5::expect(H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, visit, &tables, H5O_INFO_BASIC), file, "/", "list");
  return tables;
}

struct StoredRange {
  std::int32_t first;
  std::int32_t count;
  hobj_ref_t series;
};

class Validation {
 public:
  Validation(hid_t file, const RunRecord& record) : file_{file}, record_{record} {}

  std::vector<Finding> run() {
    for (const std::string& table : tables_of(file_)) check_table(table);
    for (std::size_t k = 0; k < record_.channels.size(); ++k) {
      check_times(record_.channels[k]);
      check_series(record_.channels[k]);
      check_holes(record_.channels[k], static_cast<std::int64_t>(k));
      check_counts(static_cast<int>(k));
    }
    if (h5::exists(file_, layout::marks().path)) check_rising(layout::marks().path, "tick", false);
    check_gaps();
    check_steps();
    if (record_.finalised) check_finished();
    return std::move(findings_);
  }

 private:
  void find(const std::string& where, std::string what) {
    if (++count_[where] <= most_findings) findings_.push_back({where, std::move(what)});
  }

  // ---------------------------------------------------------------- tables

  void check_table(const std::string& table) {
    const std::int64_t rows = row_count(file_, table + "/id");
    if (!h5::exists(file_, table + "/id")) find(table, "has no id");
    for (const std::string& name : read_texts_attribute(file_, table, "colnames")) {
      const std::string column = std::string{table}.append("/").append(name);
      if (!h5::exists(file_, column)) {
        find(column, "is named in colnames and not there");
        continue;
      }
      const bool indexed = h5::exists(file_, column + "_index");
      const std::int64_t own = row_count(file_, indexed ? column + "_index" : column);
      if (own != rows) find(column, fmt::format("has {} rows, its table has {}", own, rows));
      if (indexed) check_index(column);
      const std::string type = type_name(file_, column);
      if (type == "DynamicTableRegion") check_region(column);
      if (type == "TimeSeriesReferenceVectorData") check_ranges(column);
    }
  }

  void check_index(const std::string& column) {
    const std::string index = column + "_index";
    const auto ends = read_column<std::int64_t>(file_, index, 0, row_count(file_, index));
    const std::int64_t last = ends.empty() ? 0 : ends.back();
    if (!std::is_sorted(ends.begin(), ends.end()) || (!ends.empty() && ends.front() < 0)) find(index, "does not rise");
    if (const std::int64_t rows = row_count(file_, column); last != rows) {
      find(index, fmt::format("ends at {}, its target has {} values", last, rows));
    }
    if (target_of(file_, index, "target") != column) find(index, "its target is not the column of its name");
  }

  void check_region(const std::string& column) {
    const std::string table = target_of(file_, column, "table");
    const std::int64_t rows = row_count(file_, table + "/id");
    const auto values = read_column<std::int64_t>(file_, column, 0, row_count(file_, column));
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (values[k] >= 0 && values[k] < rows) continue;
      find(column, fmt::format("row {} points to row {} of {}, which has {}", k, values[k], table, rows));
    }
  }

  void check_ranges(const std::string& column) {
    const std::int64_t count = row_count(file_, column);
    std::vector<StoredRange> ranges(static_cast<std::size_t>(count));
    const h5::Handle type{H5Tcreate(H5T_COMPOUND, sizeof(StoredRange))};
    H5Tinsert(type.get(), "idx_start", HOFFSET(StoredRange, first), H5T_NATIVE_INT32);
    H5Tinsert(type.get(), "count", HOFFSET(StoredRange, count), H5T_NATIVE_INT32);
    H5Tinsert(type.get(), "timeseries", HOFFSET(StoredRange, series), H5T_STD_REF_OBJ);
    if (count > 0) read_rows(file_, column, 0, count, 1, type.get(), ranges.data());
    for (std::size_t k = 0; k < ranges.size(); ++k) {
      const StoredRange& range = ranges[k];
      if (range.first == -1 && range.count == -1) continue;  // NWB's mark of a missing range
      std::array<char, 1024> name{};
      H5Rget_name(file_, H5R_OBJECT, &range.series, name.data(), name.size());
      const std::int64_t rows = row_count(file_, std::string{name.data()} + "/data");
      if (range.first >= 0 && range.count > 0 && std::int64_t{range.first} + range.count <= rows) continue;
      find(column, fmt::format("row {}: {} values from {} on of {}, which has {}", k, range.count, range.first,
                               name.data(), rows));
    }
  }

  // ---------------------------------------------------------------- times

  void check_rising(const std::string& table, const char* column, bool equal_allowed) {
    const std::string path = table + "/" + column;
    const std::int64_t rows = row_count(file_, path);
    const std::int64_t row = first_falling(file_, path, rows, equal_allowed);
    if (row < rows) find(path, fmt::format("row {} does not come after row {}", row, row - 1));
  }

  void check_times(const std::string& label) {
    for (const auto& [table, column, equal_allowed] :
         {std::tuple{layout::spikes(label).path, "tick", false}, std::tuple{layout::spikes(label).path, "id", false},
          std::tuple{layout::levels(label).path, "first_sample", false},
          std::tuple{layout::applied_current(label).path, "tick", true},
          std::tuple{layout::snippets(label, 1).path, "spike_tick", false}}) {
      if (h5::exists(file_, table)) check_rising(table, column, equal_allowed);
    }
  }

  // ---------------------------------------------------------------- signals

  void check_series(const std::string& label) {
    check_codes(layout::trace(label), 1e3, 1.0);
    check_codes(layout::command(label), 1e6, 1.0);
    const std::string read = layout::read_back(label);
    if (!h5::exists(file_, read)) return;
    check_codes(read, 1e6,
                static_cast<double>(read_attribute<std::int64_t>(file_, read + "/data", "samples_per_conversion")));
  }

  /// Every value is what its code gives, bit for bit. @param every  samples a conversion
  void check_codes(const std::string& series, double units_per_si, double every) {
    if (!h5::exists(file_, series)) return;
    const std::string data = series + "/data";
    const auto attribute = [&](const char* name) { return read_attribute<double>(file_, data, name); };
    const double scale = attribute("adc_scale");
    const double zero = attribute("adc_zero");
    if (const double conversion = attribute("conversion"); std::abs(conversion * units_per_si - 1.0) > 1e-12) {
      find(data, fmt::format("conversion {:g} is not that of its unit", conversion));
    }
    const double count =
        std::max(1.0, static_cast<double>(read_attribute<std::int64_t>(file_, data, "decimation")) / every);
    const Affine rule = affine(Scale{scale, zero}, units_per_si, count);
    const std::int64_t rows = row_count(file_, data);
    for (std::int64_t done = 0; done < rows; done += rows_at_once) {
      const auto values = read_column<float>(file_, data, done, std::min(rows_at_once, rows - done));
      for (std::size_t k = 0; k < values.size(); ++k) {
        if (std::isnan(values[k])) continue;
        const double sum = std::round((static_cast<double>(values[k]) / units_per_si / scale + zero) * count);
        const float again = rule(sum);
        if (again == values[k]) continue;
        find(data, fmt::format("row {}: {} is not the value of a whole number of codes, the nearest is {}",
                               done + static_cast<std::int64_t>(k), values[k], again));
        if (count_[data] > most_findings) return;
      }
    }
  }

  void check_holes(const std::string& label, std::int64_t channel) {
    for (const Hole& hole : unlisted_holes(file_, label, channel)) {
      find(layout::invalid_times().path, fmt::format("channel {}: nothing was recorded of samples {} to {}, and no row "
                                                     "tells of it",
                                                     label, hole.first, hole.end));
    }
  }

  void check_gaps() {
    const std::string table = layout::invalid_times().path;
    if (!h5::exists(file_, table)) return;
    const std::int64_t rows = table_rows(file_, table);
    const auto column = [&](const char* name) { return read_column<std::int64_t>(file_, table + "/" + name, 0, rows); };
    const auto channel = column("channel");
    const auto first = column("first_sample");
    const auto end = column("end_sample");
    const auto trace = column("trace_samples");
    for (std::size_t k = 0; k < first.size(); ++k) {
      const bool known = channel[k] < static_cast<std::int64_t>(record_.channels.size());
      if (known && end[k] > first[k] && trace[k] >= 0 && trace[k] <= end[k] - first[k]) continue;
      find(table, fmt::format("row {}: {} samples missing of {} to {} of channel {}", k, trace[k], first[k], end[k],
                              channel[k]));
    }
  }

  // ---------------------------------------------------------------- results

  /// Spikes of the file in [from, until).
  std::int64_t spikes_within(const std::string& label, std::int64_t from, std::int64_t until) const {
    const std::string ticks = layout::spikes(label).path + "/tick";
    const std::int64_t rows = row_count(file_, ticks);
    return rows == 0 ? 0 : lower_row(file_, ticks, rows, until) - lower_row(file_, ticks, rows, from);
  }

  void check_counts(int channel) {
    const std::string& label = record_.channels[static_cast<std::size_t>(channel)];
    for (const analysis::StepResult& step : record_.result.steps) {
      if (step.channel != channel || !step.resumed_from.empty()) continue;
      const std::int64_t most = spikes_within(label, step.start.count, step.end.count);
      if (step.n_spikes <= most) continue;
      find(step_table({}).path,
           fmt::format("step {}: {} spikes are counted, the file has {} in its time", step.index, step.n_spikes, most));
    }
  }

  void check_steps() {
    const std::string path = step_table({}).path;
    const auto& steps = record_.result.steps;
    for (const analysis::StepResult& step : steps) {
      const bool channel = step.channel >= 0 && step.channel < static_cast<int>(record_.channels.size());
      if (!channel) find(path, fmt::format("step {}: there is no channel {}", step.index, step.channel));
      if (step.end <= step.start) find(path, fmt::format("step {}: ends before it begins", step.index));
      for (const analysis::Estimate* estimate : {&step.frequency_hz, &step.spike_rate_hz, &step.beta_n_per_ua}) {
        const bool low = !estimate->value || !estimate->low || *estimate->low <= *estimate->value;
        const bool high = !estimate->value || !estimate->high || *estimate->value <= *estimate->high;
        if (!low || !high) find(path, fmt::format("step {}: a value lies outside its interval", step.index));
      }
      for (const auto& [name, share] : step.label_fractions) {
        if (share < 0.0 || share > 1.0) find(path, fmt::format("step {}: share {} of {}", step.index, share, name));
      }
    }
    check_histograms();
  }

  /// A step's histogram holds intervals between spikes that were counted.
  void check_histograms() {
    const std::string table = layout::isi_histograms().path;
    if (!h5::exists(file_, table)) return;
    const std::int64_t rows = table_rows(file_, table);
    const auto steps = read_column<std::int64_t>(file_, table + "/step", 0, rows);
    const std::int64_t all = static_cast<std::int64_t>(record_.result.steps.size());
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::int64_t step = steps[static_cast<std::size_t>(row)];
      if (step < 0 || step >= all) continue;  // told by check_region()
      const auto counts = read_column<std::uint32_t>(file_, table + "/counts", row, 1, layout::isi_buckets);
      std::int64_t sum = 0;
      for (const std::uint32_t count : counts) sum += count;
      const std::int64_t spikes = record_.result.steps[static_cast<std::size_t>(step)].n_spikes;
      if (sum > std::max<std::int64_t>(0, spikes - 1)) {
        find(table, fmt::format("row {}: {} intervals between {} spikes", row, sum, spikes));
      }
    }
  }

  // ---------------------------------------------------------------- finished files

  void check_finished() {
    const auto rate = read_attribute<double>(file_, layout::provenance, "sample_rate_hz");
    const auto origin = read_attribute<std::int64_t>(file_, layout::provenance, "origin_sample") * ticks_per_sample;
    const auto seconds = [&](std::int64_t tick) {
      return static_cast<double>(tick - origin) / (rate * static_cast<double>(ticks_per_sample));
    };
    std::int64_t own = 0;
    for (const analysis::StepResult& step : record_.result.steps) own += step.resumed_from.empty() ? 1 : 0;
    if (const std::int64_t sweeps = row_count(file_, "/intervals/sweeps/id"); sweeps != own) {
      find("/intervals/sweeps", fmt::format("has {} rows, {} steps were measured", sweeps, own));
    }
    std::int64_t unit = 0;
    std::int64_t done = 0;
    for (const std::string& label : record_.channels) {
      const std::string ticks = layout::spikes(label).path + "/tick";
      const std::int64_t rows = row_count(file_, ticks);
      if (rows == 0) continue;
      check_unit(ticks, rows, unit++, done, seconds);
    }
    if (const std::int64_t units = row_count(file_, "/units/id"); units != unit) {
      find("/units", fmt::format("has {} trains, {} channels have spikes", units, unit));
    }
  }

  template <class Seconds>
  void check_unit(const std::string& ticks, std::int64_t rows, std::int64_t unit, std::int64_t& done,
                  const Seconds& seconds) {
    const std::string times = "/units/spike_times";
    if (row_count(file_, times) < done + rows || row_count(file_, times + "_index") <= unit) {
      find(times, fmt::format("train {} is not there whole", unit));
      return;
    }
    for (std::int64_t k = 0; k < rows; k += rows_at_once) {
      const std::int64_t n = std::min(rows_at_once, rows - k);
      const auto of_device = read_column<std::int64_t>(file_, ticks, k, n);
      const auto of_unit = read_column<double>(file_, times, done + k, n);
      for (std::size_t j = 0; j < of_unit.size(); ++j) {
        if (std::abs(of_unit[j] - seconds(of_device[j])) <= 1e-9) continue;
        find(times, fmt::format("train {}: spike {} at {} s, the device says {} s", unit,
                                k + static_cast<std::int64_t>(j), of_unit[j], seconds(of_device[j])));
      }
    }
    done += rows;
    const std::int64_t end = read_column<std::int64_t>(file_, times + "_index", unit, 1).front();
    if (end != done) find(times + "_index", fmt::format("train {} ends at {}, not at {}", unit, end, done));
  }

  hid_t file_;
  const RunRecord& record_;
  std::vector<Finding> findings_;
  std::map<std::string, int> count_;
};

}  // namespace

Result<std::vector<Finding>> validate(const std::string& path) {
  const auto record = read_run(path);
  if (!record) return tl::make_unexpected(record.error());
  auto findings = guarded([&] {
    const h5::Handle file = open_for_reading(path);
    return Validation{file.get(), *record}.run();
  });
  if (!findings) findings.error().kind = ErrorKind::bad_input;
  return findings;
}

}  // namespace thyrode::recording
