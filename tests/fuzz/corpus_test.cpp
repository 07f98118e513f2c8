// Runs one fuzz entry over its corpus without a fuzzer: each file as it is, each of its beginnings, and each with one
// byte changed. A failure ends the program, as it would end the fuzzer.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

std::vector<Bytes> corpus() {
  std::vector<Bytes> files;
  for (const auto& entry : std::filesystem::directory_iterator(THYRODE_CORPUS)) {
    std::ifstream file(entry.path(), std::ios::binary);
    files.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return files;
}

TEST(Corpus, IsNotEmpty) {
  EXPECT_GE(corpus().size(), 5U) << THYRODE_CORPUS;
}

TEST(Corpus, EveryFilePasses) {
  for (const Bytes& file : corpus()) EXPECT_EQ(LLVMFuzzerTestOneInput(file.data(), file.size()), 0);
}

TEST(Corpus, EveryBeginningOfAFilePasses) {
  for (const Bytes& file : corpus()) {
    for (std::size_t size = 0; size < file.size(); ++size) {
      // A copy of exactly this size, so that reading past the end is seen.
      const Bytes beginning(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_EQ(LLVMFuzzerTestOneInput(beginning.data(), beginning.size()), 0);
    }
  }
}

TEST(Corpus, EveryFileWithOneByteChangedPasses) {
  for (const Bytes& file : corpus()) {
    for (std::size_t at = 0; at < file.size(); ++at) {
      for (const int change : {0x01, 0x80, 0xFF}) {
        Bytes changed = file;
        changed[at] = static_cast<std::uint8_t>(changed[at] ^ change);
        EXPECT_EQ(LLVMFuzzerTestOneInput(changed.data(), changed.size()), 0);
      }
    }
  }
}

}  // namespace
