// The one door to the HDF5 library: handles that close themselves and errors in words. Private to this room.
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "drivers/result.hpp"

namespace thyrode::recording {

/// What this room throws inside; every door turns it into an Error.
struct Failure {
  Error error;
};

[[noreturn]] void raise(ErrorKind kind, std::string message);

namespace h5 {

/// Owns one HDF5 identifier of any kind.
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_{id} {}
  Handle(Handle&& other) noexcept : id_{std::exchange(other.id_, H5I_INVALID_HID)} {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      id_ = std::exchange(other.id_, H5I_INVALID_HID);
    }
    return *this;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { reset(); }

  hid_t get() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }
  hid_t release() { return std::exchange(id_, H5I_INVALID_HID); }
  void reset() {
    if (id_ >= 0) H5Idec_ref(id_);
    id_ = H5I_INVALID_HID;
  }

 private:
  hid_t id_ = H5I_INVALID_HID;
};

/// Silences the library's own printing in this thread and keeps it from closing files behind our back at exit.
void quiet();

/// The innermost complaint of the last failed call, in words; the operating system's words where it has some.
std::string last_reason();

/// Throws Failure (run_failed) with the file, the object, the reason and what to do.
[[noreturn]] void complain(hid_t inside, const std::string& object, const char* doing);

/// Throws Failure (run_failed) if a call failed.
/// @param code    what the call returned; negative is failure
/// @param inside  any identifier that belongs to the file, for its name
/// @param object  path of the object the call was about
/// @param doing   what was attempted: "write", "create" ...
inline void expect(herr_t code, hid_t inside, const std::string& object, const char* doing) {
  if (code < 0) complain(inside, object, doing);
}

/// expect() for calls that return an identifier.
inline Handle own(hid_t id, hid_t inside, const std::string& object, const char* doing) {
  if (id < 0) complain(inside, object, doing);
  return Handle{id};
}

bool exists(hid_t file, const std::string& path);
Handle open_dataset(hid_t file, const std::string& path);

}  // namespace h5

/// Calls `body` at a door of the room: what it throws becomes an Error.
template <class Body>
auto guarded(Body&& body) -> Result<std::invoke_result_t<Body>> {
  h5::quiet();
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Body>>) {
      std::invoke(body);
      return {};
    } else {
      return std::invoke(body);
    }
  } catch (const Failure& failure) {
    return tl::make_unexpected(failure.error);
  } catch (const std::exception& other) {
    return fail(ErrorKind::run_failed, std::string{"recording: "} + other.what());
  }
}

}  // namespace thyrode::recording
