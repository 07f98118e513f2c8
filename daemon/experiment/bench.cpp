#include "daemon/experiment/bench.hpp"

#include <fmt/core.h>

#include <deque>
#include <thread>
#include <utility>

#include "daemon/experiment/backoff.hpp"
#include "daemon/experiment/store_writer.hpp"

namespace thyrode::experiment {
namespace {

constexpr const char* stopped_text = "stopped: the current is zero; what was measured is in the file";

std::string kind_name(const Error& error) {
  switch (error.kind) {
    case ErrorKind::device: return "device_lost";
    case ErrorKind::safety: return "safety_trip";
    case ErrorKind::not_in_recording: return "not_in_recording";
    default: return "run_failed";
  }
}

}  // namespace

/// One run: the rooms' state machines, and how they take turns.
class Bench::Run {
 public:
  Run(Bench& bench, const RunPlan& plan)
      : bench_{bench},
        plan_{plan},
        queues_{std::make_unique<acquisition::Queues>()},
        conductor_{plan_, bench.device_.info(), [this](const acquisition::Order& order) { send(order); },
                   [this](const Event& event) { emit(event); }, [this](const ReadBack& ask) { writer_.order(ask); }},
        acquisition_{bench.device_, *queues_, acquisition_settings()},
        writer_{bench.store_, *queues_} {}

  Outcome carry_out(Threads threads) {
    if (auto prepared = prepare(); !prepared) {
      // What was armed is disarmed; nothing was measured, so nothing is kept.
      static_cast<void>(bench_.device_.stop(Sample{0}));
      Outcome outcome;
      outcome.error = prepared.error();
      outcome.exit_status = kind_name(outcome.error);
      outcome.begun = false;
      return outcome;
    }
    conductor_.begin();
    if (threads == Threads::one) {
      run_on_one_thread();
    } else {
      run_on_three_threads();
    }
    return close();
  }

 private:
  /// How a finished step comes to be kept before it is told.
  enum class Keeping {
    by_hand,     ///< this thread takes the turns of the recording
    waited_for,  ///< virtual time, which stands still meanwhile
    told_later,  ///< real time
  };
  struct Unkept {
    Event event;
    std::int64_t after;  ///< the order that must be carried out before
  };

  acquisition::Settings acquisition_settings() const {
    acquisition::Settings settings;
    settings.decision_latency = plan_.decision_latency;
    settings.lease = plan_.lease;
    settings.silence = 200.0_ms;
    settings.patience = 30.0_s;
    settings.start = conductor_.start_sample();
    settings.decimation.resize(bench_.device_.info().channels.size());
    for (const Channel channel : plan_.channels()) settings.decimation[channel.index] = plan_.telemetry.decimation;
    settings.wall_clock = bench_.wall_clock_;
    return settings;
  }

  /// Idle device -> armed and started, every setting acknowledged.
  Result<void> prepare() {
    Device& device = bench_.device_;
    if (auto done = device.configure(plan_.channel, LeaseSettings{plan_.lease}, Sample{0}); !done) return done;
    if (auto done = configure(plan_.channel, plan_.limits); !done) return done;
    for (const Companion& companion : plan_.companions) {
      if (auto done = configure(companion.channel, companion.limits); !done) return done;
    }
    if (auto armed = device.arm(); !armed) return armed;
    return device.start(conductor_.start_sample());
  }

  Result<void> configure(Channel channel, const LimitSettings& limits) {
    for (const Setting& setting : {Setting{limits}, Setting{plan_.charge}, Setting{plan_.plausibility},
                                   Setting{plan_.detector}, Setting{plan_.telemetry}, Setting{plan_.snippets}}) {
      if (auto done = bench_.device_.configure(channel, setting, Sample{0}); !done) return done;
    }
    return {};
  }

  // ---------------------------------------------------------------- turns

  Result<acquisition::Turn> acquisition_turn(Duration timeout) {
    if (bench_.estop_requested_.exchange(false)) {
      if (auto stopped = bench_.device_.estop(); !stopped) return tl::make_unexpected(stopped.error());
    }
    return acquisition_.turn(timeout);
  }

  void pass_requests_on() {
    using Kind = OperatorRequest::Kind;
    for (; next_request_ < plan_.requests.size() && plan_.requests[next_request_].after <= conductor_.now();
         ++next_request_) {
      pass_on(plan_.requests[next_request_]);
    }
    if (bench_.stop_requested_.load(std::memory_order_relaxed) && !conductor_.stopped_by_request()) {
      pass_on({Kind::stop, conductor_.now()});
    }
    if (bench_.answered_.load(std::memory_order_relaxed)) {
      for (const Answer& answer : bench_.take_answers()) {
        pass_on({answer.go_on ? Kind::answer_yes : Kind::answer_no, conductor_.now(), answer.value});
      }
    }
    const bool pause = bench_.pause_requested_.load(std::memory_order_relaxed);
    if (pause == pause_passed_on_) return;
    pause_passed_on_ = pause;
    pass_on({pause ? Kind::pause : Kind::resume, conductor_.now()});
  }

  void pass_on(const OperatorRequest& request) {
    using Kind = OperatorRequest::Kind;
    if (conductor_.finished()) return;
    writer_.keep(request);
    switch (request.kind) {
      case Kind::stop: return conductor_.request_stop();
      case Kind::pause: return conductor_.request_pause();
      case Kind::resume: return conductor_.request_resume();
      case Kind::answer_yes: return conductor_.answer(true, request.value);
      case Kind::answer_no: return conductor_.answer(false, request.value);
    }
  }

  std::size_t analysis_turn(std::size_t most) {
    pass_requests_on();
    if (acquisition_.take_silence_notice()) {
      emit(
          Notice{"the device has been silent for 200 ms; its time stands still, nothing is lost, and it is waited for "
                 "up to 30 s"});
    }
    std::size_t taken = 0;
    acquisition::AnalysisMessage next;
    while (taken < most && !conductor_.finished() && queues_->analysis.pop(next)) {
      ++taken;
      conductor_.take(next.message, next.after_drop);
      // What a listener has just asked for is taken up at the next mark, however many messages wait.
      pass_requests_on();
    }
    take_read_backs();
    tell_kept();
    return taken;
  }

  void run_on_one_thread() {
    Backoff backoff;
    while (!conductor_.finished()) {
      const auto turn = acquisition_turn(20.0_ms);
      if (!turn) {
        device_error_ = turn.error();
        break;
      }
      analysis_turn(1024);
      writer_.turn(1024);
      if (writer_.failed()) stop_for_store();
      // In a pause nothing comes, and somebody else says when it is over.
      conductor_.held() ? backoff.rest() : backoff.reset();
    }
    analysis_turn(4096);
    writer_.turn(4096);
  }

  void run_on_three_threads() {
    std::atomic<bool> over{false};
    keeping_ = bench_.device_.info().virtual_time ? Keeping::waited_for : Keeping::told_later;
    std::thread acquiring{[&] { acquire_until(over); }};
    std::thread recording{[&] { record_until(over); }};
    Backoff backoff;
    while (!conductor_.finished() && !link_ended_.load(std::memory_order_acquire)) {
      if (analysis_turn(256) > 0) {
        backoff.reset();
      } else {
        backoff.rest();
      }
      if (writer_.failed()) stop_for_store();
    }
    over.store(true, std::memory_order_release);
    acquiring.join();
    analysis_turn(4096);
    recording_may_end_.store(true, std::memory_order_release);
    recording.join();
    keeping_ = Keeping::by_hand;
  }

  void acquire_until(const std::atomic<bool>& over) {
    Backoff backoff;
    while (!over.load(std::memory_order_acquire)) {
      const auto turn = acquisition_turn(5.0_ms);
      if (!turn) {
        device_error_ = turn.error();
        break;
      }
      if (*turn == acquisition::Turn::blocked) {
        backoff.rest();
      } else {
        backoff.reset();
      }
    }
    link_ended_.store(true, std::memory_order_release);
  }

  void record_until(const std::atomic<bool>& over) {
    Backoff backoff;
    double flushed = bench_.wall_clock_();
    const bool real_time = !bench_.device_.info().virtual_time;
    while (true) {
      const bool may_end = over.load(std::memory_order_acquire) && recording_may_end_.load(std::memory_order_acquire);
      const std::size_t taken = writer_.turn(256);
      if (taken == 0 && may_end) break;
      if (real_time && bench_.wall_clock_() - flushed > 0.2) {
        flushed = bench_.wall_clock_();
        writer_.flush();
      }
      if (taken == 0) {
        backoff.rest();
      } else {
        backoff.reset();
      }
    }
  }

  // ---------------------------------------------------------------- between the threads

  void send(const acquisition::Order& order) {
    if (!std::holds_alternative<acquisition::Decided>(order)) writer_.keep(order);
    // The device thread empties this queue at each turn; it holds more than a run can have under way.
    // Once the link has ended nobody carries orders any more.
    while (!link_ended_.load(std::memory_order_acquire) && !queues_->orders.push(order)) std::this_thread::yield();
  }

  /// A step is told as finished once it is kept: what was seen on a screen is in the file, whatever happens next.
  void emit(const Event& event) {
    if (const auto* step = std::get_if<StepFinished>(&event)) {
      last_step_ = writer_.order(StoreWriter::StoreStep{*step, conductor_.now()});
      await_step();
    }
    if (const auto* results = std::get_if<ResultsUpdated>(&event)) writer_.order(*results);
    if (const auto* begins = std::get_if<StepBegins>(&event)) writer_.order(*begins);
    if (const auto* told = std::get_if<RowsTold>(&event)) writer_.order(*told);
    if (keeping_ == Keeping::told_later && !(unkept_.empty() && kept(last_step_))) {
      unkept_.push_back({event, last_step_});
    } else {
      tell(event);
    }
  }

  bool kept(std::int64_t order) const { return writer_.carried_out() >= order || writer_.failed(); }

  void await_step() {
    if (keeping_ == Keeping::by_hand) {
      while (!kept(last_step_) && writer_.turn(1024) > 0) {
      }
    } else if (keeping_ == Keeping::waited_for) {
      Backoff backoff;
      while (!kept(last_step_) && !link_ended_.load(std::memory_order_acquire)) backoff.rest();
    }
  }

  /// In real time no disk may delay a decision: what comes after a step is told when the step is kept.
  void tell_kept() {
    while (!unkept_.empty() && kept(unkept_.front().after)) {
      tell(unkept_.front().event);
      unkept_.pop_front();
    }
  }

  void tell(const Event& event) {
    for (const EventHandler& handler : bench_.handlers_) {
      // A view that cannot write any more (a closed pipe, a full disk) does not end a measurement.
      try {
        handler(event);
      } catch (const std::exception&) {
      }
    }
  }

  void take_read_backs() {
    for (const auto& answer : writer_.take_read_backs()) conductor_.take_read_back(answer);
  }

  void stop_for_store() {
    if (store_stop_sent_) return;
    store_stop_sent_ = true;
    conductor_.request_stop();
  }

  // ---------------------------------------------------------------- the end

  Error first_error() const {
    if (const auto& error = writer_.error()) {
      return {error->kind, fmt::format("recording_fault: {}; the current is zero", error->message)};
    }
    if (device_error_) return *device_error_;
    if (conductor_.error()) return *conductor_.error();
    if (const auto& fault = conductor_.fault()) {
      return {ErrorKind::safety,
              fmt::format("the device latched a fault at {:.3f} s and set the current to zero: {}",
                          static_cast<double>(fault->at.index) / bench_.device_.info().sample_rate_hz,
                          describe_fault(*fault))};
    }
    if (conductor_.stopped_by_request()) {
      return {ErrorKind::run_failed, stopped_text};
    }
    return {};
  }

  static std::string describe_fault(const protocol::Fault& fault) {
    return fmt::format("{} (value {}, limit {})", protocol::fault_name(fault.code), fault.value, fault.limit);
  }

  Outcome close() {
    // A run that ends on this side leaves the device running: it need not wait for its lease. A lost device cannot
    // hear it, so the answer does not matter.
    if (device_error_) static_cast<void>(bench_.device_.stop(Sample{0}));
    conductor_.close_interrupted();
    // Nobody else is at work any more; what was asked of the store is carried out to the last.
    writer_.turn(4096);
    writer_.finish();
    while (conductor_.awaits_read_back()) {
      take_read_backs();
      writer_.finish();
    }
    tell_kept();
    const Error error = first_error();
    Outcome outcome;
    outcome.error = error;
    outcome.exit_status = error.message.empty()           ? "success"
                          : error.message == stopped_text ? "stopped"
                                                          : kind_name(error);
    const DeviceInfo& device = bench_.device_.info();
    const LinkCounters link = acquisition_.link();
    analysis::RunResult& result = outcome.result;
    result.experiment = plan_.name;
    result.device_uri = device.uri;
    result.device_board = device.board;
    result.device_firmware = device.firmware;
    result.device_serial = device.serial;
    result.seed = plan_.seed;
    conductor_.complete(result);
    const acquisition::Counters& counters = acquisition_.counters();
    result.integrity = {counters.samples,
                        counters.gaps,
                        counters.overruns,
                        static_cast<std::int64_t>(link.retransmits),
                        conductor_.late_decisions(),
                        counters.lost_frames};
    if (!writer_.failed()) {
      auto closed = bench_.store_.update_link(link);
      if (closed) closed = bench_.store_.finalise(result, outcome.exit_status);
      if (!closed && outcome.error.message.empty()) {
        outcome.error = closed.error();
        outcome.exit_status = kind_name(outcome.error);
      }
    }
    emit(RunFinished{result, outcome.exit_status, outcome.error});
    return outcome;
  }

  Bench& bench_;
  const RunPlan& plan_;
  std::unique_ptr<acquisition::Queues> queues_;
  Conductor conductor_;
  acquisition::Acquisition acquisition_;
  StoreWriter writer_;
  Keeping keeping_ = Keeping::by_hand;  // analysis thread, as are the next three
  std::int64_t last_step_ = 0;          // order of the step finished last
  std::deque<Unkept> unkept_;
  bool pause_passed_on_ = false;       // analysis thread
  std::size_t next_request_ = 0;       // analysis thread: of the plan
  std::optional<Error> device_error_;  // acquisition thread, read by others after link_ended_
  std::atomic<bool> link_ended_{false};
  std::atomic<bool> recording_may_end_{false};
  bool store_stop_sent_ = false;
};

Bench::Bench(Device& device, RunStore& store, std::function<double()> wall_clock)
    : device_{device}, store_{store}, wall_clock_{std::move(wall_clock)} {}
Bench::~Bench() = default;

void Bench::subscribe(EventHandler handler) {
  handlers_.push_back(std::move(handler));
}

void Bench::answer(bool go_on, std::optional<double> value) {
  const std::lock_guard lock{answer_mutex_};
  answers_.push_back({go_on, value});
  answered_.store(true, std::memory_order_relaxed);
}

std::vector<Bench::Answer> Bench::take_answers() {
  const std::lock_guard lock{answer_mutex_};
  answered_.store(false, std::memory_order_relaxed);
  return std::exchange(answers_, {});
}

Bench::Outcome Bench::run(const RunPlan& plan, Threads threads) {
  return Run{*this, plan}.carry_out(threads);
}

}  // namespace thyrode::experiment
