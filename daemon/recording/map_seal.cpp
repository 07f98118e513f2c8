#include "daemon/recording/map_seal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/crc.hpp>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include "daemon/recording/hdf5.hpp"
#include "daemon/recording/map_file.hpp"

namespace thyrode::recording {
namespace {

using Block = std::array<char, map_seal_bytes>;

constexpr std::string_view schema_prefix = "thyrode.map/";
constexpr std::string_view hdf5_signature = "\x89HDF\r\n\x1a\n";
// The last line of the seal; its digits count as zeros in the sum.
constexpr std::string_view crc_key = "crc32 ";
constexpr std::size_t crc_digits = 8;

struct Seal {
  std::uint64_t size = 0;  // of the file
  std::vector<ByteRange> changing;
  std::string crc;  // hexadecimal
};

std::string text_of(const Seal& seal) {
  std::string text =
      fmt::format("{}\nThe HDF5 file begins at byte {}.\nsize {}\n", map_schema, map_seal_bytes, seal.size);
  for (const ByteRange& range : seal.changing) text += fmt::format("changing {} {}\n", range.begin, range.count);
  return text + std::string{crc_key} + seal.crc + "\n";
}

Block block_of(const Seal& seal) {
  const std::string text = text_of(seal);
  Block block{};
  if (text.size() > block.size()) raise(ErrorKind::run_failed, "the seal of a map has too many ranges");
  std::copy(text.begin(), text.end(), block.begin());
  return block;
}

/// The block read as a seal; nothing unless it is, byte for byte, what this version writes for it.
std::optional<Seal> parse(const Block& block) {
  std::istringstream text{std::string{block.data(), block.size()}};
  std::string line;
  Seal seal;
  while (std::getline(text, line)) {
    std::istringstream words{line};
    std::string key;
    words >> key;
    if (key == "size") words >> seal.size;
    if (key == "changing") words >> seal.changing.emplace_back().begin >> seal.changing.back().count;
    if (key == "crc32") words >> seal.crc;
    if (seal.changing.size() > map_seal_bytes / 16) return std::nullopt;
  }
  if (seal.crc.size() != crc_digits || text_of(seal).size() > block.size() || block_of(seal) != block) {
    return std::nullopt;
  }
  std::uint64_t at = map_seal_bytes;
  for (const ByteRange& range : seal.changing) {
    if (range.begin < at || range.begin > seal.size || range.count > seal.size - range.begin) return std::nullopt;
    at = range.begin + range.count;
  }
  return seal;
}

/// The sum over the seal and all bytes that do not change; nothing if the file ends before.
std::optional<std::string> crc_of(std::istream& file, Seal seal) {
  boost::crc_32_type crc;
  seal.crc.assign(crc_digits, '0');
  const Block block = block_of(seal);
  crc.process_bytes(block.data(), block.size());
  std::array<char, 65536> buffer;
  std::uint64_t at = map_seal_bytes;
  const auto add = [&](std::uint64_t end) {
    file.seekg(static_cast<std::streamoff>(at));
    while (at < end && file) {
      const auto count = std::min<std::uint64_t>(buffer.size(), end - at);
      file.read(buffer.data(), static_cast<std::streamsize>(count));
      crc.process_bytes(buffer.data(), static_cast<std::size_t>(file.gcount()));
      at += count;
    }
  };
  for (const ByteRange& range : seal.changing) {
    add(range.begin);
    at = range.begin + range.count;
  }
  add(seal.size);
  if (!file) return std::nullopt;
  return fmt::format("{:0{}x}", crc.checksum(), crc_digits);
}

std::uint64_t size_of(std::istream& file) {
  file.seekg(0, std::ios::end);
  const auto size = file.tellg();
  file.seekg(0);
  return size < 0 ? 0 : static_cast<std::uint64_t>(size);
}

}  // namespace

void seal_map(const std::string& path, std::span<const ByteRange> changing) {
  std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
  Seal seal{size_of(file), {changing.begin(), changing.end()}, std::string(crc_digits, '0')};
  const auto crc = crc_of(file, seal);
  if (crc) {
    seal.crc = *crc;
    const Block block = block_of(seal);
    file.seekp(0);
    file.write(block.data(), block.size());
    file.flush();
  }
  if (!crc || !file) raise(ErrorKind::run_failed, path + ": cannot be sealed; check the disk, then run again");
}

bool looks_sealed(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::array<char, map_seal_bytes + hdf5_signature.size()> head{};
  file.read(head.data(), head.size());
  const std::string_view read{head.data(), static_cast<std::size_t>(file.gcount())};
  return read.starts_with(schema_prefix) ||
         (read.size() == head.size() && read.substr(map_seal_bytes) == hdf5_signature);
}

void check_seal(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  const std::uint64_t size = size_of(file);
  Block block{};
  file.read(block.data(), block.size());
  const std::string_view text{block.data(), block.size()};
  const std::string_view schema = text.substr(0, std::min(text.find('\n'), std::size_t{24}));
  const bool other = schema.starts_with(schema_prefix) && schema != map_schema &&
                     schema.find_first_not_of("0123456789", schema_prefix.size()) == std::string_view::npos;
  if (other) {
    raise(ErrorKind::bad_input, fmt::format("{}: its schema is {}, this version reads {}; use the version of thyrode "
                                            "that made it",
                                            path, schema, map_schema));
  }
  const auto seal = file ? parse(block) : std::nullopt;
  if (!seal || seal->size != size || crc_of(file, *seal) != seal->crc) {
    raise(
        ErrorKind::bad_input,
        fmt::format("{}: damaged or cut short: its bytes are not those that were sealed when the map was begun; use a "
                    "copy of it, or remove it and compute it again",
                    path));
  }
}

}  // namespace thyrode::recording
