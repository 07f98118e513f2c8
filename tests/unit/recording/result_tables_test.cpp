// Tables of results and of conditions, and the fit of the clocks.
#include <map>

#include "daemon/recording/clock_fit.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/object_id.hpp"
#include "daemon/recording/readback.hpp"
#include "tests/unit/recording/recording_support.hpp"

namespace thyrode::recording {
namespace {

using namespace testing;

std::string in_module(const std::string& name) {
  return std::string{layout::module} + "/" + name;
}

TEST(ResultTables, TellGnOfEveryStepThatHasIt) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  record_run(path, description(), 4);
  const h5::Handle file{H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)};
  const std::string table = in_module("g_n");
  ASSERT_EQ(table_rows(file.get(), table), 2);
  EXPECT_EQ(read_column<std::int64_t>(file.get(), table + "/step", 0, 2), (std::vector<std::int64_t>{1, 3}));
  const analysis::PairCorrelation last = pairs(3);
  const auto g = read_column<double>(file.get(), table + "/g", 1, 1, layout::pair_bins);
  const auto corrected = read_column<double>(file.get(), table + "/g_corrected", 1, 1, layout::pair_bins);
  for (std::size_t k = 0; k < layout::pair_bins; ++k) {
    ASSERT_EQ(g[k], last.g(k)) << k;
    ASSERT_EQ(corrected[k], last.corrected(k)) << k;
  }
  EXPECT_DOUBLE_EQ(read_column<double>(file.get(), table + "/bin_s", 1, 1).front(), 1e-3);
  EXPECT_EQ(read_column<double>(file.get(), table + "/high", 1, 1).front(), last.band(false).high);
  EXPECT_EQ(read_text_attribute(file.get(), table + "/bin_s", "unit"), "seconds");
}

TEST(ResultTables, TellBurstsAndBetaOfTheSteps) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  auto recorder = Recorder::create(path, description());
  ASSERT_TRUE(recorder);
  analysis::RunResult whole = result(3);
  whole.steps[1].spikes_per_burst.reset();
  whole.direct_beta = {{36.4, 1.5, {0.07, 0.06, 0.08}, 8, 1, {}, analysis::BetaStatus::ok}};
  ASSERT_TRUE(recorder->finalise(whole, "success"));
  const h5::Handle file{H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)};
  const auto reals = [&](const std::string& column, std::int64_t rows) {
    return read_column<double>(file.get(), in_module(column), 0, rows);
  };
  EXPECT_EQ(read_column<std::int64_t>(file.get(), in_module("bursts/step"), 0, 2), (std::vector<std::int64_t>{0, 2}));
  EXPECT_EQ(reals("bursts/spikes_per_burst", 2)[1], whole.steps[2].spikes_per_burst);
  EXPECT_EQ(reals("beta_n/beta_n_per_ua", 3)[1], whole.steps[1].beta_n_per_ua.value);
  EXPECT_EQ(reals("beta_n/beta_n_per_ua_high", 3)[1], whole.steps[1].beta_n_per_ua.high);
  EXPECT_TRUE(std::isnan(reals("beta_n/beta_n_per_ua_low", 3)[1])) << "undefined";
  EXPECT_EQ(read_texts(file.get(), in_module("beta_n/status"), 3)[2], "jump");
  EXPECT_EQ(read_text_attribute(file.get(), in_module("beta_n/beta_n_per_ua_low"), "unit"), "1/microampere");
  EXPECT_EQ(reals("direct_beta/beta_n_per_ua", 1)[0], 0.07);
}

TEST(IcephysTables, GroupLegsByTheSettingOfTheNeuron) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  auto recorder = Recorder::create(path, description());
  ASSERT_TRUE(recorder);
  write_all(*recorder, ten_milliseconds(5000, 10));
  analysis::RunResult whole = result(0);
  // Up and down at 1 ms, up at 2 ms, and up at 1 ms again.
  const std::vector<std::pair<double, int>> plan{{1e-3, 0}, {1e-3, 0}, {1e-3, 1}, {2e-3, 0}, {1e-3, 0}};
  for (std::size_t k = 0; k < plan.size(); ++k) {
    analysis::StepResult row = step(static_cast<int>(k));
    row.conditions = {{"tau_L", plan[k].first}};
    row.leg = plan[k].second;
    whole.steps.push_back(row);
  }
  ASSERT_TRUE(recorder->finalise(whole, "success"));
  const h5::Handle file{H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)};
  const auto column = [&](const std::string& name) {
    const std::string where = std::string{layout::electrodes} + "/" + name;
    return read_column<std::int64_t>(file.get(), where, 0, row_count(file.get(), where));
  };
  using List = std::vector<std::int64_t>;
  EXPECT_EQ(column("sequential_recordings/simultaneous_recordings_index"), (List{2, 3, 4, 5}));
  EXPECT_EQ(column("repetitions/sequential_recordings_index"), (List{2, 3, 4}));
  EXPECT_EQ(column("experimental_conditions/repetitions"), (List{0, 2, 1}));
  EXPECT_EQ(column("experimental_conditions/repetitions_index"), (List{2, 3}));
  EXPECT_EQ(read_column<double>(file.get(), std::string{layout::electrodes} + "/experimental_conditions/tau_L", 0, 2),
            (std::vector<double>{1e-3, 2e-3}));
}

TEST(ClockFit, FindsTheLineBetweenTwoClocks) {
  std::vector<std::int64_t> ticks;
  std::vector<double> seconds;
  for (std::int64_t k = 0; k < 40; ++k) {
    ticks.push_back(1'000'000'000 + 16'000'000 * k);
    seconds.push_back(1.7e9 + 0.250005 * static_cast<double>(k) + (k % 2 == 0 ? 1e-4 : -1e-4));
  }
  const auto fit = fit_clock(ticks, seconds);
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->ticks_per_second / (16e6 / 0.250005), 1.0, 5e-6);
  EXPECT_NEAR(fit->offset_s, 1.7e9 - 62.5 * 0.250005, 1e-3);
  EXPECT_NEAR(fit->residual_s, 1e-4, 1e-6);
  EXPECT_FALSE(fit_clock(std::span{ticks}.first(2), std::span{seconds}.first(2)));
  EXPECT_FALSE(fit_clock(ticks, std::vector<double>(40, 5.0)));
}

TEST(ClockFit, IsWrittenWithTheReadingsOfARun) {
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  RunDescription run = description();
  run.device.virtual_time = false;
  double now = 1.7e9;
  run.host_seconds = [&now] { return now; };
  auto recorder = Recorder::create(path, run);
  ASSERT_TRUE(recorder);
  for (int k = 0; k < 20; ++k, now += 0.01001) {
    write_all(*recorder, ten_milliseconds(5000 + 2500 * k, 10));
    ASSERT_TRUE(recorder->flush());
  }
  ASSERT_TRUE(recorder->finalise(result(0), "success"));
  const h5::Handle file{H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)};
  EXPECT_EQ(row_count(file.get(), layout::clock_ticks), 20);
  EXPECT_NEAR(read_attribute<double>(file.get(), layout::wall_clock, "clock_deviation_ppm"), -999.0, 1.0);
}

TEST(Provenance, NamesTheProgramByItsHash) {
  EXPECT_EQ(sha1_hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  const Folder folder;
  const std::string path = folder.file("run.nwb");
  RunDescription run = description();
  run.host_hash = "sha1:" + sha1_hex("abc");
  record_run(path, run, 1);
  const h5::Handle file{H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)};
  EXPECT_EQ(read_text_attribute(file.get(), layout::provenance, "host_hash"), run.host_hash);
}

TEST(UnitOf, ReadsTheEndOfAName) {
  const std::map<std::string, std::string> wanted{{"current_ua", "microamperes"},
                                                  {"frequency_hz_low", "hertz"},
                                                  {"slew_ua_per_s", "microamperes/second"},
                                                  {"beta_n_per_ua_high", "1/microampere"},
                                                  {"ideal_slope_hz_per_ua", "hertz/microampere"},
                                                  {"start_time", "seconds"},
                                                  {"spike_tick", "device ticks"},
                                                  {"bursts", ""},
                                                  {"status", ""},
                                                  {"n_spikes", ""}};
  for (const auto& [name, unit] : wanted) EXPECT_EQ(unit_of(name), unit) << name;
}

}  // namespace
}  // namespace thyrode::recording
