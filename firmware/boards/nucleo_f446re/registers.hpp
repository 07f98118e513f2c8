// The registers of the STM32F446 that this board uses, and no others. Names, addresses, reset values and bits are those
// of RM0390; the section of each is in the comment. A test compares this table, line by line, with a machine-readable
// description of the chip; so each register and each field has one line of one form.
#pragma once

#include <cstdint>

namespace thyrode::nucleo {

/// A 32-bit register; `reset` is its value after reset.
struct Register {
  std::uint32_t address;
  std::uint32_t reset;

  std::uint32_t read() const noexcept { return *pointer(); }
  void write(std::uint32_t value) const noexcept { *pointer() = value; }
  void set(std::uint32_t bits) const noexcept { write(read() | bits); }
  void clear(std::uint32_t bits) const noexcept { write(read() & ~bits); }
  /// Replaces the bits under the mask.
  void change(std::uint32_t mask, std::uint32_t value) const noexcept { write((read() & ~mask) | value); }
  bool has(std::uint32_t bits) const noexcept { return (read() & bits) == bits; }

 private:
  volatile std::uint32_t* pointer() const noexcept {
    return reinterpret_cast<volatile std::uint32_t*>(address);  // NOLINT: this is what a register is
  }
};

/// Some bits of a register: `field(3)` is the value 3 at their place.
struct Field {
  std::uint32_t shift;
  std::uint32_t width;

  constexpr std::uint32_t mask() const noexcept { return ((1U << width) - 1U) << shift; }
  constexpr std::uint32_t operator()(std::uint32_t value = 1) const noexcept { return value << shift; }
  constexpr std::uint32_t of(std::uint32_t value) const noexcept { return (value & mask()) >> shift; }
};

// ------------------------------------------------------------------ FLASH, §3.8
inline constexpr Register FLASH_ACR{0x40023C00, 0x00000000};  // §3.8.1
inline constexpr Field FLASH_ACR_LATENCY{0, 4};
inline constexpr Field FLASH_ACR_PRFTEN{8, 1};
inline constexpr Field FLASH_ACR_ICEN{9, 1};
inline constexpr Field FLASH_ACR_DCEN{10, 1};
inline constexpr Register FLASH_OPTCR{0x40023C14, 0x0FFFAAED};  // §3.8.6
inline constexpr Field FLASH_OPTCR_BOR_LEV{2, 2};

// ------------------------------------------------------------------ PWR, §5.4
inline constexpr Register PWR_CR{0x40007000, 0x0000C000};  // §5.4.1
inline constexpr Field PWR_CR_VOS{14, 2};
inline constexpr Register PWR_CSR{0x40007004, 0x00000000};  // §5.4.2
inline constexpr Field PWR_CSR_VOSRDY{14, 1};

// ------------------------------------------------------------------ RCC, §6.3
inline constexpr Register RCC_CR{0x40023800, 0x00000083};  // §6.3.1
inline constexpr Field RCC_CR_HSEON{16, 1};
inline constexpr Field RCC_CR_HSERDY{17, 1};
inline constexpr Field RCC_CR_HSEBYP{18, 1};
inline constexpr Field RCC_CR_CSSON{19, 1};
inline constexpr Field RCC_CR_PLLON{24, 1};
inline constexpr Field RCC_CR_PLLRDY{25, 1};
inline constexpr Register RCC_PLLCFGR{0x40023804, 0x24003010};  // §6.3.2
inline constexpr Field RCC_PLLCFGR_PLLM{0, 6};
inline constexpr Field RCC_PLLCFGR_PLLN{6, 9};
inline constexpr Field RCC_PLLCFGR_PLLP{16, 2};
inline constexpr Field RCC_PLLCFGR_PLLSRC{22, 1};
inline constexpr Field RCC_PLLCFGR_PLLQ{24, 4};
inline constexpr Field RCC_PLLCFGR_PLLR{28, 3};
inline constexpr Register RCC_CFGR{0x40023808, 0x00000000};  // §6.3.3
inline constexpr Field RCC_CFGR_SW{0, 2};
inline constexpr Field RCC_CFGR_SWS{2, 2};
inline constexpr Field RCC_CFGR_PPRE1{10, 3};
inline constexpr Field RCC_CFGR_PPRE2{13, 3};
inline constexpr Register RCC_AHB1ENR{0x40023830, 0x00100000};  // §6.3.10
inline constexpr Field RCC_AHB1ENR_GPIOAEN{0, 1};
inline constexpr Field RCC_AHB1ENR_GPIOBEN{1, 1};
inline constexpr Field RCC_AHB1ENR_GPIOCEN{2, 1};
inline constexpr Field RCC_AHB1ENR_DMA1EN{21, 1};
inline constexpr Field RCC_AHB1ENR_DMA2EN{22, 1};
inline constexpr Register RCC_APB1ENR{0x40023840, 0x00000000};  // §6.3.13
inline constexpr Field RCC_APB1ENR_TIM2EN{0, 1};
inline constexpr Field RCC_APB1ENR_TIM3EN{1, 1};
inline constexpr Field RCC_APB1ENR_TIM5EN{3, 1};
inline constexpr Field RCC_APB1ENR_TIM6EN{4, 1};
inline constexpr Field RCC_APB1ENR_USART2EN{17, 1};
inline constexpr Field RCC_APB1ENR_PWREN{28, 1};
inline constexpr Field RCC_APB1ENR_DACEN{29, 1};
inline constexpr Register RCC_APB2ENR{0x40023844, 0x00000000};  // §6.3.14
inline constexpr Field RCC_APB2ENR_ADC1EN{8, 1};
inline constexpr Field RCC_APB2ENR_ADC2EN{9, 1};
inline constexpr Field RCC_APB2ENR_ADC3EN{10, 1};
inline constexpr Register RCC_CSR{0x40023874, 0x0E000000};  // §6.3.21
inline constexpr Field RCC_CSR_RMVF{24, 1};
inline constexpr Field RCC_CSR_BORRSTF{25, 1};
inline constexpr Field RCC_CSR_PADRSTF{26, 1};
inline constexpr Field RCC_CSR_PORRSTF{27, 1};
inline constexpr Field RCC_CSR_SFTRSTF{28, 1};
inline constexpr Field RCC_CSR_WDGRSTF{29, 1};
inline constexpr Field RCC_CSR_WWDGRSTF{30, 1};
inline constexpr Field RCC_CSR_LPWRRSTF{31, 1};

// ------------------------------------------------------------------ GPIO, §7.4
inline constexpr Register GPIOA_MODER{0x40020000, 0xA8000000};  // §7.4.1
inline constexpr Register GPIOA_PUPDR{0x4002000C, 0x64000000};  // §7.4.4
inline constexpr Register GPIOA_AFRL{0x40020020, 0x00000000};   // §7.4.9
inline constexpr Register GPIOB_MODER{0x40020400, 0x00000280};  // §7.4.1
inline constexpr Register GPIOC_MODER{0x40020800, 0x00000000};  // §7.4.1
inline constexpr Register GPIOC_BSRR{0x40020818, 0x00000000};   // §7.4.7

// ------------------------------------------------------------------ DMA, §9.5
inline constexpr Register DMA1_LISR{0x40026000, 0x00000000};    // §9.5.1
inline constexpr Register DMA1_HISR{0x40026004, 0x00000000};    // §9.5.2
inline constexpr Register DMA1_LIFCR{0x40026008, 0x00000000};   // §9.5.3
inline constexpr Register DMA1_HIFCR{0x4002600C, 0x00000000};   // §9.5.4
inline constexpr Register DMA1_S1CR{0x40026028, 0x00000000};    // §9.5.5
inline constexpr Register DMA1_S1NDTR{0x4002602C, 0x00000000};  // §9.5.6
inline constexpr Register DMA1_S1PAR{0x40026030, 0x00000000};   // §9.5.7
inline constexpr Register DMA1_S1M0AR{0x40026034, 0x00000000};  // §9.5.8
inline constexpr Register DMA1_S1FCR{0x4002603C, 0x00000021};   // §9.5.10
inline constexpr Register DMA1_S5CR{0x40026088, 0x00000000};    // §9.5.5
inline constexpr Register DMA1_S5NDTR{0x4002608C, 0x00000000};  // §9.5.6
inline constexpr Register DMA1_S5PAR{0x40026090, 0x00000000};   // §9.5.7
inline constexpr Register DMA1_S5M0AR{0x40026094, 0x00000000};  // §9.5.8
inline constexpr Register DMA1_S5FCR{0x4002609C, 0x00000021};   // §9.5.10
inline constexpr Register DMA1_S6CR{0x400260A0, 0x00000000};    // §9.5.5
inline constexpr Register DMA1_S6NDTR{0x400260A4, 0x00000000};  // §9.5.6
inline constexpr Register DMA1_S6PAR{0x400260A8, 0x00000000};   // §9.5.7
inline constexpr Register DMA1_S6M0AR{0x400260AC, 0x00000000};  // §9.5.8
inline constexpr Register DMA1_S6FCR{0x400260B4, 0x00000021};   // §9.5.10
inline constexpr Register DMA2_LISR{0x40026400, 0x00000000};    // §9.5.1
inline constexpr Register DMA2_HISR{0x40026404, 0x00000000};    // §9.5.2
inline constexpr Register DMA2_LIFCR{0x40026408, 0x00000000};   // §9.5.3
inline constexpr Register DMA2_HIFCR{0x4002640C, 0x00000000};   // §9.5.4
inline constexpr Register DMA2_S0CR{0x40026410, 0x00000000};    // §9.5.5
inline constexpr Register DMA2_S0NDTR{0x40026414, 0x00000000};  // §9.5.6
inline constexpr Register DMA2_S0PAR{0x40026418, 0x00000000};   // §9.5.7
inline constexpr Register DMA2_S0M0AR{0x4002641C, 0x00000000};  // §9.5.8
inline constexpr Register DMA2_S0FCR{0x40026424, 0x00000021};   // §9.5.10
inline constexpr Register DMA2_S2CR{0x40026440, 0x00000000};    // §9.5.5
inline constexpr Register DMA2_S2NDTR{0x40026444, 0x00000000};  // §9.5.6
inline constexpr Register DMA2_S2PAR{0x40026448, 0x00000000};   // §9.5.7
inline constexpr Register DMA2_S2M0AR{0x4002644C, 0x00000000};  // §9.5.8
inline constexpr Register DMA2_S2FCR{0x40026454, 0x00000021};   // §9.5.10
inline constexpr Register DMA2_S4CR{0x40026470, 0x00000000};    // §9.5.5
inline constexpr Register DMA2_S4NDTR{0x40026474, 0x00000000};  // §9.5.6
inline constexpr Register DMA2_S4PAR{0x40026478, 0x00000000};   // §9.5.7
inline constexpr Register DMA2_S4M0AR{0x4002647C, 0x00000000};  // §9.5.8
inline constexpr Register DMA2_S4FCR{0x40026484, 0x00000021};   // §9.5.10
inline constexpr Field DMA1_HISR_TCIF5{11, 1};
inline constexpr Field DMA1_HISR_TCIF6{21, 1};
inline constexpr Field DMA1_LISR_TCIF1{11, 1};
inline constexpr Field DMA2_LISR_TCIF0{5, 1};
inline constexpr Field DMA2_LISR_HTIF2{20, 1};
inline constexpr Field DMA2_LISR_TCIF2{21, 1};
inline constexpr Field DMA2_HISR_TCIF4{5, 1};
// The fields of each stream's registers.
inline constexpr Field DMA_SxCR_EN{0, 1};
inline constexpr Field DMA_SxCR_HTIE{3, 1};
inline constexpr Field DMA_SxCR_TCIE{4, 1};
inline constexpr Field DMA_SxCR_DIR{6, 2};
inline constexpr Field DMA_SxCR_CIRC{8, 1};
inline constexpr Field DMA_SxCR_PINC{9, 1};
inline constexpr Field DMA_SxCR_MINC{10, 1};
inline constexpr Field DMA_SxCR_PSIZE{11, 2};
inline constexpr Field DMA_SxCR_MSIZE{13, 2};
inline constexpr Field DMA_SxCR_PL{16, 2};
inline constexpr Field DMA_SxCR_CHSEL{25, 3};
inline constexpr Field DMA_SxFCR_DMDIS{2, 1};

// ------------------------------------------------------------------ ADC, §13.13
inline constexpr Register ADC1_SR{0x40012000, 0x00000000};   // §13.13.1
inline constexpr Register ADC1_CR1{0x40012004, 0x00000000};  // §13.13.2
inline constexpr Field ADC1_CR1_SCAN{8, 1};
inline constexpr Register ADC1_CR2{0x40012008, 0x00000000};  // §13.13.3
inline constexpr Field ADC1_CR2_ADON{0, 1};
inline constexpr Field ADC1_CR2_DMA{8, 1};
inline constexpr Field ADC1_CR2_DDS{9, 1};
inline constexpr Field ADC1_CR2_EXTSEL{24, 4};
inline constexpr Field ADC1_CR2_EXTEN{28, 2};
inline constexpr Register ADC1_SMPR1{0x4001200C, 0x00000000};  // §13.13.4
inline constexpr Register ADC1_SMPR2{0x40012010, 0x00000000};  // §13.13.5
inline constexpr Register ADC1_SQR1{0x4001202C, 0x00000000};   // §13.13.9
inline constexpr Field ADC1_SQR1_L{20, 4};
inline constexpr Register ADC1_SQR3{0x40012034, 0x00000000};   // §13.13.11
inline constexpr Register ADC1_DR{0x4001204C, 0x00000000};     // §13.13.14
inline constexpr Register ADC2_SR{0x40012100, 0x00000000};     // §13.13.1
inline constexpr Register ADC2_CR2{0x40012108, 0x00000000};    // §13.13.3
inline constexpr Register ADC2_SMPR1{0x4001210C, 0x00000000};  // §13.13.4
inline constexpr Register ADC2_SQR3{0x40012134, 0x00000000};   // §13.13.11
inline constexpr Register ADC2_DR{0x4001214C, 0x00000000};     // §13.13.14
inline constexpr Register ADC3_SR{0x40012200, 0x00000000};     // §13.13.1
inline constexpr Register ADC3_CR2{0x40012208, 0x00000000};    // §13.13.3
inline constexpr Register ADC3_SMPR1{0x4001220C, 0x00000000};  // §13.13.4
inline constexpr Register ADC3_SQR3{0x40012234, 0x00000000};   // §13.13.11
inline constexpr Register ADC3_DR{0x4001224C, 0x00000000};     // §13.13.14
inline constexpr Register ADC_CCR{0x40012304, 0x00000000};     // §13.13.16
inline constexpr Field ADC_CCR_ADCPRE{16, 2};
inline constexpr Field ADC_CCR_TSVREFE{23, 1};

// ------------------------------------------------------------------ DAC, §14.5
inline constexpr Register DAC_CR{0x40007400, 0x00000000};  // §14.5.1
inline constexpr Field DAC_CR_EN1{0, 1};
inline constexpr Field DAC_CR_BOFF1{1, 1};
inline constexpr Field DAC_CR_TEN1{2, 1};
inline constexpr Field DAC_CR_TSEL1{3, 3};
inline constexpr Field DAC_CR_EN2{16, 1};
inline constexpr Field DAC_CR_BOFF2{17, 1};
inline constexpr Field DAC_CR_TEN2{18, 1};
inline constexpr Field DAC_CR_TSEL2{19, 3};
inline constexpr Register DAC_DHR12RD{0x40007420, 0x00000000};  // §14.5.9
inline constexpr Field DAC_DHR12RD_DACC1DHR{0, 12};
inline constexpr Field DAC_DHR12RD_DACC2DHR{16, 12};

// ------------------------------------------------------------------ TIM2, TIM3, TIM5, §17.4
inline constexpr Register TIM2_CR1{0x40000000, 0x00000000};  // §17.4.1
inline constexpr Field TIM2_CR1_CEN{0, 1};
inline constexpr Register TIM2_CR2{0x40000004, 0x00000000};  // §17.4.2
inline constexpr Field TIM2_CR2_MMS{4, 3};
inline constexpr Register TIM2_EGR{0x40000014, 0x00000000};  // §17.4.6
inline constexpr Field TIM2_EGR_UG{0, 1};
inline constexpr Register TIM2_ARR{0x4000002C, 0xFFFFFFFF};  // §17.4.12
inline constexpr Register TIM3_CR1{0x40000400, 0x00000000};  // §17.4.1
inline constexpr Field TIM3_CR1_CEN{0, 1};
inline constexpr Register TIM3_CR2{0x40000404, 0x00000000};  // §17.4.2
inline constexpr Field TIM3_CR2_MMS{4, 3};
inline constexpr Register TIM3_SMCR{0x40000408, 0x00000000};  // §17.4.3
inline constexpr Field TIM3_SMCR_SMS{0, 3};
inline constexpr Field TIM3_SMCR_TS{4, 3};
inline constexpr Register TIM3_CNT{0x40000424, 0x00000000};   // §17.4.10
inline constexpr Register TIM3_ARR{0x4000042C, 0x0000FFFF};   // §17.4.12
inline constexpr Register TIM5_SMCR{0x40000C08, 0x00000000};  // §17.4.3
inline constexpr Field TIM5_SMCR_SMS{0, 3};
inline constexpr Field TIM5_SMCR_TS{4, 3};
inline constexpr Register TIM5_CR1{0x40000C00, 0x00000000};  // §17.4.1
inline constexpr Field TIM5_CR1_CEN{0, 1};
inline constexpr Register TIM5_SR{0x40000C10, 0x00000000};  // §17.4.5
inline constexpr Field TIM5_SR_CC1IF{1, 1};
inline constexpr Field TIM5_SR_CC1OF{9, 1};
inline constexpr Register TIM5_CCMR1{0x40000C18, 0x00000000};  // §17.4.7
inline constexpr Field TIM5_CCMR1_CC1S{0, 2};
inline constexpr Field TIM5_CCMR1_IC1F{4, 4};
inline constexpr Field TIM5_CCMR1_OC2M{12, 3};
inline constexpr Register TIM5_CCER{0x40000C20, 0x00000000};  // §17.4.9
inline constexpr Field TIM5_CCER_CC1E{0, 1};
inline constexpr Field TIM5_CCER_CC2E{4, 1};
inline constexpr Register TIM5_CNT{0x40000C24, 0x00000000};   // §17.4.10
inline constexpr Register TIM5_CCR1{0x40000C34, 0x00000000};  // §17.4.13
inline constexpr Register TIM5_CCR2{0x40000C38, 0x00000000};  // §17.4.14

// ------------------------------------------------------------------ TIM6, §19.4
inline constexpr Register TIM6_CR1{0x40001000, 0x00000000};  // §19.4.1
inline constexpr Field TIM6_CR1_CEN{0, 1};
inline constexpr Register TIM6_DIER{0x4000100C, 0x00000000};  // §19.4.3
inline constexpr Field TIM6_DIER_UDE{8, 1};
inline constexpr Register TIM6_CNT{0x40001024, 0x00000000};  // §19.4.6
inline constexpr Register TIM6_ARR{0x4000102C, 0x0000FFFF};  // §19.4.8

// ------------------------------------------------------------------ IWDG, §20.4
inline constexpr Register IWDG_KR{0x40003000, 0x00000000};   // §20.4.1
inline constexpr Register IWDG_PR{0x40003004, 0x00000000};   // §20.4.2
inline constexpr Register IWDG_RLR{0x40003008, 0x00000FFF};  // §20.4.3
inline constexpr Register IWDG_SR{0x4000300C, 0x00000000};   // §20.4.4
inline constexpr Field IWDG_SR_PVU{0, 1};
inline constexpr Field IWDG_SR_RVU{1, 1};

// ------------------------------------------------------------------ USART2, §25.6
inline constexpr Register USART2_SR{0x40004400, 0x00C00000};  // §25.6.1
inline constexpr Field USART2_SR_RXNE{5, 1};
inline constexpr Field USART2_SR_TC{6, 1};
inline constexpr Field USART2_SR_TXE{7, 1};
inline constexpr Field USART2_SR_LBD{8, 1};
inline constexpr Field USART2_SR_CTS{9, 1};
inline constexpr Register USART2_DR{0x40004404, 0x00000000};   // §25.6.2
inline constexpr Register USART2_BRR{0x40004408, 0x00000000};  // §25.6.3
inline constexpr Register USART2_CR1{0x4000440C, 0x00000000};  // §25.6.4
inline constexpr Field USART2_CR1_RE{2, 1};
inline constexpr Field USART2_CR1_TE{3, 1};
inline constexpr Field USART2_CR1_RXNEIE{5, 1};
inline constexpr Field USART2_CR1_TXEIE{7, 1};
inline constexpr Field USART2_CR1_UE{13, 1};
inline constexpr Register USART2_CR3{0x40004414, 0x00000000};  // §25.6.6
inline constexpr Field USART2_CR3_DMAR{6, 1};
inline constexpr Field USART2_CR3_DMAT{7, 1};

// ------------------------------------------------------------------ the core: ARMv7-M Architecture Reference Manual
inline constexpr Register STK_CTRL{0xE000E010, 0x00000000};  // SysTick, B3.3.3
inline constexpr Field STK_CTRL_ENABLE{0, 1};
inline constexpr Field STK_CTRL_TICKINT{1, 1};
inline constexpr Field STK_CTRL_CLKSOURCE{2, 1};
inline constexpr Register STK_LOAD{0xE000E014, 0x00000000};    // B3.3.4
inline constexpr Register STK_VAL{0xE000E018, 0x00000000};     // B3.3.5
inline constexpr Register NVIC_ISER0{0xE000E100, 0x00000000};  // B3.4.4
inline constexpr Register NVIC_ISER1{0xE000E104, 0x00000000};  // B3.4.4
inline constexpr Register NVIC_ICPR0{0xE000E280, 0x00000000};  // B3.4.7
inline constexpr Register NVIC_ICPR1{0xE000E284, 0x00000000};  // B3.4.7
inline constexpr Register NVIC_IPR4{0xE000E410, 0x00000000};   // B3.4.9, interrupts 16 to 19
inline constexpr Register NVIC_IPR9{0xE000E424, 0x00000000};   // interrupts 36 to 39
inline constexpr Register NVIC_IPR14{0xE000E438, 0x00000000};  // interrupts 56 to 59
inline constexpr Register SCB_VTOR{0xE000ED08, 0x00000000};    // B3.2.5
inline constexpr Register SCB_AIRCR{0xE000ED0C, 0xFA050000};   // B3.2.6
inline constexpr Field SCB_AIRCR_SYSRESETREQ{2, 1};
inline constexpr Field SCB_AIRCR_VECTKEY{16, 16};
inline constexpr Register SCB_SHPR3{0xE000ED20, 0x00000000};  // B3.2.12
inline constexpr Field SCB_SHPR3_PRI_15{24, 8};
inline constexpr Register SCB_SHCSR{0xE000ED24, 0x00000000};  // B3.2.13
inline constexpr Field SCB_SHCSR_BUSFAULTENA{17, 1};
inline constexpr Register SCB_CFSR{0xE000ED28, 0x00000000};   // B3.2.15
inline constexpr Register FPU_CPACR{0xE000ED88, 0x00000000};  // B3.2.20
inline constexpr Field FPU_CPACR_CP{20, 4};

// ------------------------------------------------------------------ constants of the chip
inline constexpr std::uint32_t unique_id_address = 0x1FFF7A10;         // 96 bits, §34.1
inline constexpr std::uint32_t temperature_calibrations = 0x1FFF7A2C;  // data sheet 6.3.22: two 16-bit codes

}  // namespace thyrode::nucleo
