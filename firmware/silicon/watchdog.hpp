// The independent watchdog: counts its own oscillator down, and resets the chip at zero.
#pragma once

#include <functional>

#include "firmware/silicon/peripheral.hpp"

namespace thyrode::silicon {

class Watchdog final : public Peripheral {
 public:
  /// @param lsi_hz  17 to 47 kHz by the data sheet
  Watchdog(Fabric& fabric, double lsi_hz, std::function<void()> bites);
  void reset() override;
  Time due() const override { return bites_at_; }
  void happen() override { bites_(); }
  bool started() const { return started_; }

 protected:
  std::uint32_t on_read(std::uint32_t offset) override;
  void on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) override;

 private:
  Time cycles(double count) const;
  void reload();

  double lsi_hz_;
  std::function<void()> bites_;
  bool started_ = false;
  bool open_ = false;
  Time bites_at_ = never;
  Time updated_at_ = 0;  // until then PVU and RVU are set
};

}  // namespace thyrode::silicon
