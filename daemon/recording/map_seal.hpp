// The seal of a map: what tells a whole file from a damaged one before the HDF5 library looks at it. The library trusts
// what it reads and may crash on bytes that nobody wrote. Private to this room; everything throws Failure.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace thyrode::recording {

/// The seal lies in so many bytes before those of the library, in a user block as HDF5 calls it.
inline constexpr std::uint64_t map_seal_bytes = 512;

/// Bytes of a file.
struct ByteRange {
  std::uint64_t begin = 0;
  std::uint64_t count = 0;
};

/// Seals a file that was made with room for it: notes its length, the ranges that will change and a CRC-32 over all
/// other bytes, the seal included. These hold the structure of the file, its axes and its description. The ranges hold
/// the numbers of the points, which the structure gives their types: a flipped bit there is a wrong number and no more.
/// @param changing  ranges of the file, rising, apart from each other; some ten at most
/// Errors: run_failed, the disk.
void seal_map(const std::string& path, std::span<const ByteRange> changing);

/// Whether a file begins as maps do, damaged or not.
bool looks_sealed(const std::string& path);

/// Reads the file once, but for the numbers of the points.
/// Errors: bad_input: another version; damaged or cut short.
void check_seal(const std::string& path);

}  // namespace thyrode::recording
