#include "daemon/thyrode_table_difference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "daemon/experiment/documents.hpp"
#include "daemon/recording/table_export.hpp"
#include "daemon/thyrode_record.hpp"

namespace thyrode::program {
namespace {

using recording::ExportedColumn;
using recording::ExportedValue;

constexpr std::array<const char*, 13> result_tables{
    "steps",       "isi_histograms", "pair_correlations", "g_n",        "bursts",   "beta_n", "direct_beta", "fit",
    "transitions", "loops",          "rate_comparisons",  "precursors", "integrity"};

struct Rows {
  std::vector<std::string> names;
  std::vector<std::vector<ExportedValue>> rows;
};

Result<Rows> read_rows(const std::string& path, const std::string& table) {
  Rows all;
  const recording::ExportSink sink{[&](const std::vector<ExportedColumn>& columns) {
                                     for (const ExportedColumn& column : columns) all.names.push_back(column.name);
                                   },
                                   [&](const std::vector<ExportedValue>& values) { all.rows.push_back(values); }};
  if (auto read = recording::export_table(path, table, sink); !read) return tl::make_unexpected(read.error());
  return all;
}

bool is_undefined(const ExportedValue& value) {
  const auto* real = std::get_if<double>(&value);
  return real != nullptr && std::isnan(*real);
}

bool same(const ExportedValue& a, const ExportedValue& b) {
  return a == b || (is_undefined(a) && is_undefined(b));
}

std::string text(const ExportedValue& value) {
  if (is_undefined(value)) return "undefined";
  return std::visit([](const auto& v) { return fmt::format("{}", v); }, value);
}

class Comparing {
 public:
  explicit Comparing(Comparison& into) : into_{into} {}

  void value(const std::string& table, const std::string& row, const std::string& name, bool equal,
             const std::string& recorded, const std::string& replayed) {
    ++into_.compared;
    if (equal) {
      ++into_.equal;
    } else if (into_.differences.size() < Comparison::most_differences) {
      into_.differences.push_back({table, row, name, recorded, replayed});
    }
  }

  void rows(const std::string& table, const Rows& recorded, const Rows& replayed, bool cut_short) {
    const std::size_t both = std::min(recorded.rows.size(), replayed.rows.size());
    const bool more = cut_short && replayed.rows.size() > recorded.rows.size();
    if (more && table == result_tables.front()) {
      into_.more_steps = static_cast<std::int64_t>(replayed.rows.size() - recorded.rows.size());
    }
    if (!more) {
      value(table, "", "rows", recorded.rows.size() == replayed.rows.size(), fmt::format("{}", recorded.rows.size()),
            fmt::format("{}", replayed.rows.size()));
    }
    for (std::size_t c = 0; c < recorded.names.size(); ++c) {
      const auto found = std::find(replayed.names.begin(), replayed.names.end(), recorded.names[c]);
      if (found == replayed.names.end()) {
        value(table, "", recorded.names[c], false, "a column", "none");
        continue;
      }
      const auto column = static_cast<std::size_t>(found - replayed.names.begin());
      for (std::size_t k = 0; k < both; ++k) {
        const ExportedValue& one = recorded.rows[k][c];
        const ExportedValue& other = replayed.rows[k][column];
        value(table, place(recorded, k), recorded.names[c], same(one, other), text(one), text(other));
      }
    }
  }

  void document(const std::string& name, const nlohmann::ordered_json& recorded,
                const nlohmann::ordered_json& replayed) {
    const auto flat = recorded.flatten();
    const auto other = replayed.flatten();
    for (const auto& [key, one] : flat.items()) {
      const auto found = other.find(key);
      value(name, "", key, found != other.end() && *found == one, one.dump(),
            found != other.end() ? found->dump() : "nothing");
    }
    for (const auto& [key, one] : other.items()) {
      if (!flat.contains(key)) value(name, "", key, false, "nothing", one.dump());
    }
  }

 private:
  /// Which step a row is about, where the table tells; else its number.
  static std::string place(const Rows& table, std::size_t row) {
    for (std::size_t c = 0; c < table.names.size(); ++c) {
      if (table.names[c] == "index" || table.names[c] == "step") return "step " + text(table.rows[row][c]);
    }
    return table.rows.size() > 1 ? fmt::format("row {}", row) : std::string{};
  }

  Comparison& into_;
};

/// What only the plan can tell of the rows.
Result<void> compare_documents(const std::string& recorded, const std::string& replayed, Comparing& comparing) {
  const auto one = read_completed_run(recorded);
  if (!one) return tl::make_unexpected(one.error());
  const auto other = read_completed_run(replayed);
  if (!other) return tl::make_unexpected(other.error());
  const auto recorded_document = experiment::to_json(one->result);
  const auto replayed_document = experiment::to_json(other->result);
  for (const char* key : {"targets", "map"}) {
    if (!recorded_document.contains(key) && !replayed_document.contains(key)) continue;
    comparing.document(key, recorded_document.value(key, nlohmann::ordered_json{}),
                       replayed_document.value(key, nlohmann::ordered_json{}));
  }
  return {};
}

}  // namespace

Result<Comparison> compare_results(const std::string& recorded, const std::string& replayed, bool cut_short) {
  const auto recorded_tables = recording::exported_tables(recorded);
  if (!recorded_tables) return tl::make_unexpected(recorded_tables.error());
  const auto replayed_tables = recording::exported_tables(replayed);
  if (!replayed_tables) return tl::make_unexpected(replayed_tables.error());
  const auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  Comparison comparison;
  Comparing comparing{comparison};
  for (const std::string table : result_tables) {
    // What was counted at the end was counted otherwise, and what the steps say together was never written.
    if (cut_short && table == "integrity") continue;
    const bool there = has(*recorded_tables, table);
    if (!there && has(*replayed_tables, table)) comparison.missing.push_back(table);
    if (!there) continue;
    const auto one = read_rows(recorded, table);
    if (!one) return tl::make_unexpected(one.error());
    const auto other = has(*replayed_tables, table) ? read_rows(replayed, table) : Result<Rows>{Rows{one->names, {}}};
    if (!other) return tl::make_unexpected(other.error());
    comparison.tables.push_back(table);
    comparing.rows(table, *one, *other, cut_short);
  }
  if (has(comparison.tables, result_tables.front())) {
    if (auto compared = compare_documents(recorded, replayed, comparing); !compared) {
      return tl::make_unexpected(compared.error());
    }
  }
  return comparison;
}

}  // namespace thyrode::program
