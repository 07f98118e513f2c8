#include "firmware/boards/nucleo_f446re/converters.hpp"

#include <algorithm>

#include "firmware/boards/nucleo_f446re/dma.hpp"
#include "firmware/boards/nucleo_f446re/handlers.hpp"
#include "firmware/boards/nucleo_f446re/outputs.hpp"
#include "firmware/boards/nucleo_f446re/registers.hpp"
#include "firmware/boards/nucleo_f446re/wait.hpp"

namespace thyrode::nucleo {
namespace {

constexpr std::uint32_t analog = 3;
constexpr std::uint32_t zero_word = DAC_DHR12RD_DACC1DHR(zero_code) | DAC_DHR12RD_DACC2DHR(zero_code);

// Sampling times as codes of SMPR (§13.13.4): the rest of a conversion is 12 cycles, the clock 20 MHz.
constexpr std::uint32_t cycles_15 = 1;   // V_out: 1.35 µs of 4
constexpr std::uint32_t cycles_28 = 2;   // V_m, I_read: 2 µs each
constexpr std::uint32_t cycles_480 = 7;  // the temperature sensor wants 10 µs

constexpr std::uint32_t rising_edge = 1;   // EXTEN
constexpr std::uint32_t by_tim2_trgo = 6;  // EXTSEL
constexpr std::uint32_t by_tim3_trgo = 8;
constexpr std::uint32_t dac_by_tim2 = 4;        // TSEL
constexpr std::uint32_t trgo_is_update = 2;     // MMS
constexpr std::uint32_t from_tim2_to_tim3 = 1;  // TS: ITR1 (§17.4.3, table 87)
constexpr std::uint32_t from_tim2_to_tim5 = 0;  // TS: ITR0
constexpr std::uint32_t count_triggers = 7;     // SMS: external clock mode 1
constexpr std::uint32_t start_by_trigger = 6;   // SMS: trigger mode

constexpr std::uint32_t adc_stream = DMA_SxCR_DIR(Transfer::to_memory) | DMA_SxCR_CIRC() | DMA_SxCR_MINC() |
                                     DMA_SxCR_PSIZE(Transfer::halfwords) | DMA_SxCR_MSIZE(Transfer::halfwords);

// The ADCs settle in 3 µs (data sheet, tSTAB).
constexpr std::uint32_t settling_rounds = 1000;

/// Which half of a circular transfer of two halves is under way.
std::size_t half_under_way(const Stream& stream, std::size_t items) noexcept {
  return stream.left() > items / 2 ? 0 : 1;
}

}  // namespace

bool Converters::start_clocks_and_pins() noexcept {
  RCC_AHB1ENR.set(RCC_AHB1ENR_GPIOAEN() | RCC_AHB1ENR_GPIOBEN() | RCC_AHB1ENR_GPIOCEN() | RCC_AHB1ENR_DMA1EN() |
                  RCC_AHB1ENR_DMA2EN());
  RCC_APB1ENR.set(RCC_APB1ENR_TIM2EN() | RCC_APB1ENR_TIM3EN() | RCC_APB1ENR_TIM5EN() | RCC_APB1ENR_TIM6EN());
  RCC_APB2ENR.set(RCC_APB2ENR_ADC1EN() | RCC_APB2ENR_ADC2EN() | RCC_APB2ENR_ADC3EN());
  RCC_APB2ENR.read();
  GPIOC_MODER.set(Field{0, 2}(analog) | Field{2, 2}(analog) | Field{4, 2}(analog) | Field{6, 2}(analog) |
                  Field{8, 2}(analog));
  GPIOB_MODER.set(Field{0, 2}(analog));
  return copies_memory(v_out_a_stream) && copies_memory(v_out_b_stream) && copies_memory(slow_stream);
}

void Converters::prepare_adcs() const noexcept {
  for (const Register& status : {ADC1_SR, ADC2_SR, ADC3_SR}) status.write(0);
  ADC_CCR.write(ADC_CCR_ADCPRE(1) | ADC_CCR_TSVREFE());  // PCLK2 / 4 (§13.13.16)
  ADC2_SMPR1.write(Field{0, 3}(cycles_15));              // channel 10
  ADC2_SQR3.write(10);
  ADC3_SMPR1.write(Field{3, 3}(cycles_15));  // channel 11
  ADC3_SQR3.write(11);
  // Channels 12, 13, 8, 14 and the sensor, 18.
  ADC1_SMPR1.write(Field{6, 3}(cycles_28) | Field{9, 3}(cycles_28) | Field{12, 3}(cycles_28) |
                   Field{24, 3}(cycles_480));
  ADC1_SMPR2.write(Field{24, 3}(cycles_28));
  ADC1_SQR1.write(ADC1_SQR1_L(slow_codes - 1));
  ADC1_SQR3.write(12U | (13U << 5) | (8U << 10) | (14U << 15) | (18U << 20));
  ADC1_CR1.write(ADC1_CR1_SCAN());
  // DDS: requests go on after the last item of a round (§13.8.1).
  for (const Register& control : {ADC1_CR2, ADC2_CR2, ADC3_CR2}) {
    control.write(ADC1_CR2_ADON() | ADC1_CR2_DMA() | ADC1_CR2_DDS());
  }
}

void Converters::prepare_streams() noexcept {
  for (auto& half : dac_) half.fill(zero_word);
  memory_is_shared();
  for (const Stream& stream : {v_out_a_stream, v_out_b_stream, slow_stream, dac_stream}) stream.stop();
  // V_out A is served last of the two, so that its interrupt finds the codes of both.
  v_out_b_stream.prepare(adc_stream | DMA_SxCR_CHSEL(2) | DMA_SxCR_PL(3), ADC3_DR, v_out_[1].data(), 2 * block);
  v_out_a_stream.prepare(adc_stream | DMA_SxCR_CHSEL(1) | DMA_SxCR_PL(2) | DMA_SxCR_HTIE() | DMA_SxCR_TCIE(), ADC2_DR,
                         v_out_[0].data(), 2 * block);
  slow_stream.prepare(adc_stream | DMA_SxCR_CHSEL(0) | DMA_SxCR_PL(1), ADC1_DR, slow_.data(), 2 * scans * slow_codes);
  dac_stream.prepare(DMA_SxCR_DIR(Transfer::from_memory) | DMA_SxCR_CIRC() | DMA_SxCR_MINC() |
                         DMA_SxCR_PSIZE(Transfer::words) | DMA_SxCR_MSIZE(Transfer::words) | DMA_SxCR_CHSEL(7) |
                         DMA_SxCR_PL(3),
                     DAC_DHR12RD, dac_.data(), 2 * block);
  for (const Stream& stream : {v_out_a_stream, v_out_b_stream, slow_stream, dac_stream}) stream.start();
}

void Converters::prepare_timers() const noexcept {
  for (const Register& control : {TIM2_CR1, TIM3_CR1, TIM5_CR1, TIM6_CR1, TIM3_SMCR, TIM5_SMCR}) control.write(0);
  TIM5_CNT.write(0);
  TIM2_ARR.write(counts_per_sample - 1);
  TIM2_CR2.write(TIM2_CR2_MMS(trgo_is_update));
  // Nobody listens to the trigger yet.
  TIM2_EGR.write(TIM2_EGR_UG());
  // Half a sample ahead of the update that moves the DACs: their next word is there in time, and never while they move,
  // when it would be left to chance which comes first (§14.3.6).
  TIM6_ARR.write(counts_per_sample - 1);
  TIM6_CNT.write(counts_per_sample / 2);
  TIM6_DIER.write(TIM6_DIER_UDE());
  TIM3_ARR.write(slow_every - 1);
  TIM3_CR2.write(TIM3_CR2_MMS(trgo_is_update));
  // One trigger before its end: the first sample is the first of a scan.
  TIM3_CNT.write(slow_every - 1);
  TIM3_SMCR.write(TIM3_SMCR_TS(from_tim2_to_tim3));
  TIM3_SMCR.set(TIM3_SMCR_SMS(count_triggers));
  TIM3_CR1.write(TIM3_CR1_CEN());
  TIM5_SMCR.write(TIM5_SMCR_TS(from_tim2_to_tim5));
  TIM5_SMCR.set(TIM5_SMCR_SMS(start_by_trigger));
}

void Converters::let_triggers_in() const noexcept {
  ADC1_CR2.set(ADC1_CR2_EXTSEL(by_tim3_trgo) | ADC1_CR2_EXTEN(rising_edge));
  ADC2_CR2.set(ADC1_CR2_EXTSEL(by_tim2_trgo) | ADC1_CR2_EXTEN(rising_edge));
  ADC3_CR2.set(ADC1_CR2_EXTSEL(by_tim2_trgo) | ADC1_CR2_EXTEN(rising_edge));
  DAC_CR.write(both_dacs | DAC_CR_TSEL1(dac_by_tim2) | DAC_CR_TSEL2(dac_by_tim2) | DAC_CR_TEN1() | DAC_CR_TEN2());
}

void Converters::start() noexcept {
  blocks_ = 0;
  prepare_adcs();
  prepare_streams();
  prepare_timers();
  pause(settling_rounds);
  let_triggers_in();
  without_interrupts([] {
    TIM2_CR1.write(TIM2_CR1_CEN());
    TIM6_CR1.write(TIM6_CR1_CEN());
  });
}

void Converters::stop() noexcept {
  silence_outputs();
  TIM6_DIER.write(0);
  for (const Register& control : {ADC1_CR2, ADC2_CR2, ADC3_CR2}) control.write(0);
  for (const Stream& stream : {v_out_a_stream, v_out_b_stream, slow_stream, dac_stream}) stream.stop();
}

bool Converters::test() noexcept {
  if (!start_clocks_and_pins()) return false;
  start();
  bool runs = wait_for(v_out_a_stream.flags, DMA2_LISR_HTIF2(), DMA2_LISR_HTIF2(), rounds_of_ms(20));
  blocks_ = 1;
  runs = runs && in_step();
  stop();
  return runs;
}

void Converters::run() noexcept {
  enable_interrupt(dma2_stream2_interrupt);
  start();
}

std::uint32_t Converters::time_stamp() const noexcept {
  return TIM5_CNT.read();
}

std::uint32_t Converters::take_block() noexcept {
  v_out_a_stream.forget_flags();
  const std::size_t under_way = half_under_way(v_out_a_stream, 2 * block);
  memory_is_shared();
  // The last conversion of a block ends before its sample is over: so one sample more is on the clock by then. In the
  // rest of that sample the clock alone would be ahead; which half is under way tells.
  std::uint32_t ended = (time_stamp() - block_stamp() + counts_per_sample) / counts_per_block;
  if (ended > 0 && (blocks_ + ended) % 2 != under_way) --ended;
  blocks_ += ended;
  return ended;
}

bool Converters::in_step() const noexcept {
  const std::size_t under_way = blocks_ % 2;
  return half_under_way(v_out_a_stream, 2 * block) == under_way &&
         half_under_way(v_out_b_stream, 2 * block) == under_way &&
         half_under_way(slow_stream, 2 * scans * slow_codes) == under_way &&
         half_under_way(dac_stream, 2 * block) == under_way;
}

Converters::Codes Converters::codes(std::size_t channel) const noexcept {
  Codes codes{v_out_[channel][ended_half()], {}, {}};
  for (std::size_t k = 0; k < scans; ++k) {
    const auto& scan = slow_[ended_half()][k];
    codes.v_m[k] = scan[channel];
    codes.i_read[k] = scan[channels + channel];
  }
  return codes;
}

std::uint32_t Converters::temperature_sum() const noexcept {
  std::uint32_t sum = 0;
  for (const auto& scan : slow_[ended_half()]) sum += scan[temperature];
  return sum;
}

void Converters::play(std::span<const DacCode, block> a, std::span<const DacCode, block> b) noexcept {
  auto& words = dac_[ended_half()];
  for (std::size_t k = 0; k < block; ++k) words[k] = DAC_DHR12RD_DACC1DHR(a[k]) | DAC_DHR12RD_DACC2DHR(b[k]);
  memory_is_shared();
}

}  // namespace thyrode::nucleo
