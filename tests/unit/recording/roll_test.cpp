#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>

#include "daemon/recording/message_split.hpp"
#include "daemon/recording/recovery.hpp"
#include "daemon/recording/run_files.hpp"
#include "daemon/recording/validation.hpp"
#include "tests/unit/recording/recording_support.hpp"

namespace thyrode::recording::testing {
namespace {

constexpr std::int64_t step_samples = 25000;
constexpr std::int64_t origin = 5000;

RunDescription rolled(bool virtual_time, std::int64_t after = 2 * step_samples) {
  RunDescription run = description(10, 1);
  run.device.virtual_time = virtual_time;
  run.roll_samples = after;
  return run;
}

analysis::StepResult good_step(int index) {
  analysis::StepResult row = step(index);
  row.n_spikes = 9;
  return row;
}

/// Intervals between a few spikes.
std::vector<std::uint32_t> intervals(int index) {
  std::vector<std::uint32_t> counts(analysis::IsiHistogram::size);
  counts[static_cast<std::size_t>(100 + index)] = 3;
  return counts;
}

analysis::RunResult good_result(int steps) {
  analysis::RunResult whole = result(steps);
  for (int k = 0; k < steps; ++k) whole.steps[static_cast<std::size_t>(k)] = good_step(k);
  return whole;
}

/// Records steps of 100 ms; each row comes after the first 10 ms of the next step.
class Rolling {
 public:
  Rolling(const std::string& path, const RunDescription& run) : recorder{Recorder::create(path, run)} {}

  void record(int steps) {
    for (int k = 0; k < steps; ++k) {
      begin(k);
      for (int part = 0; part < 10; ++part) {
        write_all(*recorder, ten_milliseconds(origin + k * step_samples + part * 2500, 10));
        if (part == 0 && k > 0) row(k - 1);
        // The next step is told ahead, as the conductor does.
        if (part == 7) tell(k + 1);
      }
    }
    row(steps - 1);
  }
  void tell(int k) {
    const auto told = recorder->step_begins(Sample{origin + k * step_samples});
    ASSERT_TRUE(told) << told.error().message;
  }
  void begin(int k) {
    ASSERT_TRUE(recorder->write(protocol::StepApplied{
        .at = {origin + k * step_samples}, .first = 134184960, .last = 150000000 + k, .slew = 13421}));
  }
  void row(int k) {
    const auto added = recorder->add_step(good_step(k), intervals(k), pairs(k));
    ASSERT_TRUE(added) << added.error().message;
    ASSERT_TRUE(recorder->update_results(good_result(k + 1).steps, {}));
    ASSERT_TRUE(recorder->rows_told(Sample{origin + (k + 1) * step_samples}));
  }

  Result<Recorder> recorder;
};

class Roll : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / "thyrode-roll-XXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/run.nwb";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void record_all(int steps) {
    Rolling run{path_, rolled(GetParam())};
    ASSERT_TRUE(run.recorder) << run.recorder.error().message;
    run.record(steps);
    const auto done = run.recorder->finalise(good_result(steps), "success");
    ASSERT_TRUE(done) << done.error().message;
  }

  std::string folder_;
  std::string path_;
};

INSTANTIATE_TEST_SUITE_P(Time, Roll, ::testing::Bool(),
                         [](const auto& time) { return time.param ? "Virtual" : "Real"; });

TEST_P(Roll, FilesOfARunHoldEverySampleOnceInTheirOrder) {
  record_all(7);
  const auto files = files_of_run(path_);
  ASSERT_TRUE(files) << files.error().message;
  ASSERT_EQ(files->size(), 4U);
  std::int64_t next = origin;
  std::int64_t spikes = 0;
  for (const RunFile& file : *files) {
    EXPECT_FALSE(file.unfinished);
    EXPECT_EQ(file.path, name_of_part(path_, file.number));
    const auto trace = read_trace(file.path, "A", 0, 1000000);
    ASSERT_TRUE(trace) << trace.error().message;
    EXPECT_EQ(to_sample(trace->first), file.number == 1 ? Sample{origin} : file.first);
    for (std::size_t k = 0; k < trace->values_mv.size(); ++k, next += 10) {
      ASSERT_EQ(trace->code_sum(trace->values_mv[k]), static_cast<std::int64_t>((next * 7) % 4096 * 10));
    }
    const auto rows = read_spikes(file.path, "A", 0, 1000);
    ASSERT_TRUE(rows);
    for (const SpikeRow& row : *rows) EXPECT_EQ(row.index, spikes++);
  }
  EXPECT_EQ(next, origin + 7 * step_samples);
  EXPECT_EQ(spikes, 70);
}

TEST_P(Roll, LastFileHasTheRowsOfAllAndSaysWhereTheirDataAre) {
  record_all(7);
  const auto last = read_run(name_of_part(path_, 4));
  ASSERT_TRUE(last) << last.error().message;
  ASSERT_EQ(last->result.steps.size(), 7U);
  for (int k = 0; k < 7; ++k) {
    analysis::StepResult wanted = good_step(k);
    if (k < 6) wanted.resumed_from = k < 2 ? "run.nwb" : k < 4 ? "run.2.nwb" : "run.3.nwb";
    EXPECT_EQ(last->result.steps[static_cast<std::size_t>(k)], wanted) << k;
  }
  EXPECT_EQ(last->exit_status, "success");
  const auto second = read_run(name_of_part(path_, 2));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->result.steps.size(), 4U);
  EXPECT_EQ(second->exit_status, "continued");
  EXPECT_EQ(second->next_file, "run.3.nwb");
  EXPECT_EQ(read_isi_counts(name_of_part(path_, 2), 3), intervals(3));
}

TEST_P(Roll, EveryFileIsValidByItself) {
  record_all(7);
  for (int number = 1; number <= 4; ++number) {
    const auto findings = validate(name_of_part(path_, number));
    ASSERT_TRUE(findings) << findings.error().message;
    for (const Finding& finding : *findings) ADD_FAILURE() << number << ": " << finding.where << ": " << finding.what;
  }
}

TEST_P(Roll, StretchAcrossTheBorderIsReadFromBothFiles) {
  Rolling run{path_, rolled(GetParam())};
  run.record(4);
  const Sample from{origin + 2 * step_samples - 5000};
  const Sample until{origin + 2 * step_samples + 5000};
  const auto spikes_of = [](const std::vector<DeviceMessage>& messages) {
    return std::count_if(messages.begin(), messages.end(),
                         [](const DeviceMessage& m) { return std::holds_alternative<protocol::SpikeBlock>(m); });
  };
  const auto running = run.recorder->read_back(Channel{0}, from, until);
  ASSERT_TRUE(running) << running.error().message;
  EXPECT_EQ(spikes_of(*running), 4);
  ASSERT_TRUE(run.recorder->finalise(good_result(4), "success"));
  const auto finished = read_stretch(name_of_part(path_, 2), Channel{0}, from, until);
  ASSERT_TRUE(finished) << finished.error().message;
  EXPECT_EQ(spikes_of(*finished), 4);
}

TEST_P(Roll, GapAcrossTheBorderIsToldInBothFiles) {
  Rolling run{path_, rolled(GetParam())};
  for (int k = 0; k < 3; ++k) {
    run.begin(k);
    for (int part = 0; part < 10; ++part) {
      const std::int64_t at = origin + k * step_samples + part * 2500;
      const bool lost = (k == 1 && part == 9) || (k == 2 && part == 0);
      if (k == 2 && part == 0) {
        ASSERT_TRUE(run.recorder->write(Gap{Channel{0}, Sample{at - 2500}, Sample{at + 2500}, 5000, true}));
        ASSERT_TRUE(run.recorder->write(protocol::Mark{.at = {at + 2500}, .state = protocol::State::running}));
      }
      if (!lost) write_all(*run.recorder, ten_milliseconds(at, 10));
      if (part == 1 && k > 0) run.row(k - 1);
      if (part == 7) run.tell(k + 1);
    }
  }
  run.row(2);
  ASSERT_TRUE(run.recorder->finalise(good_result(3), "success"));
  for (int number = 1; number <= 2; ++number) {
    const auto findings = validate(name_of_part(path_, number));
    ASSERT_TRUE(findings) << findings.error().message;
    for (const Finding& finding : *findings) ADD_FAILURE() << number << ": " << finding.where << ": " << finding.what;
  }
  const auto second = read_trace(name_of_part(path_, 2), "A", 0, 251);
  ASSERT_TRUE(second);
  EXPECT_EQ(to_sample(second->first), Sample{origin + 2 * step_samples});
  EXPECT_TRUE(std::isnan(second->values_mv[249]));
  EXPECT_FALSE(std::isnan(second->values_mv[250]));
}

TEST_P(Roll, BorderToldLateWaitsForTheNextStep) {
  Rolling run{path_, rolled(GetParam())};
  for (int k = 0; k < 4; ++k) {
    run.begin(k);
    for (int part = 0; part < 10; ++part)
      write_all(*run.recorder, ten_milliseconds(origin + k * step_samples + part * 2500, 10));
    run.tell(k);
    run.row(k);
  }
  ASSERT_TRUE(run.recorder->finalise(good_result(4), "success"));
  EXPECT_EQ(run.recorder->paths(), std::vector{path_});
}

TEST_P(Roll, NameOfALaterFileThatIsTakenIsFound) {
  EXPECT_EQ(taken_later_name(path_), "");
  std::ofstream{folder_ + "/run.12.nwb.part"};
  std::ofstream{folder_ + "/run.x.nwb"};
  EXPECT_EQ(taken_later_name(path_), folder_ + "/run.12.nwb.part");
}

TEST_P(Roll, RowsThatNeverCameIntoTheNewFileAreRecoveredFromTheOldOne) {
  {
    Rolling run{path_, rolled(GetParam())};
    run.record(2);
    write_all(*run.recorder, ten_milliseconds(origin + 2 * step_samples, 10));
  }
  ASSERT_TRUE(std::filesystem::exists(name_of_part(path_, 2) + ".part"));
  const auto recovered = recover(name_of_part(path_, 2));
  ASSERT_TRUE(recovered) << recovered.error().message;
  const auto record = read_run(recovered->path);
  ASSERT_TRUE(record) << record.error().message;
  ASSERT_EQ(record->result.steps.size(), 2U);
  EXPECT_EQ(record->result.steps[1].resumed_from, "run.nwb");
  EXPECT_TRUE(validate(recovered->path)->empty());
}

TEST(SplitMessage, TraceIsCutWhereTheFirstRowBeginsAtTheBorder) {
  const auto split = split_message(samples(1000, 10, {1, 2, 3, 4}), Sample{1015}, Sample{0});
  const auto& before = std::get<protocol::SampleBlock>(*split.before);
  const auto& after = std::get<protocol::SampleBlock>(*split.after);
  EXPECT_EQ(before.sums.size(), 2U);
  EXPECT_EQ(after.first, Sample{1020});
  EXPECT_EQ(after.sums[0], 3);
}

TEST(SplitMessage, SpikesKeepTheirNumbers) {
  protocol::SpikeBlock block{.channel = 0, .index = 7, .records = {}};
  for (const std::int64_t tick : {99, 101, 103}) block.records.push_back({Ticks{tick * ticks_per_sample}, 1, 2, 3});
  const auto split = split_message(block, Sample{100}, Sample{0});
  EXPECT_EQ(std::get<protocol::SpikeBlock>(*split.before).records.size(), 1U);
  EXPECT_EQ(std::get<protocol::SpikeBlock>(*split.after).index, 8U);
}

TEST(SplitMessage, MarkAtTheBorderClosesWhatIsBeforeIt) {
  const auto split = split_message(protocol::Mark{.at = {100}}, Sample{100}, Sample{0});
  EXPECT_TRUE(split.before);
  EXPECT_FALSE(split.after);
}

}  // namespace
}  // namespace thyrode::recording::testing
