#include "drivers/terminal.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "drivers/asio_link.hpp"

namespace thyrode {
namespace {

using Descriptor = boost::asio::posix::stream_descriptor;

std::unique_ptr<Link> descriptor_link(int descriptor, std::string name) {
  return std::make_unique<AsioLink<Descriptor>>(
      [descriptor](boost::asio::io_context& io) {
        return Descriptor{io, descriptor};
      },
      std::move(name));
}

std::string open_hint(int error, const std::string& path) {
  switch (error) {
    case ENOENT:
      return fmt::format("{} does not exist: check the cable, or list what is there with 'thyrode scan'", path);
    case EACCES:
      return fmt::format("no permission to open {}: add yourself to the group that owns it (often dialout)", path);
    case EBUSY: return fmt::format("{} is in use by another program: close that one first", path);
    default: return fmt::format("{} cannot be opened: {}", path, std::strerror(error));
  }
}

bool make_raw(int descriptor) {
  termios settings{};
  if (tcgetattr(descriptor, &settings) != 0) return false;
  cfmakeraw(&settings);
  // Without HUPCL a closed port does not pull DTR, which would reset some boards.
  settings.c_cflag = (settings.c_cflag & ~static_cast<tcflag_t>(HUPCL)) | CLOCAL | CREAD;
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  return tcsetattr(descriptor, TCSANOW, &settings) == 0;
}

}  // namespace

Result<std::unique_ptr<Link>> open_terminal_descriptor(int descriptor, const std::string& name) {
  if (descriptor < 0) return fail(ErrorKind::device, fmt::format("{}: {}", name, std::strerror(errno)));
  const auto refuse = [&](std::string reason) {
    ::close(descriptor);
    return fail(ErrorKind::device, std::move(reason));
  };
  if (isatty(descriptor) == 0) return refuse(fmt::format("{} is not a serial port or terminal", name));
  // TIOCEXCL does not hold for root; the lock does.
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) return refuse(open_hint(EBUSY, name));
  if (ioctl(descriptor, TIOCEXCL) != 0 || !make_raw(descriptor)) {
    return refuse(fmt::format("{} refuses raw mode: {}", name, std::strerror(errno)));
  }
  tcflush(descriptor, TCIOFLUSH);
  return descriptor_link(descriptor, name);
}

Result<std::unique_ptr<Link>> open_terminal(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return fail(ErrorKind::device, open_hint(errno, path));
  return open_terminal_descriptor(descriptor, path);
}

Result<PseudoTerminal> PseudoTerminal::open() {
  const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) {
    const int error = errno;
    if (master >= 0) ::close(master);
    return fail(ErrorKind::device, fmt::format("no pseudo terminal: {}", std::strerror(error)));
  }
  char path[128] = {};
  if (ptsname_r(master, path, sizeof(path)) != 0) {
    ::close(master);
    return fail(ErrorKind::device, "the pseudo terminal has no name");
  }
  make_raw(master);
  // Opened and closed once: from now on the master sees a hang-up while no client has it open.
  const int client = ::open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (client >= 0) ::close(client);
  return PseudoTerminal{master, path};
}

PseudoTerminal::PseudoTerminal(PseudoTerminal&& other) noexcept
    : master_{std::exchange(other.master_, -1)}, client_path_{std::move(other.client_path_)} {}

PseudoTerminal::~PseudoTerminal() {
  if (master_ >= 0) ::close(master_);
}

bool PseudoTerminal::wait_for_client(Duration timeout) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(timeout.si());
  while (true) {
    pollfd query{master_, POLLIN, 0};
    ::poll(&query, 1, 0);
    if ((query.revents & POLLHUP) == 0) return true;
    if (std::chrono::steady_clock::now() >= deadline) return false;
    ::usleep(2000);  // the kernel tells hang-ups, not openings: one look every 2 ms
  }
}

Result<std::unique_ptr<Link>> PseudoTerminal::link() const {
  const int copy = fcntl(master_, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return fail(ErrorKind::device, fmt::format("pseudo terminal: {}", std::strerror(errno)));
  return descriptor_link(copy, "the client of " + client_path_);
}

}  // namespace thyrode
