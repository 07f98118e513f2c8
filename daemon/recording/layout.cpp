#include "daemon/recording/layout.hpp"

#include <algorithm>

#include "daemon/recording/step_table.hpp"

namespace thyrode::recording::layout {
namespace {

std::string in_module(const std::string& name) {
  return std::string{module} + "/" + name;
}

constexpr std::array<const char*, protocol::signal_count> signal_names{"V_out", "V_m", "I_read"};
constexpr std::array<const char*, protocol::signal_count> lower_names{"v_out", "v_m", "i_read"};

}  // namespace

std::string experiment_file(std::size_t number) {
  return "/scratch/experiment_file_" + std::to_string(number);
}

std::string channel_settings(const std::string& label) {
  return std::string{provenance} + "/channel_" + label;
}
std::string electrode(const std::string& label) {
  return std::string{electrodes} + "/electrode_" + label;
}
std::string trace(const std::string& label) {
  return "/acquisition/V_out_" + label;
}
std::string read_back(const std::string& label) {
  return "/acquisition/I_read_" + label;
}
std::string command(const std::string& label) {
  return "/stimulus/presentation/I_cmd_" + label;
}
std::string level_series(std::size_t signal, const std::string& label) {
  return in_module(std::string{signal_names[signal]} + "_levels_" + label);
}

std::vector<double> isi_upper_edges() {
  std::vector<double> edges;
  for (int k = 1; k <= analysis::IsiHistogram::size; ++k) {
    edges.push_back(1e-6 * analysis::IsiHistogram::lower_edge_us(k));
  }
  return edges;
}

TableSpec spikes(const std::string& label) {
  return {.path = in_module("spikes_" + label),
          .description = "Spikes of channel " + label + " as the device reported them, in the order of their re-arm.",
          .columns = {{"tick", "interpolated crossing of the trigger, device ticks", Element::i64},
                      {"width_ticks", "from the crossing to the re-arm, device ticks", Element::u32},
                      {"peak_mv", "highest V_out of the spike, mV", Element::f32},
                      {"trough_mv", "lowest V_out since the previous spike, mV", Element::f32}},
          .rows_per_chunk = 1024,
          .id_description = "number of the spike since the device was started"};
}

TableSpec levels(const std::string& label) {
  TableSpec spec{.path = in_module("levels_" + label),
                 .description = "Level records of channel " + label + ", each 10 ms of device time, in codes, exact."};
  spec.columns.push_back({"first_sample", "first ADC sample of the record", Element::i64});
  for (const char* signal : lower_names) {
    const std::string name{signal};
    spec.columns.push_back({name + "_lowest", "lowest code", Element::u16});
    spec.columns.push_back({name + "_highest", "highest code", Element::u16});
    spec.columns.push_back({name + "_sum", "sum of the codes", Element::u32});
    spec.columns.push_back({name + "_count", "number of conversions", Element::u16});
  }
  spec.columns.push_back({"command_sum", "sum of the DAC codes written, one a sample", Element::i64});
  spec.columns.push_back({"command_count", "DAC codes written", Element::u32});
  spec.columns.push_back(
      {"open_spike_ticks", "device ticks since the crossing of a spike that has not re-armed; 0: none", Element::u32});
  return spec;
}

TableSpec applied_current(const std::string& label) {
  return {
      .path = in_module("applied_current_" + label),
      .description = "Changes of the current of channel " + label +
                     " as applied: from `tick` on it moves by the slew from one value to the next, and stays there. "
                     "Fine codes are DAC codes times 65536.",
      .columns = {{"tick", "first sample of the change, device ticks", Element::i64},
                  {"from_fine", "value before, fine codes", Element::i32},
                  {"to_fine", "value after, fine codes", Element::i32},
                  {"slew_fine", "slew, fine codes a sample", Element::i32},
                  {"from_ua", "value before, uA", Element::f64},
                  {"to_ua", "value after, uA", Element::f64},
                  {"slew_ua_per_s", "slew, uA/s", Element::f64}}};
}

TableSpec snippets(const std::string& label, int samples) {
  const auto width = static_cast<std::size_t>(samples);
  return {
      .path = in_module("snippets_" + label),
      .description = "V_out of channel " + label + " around single spikes at the full ADC rate.",
      .columns = {{"spike_tick", "crossing of the trigger, device ticks", Element::i64},
                  {"first_tick", "tick of the first value", Element::i64},
                  {"v_out_mv", "V_out, mV, one value an ADC sample; NaN where a part was lost", Element::f32, width}},
      .rows_per_chunk = std::max<std::size_t>(1, 32768 / (sizeof(float) * width))};
}

TableSpec marks() {
  return {.path = in_module("marks"),
          .description = "Marks of the device, each 10 ms of its time: all data before `tick` were sent.",
          .columns = {{"tick", "device ticks", Element::i64},
                      {"state", "0 idle, 1 armed, 2 running, 3 stopping, 4 fault, 5 boot", Element::u8},
                      {"fault", "latched fault; codes as in table faults, 0: none", Element::u8},
                      {"overruns", "blocks that came before the last one was done", Element::u32},
                      {"dropped_frames", "telemetry frames that found no room", Element::u32},
                      {"bad_frames", "command frames refused by their checks", Element::u32}},
          .rows_per_chunk = 1024};
}

TableSpec faults() {
  return {
      .path = in_module("faults"),
      .description = "Faults that the device latched; its current is zero from then on.",
      .columns = {{"tick", "device ticks", Element::i64},
                  {"code",
                   "1 lease_expired, 2 late_segment, 3 current_limit, 4 readback, 5 compliance, 6 overrun, 7 estop, "
                   "8 telemetry_lost, 9 charge, 10 open_loop, 11 stuck, 12 rail",
                   Element::u8},
                  {"channel", "index of the channel", Element::u8},
                  {"value", "what was found, codes", Element::i32},
                  {"limit", "what was allowed, codes", Element::i32}},
      .rows_per_chunk = 64};
}

TableSpec link_events() {
  return {
      .path = in_module("link_events"),
      .description = "Frames lost on the way and commands that the device refused.",
      .columns = {{"tick", "device ticks; of a loss: of the last mark before it", Element::i64},
                  {"kind", "0 frames lost, 1 command refused", Element::u8},
                  {"count", "frames lost; of a refusal: type byte of the command", Element::u32},
                  {"status",
                   "of a refusal: 1 bad_state, 2 out_of_range, 3 too_late, 4 queue_full, 5 wrong_reason, 6 unknown, "
                   "7 malformed",
                   Element::u8},
                  {"mark_tick", "device ticks of the last mark before it", Element::i64}},
      .rows_per_chunk = 64};
}

TableSpec invalid_times() {
  return {
      .path = "/intervals/invalid_times",
      .type = {"core", "TimeIntervals"},
      .description = "Holes in the data: something of these samples never came. Signals are NaN where theirs did not.",
      .columns = {{"start_time", "seconds", Element::f64},
                  {"stop_time", "seconds", Element::f64},
                  {"channel", "index of the channel", Element::u8},
                  {"first_sample", "first ADC sample of the hole", Element::i64},
                  {"end_sample", "first ADC sample after the hole", Element::i64},
                  {"trace_samples", "ADC samples of the hole that are missing from the trace of V_out", Element::i64},
                  {"records",
                   "1: spikes, levels, current means, applied steps, snippets or marks of the hole may be missing "
                   "too; 0: they are whole",
                   Element::u8}},
      .rows_per_chunk = 64};
}

TableSpec isi_histograms() {
  return {.path = in_module("isi_histograms"),
          .description = "Histogram of the inter-spike intervals of each step, logarithmic buckets.",
          .columns = {{"step", "row in the table steps", Element::i64, 1, table_region},
                      {"counts", "intervals in each bucket; see attribute upper_edges_s", Element::u32, isi_buckets}},
          .rows_per_chunk = 16};
}

TableSpec pair_correlations() {
  return {
      .path = in_module("pair_correlations"),
      .description = "Pairs of spikes of each step by lag, and what g_n(t) is made of.",
      .columns = {{"step", "row in the table steps", Element::i64, 1, table_region},
                  {"bin_ticks", "width of a bin, device ticks", Element::i64},
                  {"spikes", "N", Element::i64},
                  {"observed_ticks", "T, device ticks without gaps", Element::i64},
                  {"clipped", "1: more spikes in a window than could be kept, the counts are too small", Element::u8},
                  {"counts", "ordered pairs in each bin: g_n = counts/spikes", Element::i64, pair_bins},
                  {"border_ticks",
                   "of T: the partner at the middle of the bin lies outside; g_n T/(T - border) is corrected",
                   Element::f64, pair_bins}},
      .rows_per_chunk = 16};
}

TableSpec fit() {
  TableSpec spec{.path = in_module("fit"),
                 .description =
                     "Onset and end of firing as brackets, and the fit of a leaky integrate-and-fire neuron; "
                     "NaN is undefined.",
                 .rows_per_chunk = 1};
  for (const char* name : {"onset_low_ua",
                           "onset_high_ua",
                           "end_low_ua",
                           "end_high_ua",
                           "rheobase_ua",
                           "rheobase_low_ua",
                           "rheobase_high_ua",
                           "tau_ms",
                           "tau_low_ms",
                           "tau_high_ms",
                           "refractory_ms",
                           "refractory_low_ms",
                           "refractory_high_ms",
                           "range_low_ua",
                           "range_high_ua",
                           "chi2_per_dof",
                           "ideal_slope_hz_per_ua",
                           "ideal_slope_hz_per_ua_low",
                           "ideal_slope_hz_per_ua_high",
                           "upper_line_slope_hz_per_ua",
                           "upper_line_slope_hz_per_ua_low",
                           "upper_line_slope_hz_per_ua_high",
                           "upper_line_intercept_ua",
                           "upper_line_range_low_ua",
                           "upper_line_range_high_ua",
                           "upper_line_chi2_per_dof"}) {
    spec.columns.push_back({name, "its unit is the end of its name", Element::f64});
  }
  spec.columns.push_back({"accepted", "1: the fit is accepted, 0: it is not, 2: there is none", Element::u8});
  return spec;
}

TableSpec integrity() {
  TableSpec spec{.path = in_module("integrity"), .description = "What was lost on the way.", .rows_per_chunk = 1};
  for (const char* name : {"samples", "gaps", "overruns", "retransmits", "late_decisions", "lost_frames"}) {
    spec.columns.push_back({name, "count; -1: not known, the program of the run died", Element::i64});
  }
  return spec;
}

TableSpec link_counters() {
  TableSpec spec{.path = in_module("link_counters"), .description = "How the link did.", .rows_per_chunk = 1};
  for (const char* name : {"bytes_up", "bytes_down", "retransmits", "lost_frames", "bad_frames", "repeated_frames"}) {
    spec.columns.push_back({name, "count; -1: not known, the program of the run died", Element::i64});
  }
  return spec;
}

TableSpec orders() {
  return {.path = in_module("orders"),
          .description = "What the host told the device while the run went on, in order.",
          .columns = {{"kind", "1 a piece of the command, 2 a load resistor, 3 the end of the run", Element::u8},
                      {"channel", "index of the channel", Element::u8},
                      {"at_sample", "ADC sample from which on it holds; of an end 0: at once", Element::i64},
                      {"duration_s", "of a piece, s; 0 is a step", Element::f64},
                      {"from_ua", "of a piece, uA", Element::f64},
                      {"to_ua", "of a piece, uA", Element::f64},
                      {"load_ohm", "of a load resistor, ohm", Element::f64}},
          .rows_per_chunk = 256};
}

TableSpec operator_requests() {
  return {.path = in_module("operator"),
          .description = "What a person asked for while the run went on, in order.",
          .columns = {{"tick", "device ticks of the mark after which it was taken up", Element::i64},
                      {"kind", "1 the end, 2 a pause, 3 to go on, 4 answered yes, 5 answered no", Element::u8},
                      {"value", "of an answer, SI units of what was asked for; NaN: what was planned", Element::f64}},
          .rows_per_chunk = 64};
}

std::vector<std::string> growing_tables(std::span<const std::string> labels) {
  std::vector<std::string> tables{marks().path,          faults().path,
                                  link_events().path,    invalid_times().path,
                                  isi_histograms().path, pair_correlations().path,
                                  orders().path,         operator_requests().path,
                                  step_table({}).path};
  for (const std::string& label : labels) {
    for (const TableSpec& spec : {spikes(label), levels(label), applied_current(label), snippets(label, 1)}) {
      tables.push_back(spec.path);
    }
  }
  return tables;
}

std::vector<std::string> all_series(std::span<const std::string> labels) {
  std::vector<std::string> series;
  for (const std::string& label : labels) {
    series.insert(series.end(), {trace(label), command(label), read_back(label)});
    for (std::size_t signal = 0; signal < protocol::signal_count; ++signal) {
      series.push_back(level_series(signal, label));
    }
  }
  return series;
}

}  // namespace thyrode::recording::layout
