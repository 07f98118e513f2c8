// An ELF file of a 32-bit chip: its sections and its symbols, as far as tests ask for them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace thyrode::test {

struct Section {
  std::string name;
  std::uint32_t address = 0;
  std::uint32_t load = 0;  ///< where its bytes lie in flash; the address itself if they are not copied
  std::uint32_t size = 0;
  bool in_memory = false;  ///< takes addresses of the chip
  bool has_bytes = false;  ///< is written to flash
};

struct ElfImage {
  std::string trouble;  ///< why the file could not be read; else empty
  std::vector<Section> sections;
  std::map<std::string, std::uint32_t> symbols;
  std::vector<std::uint8_t> vectors;  ///< bytes of the section .vectors

  const Section* find(const std::string& name) const;
  /// Bytes of flash: everything that has bytes.
  std::uint32_t flash() const;
  /// Bytes of RAM: everything at RAM addresses, the stack included.
  std::uint32_t ram() const;
};

/// Reads an ELF file. Never throws; `trouble` says what is wrong.
ElfImage read_elf(const std::string& path);

}  // namespace thyrode::test
