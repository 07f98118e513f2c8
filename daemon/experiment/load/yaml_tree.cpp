#include "daemon/experiment/load/yaml_tree.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <sstream>
#include <unordered_map>

#include "daemon/experiment/load/words.hpp"

namespace thyrode::load {
namespace {

// Thrown through the library by our own handler, and caught in this file.
struct Refusal {
  Position at;
  std::string message;
};

// Length of the UTF-8 sequence at the start of `text`, or 0 if there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80U) return 1;
  std::size_t length = 0;
  std::uint32_t code = 0;
  if ((first & 0xE0U) == 0xC0U) {
    length = 2;
    code = first & 0x1FU;
  } else if ((first & 0xF0U) == 0xE0U) {
    length = 3;
    code = first & 0x0FU;
  } else if ((first & 0xF8U) == 0xF0U) {
    length = 4;
    code = first & 0x07U;
  } else {
    return 0;
  }
  if (text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
    code = (code << 6U) | (byte(i) & 0x3FU);
  }
  constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800U && code <= 0xDFFFU;
  return code < least[length] || code > 0x10FFFFU || surrogate ? 0 : length;
}

// The YAML library takes a time that grows with the square of a line of brackets: a mebibyte on one line is a minute.
constexpr std::size_t longest_line = 10000;

// The first byte that is not text, or the first line that is too long, if any.
std::optional<Refusal> find_unreadable(std::string_view text) {
  Position at;
  std::size_t line_start = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    const std::size_t length = utf8_length(text.substr(i));
    const bool control = byte < 0x20U && byte != '\t' && byte != '\n' && byte != '\r';
    if (length == 0 || control || byte == 0x7FU) {
      return Refusal{at, fmt::format("not a text file (byte 0x{:02X}); write YAML as UTF-8 text", byte)};
    }
    if (i - line_start >= longest_line && byte != '\n') {
      return Refusal{at, fmt::format("the line is longer than {} bytes; break it into several", longest_line)};
    }
    i += length;
    if (byte == '\n') {
      line_start = i;
      ++at.line;
      at.column = 1;
    } else {
      ++at.column;
    }
  }
  return std::nullopt;
}

// Turns the library's marks (bytes from 0) into positions (characters from 1).
class Lines {
 public:
  explicit Lines(std::string_view text) : text_{text} {
    starts_.push_back(0);
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') starts_.push_back(i + 1);
    }
  }
  Position position(const YAML::Mark& mark) const {
    if (mark.line < 0 || mark.column < 0) return Position{};
    const std::size_t line = std::min(static_cast<std::size_t>(mark.line), starts_.size() - 1);
    const std::size_t end = line + 1 < starts_.size() ? starts_[line + 1] - 1 : text_.size();
    const std::size_t stop = std::min(starts_[line] + static_cast<std::size_t>(mark.column), end);
    int column = 1;
    for (std::size_t i = starts_[line]; i < stop; ++i) {
      if ((static_cast<std::uint8_t>(text_[i]) & 0xC0U) != 0x80U) ++column;
    }
    return Position{static_cast<int>(line) + 1, column};
  }

 private:
  std::string_view text_;
  std::vector<std::size_t> starts_;
};

class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const Lines& lines) : lines_{lines} {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) {
      throw Refusal{lines_.position(mark), "a second document begins here; keep one document in a file"};
    }
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    add(node(YamlNode::Kind::nothing, mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_anchor(mark, 1); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    refuse_anchor(mark, anchor);
    if (!frames_.empty() && frames_.back().node.kind == YamlNode::Kind::map && !frames_.back().key_read) {
      add_key(lines_.position(mark), value);
      return;
    }
    YamlNode scalar = node(YamlNode::Kind::text, mark);
    scalar.text = value;
    add(std::move(scalar));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    refuse_anchor(mark, anchor);
    open(node(YamlNode::Kind::list, mark));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    refuse_anchor(mark, anchor);
    open(node(YamlNode::Kind::map, mark));
  }
  void OnMapEnd() override { close(); }

  std::optional<YamlNode>& root() { return root_; }

 private:
  struct Frame {
    YamlNode node;
    bool key_read = false;
    std::unordered_map<std::string, int> lines_of_keys;
  };

  YamlNode node(YamlNode::Kind kind, const YAML::Mark& mark) const {
    YamlNode n;
    n.kind = kind;
    n.at = lines_.position(mark);
    return n;
  }
  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) const {
    if (anchor != 0) {
      throw Refusal{lines_.position(mark), "anchors (&) and aliases (*) are not used here; write the value out"};
    }
  }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw Refusal{lines_.position(mark),
                    fmt::format("tags ({}) are not used here; write the value alone", shortened(tag))};
    }
  }
  void add_key(Position at, const std::string& name) {
    Frame& frame = frames_.back();
    const auto [found, fresh] = frame.lines_of_keys.emplace(name, at.line);
    if (!fresh) {
      throw Refusal{at, fmt::format("key '{}' appears twice, first in line {}; remove one of them", shortened(name),
                                    found->second)};
    }
    frame.node.keys.push_back({name, at});
    frame.key_read = true;
  }
  void refuse_compound_key(Position at) const {
    if (!frames_.empty() && frames_.back().node.kind == YamlNode::Kind::map && !frames_.back().key_read) {
      throw Refusal{at, "a key must be one word; write \"key: value\""};
    }
  }
  void open(YamlNode n) {
    refuse_compound_key(n.at);
    if (frames_.size() >= static_cast<std::size_t>(deepest_nesting)) {
      throw Refusal{n.at,
                    fmt::format("nested deeper than {} levels; no file of this kind needs that", deepest_nesting)};
    }
    frames_.push_back(Frame{std::move(n), false, {}});
  }
  void close() {
    YamlNode done = std::move(frames_.back().node);
    frames_.pop_back();
    add(std::move(done));
  }
  void add(YamlNode n) {
    refuse_compound_key(n.at);
    if (frames_.empty()) {
      root_ = std::move(n);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.kind == YamlNode::Kind::map) {
      frame.key_read = false;
      // The library places a missing value at what follows it; its key is the place to look at.
      if (n.kind == YamlNode::Kind::nothing) n.at = frame.node.keys.back().at;
    }
    frame.node.items.push_back(std::move(n));
  }

  const Lines& lines_;
  std::vector<Frame> frames_;
  std::optional<YamlNode> root_;
  int documents_ = 0;
};

std::string shape_of(const YamlNode& root) {
  return root.kind == YamlNode::Kind::list ? "a list" : "a piece of text";
}

// Throws Refusal and whatever the library throws.
YamlNode read_document(std::string_view text, std::string_view what, std::string_view begin) {
  const Lines lines(text);
  TreeBuilder builder(lines);
  std::istringstream stream{std::string{text}};
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    throw Refusal{lines.position(error.mark),
                  fmt::format("not valid YAML: {}; check colons, brackets and indentation here and in the line before",
                              error.msg)};
  }
  auto& root = builder.root();
  if (!root || root->kind == YamlNode::Kind::nothing) {
    throw Refusal{Position{}, fmt::format("the file holds nothing; {} begins with \"{}\"", what, begin)};
  }
  if (root->kind != YamlNode::Kind::map) {
    throw Refusal{root->at, fmt::format("this is {}, not {}; it begins with \"{}\"", shape_of(*root), what, begin)};
  }
  return std::move(*root);
}

}  // namespace

Result<YamlNode> parse_yaml(std::string_view text, std::string_view file_name, std::string_view what,
                            std::string_view begin) {
  const auto refuse = [&](const Refusal& refusal) {
    return fail(ErrorKind::bad_input, fmt::format("{}: {}", place_text(file_name, refusal.at), refusal.message));
  };
  if (text.size() > largest_file) {
    return refuse({Position{}, fmt::format("larger than 1 MiB; {} has a few hundred lines at most", what)});
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (const auto binary = find_unreadable(text)) return refuse(*binary);
  try {
    return read_document(text, what, begin);
  } catch (const Refusal& refusal) {
    return refuse(refusal);
  } catch (const std::exception& error) {
    return refuse({Position{}, fmt::format("not valid YAML: {}; check the file", error.what())});
  }
}

}  // namespace thyrode::load
