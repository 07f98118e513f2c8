#include "daemon/recording/readback.hpp"

#include <algorithm>
#include <array>

namespace thyrode::recording {
namespace {

using h5::expect;
using h5::Handle;
using h5::own;

Handle variable_text() {
  Handle type{H5Tcopy(H5T_C_S1)};
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

/// Takes over texts that the library allocated.
std::vector<std::string> adopt(std::vector<char*>& raw, hid_t type, hid_t space) {
  std::vector<std::string> texts;
  texts.reserve(raw.size());
  for (const char* text : raw) texts.emplace_back(text == nullptr ? "" : text);
  H5Dvlen_reclaim(type, space, H5P_DEFAULT, raw.data());
  return texts;
}

std::vector<std::string> read_attribute_texts(hid_t file, const std::string& path, const char* name) {
  const Handle attribute =
      own(H5Aopen_by_name(file, path.c_str(), name, H5P_DEFAULT, H5P_DEFAULT), file, path + "@" + name, "open");
  const Handle space{H5Aget_space(attribute.get())};
  const Handle type = variable_text();
  std::vector<char*> raw(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.get())));
  if (raw.empty()) return {};
  expect(H5Aread(attribute.get(), type.get(), raw.data()), file, path + "@" + name, "read");
  return adopt(raw, type.get(), space.get());
}

}  // namespace

std::int64_t row_count(hid_t file, const std::string& path) {
  if (!h5::exists(file, path)) return 0;
  const Handle data = h5::open_dataset(file, path);
  const Handle space{H5Dget_space(data.get())};
  std::array<hsize_t, 2> shape{};
  if (H5Sget_simple_extent_ndims(space.get()) > 2) h5::complain(file, path, "read the shape of");
  H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  return static_cast<std::int64_t>(shape[0]);
}

void read_rows(hid_t file, const std::string& path, std::int64_t first, std::int64_t count, std::size_t width,
               hid_t type, void* out) {
  const Handle data = h5::open_dataset(file, path);
  const Handle space{H5Dget_space(data.get())};
  const std::array<hsize_t, 2> start{static_cast<hsize_t>(first), 0};
  const std::array<hsize_t, 2> block{static_cast<hsize_t>(count), width};
  const int rank = H5Sget_simple_extent_ndims(space.get());
  const Handle memory{H5Screate_simple(rank, block.data(), nullptr)};
  expect(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, block.data(), nullptr), file, path,
         "select rows of");
  expect(H5Dread(data.get(), type, memory.get(), space.get(), H5P_DEFAULT, out), file, path, "read");
}

std::int64_t lower_row(hid_t file, const std::string& column, std::int64_t rows, std::int64_t value) {
  std::int64_t first = 0;
  while (rows > 0) {
    const std::int64_t half = rows / 2;
    if (read_column<std::int64_t>(file, column, first + half, 1).front() < value) {
      first += half + 1;
      rows -= half + 1;
    } else {
      rows = half;
    }
  }
  return first;
}

std::vector<std::string> read_texts(hid_t file, const std::string& path, std::int64_t count) {
  const Handle data = h5::open_dataset(file, path);
  const Handle stored{H5Dget_type(data.get())};
  if (H5Tis_variable_str(stored.get()) > 0) {
    const Handle space{H5Dget_space(data.get())};
    std::vector<char*> raw(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.get())));
    if (raw.empty()) return {};
    const Handle type = variable_text();
    expect(H5Dread(data.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, raw.data()), file, path, "read");
    return adopt(raw, type.get(), space.get());
  }
  const Handle type = type_of(Element::text16);
  std::vector<std::array<char, text16_bytes>> raw(static_cast<std::size_t>(count));
  if (count > 0) read_rows(file, path, 0, count, 1, type.get(), raw.data());
  std::vector<std::string> texts;
  texts.reserve(raw.size());
  for (const auto& text : raw) texts.emplace_back(text.begin(), std::find(text.begin(), text.end(), '\0'));
  return texts;
}

std::string read_text(hid_t file, const std::string& path) {
  const Handle data = h5::open_dataset(file, path);
  const Handle space{H5Dget_space(data.get())};
  const Handle type = variable_text();
  std::vector<char*> raw(1, nullptr);
  expect(H5Dread(data.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, raw.data()), file, path, "read");
  return adopt(raw, type.get(), space.get()).front();
}

std::string read_text_attribute(hid_t file, const std::string& path, const char* name) {
  const auto texts = read_attribute_texts(file, path, name);
  return texts.empty() ? std::string{} : texts.front();
}

std::vector<std::string> read_texts_attribute(hid_t file, const std::string& path, const char* name) {
  return read_attribute_texts(file, path, name);
}

std::int64_t table_rows(hid_t file, const std::string& path) {
  if (!h5::exists(file, path)) return 0;
  std::int64_t rows = row_count(file, path + "/id");
  for (const std::string& column : read_texts_attribute(file, path, "colnames")) {
    rows = std::min(rows, row_count(file, std::string{path}.append("/").append(column)));
  }
  return rows;
}

}  // namespace thyrode::recording
