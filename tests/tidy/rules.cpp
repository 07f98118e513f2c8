#include "tests/tidy/rules.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

namespace thyrode::tidy {
namespace {

using Strings = std::vector<std::string>;

constexpr std::size_t longest_line = 120;  // characters

/// From a room to what it may include: rooms, or single headers. Its own files go without saying.
const std::map<std::string, Strings>& arrows() {
  static const std::map<std::string, Strings> allowed = {
      {"protocols", {}},
      {"firmware/core", {"protocols"}},
      {"firmware/neurons", {"protocols/units.hpp"}},
      {"firmware/boards/native", {"firmware/core", "firmware/neurons", "protocols"}},
      {"firmware/boards/nucleo_f446re", {"firmware/core", "protocols"}},
      {"firmware/silicon",
       {"firmware/neurons", "firmware/boards/native/front_end.hpp", "firmware/boards/native/noise.hpp",
        "firmware/boards/native/sampler.hpp", "firmware/boards/native/truth.hpp", "protocols/units.hpp", "protocols/time.hpp"}},
      {"drivers", {"protocols"}},
      {"drivers/simulated", {"drivers", "protocols", "firmware/boards/native", "firmware/silicon"}},
      {"daemon/acquisition", {"drivers", "drivers/simulated", "protocols"}},
      {"daemon/analysis", {"protocols"}},
      {"daemon/recording", {"daemon/analysis", "protocols", "drivers/device.hpp", "drivers/result.hpp"}},
      {"daemon/simulation", {"firmware/neurons", "daemon/analysis", "daemon/recording", "protocols/units.hpp"}},
      {"daemon/calibration",
       {"daemon/experiment", "drivers/current_clamp/words.hpp", "drivers/device.hpp", "drivers/result.hpp",
        "protocols"}},
      {"daemon/figures", {"daemon/experiment", "drivers/result.hpp", "protocols"}},
      {"daemon/page", {}},
      {"daemon/report",
       {"daemon/page", "daemon/analysis", "daemon/experiment", "daemon/recording", "drivers/device.hpp",
        "drivers/result.hpp", "protocols"}},
      {"daemon/experiment",
       {"daemon/acquisition", "daemon/analysis", "drivers/device.hpp", "drivers/result.hpp", "protocols"}},
  };
  return allowed;
}

bool begins(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}
bool ends(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}
bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool is_cpp(std::string_view file) {
  return ends(file, ".cpp") || ends(file, ".hpp");
}
bool is_script(std::string_view file) {
  return ends(file, ".py") || ends(file, ".ts") || ends(file, ".mjs");
}
bool is_test(std::string_view file) {
  return begins(file, "tests/");
}

/// UTF-8 bytes that begin a character.
std::size_t characters(std::string_view line) {
  return static_cast<std::size_t>(
      std::count_if(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Whether `word` stands alone in the line, not as a part of a longer word.
bool has_word(std::string_view line, std::string_view word) {
  for (std::size_t at = line.find(word); at != std::string_view::npos; at = line.find(word, at + 1)) {
    const bool free_before = at == 0 || !is_word_character(line[at - 1]);
    const std::size_t end = at + word.size();
    if (free_before && (end == line.size() || !is_word_character(line[end]))) return true;
  }
  return false;
}

/// Whether a list of sources names this file, not a longer path that ends like it.
bool names_file(std::string_view list, std::string_view file) {
  for (std::size_t at = list.find(file); at != std::string_view::npos; at = list.find(file, at + 1)) {
    if (at == 0 || (!is_word_character(list[at - 1]) && list[at - 1] != '/')) return true;
  }
  return false;
}

/// The text between the quotes or angles of an #include; empty if the line is none.
std::string_view included(std::string_view line, char open, char close) {
  const std::size_t hash = line.find_first_not_of(' ');
  if (hash == std::string_view::npos || !begins(line.substr(hash), "#include")) return {};
  const std::size_t begin = line.find(open);
  const std::size_t end = line.find(close, begin + 1);
  if (begin == std::string_view::npos || end == std::string_view::npos) return {};
  return line.substr(begin + 1, end - begin - 1);
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

std::string room_of(std::string_view file) {
  if (is_test(file)) return "tests";
  std::string best;
  for (const auto& [room, allowed] : arrows()) {
    if (begins(file, room + "/") && room.size() > best.size()) best = room;
  }
  if (best.empty() && begins(file, "daemon/thyrode") && file.find('/', 7) == std::string_view::npos) return "programs";
  return best;
}

std::string judge_include(std::string_view file, std::string_view target) {
  if (!contains(target, "/")) return "an include is written from the repository root";
  const std::string from = room_of(file);
  const std::string to = room_of(target);
  if (from.empty()) return "this file lies in no room";
  if (to.empty()) return "\"" + std::string(target) + "\" lies in no room";
  if (from == "tests" || from == to) return {};
  if (to == "tests") return "nothing includes tests";
  if (from == "programs") return {};
  for (const std::string& allowed : arrows().at(from)) {
    if (allowed == to || allowed == target) return {};
  }
  return from + " may not include \"" + std::string(target) + "\"";
}

std::string judge_system_include(std::string_view file, std::string_view target) {
  static const std::set<std::string_view> heap = {"any",        "deque",    "exception",     "forward_list",  "fstream",
                                                  "functional", "future",   "iostream",      "list",          "locale",
                                                  "map",        "memory",   "mutex",         "ostream",       "queue",
                                                  "regex",      "set",      "sstream",       "stdexcept",     "string",
                                                  "thread",     "typeinfo", "unordered_map", "unordered_set", "vector"};
  const std::string room = room_of(file);
  if ((room == "protocols" || room == "firmware/core") && heap.contains(target)) {
    return "<" + std::string(target) + "> brings heap or exceptions into " + room;
  }
  if (begins(target, "boost/asio") && file != "drivers/asio.hpp" && room != "tests") {
    return "Boost.Asio is included through drivers/asio.hpp";
  }
  static const std::set<std::string_view> unreadable = {"expected", "format", "ranges"};
  if (unreadable.contains(target)) return "<" + std::string(target) + "> is not read by every compiler of this project";
  return {};
}

std::vector<std::string> judge_line(std::string_view file, std::string_view line) {
  Strings wrong;
  if ((is_cpp(file) || is_script(file)) && characters(line) > longest_line) {
    wrong.push_back("longer than " + std::to_string(longest_line) + " characters");
  }
  for (const std::string_view word : {"TODO", "FIXME", "XXX", "HACK"}) {
    if (has_word(line, word)) wrong.push_back(std::string(word) + " is not finished work");
  }
  for (const std::string_view place : {"/home/", "/root/", "/work/", "/Users/"}) {
    if (contains(line, place)) wrong.push_back("a path of one machine: " + std::string(place));
  }
  if (is_test(file) && (is_cpp(file) || is_script(file))) {
    for (const std::string_view word : {"sleep", "sleep_for", "sleep_until", "usleep", "nanosleep"}) {
      if (has_word(line, word)) wrong.push_back("a test sets the time, it does not " + std::string(word));
    }
    for (const std::string_view word :
         {"DISABLED_", "GTEST_SKIP", "pytest.mark.skip", "unittest.skip", "test.skip", "waitForTimeout"}) {
      if (contains(line, word)) wrong.push_back("a test that is off is no test: " + std::string(word));
    }
  }
  if (is_cpp(file)) {
    if (const auto target = included(line, '"', '"'); !target.empty()) {
      if (std::string message = judge_include(file, target); !message.empty()) wrong.push_back(std::move(message));
    }
    if (const auto target = included(line, '<', '>'); !target.empty()) {
      if (std::string message = judge_system_include(file, target); !message.empty()) {
        wrong.push_back(std::move(message));
      }
    }
  }
  return wrong;
}

std::vector<std::string> judge_file(std::string_view file, std::string_view text) {
  Strings complaints;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    ++number;
    for (const std::string& wrong : judge_line(file, text.substr(at, end - at))) {
      complaints.push_back(std::string(file) + ":" + std::to_string(number) + ": " + wrong);
    }
    at = end + 1;
  }
  return complaints;
}

std::vector<std::string> unlisted_sources(const std::filesystem::path& root, const std::vector<std::string>& files) {
  // A list names a source from its own folder, or, for a source of another folder, from the root.
  std::map<std::string, std::string> lists;
  std::string all;
  for (const std::string& file : files) {
    if (std::filesystem::path(file).filename() != "CMakeLists.txt") continue;
    const std::string text = read(root / file);
    lists[std::filesystem::path(file).parent_path().generic_string()] = text;
    all += text;
  }
  Strings unlisted;
  for (const std::string& file : files) {
    if (!ends(file, ".cpp") && !ends(file, ".ts") && !ends(file, ".css")) continue;
    bool listed = contains(all, "/" + file);
    for (const auto& [folder, text] : lists) {
      const std::string prefix = folder.empty() ? "" : folder + "/";
      if (begins(file, prefix)) listed = listed || names_file(text, std::string_view(file).substr(prefix.size()));
    }
    if (!listed) unlisted.push_back(file + ": listed in no CMakeLists.txt");
  }
  return unlisted;
}

std::vector<std::string> names_without_source(std::string_view page, std::string_view sources) {
  std::set<std::string> missing;
  for (std::size_t at = page.find("()"); at != std::string_view::npos; at = page.find("()", at + 1)) {
    std::size_t begin = at;
    while (begin > 0 && (is_word_character(page[begin - 1]) || page[begin - 1] == ':')) --begin;
    std::string_view name = page.substr(begin, at - begin);
    // Each part of Type::name has to be there.
    while (!name.empty()) {
      const std::size_t colon = std::min(name.find(':'), name.size());
      const std::string_view part = name.substr(0, colon);
      if (!part.empty() && !has_word(sources, part)) missing.insert(std::string(part));
      name = name.substr(std::min(colon + 1, name.size()));
    }
  }
  return {missing.begin(), missing.end()};
}

std::vector<std::string> files_of(const std::filesystem::path& root) {
  static constexpr std::array rooms = {"protocols", "firmware", "drivers", "daemon", "tests", "experiments", "docs"};
  static const std::set<std::string> text = {".cpp",  ".hpp", ".py", ".md",  ".txt", ".yaml",
                                             ".json", ".sh",  ".ts", ".mjs", ".css"};
  Strings files;
  for (const char* room : rooms) {
    if (!std::filesystem::exists(root / room)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / room)) {
      if (!entry.is_regular_file() || !text.contains(entry.path().extension().string())) continue;
      files.push_back(entry.path().lexically_relative(root).generic_string());
    }
  }
  for (const char* name : {"dev", ".ci/run", "CMakeLists.txt", "CMakePresets.json", "README.md", "CHANGELOG.md"}) {
    if (std::filesystem::exists(root / name)) files.emplace_back(name);
  }
  // The rules name what they forbid, and so does their test.
  std::erase_if(files, [](const std::string& file) { return begins(file, "tests/tidy/") && is_cpp(file); });
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace thyrode::tidy
