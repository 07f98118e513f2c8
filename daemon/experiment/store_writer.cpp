#include "daemon/experiment/store_writer.hpp"

#include <utility>

namespace thyrode::experiment {

void StoreWriter::keep(Asking asking) {
  const std::lock_guard lock{mutex_};
  askings_.push_back(std::move(asking));
}

std::int64_t StoreWriter::order(Order order) {
  const std::lock_guard lock{mutex_};
  orders_.push_back(std::move(order));
  return ++ordered_;
}

StoreWriter::ReadBacks StoreWriter::take_read_backs() {
  const std::lock_guard lock{mutex_};
  return std::exchange(read_backs_, {});
}

std::size_t StoreWriter::turn(std::size_t most) {
  std::size_t taken = 0;
  DeviceMessage message;
  while (taken < most && queues_.recording.pop(message)) {
    ++taken;
    write(message);
  }
  carry_orders(false);
  return taken;
}

void StoreWriter::write(const DeviceMessage& message) {
  const auto* mark = std::get_if<protocol::Mark>(&message);
  if (mark != nullptr) keep_askings();
  if (error_) return;  // the run is ending; the queue must not fill
  if (auto written = store_.write(message); !written) fail(written.error());
  if (mark == nullptr) return;
  recorded_ = mark->at;
  carry_orders(false);
}

void StoreWriter::flush() {
  if (error_) return;
  if (auto done = store_.flush(); !done) fail(done.error());
}

void StoreWriter::finish() {
  keep_askings();
  carry_orders(true);
}

void StoreWriter::keep_askings() {
  std::vector<Asking> askings;
  {
    const std::lock_guard lock{mutex_};
    askings.swap(askings_);
  }
  for (const Asking& asking : askings) {
    if (error_) return;
    const auto* order = std::get_if<acquisition::Order>(&asking);
    const auto kept =
        order != nullptr ? store_.add_order(*order) : store_.add_request(std::get<OperatorRequest>(asking));
    if (!kept) fail(kept.error());
  }
}

bool StoreWriter::due(const Order& order) const {
  if (const auto* ask = std::get_if<ReadBack>(&order)) return recorded_ >= ask->until;
  if (const auto* step = std::get_if<StoreStep>(&order)) return recorded_ >= step->recorded;
  return true;
}

void StoreWriter::carry_orders(bool all) {
  while (true) {
    std::optional<Order> order;
    {
      const std::lock_guard lock{mutex_};
      if (orders_.empty() || !(all || error_ || due(orders_.front()))) return;
      order = std::move(orders_.front());
      orders_.pop_front();
    }
    if (const auto* ask = std::get_if<ReadBack>(&*order)) {
      read_back(*ask);
    } else if (!error_) {
      if (const auto done = carry_out(*order); !done) fail(done.error());
    }
    carried_out_.fetch_add(1, std::memory_order_release);
  }
}

Result<void> StoreWriter::carry_out(const Order& order) {
  if (const auto* begins = std::get_if<StepBegins>(&order)) return store_.step_begins(begins->at);
  if (const auto* told = std::get_if<RowsTold>(&order)) return store_.rows_told(told->before);
  if (const auto* step = std::get_if<StoreStep>(&order)) {
    return store_.add_step(step->finished.row, step->finished.isi_counts, step->finished.pairs);
  }
  const auto& updated = std::get<ResultsUpdated>(order);
  return store_.update_results(updated.steps, updated.fit);
}

void StoreWriter::read_back(const ReadBack& ask) {
  Result<std::vector<DeviceMessage>> messages = std::vector<DeviceMessage>{};
  if (error_) messages = tl::make_unexpected(*error_);
  for (const Channel channel : ask.channels) {
    if (!messages) break;
    const auto its = store_.read_back(channel, ask.from, ask.until);
    if (its) {
      messages->insert(messages->end(), its->begin(), its->end());
    } else {
      messages = tl::make_unexpected(its.error());
    }
  }
  if (!messages) fail(messages.error());
  const std::lock_guard lock{mutex_};
  read_backs_.push_back(std::move(messages));
}

void StoreWriter::fail(const Error& error) {
  if (!error_) error_ = error;
  failed_.store(true, std::memory_order_release);
}

}  // namespace thyrode::experiment
