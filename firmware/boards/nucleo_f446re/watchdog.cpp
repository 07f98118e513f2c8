#include "firmware/boards/nucleo_f446re/watchdog.hpp"

#include "firmware/boards/nucleo_f446re/registers.hpp"
#include "firmware/boards/nucleo_f446re/wait.hpp"

namespace thyrode::nucleo {
namespace {

// Keys of IWDG_KR (§20.4.1).
constexpr std::uint32_t start_key = 0xCCCC;
constexpr std::uint32_t unlock_key = 0x5555;
constexpr std::uint32_t feed_key = 0xAAAA;

}  // namespace

void Watchdog::start() noexcept {
  IWDG_KR.write(start_key);
  IWDG_KR.write(unlock_key);
  IWDG_PR.write(0);  // LSI / 4
  IWDG_RLR.write(400);
  // Both take some periods of a clock of 32 kHz.
  wait_for(IWDG_SR, IWDG_SR_PVU() | IWDG_SR_RVU(), 0, rounds_of_ms(100));
  IWDG_KR.write(feed_key);
}

void Watchdog::watch(Sample begun) noexcept {
  if (begun == seen_) return;
  seen_ = begun;
  IWDG_KR.write(feed_key);
}

}  // namespace thyrode::nucleo
