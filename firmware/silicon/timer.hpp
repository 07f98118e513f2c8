// TIM2 to TIM7: counting up, update, one compare or capture a channel, chained by triggers.
#pragma once

#include <array>

#include "firmware/silicon/peripheral.hpp"

namespace thyrode::silicon {

class Timer final : public Peripheral {
 public:
  /// @param number  2 to 7
  Timer(Fabric& fabric, int number);
  /// The trigger output of another timer, or of this one: nothing happens then.
  void master_triggers(int master);
  /// An edge on an input of a channel.
  void capture(int channel, bool rising);
  void acknowledge();

  void reset() override;
  Time due() const override;
  void happen() override;
  void clock_changed() override;

 protected:
  std::uint32_t on_read(std::uint32_t offset) override;
  void on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) override;

 private:
  bool basic() const { return number_ >= 6; }
  bool running() const { return clocked() && bit(0x00, 0); }
  bool externally_clocked() const { return !basic() && (at(0x08) & 7U) == 7; }
  Time tick() const;
  std::uint64_t counted() const;
  void rebase(std::uint64_t count);
  void start_counting();
  void overflow();
  void update_event(bool by_software);
  void match(unsigned channel);
  bool compares(unsigned channel) const;
  unsigned mode_bits(unsigned channel) const;
  void drive_output(unsigned channel, bool high);
  void trigger_out(unsigned mode);
  void update_line();
  void set_control(std::uint32_t value, std::uint32_t before);
  void set_channels();
  void plan();

  int number_;
  std::uint64_t mask_;
  std::uint32_t prescaler_ = 0;  // the values that count, behind their preload
  std::uint64_t reload_ = 0;
  Time base_time_ = 0;
  std::uint64_t base_count_ = 0;
  Time overflow_at_ = never;
  std::array<Time, 4> match_at_{};
  std::array<bool, 4> levels_{};
};

}  // namespace thyrode::silicon
