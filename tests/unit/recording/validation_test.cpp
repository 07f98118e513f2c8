// What validate() finds: each kind of damage is done to a good recording.
#include "daemon/recording/validation.hpp"

#include <functional>

#include "daemon/recording/builder.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/readback.hpp"
#include "daemon/recording/step_table.hpp"
#include "tests/unit/recording/recording_support.hpp"

namespace thyrode::recording {
namespace {

using namespace testing;
namespace fs = std::filesystem;

/// A step that says what its 100 ms hold.
analysis::StepResult honest_step(int index) {
  analysis::StepResult row = step(index);
  row.n_spikes = 10;
  row.n_gaps = 0;
  row.start = Ticks{(5000 + 25000 * index) * ticks_per_sample};
  return row;
}

std::vector<std::uint32_t> nine_intervals() {
  std::vector<std::uint32_t> counts(analysis::IsiHistogram::size);
  counts[500] = 9;
  return counts;
}

/// Two steps, and a gap of 10 ms between them.
void record_honestly(const std::string& path) {
  auto recorder = Recorder::create(path, description());
  ASSERT_TRUE(recorder) << recorder.error().message;
  analysis::RunResult whole = result(0);
  std::int64_t at = 5000;
  for (int k = 0; k < 2; ++k) {
    for (int part = 0; part < 10; ++part, at += 2500) write_all(*recorder, ten_milliseconds(at, 10));
    whole.steps.push_back(honest_step(k));
    ASSERT_TRUE(recorder->add_step(whole.steps.back(), nine_intervals()));
  }
  write_all(*recorder, {Gap{Channel{0}, Sample{at}, Sample{at + 2500}, 2500, true}});
  at += 2500;
  write_all(*recorder, ten_milliseconds(at, 10));
  ASSERT_TRUE(recorder->finalise(whole, "success"));
}

class Validate : public ::testing::Test {
 protected:
  void SetUp() override { record_honestly(path_); }

  std::vector<Finding> findings() const {
    const auto found = validate(path_);
    EXPECT_TRUE(found) << (found ? "" : found.error().message);
    return found ? *found : std::vector<Finding>{};
  }

  /// Does something to the file. @returns what is found afterwards, as one text
  std::string after(const std::function<void(hid_t)>& damage) const {
    {
      const h5::Handle file{H5Fopen(path_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT)};
      damage(file.get());
    }
    std::string text;
    for (const Finding& finding : findings()) text += finding.where + ": " + finding.what + "\n";
    return text;
  }

  /// Replaces one value of a dataset of one dimension.
  template <class T>
  static void put(hid_t file, const std::string& path, hsize_t row, T value, hid_t type) {
    const h5::Handle set = h5::open_dataset(file, path);
    const hsize_t one = 1;
    const h5::Handle space{H5Dget_space(set.get())};
    H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &row, nullptr, &one, nullptr);
    const h5::Handle memory{H5Screate_simple(1, &one, nullptr)};
    ASSERT_GE(H5Dwrite(set.get(), type, memory.get(), space.get(), H5P_DEFAULT, &value), 0);
  }
  static void extend(hid_t file, const std::string& path, hsize_t rows) {
    const h5::Handle set = h5::open_dataset(file, path);
    ASSERT_GE(H5Dset_extent(set.get(), &rows), 0);
  }

  Folder folder_;
  std::string path_ = folder_.file("run.nwb");
};

#define EXPECT_FOUND(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(Validate, FindsNothingInAGoodRecording) {
  for (const Finding& finding : findings()) ADD_FAILURE() << finding.where << ": " << finding.what;
}

TEST_F(Validate, FindsNothingInARecordingThatIsStillWritten) {
  const std::string path = folder_.file("other.nwb");
  auto recorder = Recorder::create(path, description());
  ASSERT_TRUE(recorder);
  for (int part = 0; part < 10; ++part) write_all(*recorder, ten_milliseconds(5000 + part * 2500, 10));
  ASSERT_TRUE(recorder->add_step(honest_step(0), nine_intervals()));
  const auto found = validate(path + ".part");
  ASSERT_TRUE(found) << found.error().message;
  for (const Finding& finding : *found) ADD_FAILURE() << finding.where << ": " << finding.what;
}

TEST_F(Validate, FindsAColumnThatIsLongerThanItsTable) {
  const std::string column = layout::spikes("A").path + "/peak_mv";
  EXPECT_FOUND(after([&](hid_t file) { extend(file, column, 30); }), column + ": has 30 rows, its table has 21");
}

TEST_F(Validate, FindsAnIndexThatEndsElsewhere) {
  EXPECT_FOUND(
      after([&](hid_t file) { put(file, "/units/spike_times_index", 0, std::uint64_t{20}, H5T_NATIVE_UINT64); }),
      "/units/spike_times_index: ends at 20, its target has 21 values");
}

TEST_F(Validate, FindsAReferenceBeyondItsTable) {
  const std::string column = layout::isi_histograms().path + "/step";
  EXPECT_FOUND(after([&](hid_t file) { put(file, column, 1, std::int64_t{7}, H5T_NATIVE_INT64); }),
               column + ": row 1 points to row 7 of /processing/icephys/steps, which has 2");
}

TEST_F(Validate, FindsARangeBeyondItsSeries) {
  const std::string data = layout::trace("A") + "/data";
  EXPECT_FOUND(after([&](hid_t file) { extend(file, data, 4000); }), "which has 4000");
}

TEST_F(Validate, FindsATimeThatFalls) {
  const std::string column = layout::spikes("A").path + "/tick";
  EXPECT_FOUND(after([&](hid_t file) { put(file, column, 5, std::int64_t{1}, H5T_NATIVE_INT64); }),
               column + ": row 5 does not come after row 4");
}

TEST_F(Validate, FindsAMissingValueThatNoGapTellsOf) {
  const std::string data = layout::trace("A") + "/data";
  const float nothing = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FOUND(after([&](hid_t file) { put(file, data, 300, nothing, H5T_NATIVE_FLOAT); }),
               "nothing was recorded of samples 8000 to 8010");
}

TEST_F(Validate, FindsAGapThatIsNone) {
  const std::string column = layout::invalid_times().path + "/end_sample";
  EXPECT_FOUND(after([&](hid_t file) { put(file, column, 0, std::int64_t{4}, H5T_NATIVE_INT64); }),
               "2500 samples missing of 55000 to 4");
}

TEST_F(Validate, FindsAValueBetweenTwoCodes) {
  const std::string data = layout::trace("A") + "/data";
  std::string text = after([&](hid_t file) {
    const auto value = read_column<float>(file, data, 77, 1).front();
    put(file, data, 77, std::nextafter(value, 1e9F), H5T_NATIVE_FLOAT);
  });
  EXPECT_FOUND(text, data + ": row 77");
  text = after([&](hid_t file) {
    put(file, layout::command("A") + "/data", 3, 17.5F, H5T_NATIVE_FLOAT);
    put(file, layout::read_back("A") + "/data", 4, 17.5F, H5T_NATIVE_FLOAT);
  });
  EXPECT_FOUND(text, layout::command("A") + "/data: row 3");
  EXPECT_FOUND(text, layout::read_back("A") + "/data: row 4");
}

TEST_F(Validate, FindsASpikeTimeThatTheDeviceDidNotTell) {
  EXPECT_FOUND(after([&](hid_t file) { put(file, "/units/spike_times", 3, 0.5, H5T_NATIVE_DOUBLE); }),
               "/units/spike_times: train 0: spike 3 at 0.5 s");
}

TEST_F(Validate, FindsMoreSpikesThanThereWere) {
  const std::string steps = step_table({}).path;
  EXPECT_FOUND(after([&](hid_t file) { put(file, steps + "/n_spikes", 1, std::int64_t{11}, H5T_NATIVE_INT64); }),
               "step 1: 11 spikes are counted, the file has 10 in its time");
}

TEST_F(Validate, FindsAHistogramOfOtherSpikes) {
  const std::string steps = step_table({}).path;
  EXPECT_FOUND(after([&](hid_t file) { put(file, steps + "/n_spikes", 1, std::int64_t{9}, H5T_NATIVE_INT64); }),
               "row 1: 9 intervals between 9 spikes");
}

TEST_F(Validate, FindsAValueOutsideItsInterval) {
  const std::string steps = step_table({}).path;
  EXPECT_FOUND(after([&](hid_t file) { put(file, steps + "/frequency_hz_low", 0, 1e9, H5T_NATIVE_DOUBLE); }),
               "step 0: a value lies outside its interval");
}

TEST_F(Validate, FindsAStepThatIsNoSweep) {
  const std::string text = after([&](hid_t file) { Builder{file, 1}.remove("/intervals/sweeps"); });
  EXPECT_FOUND(text, "/intervals/sweeps: has 0 rows, 2 steps were measured");
}

TEST_F(Validate, SaysThatAnObjectIsDamagedThatNothingElseReads) {
  haddr_t address = 0;
  {
    const h5::Handle file{H5Fopen(path_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT)};
    Builder{file.get(), 1}.group("/scratch/other");
    H5O_info_t info{};
    ASSERT_GE(H5Oget_info_by_name2(file.get(), "/scratch/other", &info, H5O_INFO_BASIC, H5P_DEFAULT), 0);
    address = info.addr;
  }
  ASSERT_TRUE(validate(path_));
  std::fstream{path_, std::ios::binary | std::ios::in | std::ios::out}.seekp(static_cast<std::streamoff>(address))
      << "?";
  const auto found = validate(path_);
  ASSERT_FALSE(found) << "what cannot be opened was not looked at";
  EXPECT_EQ(found.error().kind, ErrorKind::bad_input);
  EXPECT_NE(found.error().message.find(path_), std::string::npos) << found.error().message;
}

TEST_F(Validate, FindsAColumnThatIsNotThere) {
  const std::string column = layout::marks().path + "/state";
  EXPECT_FOUND(after([&](hid_t file) { Builder{file, 1}.remove(column); }), column + ": is named in colnames");
}

TEST_F(Validate, SaysWhatIsNoRecording) {
  const auto found = validate(folder_.file("none.nwb"));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::bad_input);
}

}  // namespace
}  // namespace thyrode::recording
