// The STM32F446RE: processor, buses, peripherals, and virtual time. Nothing of it knows the image that runs.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "firmware/silicon/adc.hpp"
#include "firmware/silicon/clock_tree.hpp"
#include "firmware/silicon/dac.hpp"
#include "firmware/silicon/dma.hpp"
#include "firmware/silicon/gpio.hpp"
#include "firmware/silicon/processor.hpp"
#include "firmware/silicon/timer.hpp"
#include "firmware/silicon/usart.hpp"
#include "firmware/silicon/watchdog.hpp"

namespace thyrode::silicon {

/// What is wired to the chip's pins. Times are those of the chip, and never go back.
class Board {
 public:
  virtual ~Board() = default;
  /// @param channel  of the converter: 0 to 15 are pins, 18 the temperature sensor
  virtual std::uint16_t convert(int converter, int channel, Time at) = 0;
  virtual void dac(int channel, std::uint16_t code, Time at) = 0;
  /// Levels of the output pins of a port; what is no output reads as low.
  virtual void outputs(char port, std::uint32_t levels, Time at) = 0;
  virtual void serial(std::uint8_t byte, Time at) = 0;
};

struct ChipOptions {
  Oscillators oscillators{};
  double lsi_hz = 32e3;
};

class Chip final : public Fabric, public Surround {
 public:
  /// @param image  of the flash, from 0x08000000 on: the .bin as it is flashed
  Chip(std::span<const std::uint8_t> image, Board& board, ChipOptions options = {});
  ~Chip() override;

  /// Runs up to a moment; the last block of instructions ends at most its own length behind it.
  /// @returns false when something was refused: it stays where it is then
  bool run_until(Time until);
  /// What was refused, or empty.
  const std::string& refusal() const { return refusal_; }

  Usart& usart() { return usart2_; }
  Gpio& gpio(char port) { return *ports_[static_cast<std::size_t>(port - 'A')]; }
  Processor& processor() { return *processor_; }
  std::uint64_t resets() const { return resets_; }
  void power_cycle(ResetCause cause);

  // Fabric
  Time now() const override { return now_; }
  double bus_hz(Bus bus) const override { return clocks_.bus_hz(bus); }
  double timer_hz(Bus bus) const override { return clocks_.timer_hz(bus); }
  double core_hz() const override { return clocks_.core_hz(); }
  void refuse(const std::string& what, const char* section) override;
  void line(Interrupt interrupt, bool high) override { exceptions_.line(interrupt, high); }
  void request(Request request, bool high) override;
  void acknowledge(Request request, bool last) override;
  void timer_event(int timer, TimerEvent event) override;
  void pin_edge(char port, int pin, bool high) override;
  void reschedule() override { look_again_ = true; }
  std::uint32_t dma_read(std::uint32_t address, unsigned bytes) override;
  void dma_write(std::uint32_t address, unsigned bytes, std::uint32_t value) override;
  bool pin_is(char port, int pin, int function) const override;
  void outputs_changed(char port) override;
  void drive_pin(char port, int pin, bool high) override { gpio(port).drive_function(pin, high); }
  std::uint16_t sample_input(int converter, int channel) override { return board_.convert(converter, channel, now_); }
  void dac_output(int channel, std::uint16_t code) override { board_.dac(channel, code, now_); }
  void serial_output(std::uint8_t byte) override { board_.serial(byte, now_); }

  // Surround
  std::uint32_t bus_read(std::uint32_t address, unsigned bytes) override;
  void bus_write(std::uint32_t address, unsigned bytes, std::uint32_t value) override;
  bool pass(std::uint64_t cycles) override;

 private:
  void wire();
  void map(Peripheral& peripheral);
  Peripheral* peripheral_at(std::uint32_t address);
  void find_next();
  void happen();
  void sleep();
  void reset(ResetCause cause);
  void clocks_changed();
  void serve_requests(Request request);

  Board& board_;
  Time now_ = 0;  // of the processor, or of the event that is handled
  Time until_ = 0;
  Time next_ = never;
  Time cycle_ = 62'500;  // of the core
  bool look_again_ = true;
  bool in_event_ = false;
  bool ready_ = false;
  std::string refusal_;
  bool reset_asked_ = false;
  ResetCause reset_cause_ = ResetCause::software;
  std::uint64_t resets_ = 0;
  std::uint64_t reset_cycles_ = 0;

  Exceptions exceptions_;
  FlashInterface flash_;
  PowerControl power_;
  ClockTree clocks_;
  std::vector<std::unique_ptr<Gpio>> ports_;
  Usart usart2_;
  Dma dma1_, dma2_;
  std::vector<std::unique_ptr<Timer>> timers_;
  AdcCommon adc_common_;
  Adc adc1_, adc2_, adc3_;
  Dac dac_;
  Watchdog watchdog_;
  std::unique_ptr<Processor> processor_;
  std::vector<Peripheral*> all_;
  std::vector<Peripheral*> timed_;
  std::vector<Peripheral*> by_address_;  // at each 256 bytes from 0x40000000
  std::array<bool, static_cast<std::size_t>(Request::count)> requests_{};
  std::array<bool, static_cast<std::size_t>(Request::count)> serving_{};
};

}  // namespace thyrode::silicon
