// The one engine: takes a plan and a device, measures, and tells what happens in one stream of events.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "daemon/acquisition/acquisition.hpp"
#include "daemon/experiment/conductor.hpp"
#include "daemon/experiment/events.hpp"
#include "daemon/experiment/run_plan.hpp"

namespace thyrode::experiment {

/// Where a run is kept. The engine calls it from one thread, the recording thread.
class RunStore {
 public:
  virtual ~RunStore() = default;
  virtual Result<void> write(const DeviceMessage& message) = 0;
  virtual Result<void> add_step(const analysis::StepResult& step, std::span<const std::uint32_t> isi_counts) = 0;
  /// The same with g_n of the step; a store that does not keep it need not take it.
  virtual Result<void> add_step(const analysis::StepResult& step, std::span<const std::uint32_t> isi_counts,
                                const analysis::PairCorrelation& pairs) {
    static_cast<void>(pairs);
    return add_step(step, isi_counts);
  }
  /// What the device was told. It comes before any data that follow from it.
  virtual Result<void> add_order(const acquisition::Order& order) {
    static_cast<void>(order);
    return {};
  }
  /// What a person asked for, likewise.
  virtual Result<void> add_request(const OperatorRequest& request) {
    static_cast<void>(request);
    return {};
  }
  /// A step will begin at a sample, and nothing that is measured before reaches across it; told the decision latency
  /// ahead. A store that keeps a run in pieces may part it there.
  virtual Result<void> step_begins(Sample at) {
    static_cast<void>(at);
    return {};
  }
  /// All rows of steps that began before a sample have been added.
  virtual Result<void> rows_told(Sample before) {
    static_cast<void>(before);
    return {};
  }
  virtual Result<void> update_results(std::span<const analysis::StepResult> steps, const analysis::SweepFit& fit) = 0;
  virtual Result<void> update_link(const LinkCounters& counters) = 0;
  /// What was written of a channel, in any order: the spikes in [from, until), each in a block of its
  /// own, the level records that begin there, the marks in (from, until], and every gap that touches the stretch.
  virtual Result<std::vector<DeviceMessage>> read_back(Channel channel, Sample from, Sample until) = 0;
  virtual Result<void> flush() = 0;
  virtual Result<void> finalise(const analysis::RunResult& result, const std::string& exit_status) = 0;
};

/// How the work of a run is spread.
enum class Threads {
  one,    ///< step by step on the calling thread
  three,  ///< acquisition, recording and analysis each on its own
};

class Bench {
 public:
  /// @param device, store  outlive the bench
  /// @param wall_clock  steady seconds; for silence, heartbeats and flushes, never for a decision
  Bench(Device& device, RunStore& store, std::function<double()> wall_clock);
  ~Bench();

  /// Adds a listener; call before run(). It is called from the analysis thread.
  void subscribe(EventHandler handler);

  /// Carries a plan out and returns when the current is zero and the store closed.
  /// @returns the result; also after a stop, a fault or the loss of the device, with what was measured
  /// Errors, each after the store was closed: device, safety, run_failed (disk; overrun; stopped: "stopped").
  struct Outcome {
    analysis::RunResult result;
    Error error;              ///< message empty on success
    bool begun = true;        ///< false: the device refused its settings, and the store was not closed
    std::string exit_status;  ///< success, stopped, device_lost, safety_trip, run_failed
  };
  Outcome run(const RunPlan& plan, Threads threads);

  /// Ends the run as early as the device can; the step under way is kept as interrupted. From any thread or handler.
  void stop() { stop_requested_.store(true, std::memory_order_relaxed); }
  /// Takes the current to zero, the decision latency after the next mark, and waits for resume(). The step under way is
  /// kept as interrupted and measured again from its beginning. The device stays armed and its lease alive; a device in
  /// virtual time stands still. stop() and estop() work as ever. From any thread or handler.
  void pause() { pause_requested_.store(true, std::memory_order_relaxed); }
  /// Goes on after pause(); before the pause was taken up it takes it back. From any thread or handler.
  void resume() { pause_requested_.store(false, std::memory_order_relaxed); }
  /// A pause was asked for and not ended yet.
  bool paused() const { return pause_requested_.load(std::memory_order_relaxed); }
  /// Answers the question that was asked last (event Asked); without one it does nothing. From any thread or handler.
  /// @param go_on  false ends the run as stop() does
  /// @param value  of the quantity asked for, SI; empty: what was planned
  void answer(bool go_on, std::optional<double> value = std::nullopt);
  /// Current to zero now. From any thread or handler.
  void estop() { estop_requested_.store(true, std::memory_order_relaxed); }

 private:
  struct Answer {
    bool go_on = false;
    std::optional<double> value;
  };
  std::vector<Answer> take_answers();

  class Run;
  Device& device_;
  RunStore& store_;
  std::function<double()> wall_clock_;
  std::vector<EventHandler> handlers_;
  std::atomic<bool> stop_requested_{false};
  std::atomic<bool> estop_requested_{false};
  std::atomic<bool> pause_requested_{false};
  std::mutex answer_mutex_;
  std::vector<Answer> answers_;
  std::atomic<bool> answered_{false};
};

}  // namespace thyrode::experiment
