// The three analog-to-digital converters and their common registers.
#pragma once

#include <array>

#include "firmware/silicon/peripheral.hpp"

namespace thyrode::silicon {

class Adc;

/// ADC_CSR, ADC_CCR, ADC_CDR and what the converters share.
class AdcCommon final : public Peripheral {
 public:
  explicit AdcCommon(Fabric& fabric);
  void own(std::array<Adc*, 3> converters) { converters_ = converters; }
  double clock_hz() const;
  bool temperature_sensor() const { return bit(0x04, 23) && !bit(0x04, 22); }
  bool battery_channel() const { return bit(0x04, 22); }
  void update_line();

 protected:
  std::uint32_t on_read(std::uint32_t offset) override;
  void on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) override;

 private:
  std::array<Adc*, 3> converters_{};
};

class Adc final : public Peripheral {
 public:
  /// @param number  1 to 3
  Adc(Fabric& fabric, AdcCommon& common, int number);
  void timer_event(int timer, TimerEvent event);
  void acknowledge(bool last);
  std::uint32_t status() const { return at(0x00); }
  bool interrupts() const;

  void reset() override;
  Time due() const override { return phase_at_; }
  void happen() override;

 protected:
  std::uint32_t on_read(std::uint32_t offset) override;
  void on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) override;

 private:
  enum class Phase : std::uint8_t { rest, sampling, converting };
  void trigger(const char* by);
  void begin_conversion();
  bool input_fits(unsigned channel);
  void end_conversion();
  unsigned length() const;
  unsigned channel_at(unsigned rank) const;
  Time cycles(double count) const;
  Request request() const { return static_cast<Request>(static_cast<int>(Request::adc1) + number_ - 1); }

  AdcCommon& common_;
  int number_;
  Phase phase_ = Phase::rest;
  Time phase_at_ = never;
  Time stable_at_ = 0;
  unsigned rank_ = 0;
  std::uint16_t sampled_ = 0;
  bool unread_ = false;         // the data register holds what nobody has read
  bool dma_exhausted_ = false;  // the stream's count has ended and DDS is 0
};

}  // namespace thyrode::silicon
