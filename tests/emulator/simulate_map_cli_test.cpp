// The maps of simulate and their pictures, as users of the command line meet them.
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/emulator/simulate_command.hpp"

namespace thyrode::test {
namespace {

using nlohmann::json;

const std::vector<std::string> small{"mbn",     "--map",    "I=30uA:120uA:19,tau_L=0.05ms:0.55ms:6",
                                     "--noise", "off",      "--duration",
                                     "0.3s",    "--settle", "0.2s"};

std::vector<std::string> with(std::vector<std::string> options, const std::vector<std::string>& more) {
  options.insert(options.end(), more.begin(), more.end());
  return simulate(options);
}

TEST(SimulateMap, ComputesAndShowsAPhaseDiagram) {
  const Folder folder;
  const Finished made = run(with(small, {"--out", folder / "map.h5", "--json"}));
  ASSERT_EQ(made.code, 0) << made.errors;
  ASSERT_EQ(made.lines.size(), 1U);
  const json summary = json::parse(made.lines.front());
  EXPECT_EQ(summary["schema"], "thyrode.map/2");
  EXPECT_EQ(summary["points"], 114);
  EXPECT_EQ(summary["computed"], 114);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"map.h5"}) << "nothing beside it";

  const Finished shown = run({program, "show", folder / "map.h5", "--json"});
  ASSERT_EQ(shown.code, 0) << shown.errors;
  const json map = json::parse(text_of(shown));
  EXPECT_EQ(map["axes"][0]["values"].front(), 30e-6) << "both ends are points";
  EXPECT_EQ(map["axes"][0]["values"].back(), 120e-6);
  EXPECT_EQ(map["axes"][1]["values"].back(), 0.55e-3);
  EXPECT_EQ(map["label"].size(), 6U);
  EXPECT_EQ(map["label"][0].size(), 19U);
  EXPECT_EQ(map["label"][0][0], "QH");    // 30 uA
  EXPECT_EQ(map["label"][0][6], "TS");    // 60 uA, 0.05 ms
  EXPECT_EQ(map["label"][3][6], "FS");    // 60 uA, 0.35 ms
  EXPECT_EQ(map["label"][3][2], "IB1");   // 40 uA, 0.35 ms
  EXPECT_EQ(map["label"][2][14], "IB2");  // 100 uA, 0.25 ms
  EXPECT_EQ(map["label"][2][18], "QD");   // 120 uA
  EXPECT_TRUE(map["latched"][2][18].get<bool>());
  EXPECT_TRUE(map["frequency_hz"][0][0].is_null());
  EXPECT_TRUE(map["neuron_yaml"].get<std::string>().starts_with("# The bursting neuron"));

  // A point of the map is what simulate says of it.
  const json alone = document_of({"mbn", "--set", "tau_L=0.35ms", "--current", "60uA", "--duration", "0.3s", "--settle",
                                  "0.2s", "--noise", "off", "--json"});
  EXPECT_EQ(map["n_spikes"][3][6], alone["n_spikes"]);
  EXPECT_EQ(map["frequency_hz"][3][6], alone["frequency_hz"]);

  const Finished picture = run({program, "show", folder / "map.h5"});
  ASSERT_EQ(picture.code, 0) << picture.errors;
  const std::string text = text_of(picture);
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << "no colours into a pipe";
  for (const char* word : {"I [uA]", "tau_L [ms]", "FS", "IB1", "IB2", "QD", "QH", "TS", "0.55 +", "114 of 114"}) {
    EXPECT_NE(text.find(word), std::string::npos) << word << "\n" << text;
  }
}

TEST(SimulateMap, SaysWhoseLabelItShowsAndWhatFailed) {
  const Folder folder;
  const auto map = [&](const std::string& name, const std::vector<std::string>& more) {
    std::vector<std::string> options{
        "two-msn-inhibitory", "--map", "I=40uA:50uA:3", "--out", folder / name, "--duration", "0.05s",
        "--settle",           "0s",    "--noise",       "off",   "--json"};
    options.insert(options.end(), more.begin(), more.end());
    return run(simulate(options));
  };
  const Finished first = map("a.h5", {});
  ASSERT_EQ(first.code, 0) << first.errors;
  EXPECT_EQ(json::parse(first.lines.front())["provenance"]["channel"], "A");
  const Finished second = map("b.h5", {"--channel", "B"});
  ASSERT_EQ(second.code, 0) << second.errors;
  EXPECT_EQ(json::parse(second.lines.front())["provenance"]["channel"], "B");
  EXPECT_NE(text_of(run({program, "show", folder / "b.h5"})).find(" channel B,"), std::string::npos);
  EXPECT_NE(map("a.h5", {"--channel", "B"}).errors.find("channel = A; asked for is B"), std::string::npos);
  EXPECT_NE(map("c.h5", {"--channel", "C"}).errors.find("--channel C: the neuron has A and B"), std::string::npos);
  EXPECT_NE(run(simulate({"msn", "--current", "45uA", "--duration", "1s", "--channel", "A"}))
                .errors.find("--channel: is that of a map"),
            std::string::npos);
  // A switch that opens above the voltage at which it fires chatters.
  const Finished chatters = run(simulate({"msn", "--map", "I=40uA:60uA:2,V_on=0.7V:0.9055V:2", "--out", folder / "d.h5",
                                          "--duration", "0.5s", "--noise", "off", "--json"}));
  ASSERT_EQ(chatters.code, 0) << chatters.errors;
  const json summary = json::parse(chatters.lines.front());
  EXPECT_EQ(summary["failed"], 2);
  const std::string why = summary["first_failure"];
  EXPECT_TRUE(why.starts_with("at I = 40 uA, V_on = 0.9055 V: stopped ")) << why;
  EXPECT_NE(chatters.errors.find("2 of 4 points could not be simulated; the first at I = 40 uA"), std::string::npos)
      << chatters.errors;
  EXPECT_NE(text_of(run({program, "show", folder / "d.h5"})).find(why), std::string::npos);
}

TEST(SimulateMap, GoesOnAfterAKill) {
  const Folder folder;
  const std::vector<std::string> large{
      "mbn", "--map", "I=30uA:120uA:41,tau_L=0.05ms:0.55ms:40", "--duration", "0.2s", "--settle", "0.1s"};
  const Finished whole = run(with(large, {"--out", folder / "whole.h5"}));
  ASSERT_EQ(whole.code, 0) << whole.errors;
  // Each line says what is in the file: after the second one, the first points are.
  std::string command = "exec";
  for (const std::string& word : with(large, {"--out", folder / "parts.h5", "--threads", "1"})) command += " " + word;
  Process killed{{"/bin/sh", "-c", command + " 2>&1"}};
  EXPECT_EQ(killed.line().substr(0, 2), "0 ");
  const std::string said = killed.line();
  killed.signal(SIGKILL);
  ASSERT_EQ(killed.wait(), 128 + SIGKILL);
  const std::int64_t promised = std::stoll(said);
  EXPECT_GT(promised, 0) << said;
  const Finished between = run({program, "show", folder / "parts.h5", "--json"});
  ASSERT_EQ(between.code, 0) << between.errors;
  const std::int64_t kept = json::parse(text_of(between))["computed"];
  EXPECT_GE(kept, promised);
  EXPECT_LT(kept, 1640);
  const Finished rest = run(with(large, {"--out", folder / "parts.h5"}));
  ASSERT_EQ(rest.code, 0) << rest.errors;
  EXPECT_TRUE(rest.errors.starts_with(std::to_string(kept) + " of 1640")) << rest.errors;
  const Finished difference = run({"/usr/bin/h5diff", folder / "whole.h5", folder / "parts.h5"});
  EXPECT_EQ(difference.code, 0) << text_of(difference);
  EXPECT_EQ(run(with(large, {"--out", folder / "parts.h5"})).code, 0) << "nothing is left to do, and that is no error";
}

TEST(SimulateMap, CanBeSeenWhileItIsComputedAndEndsInOrderWhenInterrupted) {
  const Folder folder;
  std::string command = "exec";
  for (const std::string& word :
       simulate({"mbn", "--map", "I=30uA:120uA:500,tau_L=0.05ms:0.55ms:100", "--out", folder / "a.h5"})) {
    command += " " + word;
  }
  Process interrupted{{"/bin/sh", "-c", command + " 2>&1"}};
  interrupted.line();
  interrupted.line();
  const Finished meanwhile = run({program, "show", folder / "a.h5"});
  EXPECT_EQ(meanwhile.code, 0) << "a map can be looked at while it is computed\n" << meanwhile.errors;
  EXPECT_NE(text_of(meanwhile).find("not computed yet"), std::string::npos);
  const Finished second =
      run(simulate({"mbn", "--map", "I=30uA:120uA:500,tau_L=0.05ms:0.55ms:100", "--out", folder / "a.h5"}));
  EXPECT_EQ(second.code, 2);
  EXPECT_NE(second.errors.find("another program is writing this map"), std::string::npos) << second.errors;
  interrupted.signal(SIGINT);
  const std::vector<std::string> rest = interrupted.lines();
  EXPECT_EQ(interrupted.wait(), 1);
  ASSERT_FALSE(rest.empty());
  EXPECT_NE(rest.back().find("the same command goes on"), std::string::npos) << rest.back();
  const Finished shown = run({program, "show", folder / "a.h5"});
  EXPECT_EQ(shown.code, 0);
  EXPECT_NE(text_of(shown).find("not computed yet"), std::string::npos);
}

TEST(SimulateMap, RefusesToMixTwoMaps) {
  const Folder folder;
  const std::string out = folder / "map.h5";
  const auto map = [&](const std::string& axes, const std::vector<std::string>& more) {
    std::vector<std::string> options{"msn",   "--map",    axes,    "--out",   out,  "--duration",
                                     "0.05s", "--settle", "0.01s", "--noise", "off"};
    options.insert(options.end(), more.begin(), more.end());
    return run(simulate(options));
  };
  ASSERT_EQ(map("I=30uA:60uA:4", {}).code, 0);
  const std::vector<std::tuple<std::string, std::vector<std::string>, std::string>> cases = {
      {"I=30uA:60uA:5", {}, "another grid: it has I = 30 to 60 uA in 4 points; asked for is I = 30 to 60 uA in 5"},
      {"I=30uA:61uA:4", {}, "another grid"},
      {"I=30uA:60uA:4", {"--set", "R_L=50Ohm"}, "set = (none); asked for is R_L=50Ohm"},
      {"I=30uA:60uA:4", {"--seed", "2"}, "seed = 1; asked for is 2"},
  };
  for (const auto& [axes, more, says] : cases) {
    const Finished refused = map(axes, more);
    EXPECT_EQ(refused.code, 2) << says;
    EXPECT_NE(refused.errors.find(says), std::string::npos) << says << "\n" << refused.errors;
  }
  EXPECT_EQ(map("I=0.03mA:60uA:4", {}).code, 0) << "the same grid in other units is the same grid";
  const Finished other = run(simulate({"msn-fast", "--map", "I=30uA:60uA:4", "--out", out, "--duration", "0.05s",
                                       "--settle", "0.01s", "--noise", "off"}));
  EXPECT_EQ(other.code, 2);
  EXPECT_NE(other.errors.find("neuron = msn; asked for is msn-fast"), std::string::npos) << other.errors;
}

TEST(SimulateMap, RefusesAxesThatMakeNoGrid) {
  const Folder folder;
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--map", "I"}, "--map I: must be NAME=FROM:TO:POINTS"},
      {{"--map", "I=30uA:60uA"}, "must be NAME=FROM:TO:POINTS"},
      {{"--map", "I=30uA:60uA:0"}, "'0' must be a whole number of points from 2"},
      {{"--map", "I=30uA:60uA:1"}, "'1' must be a whole number of points from 2"},
      {{"--map", "I=30uA:60uA:2.5"}, "'2.5' must be a whole number"},
      {{"--map", "I=30uA:60uA:x"}, "'x' must be a whole number"},
      {{"--map", "I=30uA:30uA:5"}, "begins and ends at the same value"},
      {{"--map", "I=30:60uA:5"}, "'30' must be a value in A"},
      {{"--map", "I=30mV:60uA:5"}, "'30mV' must be a value in A"},
      {{"--map", "J=30uA:60uA:5"}, "--map J=30uA:60uA:5: model thyristor has no such parameter"},
      {{"--map", "I=30uA:60uA:5,I=30uA:60uA:6"}, "the axes I and I are the same parameter"},
      {{"--map", "R_L=1kOhm:2kOhm:5,tau_L=1ms:2ms:6"}, "the axes R_L and tau_L are the same parameter"},
      {{"--map", "I=30uA:60uA:5,R_L=1kOhm:2kOhm:5,C_m=1uF:2uF:2"}, "3 axes are given"},
      {{"--map", "I=30uA:60uA:3000,R_L=1kOhm:2kOhm:3000"}, "9000000 points; at most 4000000"},
      {{"--map", "I=30uA:60uA:5,R_L=-1kOhm:2kOhm:4"}, "at R_L = -1 kOhm: R_L is -1000 Ohm, must be above 0"},
      {{"--map", "I=30uA:60uA:5,V_th=0.5V:1V:3"}, "at V_th = 0.5 V: "},
      {{"--map", "R_L=1kOhm:2kOhm:4"}, "no axis is the current I; give --current"},
      {{"--map", "I=30uA:60uA:5", "--current", "50uA"}, "both say the current"},
      {{"--map", "I=30uA:60uA:5", "--ramp", "50uA:60uA"}, "--ramp and --map"},
      {{"--map", "I=30uA:60uA:5", "--csv", "spikes"}, "--csv and --map"},
      {{"--map", "I=30uA:60uA:5", "--rate", "1kS/s"}, "--rate and --map"},
      {{"--map", "I=30uA:60uA:5,R_L=1kOhm:2kOhm:4", "--set", "R_L=3kOhm"},
       "--set R_L=3kOhm and the axis R_L: both set R_L"},
      {{"--map", "I=30uA:60uA:5,R_L=1kOhm:2kOhm:4", "--set", "tau_L=3ms"},
       "--set tau_L=3ms and the axis R_L: tau_L follows from R_L"},
      {{"--map", "I=30uA:60uA:5", "--duration", "0s"}, "--duration: above 0 s"},
      {{"--map", ""}, ""},
  };
  for (const auto& [options, says] : cases) {
    const Finished refused = run(with({"msn", "--out", folder / "a.h5"}, options));
    EXPECT_EQ(refused.code, 2) << says;
    EXPECT_NE(refused.errors.find(says), std::string::npos) << says << "\n" << refused.errors;
  }
  EXPECT_TRUE(folder.names().empty());
  EXPECT_NE(run(simulate({"msn", "--map", "I=30uA:60uA:5"})).errors.find("--map needs --out"), std::string::npos);
  EXPECT_EQ(run(simulate({"msn", "--map", "I=30uA:60uA:5", "--out", folder / "none/a.h5"})).code, 2);
  const std::string text = folder.write("text.h5", "not a map");
  EXPECT_EQ(run(simulate({"msn", "--map", "I=30uA:60uA:5", "--out", text})).code, 2);
}

TEST(SimulateMap, IsToldFromARecordingByWhateverOpensOne) {
  const Folder folder;
  const std::string map = folder / "a.h5";
  ASSERT_EQ(run(simulate({"msn", "--map", "I=30uA:60uA:3", "--out", map})).code, 0);
  const std::vector<std::vector<std::string>> verbs{{"validate"}, {"watch"},  {"analyze"},
                                                    {"export"},   {"report"}, {"run", "--resume"}};
  for (const std::vector<std::string>& verb : verbs) {
    std::vector<std::string> words{program};
    words.insert(words.end(), verb.begin(), verb.end());
    words.push_back(map);
    const Finished refused = run(words);
    EXPECT_EQ(refused.code, 2) << verb.front();
    EXPECT_NE(refused.errors.find("is a map of `thyrode simulate --map`"), std::string::npos) << refused.errors;
    EXPECT_NE(refused.errors.find("`thyrode show` draws a map"), std::string::npos) << refused.errors;
  }
}

TEST(SimulateMap, MapsASingleAxisOfAnyParameter) {
  const Folder folder;
  const Finished made = run(simulate({"mbn", "--map", "tau_L=0.1ms:0.5ms:9", "--current", "60uA", "--out",
                                      folder / "a.h5", "--noise", "off", "--duration", "0.3s", "--settle", "0.1s"}));
  ASSERT_EQ(made.code, 0) << made.errors;
  const json map = json::parse(text_of(run({program, "show", folder / "a.h5", "--json"})));
  EXPECT_EQ(map["label"].size(), 9U);
  EXPECT_EQ(map["label"].front(), "TS");
  EXPECT_EQ(map["label"].back(), "FS");
  EXPECT_NE(text_of(run({program, "show", folder / "a.h5"})).find("rate [Hz]"), std::string::npos);
}

}  // namespace
}  // namespace thyrode::test
