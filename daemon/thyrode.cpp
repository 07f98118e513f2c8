// thyrode, the command line: a shell around the rooms.

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "daemon/experiment/load/words.hpp"
#include "daemon/thyrode_calibration.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_help.hpp"

namespace {

using namespace thyrode;
using namespace thyrode::program::help;

/// A whole number of 64 bits, without a sign.
std::string seed_error(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool good = error == std::errc{} && end == text.data() + text.size();
  return good ? std::string{} : "'" + text + "' is not a whole number from 0 to 18446744073709551615";
}

std::string not_empty(const std::string& text) {
  return text.empty() ? "must not be empty" : "";
}

void add_noise(CLI::App* verb, bool& noise) {
  verb->add_option_function<std::string>(
          "--noise", [&noise](const std::string& word) { noise = word == "on"; },
          "noise of the emulated neuron and front end: on or off (off leaves quantisation only)")
      ->check(CLI::IsMember({"on", "off"}).description(""))
      ->type_name("on|off");
}

void add_spread(CLI::App* verb, std::optional<std::uint64_t>& spread) {
  verb->add_option(
          "--spread", spread,
          "draw the neuron's parts from the scatter its file tells, with this seed (default: the file's values)")
      ->check(seed_error)
      ->type_name("N");
}

void add_run_options(CLI::App* verb, program::RunOptions& options) {
  verb->add_option("--out", options.out, "file to write (default: runs/NAME-DATE.nwb)")
      ->check(not_empty)
      ->type_name("FILE");
  verb->add_option("--seed", options.seed,
                   "seed of everything random in the emulated instrument of this process (default 1)")
      ->check(seed_error)
      ->type_name("N");
  verb->add_flag("--json", options.json,
                 "JSON lines on standard output: one a finished step, as it is known then; the document with the final "
                 "values last");
  verb->add_flag("--report", options.report, "also write the page of the run, NAME.html beside the file");
  verb->add_flag("--real-time", options.real_time,
                 "run the emulated instrument of this process at the pace of a bench");
  add_noise(verb, options.noise);
  add_spread(verb, options.spread);
}

void add_where(CLI::App* verb, program::RunOptions& options) {
  verb->add_option("EXPERIMENT", options.experiment_path, "experiment file (YAML)")->required()->type_name("FILE");
  verb->add_option("--device", options.device,
                   "device URI (default: the station's): sim:NEURON, replay:FILE, serial:/dev/ttyACM0, "
                   "usb:serial=..., pty:/dev/pts/N, tcp://HOST:PORT")
      ->check(not_empty)
      ->type_name("URI");
  verb->add_option("--station", options.station_path, "station file (default: the emulated station)")
      ->check(not_empty)
      ->type_name("FILE");
}

void add_rerun_options(CLI::App* verb, program::RunOptions& options) {
  verb->add_option("FILE", options.rerun, "recording (.nwb)")->required()->check(not_empty)->type_name("");
  verb->add_option("--device", options.device, "device URI (default: that of the recording)")
      ->check(not_empty)
      ->type_name("URI");
  verb->add_option("--out", options.out, "file to write (default: NAME-2.nwb)")->check(not_empty)->type_name("FILE");
  verb->add_option("--seed", options.seed,
                   "seed of the emulated instrument of this process (default: that of the recording)")
      ->check(seed_error)
      ->type_name("N");
  verb->add_option("--answer", options.answers, "answers to the questions of the plan, in place of those recorded")
      ->allow_extra_args(false)
      ->type_name("TEXT");
  verb->add_flag("--json", options.json, "JSON lines on standard output, as of run");
  verb->add_flag("--report", options.report, "also write the page of the run, NAME.html beside the file");
  verb->add_flag("--real-time", options.real_time,
                 "run the emulated instrument of this process at the pace of a bench");
}

/// What is wrong with the first word, or empty: a verb that is none is told as such, with the one that was meant.
std::string wrong_verb(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> verbs;
  for (const CLI::App* verb : app.get_subcommands(nullptr)) verbs.push_back(verb->get_name());
  if (argc < 2) return "a verb is needed: " + load::list_of_words(verbs, " or ") + "; `thyrode --help` tells more";
  if (argv[1][0] == '-') return {};
  const std::string word = argv[1];
  if (std::find(verbs.begin(), verbs.end(), word) != verbs.end()) return {};
  const std::string near = load::nearest(word, verbs);
  return "'" + load::shortened(word) + "' is no verb" +
         (near.empty() ? ": there are " : "; did you mean '" + near + "'? There are ") + load::list_of_words(verbs);
}

/// The verb that was given, for the head of a message.
std::string title(const CLI::App& app) {
  const auto given = app.get_subcommands();
  return given.empty() ? "thyrode" : "thyrode " + given.front()->get_name();
}

int dispatch(int argc, char** argv) {
  CLI::App app{about, "thyrode"};
  app.require_subcommand(1);
  app.footer(exit_codes);
  app.set_version_flag("--version", std::string{"thyrode "} + program::version, "print the version and exit");
  app.set_help_flag("-h,--help", "print this text and exit");
  int code = 0;

  program::RunOptions run_options;
  for (int k = 0; k < argc; ++k) run_options.command_line += (k > 0 ? " " : "") + std::string{argv[k]};
  program::RunOptions demo_options = run_options;
  program::RunOptions plan_options = run_options;
  program::RunOptions rerun_options = run_options;

  CLI::App* demo = app.add_subcommand("demo", "measure the activation function of the emulated neuron, up and down");
  add_run_options(demo, demo_options);
  demo->footer(std::string{demo_text} + "\n" + keys);
  demo->callback([&] { code = program::demo(demo_options); });

  CLI::App* run = app.add_subcommand("run", "carry an experiment out: live table, file, summary");
  add_where(run, run_options);
  add_run_options(run, run_options);
  run->get_option("EXPERIMENT")->required(false);
  run->add_option("--resume", run_options.resume,
                  "go on with the run of this recording (NAME.nwb or NAME.nwb.part) instead of an experiment: what it "
                  "has measured is kept, the rest goes into NAME-2.nwb")
      ->check(not_empty)
      ->excludes("EXPERIMENT")
      ->excludes("--station")
      ->type_name("FILE");
  run->add_option("--answer", run_options.answers,
                  "answers to the questions of the plan, in order, where nobody sits at a terminal: yes, no, or a "
                  "value with its unit; the last one answers all that come after it")
      ->allow_extra_args(false)
      ->type_name("TEXT");
  run->add_option("--calibration", run_options.calibration,
                  "a file of `thyrode calibrate`, stored (that of the serial number), or none (default: stored; of "
                  "sim: none)")
      ->check(not_empty)
      ->type_name("FILE|stored|none");
  run->add_option("--calibration-days", run_options.calibration_days, "an older calibration is told (default 365)")
      ->check(CLI::PositiveNumber.description(""))
      ->type_name("N");
  run->footer(std::string{keys} + "\n" + run_examples);
  run->callback([&] {
    if (run_options.experiment_path.empty() && run_options.resume.empty()) throw CLI::RequiredError("EXPERIMENT");
    code = program::run(run_options);
  });

  program::ReplayOptions replay_options;
  replay_options.command_line = plan_options.command_line;
  CLI::App* replay = app.add_subcommand("replay", "run the host on a recording again, and compare every number");
  replay->add_option("FILE", replay_options.path, "recording (.nwb)")->required()->type_name("");
  replay->add_option("--out", replay_options.out, "keep the new recording (default: none is kept)")
      ->check(not_empty)
      ->type_name("FILE");
  replay->add_flag("--json", replay_options.json, "one JSON document on standard output");
  replay->footer(replay_text);
  replay->callback([&] { code = program::replay(replay_options); });

  CLI::App* rerun = app.add_subcommand("rerun", "repeat the experiment of a recording, into a new file");
  add_rerun_options(rerun, rerun_options);
  rerun->footer(std::string{rerun_text} + "\n\n" + keys);
  rerun->callback([&] { code = program::run(rerun_options); });

  CLI::App* plan = app.add_subcommand("plan", "dry run: points, bench time, bytes, largest current; arms nothing");
  add_where(plan, plan_options);
  plan->footer(plan_text);
  plan->add_flag("--json", plan_options.json, "one JSON document on standard output");
  plan->callback([&] { code = program::plan(plan_options); });

  std::string file;
  bool json = false;
  CLI::App* show = app.add_subcommand("show", "the result of a recording as text, or the picture of a map");
  show->add_option("FILE", file, "recording (.nwb, or .nwb.part while it is written)")->required()->type_name("");
  show->footer(show_text);
  show->add_flag("--json", json, "one JSON document on standard output");
  show->callback([&] { code = program::show(file, json); });

  program::ReportOptions report_options;
  CLI::App* report = app.add_subcommand("report", "the page of a recording: one HTML file that needs nothing else");
  report->add_option("FILE", report_options.path, "recording (.nwb, or .nwb.part while it is written)")
      ->required()
      ->type_name("");
  report->add_option("--out", report_options.out, "page to write (default: NAME.html beside the recording)")
      ->check(not_empty)
      ->type_name("FILE");
  report->add_flag("--json", report_options.json, "what the page shows, as one JSON document on standard output");
  report->footer(report_text);
  report->callback([&] { code = program::report_file(report_options); });

  CLI::App* watch = app.add_subcommand("watch", "follow a run as it is written, from its file");
  watch->add_option("FILE", file, "recording (.nwb.part, or the .nwb that it becomes)")->required()->type_name("");
  watch->add_flag("--json", json,
                  "JSON lines: one a step, as it is known then; the document with the final values last");
  watch->footer(watch_text);
  watch->callback([&] { code = program::watch(file, json); });

  program::ExportOptions export_options;
  bool csv = false;
  CLI::App* exported = app.add_subcommand("export", "tables and signals of a recording, as CSV or JSON");
  exported->add_option("FILE", export_options.path, "recording (.nwb, or .nwb.part)")->required()->type_name("");
  exported->add_flag("--csv", csv, "comma separated values with a head (default)");
  exported->add_flag("--json", export_options.json, "one JSON document")->excludes("--csv");
  exported->add_option("--table", export_options.table, "what to export (default: steps)")
      ->check(not_empty)
      ->type_name("NAME");
  exported->add_flag("--list", export_options.list, "the names that --table takes for this file");
  exported->footer(export_text);
  exported->callback([&] { code = program::export_file(export_options); });

  program::RecoverOptions recover_options;
  CLI::App* recover = app.add_subcommand("recover", "finish a recording whose program died");
  recover->add_option("FILE", recover_options.path, "unfinished recording (.nwb.part)")->required()->type_name("");
  recover->add_flag("--keep", recover_options.keep, "leave the unfinished recording where it is");
  recover->add_flag("--json", recover_options.json, "one JSON document on standard output");
  recover->footer(recover_text);
  recover->callback([&] { code = program::recover(recover_options); });

  CLI::App* validate = app.add_subcommand("validate", "check a recording against what must be true of each");
  validate->add_option("FILE", file, "recording (.nwb, or .nwb.part)")->required()->type_name("");
  validate->add_flag("--json", json, "one JSON document on standard output");
  validate->footer(validate_text);
  validate->callback([&] { code = program::validate(file, json); });

  program::AnalyzeOptions analyze_options;
  CLI::App* analyze = app.add_subcommand("analyze", "everything that is said of a train: recordings and lists");
  analyze->add_option("FILE", analyze_options.path, "recording (.nwb, .part), or spike times as text (CSV)")
      ->required()
      ->type_name("");
  analyze->add_option("--from", analyze_options.from, "begin of the observation (default: the first spike)")
      ->type_name("TIME");
  analyze->add_option("--until", analyze_options.until, "end of the observation (default: the last spike)")
      ->type_name("TIME");
  analyze->add_option("--settle", analyze_options.settle, "time after the begin whose spikes are left out")
      ->type_name("TIME");
  analyze->add_option("--window", analyze_options.window, "lags of g_n, in 200 bins (default: 10 mean intervals)")
      ->type_name("TIME");
  analyze->add_option("--threshold", analyze_options.threshold, "longer intervals are gaps (default: found)")
      ->type_name("TIME");
  analyze->add_option("--max-interval", analyze_options.max_interval, "also bursts by fixed intervals, of a list")
      ->type_name("START,GO_ON,GAP,DURATION,SPIKES");
  analyze->add_flag("--json", analyze_options.json, "one JSON document on standard output");
  analyze->footer(analyze_text);
  analyze->callback([&] { code = program::analyze(analyze_options); });

  program::FigureOptions figure_options;
  CLI::App* figure = app.add_subcommand("figure", "figures of the literature, measured and compared");
  figure->add_option("FILE", figure_options.paths, "figure files (YAML)")->required()->type_name("");
  figure->add_option("--out", figure_options.out, "folder of the recordings and documents (default: figures-out)")
      ->check(not_empty)
      ->type_name("DIR");
  figure->add_flag("--json", figure_options.json, "one JSON document on standard output");
  figure->footer(figure_text);
  figure->callback([&] { code = program::figure(figure_options); });

  CLI::App* scan = app.add_subcommand("scan", "serial ports of this machine, and the instruments behind them");
  scan->add_flag("--json", json, "one JSON document on standard output");
  scan->callback([&] { code = program::scan(json); });

  program::add_calibrate(app, code);
  program::add_doctor(app, code);

  std::string uri;
  std::string reason;
  CLI::App* clear = app.add_subcommand("clear", "end a latched fault of a device, named by its reason");
  clear->add_option("REASON", reason, "estop, lease_expired, compliance, readback ...")->required()->type_name("");
  clear->add_option("--device", uri, "device URI")->required()->type_name("URI");
  clear->footer(clear_text);
  clear->callback([&] { code = program::clear(uri, reason); });

  program::EmulateOptions emulate_options;
  CLI::App* emulate =
      app.add_subcommand("emulate", "the emulated instrument for other programs; prints its device URI");
  emulate->add_option("NEURON", emulate_options.neuron, "name or file of the neuron (default msn)")->type_name("");
  emulate->footer(emulate_text);
  emulate
      ->add_option("--board", emulate_options.board,
                   "board: native (default), or nucleo_f446re, whose flash image runs on the emulated chip")
      ->check(CLI::IsMember({"native", "nucleo_f446re"}).description(""))
      ->type_name("NAME");
  emulate->add_option("--image", emulate_options.image, "flash image (.bin; default: that of ./dev firmware)")
      ->check(not_empty)
      ->type_name("FILE");
  emulate->add_option("--speed", emulate_options.speed, "device seconds per second: a factor, or max (default 1)")
      ->type_name("FACTOR|max");
  emulate
      ->add_option("--tcp", emulate_options.tcp,
                   "serve a TCP port on 127.0.0.1 (0: any free one), not a pseudo terminal")
      ->check(CLI::Range(0, 65535).description(""))
      ->type_name("PORT");
  emulate->add_option("--seed", emulate_options.seed, "seed of everything random (default 1)")
      ->check(seed_error)
      ->type_name("N");
  emulate->add_option("--truth", emulate_options.truth_path, "side file with the true currents and events (CSV)")
      ->check(not_empty)
      ->type_name("FILE");
  add_noise(emulate, emulate_options.noise);
  add_spread(emulate, emulate_options.spread);
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
  simulate->add_option("--channel", simulate_options.channel, "whose pattern the map shows: A or B (default A)");
  simulate->add_option("--threads", simulate_options.threads, "threads of the map (default: all cores)")
      ->check(CLI::Range(1, 1024));
  simulate->add_option("--seed", simulate_options.seed, "seed of the noise (default 1)")->check(seed_error);
  simulate->add_option("--csv", simulate_options.csv, "spikes or trace as CSV on standard output")
      ->check(CLI::IsMember({"spikes", "trace"}));
  simulate->add_option("--rate", simulate_options.rate, "samples a second of --csv trace (default 25 kS/s)");
  simulate->add_flag("--json", simulate_options.json, "one JSON document on standard output");
  add_noise(simulate, simulate_options.noise);
  add_spread(simulate, simulate_options.spread);
  simulate->footer(simulate_text);
  simulate->callback([&] { code = program::simulate(simulate_options); });

  for (CLI::App* verb : app.get_subcommands(nullptr)) verb->set_help_flag("-h,--help", "print this text and exit");
  if (const std::string wrong = wrong_verb(app, argc, argv); !wrong.empty()) {
    std::fprintf(stderr, "thyrode: %s\n", wrong.c_str());
    return 2;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version are no errors; everything else is a usage error.
    if (error.get_exit_code() == 0) return app.exit(error);
    const std::string asked = title(app);
    std::fprintf(stderr, "%s: %s; `%s --help` tells more\n", asked.c_str(), error.what(), asked.c_str());
    return 2;
  }
  return code;
}

}  // namespace

// A closed standard stream would give its number to the next file that is opened, and text would go into a recording.
// Nothing can be read from or written to what takes its place, so that a lost output is told as one.
static void keep_standard_descriptors() {
  for (int taken = open("/dev/null", O_RDONLY | O_CLOEXEC); taken >= 0;
       taken = open("/dev/null", O_RDONLY | O_CLOEXEC)) {
    if (taken > 2) {
      close(taken);
      return;
    }
  }
}

int main(int argc, char** argv) {
  keep_standard_descriptors();
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
