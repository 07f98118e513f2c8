// Every message of the wire, described once for host and firmware: a struct, its type byte, and the list of its fields
// in wire order: messages_down.hpp and messages_up.hpp. encode(), decode() and the schema hash are made from that list.
// wire.md is the same table for people; a test compares the two.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "protocols/decoded.hpp"
#include "protocols/framing.hpp"
#include "protocols/messages_down.hpp"
#include "protocols/messages_up.hpp"
#include "protocols/sequence.hpp"
#include "protocols/time.hpp"
#include "protocols/words.hpp"

namespace thyrode::protocol {

/// All messages, in the order of wire.md.
template <class Visitor>
constexpr void for_each_message(Visitor&& visit) {
  visit(Hello{}), visit(Describe{}), visit(GetClock{}), visit(Heartbeat{}), visit(Grant{}), visit(Arm{}),
      visit(Start{}), visit(Stop{}), visit(EmergencyStop{}), visit(Clear{}), visit(Schedule{}),
      visit(ConfigureDetector{}), visit(ConfigureTelemetry{}), visit(ConfigureLimits{}), visit(ConfigureLease{}),
      visit(ConfigureSnippets{}), visit(SetBaud{}), visit(DescribePart{}), visit(SetPart{}), visit(Pulse{}),
      visit(ConfigureCharge{}), visit(ConfigurePlausibility{}), visit(GetStatus{}), visit(GetTrace{}), visit(Ack{}),
      visit(Ident{}), visit(ChannelInfo{}), visit(ClockReply{}), visit(PartInfo{}), visit(DeviceStatus{}),
      visit(TracePart{}), visit(SampleBlock{}), visit(SpikeBlock{}), visit(LevelRecord{}), visit(CurrentBlock{}),
      visit(StepApplied{}), visit(Mark{}), visit(SnippetBlock{}), visit(Fault{}), visit(Health{}), visit(Edge{});
}

}  // namespace thyrode::protocol
