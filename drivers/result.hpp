// How a door of the host answers: a value, or an error a person can act on.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace thyrode {

/// Who is at fault decides the exit code of the programs (interfaces: 2 usage or bad input file,
/// 3 device, 4 safety trip, 5 data gap, 1 everything else).
enum class ErrorKind {
  bad_input,         ///< a file, an option or a value given by the user
  device,            ///< no such device, disconnected, silent, or not ours
  safety,            ///< the device latched a fault and set the current to zero
  data_gap,          ///< data were lost and the run may not go on without them
  run_failed,        ///< the run could not be carried to its end: disk, interrupt, inner limit
  not_in_recording,  ///< a recording is asked for what was never recorded
  timeout,           ///< nothing came in time; the call may be repeated
};

/// What went wrong, where, the value, the limit, and what to do next, in `message`.
struct Error {
  ErrorKind kind = ErrorKind::run_failed;
  std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorKind kind, std::string message) {
  return tl::make_unexpected(Error{kind, std::move(message)});
}

}  // namespace thyrode
