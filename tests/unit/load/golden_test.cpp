// The bad files of tests/data/yaml and their messages, word for word; and that every example is good.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <variant>

#include "daemon/experiment/load/checks.hpp"
#include "daemon/experiment/load/neuron_file.hpp"

namespace thyrode::load {
namespace {

namespace fs = std::filesystem;

// By its name, station-*, neuron-* or experiment-*.
std::string message_of(const fs::path& path) {
  const std::string name = path.filename().string();
  const std::string text = read_text_file(path.string()).value();
  const auto message = [](const auto& result) { return result ? std::string{"accepted"} : result.error().message; };
  if (name.starts_with("station-")) return message(parse_station(text, name));
  if (name.starts_with("neuron-")) return message(parse_neuron_file(text, name));
  const auto beside = [&](const std::string& file) { return read_text_file((path.parent_path() / file).string()); };
  return message(parse_experiment(text, name, beside));
}

// expected.txt: each line who refuses the file (schema: the JSON Schema too; program: it alone), then the message.
std::map<std::string, std::string> expected_messages() {
  std::map<std::string, std::string> messages;
  std::ifstream file("tests/data/yaml/expected.txt");
  for (std::string who, message; file >> who && std::getline(file >> std::ws, message);) {
    messages[message.substr(0, message.find(':'))] = message;
  }
  return messages;
}

TEST(BadFile, IsRefusedWithTheExpectedMessage) {
  const auto expected = expected_messages();
  ASSERT_GE(expected.size(), 140U);
  for (const auto& [name, message] : expected) {
    EXPECT_EQ(message_of(fs::path("tests/data/yaml") / name), message) << name;
  }
}

TEST(BadFile, HasAnExpectedMessage) {
  const auto expected = expected_messages();
  for (const auto& entry : fs::directory_iterator("tests/data/yaml")) {
    if (entry.path().extension() != ".yaml") continue;
    EXPECT_EQ(expected.count(entry.path().filename().string()), 1U) << entry.path();
  }
}

std::vector<std::string> examples(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

TEST(Example, BeginsWithACommentThatSaysWhatItShows) {
  for (const char* folder : {"experiments", "experiments/stations", "experiments/neurons"}) {
    for (const std::string& path : examples(folder)) {
      EXPECT_TRUE(read_text_file(path).value().starts_with("# ")) << path;
    }
  }
}

TEST(Example, ExperimentsRunOnTheDefaultStation) {
  const auto station = load_station("experiments/stations/emulated.yaml");
  ASSERT_TRUE(station.has_value()) << station.error().message;
  const auto paths = examples("experiments");
  EXPECT_GE(paths.size(), 11U);
  for (const std::string& path : paths) {
    const auto experiment = load_experiment(path);
    ASSERT_TRUE(experiment.has_value()) << experiment.error().message;
    const auto checked = check_against(*experiment, *station);
    EXPECT_TRUE(checked.has_value()) << checked.error().message;
    EXPECT_EQ(experiment->name, fs::path(path).stem().string());
  }
}

TEST(Example, ThereIsOneForEachPlan) {
  std::set<std::string> words;
  for (const std::string& path : examples("experiments")) {
    const auto experiment = load_experiment(path);
    ASSERT_TRUE(experiment.has_value()) << experiment.error().message;
    words.emplace(plan_word(experiment->plan));
  }
  EXPECT_EQ(words.size(), std::variant_size_v<Plan>);
}

TEST(Example, NeuronsAreRead) {
  const auto paths = examples("experiments/neurons");
  EXPECT_GE(paths.size(), 1U);
  for (const std::string& path : paths) {
    const auto neuron = load_neuron_file(path);
    ASSERT_TRUE(neuron.has_value()) << neuron.error().message;
    EXPECT_FALSE(neuron->parameters.empty());
  }
}

TEST(Example, ActivationBracketsOnsetAndEnd) {
  const auto experiment = load_experiment("experiments/msn-activation.yaml");
  ASSERT_TRUE(experiment.has_value());
  const auto* sweep = std::get_if<SweepPlan>(&experiment->plan);
  ASSERT_NE(sweep, nullptr);
  EXPECT_GE(sweep->currents.size(), 47U);
  EXPECT_EQ(sweep->order, Order::both);
  EXPECT_LT(sweep->currents.front(), 32.0_uA);
  EXPECT_GT(sweep->currents.back(), 130.0_uA);
}

}  // namespace
}  // namespace thyrode::load
