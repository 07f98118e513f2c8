// Reads the values of one map of a YAML tree: each key once, by the type it should have.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/experiment/load/quantity_text.hpp"
#include "daemon/experiment/load/source.hpp"
#include "daemon/experiment/load/yaml_tree.hpp"

namespace thyrode::load {

/// What is shared while one file is read: where its values are and the first thing found wrong. After an error every
/// reader answers nullopt, so that a file is read in straight lines and asked once at the end.
class Reading {
 public:
  explicit Reading(Source& source) : source_{source} {}
  void refuse(Position at, std::string_view message);
  /// Refuses a value already read, by its path.
  void refuse(std::string_view path, std::string_view message);
  bool failed() const { return error_.has_value(); }
  const std::optional<Error>& error() const { return error_; }
  void note(const std::string& path, Position at) { source_.places.emplace(path, at); }

 private:
  Source& source_;
  std::optional<Error> error_;
};

/// A closed interval for a quantity, with the words for its ends.
struct Bounds {
  double low = 0.0;
  double high = 0.0;
  bool low_open = false;  ///< the value must be above low, not at it
};

class MapReader {
 public:
  /// Takes a node that should be a map with keys out of `known`.
  /// Refuses: not a map, a key that is not known (naming the nearest). `path` is "" for the root.
  MapReader(Reading& reading, const YamlNode& node, std::string path, std::vector<std::string> known);

  /// The node of a key; nullptr when it is not written or after an error. Refuses a key without a value.
  const YamlNode* find(std::string_view key);
  /// The same, and refuses when it is not written. `example` completes "add ...".
  const YamlNode* require(std::string_view key, std::string_view example);

  /// Values by type; nullopt when not written (or after an error). Each notes its place.
  std::optional<std::string> text(std::string_view key);
  std::optional<double> quantity(std::string_view key, QuantityKind kind, const Bounds& bounds);
  std::optional<std::int64_t> whole_number(std::string_view key, std::int64_t low, std::int64_t high);
  std::optional<double> number(std::string_view key, const Bounds& bounds);
  /// One of some words; refuses others, naming them. @returns the index.
  std::optional<std::size_t> word(std::string_view key, const std::vector<std::string>& words);
  /// A list of `least` to `most` quantities, each within bounds.
  std::optional<std::vector<double>> quantities(std::string_view key, QuantityKind kind, std::size_t least,
                                                std::size_t most, const Bounds& bounds);

  /// Path of the value of a key; with "" that of the map.
  std::string path(std::string_view key) const;
  Reading& reading() { return reading_; }

 private:
  const YamlNode* scalar(std::string_view key, std::string_view should_be);

  Reading& reading_;
  const YamlNode& node_;
  std::string path_;
  bool usable_ = false;
};

/// Reads one quantity node, whose place is noted under `path`.
std::optional<double> read_quantity(Reading& reading, const YamlNode& node, const std::string& path, QuantityKind kind,
                                    const Bounds& bounds);

/// Currents that can be meant: the neuron takes microamperes, and what lies beyond is a slip of the unit.
Bounds possible_currents();
Bounds above_zero();
Bounds above_zero_to(double high);
Bounds between(double low, double high);

/// The value of a key of a map node, or nullptr.
const YamlNode* child(const YamlNode& map, std::string_view key);

/// Checks the value of `schema`: it must be `wanted` ("thyrode.station/1"). Comes before every other check, so that
/// a file of another kind is told to be just that.
void check_schema(Reading& reading, const YamlNode& root, std::string_view wanted);

/// A name that can be part of a file name: letters, digits, '-', '_' and '.', at most 64.
std::optional<std::string> read_name(MapReader& root);

}  // namespace thyrode::load
