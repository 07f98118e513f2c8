// What one part of the chip sees of the others: time, clocks, interrupt lines, DMA requests, triggers, and the refusal
// of whatever silicon would not do.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

namespace thyrode::silicon {

/// Device time: picoseconds, so that a cycle of 160 MHz is a whole number.
using Time = std::int64_t;
constexpr Time never = std::numeric_limits<Time>::max();
constexpr Time picoseconds_per_second = 1'000'000'000'000;

enum class Bus : std::uint8_t { ahb1, apb1, apb2 };

/// Interrupt numbers of the vector table. Source: RM0390 10.1.3, table 38.
enum class Interrupt : std::uint8_t {
  exti0 = 6,
  dma1_stream0 = 11,
  adc = 18,
  exti9_5 = 23,
  tim2 = 28,
  tim3 = 29,
  tim4 = 30,
  usart2 = 38,
  exti15_10 = 40,
  dma1_stream7 = 47,
  tim5 = 50,
  tim6_dac = 54,
  tim7 = 55,
  dma2_stream0 = 56,
  dma2_stream5 = 68,
};

/// Peripherals that ask a DMA stream for a transfer.
enum class Request : std::uint8_t {
  none,
  adc1,
  adc2,
  adc3,
  dac1,
  dac2,
  usart2_rx,
  usart2_tx,
  tim2_up,
  tim3_up,
  tim4_up,
  tim5_up,
  tim6_up,
  tim7_up,
  count,
};

/// Outputs of a timer that start converters or other timers.
enum class TimerEvent : std::uint8_t { trgo, cc1, cc2, cc3, cc4 };

class Fabric {
 public:
  virtual ~Fabric() = default;
  /// The moment of the event that is being handled, or of the processor's access.
  virtual Time now() const = 0;
  /// Frequencies as the clock tree gives them, Hz.
  virtual double bus_hz(Bus bus) const = 0;
  virtual double timer_hz(Bus bus) const = 0;
  virtual double core_hz() const = 0;
  /// Ends the emulation: what was done that silicon does not do.
  /// @param what     register or part, the value, what is allowed
  /// @param section  of RM0390, or of another manual with its name
  virtual void refuse(const std::string& what, const char* section) = 0;
  /// Drives an interrupt line; it stays pending while it is high.
  virtual void line(Interrupt interrupt, bool high) = 0;
  /// Drives a request line of the DMA controllers.
  virtual void request(Request request, bool high) = 0;
  /// A stream has carried out one transfer for this request.
  /// @param last  the last one of its count
  virtual void acknowledge(Request request, bool last) = 0;
  virtual void timer_event(int timer, TimerEvent event) = 0;
  /// An edge on a pin, from outside.
  virtual void pin_edge(char port, int pin, bool high) = 0;
  /// Something has moved its next event.
  virtual void reschedule() = 0;
  /// The bus as a DMA stream sees it.
  virtual std::uint32_t dma_read(std::uint32_t address, unsigned bytes) = 0;
  virtual void dma_write(std::uint32_t address, unsigned bytes, std::uint32_t value) = 0;
  /// Whether a pin is set up as alternate function `function`, or (-1) analog.
  virtual bool pin_is(char port, int pin, int function) const = 0;
  /// The levels of a port's pins as outputs have changed.
  virtual void outputs_changed(char port) = 0;
  /// A peripheral drives a pin that is its alternate function.
  virtual void drive_pin(char port, int pin, bool high) = 0;
  /// The code of a converter's input, sampled now.
  virtual std::uint16_t sample_input(int converter, int channel) = 0;
  /// A channel of the DAC gives another code from now on.
  virtual void dac_output(int channel, std::uint16_t code) = 0;
  /// Bytes on the serial line, whole, now.
  virtual void serial_output(std::uint8_t byte) = 0;
};

}  // namespace thyrode::silicon
