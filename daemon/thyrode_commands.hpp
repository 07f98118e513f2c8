// The verbs of the command line: what each is given, and the exit code it gives back.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/analysis/train_statistics.hpp"
#include "daemon/experiment/load/experiment.hpp"
#include "daemon/experiment/load/station.hpp"
#include "drivers/device.hpp"
#include "drivers/result.hpp"
#include "firmware/boards/native/native_instrument.hpp"
#include "firmware/neurons/neuron.hpp"

namespace thyrode::program {

inline constexpr const char* version = "0.1.0";

/// A file of experiments/ that the program carries inside itself.
struct EmbeddedFile {
  std::string_view path;  ///< "neurons/msn.yaml", "stations/emulated.yaml", "msn-activation.yaml"
  std::string_view text;
};
/// All of them (made by the build from experiments/).
std::vector<EmbeddedFile> embedded_files();
/// Text of one, or empty.
std::string_view embedded_file(std::string_view path);

/// Exit code of an error (interfaces: 1 run failed, 2 usage or bad input file, 3 device, 4 safety trip, 5 data gap).
int exit_code(const Error& error);
/// Prints "thyrode: message" to standard error and gives the exit code.
int report(const Error& error);

/// Where a circuit's truth is written, for the emulated instrument.
struct SimulatorOptions {
  std::uint64_t seed = 1;
  bool noise = true;
  std::optional<std::uint64_t> spread;  ///< see make_named_neuron
  std::string truth_path;               ///< empty: none
  double speed = 0.0;                   ///< device seconds per second of wall clock; 0 as fast as possible
  std::uint32_t link_rate = 0;
};

/// A neuron by its name (carried inside) or by the path of its file.
/// Errors: bad_input (unknown name, with those there are; a file error with its place).
/// @param spread  seed of a device drawn from the scatter that the file tells; empty: the nominal device
Result<std::unique_ptr<neurons::Neuron>> make_named_neuron(const std::string& name, std::uint64_t seed, bool noise,
                                                           std::optional<std::uint64_t> spread = {});

/// Writer of the side file: every change of the true current and every event of the circuit, as CSV.
/// @param path  empty gives an empty function
/// Errors: bad_input (the file cannot be made).
Result<std::function<void(const native::Truth&)>> open_truth(const std::string& path);

/// The recording that a device URI `replay:FILE` names; empty for any other.
std::optional<std::string> replayed_path(const std::string& uri);

/// Opens any device URI; `sim:` builds the emulated instrument here, `replay:` serves a recording.
Result<std::unique_ptr<Device>> open_device(const std::string& uri, const SimulatorOptions& options);

/// The seed of a run that names none.
inline constexpr std::uint64_t first_seed = 1;

struct RunOptions {
  bool built_in = false;  ///< the experiment carried inside, not a file
  std::string experiment_path;
  std::string station_path;           ///< empty: the emulated station carried inside
  std::string device;                 ///< empty: the station's
  std::string out;                    ///< empty: runs/NAME-DATE.nwb
  std::optional<std::uint64_t> seed;  ///< of the emulated instrument in this process; empty: first_seed
  bool noise = true;
  std::optional<std::uint64_t> spread;  ///< see make_named_neuron
  bool real_time = false;
  bool json = false;
  bool report = false;               ///< a page beside the recording when the run has ended
  std::vector<std::string> answers;  ///< to the questions of the plan, in order; the last one answers all after it
  std::string rerun;                 ///< recording whose run is repeated from its beginning, as it tells
  std::string resume;                ///< recording whose run goes on; experiment and station are then its own
  std::optional<std::string> recorded_calibration;  ///< of the recording that is gone on from or repeated
  std::string calibration;                          ///< see CalibrationChoice
  double calibration_days = 365.0;                  ///< a calibration older than this is told
  std::string command_line;
};
int run(const RunOptions& options);
int demo(RunOptions options);
int plan(const RunOptions& options);

struct ReplayOptions {
  std::string path;
  std::string out;    ///< the new recording; empty: none is kept
  bool json = false;  ///< one document on standard output
  std::string command_line;
};
/// Runs the whole host on a recording and compares what it says with what the file says. Exit code 0 where all numbers
/// are equal.
int replay(const ReplayOptions& options);

int show(const std::string& path, bool json);

struct ReportOptions {
  std::string path;
  std::string out;    ///< file of the page; empty: beside the recording, NAME.html
  bool json = false;  ///< what the page shows, as one document on standard output; no page
};
/// The page of a recording.
int report_file(const ReportOptions& options);
/// Writes the page of a recording. Errors: bad_input (as read_run); run_failed (the page cannot be written).
Result<void> write_report(const std::string& path, const std::string& out);
/// Where a page goes unless it is said: NAME.html for NAME.nwb and NAME.nwb.part.
std::string report_path(const std::string& path);

struct RecoverOptions {
  std::string path;
  bool keep = false;
  bool json = false;
};
int recover(const RecoverOptions& options);
/// Exit code 1 where something is wrong with the recording.
int validate(const std::string& path, bool json);
struct ExportOptions {
  std::string path;
  std::string table = "steps";
  bool json = false;  ///< else CSV
  bool list = false;  ///< the names of the tables
};
int export_file(const ExportOptions& options);
/// Follows a recording while it is written, until it is finished. Exit code 1 where its program died.
int watch(const std::string& path, bool json);

struct AnalyzeOptions {
  std::string path;
  std::string from;          ///< begin of the observation; empty: the first spike of each train
  std::string until;         ///< its end; empty: the last spike of each train
  std::string settle;        ///< time after the begin whose spikes are left out; empty: none
  std::string window;        ///< of lags; empty: 10 mean intervals
  std::string threshold;     ///< longer intervals are gaps between bursts; empty: found in the intervals
  std::string max_interval;  ///< "start,go on,gap,duration,spikes" of analysis::MaxInterval; empty: not looked for
  bool json = false;
};
int analyze(const AnalyzeOptions& options);
/// analyze, for a recording: each of its steps measured again, and whether it says what was recorded.
int analyze_recording(const AnalyzeOptions& options, const analysis::TrainSettings& settings);
struct FigureOptions {
  std::vector<std::string> paths;   ///< figure files
  std::string out = "figures-out";  ///< folder; each figure has one of its own in it
  bool json = false;
};
int figure(const FigureOptions& options);
int scan(bool json);
int clear(const std::string& uri, const std::string& reason);

struct EmulateOptions {
  std::string neuron = "msn";
  std::string board = "native";  ///< or nucleo_f446re: its flash image on the emulated chip
  std::string image;             ///< of the flash; empty: where ./dev firmware leaves it
  std::string speed = "1";
  std::optional<std::uint16_t> tcp;
  std::uint64_t seed = 1;
  bool noise = true;
  std::optional<std::uint64_t> spread;  ///< see make_named_neuron
  std::string truth_path;
};
int emulate(const EmulateOptions& options);

/// The longest duration and settling time of a simulation.
inline constexpr Duration longest_simulation = Duration::from_si(1e6);

struct SimulateOptions {
  std::string neuron;
  std::vector<std::string> current;  ///< one for all channels, or one for each
  std::vector<std::string> ramp;     ///< "30uA:60uA", as `current`
  std::string duration;              ///< empty: 1 s for a map, else missing
  std::string settle;                ///< empty: 0.5 s for a map, else 0 s
  std::vector<std::string> set;      ///< "tau_L=0.3ms"
  std::string csv;                   ///< "", "spikes" or "trace"
  std::string rate;                  ///< of `csv` trace; empty: 25 kS/s
  std::string map;                   ///< "I=30uA:120uA:120,tau_L=0.01ms:0.6ms:120"; empty: no map
  std::string out;                   ///< file of the map
  std::string channel;               ///< whose pattern the map shows, "A" or "B"; empty: A
  int threads = 0;                   ///< of the map; 0: all cores
  std::uint64_t seed = 1;
  bool noise = true;
  std::optional<std::uint64_t> spread;  ///< see make_named_neuron
  bool json = false;
};
int simulate(const SimulateOptions& options);
/// The map of simulate --map.
int simulate_map(const SimulateOptions& options);
/// show, for the file of a map.
int show_map(const std::string& path, bool json);

}  // namespace thyrode::program
