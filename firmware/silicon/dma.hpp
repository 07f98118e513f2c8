// A DMA controller: eight streams, each with its map of requests.
#pragma once

#include <array>

#include "firmware/silicon/peripheral.hpp"

namespace thyrode::silicon {

class Dma final : public Peripheral {
 public:
  /// @param number  1 or 2
  Dma(Fabric& fabric, int number);
  /// The line of a request went high, or is still high.
  /// @returns whether a stream took it
  bool serve(Request request);
  void reset() override;

 protected:
  std::uint32_t on_read(std::uint32_t offset) override { return at(offset); }
  void on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before) override;

 private:
  static constexpr unsigned streams = 8;
  static constexpr std::uint32_t control(unsigned stream) { return 0x10U + 0x18U * stream; }
  struct Stream {
    std::uint32_t count = 0;  // as programmed
    std::uint32_t done = 0;   // since the last reload
    Request request = Request::none;
  };
  void write_control(unsigned stream, std::uint32_t value, std::uint32_t before);
  bool check_setup(unsigned stream);
  void start(unsigned stream);
  void stop(unsigned stream);
  void transfer(unsigned stream);
  void copy_memory(unsigned stream);
  void move_one(unsigned stream);
  void end_of_count(unsigned stream);
  void flag(unsigned stream, unsigned bit);
  std::uint32_t flags(unsigned stream) const;
  void update_line(unsigned stream);
  bool enabled(unsigned stream) const { return (at(control(stream)) & 1U) != 0; }

  int number_;
  std::array<Stream, streams> streams_{};
};

}  // namespace thyrode::silicon
