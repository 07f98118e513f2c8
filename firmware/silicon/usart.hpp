// USART2 and the line behind it: bytes take the time of ten bits, at the rate of the register and not of a wish.
#pragma once

#include <cstdint>
#include <deque>
#include <span>

#include "firmware/silicon/peripheral.hpp"

namespace thyrode::silicon {

class Usart final : public Peripheral {
 public:
  explicit Usart(Fabric& fabric);

  /// Bytes of the other end; they come one after the other from now on.
  void deliver(std::span<const std::uint8_t> bytes);
  /// The rate at which the other end sends and listens.
  void line_rate(double baud) { line_baud_ = baud; }
  double line_rate() const { return line_baud_; }
  /// Bytes of the other end that have not come yet.
  std::size_t waiting() const { return incoming_.size(); }
  void forget_incoming();

  void reset() override;
  Time due() const override;
  void happen() override;
  void acknowledge(Request, bool) {}

 protected:
  std::uint32_t on_read(std::uint32_t offset) override;
  void on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) override;

 private:
  double baud() const;
  Time frame_time(double baud) const;
  bool rate_fits(const char* verb);
  void take_data(std::uint32_t value);
  void start_sending();
  void receive(std::uint8_t byte);
  void update_lines();
  bool receiving() const { return clocked() && bit(0x0C, 13) && bit(0x0C, 2); }

  double line_baud_ = 1e6;
  std::deque<std::uint8_t> incoming_;
  Time incoming_at_ = never;
  Time idle_at_ = never;
  bool sending_ = false;
  Time sent_at_ = never;
  std::uint8_t shifting_ = 0;
  std::uint8_t transmit_data_ = 0;
  std::uint8_t receive_data_ = 0;
  std::uint32_t status_seen_ = 0;  // flags that a read of the status has shown
};

}  // namespace thyrode::silicon
