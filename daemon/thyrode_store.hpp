// The recorder as the engine's store, and what a recording is told of its run.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "daemon/experiment/bench.hpp"
#include "daemon/recording/recorder.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_job.hpp"

namespace thyrode::program {

class RecorderStore final : public experiment::RunStore {
 public:
  /// @param keep_signals  trace and snippets too; else the recording was made for none
  explicit RecorderStore(recording::Recorder recorder, bool keep_signals = true)
      : recorder_{std::move(recorder)}, keep_signals_{keep_signals} {}
  Result<void> write(const DeviceMessage& message) override {
    const bool signal = std::holds_alternative<protocol::SampleBlock>(message) ||
                        std::holds_alternative<protocol::SnippetBlock>(message);
    if (signal && !keep_signals_) return {};
    return recorder_.write(message);
  }
  Result<void> add_step(const analysis::StepResult& step, std::span<const std::uint32_t> isi_counts) override {
    return recorder_.add_step(step, isi_counts);
  }
  Result<void> add_step(const analysis::StepResult& step, std::span<const std::uint32_t> isi_counts,
                        const analysis::PairCorrelation& pairs) override {
    return recorder_.add_step(step, isi_counts, pairs);
  }
  Result<void> add_order(const acquisition::Order& order) override;
  Result<void> add_request(const experiment::OperatorRequest& request) override;
  Result<void> step_begins(Sample at) override { return recorder_.step_begins(at); }
  Result<void> rows_told(Sample before) override { return recorder_.rows_told(before); }
  Result<void> update_results(std::span<const analysis::StepResult> steps, const analysis::SweepFit& fit) override {
    return recorder_.update_results(steps, fit);
  }
  Result<void> update_link(const LinkCounters& counters) override { return recorder_.update_link(counters); }
  Result<std::vector<DeviceMessage>> read_back(Channel channel, Sample from, Sample until) override {
    return recorder_.read_back(channel, from, until);
  }
  Result<void> flush() override { return recorder_.flush(); }
  Result<void> finalise(const analysis::RunResult& result, const std::string& exit_status) override;
  void discard() { recorder_.discard(); }
  const std::string& path() const { return recorder_.path(); }
  std::vector<std::string> paths() const { return recorder_.paths(); }

 private:
  recording::Recorder recorder_;
  bool keep_signals_;
};

/// Everything that a recording says of how it was made.
recording::RunDescription describe_run(const Job& job, const experiment::RunPlan& plan, const DeviceInfo& device,
                                       const RunOptions& options);

/// What persons asked for in a recorded run, for a plan that asks the same. Errors: bad_input (as read_run).
Result<std::vector<experiment::OperatorRequest>> recorded_requests(const std::string& path);

/// Seconds of a steady clock: for silence, heartbeats and flushes.
double steady_seconds();

}  // namespace thyrode::program
