#include "firmware/silicon/dma.hpp"

#include <fmt/core.h>

namespace thyrode::silicon {
namespace {

constexpr std::array<Register, 52> make_registers() {
  std::array<Register, 52> all{{
      {0x00, "DMA_LISR", "RM0390 9.5.1", 0, 0x0F7D0F7D, 0},
      {0x04, "DMA_HISR", "RM0390 9.5.2", 0, 0x0F7D0F7D, 0},
      {0x08, "DMA_LIFCR", "RM0390 9.5.3", 0, 0x0F7D0F7D, 0},
      {0x0C, "DMA_HIFCR", "RM0390 9.5.4", 0, 0x0F7D0F7D, 0},
  }};
  for (unsigned s = 0; s < 8; ++s) {
    const std::uint32_t base = 0x10U + 0x18U * s;
    Register* at = all.data() + 4 + 6 * s;
    at[0] = {base, "DMA_SxCR", "RM0390 9.5.5", 0, 0x0FEFFFFF, 0x0FEFFFFF};
    at[1] = {base + 0x04, "DMA_SxNDTR", "RM0390 9.5.6", 0, 0xFFFF, 0xFFFF};
    at[2] = {base + 0x08, "DMA_SxPAR", "RM0390 9.5.7", 0};
    at[3] = {base + 0x0C, "DMA_SxM0AR", "RM0390 9.5.8", 0};
    at[4] = {base + 0x10, "DMA_SxM1AR", "RM0390 9.5.9", 0};
    at[5] = {base + 0x14, "DMA_SxFCR", "RM0390 9.5.10", 0x21, 0xBF, 0x87};
  }
  return all;
}
constexpr auto registers = make_registers();

constexpr unsigned direct_error = 2, transfer_error = 3, half = 4, complete = 5;

using R = Request;
struct Mapped {
  int controller, stream, channel;
  R request;
};
// RM0390 9.3.3, tables 28 and 29: the requests of the peripherals that are modelled.
constexpr std::array<Mapped, 19> map{{
    {1, 1, 3, R::tim2_up}, {1, 7, 3, R::tim2_up},   {1, 2, 5, R::tim3_up},   {1, 6, 2, R::tim4_up},
    {1, 0, 6, R::tim5_up}, {1, 6, 6, R::tim5_up},   {1, 1, 7, R::tim6_up},   {1, 2, 1, R::tim7_up},
    {1, 4, 1, R::tim7_up}, {1, 5, 4, R::usart2_rx}, {1, 6, 4, R::usart2_tx}, {1, 5, 7, R::dac1},
    {1, 6, 7, R::dac2},    {2, 0, 0, R::adc1},      {2, 4, 0, R::adc1},      {2, 2, 1, R::adc2},
    {2, 3, 1, R::adc2},    {2, 0, 2, R::adc3},      {2, 1, 2, R::adc3},
}};

Request mapped(int controller, unsigned stream, unsigned channel) {
  for (const Mapped& entry : map) {
    if (entry.controller == controller && entry.stream == static_cast<int>(stream) &&
        entry.channel == static_cast<int>(channel)) {
      return entry.request;
    }
  }
  return Request::none;
}

Interrupt interrupt_of(int controller, unsigned stream) {
  if (controller == 1) {
    return stream == 7 ? Interrupt::dma1_stream7
                       : static_cast<Interrupt>(static_cast<unsigned>(Interrupt::dma1_stream0) + stream);
  }
  return stream < 5 ? static_cast<Interrupt>(static_cast<unsigned>(Interrupt::dma2_stream0) + stream)
                    : static_cast<Interrupt>(static_cast<unsigned>(Interrupt::dma2_stream5) + stream - 5U);
}

constexpr unsigned flag_shift(unsigned stream) {
  constexpr std::array<unsigned, 4> shifts{0, 6, 16, 22};
  return shifts[stream % 4];
}
constexpr std::uint32_t status_of(unsigned stream) {
  return stream < 4 ? 0x00U : 0x04U;
}
constexpr unsigned bytes_of(std::uint32_t control, unsigned shift) {
  return 1U << (control >> shift & 3U);
}
constexpr unsigned direction(std::uint32_t control) {
  return control >> 6U & 3U;
}

}  // namespace

Dma::Dma(Fabric& fabric, int number)
    : Peripheral{fabric, fmt::format("DMA{}", number), number == 1 ? 0x40026000U : 0x40026400U, 0x400, registers},
      number_{number} {}

void Dma::reset() {
  Peripheral::reset();
  streams_ = {};
  for (unsigned s = 0; s < streams; ++s) update_line(s);
}

std::uint32_t Dma::flags(unsigned stream) const {
  return at(status_of(stream)) >> flag_shift(stream) & 0x3DU;
}

void Dma::flag(unsigned stream, unsigned bit) {
  at(status_of(stream)) |= 1U << (flag_shift(stream) + bit);
  update_line(stream);
}

void Dma::update_line(unsigned stream) {
  const std::uint32_t set = flags(stream);
  const std::uint32_t wanted = at(control(stream));
  const bool high = ((wanted >> 4U & 1U) != 0 && (set >> complete & 1U) != 0) ||
                    ((wanted >> 3U & 1U) != 0 && (set >> half & 1U) != 0) ||
                    ((wanted >> 2U & 1U) != 0 && (set >> transfer_error & 1U) != 0) ||
                    ((wanted >> 1U & 1U) != 0 && (set >> direct_error & 1U) != 0);
  fabric_.line(interrupt_of(number_, stream), high);
}

void Dma::on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) {
  if (offset == 0x08 || offset == 0x0C) {
    at(offset - 8U) &= ~value;
    for (unsigned s = 0; s < streams; ++s) update_line(s);
    return;
  }
  if (offset < 0x10) return;
  const unsigned stream = (offset - 0x10U) / 0x18U;
  const std::uint32_t part = offset - control(stream);
  if (part == 0) return write_control(stream, value, before);
  if (!enabled(stream)) return;
  const std::uint32_t set = at(control(stream));
  const bool other_buffer = (set >> 18U & 1U) != 0 && part == ((set >> 19U & 1U) != 0 ? 0x0CU : 0x10U);
  if (other_buffer) return;
  at(offset) = before;
  refuse(fmt::format("write of {:#010x} at offset {:#04x} of stream {} while it is enabled: the register is protected",
                     value, offset, stream),
         "RM0390 9.3.18");
}

void Dma::write_control(unsigned stream, std::uint32_t value, std::uint32_t before) {
  const bool was = (before & 1U) != 0;
  const bool is = (value & 1U) != 0;
  constexpr std::uint32_t interrupts_and_enable = 0x1FU;
  if (was && is && ((value ^ before) & ~interrupts_and_enable) != 0) {
    at(control(stream)) = before;
    return refuse(fmt::format("write of {:#010x} to DMA_S{}CR while the stream is enabled", value, stream),
                  "RM0390 9.5.5");
  }
  if (!was && is) start(stream);
  if (was && !is) stop(stream);
  update_line(stream);
}

bool Dma::check_setup(unsigned stream) {
  const std::uint32_t set = at(control(stream));
  const std::uint32_t count = at(control(stream) + 4U);
  const auto wrong = [&](const std::string& what, const char* section) {
    at(control(stream)) &= ~1U;
    refuse(fmt::format("stream {} is enabled {}", stream, what), section);
    return false;
  };
  if (flags(stream) != 0) {
    return wrong(fmt::format("while its flags {:#04x} of the last transfer are set; clear them first", flags(stream)),
                 "RM0390 9.3.18");
  }
  if (count == 0) return wrong("with a count of 0 in DMA_SxNDTR: it would do nothing", "RM0390 9.3.18");
  if (direction(set) == 3) return wrong("with the reserved direction 3", "RM0390 9.5.5");
  if (direction(set) == 2) {
    if (number_ == 1) return wrong("from memory to memory, which only DMA2 can", "RM0390 9.3.6");
    if ((set >> 8U & 1U) != 0) return wrong("from memory to memory and circular", "RM0390 9.3.6");
    return true;
  }
  const unsigned channel = set >> 25U & 7U;
  streams_[stream].request = mapped(number_, stream, channel);
  if (streams_[stream].request == Request::none) {
    return wrong(
        fmt::format("with channel {}: there is no such request, or it is not of a modelled peripheral", channel),
        "RM0390 9.3.3");
  }
  const std::uint32_t peripheral = at(control(stream) + 8U);
  if (number_ == 1 && (peripheral < 0x40000000U || peripheral >= 0x40008000U)) {
    return wrong(fmt::format("with the peripheral address {:#010x}: this port of DMA1 reaches APB1 alone", peripheral),
                 "RM0390 9.3.1");
  }
  if ((at(control(stream) + 0x14U) & 4U) != 0) return wrong("in FIFO mode: not modelled", "RM0390 9.3.12");
  if (bytes_of(set, 11) != bytes_of(set, 13)) {
    return wrong("in direct mode with memory and peripheral sizes that differ", "RM0390 9.3.12");
  }
  if ((set & 0x01E00000U) != 0) return wrong("in direct mode with bursts", "RM0390 9.3.11");
  return true;
}

void Dma::start(unsigned stream) {
  if (!check_setup(stream)) return;
  streams_[stream].count = at(control(stream) + 4U);
  streams_[stream].done = 0;
  if (direction(at(control(stream))) == 2) return copy_memory(stream);
  fabric_.reschedule();
  // A request that waits is served now.
  fabric_.request(Request::none, true);
}

/// RM0390 9.3.14: a stream that is switched off before its end tells so by the flag of a complete transfer.
void Dma::stop(unsigned stream) {
  if (streams_[stream].done < streams_[stream].count) flag(stream, complete);
}

void Dma::copy_memory(unsigned stream) {
  while (enabled(stream)) move_one(stream);
}

bool Dma::serve(Request request) {
  if (!clocked()) return false;
  for (unsigned s = 0; s < streams; ++s) {
    if (!enabled(s) || streams_[s].request != request || direction(at(control(s))) == 2) continue;
    transfer(s);
    return true;
  }
  return false;
}

void Dma::transfer(unsigned stream) {
  const Request request = streams_[stream].request;
  const bool last = streams_[stream].done + 1 == streams_[stream].count;
  fabric_.acknowledge(request, last);
  move_one(stream);
}

void Dma::move_one(unsigned stream) {
  Stream& state = streams_[stream];
  const std::uint32_t base = control(stream);
  const std::uint32_t set = at(base);
  const unsigned size = bytes_of(set, 11);
  const bool second = (set >> 19U & 1U) != 0;
  const std::uint32_t memory = at(base + (second ? 0x10U : 0x0CU)) + ((set >> 10U & 1U) != 0 ? state.done * size : 0U);
  const std::uint32_t step = (set >> 15U & 1U) != 0 ? 4U : size;
  const std::uint32_t peripheral = at(base + 8U) + ((set >> 9U & 1U) != 0 ? state.done * step : 0U);
  const bool from_memory = direction(set) == 1;
  const std::uint32_t value = fabric_.dma_read(from_memory ? memory : peripheral, size);
  fabric_.dma_write(from_memory ? peripheral : memory, size, value);
  ++state.done;
  at(base + 4U) = state.count - state.done;
  if (state.done == state.count / 2) flag(stream, half);
  if (state.done == state.count) end_of_count(stream);
}

void Dma::end_of_count(unsigned stream) {
  Stream& state = streams_[stream];
  std::uint32_t& set = at(control(stream));
  const bool doubled = (set >> 18U & 1U) != 0;
  if (doubled) set ^= 1U << 19U;
  if (doubled || (set >> 8U & 1U) != 0) {
    state.done = 0;
    at(control(stream) + 4U) = state.count;
  } else {
    set &= ~1U;
  }
  flag(stream, complete);
}

}  // namespace thyrode::silicon
