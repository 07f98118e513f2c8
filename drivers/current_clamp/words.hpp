// What the device answers and latches, in words for people.
#pragma once

#include <string>

#include "protocols/messages.hpp"

namespace thyrode {

/// Why a command was refused, to follow "the device refuses it: ".
const char* to_string(protocol::Status status);
/// The fault with what to do next.
std::string describe(protocol::FaultCode code);

}  // namespace thyrode
