// Where a value of a configuration file was written, so that a later check can point at it.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "drivers/result.hpp"

namespace thyrode::load {

/// A place in a text: line and column from 1; the column counts characters, not bytes.
struct Position {
  int line = 1;
  int column = 1;
  bool operator==(const Position&) const = default;
};

/// A file that was read: its name as given, its text byte for byte, and the place of every value by its path:
/// "current.stop", "channels.A.limits[1]", "parameters.C_m".
struct Source {
  std::string file_name;
  std::string text;
  std::map<std::string, Position, std::less<>> places;

  /// "file:line:column" of a value. Of a path that was not written, the nearest enclosing one that was; else 1:1.
  std::string at(std::string_view path) const;
  /// An error that points at a value: "file:line:column: message".
  tl::unexpected<Error> error(std::string_view path, std::string_view message) const;
  /// Whether a value was written in the file (otherwise its default holds).
  bool has(std::string_view path) const { return places.find(path) != places.end(); }
};

/// "file:line:column"
std::string place_text(std::string_view file_name, Position position);

/// The largest YAML file that is read.
inline constexpr std::size_t largest_file = std::size_t{1} << 20U;

/// What is read from a text file, for its limit and for messages.
struct TextFile {
  std::string_view name = "YAML file";
  std::size_t most = largest_file;  ///< bytes
  std::string_view advice = "a YAML file of this kind has a few hundred lines at most, check the path";
};
inline constexpr TextFile waveform_file{"CSV file of a waveform", std::size_t{8} << 20U,
                                        "write fewer samples, or cut it into several segments"};

/// Reads a text file as it is.
/// Errors: bad_input: does not exist, a directory or device, not readable, larger than `what` may be.
Result<std::string> read_text_file(const std::string& path, const TextFile& what = {});

}  // namespace thyrode::load
