// What a board offers beside its converters: another rate of the link, a trigger, its health; and what it may lack.
#include <gtest/gtest.h>

#include <map>

#include "tests/unit/core/rig.hpp"

namespace thyrode::firmware {
namespace {

using namespace protocol;

/// A board with other capabilities.
class PickyBoard : public FakeBoard {
 public:
  explicit PickyBoard(std::uint32_t capabilities) : FakeBoard{1, true}, capabilities_{capabilities} {}
  Ident identify() const noexcept {
    Ident ident = FakeBoard::identify();
    ident.capabilities = capabilities_;
    return ident;
  }
  Health health() noexcept { return {Sample{}, ResetCause::crash, 27, 41500, 900, 5000}; }

 private:
  std::uint32_t capabilities_;
};

template <class Message>
void put(FakeBoard& board, const Message& message, std::uint8_t sequence) {
  std::array<std::uint8_t, max_payload_up> payload;
  std::array<std::uint8_t, max_frame_bytes> frame;
  const std::size_t size = encode(message, payload);
  const std::size_t bytes = write_frame(Message::type, sequence, {payload.data(), size}, frame);
  board.inbox.insert(board.inbox.end(), frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(bytes));
}

/// Everything of one kind that a board has sent.
template <class Message>
std::vector<Message> sent(const FakeBoard& board) {
  std::vector<Message> found;
  FrameReader reader;
  std::span<const std::uint8_t> bytes{board.outbox};
  while (!bytes.empty()) {
    if (!reader.push(bytes) || !reader.frame() || reader.frame()->type != Message::type) continue;
    const auto message = decode<Message>(reader.frame()->payload);
    if (message) found.push_back(*message);
  }
  return found;
}

TEST(BoardServices, RefuseToArmABoardThatLacksItsClockOrItsConverters) {
  for (const std::uint32_t missing : {std::uint32_t{0}, std::uint32_t{lacks_clock}, std::uint32_t{lacks_converters}}) {
    PickyBoard board{can_snippets | missing};
    Instrument<PickyBoard, 1> core{board};
    core.tested();
    put(board, Arm{}, 1);
    core.poll();
    const auto acks = sent<Ack>(board);
    ASSERT_EQ(acks.size(), 1U);
    EXPECT_EQ(acks[0].status, missing == 0 ? Status::done : Status::unfit);
    EXPECT_EQ(core.state(), missing == 0 ? State::armed : State::boot);
  }
}

TEST(BoardServices, TellTheHealthOnceASecond) {
  PickyBoard board{can_snippets};
  Instrument<PickyBoard, 1> core{board};
  const std::array<StretchCodes, 1> nothing{};
  for (std::int64_t at = 0; at < 600000; at += 2500) {
    core.on_stretch(Sample{at}, Sample{at + 100}, 50, nothing);
    core.poll();
  }
  const auto told = sent<Health>(board);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0], (Health{Sample{250000}, ResetCause::crash, 27, 41500, 900, 5000}));
  EXPECT_EQ(told[1].at, Sample{500000});
}

TEST(BoardServices, KnowNoRateAndNoPulseWithoutTheCapability) {
  PickyBoard board{can_snippets};
  Instrument<PickyBoard, 1> core{board};
  put(board, SetBaud{2000000}, 1);
  put(board, Pulse{Sample{1000}, 100}, 2);
  core.poll();
  const auto acks = sent<Ack>(board);
  ASSERT_EQ(acks.size(), 2U);
  EXPECT_EQ(acks[0].status, Status::unknown);
  EXPECT_EQ(acks[1].status, Status::unknown);
  EXPECT_TRUE(board.pulses.empty());
}

TEST(LinkRate, ChangesAfterTheAnswerHasLeft) {
  Rig rig;
  EXPECT_EQ(rig.ask(SetBaud{1234567}), Status::out_of_range);
  EXPECT_EQ(rig.ask(SetBaud{0}), Status::out_of_range);
  rig.board.accepts = 0;
  rig.send(SetBaud{2000000});
  rig.talk();
  EXPECT_EQ(rig.board.baud, 0U) << "the answer is still here";
  rig.board.accepts = 1000;
  rig.talk();
  EXPECT_EQ(rig.board.baud, 2000000U);
  EXPECT_GT(rig.board.sent_before_baud, 10U);
}

TEST(LinkRate, StaysWhileTheHostIsHeardAndGoesBackWhenItIsNot) {
  Rig rig;
  ASSERT_EQ(rig.ask(SetBaud{2000000}), Status::done);
  rig.run_until(500000);
  EXPECT_EQ(rig.board.baud, 2000000U);
  rig.silent = true;
  rig.run_until(745000);
  EXPECT_EQ(rig.board.baud, 2000000U);
  rig.run_until(752000);
  EXPECT_EQ(rig.board.baud, 0U);
}

TEST(LinkRate, DoesNotChangeWhileCurrentMayFlow) {
  Rig rig;
  rig.start(2500);
  EXPECT_EQ(rig.ask(SetBaud{2000000}), Status::bad_state);
}

TEST(TriggerOutput, TakesAPulseThatLiesAheadAndIsLongEnough) {
  Rig rig;
  rig.run_until(2500);
  const Sample next{2550 + 2 * Rig::block - 50};  // the first without a DAC code
  EXPECT_EQ(rig.ask(Pulse{next - 1, 100}), Status::too_late);
  EXPECT_EQ(rig.ask(Pulse{next, 99}), Status::out_of_range);
  EXPECT_EQ(rig.ask(Pulse{next, 100}), Status::done);
  rig.board.busy = true;
  EXPECT_EQ(rig.ask(Pulse{next + 1000, 100}), Status::queue_full);
  ASSERT_EQ(rig.board.pulses.size(), 1U);
  EXPECT_EQ(rig.board.pulses[0], (std::pair{next, std::uint32_t{100}}));
}

TEST(TriggerInput, IsToldWithItsTick) {
  Rig rig;
  rig.core.edge(Ticks{123456}, 7);
  rig.talk();
  const auto edges = rig.all<Edge>();
  ASSERT_EQ(edges.size(), 1U);
  EXPECT_EQ(edges[0], (Edge{Ticks{123456}, 7}));
}

// 2^32 samples, 4.8 hours, are not a multiple of the ring: a place found by 32 bits of the sample would jump there.
TEST(SnippetRing, GoesOnWhereSamplesNoLongerFit32Bits) {
  Snippets snippets;
  TraceMemory::Fast memory;
  ASSERT_TRUE(snippets.configure({0, 1, 100, 100, 1000}));
  const std::int64_t wrap = std::int64_t{1} << 32;
  std::vector<AdcCode> got;
  for (std::int64_t first = wrap - 500; first < wrap + 500; first += 50) {
    std::array<AdcCode, 50> codes;
    for (std::size_t k = 0; k < codes.size(); ++k) {
      codes[k] = static_cast<AdcCode>((first + static_cast<std::int64_t>(k) - wrap + 1000) & 0xFFF);
    }
    if (first == wrap) snippets.fire(to_ticks(Sample{wrap}), 250000);
    memory.store(Sample{first}, codes);
    snippets.send_due(0, Sample{first}, memory, true, [&got](const SnippetBlock& block) {
      got.insert(got.end(), block.codes.begin(), block.codes.end());
    });
  }
  ASSERT_EQ(got.size(), 200U);
  for (std::size_t k = 0; k < got.size(); ++k) EXPECT_EQ(got[k], 900 + k);
}

// A whole snippet at once would take a chip several blocks.
TEST(SnippetRing, HandsOutOnePartABlockAndLosesNone) {
  Snippets snippets;
  TraceMemory::Fast memory;
  ASSERT_TRUE(snippets.configure({0, 1, 248, 1800, 1000}));
  std::map<std::int64_t, std::vector<AdcCode>> got;
  for (std::int64_t first = 10000; first < 30000; first += 50) {
    std::array<AdcCode, 50> codes;
    for (std::size_t k = 0; k < codes.size(); ++k)
      codes[k] = static_cast<AdcCode>((first + static_cast<int>(k)) & 0xFFF);
    if (first >= 12000 && first < 12200) snippets.fire(to_ticks(Sample{first}), 250000);
    std::size_t parts = 0;
    memory.store(Sample{first}, codes);
    snippets.send_due(0, Sample{first}, memory, true, [&](const SnippetBlock& block) {
      ++parts;
      auto& whole = got[block.spike.count];
      EXPECT_EQ(block.offset, whole.size());
      whole.insert(whole.end(), block.codes.begin(), block.codes.end());
    });
    EXPECT_LE(parts, 1U);
  }
  // The fourth would no longer lie in the ring when its turn comes.
  ASSERT_EQ(got.size(), 3U);
  for (const auto& [spike, codes] : got) {
    ASSERT_EQ(codes.size(), 2048U);
    for (std::size_t k = 0; k < codes.size(); ++k) {
      ASSERT_EQ(codes[k], (spike / ticks_per_sample - 248 + static_cast<int>(k)) & 0xFFF) << spike << " " << k;
    }
  }
}

// Snippets of two channels at once are twenty times what a serial line carries: they must not push out the rest.
TEST(SnippetRing, LeavesRoomForWhatCannotWait) {
  Rig rig{1, true};
  const auto spike = [](std::int64_t at) { return at % 500 < 10 ? 3000 : 100; };
  rig.v_out[0] = spike;
  ASSERT_EQ(rig.ask(ConfigureSnippets{0, 1, 200, 1800, 1000}), Status::done);
  rig.start(2500);
  rig.board.accepts = 20;
  while (rig.board.now().index < 100000) {
    if (rig.board.now().index % 2500 == 0) rig.write(Heartbeat{}, 0);
    rig.board.accepts += 20;  // bytes a block, as at 1 Mbaud
    rig.step();
  }
  EXPECT_EQ(rig.core.state(), State::running) << "nothing was lost";
  EXPECT_GT(rig.all<SnippetBlock>().size(), 50U);
}

}  // namespace
}  // namespace thyrode::firmware
