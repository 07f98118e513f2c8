// A Link over any Asio stream: reads with a time limit, writes that never block.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drivers/asio.hpp"
#include "drivers/link.hpp"

namespace thyrode {

template <class Stream>
class AsioLink final : public Link {
 public:
  /// @param make  called with the io_context, gives the open stream
  /// @param name  for messages to people
  template <class Make>
  AsioLink(Make&& make, std::string name) : stream_{make(io_)}, name_{std::move(name)} {}

  Result<std::size_t> read(std::span<std::uint8_t> into, Duration timeout) override {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(timeout.si());
    while (received_ == taken_) {
      if (!ended_.empty()) return fail(ErrorKind::device, ended_);
      if (!reading_) begin_read();
      io_.restart();
      const auto left = deadline - std::chrono::steady_clock::now();
      if (left.count() <= 0) {
        io_.poll();
        if (received_ == taken_ && ended_.empty()) return std::size_t{0};
        continue;
      }
      io_.run_one_for(std::chrono::duration_cast<std::chrono::nanoseconds>(left));
    }
    const std::size_t count = std::min(into.size(), received_ - taken_);
    std::copy_n(buffer_.data() + taken_, count, into.data());
    taken_ += count;
    return count;
  }

  Result<void> write(std::span<const std::uint8_t> bytes) override {
    if (!ended_.empty()) return fail(ErrorKind::device, ended_);
    if (waiting_.size() + going_.size() + bytes.size() > queue_limit) {
      return fail(ErrorKind::device, name_ + " takes no bytes: " + std::to_string(queue_limit) + " are waiting");
    }
    waiting_.insert(waiting_.end(), bytes.begin(), bytes.end());
    if (going_.empty()) begin_write();
    io_.restart();
    io_.poll();
    return {};
  }

  std::size_t unsent() const override { return waiting_.size() + going_.size(); }
  bool in_lockstep() const override { return false; }

 private:
  static constexpr std::size_t queue_limit = 256 * 1024;

  void begin_read() {
    reading_ = true;
    received_ = taken_ = 0;
    stream_.async_read_some(
        boost::asio::buffer(buffer_), [this](const boost::system::error_code& error, std::size_t n) {
          reading_ = false;
          received_ = n;
          if (error) ended_ = name_ + " is gone (" + error.message() + "): check the cable or the program behind it";
        });
  }
  void begin_write() {
    if (waiting_.empty()) return;
    going_.swap(waiting_);
    waiting_.clear();
    boost::asio::async_write(stream_, boost::asio::buffer(going_),
                             [this](const boost::system::error_code& error, std::size_t) {
                               going_.clear();
                               if (error) {
                                 if (ended_.empty()) ended_ = name_ + " takes no more bytes (" + error.message() + ")";
                               } else {
                                 begin_write();
                               }
                             });
  }

  boost::asio::io_context io_{1};
  Stream stream_;
  std::string name_;
  std::array<std::uint8_t, 65536> buffer_{};
  std::size_t received_ = 0;
  std::size_t taken_ = 0;
  bool reading_ = false;
  std::vector<std::uint8_t> waiting_;
  std::vector<std::uint8_t> going_;
  std::string ended_;
};

}  // namespace thyrode
