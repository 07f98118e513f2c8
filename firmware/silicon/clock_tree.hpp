// Reset and clock control, with the power and flash registers that the clock depends on.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "firmware/silicon/peripheral.hpp"

namespace thyrode::silicon {

/// Why the chip was reset last: bits of RCC_CSR. Source: RM0390 6.3.21.
enum class ResetCause : std::uint32_t {
  brown_out = 1U << 25U,
  pin = 1U << 26U,
  power_on = 1U << 27U,
  software = 1U << 28U,
  watchdog = 1U << 29U,
};

/// The flash interface: wait states, and what is locked.
class FlashInterface final : public Peripheral {
 public:
  explicit FlashInterface(Fabric& fabric);
  void reset() override;
  unsigned wait_states() const { return at(0x00) & 0xFU; }

 protected:
  void on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) override;

 private:
  void take_key(std::uint32_t key, bool options);
  int keys_ = 0;  // right keys so far
  int option_keys_ = 0;
  std::uint32_t options_ = 0x0FFFAAEC;  // as stored: they outlive a reset
};

class PowerControl final : public Peripheral {
 public:
  explicit PowerControl(Fabric& fabric);
  /// Highest frequency of the core for the scale of the regulator, Hz.
  double highest_core_hz() const;
  void pll_runs(bool runs) { pll_runs_ = runs; }

 protected:
  std::uint32_t on_read(std::uint32_t offset) override;
  void on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) override;

 private:
  bool pll_runs_ = false;
};

struct Oscillators {
  double hse_hz = 8e6;   ///< the ST-LINK's clock on the HSE pin: needs the bypass
  bool hse_runs = true;  ///< false: the ST-LINK gives no clock
  bool pll_locks = true;
};

class ClockTree final : public Peripheral {
 public:
  ClockTree(Fabric& fabric, FlashInterface& flash, PowerControl& power, Oscillators oscillators);

  /// A peripheral behind a bit of an enable register.
  void gate(std::uint32_t enable_register, unsigned bit, Peripheral& peripheral);
  /// Called after each change of a frequency.
  void on_change(std::function<void()> told) { told_ = std::move(told); }
  /// The flags of RCC_CSR for a reset; those of earlier ones stay until they are cleared.
  void reset_by(ResetCause cause);

  double core_hz() const { return core_hz_; }
  double bus_hz(Bus bus) const;
  double timer_hz(Bus bus) const;
  bool lsi_runs() const { return bit(0x74, 0); }

  void reset() override;
  Time due() const override;
  void happen() override;

 protected:
  std::uint32_t on_read(std::uint32_t offset) override;
  void on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) override;

 private:
  struct Gate {
    std::uint32_t enable;
    unsigned bit;
    Peripheral* peripheral;
  };
  /// An oscillator on its way to be ready.
  struct Start {
    std::uint32_t offset;
    unsigned ready_bit;
    Time at;
  };
  void write_control(std::uint32_t value, std::uint32_t before);
  void begin(std::uint32_t offset, unsigned on_bit, std::uint32_t value, std::uint32_t before, Time lasts);
  void check_pll();
  double pll_hz() const;
  void switch_clock();
  void check_frequencies();
  void apply_gates();

  FlashInterface& flash_;
  PowerControl& power_;
  Oscillators oscillators_;
  std::vector<Gate> gates_;
  std::vector<Start> starts_;
  std::function<void()> told_;
  double core_hz_ = 16e6;
  std::uint32_t causes_ = 0;
};

}  // namespace thyrode::silicon
