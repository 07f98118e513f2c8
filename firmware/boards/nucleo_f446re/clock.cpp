#include "firmware/boards/nucleo_f446re/clock.hpp"

#include "firmware/boards/nucleo_f446re/registers.hpp"
#include "firmware/boards/nucleo_f446re/wait.hpp"

namespace thyrode::nucleo {
namespace {

constexpr Clock fast{true, 160'000'000, 40'000'000};
constexpr Clock slow{false, 16'000'000, 16'000'000};

constexpr std::uint32_t sw_hsi = 0;
constexpr std::uint32_t sw_pll = 2;

bool start_crystal() noexcept {
  // The ST-LINK drives the pin, so the oscillator is bypassed (§6.2.1); it needs its own start after power-up.
  RCC_CR.set(RCC_CR_HSEBYP());
  RCC_CR.set(RCC_CR_HSEON());
  return wait_for(RCC_CR, RCC_CR_HSERDY(), RCC_CR_HSERDY(), rounds_of_ms(500));
}

bool start_pll() noexcept {
  // 8 MHz / 4 × 160 / 2 = 160 MHz. Q and R feed nothing here and only have to stay within their limits.
  RCC_PLLCFGR.write(RCC_PLLCFGR_PLLM(4) | RCC_PLLCFGR_PLLN(160) | RCC_PLLCFGR_PLLP(0) | RCC_PLLCFGR_PLLSRC(1) |
                    RCC_PLLCFGR_PLLQ(8) | RCC_PLLCFGR_PLLR(2));
  RCC_APB1ENR.set(RCC_APB1ENR_PWREN());
  RCC_APB1ENR.read();
  PWR_CR.change(PWR_CR_VOS.mask(), PWR_CR_VOS(3));  // scale 1: up to 168 MHz without over-drive (§5.1.3)
  RCC_CR.set(RCC_CR_PLLON());
  return wait_for(RCC_CR, RCC_CR_PLLRDY(), RCC_CR_PLLRDY(), rounds_of_ms(10)) &&
         wait_for(PWR_CSR, PWR_CSR_VOSRDY(), PWR_CSR_VOSRDY(), rounds_of_ms(10));
}

bool switch_to_pll() noexcept {
  // 150 to 180 MHz at 2.7 to 3.6 V: five wait states (§3.4.1), and they must be there before the clock is.
  constexpr std::uint32_t latency = FLASH_ACR_LATENCY(5);
  FLASH_ACR.write(latency | FLASH_ACR_PRFTEN() | FLASH_ACR_ICEN() | FLASH_ACR_DCEN());
  if (!wait_for(FLASH_ACR, FLASH_ACR_LATENCY.mask(), latency, rounds_of_ms(1))) return false;
  RCC_CFGR.change(RCC_CFGR_PPRE1.mask() | RCC_CFGR_PPRE2.mask(), RCC_CFGR_PPRE1(5) | RCC_CFGR_PPRE2(4));  // /4, /2
  RCC_CFGR.change(RCC_CFGR_SW.mask(), RCC_CFGR_SW(sw_pll));
  return wait_for(RCC_CFGR, RCC_CFGR_SWS.mask(), RCC_CFGR_SWS(sw_pll), rounds_of_ms(10));
}

void fall_back() noexcept {
  RCC_CFGR.change(RCC_CFGR_SW.mask(), RCC_CFGR_SW(sw_hsi));
  wait_for(RCC_CFGR, RCC_CFGR_SWS.mask(), RCC_CFGR_SWS(sw_hsi), rounds_of_ms(10));
  RCC_CR.clear(RCC_CR_PLLON() | RCC_CR_HSEON());
  RCC_CFGR.clear(RCC_CFGR_PPRE1.mask() | RCC_CFGR_PPRE2.mask());
}

}  // namespace

Clock start_clock() noexcept {
  if (!start_crystal() || !start_pll() || !switch_to_pll()) {
    fall_back();
    return slow;
  }
  // From here on a crystal that stops is a non-maskable interrupt, and so a reset (§6.2.7).
  RCC_CR.set(RCC_CR_CSSON());
  return fast;
}

}  // namespace thyrode::nucleo
