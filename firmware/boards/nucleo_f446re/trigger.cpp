#include "firmware/boards/nucleo_f446re/trigger.hpp"

#include "firmware/boards/nucleo_f446re/converters.hpp"
#include "firmware/boards/nucleo_f446re/registers.hpp"

namespace thyrode::nucleo {
namespace {

constexpr std::uint32_t alternate = 2;      // GPIO mode
constexpr std::uint32_t tim5_function = 2;  // data sheet, table 11
constexpr std::uint32_t pulled_down = 2;
constexpr std::uint32_t own_input = 1;      // CC1S: IC1 on TI1
constexpr std::uint32_t eight_samples = 3;  // IC1F: 100 ns at 80 MHz
constexpr std::uint32_t high_on_match = 1;  // OC2M
constexpr std::uint32_t low_on_match = 2;
constexpr std::uint32_t low = 4;

void set_output(std::uint32_t mode) noexcept {
  TIM5_CCMR1.change(TIM5_CCMR1_OC2M.mask(), TIM5_CCMR1_OC2M(mode));
}
void move_output_at(Sample sample, std::uint32_t mode) noexcept {
  TIM5_CCR2.write(static_cast<std::uint32_t>(sample.index) * Converters::counts_per_sample);
  set_output(mode);
}

}  // namespace

void Trigger::start() noexcept {
  GPIOA_AFRL.change(Field{0, 8}.mask(), Field{0, 4}(tim5_function) | Field{4, 4}(tim5_function));
  GPIOA_PUPDR.change(Field{0, 2}.mask(), Field{0, 2}(pulled_down));
  TIM5_CCMR1.write(TIM5_CCMR1_CC1S(own_input) | TIM5_CCMR1_IC1F(eight_samples) | TIM5_CCMR1_OC2M(low));
  TIM5_CCER.write(TIM5_CCER_CC1E() | TIM5_CCER_CC2E());
  GPIOA_MODER.change(Field{0, 4}.mask(), Field{0, 2}(alternate) | Field{2, 2}(alternate));
}

std::optional<Trigger::Capture> Trigger::take_edge() noexcept {
  const std::uint32_t status = TIM5_SR.read();
  if ((status & TIM5_SR_CC1IF()) == 0) return std::nullopt;
  // Reading the capture clears its flag; the flag of one that was overwritten is cleared by a zero (§17.4.5).
  const std::uint32_t stamp = TIM5_CCR1.read();
  edges_ += 1;
  if ((status & TIM5_SR_CC1OF()) != 0) {
    edges_ += 1;
    TIM5_SR.write(~TIM5_SR_CC1OF());
  }
  return Capture{stamp, edges_};
}

bool Trigger::pulse(Sample at, std::uint32_t length) noexcept {
  if (output_ != Output::rests) return false;
  rise_ = at;
  fall_ = at + static_cast<std::int64_t>(length);
  output_ = Output::rises;
  return true;
}

void Trigger::prepare(Sample playing, Sample first) noexcept {
  const Sample end = first + static_cast<std::int64_t>(Converters::block);
  if (output_ == Output::rises && rise_ < end) {
    move_output_at(rise_, high_on_match);
    output_ = Output::falls;
  } else if (output_ == Output::falls && fall_ < end) {
    move_output_at(fall_, low_on_match);
    output_ = Output::ends;
  } else if (output_ == Output::ends && fall_ < playing) {
    output_ = Output::rests;
  }
}

}  // namespace thyrode::nucleo
