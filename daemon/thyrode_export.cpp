// export: tables and signals of a recording for other programs, CSV or JSON.

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/recording/table_export.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_record.hpp"

namespace thyrode::program {
namespace {

using recording::ExportedColumn;
using recording::ExportedValue;

/// A text that a comma, a quote or a line's end would break is quoted (RFC 4180). One that a spreadsheet would take for
/// a formula gets an apostrophe before it: names and notes come from whoever wrote the experiment. Numbers never do.
std::string quoted(std::string text) {
  if (!text.empty() && std::string_view{"=+-@\t\r"}.find(text.front()) != std::string_view::npos)
    text.insert(0, 1, '\'');
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string all = "\"";
  for (const char letter : text) all += letter == '"' ? "\"\"" : std::string(1, letter);
  return all + "\"";
}

/// The shortest text that gives the same number again; undefined is empty.
struct CsvText {
  std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const { return std::isnan(value) ? "" : fmt::format("{}", value); }
  std::string operator()(const std::string& value) const { return quoted(value); }
};

struct JsonText {
  std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const { return nlohmann::json(value).dump(); }
  std::string operator()(const std::string& value) const { return nlohmann::json(value).dump(); }
};

recording::ExportSink csv() {
  recording::ExportSink sink;
  sink.columns = [](const std::vector<ExportedColumn>& columns) {
    std::vector<std::string> names;
    names.reserve(columns.size());
    for (const ExportedColumn& column : columns) names.push_back(quoted(column.name));
    fmt::print("{}\n", fmt::join(names, ","));
  };
  sink.row = [](const std::vector<ExportedValue>& values) {
    std::string line;
    for (const ExportedValue& value : values) {
      if (&value != &values.front()) line += ',';
      line += std::visit(CsvText{}, value);
    }
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), stdout);
  };
  return sink;
}

/// Rows are written as they come, so that a long signal needs no memory.
class JsonDocument {
 public:
  JsonDocument(const std::string& file, const std::string& table) {
    fmt::print("{{\"schema\":\"thyrode.export/1\",\"file\":{},\"table\":{}", nlohmann::json(file).dump(),
               nlohmann::json(table).dump());
  }
  recording::ExportSink sink() {
    return {[this](const std::vector<ExportedColumn>& columns) { head(columns); },
            [this](const std::vector<ExportedValue>& values) { row(values); }};
  }
  static void end() { fmt::print("\n]}}\n"); }

 private:
  void head(const std::vector<ExportedColumn>& columns) {
    nlohmann::ordered_json units = nlohmann::ordered_json::object();
    for (const ExportedColumn& column : columns) {
      names_.push_back(nlohmann::json(column.name).dump());
      if (!column.unit.empty()) units[column.name] = column.unit;
    }
    fmt::print(",\"units\":{},\"rows\":[", units.dump());
  }
  void row(const std::vector<ExportedValue>& values) {
    std::string line = first_ ? "\n{" : ",\n{";
    first_ = false;
    for (std::size_t k = 0; k < values.size(); ++k) {
      line += (k > 0 ? "," : "") + names_[k] + ":" + std::visit(JsonText{}, values[k]);
    }
    line += '}';
    std::fwrite(line.data(), 1, line.size(), stdout);
  }

  std::vector<std::string> names_;
  bool first_ = true;
};

}  // namespace

int export_file(const ExportOptions& options) {
  const auto tables = recording::exported_tables(options.path);
  if (!tables) return report(tables.error());
  if (options.list) {
    for (const std::string& name : *tables) fmt::print("{}\n", name);
    return 0;
  }
  if (std::find(tables->begin(), tables->end(), options.table) == tables->end()) {
    return report({ErrorKind::bad_input,
                   fmt::format("{}: no table '{}'; it has {}", options.path, options.table, fmt::join(*tables, ", "))});
  }
  tell_other_files(options.path);
  if (!options.json) {
    const auto done = recording::export_table(options.path, options.table, csv());
    return done ? 0 : report(done.error());
  }
  JsonDocument document{options.path, options.table};
  const auto done = recording::export_table(options.path, options.table, document.sink());
  if (!done) return report(done.error());
  JsonDocument::end();
  return 0;
}

}  // namespace thyrode::program
