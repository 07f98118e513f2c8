#include "daemon/experiment/load/source.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace thyrode::load {

std::string place_text(std::string_view file_name, Position position) {
  return fmt::format("{}:{}:{}", file_name, position.line, position.column);
}

std::string Source::at(std::string_view path) const {
  while (true) {
    if (const auto found = places.find(path); found != places.end()) return place_text(file_name, found->second);
    const std::size_t cut = path.find_last_of(".[");
    if (cut == std::string_view::npos) return place_text(file_name, Position{});
    path = path.substr(0, cut);
  }
}

tl::unexpected<Error> Source::error(std::string_view path, std::string_view message) const {
  return fail(ErrorKind::bad_input, fmt::format("{}: {}", at(path), message));
}

Result<std::string> read_text_file(const std::string& path, const TextFile& what) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorKind::bad_input, fmt::format("{}: cannot be read: {}", path, why));
  };
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) return refuse("no such file; check the path");
  if (error) return refuse(error.message());
  if (std::filesystem::is_directory(status))
    return refuse(fmt::format("it is a directory; name a {} in it", what.name));
  // A pipe or a device could block for ever or never end.
  if (!std::filesystem::is_regular_file(status))
    return refuse(fmt::format("it is not a regular file; name a {}", what.name));
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return refuse(errno != 0 ? std::strerror(errno) : "it cannot be opened");
  std::string text(what.most + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return refuse(errno != 0 ? std::strerror(errno) : "the disk failed");
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > what.most) {
    return refuse(fmt::format("it has {} bytes, more than the {} ({} MiB) that a {} may have; {}",
                              std::filesystem::file_size(path, error), what.most, what.most >> 20U, what.name,
                              what.advice));
  }
  return text;
}

}  // namespace thyrode::load
