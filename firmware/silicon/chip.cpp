#include "firmware/silicon/chip.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace thyrode::silicon {
namespace {

constexpr std::uint32_t peripherals = 0x40000000;
constexpr std::uint32_t peripheral_bytes = 0x80000;

}  // namespace

Chip::Chip(std::span<const std::uint8_t> image, Board& board, ChipOptions options)
    : board_{board},
      exceptions_{*this, [this] { return processor_ ? processor_->cycles() - reset_cycles_ : 0; },
                  [this] {
                    reset_asked_ = true;
                    reset_cause_ = ResetCause::software;
                  }},
      flash_{*this},
      power_{*this},
      clocks_{*this, flash_, power_, options.oscillators},
      usart2_{*this},
      dma1_{*this, 1},
      dma2_{*this, 2},
      adc_common_{*this},
      adc1_{*this, adc_common_, 1},
      adc2_{*this, adc_common_, 2},
      adc3_{*this, adc_common_, 3},
      dac_{*this},
      watchdog_{*this, options.lsi_hz,
                [this] {
                  reset_asked_ = true;
                  reset_cause_ = ResetCause::watchdog;
                }},
      by_address_(peripheral_bytes / 0x100, nullptr) {
  wire();
  processor_ = std::make_unique<Processor>(*this, *this, exceptions_, image);
  ready_ = true;
  reset(ResetCause::power_on);
}

Chip::~Chip() = default;

void Chip::map(Peripheral& peripheral) {
  all_.push_back(&peripheral);
  const std::uint32_t first = (peripheral.base() - peripherals) / 0x100;
  for (std::uint32_t k = 0; k < std::max(1U, peripheral.bytes() / 0x100U); ++k) by_address_[first + k] = &peripheral;
}

/// Enable bits: RM0390 6.3.10 to 6.3.14.
void Chip::wire() {
  constexpr std::uint32_t ahb1 = 0x30, apb1 = 0x40, apb2 = 0x44;
  adc_common_.own({&adc1_, &adc2_, &adc3_});
  for (char port = 'A'; port <= 'H'; ++port) {
    ports_.push_back(std::make_unique<Gpio>(*this, port));
    map(*ports_.back());
    clocks_.gate(ahb1, static_cast<unsigned>(port - 'A'), *ports_.back());
  }
  for (int number = 2; number <= 7; ++number) {
    timers_.push_back(std::make_unique<Timer>(*this, number));
    map(*timers_.back());
    clocks_.gate(apb1, static_cast<unsigned>(number - 2), *timers_.back());
    timed_.push_back(timers_.back().get());
  }
  for (Peripheral* one : std::initializer_list<Peripheral*>{&clocks_, &flash_, &power_, &usart2_, &dma1_, &dma2_,
                                                            &adc_common_, &adc1_, &adc2_, &adc3_, &dac_, &watchdog_}) {
    map(*one);
  }
  clocks_.gate(ahb1, 21, dma1_);
  clocks_.gate(ahb1, 22, dma2_);
  clocks_.gate(apb1, 17, usart2_);
  clocks_.gate(apb1, 28, power_);
  clocks_.gate(apb1, 29, dac_);
  clocks_.gate(apb2, 8, adc1_);
  clocks_.gate(apb2, 9, adc2_);
  clocks_.gate(apb2, 10, adc3_);
  for (Peripheral* one : std::initializer_list<Peripheral*>{&clocks_, &usart2_, &adc1_, &adc2_, &adc3_, &watchdog_}) {
    timed_.push_back(one);
  }
  clocks_.on_change([this] { clocks_changed(); });
}

void Chip::clocks_changed() {
  if (!ready_) return;
  const Time before = cycle_;
  cycle_ = std::llround(static_cast<double>(picoseconds_per_second) / clocks_.core_hz());
  if (before == cycle_) return;
  for (Peripheral* one : all_) one->clock_changed();
  exceptions_.clock_changed();
  reschedule();
}

void Chip::refuse(const std::string& what, const char* section) {
  if (!refusal_.empty()) return;
  refusal_ = fmt::format("{}; at {:.3f} us, in the block of code at {:#010x} ({})", what,
                         static_cast<double>(now_) * 1e-6, processor_ ? processor_->block_address() : 0U, section);
}

// ---------------------------------------------------------------- time

void Chip::find_next() {
  look_again_ = false;
  next_ = exceptions_.due();
  for (const Peripheral* one : timed_) next_ = std::min(next_, one->due());
}

/// Lets happen what is due up to now, each at its own moment.
void Chip::happen() {
  const Time processor_time = now_;
  in_event_ = true;
  while (next_ <= processor_time && refusal_.empty() && !reset_asked_) {
    now_ = next_;
    if (exceptions_.due() <= now_) exceptions_.happen();
    for (Peripheral* one : timed_) {
      if (one->due() <= now_) one->happen();
    }
    find_next();
  }
  in_event_ = false;
  now_ = processor_time;
}

bool Chip::pass(std::uint64_t cycles) {
  now_ += static_cast<Time>(cycles) * cycle_;
  if (look_again_) find_next();
  if (cycles == 0 && next_ <= now_) happen();
  return now_ < until_ && refusal_.empty() && !reset_asked_;
}

bool Chip::run_until(Time until) {
  until_ = until;
  while (now_ < until_ && refusal_.empty()) {
    if (reset_asked_) reset(reset_cause_);
    if (processor_->sleeping()) {
      sleep();
    } else {
      processor_->run();
    }
  }
  return refusal_.empty();
}

/// WFI: time goes on to the next event.
void Chip::sleep() {
  if (look_again_) find_next();
  const Time target = std::min(next_, until_);
  if (target > now_) {
    const Time cycles = (target - now_ + cycle_ - 1) / cycle_;
    processor_->sleep_through(static_cast<std::uint64_t>(cycles));
    now_ += cycles * cycle_;
  }
  if (next_ <= now_) happen();
  if (exceptions_.wakes(processor_->masks())) processor_->wake();
}

void Chip::reset(ResetCause cause) {
  reset_asked_ = false;
  if (cause != ResetCause::power_on) ++resets_;
  reset_cycles_ = processor_->cycles();
  requests_ = {};
  exceptions_.reset();
  clocks_.reset_by(cause);
  for (Peripheral* one : all_) one->reset();
  processor_->reset();
  reschedule();
}

void Chip::power_cycle(ResetCause cause) {
  reset_asked_ = true;
  reset_cause_ = cause;
}

// ---------------------------------------------------------------- buses

Peripheral* Chip::peripheral_at(std::uint32_t address) {
  const std::uint32_t index = (address - peripherals) / 0x100;
  return index < by_address_.size() ? by_address_[index] : nullptr;
}

std::uint32_t Chip::bus_read(std::uint32_t address, unsigned bytes) {
  pass(0);
  if (!refusal_.empty()) return 0;
  if (address >= 0xE0000000) return exceptions_.read(address, bytes);
  if (Peripheral* one = peripheral_at(address)) return one->read(address, bytes);
  refuse(fmt::format("read of {:#010x}: no peripheral lies there, or it is not modelled", address), "RM0390 2.2.2");
  return 0;
}

void Chip::bus_write(std::uint32_t address, unsigned bytes, std::uint32_t value) {
  pass(0);
  if (!refusal_.empty()) return;
  if (address >= 0xE0000000) return exceptions_.write(address, bytes, value);
  if (Peripheral* one = peripheral_at(address)) return one->write(address, bytes, value);
  refuse(fmt::format("write of {:#010x} to {:#010x}: no peripheral lies there, or it is not modelled", value, address),
         "RM0390 2.2.2");
}

std::uint32_t Chip::dma_read(std::uint32_t address, unsigned bytes) {
  if (const std::uint8_t* from = processor_->memory(address, bytes)) {
    std::uint32_t value = 0;
    std::memcpy(&value, from, bytes);
    return value;
  }
  if (Peripheral* one = peripheral_at(address)) return one->read(address, bytes);
  refuse(fmt::format("DMA reads {:#010x}: nothing lies there", address), "RM0390 9.3.2");
  return 0;
}

void Chip::dma_write(std::uint32_t address, unsigned bytes, std::uint32_t value) {
  if (std::uint8_t* to = processor_->memory(address, bytes); to != nullptr && address >= Processor::ram_base) {
    std::memcpy(to, &value, bytes);
    return;
  }
  if (Peripheral* one = peripheral_at(address)) return one->write(address, bytes, value);
  refuse(fmt::format("DMA writes {:#010x}: nothing that can be written lies there", address), "RM0390 9.3.2");
}

// ---------------------------------------------------------------- lines between the parts

void Chip::request(Request request, bool high) {
  if (request == Request::none) {
    for (std::size_t k = 1; k < requests_.size(); ++k) {
      if (requests_[k]) serve_requests(static_cast<Request>(k));
    }
    return;
  }
  requests_[static_cast<std::size_t>(request)] = high;
  if (high) serve_requests(request);
}

void Chip::serve_requests(Request request) {
  // A transfer moves the line itself; what it raises anew is served after it, not within it.
  bool& serving = serving_[static_cast<std::size_t>(request)];
  if (serving) return;
  serving = true;
  while (requests_[static_cast<std::size_t>(request)] && refusal_.empty()) {
    if (!dma1_.serve(request) && !dma2_.serve(request)) break;
  }
  serving = false;
}

void Chip::acknowledge(Request request, bool last) {
  switch (request) {
    case Request::adc1: return adc1_.acknowledge(last);
    case Request::adc2: return adc2_.acknowledge(last);
    case Request::adc3: return adc3_.acknowledge(last);
    case Request::dac1:
    case Request::dac2:
      requests_[static_cast<std::size_t>(request)] = false;
      return dac_.acknowledge(request == Request::dac1 ? 0 : 1);
    case Request::tim2_up:
    case Request::tim3_up:
    case Request::tim4_up:
    case Request::tim5_up:
    case Request::tim6_up:
    case Request::tim7_up: requests_[static_cast<std::size_t>(request)] = false; return;
    default: return;
  }
}

void Chip::timer_event(int timer, TimerEvent event) {
  dac_.timer_event(timer, event);
  adc1_.timer_event(timer, event);
  adc2_.timer_event(timer, event);
  adc3_.timer_event(timer, event);
  for (const auto& other : timers_) other->master_triggers(timer);
}

void Chip::pin_edge(char port, int pin, bool high) {
  if (port != 'A' || pin > 3) return;
  for (const auto& timer : timers_) timer->capture(pin, high);
}

bool Chip::pin_is(char port, int pin, int function) const {
  const Gpio& at = *ports_[static_cast<std::size_t>(port - 'A')];
  if (function < 0) return at.mode(pin) == 3;
  return at.mode(pin) == 2 && at.function(pin) == static_cast<unsigned>(function);
}

void Chip::outputs_changed(char port) {
  if (!ready_) return;
  const Gpio& at = *ports_[static_cast<std::size_t>(port - 'A')];
  std::uint32_t levels = 0;
  for (int pin = 0; pin < 16; ++pin) {
    const bool high = at.output(pin) || (at.mode(pin) == 2 && at.function_level(pin));
    levels |= (high ? 1U : 0U) << pin;
  }
  board_.outputs(port, levels, now_);
}

}  // namespace thyrode::silicon
