#include "daemon/recording/recorder.hpp"

#include <cstdlib>
#include <limits>
#include <sstream>

#include "daemon/recording/file_access.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/readback.hpp"
#include "tests/unit/recording/recording_support.hpp"

namespace thyrode::recording {
namespace {

using namespace testing;
namespace fs = std::filesystem;

TEST(Recorder, GivesBackTheWholeResultAndItsProvenance) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  record_run(path, description(), 4);
  const auto record = read_run(path);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->result, result(4));
  EXPECT_EQ(record->experiment_yaml, description().experiment_yaml);
  EXPECT_EQ(record->station_yaml, description().station_yaml);
  EXPECT_EQ(record->experiment_files, description().experiment_files);
  EXPECT_TRUE(record->finalised);
  EXPECT_EQ(record->exit_status, "success");
  EXPECT_EQ(record->host_version, "0.1.0");
  EXPECT_EQ(record->channels, std::vector<std::string>{"A"});
  EXPECT_FALSE(fs::exists(path + ".part"));
}

TEST(Recorder, GivesBackSpikesTraceAndHistograms) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  record_run(path, description(), 2);
  const auto spikes = read_spikes(path, "A", 0, 1000);
  ASSERT_TRUE(spikes) << spikes.error().message;
  ASSERT_EQ(spikes->size(), 20U);
  EXPECT_EQ((*spikes)[3].index, 3);
  EXPECT_EQ((*spikes)[3].at.count, (5000 + 3 * 2500) * ticks_per_sample + 1234);
  EXPECT_EQ((*spikes)[3].width, 5120U);
  EXPECT_FLOAT_EQ((*spikes)[3].peak_mv, static_cast<float>((3000 - 12.0) * 800.0 / 4095.0));
  const auto trace = read_trace(path, "A", 17, 5);
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->total, 5000);
  EXPECT_EQ(trace->first.count, (5000 + 17 * 10) * ticks_per_sample);
  EXPECT_EQ(trace->code_sum(trace->values_mv[0]), (5000 + 17 * 10) * 7 % 4096 * 10);
  EXPECT_EQ(read_isi_counts(path, 1).value(), histogram(1));
  EXPECT_TRUE(read_isi_counts(path, 2).value().empty());
  EXPECT_EQ(read_pair_correlation(path, 1).value(), pairs(1));
  EXPECT_FALSE(read_pair_correlation(path, 0).value());
}

TEST(Recorder, LetsEveryAdcCodeBeRecoveredAtEveryDecimation) {
  const Folder folder;
  for (int decimation = 1; decimation <= 16; ++decimation) {
    const std::string path = folder.file("run" + std::to_string(decimation) + ".nwb");
    RunDescription run = description(decimation);
    auto recorder = Recorder::create(path, run);
    ASSERT_TRUE(recorder) << recorder.error().message;
    std::vector<std::uint16_t> sent;
    for (int sum = 0; sum <= 4095 * decimation; ++sum) sent.push_back(static_cast<std::uint16_t>(sum));
    for (std::size_t at = 0; at < sent.size(); at += 110) {
      const auto n = static_cast<std::ptrdiff_t>(std::min<std::size_t>(110, sent.size() - at));
      const auto begin = sent.begin() + static_cast<std::ptrdiff_t>(at);
      ASSERT_TRUE(recorder->write(samples(5000 + static_cast<std::int64_t>(at) * decimation, decimation,
                                          std::vector<std::uint16_t>(begin, begin + n))));
    }
    ASSERT_TRUE(recorder->finalise(result(0), "success"));
    const auto trace = read_trace(path, "A", 0, std::numeric_limits<std::int64_t>::max());
    ASSERT_TRUE(trace) << trace.error().message;
    ASSERT_EQ(trace->values_mv.size(), sent.size());
    for (std::size_t k = 0; k < sent.size(); ++k) ASSERT_EQ(trace->code_sum(trace->values_mv[k]), sent[k]);
  }
}

/// Rows of /intervals/invalid_times as (first sample, end sample).
std::vector<std::pair<std::int64_t, std::int64_t>> invalid_samples(const std::string& path) {
  h5::quiet();
  const h5::Handle file = open_for_reading(path);
  const std::string table = layout::invalid_times().path;
  const std::int64_t rows = table_rows(file.get(), table);
  const auto first = read_column<std::int64_t>(file.get(), table + "/first_sample", 0, rows);
  const auto end = read_column<std::int64_t>(file.get(), table + "/end_sample", 0, rows);
  std::vector<std::pair<std::int64_t, std::int64_t>> gaps;
  for (std::size_t k = 0; k < first.size(); ++k) gaps.emplace_back(first[k], end[k]);
  return gaps;
}

TEST(Recorder, FillsAGapWithNanAtExactlyItsSamplesAndListsIt) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  auto recorder = Recorder::create(path, description(10));
  ASSERT_TRUE(recorder) << recorder.error().message;
  ASSERT_TRUE(recorder->write(samples(5000, 10, {1000, 1010, 1020})));
  ASSERT_TRUE(recorder->write(Gap{Channel{0}, Sample{5030}, Sample{5080}, 50, false}));
  ASSERT_TRUE(recorder->write(samples(5080, 10, {1030})));
  ASSERT_TRUE(recorder->finalise(result(0), "success"));
  const auto trace = read_trace(path, "A", 0, 100);
  ASSERT_TRUE(trace) << trace.error().message;
  ASSERT_EQ(trace->values_mv.size(), 9U);
  for (std::size_t k = 0; k < 9; ++k) EXPECT_EQ(std::isnan(trace->values_mv[k]), k >= 3 && k < 8) << k;
  EXPECT_EQ(trace->code_sum(trace->values_mv[8]), 1030);
  const std::vector<std::pair<std::int64_t, std::int64_t>> expected{{5030, 5080}};
  EXPECT_EQ(invalid_samples(path), expected);
}

TEST(Recorder, ListsAHoleOnceWhereOnlyPartsOfTheTraceAreMissing) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  auto recorder = Recorder::create(path, description(10));
  ASSERT_TRUE(recorder) << recorder.error().message;
  ASSERT_TRUE(recorder->write(Gap{Channel{0}, Sample{5000}, Sample{7500}, 60, true}));
  for (const std::int64_t first : {5000, 5040, 5090}) ASSERT_TRUE(recorder->write(samples(first, 10, {1000, 1010})));
  ASSERT_TRUE(recorder->finalise(result(0), "success"));
  const std::vector<std::pair<std::int64_t, std::int64_t>> expected{{5000, 7500}};
  EXPECT_EQ(invalid_samples(path), expected);
  const h5::Handle file = open_for_reading(path);
  const std::string table = layout::invalid_times().path;
  EXPECT_EQ(read_column<std::int64_t>(file.get(), table + "/trace_samples", 0, 1), std::vector<std::int64_t>{60});
  EXPECT_EQ(read_column<std::uint8_t>(file.get(), table + "/records", 0, 1), std::vector<std::uint8_t>{1});
}

TEST(Recorder, ListsAHoleThatNobodyToldOf) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  auto recorder = Recorder::create(path, description(10));
  ASSERT_TRUE(recorder) << recorder.error().message;
  ASSERT_TRUE(recorder->write(samples(5000, 10, {1000})));
  ASSERT_TRUE(recorder->write(samples(5050, 10, {1030})));
  ASSERT_TRUE(recorder->finalise(result(0), "success"));
  const std::vector<std::pair<std::int64_t, std::int64_t>> expected{{5010, 5050}};
  EXPECT_EQ(invalid_samples(path), expected);
}

TEST(Recorder, KeepsAGapLongerThanManyChunksAtItsPlaceAndSmall) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  auto recorder = Recorder::create(path, description(10));
  ASSERT_TRUE(recorder) << recorder.error().message;
  constexpr std::int64_t missing = 10'000'003;
  ASSERT_TRUE(recorder->write(samples(5000, 10, {1000, 2000})));
  ASSERT_TRUE(recorder->flush());
  ASSERT_TRUE(recorder->write(samples(5020 + missing * 10, 10, {3000})));
  ASSERT_TRUE(recorder->finalise(result(0), "success"));
  const auto head = read_trace(path, "A", 0, 3);
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->total, missing + 3);
  EXPECT_EQ(head->code_sum(head->values_mv[1]), 2000);
  EXPECT_TRUE(std::isnan(head->values_mv[2]));
  const auto middle = read_trace(path, "A", 5'000'000, 20000);
  for (const float value : middle->values_mv) ASSERT_TRUE(std::isnan(value));
  const auto tail = read_trace(path, "A", missing + 1, 2);
  EXPECT_TRUE(std::isnan(tail->values_mv[0]));
  EXPECT_EQ(tail->code_sum(tail->values_mv[1]), 3000);
  EXPECT_LT(fs::file_size(path), 2'000'000U);
}

TEST(Recorder, RefusesDataThatComeTwice) {
  const Folder folder;
  auto recorder = Recorder::create(folder.file("run.nwb"), description(10));
  ASSERT_TRUE(recorder) << recorder.error().message;
  ASSERT_TRUE(recorder->write(samples(5000, 10, {1000, 1010})));
  const auto again = recorder->write(samples(5010, 10, {1000}));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::run_failed);
  EXPECT_NE(again.error().message.find("sample 5010"), std::string::npos) << again.error().message;
  EXPECT_EQ(recorder->flush().error().message, again.error().message);
}

TEST(Recorder, ReplacesBetaAndFitWhileTheRunGoesOn) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  {
    auto recorder = Recorder::create(path, description());
    ASSERT_TRUE(recorder) << recorder.error().message;
    std::vector<analysis::StepResult> steps{step(0), step(1)};
    for (const auto& row : steps) ASSERT_TRUE(recorder->add_step(row, {}));
    steps[0].beta_n_per_ua = {0.5, 0.25, std::nullopt};
    steps[0].beta_status = analysis::BetaStatus::jump;
    ASSERT_TRUE(recorder->update_results(steps, result(0).fit));
    ASSERT_TRUE(recorder->update_link({1, 2, 3, 4, 5}));
  }
  const auto record = read_run(path + ".part");
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_FALSE(record->finalised);
  ASSERT_EQ(record->result.steps.size(), 2U);
  analysis::StepResult first = step(0);
  first.beta_n_per_ua = {0.5, 0.25, std::nullopt};
  first.beta_status = analysis::BetaStatus::jump;
  EXPECT_EQ(record->result.steps[0], first);
  EXPECT_EQ(record->result.steps[1], step(1));
  const analysis::SweepFit lists = result(0).fit;
  analysis::SweepFit fit = record->result.fit;
  EXPECT_TRUE(fit.transitions.empty()) << "lists are written at the end";
  fit.transitions = lists.transitions, fit.loops = lists.loops;
  fit.rates = lists.rates, fit.precursors = lists.precursors;
  EXPECT_EQ(fit, lists);
  EXPECT_EQ(record->link->lost_frames, 4U);
}

TEST(Recorder, KeepsAFitThatIsNotThere) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  auto recorder = Recorder::create(path, description());
  analysis::RunResult whole = result(1);
  whole.fit = {};
  ASSERT_TRUE(recorder->add_step(step(0), {}));
  ASSERT_TRUE(recorder->finalise(whole, "stopped"));
  EXPECT_EQ(read_run(path)->result, whole);
  EXPECT_EQ(read_run(path)->exit_status, "stopped");
}

TEST(Recorder, TakesStepsThatFinaliseHasChangedOrAdded) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  auto recorder = Recorder::create(path, description());
  ASSERT_TRUE(recorder->add_step(step(7), {}));
  ASSERT_TRUE(recorder->finalise(result(700), "success"));
  EXPECT_EQ(read_run(path)->result, result(700));
}

TEST(Recorder, KeepsStepsOfAnEarlierRecordingWithoutPointingAtDataThatAreNotHere) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  RunDescription run = description();
  run.resumed_from = {"first.nwb", "second.nwb"};
  analysis::RunResult whole = result(3);
  whole.steps[0].resumed_from = "second.nwb";
  whole.steps[1].resumed_from = "first.nwb";
  {
    auto recorder = Recorder::create(path, run);
    ASSERT_TRUE(recorder) << recorder.error().message;
    for (const auto& row : whole.steps) ASSERT_TRUE(recorder->add_step(row, {}));
    ASSERT_TRUE(recorder->finalise(whole, "success"));
  }
  const auto record = read_run(path);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->result, whole);
  const auto file = h5::Handle{H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)};
  EXPECT_EQ(row_count(file.get(), "/intervals/sweeps/id"), 1);
}

TEST(Recorder, RefusesAStepOfARecordingThatItWasNotToldOf) {
  const Folder folder;
  auto recorder = Recorder::create(folder.file("run.nwb"), description());
  analysis::StepResult row = step(0);
  row.resumed_from = "elsewhere.nwb";
  const auto added = recorder->add_step(row, {});
  ASSERT_FALSE(added);
  EXPECT_NE(added.error().message.find("elsewhere.nwb"), std::string::npos) << added.error().message;
}

TEST(Recorder, RefusesAConditionWithoutAColumn) {
  const Folder folder;
  auto recorder = Recorder::create(folder.file("run.nwb"), description());
  analysis::StepResult row = step(0);
  row.conditions["humidity"] = 0.4;
  const auto added = recorder->add_step(row, {});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().kind, ErrorKind::bad_input);
  EXPECT_NE(added.error().message.find("humidity"), std::string::npos);
}

TEST(Recorder, RefusesToOverwriteARecording) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  record_run(path, description(), 1);
  const auto size = fs::file_size(path);
  const auto again = Recorder::create(path, description());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::bad_input);
  EXPECT_NE(again.error().message.find(path + ": exists already"), std::string::npos) << again.error().message;
  EXPECT_EQ(fs::file_size(path), size);
}

TEST(Recorder, RefusesToOverwriteAnUnfinishedRecording) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  std::ofstream{path + ".part"} << "precious";
  const auto again = Recorder::create(path, description());
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find(path + ".part: exists already"), std::string::npos) << again.error().message;
  EXPECT_EQ(fs::file_size(path + ".part"), 8U);
}

TEST(Recorder, RefusesAFolderThatIsAFile) {
  const Folder folder;
  std::ofstream{folder.file("plain")} << "x";
  const auto recorder = Recorder::create(folder.file("plain/run.nwb"), description());
  ASSERT_FALSE(recorder);
  EXPECT_EQ(recorder.error().kind, ErrorKind::bad_input);
  EXPECT_NE(recorder.error().message.find("not a folder"), std::string::npos) << recorder.error().message;
}

TEST(Recorder, RefusesAFolderThatIsNotThere) {
  const Folder folder;
  const auto recorder = Recorder::create(folder.file("nowhere/run.nwb"), description());
  ASSERT_FALSE(recorder);
  EXPECT_NE(recorder.error().message.find("no such folder"), std::string::npos) << recorder.error().message;
}

TEST(Recorder, RefusesARunThatDoesNotFitOnTheDisk) {
  const Folder folder;
  RunDescription run = description();
  run.expected_bytes = 1ULL << 60;
  const auto recorder = Recorder::create(folder.file("run.nwb"), run);
  ASSERT_FALSE(recorder);
  EXPECT_EQ(recorder.error().kind, ErrorKind::bad_input);
  EXPECT_NE(recorder.error().message.find("MB free"), std::string::npos) << recorder.error().message;
  EXPECT_FALSE(fs::exists(folder.file("run.nwb.part")));
}

TEST(Recorder, RefusesADescriptionThatDoesNotFitTheDevice) {
  const Folder folder;
  RunDescription run = description();
  run.channels.clear();
  const auto recorder = Recorder::create(folder.file("run.nwb"), run);
  ASSERT_FALSE(recorder);
  EXPECT_EQ(recorder.error().kind, ErrorKind::bad_input);
}

TEST(Recorder, ComesToNoHarmIfTheFinalNameAppearsMeanwhile) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  auto recorder = Recorder::create(path, description());
  ASSERT_TRUE(recorder->add_step(step(0), {}));
  std::ofstream{path} << "precious";
  const auto done = recorder->finalise(result(1), "success");
  ASSERT_FALSE(done);
  EXPECT_EQ(fs::file_size(path), 8U);
  EXPECT_EQ(read_run(path + ".part")->result, result(1));
}

TEST(Recorder, RecordsNoTraceWhenNoneIsAskedFor) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  auto recorder = Recorder::create(path, description(0));
  ASSERT_TRUE(recorder) << recorder.error().message;
  for (const DeviceMessage& message : ten_milliseconds(5000, 10)) {
    if (!std::holds_alternative<protocol::SampleBlock>(message)) {
      ASSERT_TRUE(recorder->write(message));
    }
  }
  ASSERT_TRUE(recorder->finalise(result(1), "success"));
  const auto trace = read_trace(path, "A", 0, 10);
  ASSERT_FALSE(trace);
  EXPECT_NE(trace.error().message.find("was not recorded"), std::string::npos) << trace.error().message;
  EXPECT_EQ(read_spikes(path, "A", 0, 10)->size(), 1U);
}

TEST(Recorder, JoinsThePartsOfASnippetAndMarksWhatWasLost) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  RunDescription run = description();
  run.channels[0].snippet_samples = 150;
  auto recorder = Recorder::create(path, run);
  protocol::SnippetBlock part{.spike = Ticks{1300000}, .first = {5000}, .offset = 0, .length = 150, .codes = {}};
  for (int k = 0; k < 104; ++k) part.codes.push_back(static_cast<AdcCode>(k));
  ASSERT_TRUE(recorder->write(part));
  part.offset = 104;
  part.codes.resize(46);
  ASSERT_TRUE(recorder->write(part));
  part.spike = Ticks{1400000};
  ASSERT_TRUE(recorder->write(part));
  ASSERT_TRUE(recorder->finalise(result(0), "success"));
  h5::quiet();
  const h5::Handle file = open_for_reading(path);
  const std::string table = layout::snippets("A", 150).path;
  ASSERT_EQ(table_rows(file.get(), table), 2);
  const auto values = read_column<float>(file.get(), table + "/v_out_mv", 0, 2, 150);
  EXPECT_FLOAT_EQ(values[103], static_cast<float>((103 - 12.0) * 800.0 / 4095.0));
  EXPECT_FLOAT_EQ(values[104], static_cast<float>(-12.0 * 800.0 / 4095.0));
  EXPECT_TRUE(std::isnan(values[150]));
  EXPECT_FALSE(std::isnan(values[150 + 104]));
}

std::string output_of(const std::string& command, int& status) {
  std::string text;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  char line[4096];
  while (std::fgets(line, sizeof(line), pipe) != nullptr) text += line;
  status = ::pclose(pipe);
  return text;
}

TEST(Recorder, GivesTheSameFileForTheSameSeedButForTheWallClock) {
  const Folder folder;
  const std::string one = folder.file("one.nwb");
  const std::string two = folder.file("two.nwb");
  record_run(one, description(), 3);
  RunDescription later = description();
  later.wall_clock = {"2025-01-01T00:00:00+00:00", "2025-01-01T00:00:01+00:00", "other", "thyrode run --seed 42"};
  record_run(two, later, 3);
  int status = 0;
  const std::string difference = output_of("h5diff " + one + " " + two, status);
  std::istringstream lines{difference};
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" and <") == std::string::npos) continue;
    const bool allowed = line.find("</general/wall_clock>") != std::string::npos ||
                         line.find("</file_create_date>") != std::string::npos ||
                         line.find("</session_start_time>") != std::string::npos ||
                         line.find("</timestamps_reference_time>") != std::string::npos;
    EXPECT_TRUE(allowed) << line;
  }
  EXPECT_NE(difference.find("</session_start_time>"), std::string::npos) << difference;
}

TEST(Recorder, GivesTheSameBytesForTheSameDescription) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  std::string bytes[2];
  for (std::string& content : bytes) {
    record_run(path, description(), 3);
    std::ifstream file{path, std::ios::binary};
    content.assign(std::istreambuf_iterator<char>{file}, {});
    fs::remove(path);
  }
  EXPECT_EQ(bytes[0].size(), bytes[1].size());
  EXPECT_TRUE(bytes[0] == bytes[1]);
}

TEST(Recorder, SeesAnotherSeedInTheFile) {
  const Folder folder;
  record_run(folder.file("one.nwb"), description(), 1);
  RunDescription other = description();
  other.seed = 43;
  record_run(folder.file("two.nwb"), other, 1);
  int status = 0;
  output_of("h5diff " + folder.file("one.nwb") + " " + folder.file("two.nwb") + " /acquisition", status);
  EXPECT_NE(status, 0);
}

TEST(Recorder, LeavesNothingOfARunThatDidNotBegin) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  {
    auto recorder = Recorder::create(path, description());
    ASSERT_TRUE(recorder) << recorder.error().message;
    write_all(*recorder, ten_milliseconds(5000, 10));
    recorder->discard();
    EXPECT_FALSE(recorder->flush()) << "it is gone";
  }
  const fs::directory_iterator left{fs::path{path}.parent_path()};
  EXPECT_EQ(std::distance(begin(left), end(left)), 0);
}

}  // namespace
}  // namespace thyrode::recording
