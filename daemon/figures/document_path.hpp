// Paths into a JSON document: how a check of a figure names what was measured.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "drivers/result.hpp"

namespace thyrode::figures {

/// Names joined by points, each followed by any number of selectors in brackets:
/// `fit.onset_high_ua`, `map.grid[8][2]`, `steps[current_ua=45.3].cv`, `steps[leg=1][label=FS].frequency_hz.value`.
///
/// [3] is the element at a position from 0, [*] all elements. [NAME=TEXT] keeps the elements whose NAME (names joined
/// by points) says TEXT; a number is equal as far as it is written: 45.3 means 45.25 to 45.35. [NAME=A..B] keeps those
/// from A to B. After a selector that keeps several elements every further name is looked up in each of them.
class DocumentPath {
 public:
  /// Errors: bad_input: empty, a name or a selector that cannot be read.
  static Result<DocumentPath> parse(std::string_view text);

  /// What the path leads to, in the order of the document; empty when no element is kept by a selector.
  /// Errors: bad_input: a name that the document does not have there (with those that it has), a position beyond the
  /// end, a selector on what is not a list, a NAME that no element has.
  Result<std::vector<nlohmann::ordered_json>> select(const nlohmann::ordered_json& document) const;

  /// Follows the names of the path through the shape of a document: a document with one element in each list, whose
  /// null stands for whatever there may be. Positions and texts of selectors are not looked at.
  /// @returns the value that the path leads to there; null where the shape does not tell
  /// Errors: bad_input: a name that no document of this shape has there (with those that it has), a selector on what is
  /// not a list.
  Result<nlohmann::ordered_json> follow(const nlohmann::ordered_json& shape) const;

  const std::string& text() const { return text_; }
  /// The names without selectors, from the first to the last.
  std::vector<std::string> names() const;

 private:
  struct Name {
    std::string name;
  };
  struct Position {
    std::size_t at = 0;
  };
  struct All {};
  struct Where {
    std::vector<std::string> names;
    std::string text;                   ///< to be equal to
    std::optional<double> low, high{};  ///< of a number: what still counts as equal
  };
  using Part = std::variant<Name, Position, All, Where>;
  using Values = std::vector<const nlohmann::ordered_json*>;

  static Result<Part> parse_selector(std::string_view inside);
  static Result<Values> step(const Values& from, const Name& name);
  static Result<Values> step(const Values& from, const Position& position);
  static Result<Values> step(const Values& from, const All& all);
  static Result<Values> step(const Values& from, const Where& where);
  static Result<const nlohmann::ordered_json*> in_shape(const nlohmann::ordered_json& at, const Name& name);
  static Result<const nlohmann::ordered_json*> in_shape(const nlohmann::ordered_json& at, const Position& position);
  static Result<const nlohmann::ordered_json*> in_shape(const nlohmann::ordered_json& at, const All& all);
  static Result<const nlohmann::ordered_json*> in_shape(const nlohmann::ordered_json& at, const Where& where);
  static bool holds(const nlohmann::ordered_json& value, const Where& where);

  std::string text_;
  std::vector<Part> parts_;
};

}  // namespace thyrode::figures
