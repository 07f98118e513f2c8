// A run's store and what goes into it: the messages of the device in their order, and what is asked between them.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <variant>
#include <vector>

#include "daemon/acquisition/acquisition.hpp"
#include "daemon/experiment/bench.hpp"

namespace thyrode::experiment {

/// Keeps a run. Other threads say what is to be kept; the recording thread takes its turns and alone touches the store.
/// After the first error of the store nothing more is kept.
class StoreWriter {
 public:
  /// A finished step, kept once all data up to `recorded` are: no row is in the file before what it was measured from.
  struct StoreStep {
    StepFinished finished;
    Sample recorded;
  };
  using Order = std::variant<StoreStep, ResultsUpdated, StepBegins, RowsTold, ReadBack>;
  /// What was asked, which the store keeps before the data that follow from it.
  using Asking = std::variant<acquisition::Order, OperatorRequest>;
  using ReadBacks = std::vector<Result<std::vector<DeviceMessage>>>;

  StoreWriter(RunStore& store, acquisition::Queues& queues) : store_{store}, queues_{queues} {}

  // ---- from any thread

  void keep(Asking asking);
  /// Orders are carried out in their order. @returns the number of orders until now, this one included
  std::int64_t order(Order order);
  /// Orders carried out.
  std::int64_t carried_out() const { return carried_out_.load(std::memory_order_acquire); }
  /// The answers to ReadBack that have come since the last call.
  ReadBacks take_read_backs();
  bool failed() const { return failed_.load(std::memory_order_acquire); }

  // ---- from the recording thread

  /// Takes up to `most` messages from the queue, and carries out what is due. @returns how many messages
  std::size_t turn(std::size_t most);
  void flush();
  /// Nothing more will be recorded: carries out what was asked, to the last.
  void finish();
  /// The first error of the store; for others once failed().
  const std::optional<Error>& error() const { return error_; }

 private:
  void write(const DeviceMessage& message);
  void keep_askings();
  void carry_orders(bool all);
  bool due(const Order& order) const;
  Result<void> carry_out(const Order& order);
  void read_back(const ReadBack& ask);
  void fail(const Error& error);

  RunStore& store_;
  acquisition::Queues& queues_;
  // Steps and results are rare; a mutex for them does not lie on the path of a sample.
  std::mutex mutex_;
  std::deque<Order> orders_;
  std::vector<Asking> askings_;
  ReadBacks read_backs_;
  std::int64_t ordered_ = 0;
  std::atomic<std::int64_t> carried_out_{0};
  std::atomic<bool> failed_{false};
  std::optional<Error> error_;  // recording thread, read by others after failed_
  Sample recorded_{};           // recording thread: the last mark written
};

}  // namespace thyrode::experiment
