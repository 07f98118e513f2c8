// thyrode, the command line: a shell around the rooms.

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>

#include "daemon/thyrode_commands.hpp"

namespace {

using namespace thyrode;

/// A whole number of 64 bits, without a sign.
std::string seed_error(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool good = error == std::errc{} && end == text.data() + text.size();
  return good ? std::string{} : "'" + text + "' is not a whole number from 0 to 18446744073709551615";
}

void add_noise(CLI::App* verb, bool& noise) {
  verb->add_option_function<std::string>(
          "--noise", [&noise](const std::string& word) { noise = word == "on"; },
          "noise of the emulated neuron and front end: on or off (off leaves quantisation only)")
      ->check(CLI::IsMember({"on", "off"}));
}

void add_run_options(CLI::App* verb, program::RunOptions& options) {
  verb->add_option("--out", options.out, "file to write (default: runs/NAME-DATE.nwb)");
  verb->add_option("--seed", options.seed, "seed of everything random (default 1)")->check(seed_error);
  verb->add_flag("--json", options.json, "JSON lines on standard output: one a finished step, the document last");
  verb->add_flag("--real-time", options.real_time, "run the emulated instrument at the pace of the wall clock");
  add_noise(verb, options.noise);
}

void add_where(CLI::App* verb, program::RunOptions& options) {
  verb->add_option("EXPERIMENT", options.experiment_path, "experiment file (YAML)")->required();
  verb->add_option("--device", options.device,
                   "device URI (default: the station's): sim:NEURON, serial:/dev/ttyACM0, "
                   "usb:serial=..., pty:/dev/pts/N, tcp://HOST:PORT");
  verb->add_option("--station", options.station_path, "station file (default: the emulated station)");
}

int dispatch(int argc, char** argv) {
  CLI::App app{"thyrode: the controller for spiking electronic neurons"};
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string{"thyrode "} + program::version);
  int code = 0;

  program::RunOptions run_options;
  for (int k = 0; k < argc; ++k) run_options.command_line += (k > 0 ? " " : "") + std::string{argv[k]};
  program::RunOptions demo_options = run_options;
  program::RunOptions plan_options = run_options;

  CLI::App* demo = app.add_subcommand("demo", "measure the activation function of the emulated neuron, up and down");
  add_run_options(demo, demo_options);
  demo->callback([&] { code = program::demo(demo_options); });

  CLI::App* run = app.add_subcommand("run", "carry an experiment out: live table, file, summary");
  add_where(run, run_options);
  add_run_options(run, run_options);
  run->callback([&] { code = program::run(run_options); });

  CLI::App* plan = app.add_subcommand("plan", "dry run: points, bench time, bytes, largest current; arms nothing");
  add_where(plan, plan_options);
  plan->add_flag("--json", plan_options.json, "one JSON document on standard output");
  plan->callback([&] { code = program::plan(plan_options); });

  std::string file;
  bool json = false;
  CLI::App* show = app.add_subcommand("show", "the result of a recording as text");
  show->add_option("FILE", file, "recording (.nwb, or .nwb.part while it is written)")->required();
  show->add_flag("--json", json, "one JSON document on standard output");
  show->callback([&] { code = program::show(file, json); });

  CLI::App* scan = app.add_subcommand("scan", "serial ports of this machine, and the instruments behind them");
  scan->add_flag("--json", json, "one JSON document on standard output");
  scan->callback([&] { code = program::scan(json); });

  std::string uri;
  std::string reason;
  CLI::App* clear = app.add_subcommand("clear", "end a latched fault of a device, named by its reason");
  clear->add_option("REASON", reason, "estop, lease_expired, compliance, readback ...")->required();
  clear->add_option("--device", uri, "device URI")->required();
  clear->callback([&] { code = program::clear(uri, reason); });

  program::EmulateOptions emulate_options;
  CLI::App* emulate =
      app.add_subcommand("emulate", "the emulated instrument for other programs; prints its device URI");
  emulate->add_option("NEURON", emulate_options.neuron, "name or file of the neuron (default msn)");
  emulate->add_option("--board", emulate_options.board, "board (native)")->check(CLI::IsMember({"native"}));
  emulate->add_option("--speed", emulate_options.speed, "device seconds per second: a factor, or max (default 1)");
  emulate->add_option("--tcp", emulate_options.tcp,
                      "serve a TCP port on 127.0.0.1 (0: any free one), not a pseudo terminal");
  emulate->add_option("--seed", emulate_options.seed, "seed of everything random (default 1)")->check(seed_error);
  emulate->add_option("--truth", emulate_options.truth_path, "side file with the true currents and events (CSV)");
  add_noise(emulate, emulate_options.noise);
  emulate->callback([&] { code = program::emulate(emulate_options); });

  program::SimulateOptions simulate_options;
  CLI::App* simulate = app.add_subcommand("simulate", "a neuron alone, without an instrument");
  simulate->add_option("NEURON", simulate_options.neuron, "name or file of the neuron")->required();
  simulate
      ->add_option("--current", simulate_options.current,
                   "constant current, for example 45.3uA; twice for a neuron of two channels")
      ->allow_extra_args(false);
  simulate->add_option("--ramp", simulate_options.ramp, "current from A to B over the duration: 30uA:60uA")
      ->allow_extra_args(false);
  simulate->add_option("--duration", simulate_options.duration, "time watched, for example 2s (of a map: 1 s)");
  simulate->add_option("--settle", simulate_options.settle,
                       "time before it, whose spikes are left out (default 0 s; of a map 0.5 s)");
  simulate->add_option("--set", simulate_options.set, "a parameter in place of the file's: tau_L=0.3ms; repeatable")
      ->allow_extra_args(false);
  simulate->add_option("--map", simulate_options.map,
                       "a map over one or two axes, I or parameters, both ends included: "
                       "I=30uA:120uA:120,tau_L=0.01ms:0.6ms:120");
  simulate->add_option("--out", simulate_options.out, "file of the map; one that is there is gone on with");
  simulate->add_option("--threads", simulate_options.threads, "threads of the map (default: all cores)")
      ->check(CLI::Range(1, 1024));
  simulate->add_option("--seed", simulate_options.seed, "seed of the noise (default 1)")->check(seed_error);
  simulate->add_option("--csv", simulate_options.csv, "spikes or trace as CSV on standard output")
      ->check(CLI::IsMember({"spikes", "trace"}));
  simulate->add_option("--rate", simulate_options.rate, "samples a second of --csv trace (default 25 kS/s)");
  simulate->add_flag("--json", simulate_options.json, "one JSON document on standard output");
  add_noise(simulate, simulate_options.noise);
  simulate->callback([&] { code = program::simulate(simulate_options); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version are no errors; everything else is a usage error.
    return app.exit(error) == 0 ? 0 : 2;
  }
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = dispatch(argc, argv);
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
    std::fprintf(stderr, "thyrode: standard output could not be written\n");
    return code != 0 ? code : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "thyrode: internal error: %s\n", error.what());
    return 1;
  }
}
