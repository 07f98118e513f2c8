// The rules of the house that a compiler does not know: which room may include which, which file belongs to no target,
// and what may not be written. Each rule answers with what is wrong, or with nothing.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace thyrode::tidy {

/// The room of a file: "protocols", "firmware/boards/native", "daemon/analysis" ...; a program of the daemon folder
/// itself and the tests are rooms too. Empty for a file outside every room.
/// @param file  path from the repository root
std::string room_of(std::string_view file);

/// Judges one `#include "..."` of a file.
/// @param file    path from the repository root of the file that includes
/// @param target  what it includes, as written
/// @returns what is wrong, or ""
std::string judge_include(std::string_view file, std::string_view target);

/// Judges one `#include <...>`: no heap or exceptions in protocols and firmware/core, Asio through its one door.
std::string judge_system_include(std::string_view file, std::string_view target);

/// Judges one line of text in a file of the given path.
/// @returns what is wrong with it, each a phrase
std::vector<std::string> judge_line(std::string_view file, std::string_view line);

/// The complaints about one file: "path:line: what is wrong".
std::vector<std::string> judge_file(std::string_view file, std::string_view text);

/// Sources that no CMakeLists.txt among the files lists.
/// @param root   the repository
/// @param files  all files, from the root
std::vector<std::string> unlisted_sources(const std::filesystem::path& root, const std::vector<std::string>& files);

/// Functions that a page names, as `name()` or `Type::name()`, and that no source has.
/// @param page     the text of the page
/// @param sources  the text of all sources
std::vector<std::string> names_without_source(std::string_view page, std::string_view sources);

/// Every text file of the rooms and of the root folder, sorted, from the root; builds and data are left out.
std::vector<std::string> files_of(const std::filesystem::path& root);

}  // namespace thyrode::tidy
