// Files of the operating system, and a driver of the HDF5 library over them that asks before it changes a byte. Private
// to this room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "daemon/recording/hdf5.hpp"

namespace thyrode::recording {

/// An open file of the operating system, closed at the end.
class Descriptor {
 public:
  Descriptor() = default;
  /// @param flags  of open(2); errno tells why it is not open afterwards
  Descriptor(const std::string& path, int flags);
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&& other) noexcept : id_{std::exchange(other.id_, -1)} {}
  ~Descriptor();
  int get() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }

 private:
  int id_ = -1;
};

/// Reads as much as there is. @returns bytes, or -1 with errno
std::int64_t read_at(int file, std::int64_t offset, std::span<std::byte> out);
/// @returns false with errno
bool write_at(int file, std::int64_t offset, std::span<const std::byte> bytes);
/// @returns bytes, or -1 with errno
std::int64_t size_of_file(int file);

/// What is asked before a file changes.
class WriteGuard {
 public:
  virtual ~WriteGuard() = default;
  /// @param metadata  of the library; else values
  /// @returns false with errno to refuse the write
  virtual bool before_write(int file, std::int64_t offset, std::span<const std::byte> bytes, bool metadata) = 0;
  /// The file becomes shorter.
  virtual bool before_cut(int file, std::int64_t size) = 0;
  /// The file is left alone from now on, whatever the library still wants to write.
  void let_go() { let_go_ = true; }
  bool lets_go() const { return let_go_; }
  /// A write was refused, by the guard or by the system. The library goes on after that and would write structure that
  /// speaks of what is not there: every later change is refused for the same reason.
  /// @param reason  errno of the first refusal
  void refuse_all(int reason) { refused_ = reason; }
  /// errno of the first refusal; 0: there was none.
  int refused() const { return refused_; }

 private:
  bool let_go_ = false;
  int refused_ = 0;
};

/// Keeps others out of a file who ask for its lock, until it is closed or H5Fstart_swmr_write() lets readers in.
/// @returns false with errno: EWOULDBLOCK where somebody has it
bool lock_file(const Descriptor& file);

/// Makes a locked file a new HDF5 file (create), or opens it as one, for changes that a guard is asked about first.
/// @param path   for the library's messages
/// @param guard   outlives the file
/// @param reason  why, where the library refused
/// @returns nothing where the library refused
h5::Handle open_guarded(const Descriptor& file, const std::string& path, bool create, WriteGuard& guard,
                        std::string& reason);

}  // namespace thyrode::recording
