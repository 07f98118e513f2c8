// Names that follow from the seed: the same run gives the same object_id everywhere in the file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace thyrode::recording {

/// UUID version 5 (SHA-1 of a namespace and a name) of an object of a recording.
/// @param seed  seed of the run
/// @param path  path of the object in the file, "/acquisition/V_out_A"
/// @returns 36 characters, lower case. The name that is hashed is "SEED:PATH"; the namespace is the UUID version 5
///          of the DNS name "thyrode.recording".
/// Source: RFC 4122, section 4.3.
std::string object_id(std::uint64_t seed, std::string_view path);

/// UUID version 5 of a name in a namespace given by its 16 bytes.
std::string uuid5(const unsigned char (&space)[16], std::string_view name);

/// SHA-1 of bytes, 40 hexadecimal digits. Source: FIPS 180-4.
std::string sha1_hex(std::string_view bytes);

}  // namespace thyrode::recording
