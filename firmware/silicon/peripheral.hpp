// A block of registers described by a table: what is mapped, which bits exist, which can be written.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "firmware/silicon/fabric.hpp"

namespace thyrode::silicon {

struct Register {
  std::uint32_t offset = 0;
  const char* name = "";
  const char* section = "";
  std::uint32_t reset = 0;
  std::uint32_t present = 0xFFFFFFFF;   ///< bits that the manual does not call reserved
  std::uint32_t writable = 0xFFFFFFFF;  ///< bits that keep what is written; the others are flags or read only
};

class Peripheral {
 public:
  /// @param registers  outlives this object
  Peripheral(Fabric& fabric, std::string name, std::uint32_t base, std::uint32_t bytes,
             std::span<const Register> registers);
  Peripheral(const Peripheral&) = delete;
  Peripheral& operator=(const Peripheral&) = delete;
  virtual ~Peripheral() = default;

  const std::string& name() const { return name_; }
  std::uint32_t base() const { return base_; }
  std::uint32_t bytes() const { return bytes_; }

  /// An access of the processor or of a DMA stream.
  std::uint32_t read(std::uint32_t address, unsigned bytes);
  void write(std::uint32_t address, unsigned bytes, std::uint32_t value);

  /// Back to the values of reset.
  virtual void reset();
  /// The next moment at which something happens by itself.
  virtual Time due() const { return never; }
  /// That moment has come.
  virtual void happen() {}
  /// The clock of its bus has a new frequency.
  virtual void clock_changed() {}

  /// Whether its clock is enabled in the RCC; set by it.
  void gate(bool clocked) { clocked_ = clocked; }
  bool clocked() const { return clocked_; }

 protected:
  /// @returns what a read gives; may clear flags
  virtual std::uint32_t on_read(std::uint32_t offset) { return at(offset); }
  /// @param before  value of the register until now
  virtual void on_write(std::uint32_t offset, std::uint32_t value, std::uint32_t before);

  std::uint32_t& at(std::uint32_t offset);
  std::uint32_t at(std::uint32_t offset) const;
  bool bit(std::uint32_t offset, unsigned number) const { return (at(offset) >> number & 1U) != 0; }
  void refuse(const std::string& what, const char* section) const;
  Fabric& fabric_;

 private:
  const Register* find(std::uint32_t offset) const;
  bool reachable(std::uint32_t address, unsigned bytes, const char* verb);

  std::string name_;
  std::uint32_t base_;
  std::uint32_t bytes_;
  std::span<const Register> registers_;
  std::vector<std::uint32_t> values_;
  std::vector<std::int16_t> index_;  // of the register at each word
  bool clocked_ = true;
};

}  // namespace thyrode::silicon
