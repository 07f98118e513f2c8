#include "daemon/recording/superblock.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>

#include "daemon/recording/checksum.hpp"
#include "daemon/recording/hdf5.hpp"

namespace thyrode::recording {
namespace {

constexpr std::array<unsigned char, 9> signature_and_version{0x89, 'H', 'D', 'F', '\r', '\n', 0x1A, '\n', 3};
constexpr std::size_t flags_at = 11;
constexpr std::size_t end_at = 28;
constexpr std::size_t checksum_at = 44;
constexpr std::size_t superblock_bytes = 48;

using Superblock = std::array<std::byte, superblock_bytes>;

std::uint32_t checksum_of(const Superblock& block) {
  return lookup3(std::span{block}.first(checksum_at), 0);
}

template <class T>
T number_at(const Superblock& block, std::size_t at) {
  T value{};
  std::memcpy(&value, block.data() + at, sizeof(value));
  return value;
}

template <class T>
void put(Superblock& block, std::size_t at, T value) {
  std::memcpy(block.data() + at, &value, sizeof(value));
}

}  // namespace

bool died_in_the_making(const std::string& path) {
  // Flags of the superblock: 1 is open for writing, 4 is open for readers too.
  constexpr std::byte open_for_writing{1};
  std::ifstream file{path, std::ios::binary};
  Superblock block{};
  file.read(reinterpret_cast<char*>(block.data()), block.size());
  if (file.gcount() < static_cast<std::streamsize>(block.size()) || block == Superblock{}) return true;
  return std::memcmp(block.data(), signature_and_version.data(), 9) == 0 && block[flags_at] == open_for_writing;
}

void mark_closed(const std::string& path) {
  std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
  Superblock block{};
  file.read(reinterpret_cast<char*>(block.data()), block.size());
  const bool ours = file.good() && std::memcmp(block.data(), signature_and_version.data(), 9) == 0;
  if (!ours || number_at<std::uint32_t>(block, checksum_at) != checksum_of(block)) {
    raise(ErrorKind::bad_input,
          fmt::format("{}: not a recording, or its first bytes are damaged: use a copy of it, if there is one", path));
  }
  if (block[flags_at] == std::byte{0}) return;
  block[flags_at] = std::byte{0};
  put(block, end_at, static_cast<std::uint64_t>(std::filesystem::file_size(path)));
  put(block, checksum_at, checksum_of(block));
  file.seekp(0);
  file.write(reinterpret_cast<const char*>(block.data()), block.size());
  file.close();
  if (!file) raise(ErrorKind::run_failed, fmt::format("{}: cannot be written: check the disk", path));
}

}  // namespace thyrode::recording
