// Reference tables: comma-separated values with a header line.
#pragma once

#include <cstdlib>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace thyrode {

/// One row, by the names of the columns.
struct TableRow {
  std::map<std::string, std::string> cells;
  const std::string& text(const std::string& column) const { return cells.at(column); }
  double number(const std::string& column) const { return std::stod(cells.at(column)); }
};

/// The cells of a line; a cell in quotation marks may hold commas.
inline std::vector<std::string> split_row(const std::string& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else if (c != '\r') {
      cells.back().push_back(c);
    }
  }
  return cells;
}

/// Reads tests/data/physics/<name>, or THYRODE_PHYSICS_TABLES/<name> when that is set. Tests run in the project's root.
/// Throws when the file is missing or a row has too few cells, which fails the test that asked.
inline std::vector<TableRow> read_table(const std::string& name) {
  const char* directory = std::getenv("THYRODE_PHYSICS_TABLES");
  const std::string path = (directory != nullptr ? std::string{directory} : "tests/data/physics") + "/" + name;
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) throw std::runtime_error("cannot read " + path);
  const std::vector<std::string> header = split_row(line);
  std::vector<TableRow> rows;
  while (std::getline(file, line)) {
    const std::vector<std::string> cells = split_row(line);
    if (cells.size() < header.size()) throw std::runtime_error("short row in " + path + ": " + line);
    TableRow row;
    for (std::size_t k = 0; k < header.size(); ++k) row.cells[header[k]] = cells[k];
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace thyrode
