// The two digital-to-analog converters.
#pragma once

#include <array>

#include "firmware/silicon/peripheral.hpp"

namespace thyrode::silicon {

class Dac final : public Peripheral {
 public:
  explicit Dac(Fabric& fabric);
  void timer_event(int timer, TimerEvent event);
  void acknowledge(int channel) { waiting_[static_cast<std::size_t>(channel)] = false; }
  void reset() override;

 protected:
  std::uint32_t on_read(std::uint32_t offset) override { return at(offset); }
  void on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) override;

 private:
  bool channel_bit(unsigned channel, unsigned number) const { return bit(0x00, 16 * channel + number); }
  void hold(unsigned channel, std::uint32_t code);
  void move_on(unsigned channel);
  void update_line();

  std::array<std::uint16_t, 2> held_{};
  std::array<bool, 2> preloaded_{};  // a code came while the channel was off
  std::array<Time, 2> triggered_at_{};
  std::array<bool, 2> waiting_{};  // for the DMA transfer that the last trigger asked for
};

}  // namespace thyrode::silicon
