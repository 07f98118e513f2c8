// What `--help` says of each verb, below its options.
#pragma once

namespace thyrode::program::help {

inline constexpr const char* about =
    "thyrode measures neurons made of electronics: it drives a current into a circuit, finds the spikes, and works "
    "out\n"
    "rate, interval histogram and compressibility while it measures. Begin with `thyrode demo`; it needs no "
    "instrument.";

inline constexpr const char* exit_codes =
    "Exit codes: 0 done; 1 the run failed or was stopped, what was measured is in the file; 2 usage or a bad input\n"
    "file; 3 device; 4 safety trip, the current is zero; 5 data were lost on the way.\n"
    "`thyrode VERB --help` tells more of each verb.";

inline constexpr const char* keys =
    "Keys: on a terminal Ctrl-C pauses: the current goes to zero, and you are asked whether to go on, with the step\n"
    "under way measured anew. A second Ctrl-C ends the run: the file is closed. A third cuts the current and latches\n"
    "the device. Without a terminal there is no pause: the first Ctrl-C ends the run. Ctrl-Z pauses and goes on. ";

inline constexpr const char* run_examples =
    "The table goes to standard output, the running step and the progress bar to standard error if that is a "
    "terminal.\n"
    "Files: NAME.nwb, NAME.nwb.part until the end; of the emulated instrument also NAME.truth.csv, the true "
    "currents.\n\n"
    "Examples:\n"
    "  thyrode run first.yaml --device sim:msn\n"
    "  thyrode run first.yaml --station bench.yaml --out runs/monday.nwb\n"
    "  thyrode run first.yaml --device pty:/dev/pts/7 --json | jq .frequency_hz";

inline constexpr const char* demo_text =
    "The emulated neuron with its published values, 106 steps of current from below the onset to beyond the upper end\n"
    "and back, some eleven minutes of bench time in seconds. The file is an NWB file; `thyrode show` tells of it "
    "again.";

inline constexpr const char* replay_text =
    "The file is the instrument: what the host asks is compared with what was asked then, and the stream of the "
    "device\n"
    "comes again, gaps and faults included. Every value of the tables is compared, none is rounded. The exit code is "
    "1\n"
    "where one differs. Results that are not in the file any more are printed. `run EXPERIMENT --device replay:FILE`\n"
    "asks a recording something else; what was never measured is refused as not_in_recording.\n\n"
    "Examples:\n"
    "  thyrode replay runs/monday.nwb\n"
    "  thyrode replay runs/monday.nwb --out again.nwb --json | jq .differences";

inline constexpr const char* rerun_text =
    "Experiment, station, seed, device and the answers of the operator are those of the file; pauses and an early end\n"
    "are not repeated. The new file is NAME-2.nwb, or the next number that is free. The emulated instrument gives the\n"
    "same table of steps again.\n\n"
    "Examples:\n"
    "  thyrode rerun runs/monday.nwb\n"
    "  thyrode rerun runs/monday.nwb --device serial:/dev/ttyACM0 --out runs/tuesday.nwb";

inline constexpr const char* plan_text =
    "Reads experiment and station, checks every value against station and device, and drives no current. A bench time\n"
    "is the longest; a step ends earlier when its rate is known. `plan` refuses a trace that the link cannot carry.\n"
    "A device given with --device is asked what it is, and `plan` fails when it does not answer; one that only the\n"
    "station names is not opened, and the plan is that of a reference board at the end of such a link.\n\n"
    "Examples:\n"
    "  thyrode plan first.yaml\n"
    "  thyrode plan first.yaml --device serial:/dev/ttyACM0";

inline constexpr const char* show_text =
    "Recordings (NAME.nwb) as their table, also while the run goes on (NAME.nwb.part) and after its program died: "
    "then\n"
    "the steps so far and the one under way. Maps (.h5) as a picture, complete or not.\n\n"
    "Examples:\n"
    "  thyrode show map.h5\n"
    "  thyrode show runs/monday.nwb\n"
    "  thyrode show runs/monday.nwb --json | jq '.steps[].beta_n_per_ua'";

inline constexpr const char* report_text =
    "The page works offline in any browser of the last years, on a screen and on paper. A page that is there already\n"
    "is replaced.\n\n"
    "Examples:\n"
    "  thyrode report runs/monday.nwb\n"
    "  thyrode report runs/monday.nwb --out /tmp/monday.html";

inline constexpr const char* watch_text =
    "Reads the file alone, so that it can be on any machine that sees it and never disturbs the run. New steps are\n"
    "printed when they are in the file, which is at most 250 ms after they ended; on a terminal also the step under\n"
    "way. It ends with the run. The exit code is 1 where the program that wrote the file died.\n\n"
    "Example:\n"
    "  thyrode watch runs/monday.nwb.part";

inline constexpr const char* export_text =
    "Steps, one a row, unless --table names another: spikes_A, isi_histograms, g_n, beta_n, bursts, transitions, "
    "levels_A,\n"
    "applied_current_A, marks, faults, invalid_times ..., or a signal: trace_A, I_cmd_A, I_read_A. Units are the ends "
    "of\n"
    "the names, and in JSON under `units`. What is undefined is empty in CSV and null in JSON. In CSV an\n"
    "apostrophe stands before a text that a spreadsheet would take for a formula.\n\n"
    "Examples:\n"
    "  thyrode export runs/monday.nwb --csv > steps.csv\n"
    "  thyrode export runs/monday.nwb --csv --table spikes_A\n"
    "  thyrode export runs/monday.nwb --json --table g_n | jq '.rows[].g_0'";

inline constexpr const char* recover_text =
    "A recording is NAME.nwb.part until its run has ended. Where the program was killed, this finishes it: NAME.nwb\n"
    "has all that was flushed, all but the newest 250 ms. Nothing is promised where the machine lost its power. It\n"
    "works on a copy, which needs as much room again, and removes NAME.nwb.part at the end. `thyrode run` does the\n"
    "same with what it finds in the folder of its own recording, if it was made on this computer. What a run left\n"
    "that died before it could record, a file of no bytes, is removed. The run itself goes on with\n"
    "`thyrode run --resume NAME.nwb`.\n\n"
    "Example:\n"
    "  thyrode recover runs/monday.nwb.part";

inline constexpr const char* validate_text =
    "Tables of equal length, references within what they refer to, times that rise, every missing value in a gap\n"
    "that is listed, every value of a signal that of a whole number of codes, spike times and sweeps as the device\n"
    "told them; and each step, measured again as `thyrode analyze` does, says what was recorded. The exit code is 1\n"
    "where something is wrong.\n\n"
    "Example:\n"
    "  thyrode validate runs/monday.nwb";

inline constexpr const char* analyze_text =
    "Of a recording every step is measured again from its spikes and levels, and compared with what was recorded.\n"
    "Of a list, one time per line in seconds, in the order of time: a header time_ms, time_us or time_ns tells\n"
    "another unit, and a second column the train of each spike. `thyrode simulate --csv spikes` prints such a list.\n"
    "Times alone do not tell IB1 from IB2 (`bursting`) nor FS from TS; `list_ended` is a rate as precise as the list\n"
    "allows. A list of nothing but a header is a silent one; say with --from and --until what was observed.\n"
    "--max-interval finds bursts by fixed numbers beside, to compare with other programs: they begin with an interval\n"
    "of at most START, go on over at most GO_ON, are joined across less than GAP, and have a least length and size.\n\n"
    "Examples:\n"
    "  thyrode analyze runs/monday.nwb\n"
    "  thyrode analyze spikes.csv\n"
    "  thyrode analyze spikes.csv --settle 100ms --window 50ms --json | jq '.trains[].cv'\n"
    "  thyrode analyze spikes.csv --max-interval 4ms,5ms,6ms,2ms,3";

inline constexpr const char* figure_text =
    "Carries out the experiments of each file on the emulated instrument in virtual time and prints what the paper "
    "shows\n"
    "beside what was measured. Recordings and result documents go into a folder for each figure inside --out; those "
    "of an\n"
    "earlier run of the same figure are replaced. The exit code is 1 where a check does not pass.\n\n"
    "Examples:\n"
    "  thyrode figure experiments/figures/fig3b.yaml\n"
    "  thyrode figure experiments/figures/*.yaml --out /tmp/gallery --json | jq '.figures[].checks[]'";

inline constexpr const char* simulate_text =
    "A map needs one axis or two, and its file; Ctrl-C ends it, the same command goes on with it, `thyrode show` draws "
    "it.\n\n"
    "Examples:\n"
    "  thyrode simulate msn --current 45.3uA --duration 2s\n"
    "  thyrode simulate mbn --ramp 60uA:30uA --set tau_L=0.3ms --duration 5s --csv trace --rate 10kS/s\n"
    "  thyrode simulate mbn --map I=30uA:120uA:60,tau_L=0.01ms:0.6ms:40 --out map.h5";

inline constexpr const char* emulate_text =
    "The first line of the output is the URI to give to `thyrode run --device`. The instrument serves one client "
    "after\n"
    "the other until Ctrl-C. Its time is virtual: it never runs past what the client has granted, so a run gives the\n"
    "same table of steps at any speed.\n\n"
    "Examples:\n"
    "  thyrode emulate msn\n"
    "  thyrode emulate my-neuron.yaml --tcp 7001 --speed max --truth truth.csv";

inline constexpr const char* clear_text =
    "A device that latched a fault holds its current at zero until the fault is named. `thyrode run` tells the "
    "name.\n\n"
    "Example:\n"
    "  thyrode clear --device pty:/dev/pts/7 estop";

}  // namespace thyrode::program::help
