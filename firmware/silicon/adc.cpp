#include "firmware/silicon/adc.hpp"

#include <fmt/core.h>

#include <cmath>

namespace thyrode::silicon {
namespace {

constexpr std::uint32_t sr = 0x00, cr1 = 0x04, cr2 = 0x08, smpr1 = 0x0C, smpr2 = 0x10, sqr1 = 0x2C, sqr2 = 0x30,
                        sqr3 = 0x34, dr = 0x4C;
constexpr std::array<Register, 20> registers{{
    {sr, "ADC_SR", "RM0390 13.13.1", 0, 0x3F, 0},
    {cr1, "ADC_CR1", "RM0390 13.13.2", 0, 0x07C0FFFF, 0x07C0FFFF},
    {cr2, "ADC_CR2", "RM0390 13.13.3", 0, 0x7F7F0F03, 0x3F3F0F03},
    {smpr1, "ADC_SMPR1", "RM0390 13.13.4", 0, 0x07FFFFFF, 0x07FFFFFF},
    {smpr2, "ADC_SMPR2", "RM0390 13.13.5", 0, 0x3FFFFFFF, 0x3FFFFFFF},
    {0x14, "ADC_JOFR1", "RM0390 13.13.6", 0, 0xFFF, 0xFFF},
    {0x18, "ADC_JOFR2", "RM0390 13.13.6", 0, 0xFFF, 0xFFF},
    {0x1C, "ADC_JOFR3", "RM0390 13.13.6", 0, 0xFFF, 0xFFF},
    {0x20, "ADC_JOFR4", "RM0390 13.13.6", 0, 0xFFF, 0xFFF},
    {0x24, "ADC_HTR", "RM0390 13.13.7", 0xFFF, 0xFFF, 0xFFF},
    {0x28, "ADC_LTR", "RM0390 13.13.8", 0, 0xFFF, 0xFFF},
    {sqr1, "ADC_SQR1", "RM0390 13.13.9", 0, 0x00FFFFFF, 0x00FFFFFF},
    {sqr2, "ADC_SQR2", "RM0390 13.13.10", 0, 0x3FFFFFFF, 0x3FFFFFFF},
    {sqr3, "ADC_SQR3", "RM0390 13.13.11", 0, 0x3FFFFFFF, 0x3FFFFFFF},
    {0x38, "ADC_JSQR", "RM0390 13.13.12", 0, 0x003FFFFF, 0x003FFFFF},
    {0x3C, "ADC_JDR1", "RM0390 13.13.13", 0, 0xFFFF, 0},
    {0x40, "ADC_JDR2", "RM0390 13.13.13", 0, 0xFFFF, 0},
    {0x44, "ADC_JDR3", "RM0390 13.13.13", 0, 0xFFFF, 0},
    {0x48, "ADC_JDR4", "RM0390 13.13.13", 0, 0xFFFF, 0},
    {dr, "ADC_DR", "RM0390 13.13.14", 0, 0xFFFF, 0},
}};
constexpr std::array<Register, 3> common_registers{{
    {0x00, "ADC_CSR", "RM0390 13.13.15", 0, 0x003F3F3F, 0},
    {0x04, "ADC_CCR", "RM0390 13.13.16", 0, 0x00C3EF1F, 0x00C3EF1F},
    {0x08, "ADC_CDR", "RM0390 13.13.17", 0, 0xFFFFFFFF, 0},
}};
constexpr std::uint32_t end_of_conversion = 1U << 1U, started = 1U << 4U, overrun = 1U << 5U;
constexpr double highest_clock_hz = 36e6;  // data sheet DS10693, table 74, VDDA of 2.4 V to 3.6 V
constexpr Time stabilisation = 3'000'000;  // 3 us, the same table

/// The pin of an input. Source: data sheet DS10693, table 10; ADC3 has no inputs 4 to 9, 14, 15 in this package.
struct Pin {
  char port = 0;
  int number = 0;
};
Pin pin_of(int converter, unsigned channel) {
  if (converter == 3 && ((channel >= 4 && channel <= 9) || channel >= 14)) return {};
  if (channel < 8) return {'A', static_cast<int>(channel)};
  if (channel < 10) return {'B', static_cast<int>(channel) - 8};
  if (channel < 16) return {'C', static_cast<int>(channel) - 10};
  return {};
}

}  // namespace

// ---------------------------------------------------------------- common

AdcCommon::AdcCommon(Fabric& fabric) : Peripheral{fabric, "ADC", 0x40012300, 0x100, common_registers} {}

double AdcCommon::clock_hz() const {
  return fabric_.bus_hz(Bus::apb2) / (2.0 * ((at(0x04) >> 16U & 3U) + 1.0));
}

std::uint32_t AdcCommon::on_read(std::uint32_t offset) {
  if (offset != 0x00) return at(offset);
  std::uint32_t all = 0;
  for (unsigned k = 0; k < 3; ++k) all |= (converters_[k]->status() & 0x3FU) << (8U * k);
  return all;
}

void AdcCommon::on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t) {
  if (offset == 0x04 && (value & 0xCF1FU) != 0)
    refuse("converters in step (ADC_CCR.MULTI): not modelled", "RM0390 13.9");
}

void AdcCommon::update_line() {
  bool high = false;
  for (const Adc* converter : converters_) high = high || (converter != nullptr && converter->interrupts());
  fabric_.line(Interrupt::adc, high);
}

// ---------------------------------------------------------------- one converter

Adc::Adc(Fabric& fabric, AdcCommon& common, int number)
    : Peripheral{fabric, fmt::format("ADC{}", number), 0x40012000U + 0x100U * static_cast<unsigned>(number - 1), 0x100,
                 registers},
      common_{common},
      number_{number} {}

void Adc::reset() {
  Peripheral::reset();
  phase_ = Phase::rest;
  phase_at_ = never;
  rank_ = 0;
  unread_ = dma_exhausted_ = false;
  fabric_.request(request(), false);
  common_.update_line();
}

bool Adc::interrupts() const {
  const std::uint32_t flags = at(sr);
  return (bit(cr1, 5) && (flags & end_of_conversion) != 0) || (bit(cr1, 26) && (flags & overrun) != 0);
}

Time Adc::cycles(double count) const {
  return std::llround(count * static_cast<double>(picoseconds_per_second) / common_.clock_hz());
}

unsigned Adc::length() const {
  return bit(cr1, 8) ? (at(sqr1) >> 20U & 0xFU) + 1 : 1;
}

unsigned Adc::channel_at(unsigned rank) const {
  const std::uint32_t word = rank < 6 ? at(sqr3) : rank < 12 ? at(sqr2) : at(sqr1);
  return word >> (5U * (rank % 6)) & 0x1FU;
}

void Adc::timer_event(int timer, TimerEvent event) {
  if (!clocked() || (at(cr2) >> 28U & 3U) == 0 || !bit(cr2, 0) || event != TimerEvent::trgo) return;
  // RM0390 13.13.3, EXTSEL; the trigger outputs are pulses, so both edges come at once.
  const unsigned selected = at(cr2) >> 24U & 0xFU;
  const int source = selected == 6 ? 2 : selected == 8 ? 3 : 0;
  if (source == timer) trigger(timer == 2 ? "TIM2_TRGO" : "TIM3_TRGO");
}

void Adc::trigger(const char* by) {
  if (phase_ != Phase::rest) {
    return refuse(fmt::format("{} comes while a conversion is under way: it would be lost", by), "RM0390 13.3.5");
  }
  if (fabric_.now() < stable_at_) {
    return refuse(fmt::format("{} comes before the converter is stable, 3 us after ADON", by), "RM0390 13.3.6");
  }
  if (common_.clock_hz() > highest_clock_hz) {
    return refuse(fmt::format("ADCCLK is {:.2f} MHz; allowed are 36", common_.clock_hz() * 1e-6), "RM0390 13.3.2");
  }
  if ((at(sr) & overrun) != 0 && bit(cr2, 8)) return;  // stopped until the flag is cleared (RM0390 13.8.1)
  rank_ = 0;
  at(sr) |= started;
  begin_conversion();
}

bool Adc::input_fits(unsigned channel) {
  if (channel > 18 || (number_ != 1 && channel > 15)) {
    refuse(fmt::format("rank {} names channel {}, which this converter does not have", rank_ + 1, channel),
           "RM0390 13.3.3");
    return false;
  }
  if (channel > 15) {
    const bool internal = channel == 18 ? common_.temperature_sensor() || common_.battery_channel() : bit(cr2, 0);
    if (!internal) {
      refuse("channel 18 is converted while ADC_CCR.TSVREFE is 0: the temperature sensor is off", "RM0390 13.10");
    }
    return internal;
  }
  const Pin pin = pin_of(number_, channel);
  if (pin.port == 0) {
    refuse(fmt::format("channel {} has no pin in this package", channel), "RM0390 13.3.3");
    return false;
  }
  if (!fabric_.pin_is(pin.port, pin.number, -1)) {
    refuse(fmt::format("channel {} is converted while P{}{} is not in analog mode", channel, pin.port, pin.number),
           "RM0390 7.3.12");
    return false;
  }
  return true;
}

void Adc::begin_conversion() {
  const unsigned channel = channel_at(rank_);
  if (!input_fits(channel)) return;
  constexpr std::array<double, 8> sampling{3, 15, 28, 56, 84, 112, 144, 480};
  const std::uint32_t word = channel < 10 ? at(smpr2) : at(smpr1);
  const unsigned code = word >> (3U * (channel % 10)) & 7U;
  const Time lasts = cycles(sampling[code]);
  if (channel == 18 && lasts < 10'000'000) {
    return refuse(
        fmt::format("the temperature sensor is sampled for {:.2f} us; it needs 10", static_cast<double>(lasts) * 1e-6),
        "RM0390 13.10");
  }
  phase_ = Phase::sampling;
  phase_at_ = fabric_.now() + lasts;
  fabric_.reschedule();
}

void Adc::happen() {
  if (phase_ == Phase::sampling) {
    sampled_ = fabric_.sample_input(number_, static_cast<int>(channel_at(rank_)));
    constexpr std::array<double, 4> resolution{12, 10, 8, 6};
    const unsigned code = at(cr1) >> 24U & 3U;
    sampled_ = static_cast<std::uint16_t>(sampled_ >> (2U * code));
    phase_ = Phase::converting;
    phase_at_ += cycles(resolution[code]);
    return;
  }
  end_conversion();
}

void Adc::end_conversion() {
  phase_ = Phase::rest;
  phase_at_ = never;
  const bool watched = bit(cr2, 8) || bit(cr2, 10);
  if (unread_ && watched) {
    // RM0390 13.8.1: the data are kept as they were, conversions stop until the flag is cleared.
    at(sr) |= overrun;
    fabric_.request(request(), false);
    return common_.update_line();
  }
  at(dr) = bit(cr2, 11) ? static_cast<std::uint32_t>(sampled_) << 4U : sampled_;
  unread_ = true;
  const bool last = rank_ + 1 == length();
  if (last || bit(cr2, 10)) at(sr) |= end_of_conversion;
  rank_ = last ? 0 : rank_ + 1;
  if (!last || bit(cr2, 1)) begin_conversion();
  if (bit(cr2, 8) && !dma_exhausted_) fabric_.request(request(), true);
  common_.update_line();
}

/// RM0390 13.8.1: with DDS at 0 no request comes after the last transfer of the stream.
void Adc::acknowledge(bool last) {
  if (last && !bit(cr2, 9)) dma_exhausted_ = true;
}

std::uint32_t Adc::on_read(std::uint32_t offset) {
  if (offset != dr) return at(offset);
  if (!unread_) {
    refuse("ADC_DR is read before the end of a conversion: EOC is 0 and the data are those of an earlier one",
           "RM0390 13.8");
    return 0;
  }
  unread_ = false;
  at(sr) &= ~end_of_conversion;
  fabric_.request(request(), false);
  common_.update_line();
  return at(dr);
}

void Adc::on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) {
  if (offset == sr) {
    const bool cleared = (before & overrun) != 0 && (value & overrun) == 0;
    at(sr) = before & value;
    if (cleared) unread_ = false;
  }
  if (offset == cr1 && (value & 0x00C01A00U & ~0x200U) != 0) {
    refuse("discontinuous mode, injected groups and watchdogs are not modelled", "RM0390 13.13.2");
  }
  if (offset == cr2) {
    if ((value & 1U) != 0 && (before & 1U) == 0) stable_at_ = fabric_.now() + stabilisation;
    if ((value & 1U) == 0) {
      phase_ = Phase::rest;
      phase_at_ = never;
    }
    if ((value & 0x00700000U) != 0) refuse("injected conversions are not modelled", "RM0390 13.13.3");
    const unsigned selected = value >> 24U & 0xFU;
    if ((value >> 28U & 3U) != 0 && selected != 6 && selected != 8) {
      refuse(fmt::format("external trigger {}: only TIM2_TRGO (6) and TIM3_TRGO (8) are modelled", selected),
             "RM0390 13.13.3");
    }
    if ((value >> 8U & 1U) == 0 || (before >> 8U & 1U) == 0) dma_exhausted_ = false;
    if ((value >> 30U & 1U) != 0) {
      if ((value & 1U) == 0) return refuse("SWSTART is set while ADON is 0", "RM0390 13.13.3");
      trigger("SWSTART");
    }
  }
  if (offset == sqr1 || offset == sqr2 || offset == sqr3 || offset == smpr1 || offset == smpr2) {
    if (phase_ != Phase::rest) refuse("sequence or sampling time is changed during a conversion", "RM0390 13.13");
  }
  common_.update_line();
}

}  // namespace thyrode::silicon
