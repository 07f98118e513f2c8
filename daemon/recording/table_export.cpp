#include "daemon/recording/table_export.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>

#include "daemon/recording/file_access.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/readback.hpp"

namespace thyrode::recording {
namespace {

constexpr std::int64_t rows_at_once = 4096;

/// What a name stands for in the file.
struct Source {
  std::string path;
  bool series = false;
};

void add_tables(hid_t file, const std::string& group, std::map<std::string, Source>& found) {
  if (!h5::exists(file, group)) return;
  const auto visit = [](hid_t inside, const char* name, const H5L_info_t*, void* list) -> herr_t {
    const htri_t table = H5Aexists_by_name(inside, name, "colnames", H5P_DEFAULT);
    if (table > 0) static_cast<std::vector<std::string>*>(list)->emplace_back(name);
    return table < 0 ? -1 : 0;
  };
  std::vector<std::string> names;
  h5::expect(H5Literate_by_name(file, group.c_str(), H5_INDEX_NAME, H5_ITER_INC, nullptr, visit, &names, H5P_DEFAULT),
             file, group, "list");
  for (const std::string& name : names) found[name] = {std::string{group}.append("/").append(name), false};
}

std::map<std::string, Source> sources_of(hid_t file) {
  std::map<std::string, Source> found;
  add_tables(file, layout::module, found);
  add_tables(file, "/intervals", found);
  for (const std::string& label : read_texts_attribute(file, layout::provenance, "channels")) {
    for (const auto& [name, path] :
         {std::pair{"trace_" + label, layout::trace(label)}, std::pair{"I_cmd_" + label, layout::command(label)},
          std::pair{"I_read_" + label, layout::read_back(label)}}) {
      if (h5::exists(file, path)) found[name] = {path, true};
    }
  }
  return found;
}

/// One column of a table, read a stretch of rows at a time.
class ColumnReader {
 public:
  ColumnReader(hid_t file, std::string path, std::string name) : file_{file}, path_{std::move(path)} {
    const h5::Handle data = h5::open_dataset(file, path_);
    const h5::Handle type{H5Dget_type(data.get())};
    const h5::Handle space{H5Dget_space(data.get())};
    std::array<hsize_t, 2> shape{0, 1};
    H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
    width_ = shape[1];
    kind_ = H5Tget_class(type.get());
    std::string unit;
    if (H5Aexists(data.get(), "unit") > 0) unit = read_text_attribute(file, path_, "unit");
    for (std::size_t k = 0; k < width_; ++k) {
      columns_.push_back({width_ == 1 ? name : fmt::format("{}_{}", name, k), unit});
    }
  }

  /// Numbers and texts are told; references are the file's own business.
  bool told() const { return kind_ == H5T_INTEGER || kind_ == H5T_FLOAT || kind_ == H5T_STRING; }
  const std::vector<ExportedColumn>& columns() const { return columns_; }

  void read(std::int64_t first, std::int64_t count) {
    if (kind_ == H5T_INTEGER) integers_ = read_column<std::int64_t>(file_, path_, first, count, width_);
    if (kind_ == H5T_FLOAT) reals_ = read_column<double>(file_, path_, first, count, width_);
    // Texts are of tables with one row a step: they are read whole, once.
    if (kind_ == H5T_STRING && texts_.empty()) texts_ = read_texts(file_, path_, row_count(file_, path_));
    first_ = first;
  }

  void append(std::int64_t row, std::vector<ExportedValue>& values) const {
    for (std::size_t k = 0; k < width_; ++k) {
      const std::size_t at = static_cast<std::size_t>(row - first_) * width_ + k;
      if (kind_ == H5T_INTEGER) values.emplace_back(integers_[at]);
      if (kind_ == H5T_FLOAT) values.emplace_back(reals_[at]);
      if (kind_ == H5T_STRING) values.emplace_back(texts_.at(static_cast<std::size_t>(row)));
    }
  }

 private:
  hid_t file_;
  std::string path_;
  std::size_t width_ = 1;
  H5T_class_t kind_ = H5T_NO_CLASS;
  std::vector<ExportedColumn> columns_;
  std::int64_t first_ = 0;
  std::vector<std::int64_t> integers_;
  std::vector<double> reals_;
  std::vector<std::string> texts_;
};

void tell_table(hid_t file, const std::string& path, const ExportSink& sink) {
  std::vector<ColumnReader> readers;
  std::vector<ExportedColumn> columns;
  for (const std::string& name : read_texts_attribute(file, path, "colnames")) {
    const std::string where = std::string{path}.append("/").append(name);
    // A column of lists has an index beside it, and no row of its own.
    if (!h5::exists(file, where) || h5::exists(file, where + "_index")) continue;
    ColumnReader reader{file, where, name};
    if (!reader.told()) continue;
    columns.insert(columns.end(), reader.columns().begin(), reader.columns().end());
    readers.push_back(std::move(reader));
  }
  sink.columns(columns);
  const std::int64_t rows = table_rows(file, path);
  for (std::int64_t done = 0; done < rows; done += rows_at_once) {
    const std::int64_t count = std::min(rows_at_once, rows - done);
    for (ColumnReader& reader : readers) reader.read(done, count);
    for (std::int64_t row = done; row < done + count; ++row) {
      std::vector<ExportedValue> values;
      for (const ColumnReader& reader : readers) reader.append(row, values);
      sink.row(values);
    }
  }
}

void tell_series(hid_t file, const std::string& path, const ExportSink& sink) {
  const std::string data = path + "/data";
  const bool current = read_text_attribute(file, data, "unit") == "amperes";
  sink.columns({{"time_s", "seconds"}, {current ? "current_ua" : "v_out_mv", current ? "microamperes" : "millivolts"}});
  const double begin = read_scalar<double>(file, path + "/starting_time");
  const double rate = read_attribute<double>(file, path + "/starting_time", "rate");
  const std::int64_t rows = row_count(file, data);
  for (std::int64_t done = 0; done < rows; done += rows_at_once) {
    const auto values = read_column<float>(file, data, done, std::min(rows_at_once, rows - done));
    for (std::size_t k = 0; k < values.size(); ++k) {
      const auto row = static_cast<double>(done + static_cast<std::int64_t>(k));
      sink.row({begin + row / rate, static_cast<double>(values[k])});
    }
  }
}

/// What cannot be read is the fault of the file.
template <class Body>
auto of_file(Body&& body) {
  auto result = guarded(body);
  if (!result) result.error().kind = ErrorKind::bad_input;
  return result;
}

}  // namespace

Result<std::vector<std::string>> exported_tables(const std::string& path) {
  return of_file([&] {
    const h5::Handle file = open_for_reading(path);
    const auto sources = sources_of(file.get());
    std::vector<std::string> names;
    names.reserve(sources.size());
    for (const auto& [name, source] : sources) names.push_back(name);
    return names;
  });
}

Result<void> export_table(const std::string& path, const std::string& name, const ExportSink& sink) {
  return of_file([&] {
    const h5::Handle file = open_for_reading(path);
    const auto sources = sources_of(file.get());
    const auto found = sources.find(name);
    if (found == sources.end()) {
      std::vector<std::string> names;
      names.reserve(sources.size());
      for (const auto& [each, source] : sources) names.push_back(each);
      raise(ErrorKind::bad_input, fmt::format("{}: no table '{}'; it has {}", path, name, fmt::join(names, ", ")));
    }
    const Source& source = found->second;
    source.series ? tell_series(file.get(), source.path, sink) : tell_table(file.get(), source.path, sink);
  });
}

}  // namespace thyrode::recording
