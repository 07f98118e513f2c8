// The write that is under way, kept beside a recording until it is whole. Private to this room.
#pragma once

#include <string>

#include "daemon/recording/posix_file.hpp"

namespace thyrode::recording {

/// Where the slot of a file lies while it is recorded.
std::string slot_of(const std::string& path);

/// A process that is killed may leave a write cut at the border of a page, and then a piece of the file's structure is
/// neither what it was nor what it was to be. Such a write is put into the slot first. All writes before it are whole,
/// so one slot is enough, and whole_again() needs to carry out no more than that one. A later write that changes some
/// of its bytes empties the slot first.
class WriteSlot final : public WriteGuard {
 public:
  /// Throws Failure (run_failed) if the slot cannot be made.
  explicit WriteSlot(const std::string& path);
  ~WriteSlot() override;
  bool before_write(int file, std::int64_t offset, std::span<const std::byte> bytes, bool metadata) override;
  bool before_cut(int, std::int64_t) override { return empty(); }
  /// Removes the slot at the end of this, not before: the file was closed.
  void close() { closed_ = true; }

 private:
  bool empty();

  std::string name_;
  Descriptor out_;
  bool closed_ = false;
  std::int64_t first_ = 0;  ///< bytes of the file that the slot holds
  std::int64_t end_ = 0;
};

/// Carries out again the last write that a slot holds, if it is whole itself: else that write had not begun.
/// @param target  the file, or a copy of it
/// Throws Failure (run_failed) if the file cannot be written.
void whole_again(const std::string& slot, const std::string& target);

}  // namespace thyrode::recording
