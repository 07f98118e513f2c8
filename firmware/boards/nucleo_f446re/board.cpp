#include "firmware/boards/nucleo_f446re/board.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include "firmware/boards/nucleo_f446re/crash.hpp"
#include "firmware/boards/nucleo_f446re/registers.hpp"
#include "firmware/core/stimulus.hpp"

extern "C" {
extern std::uint32_t __stack_bottom;
extern std::uint32_t __stack_top;
}

namespace thyrode::nucleo {
namespace {

// The reference front end (docs/firmware.md). 3.3 V over 4096 codes; V_out has a gain of 4; both sources and their
// read-back are bipolar.
constexpr double volts_per_code = 3.3 / 4096.0;
constexpr double v_out_gain = 4.0;
constexpr double adc_zero = 32.0;
constexpr double amps_per_dac_code = 400e-6 / 4096.0;
constexpr double amps_per_read_code = 500e-6 / 4096.0;
constexpr double fastest_slew = 20.0;  // A/s

constexpr std::uint32_t paint = 0x5AC35AC3;

template <std::size_t N>
void set_text(std::array<char, N>& out, std::string_view text) noexcept {
  std::copy_n(text.begin(), std::min(text.size(), N), out.begin());
}

/// 16 hexadecimal digits of the 96 bits that tell one chip from another (§34.1): its place on the wafer as it is, wafer
/// and lot folded into 32 bits.
protocol::Text16 serial_number() noexcept {
  const auto word = [](std::uint32_t k) { return read_if_there(unique_id_address + 4 * k); };
  std::uint32_t lot = 2166136261U;  // FNV-1a
  for (const std::uint32_t part : {word(1), word(2)}) {
    for (std::uint32_t shift = 0; shift < 32; shift += 8) lot = (lot ^ ((part >> shift) & 0xFFU)) * 16777619U;
  }
  protocol::Text16 text{};
  const std::uint64_t number = (static_cast<std::uint64_t>(word(0)) << 32) | lot;
  for (std::size_t k = 0; k < text.size(); ++k) text[k] = "0123456789ABCDEF"[(number >> (60 - 4 * k)) & 0xFU];
  return text;
}

/// In 0.1 V (data sheet, table 20: levels 3, 2 and 1 at falling supply); 0 is off.
std::uint8_t brown_out_level() noexcept {
  constexpr std::array<std::uint8_t, 4> levels{27, 24, 21, 0};
  return levels[FLASH_OPTCR_BOR_LEV.of(FLASH_OPTCR.read())];
}

/// 0.001 degrees from the mean code × 16, by the two codes that the factory has stored for 30 and 110 degrees.
std::int32_t temperature_of(std::uint32_t mean_16, std::uint32_t codes) noexcept {
  const auto at_30 = static_cast<std::int32_t>(codes & 0xFFFFU);
  const auto span = static_cast<std::int32_t>(codes >> 16) - at_30;
  if (span <= 0) return std::numeric_limits<std::int32_t>::min();
  return 30'000 + (static_cast<std::int32_t>(mean_16) - 16 * at_30) * (80'000 / 16) / span;
}

}  // namespace

void paint_stack() noexcept {
  std::uint32_t* here = nullptr;
  asm volatile("mov %0, sp" : "=r"(here));
  for (std::uint32_t* word = &__stack_bottom; word < here - 8; ++word) *word = paint;
}

NucleoBoard::NucleoBoard(const Findings& findings, SerialLink& link, Converters& converters, Trigger& trigger) noexcept
    : link_{link}, converters_{converters}, trigger_{trigger}, reset_{findings.reset} {
  temperature_codes_ = read_if_there(temperature_calibrations);
  set_text(ident_.board, "nucleo_f446re");
  set_text(ident_.firmware, "thyrode-" THYRODE_VERSION);
  ident_.serial = serial_number();
  ident_.sample_rate = Converters::sample_rate;
  ident_.block = Converters::block;
  ident_.channels = Converters::channels;
  ident_.capabilities = protocol::can_snippets | protocol::can_set_baud | protocol::can_trigger;
  if (!findings.clock.exact) ident_.capabilities |= protocol::lacks_clock;
  if (!findings.converters) ident_.capabilities |= protocol::lacks_converters;
  ident_.link_rate = SerialLink::first_baud / 10;
  ident_.credit = 1024;
  ident_.queue_depth = firmware::Stimulus::queue_depth;
}

Sample NucleoBoard::now() const noexcept {
  Sample now;
  without_interrupts([&] {
    now = passed_;
    if (!has_converters()) return;
    const std::uint32_t into = converters_.time_stamp() - converters_.block_stamp();
    now = converters_.playing() + static_cast<std::int64_t>(into / Converters::counts_per_sample);
  });
  return now;
}

Sample NucleoBoard::begun() const noexcept {
  Sample begun;
  without_interrupts([&] { begun = has_converters() ? converters_.playing() : passed_; });
  return begun;
}

protocol::ChannelInfo NucleoBoard::describe(std::uint8_t channel) const noexcept {
  protocol::ChannelInfo info;
  info.channel = channel;
  info.label[0] = static_cast<char>('A' + channel);
  info.signals[0] = {volts_per_code / v_out_gain, adc_zero, 1, 12};
  info.signals[1] = {volts_per_code, adc_zero, Converters::slow_every, 12};
  info.signals[2] = {amps_per_read_code, zero_code, Converters::slow_every, 12};
  info.command = {amps_per_dac_code, zero_code, 1, 12};
  info.lowest = 0;
  info.highest = 4095 << fine_bits;
  info.fastest = static_cast<FineCode>(fastest_slew / amps_per_dac_code / Converters::sample_rate * (1 << fine_bits));
  return info;
}

std::int32_t NucleoBoard::readback_ratio() const noexcept {
  return static_cast<std::int32_t>(amps_per_dac_code / amps_per_read_code * (1 << fine_bits) + 0.5);
}

void NucleoBoard::note_block(std::uint32_t temperature_sum, std::uint32_t counts) noexcept {
  temperature_sum_ += temperature_sum;
  ++temperature_blocks_;
  busiest_ = std::max(busiest_, counts);
}

protocol::Health NucleoBoard::health() noexcept {
  protocol::Health health;
  health.reset = reset_;
  health.brown_out = brown_out_level();
  health.temperature = std::numeric_limits<std::int32_t>::min();
  if (temperature_blocks_ > 0) {
    health.temperature =
        temperature_of(temperature_sum_ / temperature_blocks_ * 16 / Converters::scans, temperature_codes_);
  }
  // 320 counts and 256 ticks are one sample.
  health.busiest = busiest_ * 4 / 5;
  health.stack_left = stack_left_;
  temperature_sum_ = temperature_blocks_ = busiest_ = 0;
  stack_due_ = true;
  return health;
}

void NucleoBoard::watch_stack() noexcept {
  if (!stack_due_) return;
  stack_due_ = false;
  const std::uint32_t* word = &__stack_bottom;
  while (word < &__stack_top && *word == paint) ++word;
  stack_left_ = static_cast<std::uint32_t>((word - &__stack_bottom) * 4);
}

}  // namespace thyrode::nucleo
