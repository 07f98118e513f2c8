#include "daemon/recording/run_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>
#include <string_view>

#include "daemon/recording/part_mark.hpp"

namespace thyrode::recording {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view ending = ".nwb";
constexpr std::string_view part_ending = ".part";

std::string_view without(std::string_view text, std::string_view end) {
  return text.ends_with(end) ? text.substr(0, text.size() - end.size()) : text;
}

std::string folder_of(const std::string& path) {
  const fs::path folder = fs::path{path}.parent_path();
  return folder.empty() ? "." : folder.string();
}

/// Finished or not, whichever is there and of this run.
std::optional<RunFile> find(const std::string& name, int number, const PartMark& of) {
  for (const bool unfinished : {false, true}) {
    const std::string path = unfinished ? name + std::string{part_ending} : name;
    std::error_code error;
    if (!fs::exists(path, error)) continue;
    const auto mark = read_part_mark(path);
    if (mark && mark->run_id == of.run_id && mark->number == number)
      return RunFile{path, number, mark->first, unfinished};
  }
  return std::nullopt;
}

}  // namespace

std::string name_of_part(const std::string& first, int number) {
  if (number <= 1) return first;
  const std::string stem{without(first, ending)};
  return fmt::format("{}.{}{}", stem, number, stem.size() < first.size() ? ending : std::string_view{});
}

Result<std::vector<RunFile>> files_of_run(const std::string& path) {
  const auto own = read_part_mark(path);
  if (!own) return tl::make_unexpected(own.error());
  const RunFile self{path, own->number, own->first, path.ends_with(part_ending)};
  if (own->run_id.empty()) return std::vector{self};
  const std::string first = (fs::path{path}.parent_path() / own->first_file).string();
  std::vector<RunFile> files;
  for (int number = 1;; ++number) {
    const auto found = number == own->number ? self : find(name_of_part(first, number), number, *own);
    if (found) files.push_back(*found);
    if (!found && number > own->number) return files;
  }
}

std::string taken_later_name(const std::string& first) {
  const std::string beginning = fs::path{std::string{without(first, ending)}}.filename().string() + ".";
  const std::string_view end = first.ends_with(ending) ? ending : std::string_view{};
  std::vector<std::string> taken;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator{folder_of(first), error}) {
    const std::string name = entry.path().filename().string();
    const std::string_view whole = without(name, part_ending);
    if (!whole.starts_with(beginning) || !whole.ends_with(end) || whole.size() <= beginning.size() + end.size())
      continue;
    const std::string_view number = whole.substr(beginning.size(), whole.size() - beginning.size() - end.size());
    if (std::all_of(number.begin(), number.end(), [](unsigned char c) { return std::isdigit(c) != 0; }))
      taken.push_back(entry.path().string());
  }
  return taken.empty() ? std::string{} : *std::min_element(taken.begin(), taken.end());
}

}  // namespace thyrode::recording
