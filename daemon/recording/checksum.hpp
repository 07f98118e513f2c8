// The checksum that HDF5 keeps of its own metadata. Private to this room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace thyrode::recording {

/// Checksum of bytes; 32 bits.
/// @param start  0, or the checksum of what comes before
/// Source: Bob Jenkins, lookup3.c (2006, public domain), hashlittle(); HDF5 File Format Specification 3.0, section III:
/// the checksum of a superblock of version 2 and 3 is that of all bytes before it.
std::uint32_t lookup3(std::span<const std::byte> bytes, std::uint32_t start);

}  // namespace thyrode::recording
