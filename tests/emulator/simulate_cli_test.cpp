// simulate, its maps and their pictures, as users of the command line meet them.
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

#include "tests/emulator/process.hpp"

namespace thyrode::test {
namespace {

using nlohmann::json;

const std::string program = THYRODE_PROGRAM;

std::vector<std::string> simulate(std::vector<std::string> options) {
  options.insert(options.begin(), {program, "simulate"});
  return options;
}

json document_of(const std::vector<std::string>& options) {
  const Finished done = run(simulate(options));
  EXPECT_EQ(done.code, 0) << done.errors;
  EXPECT_EQ(done.lines.size(), 1U);
  return done.lines.empty() ? json{} : json::parse(done.lines.front());
}

std::string text_of(const Finished& finished) {
  std::string text;
  for (const std::string& line : finished.lines) text += line + "\n";
  return text;
}

TEST(SimulateCommand, TellsPatternAndTruthOfASpikingNeuron) {
  const json d = document_of({"mbn", "--current", "97uA", "--set", "R_L=2.8kOhm", "--duration", "1.5s", "--settle",
                              "0.5s", "--noise", "off", "--json"});
  EXPECT_EQ(d["label"], "IB2");
  EXPECT_NEAR(d["event_frequency_hz"].get<double>(), 1.0 / 0.0847, 0.02 / 0.0847);
  EXPECT_NEAR(d["spikes_per_burst"].get<double>(), 74.0, 1.5);
  EXPECT_EQ(d["spike_times_s"].size(), d["n_spikes"].get<std::size_t>());
  EXPECT_GT(d["spike_times_s"].front().get<double>(), 0.5) << "seconds from the start, not from the window";
  EXPECT_LE(d["spike_times_s"].back().get<double>(), 2.0);
  const json& truth = d["truth"];
  EXPECT_FALSE(truth["latched"].get<bool>());
  EXPECT_EQ(truth["modes"].front()["t_s"], 0.5);
  std::set<std::string> modes;
  for (const json& change : truth["modes"]) modes.insert(change["mode"].get<std::string>());
  EXPECT_EQ(modes, (std::set<std::string>{"open", "fresh", "settled"}));
  EXPECT_EQ(truth["mode"], truth["modes"].back()["mode"]);
}

TEST(SimulateCommand, TellsALatchedNeuronFromASilentOne) {
  const json high =
      document_of({"msn", "--current", "135uA", "--duration", "1s", "--settle", "0.5s", "--noise", "off", "--json"});
  EXPECT_EQ(high["label"], "QD");
  EXPECT_TRUE(high["truth"]["latched"].get<bool>());
  EXPECT_TRUE(high["event_frequency_hz"].is_null());
  const json low = document_of({"msn", "--current", "20uA", "--duration", "1s", "--noise", "off", "--json"});
  EXPECT_EQ(low["label"], "QH");
  EXPECT_FALSE(low["truth"]["latched"].get<bool>());
  EXPECT_EQ(low["n_spikes"], 0);
}

TEST(SimulateCommand, TakesTheLoadAsTimeOrAsResistance) {
  const auto times = [](std::vector<std::string> options) -> std::vector<double> {
    for (const char* word : {"--current", "60uA", "--duration", "0.2s", "--noise", "off", "--json"}) {
      options.emplace_back(word);
    }
    return document_of(options)["spike_times_s"];
  };
  // A product of decimal numbers is not always the nearest number to the product: hence not the same to the last bit.
  const auto furthest = [](const std::vector<double>& a, const std::vector<double>& b) {
    if (a.size() != b.size()) return 1.0;
    double distance = 0.0;
    for (std::size_t k = 0; k < a.size(); ++k) distance = std::max(distance, std::abs(a[k] - b[k]));
    return distance;
  };
  const std::vector<double> by_time = times({"--set", "tau_L=0.4ms", "mbn"});
  EXPECT_GT(by_time.size(), 100U);
  EXPECT_LT(furthest(by_time, times({"--set", "R_L=4kOhm", "mbn"})), 1e-9);
  EXPECT_GT(furthest(by_time, times({"--set", "R_L=3kOhm", "mbn"})), 1e-6);
  const auto as_resistance = times({"msn", "--set", "R_L=3kOhm", "--set", "C_L=0.2uF"});
  EXPECT_LT(furthest(as_resistance, times({"msn", "--set", "C_L=0.2uF", "--set", "tau_L=0.6ms"})), 1e-9);
  EXPECT_LT(furthest(as_resistance, times({"msn", "--set", "tau_L=0.6ms", "--set", "C_L=0.2uF"})), 1e-9);
}

TEST(SimulateCommand, SetsTheNoise) {
  const auto cv = [](const std::vector<std::string>& more) {
    std::vector<std::string> options{"msn", "--current", "45.3uA", "--duration", "20s", "--json"};
    options.insert(options.end(), more.begin(), more.end());
    return document_of(options)["cv"].get<double>();
  };
  EXPECT_LT(cv({"--noise", "off"}), 1e-6);
  const double usual = cv({});
  EXPECT_GT(usual, 0.01);
  EXPECT_GT(cv({"--set", "noise.deviation=4uA"}), 2.0 * usual);
  EXPECT_LT(cv({"--set", "noise.deviation=0A"}), 1e-6);
}

TEST(SimulateCommand, DrawsDevicesThatNobodyTuned) {
  const auto device = [](const std::string& seed, const std::vector<std::string>& more = {}) {
    std::vector<std::string> options{"msn",     "--current", "60uA",   "--duration", "1s",
                                     "--noise", "off",       "--json", "--spread",   seed};
    options.insert(options.end(), more.begin(), more.end());
    return document_of(options);
  };
  const json one = device("1");
  EXPECT_EQ(one, device("1"));
  EXPECT_NE(one["parameters"]["V_th"], device("2")["parameters"]["V_th"]);
  EXPECT_NE(one["spike_times_s"], device("2")["spike_times_s"]);
  const json set = device("1", {"--set", "tau_L=0.1ms"});
  EXPECT_EQ(set["parameters"]["tau_L"], 0.1e-3) << "what is set is not drawn";
  EXPECT_FALSE(set["parameters"].contains("R_L"));
  EXPECT_EQ(set["parameters"]["V_th"], one["parameters"]["V_th"]) << "and does not change the rest";
  const Finished none = run(simulate({"butera", "--current", "1uA", "--duration", "1s", "--spread", "1"}));
  EXPECT_EQ(none.code, 2);
  EXPECT_NE(none.errors.find("--spread 1: butera.yaml does not say how its parameters scatter"), std::string::npos)
      << none.errors;
  EXPECT_EQ(run(simulate({"msn", "--current", "1uA", "--duration", "1s", "--spread", "-1"})).code, 2);
}

TEST(SimulateCommand, RampsTheCurrentOverTheDuration) {
  const json d =
      document_of({"msn", "--ramp", "25uA:60uA", "--duration", "5s", "--settle", "1s", "--noise", "off", "--json"});
  EXPECT_NEAR(d["current_ua"].get<double>(), 25.0, 1e-9);
  EXPECT_NEAR(d["ramp_to_ua"].get<double>(), 60.0, 1e-9);
  EXPECT_TRUE(d["label"].is_null()) << "a ramp has no one pattern";
  const std::vector<double> t = d["spike_times_s"];
  ASSERT_GT(t.size(), 10U);
  EXPECT_GT(t.front(), 2.0) << "32.1 uA are reached 1 s after the ramp began";
  EXPECT_LT(t.back() - t[t.size() - 2], 0.055) << "near 60 uA";
}

TEST(SimulateCommand, GivesEachChannelOfTwoNeuronsItsOwnPlace) {
  const json d =
      document_of({"two-msn-inhibitory", "--current", "45.3uA", "--duration", "6s", "--noise", "off", "--json"});
  ASSERT_EQ(d["channels"].size(), 2U);
  EXPECT_EQ(d["channels"][0]["channel"], "A");
  EXPECT_EQ(d["channels"][1]["channel"], "B");
  const json single = document_of({"msn", "--current", "45.3uA", "--duration", "1s", "--noise", "off", "--json"});
  for (const auto& [key, value] : single.items()) {
    if (key == "neuron") continue;
    EXPECT_TRUE(d["channels"][1].contains(key)) << key;
  }
  EXPECT_NEAR(d["phase"]["final"].get<double>(), 0.5, 0.01);
  EXPECT_GT(std::abs(d["phase"]["series"].front()["phase"].get<double>() - 0.5), 0.3) << "and it did not start there";
  const json apart = document_of({"two-msn-inhibitory", "--current", "45.3uA", "--current", "20uA", "--duration", "2s",
                                  "--noise", "off", "--json"});
  EXPECT_GT(apart["channels"][0]["n_spikes"], 10);
  EXPECT_EQ(apart["channels"][1]["n_spikes"], 0);
  const Finished trace = run(simulate(
      {"two-msn-inhibitory", "--current", "45.3uA", "--duration", "0.01s", "--csv", "trace", "--rate", "1 kS/s"}));
  ASSERT_EQ(trace.lines.size(), 11U);
  EXPECT_EQ(trace.lines.front(), "time_s,v_m_a_v,v_out_a_v,v_m_b_v,v_out_b_v");
}

TEST(SimulateCommand, WritesSpikesAndTraceAsTables) {
  const Finished spikes =
      run(simulate({"msn", "--current", "60uA", "--duration", "1s", "--noise", "off", "--csv", "spikes"}));
  EXPECT_EQ(spikes.lines.front(), "spike_time_s");
  EXPECT_NEAR(double(spikes.lines.size()), 21.0, 1.0);
  const Finished trace = run(simulate(
      {"msn", "--current", "60uA", "--duration", "0.1s", "--settle", "1s", "--csv", "trace", "--rate", "1 kS/s"}));
  ASSERT_EQ(trace.lines.size(), 101U);
  EXPECT_EQ(trace.lines[0], "time_s,v_m_v,v_out_v");
  EXPECT_TRUE(trace.lines[1].starts_with("1.000000000,")) << trace.lines[1];
}

TEST(SimulateCommand, NamesTheOptionThatIsWrong) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--set", "R_X=3kOhm"}, "--set R_X=3kOhm: model thyristor has no such parameter; did you mean"},
      {{"--set", "R_L=3V"}, "--set R_L=3V: '3V' is a voltage, not a resistance"},
      {{"--set", "R_L=3"}, "--set R_L=3: "},
      {{"--set", "R_L"}, "--set R_L: "},
      {{"--set", "C_m=-10uF"}, "--set C_m=-10uF: C_m is -1e-05 F, must be above 0 F"},
      {{"--set", "tau_L=-1ms"}, "--set tau_L=-1ms: "},
      {{"--set", "V_th=0.5V"}, "(with --set V_th=0.5V)"},
      {{"--set", "noise.colour=3uA"}, "noise has no 'colour'"},
      {{"--set", "noise.deviation=3V"}, "--set noise.deviation=3V: '3V' is a voltage, not a current"},
      {{"--ramp", "30uA:60uA"}, "both say the current"},
      {{"--current", "50uA"}, "2 currents are given, the neuron has 1 channel"},
      {{"--out", "a.h5"}, "it needs --map"},
      {{"--json", "--csv", "spikes"}, "choose one"},
      {{"--set", "tau_L=0.3ms", "--set", "R_L=3kOhm"}, "--set tau_L=0.3ms and --set R_L=3kOhm: R_L follows from tau_L"},
      {{"--set", "R_L=3kOhm", "--set", "C_m=9uF", "--set", "R_L=3kOhm"}, "R_L=3kOhm and --set R_L=3kOhm: both set R_L"},
      {{"--set", "noise.deviation=1uA", "--set", "noise.deviation=2uA"}, "both set noise.deviation"},
      {{"--csv", "spikes", "--rate", "10kS/s"}, "--rate: is that of --csv trace"},
      {{"--rate", "10kS/s"}, "--rate: is that of --csv trace"},
      {{"--csv", "trace", "--rate", "0S/s"}, "--rate 0S/s: must be above 0"},
  };
  for (const auto& [options, says] : cases) {
    std::vector<std::string> all{"msn", "--current", "45uA", "--duration", "1s"};
    all.insert(all.end(), options.begin(), options.end());
    const Finished refused = run(simulate(all));
    EXPECT_EQ(refused.code, 2) << says;
    EXPECT_NE(refused.errors.find(says), std::string::npos) << says << "\n" << refused.errors;
    EXPECT_TRUE(refused.lines.empty());
  }
  EXPECT_NE(run(simulate({"msn", "--current", "45uA"})).errors.find("--duration is missing"), std::string::npos);
  EXPECT_NE(run(simulate({"msn", "--duration", "1s"})).errors.find("--current is missing"), std::string::npos);
  EXPECT_NE(run(simulate({"msn", "--duration", "1s", "--ramp", "30uA"})).errors.find("must be two currents"),
            std::string::npos);
}

TEST(SimulateCommand, TellsThePatternInWordsAndThePhaseOfTwo) {
  const auto text = [](const std::vector<std::string>& options) { return text_of(run(simulate(options))); };
  const std::string bursts = text(
      {"mbn", "--current", "97uA", "--set", "R_L=2.8kOhm", "--duration", "1.5s", "--settle", "0.5s", "--noise", "off"});
  EXPECT_NE(bursts.find(" Hz, bursts between plateaus (IB2), 11.81 bursts/s of 74 spikes\n"), std::string::npos)
      << bursts;
  EXPECT_NE(text({"msn", "--current", "45.3uA", "--duration", "1s", "--noise", "off"}).find(" Hz, tonic (TS)\n"),
            std::string::npos);
  EXPECT_NE(text({"msn", "--current", "20uA", "--duration", "1s", "--noise", "off"})
                .find(" 0 spikes in 1 s, quiescent, switch open (QH)\n"),
            std::string::npos);
  EXPECT_NE(text({"two-msn-inhibitory", "--current", "45.3uA", "--duration", "6s", "--noise", "off"})
                .find("phase of B in the cycle of A, at the end: 0.50"),
            std::string::npos);
  const std::string single =
      text({"butera", "--current", "100uA", "--duration", "20s", "--settle", "2s", "--noise", "off"});
  EXPECT_EQ(single.find("bursts"), std::string::npos) << "a few short intervals make no bursts: " << single;
}

TEST(SimulateCommand, ShowsOnATerminalHowFarALongOneIs) {
  int terminal = -1;
  const pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
  ASSERT_GE(child, 0);
  if (child == 0) {
    execl(program.c_str(), program.c_str(), "simulate", "mbn", "--current", "60uA", "--duration", "1000000s",
          static_cast<char*>(nullptr));
    _exit(127);
  }
  std::string shown;
  std::array<char, 256> buffer;
  for (ssize_t got = 1; got > 0 && shown.find(" s left") == std::string::npos;) {
    got = read(terminal, buffer.data(), buffer.size());
    if (got > 0) shown.append(buffer.data(), static_cast<std::size_t>(got));
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(terminal);
  EXPECT_NE(shown.find("simulated "), std::string::npos) << shown;
}

TEST(SimulateCommand, HelpsWithExamplesThatRun) {
  const std::string help = text_of(run({program, "simulate", "--help"}));
  const Folder folder;
  int examples = 0;
  std::istringstream lines{help.substr(help.find("Examples:"))};
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  thyrode ")) continue;
    ++examples;
    std::istringstream words{line};
    std::vector<std::string> command{std::istream_iterator<std::string>{words}, {}};
    command.front() = program;
    if (line.find("--map") != std::string::npos) command.insert(command.end(), {"--duration", "1ms", "--settle", "0s"});
    const Finished done = run(command, folder / ".");
    EXPECT_EQ(done.code, 0) << line << "\n" << done.errors;
    EXPECT_FALSE(done.lines.empty()) << line;
  }
  EXPECT_EQ(examples, 3);
  const std::string show = text_of(run({program, "show", "--help"}));
  for (const char* kind : {".nwb", ".nwb.part", ".h5"}) EXPECT_NE(show.find(kind), std::string::npos) << kind;
}

// ---------------------------------------------------------------- maps

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
