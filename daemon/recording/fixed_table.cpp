#include "daemon/recording/fixed_table.hpp"

namespace thyrode::recording {

FixedTable::FixedTable(Builder& builder, std::string path, NwbType type, const std::string& description)
    : builder_{builder}, path_{std::move(path)} {
  builder_.group(path_, type);
  builder_.attribute(path_, "description", description);
}

std::string FixedTable::begin(const std::string& name) {
  names_.push_back(name);
  return path_ + "/" + name;
}

void FixedTable::describe(const std::string& path, NwbType type, const std::string& description) {
  builder_.set_type(path, type);
  builder_.attribute(path, "description", description);
  const std::string unit = unit_of(path.substr(path.rfind('/') + 1));
  if (!unit.empty() && type.name == vector_data.name) builder_.attribute(path, "unit", unit);
}

void FixedTable::column(const std::string& name, const std::string& description, std::span<const double> values,
                        std::size_t width) {
  const std::string path = begin(name);
  builder_.array(path, values, width);
  describe(path, vector_data, description);
}

void FixedTable::column(const std::string& name, const std::string& description,
                        const std::vector<std::int64_t>& values) {
  const std::string path = begin(name);
  builder_.array(path, std::span<const std::int64_t>{values});
  describe(path, vector_data, description);
}

void FixedTable::column(const std::string& name, const std::string& description,
                        const std::vector<std::string>& values) {
  const std::string path = begin(name);
  builder_.texts(path, values);
  describe(path, vector_data, description);
}

void FixedTable::column(const std::string& name, const std::string& description,
                        const std::vector<hobj_ref_t>& values) {
  const std::string path = begin(name);
  builder_.references(path, values);
  describe(path, vector_data, description);
}

void FixedTable::column(const std::string& name, const std::string& description,
                        const std::vector<SeriesRange>& values) {
  const std::string path = begin(name);
  builder_.ranges(path, values);
  describe(path, {"core", "TimeSeriesReferenceVectorData"}, description);
}

void FixedTable::region(const std::string& name, const std::string& description, const std::vector<std::int64_t>& rows,
                        const std::string& table) {
  const std::string path = begin(name);
  builder_.array(path, std::span<const std::int64_t>{rows});
  describe(path, table_region, description);
  builder_.attribute_reference(path, "table", table);
}

void FixedTable::stream(const std::string& name, const std::string& description, Element element) {
  constexpr std::size_t rows_per_chunk = 8192;
  const std::string path = begin(name);
  builder_.stream(path, element, 1, rows_per_chunk);
  describe(path, vector_data, description);
}

void FixedTable::index(const std::string& name, const std::vector<std::uint64_t>& ends) {
  const std::string path = path_ + "/" + name + "_index";
  builder_.array(path, std::span<const std::uint64_t>{ends});
  describe(path, vector_index, "Ends of the rows of " + name + ".");
  builder_.attribute_reference(path, "target", path_ + "/" + name);
}

void FixedTable::finish(std::size_t rows) {
  builder_.attribute(path_, "colnames", std::span<const std::string>{names_});
  std::vector<std::int64_t> ids;
  for (std::size_t k = 0; k < rows; ++k) ids.push_back(static_cast<std::int64_t>(k));
  builder_.array(path_ + "/id", std::span<const std::int64_t>{ids});
  builder_.set_type(path_ + "/id", element_identifiers);
}

}  // namespace thyrode::recording
