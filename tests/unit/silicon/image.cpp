// A small flash image for the tests of firmware/silicon: clocks, serial echo by DMA, converters by timer and DMA,
// watchdog. It does all that right, but for the one thing that its macro FAULT names. It shares nothing with the
// models.
#include <cstdint>

namespace {

using Word = std::uint32_t;
volatile Word& reg(Word address) {
  return *reinterpret_cast<volatile Word*>(address);
}
void look(Word address) {
  static_cast<void>(static_cast<Word>(reg(address)));
}

enum Fault : int {
  good,
  clock_not_enabled,
  adc_read_early,
  dac_channel_off,
  wrong_baud,
  watchdog_locked,
  interrupt_not_cleared,
  stack_past_end,
  unmapped_register,
  reserved_bit,
  no_such_request,
  too_few_wait_states,
  adc_clock_too_fast,
  input_not_analog,
  pll_out_of_range,
  stream_changed_while_on,
  stream_flags_left,
  data_overwritten,
  floating_point_off,
  flash_locked,
  pin_locked,
  transmit_pin_wrong,
  bus_clock_too_fast,
  sensor_off,
  trigger_lost,
  lock_up,
  no_peripheral,
  converter_overrun,
  // Not refused: what silicon does by itself.
  hard_fault,
  watchdog_bites,
  hse_missing,
  floating_point_kept,
  // Refused again.
  code_races_with_trigger,
};
constexpr Fault fault = static_cast<Fault>(FAULT);

constexpr Word rcc = 0x40023800, flash = 0x40023C00, port_a = 0x40020000, port_c = 0x40020800, usart = 0x40004400,
               dma1 = 0x40026000, dma2 = 0x40026400, tim2 = 0x40000000, tim6 = 0x40001000, adc1 = 0x40012000,
               adc2 = 0x40012100, adc_common = 0x40012300, dac = 0x40007400, iwdg = 0x40003000;
constexpr Word cpacr = 0xE000ED88, nvic_enable = 0xE000E100;

std::uint16_t codes[100];
Word commands[100];
volatile std::uint8_t received[64];
std::uint8_t answer[64];
volatile Word blocks;
volatile float kept;

void wait(Word address, Word mask, Word value) {
  for (int k = 0; k < 20000 && (reg(address) & mask) != value; ++k) {
  }
}

void set_clocks() {
  reg(rcc + 0x40) |= 1U << 28U;  // PWR
  reg(rcc + 0x00) |= 1U << 18U | 1U << 16U;
  wait(rcc, 1U << 17U, 1U << 17U);
  if ((reg(rcc) & 1U << 17U) == 0) return;
  const Word n = fault == pll_out_of_range ? 220 : 160;
  reg(rcc + 0x04) = 4U | n << 6U | 1U << 22U | 4U << 24U | 2U << 28U;
  reg(rcc + 0x00) |= 1U << 24U;
  wait(rcc, 1U << 25U, 1U << 25U);
  reg(flash) = (fault == too_few_wait_states ? 2U : 5U) | 7U << 8U;
  reg(rcc + 0x08) = (fault == bus_clock_too_fast ? 4U : 5U) << 10U | 4U << 13U;
  reg(rcc + 0x08) |= 2U;
  wait(rcc + 0x08, 0xCU, 0x8U);
}

void set_serial() {
  reg(rcc + 0x30) |= 1U | 1U << 2U | 1U << 21U | 1U << 22U;
  if (fault != clock_not_enabled) reg(rcc + 0x40) |= 1U << 17U;
  reg(port_a) = (reg(port_a) & ~0xFF0U) | (fault == transmit_pin_wrong ? 0x890U : 0xAA0U) | 0xF00U;
  reg(port_a) = (reg(port_a) & ~0xF00U) | 0xF00U;
  reg(port_a + 0x20) |= 0x7700U;
  reg(usart + 0x08) = fault == wrong_baud ? 347U : (reg(rcc) & 1U << 25U) == 0 ? 16U : 40U;
  if (fault == reserved_bit) reg(usart + 0x10) = 0x10U;
  if (fault == unmapped_register) reg(usart + 0x1C) = 0;
  reg(usart + 0x14) = 0xC0U;  // DMA both ways
  reg(usart + 0x0C) = 0x200CU;
  reg(dma1 + 0x10 + 0x18 * 5 + 0x04) = sizeof received;
  reg(dma1 + 0x10 + 0x18 * 5 + 0x08) = usart + 4;
  reg(dma1 + 0x10 + 0x18 * 5 + 0x0C) = reinterpret_cast<Word>(received);
  reg(dma1 + 0x10 + 0x18 * 5) = 4U << 25U | 1U << 10U | 1U << 8U | 1U;
}

void set_converters() {
  reg(rcc + 0x40) |= 1U | 1U << 29U;
  reg(rcc + 0x44) |= 3U << 8U;
  reg(port_a) |= 0xF00U;  // PA4, PA5 analog
  reg(port_c) |= fault == input_not_analog ? 0U : 3U;
  reg(adc_common + 4) = fault == adc_clock_too_fast ? 0U : 1U << 16U;
  reg(adc2 + 0x34) = 10;
  reg(adc2 + 0x0C) = fault == trigger_lost ? 7U : 1U;
  reg(adc2 + 0x08) = 1U | 3U << 8U | 6U << 24U | 1U << 28U;
  for (int k = 0; k < 1000; ++k) look(adc2 + 0x04);
  reg(dma2 + 0x10 + 0x18 * 2 + 0x04) = 100;
  reg(dma2 + 0x10 + 0x18 * 2 + 0x08) = adc2 + 0x4C;
  reg(dma2 + 0x10 + 0x18 * 2 + 0x0C) = reinterpret_cast<Word>(codes);
  const Word channel = fault == no_such_request ? 5U : 1U;
  const Word on = fault == converter_overrun ? 0U : 1U;
  reg(dma2 + 0x10 + 0x18 * 2) = channel << 25U | 1U << 13U | 1U << 11U | 1U << 10U | 1U << 8U | 3U << 3U | on;
  if (fault == stream_changed_while_on) reg(dma2 + 0x10 + 0x18 * 2 + 0x04) = 50;
  reg(dac + 0x20) = 0x08000800U;
  reg(dac) = fault == dac_channel_off ? 0x00250024U : 0x00250025U;  // on, TIM2_TRGO
  for (Word k = 0; k < 100; ++k) commands[k] = k << 16U | k;
  reg(dma1 + 0x10 + 0x18 * 1 + 0x04) = 100;
  reg(dma1 + 0x10 + 0x18 * 1 + 0x08) = dac + 0x20;
  reg(dma1 + 0x10 + 0x18 * 1 + 0x0C) = reinterpret_cast<Word>(commands);
  // TIM2's own update would race with the trigger; TIM6 runs half a sample ahead of it.
  const Word asked_by = fault == code_races_with_trigger ? 3U : 7U;
  reg(dma1 + 0x10 + 0x18 * 1) = asked_by << 25U | 2U << 13U | 2U << 11U | 1U << 10U | 1U << 8U | 1U << 6U | 1U;
  reg(nvic_enable + 4) = 1U << (58U - 32U);
  reg(tim2 + 0x2C) = 319;
  reg(tim2 + 0x04) = 2U << 4U;
  reg(tim2 + 0x0C) = fault == code_races_with_trigger ? 1U << 8U : 0U;
  reg(rcc + 0x40) |= 1U << 4U;
  reg(tim6 + 0x2C) = 319;
  reg(tim6 + 0x0C) = 1U << 8U;
  reg(tim6 + 0x24) = 160;
  reg(tim6 + 0x00) = 1;
  reg(tim2 + 0x00) = 1;
}

void read_slowly() {
  if (fault == adc_read_early) look(adc1 + 0x4C);
  reg(adc1 + 0x34) = 18;
  reg(adc1 + 0x0C) = 7U << 24U;
  if (fault != sensor_off) reg(adc_common + 4) |= 1U << 23U;
  reg(adc1 + 0x08) = 1;
  for (int k = 0; k < 1000; ++k) look(adc1 + 0x04);
  reg(adc1 + 0x08) = 1U | 1U << 30U;
  wait(adc1, 2, 2);
  look(adc1 + 0x4C);
}

void set_watchdog() {
  if (fault != watchdog_locked) reg(iwdg) = 0x5555U;
  reg(iwdg + 8) = 320;  // 40 ms
  reg(iwdg) = 0xCCCCU;
}

// One word of the frame at each depth, and no tail call.
int deeper(int depth) {
  volatile int local[16];
  local[0] = depth;
  return depth < 0 ? 0 : deeper(depth + 1) + local[0];
}

void send(unsigned count) {
  asm volatile("" ::: "memory");  // the stream reads what was written before
  reg(dma1 + 0x0C) = 0x3DU << 16U;
  reg(dma1 + 0x10 + 0x18 * 6 + 0x04) = count;
  reg(dma1 + 0x10 + 0x18 * 6 + 0x08) = usart + 4;
  reg(dma1 + 0x10 + 0x18 * 6 + 0x0C) = reinterpret_cast<Word>(answer);
  reg(dma1 + 0x10 + 0x18 * 6) = 4U << 25U | 1U << 10U | 1U << 6U | 1U;
}

void break_it() {
  if (fault == stack_past_end) deeper(0);
  if (fault == no_peripheral) reg(0x40005C00) = 1;
  if (fault == flash_locked) reg(flash + 0x10) = 1;
  if (fault == data_overwritten) {
    for (int k = 0; k < 3; ++k) reg(usart + 4) = 'x';
  }
  if (fault == pin_locked) {
    reg(port_c + 0x1C) = 0x10001U;
    reg(port_c + 0x1C) = 0x00001U;
    reg(port_c + 0x1C) = 0x10001U;
    look(port_c + 0x1C);
    reg(port_c) &= ~3U;
  }
  if (fault == hard_fault || fault == lock_up) look(0x30000000);
}

void echo() {
  unsigned read = 0;
  while (true) {
    if (fault != watchdog_bites) reg(iwdg) = 0xAAAAU;
    const unsigned written = sizeof received - reg(dma1 + 0x10 + 0x18 * 5 + 0x04);
    unsigned count = 0;
    while (read != written) {
      answer[count++] = received[read];
      read = (read + 1) % sizeof received;
    }
    if (count > 0) {
      send(count);
      wait(dma1 + 4, 1U << 21U, 1U << 21U);
      if (fault == stream_flags_left) reg(dma1 + 0x10 + 0x18 * 6 + 0x04) = 1;
      if (fault == stream_flags_left) reg(dma1 + 0x10 + 0x18 * 6) |= 1U;
    }
    if (fault == floating_point_kept) {
      // The handler computes as well: these must come out of it as they went in.
      float a = 1.5F, b = 2.5F;
      asm volatile("wfi" : "+t"(a), "+t"(b));
      answer[0] = static_cast<std::uint8_t>(a * 2.0F + b * 4.0F);
      if (answer[0] != 13) send(1);
    } else {
      asm volatile("wfi");
    }
  }
}

}  // namespace

extern "C" {
extern Word __stack_top;

void main_program() {
  if (fault != floating_point_off) reg(cpacr) |= 0xFU << 20U;
  asm volatile("dsb\n isb");
  kept = static_cast<float>(blocks) * 1.25F;
  reg(0xE000E014) = 159999;  // SysTick: 1 ms at 160 MHz, and whoever waits is woken
  reg(0xE000E010) = 7;
  set_clocks();
  set_serial();
  answer[0] = static_cast<std::uint8_t>(reg(rcc + 0x74) >> 24U);
  answer[1] = static_cast<std::uint8_t>(reg(rcc + 0x08));
  reg(rcc + 0x74) |= 1U << 24U;
  if (fault != data_overwritten) send(2);
  wait(dma1 + 4, 1U << 21U, 1U << 21U);
  set_watchdog();
  set_converters();
  read_slowly();
  break_it();
  echo();
}

void on_tick() {}

void on_block() {
  if (fault != interrupt_not_cleared) reg(dma2 + 0x08) = 0x3DU << 16U;
  kept = kept * 0.5F + 1.0F;
  blocks = blocks + 1;
}

void on_hard_fault() {
  if (fault == lock_up) look(0x30000000);
  answer[0] = 'H';
  send(1);
  while (true) reg(iwdg) = 0xAAAAU;
}

void nothing() {
  while (true) {
  }
}
}

using Handler = void (*)();
struct Vectors {
  Word* stack;
  Handler handlers[15 + 97];
};
constexpr Vectors make_vectors() {
  Vectors all{};
  all.stack = &__stack_top;
  for (Handler& one : all.handlers) one = nothing;
  all.handlers[0] = main_program;
  all.handlers[2] = on_hard_fault;
  all.handlers[14] = on_tick;
  all.handlers[15 + 58] = on_block;
  return all;
}
extern const Vectors vectors;
[[gnu::section(".vectors"), gnu::used]] constinit const Vectors vectors = make_vectors();
