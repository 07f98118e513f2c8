#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "daemon/experiment/documents.hpp"
#include "daemon/recording/origin.hpp"
#include "daemon/recording/run_files.hpp"
#include "daemon/recording/trace_reader.hpp"
#include "daemon/report/report.hpp"
#include "daemon/report/step_detail.hpp"
#include "tests/unit/recording/recording_support.hpp"

namespace thyrode::report {
namespace {

using namespace recording::testing;
using Json = nlohmann::ordered_json;

/// Reads what Packer wrote, as the page does.
class Unpacker {
 public:
  explicit Unpacker(const std::string& text) {
    const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : text.substr(0, text.find('='))) {
      bits = bits << 6U | static_cast<std::uint32_t>(letters.find(c));
      count += 6;
      if (count < 8) continue;
      count -= 8;
      bytes_.push_back(static_cast<std::uint8_t>(bits >> static_cast<unsigned>(count)));
    }
  }
  bool done() const { return at_ == bytes_.size(); }
  std::int64_t next() {
    std::int64_t value = 0;
    for (unsigned shift = 0; at_ < bytes_.size(); shift += 7) {
      const std::uint8_t byte = bytes_[at_++];
      value |= static_cast<std::int64_t>(byte & 127U) << shift;
      if (byte < 128) break;
    }
    return value;
  }
  /// Empty where the value is missing.
  std::optional<std::int64_t> next_near() {
    const std::int64_t code = next();
    if (code == 0) return {};
    last_ += code % 2 == 1 ? code / 2 : -code / 2;
    return last_;
  }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t at_ = 0;
  std::int64_t last_ = 0;
};

struct Made {
  Folder folder;
  std::string path = folder.file("run.nwb");
  recording::RunRecord record;
  explicit Made(int steps) {
    record_run(path, description(), steps);
    record = recording::read_run(path).value();
  }
  Json data(const Budget& budget = {}) const { return report_data(path, record, budget).value(); }
};

TEST(ReportData, HoldsTheRowsOfTheDocument) {
  const Made made(4);
  const Json data = made.data();
  const Json document = experiment::to_json(made.record.result);
  const Json& table = data["result"]["steps"];
  ASSERT_EQ(table["rows"].size(), 4U);
  for (std::size_t k = 0; k < 4; ++k) {
    const Json& step = document["steps"][k];
    for (std::size_t c = 0; c < table["keys"].size(); ++c) {
      const std::string key = table["keys"][c];
      if (key != "features") {
        EXPECT_EQ(table["rows"][k][c], step[key]) << key;
        continue;
      }
      for (std::size_t f = 0; f < table["features"].size(); ++f) {
        EXPECT_EQ(table["rows"][k][c][f], step["features"][table["features"][f][0].get<std::string>()]);
      }
    }
  }
  EXPECT_EQ(data["result"]["fit"], document["fit"]);
  EXPECT_EQ(data["result"]["integrity"], document["integrity"]);
}

TEST(ReportData, SaysWhereTheRecordingComesFrom) {
  const Made made(1);
  const Json data = made.data();
  EXPECT_EQ(data["file"], "run.nwb");
  EXPECT_EQ(data["origin"]["session_start"], description().wall_clock.session_start);
  EXPECT_EQ(data["origin"]["host_name"], "bench-pc");
  EXPECT_EQ(data["origin"]["command_line"], "thyrode run msn.yaml");
  EXPECT_EQ(data["experiment_yaml"], description().experiment_yaml);
  EXPECT_EQ(data["experiment_files"]["pulse.csv"], "t,I\n0,1");
  EXPECT_EQ(data["exit_status"], "success");
  EXPECT_EQ(recording::read_origin(made.path)->finished, data["origin"]["finished"]);
}

TEST(ReportData, NamesTheFilesOfARunInSeveral) {
  const Made made(1);
  EXPECT_EQ(made.data()["run_files"], Json::array());
  const std::string path = made.folder.file("long.nwb");
  recording::RunDescription run = description();
  run.roll_samples = 25000;
  auto recorder = recording::Recorder::create(path, run);
  ASSERT_TRUE(recorder) << recorder.error().message;
  const Sample border{5000 + 25000};
  for (int part = 0; part < 20; ++part) {
    write_all(*recorder, ten_milliseconds(5000 + 2500 * part, 10));
    if (part == 7) {
      ASSERT_TRUE(recorder->step_begins(border));
    }
    if (part != 11) continue;
    ASSERT_TRUE(recorder->add_step(step(0), histogram(0)));
    ASSERT_TRUE(recorder->rows_told(border));
  }
  ASSERT_TRUE(recorder->add_step(step(1), histogram(1)));
  ASSERT_TRUE(recorder->finalise(result(2), "success"));
  const std::string last = recording::name_of_part(path, 2);
  const Json data = report_data(last, recording::read_run(last).value()).value();
  EXPECT_EQ(data["run_files"], Json::array({"long.nwb", "long.2.nwb"}));
}

TEST(ReportData, HoldsTheSpikesOfAStep) {
  const Made made(2);
  const Json spikes = made.data()["details"][1]["spikes"];
  const auto all = recording::read_spikes(made.path, "A", 0, 1000).value();
  const analysis::StepResult& row = made.record.result.steps[1];
  Unpacker times{spikes["times"]};
  std::int64_t at = row.start.count;
  std::int64_t held = 0;
  for (const recording::SpikeRow& spike : all) {
    if (spike.at < row.start || spike.at >= row.end) continue;
    at += times.next();
    EXPECT_EQ(at, spike.at.count);
    ++held;
  }
  EXPECT_GT(held, 0);
  EXPECT_TRUE(times.done());
  EXPECT_EQ(spikes["held"], held);
  EXPECT_EQ(spikes["total"], held);
}

TEST(ReportData, HoldsTheCodesOfTheTrace) {
  const Made made(2);
  const Json data = made.data();
  const Json& trace = data["details"][0]["trace"];
  EXPECT_EQ(trace["kept"], trace["values"]);
  Unpacker numbers{trace["packed"]};
  EXPECT_EQ(numbers.next(), 0);
  const std::int64_t count = numbers.next();
  EXPECT_EQ(count, trace["values"]);
  // The row begins within the sample 5000; its first value begins there.
  for (std::int64_t k = 0; k < count; ++k) {
    const std::int64_t first = 5000 + 10 * k;
    ASSERT_EQ(numbers.next_near(), first * 7 % 4096 * 10) << k;
  }
  EXPECT_TRUE(numbers.done());
  const double middle = (5000.0 + 4.5) * 256.0 - static_cast<double>(made.record.result.steps[0].start.count);
  EXPECT_NEAR(trace["from_s"].get<double>(), middle / 64e6, 1e-12);
  EXPECT_DOUBLE_EQ(trace["every_s"].get<double>(), 40e-6);
  EXPECT_EQ(data["signals"][0]["trace"]["codes_per_value"], 10);
}

TEST(ReportData, KeepsToItsBudget) {
  const Made made(4);
  Budget budget;
  budget.spikes = 12;
  budget.trace_values = 2000;
  budget.level_bins = 8;
  std::int64_t spikes = 0;
  std::int64_t values = 0;
  const Json data = made.data(budget);
  for (const Json& detail : data["details"]) {
    spikes += detail["spikes"]["held"].get<std::int64_t>();
    values += detail["trace"]["kept"].get<std::int64_t>();
    EXPECT_GT(detail["spikes"]["total"], detail["spikes"]["held"]);
    EXPECT_GT(detail["trace"]["values"], detail["trace"]["kept"]);
    Unpacker low{detail["levels"]["low"]};
    int bins = 0;
    for (; !low.done(); ++bins) low.next();
    EXPECT_LE(bins, 2);
  }
  EXPECT_LE(spikes, 12);
  EXPECT_LE(values, 2000);
}

TEST(ReportData, HasDetailsOfAsManyStepsAsTheBudgetAllows) {
  const Made made(4);
  Budget budget;
  budget.detailed_steps = 2;
  budget.featured_steps = 3;
  const Json data = made.data(budget);
  EXPECT_EQ(data["details"].size(), 4U);
  EXPECT_FALSE(data["details"][0].is_null());
  EXPECT_TRUE(data["details"][1].is_null());
  EXPECT_FALSE(data["details"][2].is_null());
  for (const Json& row : data["result"]["steps"]["rows"]) EXPECT_TRUE(row[row.size() - 1].empty());
}

TEST(ReportData, ReadsTheLevelsAsLowestAndHighestCode) {
  const Made made(1);
  const Json levels = made.data()["details"][0]["levels"];
  Unpacker low{levels["low"]};
  Unpacker high{levels["high"]};
  EXPECT_EQ(low.next_near(), 12);
  EXPECT_EQ(high.next_near(), 3000);
  EXPECT_DOUBLE_EQ(levels["every_s"].get<double>(), 0.01);
}

TEST(ReportData, HasHistogramAndCorrelationWhereTheFileHas) {
  const Made made(2);
  const Json data = made.data();
  const auto counts = recording::read_isi_counts(made.path, 1).value();
  const Json& isi = data["details"][1]["isi"];
  std::uint64_t total = 0;
  for (std::size_t k = 0; k < isi.size(); k += 2) {
    EXPECT_EQ(isi[k + 1], counts[isi[k].get<std::size_t>()]);
    total += isi[k + 1].get<std::uint64_t>();
  }
  std::uint64_t written = 0;
  for (const std::uint32_t n : counts) written += n;
  EXPECT_EQ(total, written);
  const auto pairs = recording::read_pair_correlation(made.path, 1).value();
  EXPECT_EQ(data["details"][1]["pairs"]["counts"], pairs->counts);
  EXPECT_EQ(data["details"][1]["pairs"]["poisson_level"], pairs->level());
  EXPECT_TRUE(data["details"][0]["pairs"].is_null());
}

TEST(ReportData, SaysThatThereIsNoTrace) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  auto recorder = recording::Recorder::create(path, description(0));
  ASSERT_TRUE(recorder) << recorder.error().message;
  for (const DeviceMessage& message : ten_milliseconds(5000, 10)) {
    if (std::holds_alternative<protocol::SampleBlock>(message)) continue;
    ASSERT_TRUE(recorder->write(message));
  }
  ASSERT_TRUE(recorder->add_step(step(0), histogram(0), pairs(0)));
  ASSERT_TRUE(recorder->finalise(result(1), "success", ""));
  const Json data = report_data(path, recording::read_run(path).value()).value();
  EXPECT_TRUE(data["details"][0]["trace"].is_null());
  EXPECT_TRUE(data["signals"][0]["trace"].is_null());
}

TEST(ReportData, HasNoDetailsOfStepsThatAnotherRecordingHolds) {
  Made made(2);
  made.record.result.steps[0].resumed_from = "earlier.nwb";
  const Json data = made.data();
  EXPECT_TRUE(data["details"][0].is_null());
  EXPECT_FALSE(data["details"][1].is_null());
}

TEST(ReportData, RefusesWhatIsNoRecording) {
  const Folder folder;
  const auto data = report_data(folder.file("none.nwb"), {});
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().kind, ErrorKind::bad_input);
}

TEST(TraceReader, ReadsWhatReadTraceReads) {
  const Made made(2);
  const auto reader = recording::TraceReader::open(made.path, "A").value();
  const auto trace = recording::read_trace(made.path, "A", 100, 50).value();
  const auto sums = reader->code_sums(100, 50).value();
  ASSERT_EQ(sums.size(), 50U);
  for (std::size_t k = 0; k < 50; ++k) EXPECT_EQ(sums[k], trace.code_sum(trace.values_mv[k]));
  EXPECT_EQ(reader->total(), trace.total);
  EXPECT_EQ(reader->code_sums(reader->total() - 3, 10)->size(), 3U);
  EXPECT_EQ(reader->first().count + 100 * reader->ticks_per_value(), trace.first.count);
}

TEST(TraceReader, SaysWhereDataWereLost) {
  const Folder folder;
  const std::string path = folder.file("gap.nwb");
  auto recorder = recording::Recorder::create(path, description());
  ASSERT_TRUE(recorder) << recorder.error().message;
  for (const std::int64_t first : {5000, 10000}) {
    for (const DeviceMessage& message : ten_milliseconds(first, 10)) ASSERT_TRUE(recorder->write(message));
  }
  ASSERT_TRUE(recorder->finalise(result(0), "success", ""));
  const auto reader = recording::TraceReader::open(path, "A").value();
  const auto sums = reader->code_sums(0, 1000).value();
  ASSERT_EQ(sums.size(), 750U);
  EXPECT_NE(sums[249], recording::TraceReader::missing);
  for (std::size_t k = 250; k < 500; ++k) ASSERT_EQ(sums[k], recording::TraceReader::missing) << k;
  EXPECT_NE(sums[500], recording::TraceReader::missing);
}

}  // namespace
}  // namespace thyrode::report
