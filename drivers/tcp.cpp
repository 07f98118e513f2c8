#include <fmt/core.h>

#include "drivers/asio_link.hpp"
#include "drivers/tcp_listener.hpp"

namespace thyrode {

using boost::asio::ip::tcp;

Result<std::unique_ptr<Link>> open_tcp(const std::string& host, std::uint16_t port) {
  const bool bare_v6 = host.find(':') != std::string::npos;
  const std::string name = bare_v6 ? fmt::format("tcp://[{}]:{}", host, port) : fmt::format("tcp://{}:{}", host, port);
  try {
    boost::asio::io_context io;
    boost::system::error_code error;
    tcp::resolver resolver{io};
    const auto found = resolver.resolve(host, std::to_string(port), error);
    if (error) return fail(ErrorKind::device, fmt::format("{}: {}", name, error.message()));
    tcp::socket probe{io};
    boost::asio::async_connect(probe, found,
                               [&error](const boost::system::error_code& e, const tcp::endpoint&) { error = e; });
    error = boost::asio::error::timed_out;
    io.run_for(std::chrono::seconds(2));
    if (error) {
      return fail(ErrorKind::device,
                  fmt::format("{}: {}; is the device on, and is this its address?", name, error.message()));
    }
    const auto protocol = probe.local_endpoint().protocol();
    const int descriptor = probe.release();
    auto link = std::make_unique<AsioLink<tcp::socket>>(
        [&](boost::asio::io_context& context) {
          tcp::socket socket{context, protocol, descriptor};
          socket.set_option(tcp::no_delay{true});
          socket.non_blocking(true);
          return socket;
        },
        name);
    return link;
  } catch (const std::exception& e) {
    return fail(ErrorKind::device, fmt::format("{}: {}", name, e.what()));
  }
}

struct TcpListener::State {
  boost::asio::io_context io{1};
  tcp::acceptor acceptor{io};
};

TcpListener::TcpListener(std::unique_ptr<State> state) : state_{std::move(state)} {}
TcpListener::TcpListener(TcpListener&&) noexcept = default;
TcpListener::~TcpListener() = default;

Result<TcpListener> TcpListener::open(std::uint16_t port) {
  auto state = std::make_unique<State>();
  boost::system::error_code error;
  const tcp::endpoint endpoint{boost::asio::ip::address_v4::loopback(), port};
  state->acceptor.open(endpoint.protocol(), error);
  if (!error) state->acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
  if (!error) state->acceptor.bind(endpoint, error);
  if (!error) state->acceptor.listen(1, error);
  if (error) return fail(ErrorKind::device, fmt::format("cannot listen on 127.0.0.1:{}: {}", port, error.message()));
  return TcpListener{std::move(state)};
}

std::uint16_t TcpListener::port() const {
  return state_->acceptor.local_endpoint().port();
}

Result<std::unique_ptr<Link>> TcpListener::accept(Duration timeout) {
  std::unique_ptr<Link> link;
  boost::system::error_code error = boost::asio::error::timed_out;
  tcp::socket peer{state_->io};
  state_->acceptor.async_accept(peer, [&error](const boost::system::error_code& e) { error = e; });
  state_->io.restart();
  state_->io.run_for(std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(timeout.si())));
  if (error) {
    boost::system::error_code ignored;
    state_->acceptor.cancel(ignored);
    state_->io.restart();
    state_->io.poll();
    return fail(ErrorKind::timeout, "no client");
  }
  const int descriptor = peer.release();
  return std::make_unique<AsioLink<tcp::socket>>(
      [descriptor](boost::asio::io_context& context) {
        tcp::socket socket{context, tcp::v4(), descriptor};
        socket.set_option(tcp::no_delay{true});
        socket.non_blocking(true);
        return socket;
      },
      "the client on TCP");
}

}  // namespace thyrode
