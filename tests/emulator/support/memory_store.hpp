// A run kept in memory, and one that fails on purpose.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/experiment/bench.hpp"

namespace thyrode::test {

class MemoryStore : public experiment::RunStore {
 public:
  std::vector<DeviceMessage> messages;
  std::vector<analysis::StepResult> steps;
  LinkCounters link;
  analysis::RunResult result;
  std::string exit_status;
  int finalised = 0;
  std::int64_t writes_left = -1;  ///< then the disk is full; negative: never

  Result<void> write(const DeviceMessage& message) override {
    if (writes_left == 0) return fail(ErrorKind::run_failed, "no space left on the disk");
    if (writes_left > 0) --writes_left;
    messages.push_back(message);
    return {};
  }
  Result<void> add_step(const analysis::StepResult& step, std::span<const std::uint32_t>) override {
    steps.push_back(step);
    return {};
  }
  Result<void> update_results(std::span<const analysis::StepResult>, const analysis::SweepFit&) override { return {}; }
  Result<void> update_link(const LinkCounters& counters) override {
    link = counters;
    return {};
  }
  /// All there is: whoever asks must take no more than is meant.
  Result<std::vector<DeviceMessage>> read_back(Channel, Sample, Sample) override { return messages; }
  Result<void> flush() override { return {}; }
  Result<void> finalise(const analysis::RunResult& all, const std::string& status) override {
    result = all;
    exit_status = status;
    ++finalised;
    return {};
  }

  template <class Wanted>
  std::vector<Wanted> all() const {
    std::vector<Wanted> found;
    for (const DeviceMessage& message : messages) {
      if (const auto* wanted = std::get_if<Wanted>(&message)) found.push_back(*wanted);
    }
    return found;
  }
};

}  // namespace thyrode::test
