// From reset to main(), and the way back when something is broken.
#include <array>
#include <cstddef>
#include <cstdint>

#include "firmware/boards/nucleo_f446re/crash.hpp"
#include "firmware/boards/nucleo_f446re/handlers.hpp"
#include "firmware/boards/nucleo_f446re/outputs.hpp"
#include "firmware/boards/nucleo_f446re/registers.hpp"

int main();

extern "C" {
// Made by the linker script; only their addresses mean anything.
extern std::uint32_t __stack_top;
extern std::uint32_t __data_start;
extern std::uint32_t __data_end;
extern const std::uint32_t __data_load;
extern std::uint32_t __bss_start;
extern std::uint32_t __bss_end;
}

namespace thyrode::nucleo {
namespace {

constexpr std::uint32_t crashed = 0x43524153;
[[gnu::section(".noinit")]] std::uint32_t crash_mark;

}  // namespace

protocol::ResetCause take_reset_cause() noexcept {
  const std::uint32_t flags = RCC_CSR.read();
  const bool after_crash = crash_mark == crashed;
  crash_mark = 0;
  RCC_CSR.set(RCC_CSR_RMVF());
  using protocol::ResetCause;
  // A power-on sets the flags of brown-out and pin as well, and every reset that of the pin (§6.3.21).
  if ((flags & RCC_CSR_PORRSTF()) != 0) return ResetCause::power_on;
  if ((flags & RCC_CSR_BORRSTF()) != 0) return ResetCause::brown_out;
  if ((flags & (RCC_CSR_WDGRSTF() | RCC_CSR_WWDGRSTF())) != 0) return ResetCause::watchdog;
  if ((flags & RCC_CSR_SFTRSTF()) != 0) return after_crash ? ResetCause::crash : ResetCause::software;
  if ((flags & RCC_CSR_PADRSTF()) != 0) return ResetCause::pin;
  return ResetCause::other;
}

std::uint32_t read_if_there(std::uint32_t address) noexcept {
  SCB_SHCSR.set(SCB_SHCSR_BUSFAULTENA());
  asm volatile("dsb\n isb" ::: "memory");
  register std::uint32_t word asm("r0") = address;
  register std::uint32_t there asm("r1") = 1;
  // The handler steps over four bytes, so the load has to have four.
  asm volatile("ldr.w r0, [r0]\n dsb" : "+r"(word), "+r"(there)::"memory");
  SCB_CFSR.write(SCB_CFSR.read());  // a one clears
  SCB_SHCSR.clear(SCB_SHCSR_BUSFAULTENA());
  return there != 0 ? word : 0;
}

}  // namespace thyrode::nucleo

extern "C" {

/// Taken by read_if_there() alone: at any other time a bus fault is a hard fault. Goes on behind the load, with r1 = 0.
[[gnu::naked, gnu::used]] void bus_fault_handler() noexcept {
  asm volatile(
      "ldr r1, [sp, #24]\n"
      "adds r1, #4\n"
      "str r1, [sp, #24]\n"
      "movs r1, #0\n"
      "str r1, [sp, #4]\n"
      "bx lr\n");
}

[[gnu::used]] void reset_handler() noexcept {
  using namespace thyrode::nucleo;
  set_up_outputs();
  // The registers of the FPU are the compiler's to use from here on.
  FPU_CPACR.set(FPU_CPACR_CP(0xF));
  asm volatile("dsb\n isb" ::: "memory");
  const std::uint32_t* from = &__data_load;
  for (std::uint32_t* to = &__data_start; to < &__data_end;) *to++ = *from++;
  for (std::uint32_t* to = &__bss_start; to < &__bss_end;) *to++ = 0;
  main();
  fault_handler();
}

/// Hard fault, bus fault, a crystal that stopped, an interrupt that nobody expects. The stack may be what is broken, so
/// that this function has none.
[[gnu::naked, gnu::used]] void fault_handler() noexcept {
  asm volatile(
      "ldr r0, =__stack_top\n"
      "msr msp, r0\n"
      "b end_in_reset\n");
}

[[gnu::used, noreturn]] void end_in_reset() noexcept {
  using namespace thyrode::nucleo;
  silence_outputs();
  crash_mark = crashed;
  asm volatile("dsb" ::: "memory");
  SCB_AIRCR.write(SCB_AIRCR_VECTKEY(0x05FA) | SCB_AIRCR_SYSRESETREQ());
  while (true) asm volatile("dsb" ::: "memory");
}

}  // extern "C"

namespace thyrode::nucleo {
namespace {

using Handler = void (*)() noexcept;
constexpr std::size_t exceptions = 16;
constexpr std::size_t interrupts = 97;  // RM0390 §10.2, table 38

struct VectorTable {
  const std::uint32_t* stack;
  std::array<Handler, exceptions - 1 + interrupts> handlers;
};

constexpr VectorTable make_vectors() {
  VectorTable table{&__stack_top, {}};
  table.handlers.fill(&fault_handler);
  const auto set = [&table](std::size_t number, Handler handler) { table.handlers[number - 1] = handler; };
  set(1, &reset_handler);
  set(5, &bus_fault_handler);
  set(15, &systick_handler);
  set(exceptions + dma1_stream6_interrupt, &sent_handler);
  set(exceptions + usart2_interrupt, &usart2_handler);
  set(exceptions + dma2_stream2_interrupt, &block_handler);
  return table;
}

[[gnu::section(".vectors"), gnu::used]] constinit const VectorTable vectors = make_vectors();

}  // namespace
}  // namespace thyrode::nucleo
