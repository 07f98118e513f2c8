// The whole path with every ADC sample computed and noise on: neuron, ADC at 250 kS/s, frames, CRC, analysis, file.
// Each line adds one stage, so the difference of two lines is what a stage costs. A second table sets the instrument by
// events, as it goes with the trace off, beside the same instrument by samples. Usage: bench_path [BENCH_SECONDS
// [RUNS]].

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "daemon/recording/recorder.hpp"
#include "tests/bench/path_support.hpp"

namespace {

using namespace thyrode;

native::NativeOptions options(bool every_sample) {
  native::NativeOptions with;
  with.seed = 1;
  with.every_sample = every_sample;
  return with;
}

/// Reads a device from Start on for so long, without the engine.
void stream(Device& device, int decimation, Current current, double seconds) {
  const Channel channel{0};
  const auto check = [](const Result<void>& done) {
    if (!done) bench::give_up(done.error().message);
  };
  check(device.configure(channel, DetectorSettings{protocol::Trigger::swing, 55.0_mV, {}, {}, 50.0_us}, Sample{0}));
  check(device.configure(channel, TelemetrySettings{decimation}, Sample{0}));
  check(device.arm());
  check(device.start(Sample{2500}));
  const Segment step{Sample{2500}, Duration{}, current, current};
  check(device.schedule(channel, {&step, 1}));
  const Sample end = device.info().samples(Duration::from_si(seconds));
  Sample at{0};
  check(device.grant(Sample{15000}));
  while (at < end) {
    const auto message = bench::must(device.read(20.0_ms));
    if (const auto* mark = std::get_if<protocol::Mark>(&message)) {
      at = mark->at;
      check(device.grant(at + 15000));
    }
  }
}

class FileStore final : public experiment::RunStore {
 public:
  explicit FileStore(recording::Recorder recorder) : recorder_{std::move(recorder)} {}
  Result<void> write(const DeviceMessage& message) override { return recorder_.write(message); }
  Result<void> add_step(const analysis::StepResult& step, std::span<const std::uint32_t> counts) override {
    return recorder_.add_step(step, counts);
  }
  Result<void> update_results(std::span<const analysis::StepResult> steps, const analysis::SweepFit& fit) override {
    return recorder_.update_results(steps, fit);
  }
  Result<void> update_link(const LinkCounters& counters) override { return recorder_.update_link(counters); }
  Result<std::vector<DeviceMessage>> read_back(Channel channel, Sample from, Sample until) override {
    return recorder_.read_back(channel, from, until);
  }
  Result<void> flush() override { return recorder_.flush(); }
  Result<void> finalise(const analysis::RunResult& result, const std::string& status) override {
    return recorder_.finalise(result, status);
  }

 private:
  recording::Recorder recorder_;
};

/// @returns seconds on the bench
double engine(bool file, const char* trace, double seconds, bool every_sample) {
  const auto device = bench::must(open_simulated(bench::neuron("msn", 1, true), options(every_sample), "sim:msn"));
  const std::string yaml = fmt::format(
      "schema: thyrode.experiment/1\nname: path\nplan: list\ncurrent: [45.3 uA]\ndwell: {{stop_when: {{ci_rel_f: 0.01 "
      "%}}, "
      "max: {} s, max_spikes: 1000000}}\nrecord: {{trace: {}}}\n",
      seconds, trace);
  const auto plan = bench::plan_for(*device, yaml, 1);
  bench::NoStore nothing;
  std::unique_ptr<experiment::RunStore> store;
  const std::string path =
      (std::filesystem::temp_directory_path() / fmt::format("thyrode-bench-{}.nwb", getpid())).string();
  if (file) {
    recording::RunDescription description;
    description.experiment = "path";
    description.experiment_yaml = yaml;
    description.device = device->info();
    description.channels.resize(1);
    description.channels[0].trace_decimation = plan.telemetry.decimation;
    description.channels[0].limits = plan.limits;
    description.lease = {plan.lease};
    description.host_version = "bench";
    description.wall_clock = {"2000-01-01T00:00:00+00:00", "2000-01-01T00:00:00+00:00", "", ""};
    description.flush_samples = 62500;
    store = std::make_unique<FileStore>(bench::must(recording::Recorder::create(path, description)));
  }
  experiment::Bench runner{*device, file ? *store : nothing, [] { return 0.0; }};
  const auto outcome = runner.run(plan, experiment::Threads::one);
  if (!outcome.error.message.empty()) bench::give_up(outcome.error.message);
  store.reset();
  std::filesystem::remove(path);
  return static_cast<double>(outcome.result.steps.at(0).end.count) / (256.0 * native::Nominal::sample_rate);
}

struct Stage {
  std::string name;
  std::function<double(double)> run;  // bench seconds wanted -> done
  std::vector<double> ns_per_sample;

  double median() {
    std::sort(ns_per_sample.begin(), ns_per_sample.end());
    return ns_per_sample[ns_per_sample.size() / 2];
  }
};

double times_the_bench(double ns) {
  return 1e9 / (ns * native::Nominal::sample_rate);
}

/// Runs all stages in turn, so that whatever else the machine does meets all alike.
void measure(std::vector<Stage>& stages, double seconds, int runs) {
  for (int k = 0; k < runs; ++k) {
    for (Stage& stage : stages) {
      const double began = bench::cpu_seconds();
      const double done = stage.run(seconds);
      stage.ns_per_sample.push_back(1e9 * (bench::cpu_seconds() - began) / (done * native::Nominal::sample_rate));
    }
  }
}

void by_samples(double seconds, int runs) {
  std::vector<Stage> stages;
  const auto streaming = [](int decimation) {
    return [decimation](double s) {
      stream(*bench::must(open_simulated(bench::neuron("msn", 1, true), options(true), "sim:msn")), decimation, 45.3_uA,
             s);
      return s;
    };
  };
  stages.push_back({"neuron, ADC, detection (no trace)", streaming(0), {}});
  stages.push_back({"+ trace full: frames, COBS, CRC, both ways", streaming(1), {}});
  stages.push_back(
      {"+ acquisition and analysis (no file)", [](double s) { return engine(false, "full", s, true); }, {}});
  stages.push_back({"+ file: the whole path, trace full", [](double s) { return engine(true, "full", s, true); }, {}});
  stages.push_back({"the whole path, trace 25 kS/s", [](double s) { return engine(true, "25 kS/s", s, true); }, {}});
  measure(stages, seconds, runs);
  fmt::print("{:<46} {:>12} {:>10} {:>16}\n", "every sample computed (msn, 45.3 uA)", "ns/sample", "stage",
             "times the bench");
  double before = 0.0;
  for (std::size_t s = 0; s < stages.size(); ++s) {
    const double median = stages[s].median();
    const std::string own = s < 4 ? fmt::format("{:.2f}", median - before) : "";
    fmt::print("{:<46} {:>12.2f} {:>10} {:>16.0f}\n", stages[s].name, median, own, times_the_bench(median));
    before = median;
  }
}

struct Case {
  const char* name;
  const char* neuron;
  Current current;
  bool noise;
};

void by_events(double seconds, int runs) {
  std::vector<Stage> stages;
  const Case cases[] = {{"msn, 45.3 uA", "msn", 45.3_uA, true},
                        {"msn, 45.3 uA, no noise", "msn", 45.3_uA, false},
                        {"msn-fast, 45.3 uA", "msn-fast", 45.3_uA, true},
                        {"mbn, 45.3 uA", "mbn", 45.3_uA, true},
                        {"mbn, 90 uA", "mbn", 90.0_uA, true}};
  for (const Case& c : cases) {
    for (const bool every_sample : {true, false}) {
      stages.push_back({c.name,
                        [c, every_sample](double s) {
                          const auto device = bench::must(
                              open_simulated(bench::neuron(c.neuron, 1, c.noise), options(every_sample), "sim:bench"));
                          stream(*device, 0, c.current, s);
                          return s;
                        },
                        {}});
    }
  }
  for (const bool every_sample : {true, false}) {
    stages.push_back({"msn, 45.3 uA: the whole path, with its file",
                      [every_sample](double s) { return engine(true, "off", s, every_sample); },
                      {}});
  }
  measure(stages, seconds, runs);
  fmt::print("{:<46} {:>12} {:>12} {:>8} {:>16}\n", "trace off: by samples and by events", "ns/sample", "by events",
             "ratio", "times the bench");
  for (std::size_t s = 0; s < stages.size(); s += 2) {
    const double samples = stages[s].median();
    const double events = stages[s + 1].median();
    fmt::print("{:<46} {:>12.2f} {:>12.3f} {:>8.1f} {:>16.0f}\n", stages[s].name, samples, events, samples / events,
               times_the_bench(events));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 60.0;
  const int runs = argc > 2 ? std::atoi(argv[2]) : 5;
  fmt::print("{} s on the bench at 250 kS/s, median of {} interleaved runs, processor time of one core\n", seconds,
             runs);
  by_samples(seconds, runs);
  by_events(seconds, runs);
  return 0;
}
