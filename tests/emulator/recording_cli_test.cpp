// Recordings as their users meet them: recovered, validated.
#include <gtest/gtest.h>
#include <hdf5.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/emulator/command_line.hpp"

namespace thyrode::test {
namespace {

using nlohmann::json;

const char* const coarse = R"(schema: thyrode.experiment/1
name: coarse
plan: list
current: [40 uA, 60 uA, 90 uA, 45 uA, 50 uA, 70 uA]
dwell: {stop_when: {ci_rel_f: 5 %}, max: 20 s}
record: {trace: 25 kS/s}
)";

json document_of(const Finished& finished) {
  std::string text;
  for (const std::string& line : finished.lines) text += line;
  return json::parse(text);
}

/// Runs until a step is in the file, and dies.
void die_running(const Folder& folder, const std::string& name) {
  Emulator emulator{{"msn", "--speed", "30"}};
  Process process{{program, "run", folder.write("coarse.yaml", coarse), "--json", "--device", emulator.uri, "--out",
                   folder / name}};
  for (int k = 0; k < 2; ++k) ASSERT_FALSE(process.line().empty());
  process.signal(SIGKILL);
  process.wait();
}

TEST(Recover, FinishesWhatADeadProgramLeft) {
  const Folder folder;
  die_running(folder, "a.nwb");
  const Finished recovered = run({program, "recover", folder / "a.nwb.part", "--json"});
  ASSERT_EQ(recovered.code, 0) << recovered.errors;
  const json told = document_of(recovered);
  EXPECT_EQ(told["file"], folder / "a.nwb");
  EXPECT_GE(told["steps"], 1);
  EXPECT_GT(told["spikes"], 0);
  EXPECT_EQ(told["holes"], 0);
  EXPECT_FALSE(std::filesystem::exists(folder / "a.nwb.part"));
  const Finished valid = run({program, "validate", folder / "a.nwb"});
  EXPECT_EQ(valid.code, 0) << valid.lines.front();
  const Finished again = run({program, "recover", folder / "a.nwb.part"});
  EXPECT_EQ(again.code, 2);
  EXPECT_NE(again.errors.find("no such file"), std::string::npos) << again.errors;
}

TEST(Recover, SaysOfItsPlanWhatAWholeRunSaysAndThatSomeCountsAreNotKnown) {
  const Folder folder;
  const std::string plan = folder.write("beta.yaml", R"(schema: thyrode.experiment/1
name: beta
plan: beta_n
current: [60 uA, 90 uA]
offset: 1 uA
targets: {ci_rel_beta: 40 %}
max_pairs: 4
dwell: {stop_when: {ci_rel_f: 5 %}, max: 5 s}
record: {trace: off}
)");
  {
    Emulator emulator{{"msn", "--speed", "30"}};
    Process process{{program, "run", plan, "--json", "--device", emulator.uri, "--out", folder / "a.nwb"}};
    for (int k = 0; k < 5; ++k) ASSERT_FALSE(process.line().empty());
    process.signal(SIGKILL);
    process.wait();
  }
  ASSERT_EQ(run({program, "recover", folder / "a.nwb.part"}).code, 0);
  const hid_t file = H5Fopen((folder / "a.nwb").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  EXPECT_GT(H5Lexists(file, "/processing/icephys/direct_beta", H5P_DEFAULT), 0);
  H5Fclose(file);
  const json shown = document_of(run({program, "show", folder / "a.nwb", "--json"}));
  ASSERT_FALSE(shown["direct_beta"].empty());
  EXPECT_TRUE(shown["integrity"]["late_decisions"].is_null());
  EXPECT_TRUE(shown["integrity"]["retransmits"].is_null());
  std::string text;
  for (const std::string& line : run({program, "show", folder / "a.nwb"}).lines) text += line + "\n";
  EXPECT_NE(text.find("unknown retransmits, unknown late decisions"), std::string::npos) << text;
}

TEST(Recover, IsDoneByTheNextRunInTheSameFolderWhichSaysSo) {
  const Folder folder;
  die_running(folder, "a.nwb");
  const Finished next = run({program, "run", folder / "coarse.yaml", "--json", "--out", folder / "b.nwb"});
  EXPECT_EQ(next.code, 0) << next.errors;
  EXPECT_NE(next.errors.find("a.nwb.part was left by a program that died, and is finished now"), std::string::npos)
      << next.errors;
  EXPECT_EQ(run({program, "validate", folder / "a.nwb"}).code, 0);
  const Finished third = run({program, "run", folder / "coarse.yaml", "--json", "--out", folder / "c.nwb"});
  EXPECT_EQ(third.code, 0);
  EXPECT_EQ(third.errors.find("left by"), std::string::npos) << third.errors;
}

TEST(Recover, LeavesARecordingAloneThatARunStillWrites) {
  const Folder folder;
  Emulator emulator{{"msn", "--speed", "3"}};
  Process process{{program, "run", folder.write("coarse.yaml", coarse), "--json", "--device", emulator.uri, "--out",
                   folder / "a.nwb"}};
  ASSERT_FALSE(process.line().empty());
  const Finished recovered = run({program, "recover", folder / "a.nwb.part"});
  EXPECT_EQ(recovered.code, 2);
  EXPECT_NE(recovered.errors.find("still being written"), std::string::npos) << recovered.errors;
  const Finished other = run({program, "run", folder / "coarse.yaml", "--json", "--out", folder / "b.nwb"});
  EXPECT_EQ(other.code, 0);
  EXPECT_EQ(other.errors.find("left by"), std::string::npos) << other.errors;
  EXPECT_TRUE(std::filesystem::exists(folder / "a.nwb.part"));
  process.signal(SIGINT);
  process.lines();
  EXPECT_EQ(process.wait(), 1) << process.errors();
}

TEST(Validate, FindsAStepThatSaysSomethingElseThanItsData) {
  const Folder folder;
  const Finished whole =
      run({program, "run", folder.write("coarse.yaml", coarse), "--json", "--out", folder / "a.nwb"});
  ASSERT_EQ(whole.code, 0) << whole.errors;
  const Finished good = run({program, "validate", folder / "a.nwb", "--json"});
  EXPECT_EQ(good.code, 0);
  EXPECT_EQ(document_of(good)["valid"], true);
  EXPECT_TRUE(document_of(good)["findings"].empty());
  {
    const hid_t file = H5Fopen((folder / "a.nwb").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t column = H5Dopen2(file, "/processing/icephys/steps/cv", H5P_DEFAULT);
    std::array<double, 6> cv{};
    ASSERT_GE(H5Dread(column, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, cv.data()), 0);
    cv[1] *= 1.0 + 1e-15;
    ASSERT_GE(H5Dwrite(column, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, cv.data()), 0);
    H5Dclose(column);
    H5Fclose(file);
  }
  const Finished bad = run({program, "validate", folder / "a.nwb", "--json"});
  EXPECT_EQ(bad.code, 1);
  const json document = document_of(bad);
  EXPECT_EQ(document["valid"], false);
  ASSERT_EQ(document["findings"].size(), 1U) << document;
  EXPECT_NE(document["findings"][0]["what"].get<std::string>().find("step 1: measured again"), std::string::npos);
  EXPECT_EQ(run({program, "validate", folder / "coarse.yaml"}).code, 2);
}

// ---------------------------------------------------------------- export

std::size_t column_of(const std::string& head, const std::string& name) {
  std::size_t k = 0;
  std::stringstream columns{head};
  for (std::string column; std::getline(columns, column, ','); ++k) {
    if (column == name) return k;
  }
  return std::string::npos;
}

std::string cell(const std::string& line, std::size_t column) {
  std::stringstream cells{line};
  std::string text;
  for (std::size_t k = 0; k <= column; ++k) std::getline(cells, text, ',');
  return text;
}

TEST(Export, LetsNoTextBeAFormulaAndNoNumberBeAText) {
  const Folder folder;
  const std::string plan = folder.write("parts.yaml", R"(schema: thyrode.experiment/1
name: parts
plan: sequence
parts:
  - {name: "-look", plan: list, current: [20 uA, 60 uA]}
dwell: {stop_when: {ci_rel_f: 5 %}, max: 2 s}
record: {trace: off}
)");
  const Finished whole = run({program, "run", plan, "--json", "--out", folder / "a.nwb"});
  ASSERT_EQ(whole.code, 0) << whole.errors;
  const Finished csv = run({program, "export", folder / "a.nwb", "--csv"});
  ASSERT_EQ(csv.lines.size(), 3U) << csv.errors;
  const std::size_t part = column_of(csv.lines.front(), "part");
  EXPECT_EQ(cell(csv.lines[1], part), "'-look");
  EXPECT_EQ(std::count(csv.lines[1].begin(), csv.lines[1].end(), '\''), 1) << csv.lines[1];
  const json document = document_of(run({program, "export", folder / "a.nwb", "--json"}));
  EXPECT_EQ(document["rows"][0]["part"], "-look");
}

TEST(Export, GivesTheStepTableAsCsvAndAsJson) {
  const Folder folder;
  const Finished whole =
      run({program, "run", folder.write("coarse.yaml", coarse), "--json", "--out", folder / "a.nwb"});
  ASSERT_EQ(whole.code, 0) << whole.errors;
  const json steps = json::parse(whole.lines.back())["steps"];
  const Finished csv = run({program, "export", folder / "a.nwb", "--csv"});
  ASSERT_EQ(csv.code, 0) << csv.errors;
  ASSERT_EQ(csv.lines.size(), 7U);
  const std::size_t frequency = column_of(csv.lines.front(), "frequency_hz");
  const std::size_t status = column_of(csv.lines.front(), "status");
  ASSERT_NE(frequency, std::string::npos) << csv.lines.front();
  const json document = document_of(run({program, "export", folder / "a.nwb", "--json"}));
  EXPECT_EQ(document["schema"], "thyrode.export/1");
  EXPECT_EQ(document["units"]["frequency_hz"], "hertz");
  for (std::size_t k = 0; k < 6; ++k) {
    EXPECT_EQ(std::stod(cell(csv.lines[k + 1], frequency)), steps[k]["frequency_hz"].get<double>());
    EXPECT_EQ(cell(csv.lines[k + 1], status), steps[k]["status"].get<std::string>());
    EXPECT_EQ(document["rows"][k]["frequency_hz"], steps[k]["frequency_hz"]);
    EXPECT_EQ(document["rows"][k]["beta_n_per_ua"], steps[k]["beta_n_per_ua"]) << "null where it is undefined";
  }
}

TEST(Export, GivesEveryTableAndSignalThatItLists) {
  const Folder folder;
  ASSERT_EQ(run({program, "run", folder.write("coarse.yaml", coarse), "--out", folder / "a.nwb"}).code, 0);
  const Finished list = run({program, "export", folder / "a.nwb", "--list"});
  for (const char* name : {"steps", "spikes_A", "trace_A", "I_cmd_A", "isi_histograms", "g_n", "sweeps"}) {
    EXPECT_NE(std::find(list.lines.begin(), list.lines.end(), name), list.lines.end()) << name;
  }
  for (const std::string& name : list.lines) {
    const Finished csv = run({program, "export", folder / "a.nwb", "--csv", "--table", name});
    ASSERT_EQ(csv.code, 0) << name << ": " << csv.errors;
    ASSERT_GE(csv.lines.size(), 2U) << name;
    const auto commas = [](const std::string& line) { return std::count(line.begin(), line.end(), ','); };
    EXPECT_EQ(commas(csv.lines.front()), commas(csv.lines.back())) << name;
  }
  const Finished trace = run({program, "export", folder / "a.nwb", "--csv", "--table", "trace_A"});
  EXPECT_EQ(trace.lines.front(), "time_s,v_out_mv");
  const double step = std::stod(cell(trace.lines[2], 0)) - std::stod(cell(trace.lines[1], 0));
  EXPECT_NEAR(step, 1.0 / 25000, 1e-9);
  const Finished none = run({program, "export", folder / "a.nwb", "--table", "spikes_Z"});
  EXPECT_EQ(none.code, 2);
  EXPECT_NE(none.errors.find("it has I_cmd_A"), std::string::npos) << none.errors;
}

// ---------------------------------------------------------------- watch

TEST(Watch, TellsEveryStepAndEndsWithTheRun) {
  const Folder folder;
  Emulator emulator{{"msn", "--speed", "30"}};
  Process process{{program, "run", folder.write("coarse.yaml", coarse), "--json", "--device", emulator.uri, "--out",
                   folder / "a.nwb"}};
  ASSERT_FALSE(process.line().empty());
  Process watch{{program, "watch", folder / "a.nwb.part", "--json"}};
  const json first = json::parse(watch.line());
  EXPECT_EQ(first["index"], 0);
  EXPECT_TRUE(std::filesystem::exists(folder / "a.nwb.part")) << "told while the run goes on";
  const std::vector<std::string> run_lines = process.lines();
  EXPECT_EQ(process.wait(), 0) << process.errors();
  const std::vector<std::string> lines = watch.lines();
  EXPECT_EQ(watch.wait(), 0) << watch.errors();
  ASSERT_EQ(lines.size(), 6U) << "five more steps and the document";
  for (std::size_t k = 0; k < 5; ++k) EXPECT_EQ(json::parse(lines[k])["index"], k + 1);
  EXPECT_EQ(json::parse(lines.back()), json::parse(run_lines.back()));
}

TEST(Watch, SaysThatTheProgramOfTheRunDied) {
  const Folder folder;
  die_running(folder, "a.nwb");
  const Finished watch = run({program, "watch", folder / "a.nwb"});
  EXPECT_EQ(watch.code, 1);
  EXPECT_NE(watch.errors.find("its program died"), std::string::npos) << watch.errors;
  EXPECT_GE(watch.lines.size(), 2U) << "head and the steps so far";
  EXPECT_EQ(run({program, "watch", folder / "none.nwb.part"}).code, 2);
}

}  // namespace
}  // namespace thyrode::test
