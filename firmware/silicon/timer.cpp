#include "firmware/silicon/timer.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace thyrode::silicon {
namespace {

constexpr std::uint32_t cr1 = 0x00, cr2 = 0x04, smcr = 0x08, dier = 0x0C, sr = 0x10, egr = 0x14, ccmr1 = 0x18,
                        ccmr2 = 0x1C, ccer = 0x20, cnt = 0x24, psc = 0x28, arr = 0x2C, ccr1 = 0x34;

constexpr std::array<Register, 18> general(std::uint32_t width) {
  return {{
      {cr1, "TIMx_CR1", "RM0390 17.4.1", 0, 0x3FF, 0x3FF},
      {cr2, "TIMx_CR2", "RM0390 17.4.2", 0, 0xF8, 0xF8},
      {smcr, "TIMx_SMCR", "RM0390 17.4.3", 0, 0xFFF7, 0xFFF7},
      {dier, "TIMx_DIER", "RM0390 17.4.4", 0, 0x5F5F, 0x5F5F},
      {sr, "TIMx_SR", "RM0390 17.4.5", 0, 0x1E5F, 0},
      {egr, "TIMx_EGR", "RM0390 17.4.6", 0, 0x5F, 0},
      {ccmr1, "TIMx_CCMR1", "RM0390 17.4.7", 0, 0xFFFF, 0xFFFF},
      {ccmr2, "TIMx_CCMR2", "RM0390 17.4.8", 0, 0xFFFF, 0xFFFF},
      {ccer, "TIMx_CCER", "RM0390 17.4.9", 0, 0xBBBB, 0xBBBB},
      {cnt, "TIMx_CNT", "RM0390 17.4.10", 0, width, width},
      {psc, "TIMx_PSC", "RM0390 17.4.11", 0, 0xFFFF, 0xFFFF},
      {arr, "TIMx_ARR", "RM0390 17.4.12", width, width, width},
      {ccr1, "TIMx_CCR1", "RM0390 17.4.13", 0, width, width},
      {0x38, "TIMx_CCR2", "RM0390 17.4.14", 0, width, width},
      {0x3C, "TIMx_CCR3", "RM0390 17.4.15", 0, width, width},
      {0x40, "TIMx_CCR4", "RM0390 17.4.16", 0, width, width},
      {0x48, "TIMx_DCR", "RM0390 17.4.17", 0, 0x1F1F, 0x1F1F},
      {0x50, "TIMx_OR", "RM0390 17.4.19", 0, 0x0CC0, 0x0CC0},
  }};
}
constexpr auto registers_32 = general(0xFFFFFFFF);
constexpr auto registers_16 = general(0xFFFF);
constexpr std::array<Register, 8> registers_basic{{
    {cr1, "TIMx_CR1", "RM0390 19.4.1", 0, 0x8F, 0x8F},
    {cr2, "TIMx_CR2", "RM0390 19.4.2", 0, 0x70, 0x70},
    {dier, "TIMx_DIER", "RM0390 19.4.3", 0, 0x101, 0x101},
    {sr, "TIMx_SR", "RM0390 19.4.4", 0, 1, 0},
    {egr, "TIMx_EGR", "RM0390 19.4.5", 0, 1, 0},
    {cnt, "TIMx_CNT", "RM0390 19.4.6", 0, 0xFFFF, 0xFFFF},
    {psc, "TIMx_PSC", "RM0390 19.4.7", 0, 0xFFFF, 0xFFFF},
    {arr, "TIMx_ARR", "RM0390 19.4.8", 0xFFFF, 0xFFFF, 0xFFFF},
}};

std::span<const Register> registers_for(int number) {
  if (number >= 6) return registers_basic;
  return number == 2 || number == 5 ? std::span<const Register>{registers_32} : std::span<const Register>{registers_16};
}

/// The timer behind an internal trigger. Source: RM0390 17.4.3, table 98.
int master_of(int timer, unsigned trigger) {
  constexpr std::array<std::array<int, 4>, 4> masters{{{1, 8, 3, 4}, {1, 2, 5, 4}, {1, 2, 3, 8}, {2, 3, 4, 8}}};
  return trigger < 4 && timer <= 5 ? masters[static_cast<std::size_t>(timer - 2)][trigger] : 0;
}

Interrupt interrupt_of(int number) {
  constexpr std::array<Interrupt, 6> all{Interrupt::tim2, Interrupt::tim3,     Interrupt::tim4,
                                         Interrupt::tim5, Interrupt::tim6_dac, Interrupt::tim7};
  return all[static_cast<std::size_t>(number - 2)];
}
Request request_of(int number) {
  return static_cast<Request>(static_cast<int>(Request::tim2_up) + number - 2);
}

}  // namespace

Timer::Timer(Fabric& fabric, int number)
    : Peripheral{fabric, fmt::format("TIM{}", number), 0x40000000U + 0x400U * static_cast<unsigned>(number - 2), 0x400,
                 registers_for(number)},
      number_{number},
      mask_{number == 2 || number == 5 ? 0xFFFFFFFFULL : 0xFFFFULL},
      reload_{mask_} {
  match_at_.fill(never);
}

void Timer::reset() {
  Peripheral::reset();
  prescaler_ = 0;
  reload_ = mask_;
  base_count_ = 0;
  base_time_ = fabric_.now();
  levels_ = {};
  plan();
  update_line();
  fabric_.request(request_of(number_), false);
}

Time Timer::tick() const {
  return std::llround(static_cast<double>(picoseconds_per_second) * (prescaler_ + 1.0) / fabric_.timer_hz(Bus::apb1));
}

std::uint64_t Timer::counted() const {
  if (!running() || externally_clocked()) return base_count_;
  return base_count_ + static_cast<std::uint64_t>((fabric_.now() - base_time_) / tick());
}

void Timer::rebase(std::uint64_t count) {
  base_count_ = count;
  base_time_ = fabric_.now();
  plan();
}

bool Timer::compares(unsigned channel) const {
  if (basic()) return false;
  const bool output = (mode_bits(channel) & 3U) == 0;
  const bool wanted = bit(ccer, 4 * channel) || bit(dier, 1 + channel) || (channel == 0 && (at(cr2) >> 4U & 7U) == 3);
  return output && wanted;
}

unsigned Timer::mode_bits(unsigned channel) const {
  return at(channel < 2 ? ccmr1 : ccmr2) >> (8U * (channel % 2)) & 0xFFU;
}

/// Finds the moments of the next overflow and matches.
void Timer::plan() {
  overflow_at_ = never;
  match_at_.fill(never);
  if (running() && !externally_clocked()) {
    const Time step = tick();
    if (base_count_ <= reload_) overflow_at_ = base_time_ + static_cast<Time>(reload_ + 1 - base_count_) * step;
    for (unsigned c = 0; c < 4; ++c) {
      if (!compares(c)) continue;
      const std::uint64_t value = at(ccr1 + 4 * c);
      const bool ahead = value > counted() && value <= reload_;
      if (ahead) match_at_[c] = base_time_ + static_cast<Time>(value - base_count_) * step;
    }
  }
  fabric_.reschedule();
}

Time Timer::due() const {
  Time next = overflow_at_;
  for (const Time at : match_at_) next = std::min(next, at);
  return next;
}

void Timer::happen() {
  const Time now = fabric_.now();
  for (unsigned c = 0; c < 4; ++c) {
    if (match_at_[c] > now) continue;
    match_at_[c] = never;
    match(c);
  }
  if (overflow_at_ <= now) overflow();
  update_line();
}

void Timer::overflow() {
  base_count_ = 0;
  base_time_ = fabric_.now();
  if (bit(cr1, 3)) at(cr1) &= ~1U;  // one pulse
  if (!bit(cr1, 1)) update_event(false);
  plan();
  for (unsigned c = 0; c < 4; ++c) {
    if (running() && compares(c) && at(ccr1 + 4 * c) == 0) match(c);
  }
}

/// RM0390 17.3.2: preloads become the values that count; flag, request and trigger output.
void Timer::update_event(bool by_software) {
  prescaler_ = at(psc);
  reload_ = at(arr);
  if (!(by_software && bit(cr1, 2))) at(sr) |= 1U;
  trigger_out(2);
  if (bit(dier, 8) && !(by_software && bit(cr1, 2))) fabric_.request(request_of(number_), true);
}

void Timer::acknowledge() {
  fabric_.request(request_of(number_), false);
}

void Timer::trigger_out(unsigned mode) {
  if ((at(cr2) >> 4U & 7U) == mode) fabric_.timer_event(number_, TimerEvent::trgo);
}

void Timer::drive_output(unsigned channel, bool high) {
  levels_[channel] = high;
  const bool inverted = bit(ccer, 4 * channel + 1);
  // RM0390 and data sheet DS10693, table 11: the channels of TIM2 and TIM5 lie on PA0 to PA3.
  const int function = number_ == 2 ? 1 : 2;
  if (number_ != 2 && number_ != 5) return;
  if (!bit(ccer, 4 * channel)) return;
  if (fabric_.pin_is('A', static_cast<int>(channel), function)) {
    fabric_.drive_pin('A', static_cast<int>(channel), high != inverted);
  }
}

void Timer::match(unsigned channel) {
  at(sr) |= 2U << channel;
  switch (mode_bits(channel) >> 4U & 7U) {
    case 1: drive_output(channel, true); break;
    case 2: drive_output(channel, false); break;
    case 3: drive_output(channel, !levels_[channel]); break;
    case 6: drive_output(channel, false); break;
    case 7: drive_output(channel, true); break;
    default: break;
  }
  if (channel == 0) trigger_out(3);
}

void Timer::capture(int channel, bool rising) {
  const auto c = static_cast<unsigned>(channel);
  if (!running() || basic() || (mode_bits(c) & 3U) != 1 || !bit(ccer, 4 * c)) return;
  const unsigned polarity = (bit(ccer, 4 * c + 1) ? 1U : 0U) | (bit(ccer, 4 * c + 3) ? 2U : 0U);
  const bool wanted = polarity == 3 || (polarity == 0 && rising) || (polarity == 1 && !rising);
  if (!wanted) return;
  const int function = number_ == 2 ? 1 : 2;
  if (!fabric_.pin_is('A', channel, function)) return;
  if ((at(sr) >> (1 + c) & 1U) != 0) at(sr) |= 0x200U << c;  // the one before was not read
  at(ccr1 + 4 * c) = static_cast<std::uint32_t>(counted() & mask_);
  at(sr) |= 2U << c;
  update_line();
}

void Timer::master_triggers(int master) {
  if (basic() || !clocked()) return;
  const unsigned mode = at(smcr) & 7U;
  if (mode == 0 || master_of(number_, at(smcr) >> 4U & 7U) != master) return;
  at(sr) |= 0x40U;
  if (mode == 6) {
    if (!bit(cr1, 0)) {
      at(cr1) |= 1U;
      start_counting();
    }
  } else if (mode == 7) {
    if (!bit(cr1, 0)) return;
    if (base_count_ == reload_) {
      overflow();
    } else {
      ++base_count_;
      for (unsigned c = 0; c < 4; ++c) {
        if (compares(c) && at(ccr1 + 4 * c) == base_count_) match(c);
      }
    }
  } else if (mode == 4) {
    rebase(0);
    if (!bit(cr1, 1)) update_event(true);
  }
  update_line();
}

void Timer::start_counting() {
  base_time_ = fabric_.now();
  plan();
  trigger_out(1);
}

void Timer::clock_changed() {
  if (running() && !externally_clocked()) rebase(counted());
}

std::uint32_t Timer::on_read(std::uint32_t offset) {
  if (offset == cnt) return static_cast<std::uint32_t>(counted() & mask_);
  if (!basic() && offset >= ccr1 && offset <= 0x40) {
    const unsigned c = (offset - ccr1) / 4;
    if ((mode_bits(c) & 3U) == 1) {
      at(sr) &= ~(2U << c);
      update_line();
    }
  }
  return at(offset);
}

void Timer::set_control(std::uint32_t value, std::uint32_t before) {
  if ((value & 0x70U) != 0) return refuse("only counting up, aligned to an edge, is modelled", "RM0390 17.4.1");
  const bool was = (before & 1U) != 0;
  const bool is = (value & 1U) != 0;
  if (was && !is) {
    at(cr1) |= 1U;
    base_count_ = counted();
    at(cr1) &= ~1U;
    plan();
  }
  if (!was && is) start_counting();
}

/// Forced levels act at once.
void Timer::set_channels() {
  for (unsigned c = 0; c < 4; ++c) {
    const unsigned bits = mode_bits(c);
    if ((bits & 3U) != 0) continue;
    const unsigned mode = bits >> 4U & 7U;
    if (mode == 4) drive_output(c, false);
    if (mode == 5) drive_output(c, true);
    if (mode < 4) drive_output(c, levels_[c]);
  }
}

void Timer::on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) {
  switch (offset) {
    case cr1: set_control(value, before); break;
    case cr2:
      if ((value >> 4U & 7U) > 3) refuse("trigger output from an output compare level: not modelled", "RM0390 17.4.2");
      break;
    case smcr: {
      const unsigned mode = value & 7U;
      if (mode != 0 && mode != 4 && mode != 6 && mode != 7) {
        refuse(fmt::format("slave mode {}: not modelled", mode), "RM0390 17.4.3");
      } else if (mode != 0 && master_of(number_, value >> 4U & 7U) == 0) {
        refuse(
            fmt::format("slave mode {} with trigger {}: only internal triggers are modelled", mode, value >> 4U & 7U),
            "RM0390 17.4.3");
      }
      plan();
      break;
    }
    case sr: at(sr) = before & value; break;
    case egr:
      if ((value & 1U) != 0) {
        rebase(0);
        if (!bit(cr1, 1)) update_event(true);
        trigger_out(0);
        plan();
      }
      break;
    case ccmr1:
    case ccmr2:
    case ccer:
      if (basic()) break;
      set_channels();
      plan();
      break;
    case cnt: rebase(value); break;
    case arr:
      if (!bit(cr1, 7)) reload_ = value;
      plan();
      break;
    case dier:
    case ccr1:
    case ccr1 + 4:
    case ccr1 + 8:
    case ccr1 + 12: plan(); break;
    default: break;
  }
  update_line();
}

void Timer::update_line() {
  fabric_.line(interrupt_of(number_), (at(sr) & at(dier) & 0x5FU) != 0);
}

}  // namespace thyrode::silicon
