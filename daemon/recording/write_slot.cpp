#include "daemon/recording/write_slot.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "daemon/recording/checksum.hpp"

namespace thyrode::recording {
namespace {

constexpr std::int64_t page_bytes = 4096;

/// A write; its bytes follow.
struct SlotHead {
  std::int64_t offset;
  std::uint32_t bytes;
  std::uint32_t checksum;  ///< of offset, bytes and what follows
};

std::uint32_t checksum_of(const SlotHead& head, std::span<const std::byte> bytes) {
  return lookup3(bytes, lookup3(std::as_bytes(std::span{&head, 1}).first(offsetof(SlotHead, checksum)), 0));
}

[[noreturn]] void refuse(const std::string& name, const char* doing) {
  raise(ErrorKind::run_failed, fmt::format("{}: cannot {} it: {}; check the folder and the disk, or name another file "
                                           "with --out",
                                           name, doing, std::strerror(errno)));
}

}  // namespace

std::string slot_of(const std::string& path) {
  return path + ".last";
}

WriteSlot::WriteSlot(const std::string& path) : name_{slot_of(path)}, out_{name_, O_RDWR | O_CREAT | O_TRUNC} {
  if (!out_) refuse(name_, "make");
}

WriteSlot::~WriteSlot() {
  std::error_code ignored;
  if (closed_) std::filesystem::remove(name_, ignored);
}

bool WriteSlot::before_write(int, std::int64_t offset, std::span<const std::byte> bytes, bool metadata) {
  const std::int64_t end = offset + static_cast<std::int64_t>(bytes.size());
  if (!metadata || offset / page_bytes == (end - 1) / page_bytes) return offset >= end_ || end <= first_ || empty();
  std::vector<std::byte> record(sizeof(SlotHead) + bytes.size());
  SlotHead head{offset, static_cast<std::uint32_t>(bytes.size()), 0};
  head.checksum = checksum_of(head, bytes);
  std::memcpy(record.data(), &head, sizeof(head));
  std::memcpy(record.data() + sizeof(head), bytes.data(), bytes.size());
  first_ = offset;
  end_ = end;
  return write_at(out_.get(), 0, record);
}

bool WriteSlot::empty() {
  const std::array<std::byte, sizeof(SlotHead)> nothing{};
  first_ = end_ = 0;
  return write_at(out_.get(), 0, nothing);
}

void whole_again(const std::string& slot, const std::string& target) {
  const Descriptor in{slot, O_RDONLY};
  SlotHead head{};
  const auto head_bytes = std::as_writable_bytes(std::span{&head, 1});
  if (!in || read_at(in.get(), 0, head_bytes) != static_cast<std::int64_t>(head_bytes.size())) return;
  std::vector<std::byte> bytes(
      std::min<std::size_t>(head.bytes, static_cast<std::size_t>(std::max<std::int64_t>(0, size_of_file(in.get())))));
  if (head.bytes == 0 || bytes.size() != head.bytes ||
      read_at(in.get(), sizeof(head), bytes) != std::int64_t{head.bytes})
    return;
  if (head.checksum != checksum_of(head, bytes)) return;
  const Descriptor out{target, O_RDWR};
  if (!out || !write_at(out.get(), head.offset, bytes)) refuse(target, "repair");
}

}  // namespace thyrode::recording
