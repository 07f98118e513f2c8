# GCC for the Cortex-M4F of the STM32F446, without an operating system and without a C library.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_CXX_COMPILER arm-none-eabi-g++)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)

set(thyrode_cpu "-mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard")
set(CMAKE_C_FLAGS_INIT "${thyrode_cpu}")
set(CMAKE_CXX_FLAGS_INIT "${thyrode_cpu} -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-use-cxa-atexit")
