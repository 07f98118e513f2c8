// Tables of results, written row by row. Private to this room.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "daemon/analysis/result.hpp"
#include "daemon/recording/fixed_table.hpp"
#include "daemon/recording/layout.hpp"

namespace thyrode::recording {

/// Writes rows: the calls for one row name and describe the columns.
class RowWriter {
 public:
  /// @param name  of the table in the module
  RowWriter(Builder& builder, const std::string& name, const std::string& description)
      : table_{builder, std::string{layout::module} + "/" + name, {"hdmf-common", "DynamicTable"}, description} {}

  void real(const std::string& name, const char* what, double value) { add(reals_, name, what, value); }
  void real(const std::string& name, const char* what, const std::optional<double>& value) {
    add(reals_, name, what, value.value_or(std::numeric_limits<double>::quiet_NaN()));
  }
  void integer(const std::string& name, const char* what, std::int64_t value) { add(integers_, name, what, value); }
  void flag(const std::string& name, const char* what, bool value) { add(integers_, name, what, value ? 1 : 0); }
  /// @param table  path of the table to whose rows it points
  void region(const std::string& name, const char* what, std::int64_t row, const std::string& table) {
    regions_[name] = table;
    add(integers_, name, what, row);
  }
  /// A row of values; of equal width in every row.
  void reals(const std::string& name, const char* what, std::span<const double> values) {
    const auto [place, first] = wide_.try_emplace(name);
    if (first) order_.emplace_back(name, what);
    place->second.insert(place->second.end(), values.begin(), values.end());
  }
  void estimate(const std::string& name, const char* what, const analysis::Estimate& estimate) {
    real(name, what, estimate.value);
    real(name + "_low", "lower end of the 95 % interval", estimate.low);
    real(name + "_high", "upper end of the 95 % interval", estimate.high);
  }
  void text(const std::string& name, const char* what, const std::string& value) { add(texts_, name, what, value); }
  void bracket(const std::string& name, const char* what, const std::optional<analysis::Bracket>& bracket) {
    real(name + "_low_ua", what, bracket ? std::optional{bracket->low_ua} : std::nullopt);
    real(name + "_high_ua", what, bracket ? std::optional{bracket->high_ua} : std::nullopt);
  }
  void group(const analysis::RowGroup& group, const std::set<std::string>& conditions) {
    integer("channel", "index of the channel", group.channel);
    for (const std::string& name : conditions) {
      const auto found = group.conditions.find(name);
      real(std::string{"condition_"} + name, "setting; NaN: it has none",
           found != group.conditions.end() ? std::optional{found->second} : std::nullopt);
    }
  }

  void finish(std::size_t rows) {
    for (const auto& [name, what] : order_) {
      if (const auto found = reals_.find(name); found != reals_.end()) {
        table_.column(name, what, std::span<const double>{found->second});
      } else if (const auto region = regions_.find(name); region != regions_.end()) {
        table_.region(name, what, integers_.at(name), region->second);
      } else if (const auto whole = integers_.find(name); whole != integers_.end()) {
        table_.column(name, what, whole->second);
      } else if (const auto wide = wide_.find(name); wide != wide_.end()) {
        table_.column(name, what, std::span<const double>{wide->second}, wide->second.size() / rows);
      } else {
        table_.column(name, what, texts_.at(name));
      }
    }
    table_.finish(rows);
  }

 private:
  template <class Map, class T>
  void add(Map& map, const std::string& name, const char* what, const T& value) {
    const auto [place, first] = map.try_emplace(name);
    if (first) order_.emplace_back(name, what);
    place->second.push_back(value);
  }

  FixedTable table_;
  std::vector<std::pair<std::string, std::string>> order_;
  std::map<std::string, std::vector<double>> reals_;
  std::map<std::string, std::vector<std::int64_t>> integers_;
  std::map<std::string, std::vector<std::string>> texts_;
  std::map<std::string, std::vector<double>> wide_;
  std::map<std::string, std::string> regions_;
};

}  // namespace thyrode::recording
