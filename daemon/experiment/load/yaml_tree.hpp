// YAML text to a tree of maps, lists and texts with their places. The only code that knows the YAML library.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/experiment/load/source.hpp"
#include "drivers/result.hpp"

namespace thyrode::load {

/// One value of a YAML file. Scalars stay text: what a text means is decided by the key it belongs to, so that
/// neither `off` nor `1e-4` is turned into something else on the way.
struct YamlNode {
  enum class Kind : unsigned char { nothing, text, list, map };
  struct Key {
    std::string name;
    Position at;
  };
  Kind kind = Kind::nothing;
  Position at;
  std::string text;
  std::vector<Key> keys;        ///< of a map; keys[i] belongs to items[i]
  std::vector<YamlNode> items;  ///< of a list or a map
};

/// Deepest nesting that is read; our files need 4.
inline constexpr int deepest_nesting = 16;

/// Reads one YAML document whose root is a map.
/// @param what  the kind of file for messages: "a station file"
/// @param begin  what such a file begins with, for messages: "schema: thyrode.station/1"
/// Errors: bad_input, each "file:line:column: what is wrong; what would be right": larger than 1 MiB, empty, not
/// UTF-8 text, a line above 10000 bytes, not YAML, more than one document, not a map, a key twice, a key that is not a
/// word, anchors, aliases or tags, nested too deep. No exception leaves.
Result<YamlNode> parse_yaml(std::string_view text, std::string_view file_name, std::string_view what,
                            std::string_view begin);

}  // namespace thyrode::load
