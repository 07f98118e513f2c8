// simulate, as users of the command line meet them.
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

}  // namespace
}  // namespace thyrode::test
