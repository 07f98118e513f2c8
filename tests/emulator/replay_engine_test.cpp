// What happens to a run besides its data, and how its recording gives it again: bad links, pauses, stops, late
// decisions.
#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "daemon/recording/replay_device.hpp"
#include "daemon/thyrode_store.hpp"
#include "drivers/current_clamp/current_clamp.hpp"
#include "tests/emulator/process.hpp"
#include "tests/emulator/support/faulty_link_frames.hpp"
#include "tests/emulator/support/short_run.hpp"

namespace thyrode {
namespace {

using experiment::Bench;
using experiment::Event;
using experiment::Threads;

const char* const station = R"(schema: thyrode.station/1
device: sim:tonic
channels:
  A: {limits: [0 uA, 140 uA]}
)";
/// Messages of a run, kept in memory and in a file.
class TwoStores final : public experiment::RunStore {
 public:
  explicit TwoStores(program::RecorderStore file) : file_{std::move(file)} {}
  test::MemoryStore memory;

  Result<void> write(const DeviceMessage& message) override {
    static_cast<void>(memory.write(message));
    return file_.write(message);
  }
  Result<void> add_step(const analysis::StepResult& step, std::span<const std::uint32_t> counts) override {
    return file_.add_step(step, counts);
  }
  Result<void> add_order(const acquisition::Order& order) override { return file_.add_order(order); }
  Result<void> add_request(const experiment::OperatorRequest& request) override { return file_.add_request(request); }
  Result<void> update_results(std::span<const analysis::StepResult> steps, const analysis::SweepFit& fit) override {
    return file_.update_results(steps, fit);
  }
  Result<void> update_link(const LinkCounters& counters) override { return file_.update_link(counters); }
  Result<std::vector<DeviceMessage>> read_back(Channel channel, Sample from, Sample until) override {
    return file_.read_back(channel, from, until);
  }
  Result<void> flush() override { return file_.flush(); }
  Result<void> finalise(const analysis::RunResult& result, const std::string& status) override {
    return file_.finalise(result, status);
  }

 private:
  program::RecorderStore file_;
};

using Listener = std::function<void(Bench&, const Event&)>;

/// A run and its replay.
class Twice {
 public:
  explicit Twice(const std::string& record) {
    auto experiment = load::parse_experiment(
        "schema: thyrode.experiment/1\nname: twice\nplan: list\ncurrent: [20 uA, 45 uA, 60 uA, 90 uA]\n"
        "dwell: {stop_when: {ci_rel_f: 5 %}, max: 3 s, f_min: 5 Hz}\nrecord: " +
            record + "\n",
        "twice.yaml");
    auto parsed_station = load::parse_station(station, "station.yaml");
    if (!experiment || !parsed_station) {
      ADD_FAILURE() << (experiment ? parsed_station.error().message : experiment.error().message);
      return;
    }
    job_.emplace(program::Job{*std::move(experiment), *std::move(parsed_station), "sim:tonic"});
  }

  void measure(Device& device, const Listener& listener = {}) {
    ASSERT_TRUE(job_);
    const auto plan = experiment::make_run_plan(job_->experiment, job_->station, device.info(), 5);
    ASSERT_TRUE(plan) << plan.error().message;
    auto recorder = recording::Recorder::create(path_, program::describe_run(*job_, *plan, device.info(), {}));
    ASSERT_TRUE(recorder) << recorder.error().message;
    TwoStores store{program::RecorderStore{std::move(*recorder)}};
    Bench bench{device, store, [] { return 0.0; }};
    if (listener) bench.subscribe([&](const Event& event) { listener(bench, event); });
    first = bench.run(*plan, Threads::one);
    was = store.memory;
  }

  void expect_the_same_again() {
    auto device = recording::open_replay(path_);
    ASSERT_TRUE(device) << device.error().message;
    auto plan = experiment::make_run_plan(job_->experiment, job_->station, (*device)->info(), 5);
    ASSERT_TRUE(plan) << plan.error().message;
    plan->requests = *program::recorded_requests(path_);
    test::MemoryStore is;
    Bench bench{**device, is, [] { return 0.0; }};
    auto second = bench.run(*plan, Threads::one);
    EXPECT_EQ(second.exit_status, first.exit_status) << second.error.message;
    second.result.device_uri = first.result.device_uri;
    EXPECT_EQ(second.result, first.result);
    expect_same_stream<protocol::SampleBlock>(is, [](const auto& m) { return sums_of(m); });
    expect_same_stream<protocol::SpikeBlock>(is, [](const auto& m) { return spikes_of(m); });
    expect_same_stream<protocol::CurrentBlock>(is, [](const auto& m) { return means_of(m); });
    expect_same_stream<protocol::SnippetBlock>(is, [](const auto& m) { return codes_of(m); });
    EXPECT_EQ(is.all<protocol::LevelRecord>(), was.all<protocol::LevelRecord>());
    EXPECT_EQ(is.all<protocol::StepApplied>(), was.all<protocol::StepApplied>());
    EXPECT_EQ(is.all<protocol::Fault>(), was.all<protocol::Fault>());
    EXPECT_EQ(is.all<protocol::Mark>(), was.all<protocol::Mark>());
    expect_same_stream<Gap>(is, [](const Gap& gap) {
      return Numbers{gap.channel.index, gap.first.index, gap.last.index, gap.trace_samples, gap.records};
    });
    expect_same_stream<FramesLost>(is, [](const FramesLost& lost) { return Numbers{lost.count}; });
    expect_same_stream<Rejected>(is, [](const Rejected& refusal) {
      return Numbers{refusal.command, static_cast<int>(refusal.status), refusal.now.index};
    });
  }

  Bench::Outcome first;
  test::MemoryStore was;

 private:
  using Numbers = std::vector<std::int64_t>;

  /// Blocks may be cut otherwise; what they hold may not.
  static Numbers sums_of(const protocol::SampleBlock& block) {
    Numbers all;
    for (std::size_t k = 0; k < block.sums.size(); ++k) {
      all.insert(all.end(), {block.channel, block.first.index + static_cast<std::int64_t>(k) * block.decimation,
                             block.decimation, block.sums[k]});
    }
    return all;
  }
  static Numbers spikes_of(const protocol::SpikeBlock& block) {
    Numbers all;
    std::int64_t index = block.index;
    for (const auto& spike : block.records) {
      all.insert(all.end(), {block.channel, index++, spike.at.count, spike.width, spike.peak, spike.trough});
    }
    return all;
  }
  static Numbers means_of(const protocol::CurrentBlock& block) {
    Numbers all;
    for (std::size_t k = 0; k < block.means.size(); ++k) {
      all.insert(all.end(), {block.channel, block.first.index + static_cast<std::int64_t>(k) * block.span,
                             block.read_count, block.means[k].read_sum, block.means[k].command_sum});
    }
    return all;
  }
  static Numbers codes_of(const protocol::SnippetBlock& block) {
    Numbers all;
    for (std::size_t k = 0; k < block.codes.size(); ++k) {
      all.insert(all.end(), {block.channel, block.spike.count, block.first.index,
                             block.offset + static_cast<std::int64_t>(k), block.codes[k]});
    }
    return all;
  }
  template <class Message, class Numbering>
  void expect_same_stream(const test::MemoryStore& is, Numbering&& numbers) const {
    const auto joined = [&](const test::MemoryStore& store) {
      Numbers all;
      for (const Message& message : store.all<Message>()) {
        const Numbers more = numbers(message);
        all.insert(all.end(), more.begin(), more.end());
      }
      return all;
    };
    EXPECT_TRUE(joined(is) == joined(was)) << "of the messages of kind " << DeviceMessage{Message{}}.index();
  }

  test::Folder folder_;
  std::string path_ = folder_ / "a.nwb";
  std::optional<program::Job> job_;
};

class ReplayOfABadLink : public testing::TestWithParam<std::uint64_t> {};

TEST_P(ReplayOfABadLink, HasTheSameGapsAndTheSameNumbers) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  test::FrameFaults faults;
  faults.dropped = 0.01;
  faults.corrupted = 0.01;
  faults.cut = 0.01;
  test::FrameFate fate;
  test::Emulated emulated;
  auto instrument = std::make_unique<native::NativeInstrument>(test::tonic_neuron(5, test::noise), emulated.options());
  auto link = std::make_unique<test::FaultyLinkFrames>(memory_link(std::move(instrument)), faults, GetParam(), fate);
  auto device = CurrentClamp::open(std::move(link), "sim:tonic");
  ASSERT_TRUE(device) << device.error().message;
  constexpr const char* records[] = {"{trace: off}", "{trace: 25 kS/s}", "{trace: full}",
                                     "{trace: off, snippets: {before: 1 ms, after: 2 ms, max: 50 /s}}"};
  Twice twice{records[GetParam() % 4]};
  twice.measure(**device);
  ASSERT_EQ(twice.first.error.message, "");
  EXPECT_GT(twice.first.result.integrity.gaps, 3) << "nothing was lost: the test tests nothing";
  twice.expect_the_same_again();
}

INSTANTIATE_TEST_SUITE_P(Seeds, ReplayOfABadLink, testing::Range<std::uint64_t>(1, 9));

TEST(ReplayOfARun, PausesWhereItWasPausedAndGoesOn) {
  test::Emulated emulated;
  const auto device = emulated.open();
  Twice twice{"{trace: 25 kS/s}"};
  int paused = 0;
  twice.measure(*device, [&](Bench& bench, const Event& event) {
    if (std::holds_alternative<experiment::StepProgress>(event) && paused == 0) bench.pause();
    if (std::holds_alternative<experiment::Paused>(event)) {
      ++paused;
      bench.resume();
    }
  });
  ASSERT_EQ(twice.first.error.message, "");
  EXPECT_EQ(paused, 1);
  twice.expect_the_same_again();
}

TEST(ReplayOfARun, StopsWhereItWasStopped) {
  for (const bool emergency : {false, true}) {
    SCOPED_TRACE(emergency);
    test::Emulated emulated;
    const auto device = emulated.open();
    Twice twice{"{trace: off}"};
    int progress = 0;
    twice.measure(*device, [&](Bench& bench, const Event& event) {
      if (!std::holds_alternative<experiment::StepProgress>(event) || ++progress != 3) return;
      emergency ? bench.estop() : bench.stop();
    });
    ASSERT_EQ(twice.first.exit_status, emergency ? "safety_trip" : "stopped");
    ASSERT_FALSE(twice.first.result.steps.empty());
    EXPECT_EQ(twice.first.result.steps.back().status, analysis::StepStatus::interrupted);
    twice.expect_the_same_again();
  }
}

/// The emulated instrument as one in real time, to which one of its orders comes when its sample has passed.
class LateDevice final : public Device {
 public:
  LateDevice(std::unique_ptr<Device> inner, int late) : inner_{std::move(inner)}, info_{inner_->info()}, late_{late} {
    info_.virtual_time = false;
    last_mark_ = info_.now;
  }
  const DeviceInfo& info() const override { return info_; }
  Result<DeviceMessage> read(Duration timeout) override {
    if (held_ && last_mark_ > held_->start + info_.samples(20.0_ms).index) {
      const Segment segment = *std::exchange(held_, std::nullopt);
      if (auto sent = inner_->schedule(Channel{0}, {&segment, 1}); !sent) return tl::make_unexpected(sent.error());
    }
    if (auto passed = inner_->grant(last_mark_ + info_.samples(10.0_ms).index); !passed) {
      return tl::make_unexpected(passed.error());
    }
    auto message = inner_->read(timeout);
    if (!message) return message;
    if (const auto* mark = std::get_if<protocol::Mark>(&*message)) last_mark_ = mark->at;
    return message;
  }
  Result<void> schedule(Channel channel, std::span<const Segment> segments) override {
    if (orders_++ != late_) return inner_->schedule(channel, segments);
    held_ = segments.front();
    return {};
  }
  Result<void> configure(Channel channel, const Setting& setting, Sample at) override {
    return inner_->configure(channel, setting, at);
  }
  Result<void> arm() override { return inner_->arm(); }
  Result<void> start(Sample at) override { return inner_->start(at); }
  Result<void> stop(Sample at) override { return inner_->stop(at); }
  Result<void> estop() override { return inner_->estop(); }
  Result<void> clear(protocol::FaultCode reason) override { return inner_->clear(reason); }
  Result<void> grant(Sample) override { return {}; }
  LinkCounters counters() const override { return inner_->counters(); }

 private:
  std::unique_ptr<Device> inner_;
  DeviceInfo info_;
  int late_;
  int orders_ = 0;
  std::optional<Segment> held_;
  Sample last_mark_;
};

TEST(ReplayOfARun, TakesADecisionThatCameTooLateOnceMore) {
  for (const int late : {0, 1, 3}) {
    SCOPED_TRACE(late);
    test::Emulated emulated;
    LateDevice device{emulated.open(), late};
    Twice twice{"{trace: 25 kS/s}"};
    twice.measure(device);
    ASSERT_EQ(twice.first.error.message, "");
    EXPECT_EQ(twice.first.result.integrity.late_decisions, 1);
    EXPECT_EQ(twice.was.all<Rejected>().size(), 1U);
    twice.expect_the_same_again();
  }
}

}  // namespace
}  // namespace thyrode
