#include "tests/firmware/elf_image.hpp"

#include <elf.h>

#include <cstring>
#include <fstream>
#include <iterator>

namespace thyrode::test {
namespace {

constexpr std::uint32_t ram_start = 0x20000000;
constexpr std::uint32_t ram_end = 0x20020000;

template <class T>
bool read_at(const std::vector<std::uint8_t>& bytes, std::size_t offset, T& out) {
  if (offset + sizeof(T) > bytes.size()) return false;
  std::memcpy(&out, bytes.data() + offset, sizeof(T));
  return true;
}

std::string text_at(const std::vector<std::uint8_t>& bytes, std::size_t offset) {
  std::string text;
  for (; offset < bytes.size() && bytes[offset] != 0; ++offset) text += static_cast<char>(bytes[offset]);
  return text;
}

/// Where the bytes of an address are loaded, by the segments.
std::uint32_t load_address(const std::vector<std::uint8_t>& bytes, const Elf32_Ehdr& header, std::uint32_t address) {
  for (std::size_t k = 0; k < header.e_phnum; ++k) {
    Elf32_Phdr segment;
    if (!read_at(bytes, header.e_phoff + k * sizeof segment, segment) || segment.p_type != PT_LOAD) continue;
    if (address >= segment.p_vaddr && address < segment.p_vaddr + segment.p_memsz) {
      return segment.p_paddr + (address - segment.p_vaddr);
    }
  }
  return address;
}

void read_symbols(const std::vector<std::uint8_t>& bytes, const Elf32_Shdr& table, const Elf32_Shdr& names,
                  std::map<std::string, std::uint32_t>& symbols) {
  for (std::size_t at = 0; at + sizeof(Elf32_Sym) <= table.sh_size; at += sizeof(Elf32_Sym)) {
    Elf32_Sym symbol;
    if (!read_at(bytes, table.sh_offset + at, symbol)) return;
    symbols[text_at(bytes, names.sh_offset + symbol.st_name)] = symbol.st_value;
  }
}

}  // namespace

const Section* ElfImage::find(const std::string& name) const {
  for (const Section& section : sections) {
    if (section.name == name) return &section;
  }
  return nullptr;
}

std::uint32_t ElfImage::flash() const {
  std::uint32_t sum = 0;
  for (const Section& section : sections) sum += section.has_bytes ? section.size : 0;
  return sum;
}

std::uint32_t ElfImage::ram() const {
  std::uint32_t sum = 0;
  for (const Section& section : sections) {
    if (section.in_memory && section.address >= ram_start && section.address < ram_end) sum += section.size;
  }
  return sum;
}

ElfImage read_elf(const std::string& path) {
  ElfImage image;
  std::ifstream file(path, std::ios::binary);
  if (!file) return {path + " is not there: run ./dev firmware", {}, {}, {}};
  const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  Elf32_Ehdr header;
  if (!read_at(bytes, 0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS32 || header.e_machine != EM_ARM) {
    return {path + " is no ELF file of a 32-bit ARM", {}, {}, {}};
  }
  std::vector<Elf32_Shdr> headers(header.e_shnum);
  for (std::size_t k = 0; k < headers.size(); ++k) {
    if (!read_at(bytes, header.e_shoff + k * sizeof(Elf32_Shdr), headers[k])) return {path + " is cut", {}, {}, {}};
  }
  for (const Elf32_Shdr& entry : headers) {
    const std::string name = text_at(bytes, headers[header.e_shstrndx].sh_offset + entry.sh_name);
    const bool in_memory = (entry.sh_flags & SHF_ALLOC) != 0;
    image.sections.push_back({name, entry.sh_addr, load_address(bytes, header, entry.sh_addr), entry.sh_size, in_memory,
                              in_memory && entry.sh_type != SHT_NOBITS});
    if (entry.sh_type == SHT_SYMTAB && entry.sh_link < headers.size()) {
      read_symbols(bytes, entry, headers[entry.sh_link], image.symbols);
    }
    if (name == ".vectors" && entry.sh_offset + entry.sh_size <= bytes.size()) {
      const auto begin = bytes.begin() + entry.sh_offset;
      image.vectors.assign(begin, begin + entry.sh_size);
    }
  }
  return image;
}

}  // namespace thyrode::test
