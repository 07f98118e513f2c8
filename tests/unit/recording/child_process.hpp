// A part of a test in a process of its own, which may die.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

namespace thyrode::recording::testing {

/// Runs `body` in a process of its own. @returns wait status
template <class Body>
int in_child(Body&& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    body();
    ::_exit(99);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

}  // namespace thyrode::recording::testing
