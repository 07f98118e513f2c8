#include "daemon/recording/skeleton.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <tuple>

#include "daemon/recording/layout.hpp"
#include "daemon/recording/step_table.hpp"

namespace thyrode::recording {
namespace {

using protocol::Signal;

/// How a series is stored and which codes it came from.
struct SeriesSpec {
  std::string path;
  NwbType type;
  std::string description;
  const char* unit = "volts";
  double conversion = 1e-3;
  std::int64_t stride = 1;
  std::size_t width = 1;
  std::size_t rows_per_chunk = 4096;
  Scale scale;
  const char* code_rule = "";
};

/// The power of two that a quarter of a second fills, the time between two flushes; 64 KiB at least.
std::size_t trace_rows_per_chunk(double rate_hz) {
  return std::bit_ceil(std::max<std::size_t>(16384, static_cast<std::size_t>(0.25 * rate_hz)));
}

void create_root(Builder& builder, const RunDescription& run) {
  builder.attribute("/", "nwb_version", "2.7.0");
  builder.set_type("/", {"core", "NWBFile"});
  for (const char* path :
       {"/acquisition", "/analysis", "/processing", "/scratch", "/stimulus", "/stimulus/presentation",
        "/stimulus/templates", "/general", "/general/devices", "/intervals"}) {
    builder.group(path);
  }
  builder.text("/identifier", builder.id_of("/"));
  builder.text("/session_description", run.experiment);
  builder.text("/session_start_time", run.wall_clock.session_start);
  builder.text("/timestamps_reference_time", run.wall_clock.session_start);
  builder.texts("/file_create_date", std::vector<std::string>{run.wall_clock.created});
  builder.text("/general/experiment_description", run.experiment);
  builder.group(layout::electrodes);
  builder.group(layout::module, {"core", "ProcessingModule"});
  builder.attribute(layout::module, "description",
                    "What the device and the online analysis say about the recording: spikes, levels, steps, fits.");
}

void create_device(Builder& builder, const RunDescription& run) {
  const DeviceInfo& device = run.device;
  builder.group(layout::device, {"core", "Device"});
  builder.attribute(layout::device, "description",
                    fmt::format("Current source and voltage recorder: board {}, firmware {}, serial number {}, {} Hz.",
                                device.board, device.firmware, device.serial, device.sample_rate_hz));
  builder.attribute(layout::device, "manufacturer", "thyrode");
  for (const ChannelDescription& channel : device.channels) {
    const std::string path = layout::electrode(channel.label);
    builder.group(path, {"core", "IntracellularElectrode"});
    builder.text(path + "/description",
                 "Channel " + channel.label + ": current in at V_m, spikes seen at V_out of an electronic neuron" +
                     (run.calibration_yaml.empty() ? "." : "; scales by the calibration in /scratch."));
    builder.text(path + "/cell_id", device.serial.empty() ? channel.label : device.serial + "-" + channel.label);
    builder.soft_link(path + "/device", layout::device);
  }
}

void create_series(Builder& builder, const RunDescription& run, const SeriesSpec& spec) {
  builder.group(spec.path, spec.type);
  builder.attribute(spec.path, "description", spec.description);
  const std::string data = spec.path + "/data";
  builder.stream(data, Element::f32, spec.width, spec.rows_per_chunk);
  builder.attribute(data, "unit", spec.unit);
  builder.attribute(data, "conversion", spec.conversion);
  builder.attribute(data, "offset", 0.0);
  builder.attribute(data, "resolution", -1.0);
  builder.attribute(data, "adc_scale", spec.scale.scale);
  builder.attribute(data, "adc_zero", spec.scale.zero);
  builder.attribute(data, "decimation", spec.stride);
  builder.attribute(data, "ticks_per_sample", ticks_per_sample);
  builder.attribute(data, "codes", spec.code_rule);
  builder.scalar(spec.path + "/starting_time", 0.0);
  builder.attribute(spec.path + "/starting_time", "rate", run.device.sample_rate_hz / static_cast<double>(spec.stride));
  builder.attribute(spec.path + "/starting_time", "unit", "seconds");
  // Device tick of the first ADC code of the first row; exact, where starting_time is the middle of the row.
  builder.scalar(spec.path + "/first_tick", std::int64_t{0});
}

void add_patch_clamp(Builder& builder, const RunDescription& run, const std::string& path, const std::string& label,
                     double gain) {
  builder.attribute(path, "stimulus_description", run.experiment);
  builder.scalar(path + "/gain", static_cast<float>(gain));
  builder.soft_link(path + "/electrode", layout::electrode(label));
}

void create_trace(Builder& builder, const RunDescription& run, std::size_t index) {
  const ChannelSetup& setup = run.channels[index];
  const std::string& label = run.device.channels[index].label;
  const SeriesSpec spec{
      .path = layout::trace(label),
      .type = {"core", "CurrentClampSeries"},
      .description = fmt::format("V_out of channel {}, mean of {} ADC codes; NaN where data were lost.", label,
                                 setup.trace_decimation),
      .stride = setup.trace_decimation,
      .rows_per_chunk = trace_rows_per_chunk(run.device.sample_rate_hz / setup.trace_decimation),
      .scale = scale_of(run, index, Signal::v_out),
      .code_rule = "sum of `decimation` codes = round((value * conversion / adc_scale + adc_zero) * decimation)"};
  create_series(builder, run, spec);
  add_patch_clamp(builder, run, spec.path, label, setup.front_end_gain);
}

void create_currents(Builder& builder, const RunDescription& run, std::size_t index) {
  const std::string& label = run.device.channels[index].label;
  const std::int64_t stride = current_stride(run.device);
  SeriesSpec spec{
      .path = layout::command(label),
      .type = {"core", "CurrentClampStimulusSeries"},
      .description = "Current written to channel " + label + ", means of 1 ms; NaN where data were lost.",
      .unit = "amperes",
      .conversion = 1e-6,
      .stride = stride,
      .scale = command_scale_of(run, index),
      .code_rule = "sum of the DAC codes = round((value * conversion / adc_scale + adc_zero) * decimation)"};
  create_series(builder, run, spec);
  add_patch_clamp(builder, run, spec.path, label, 1.0);
  spec.path = layout::read_back(label);
  spec.type = {"core", "TimeSeries"};
  spec.description = "Current read back at channel " + label + ", means of 1 ms; NaN where data were lost.";
  spec.scale = scale_of(run, index, Signal::i_read);
  spec.code_rule =
      "sum of the ADC codes = round((value * conversion / adc_scale + adc_zero) * decimation / samples_per_conversion)";
  create_series(builder, run, spec);
  builder.attribute(spec.path + "/data", "samples_per_conversion", std::int64_t{spec.scale.every});
}

void create_levels(Builder& builder, const RunDescription& run, std::size_t index) {
  const std::string& label = run.device.channels[index].label;
  constexpr std::array<const char*, protocol::signal_count> names{"V_out", "V_m", "I_read"};
  for (std::size_t signal = 0; signal < protocol::signal_count; ++signal) {
    const bool current = static_cast<Signal>(signal) == Signal::i_read;
    create_series(builder, run,
                  {.path = layout::level_series(signal, label),
                   .type = {"core", "TimeSeries"},
                   .description = fmt::format("{} of channel {}: lowest, highest and mean value of each 10 ms.",
                                              names[signal], label),
                   .unit = current ? "amperes" : "volts",
                   .conversion = current ? 1e-6 : 1e-3,
                   .stride = level_stride(run.device),
                   .width = 3,
                   .rows_per_chunk = 512,
                   .scale = scale_of(run, index, static_cast<Signal>(signal)),
                   .code_rule = "exact codes are in the table of levels"});
  }
  create_table(builder, layout::levels(label));
}

void create_tables(Builder& builder, const RunDescription& run) {
  create_table(builder, layout::marks());
  create_table(builder, layout::faults());
  create_table(builder, layout::link_events());
  create_table(builder, layout::invalid_times());
  create_table(builder, layout::orders());
  create_table(builder, layout::operator_requests());
  create_table(builder, layout::fit());
  create_table(builder, layout::integrity());
  create_table(builder, layout::link_counters());
  const TableSpec steps = step_table(run.conditions);
  create_table(builder, steps);
  const TableSpec histograms = layout::isi_histograms();
  create_table(builder, histograms);
  builder.attribute_reference(histograms.path + "/step", "table", steps.path);
  const TableSpec pairs = layout::pair_correlations();
  create_table(builder, pairs);
  builder.attribute_reference(pairs.path + "/step", "table", steps.path);
  const std::vector<double> edges = layout::isi_upper_edges();
  builder.attribute(histograms.path + "/counts", "upper_edges_s", std::span<const double>{edges});
}

/// What spikes and snippets of this run are, and the part that the device can exchange.
void create_run_settings(Builder& builder, const std::string& path, const ChannelDescription& channel,
                         const ChannelSetup& setup) {
  if (setup.detector) {
    const DetectorSettings& detector = *setup.detector;
    builder.attribute(path, "detector_trigger", detector.trigger == protocol::Trigger::swing ? "swing" : "level");
    builder.attribute(path, "detector_swing_mv", detector.swing.si() * 1e3);
    builder.attribute(path, "detector_fire_mv", detector.fire_level.si() * 1e3);
    builder.attribute(path, "detector_rearm_mv", detector.rearm_level.si() * 1e3);
    builder.attribute(path, "detector_refractory_us", detector.refractory.si() * 1e6);
  }
  builder.attribute(path, "snippet_before_us", setup.snippets.before.si() * 1e6);
  builder.attribute(path, "snippet_after_us", setup.snippets.after.si() * 1e6);
  builder.attribute(path, "snippets_per_second", std::int64_t{setup.snippets.most_per_second});
  if (!channel.part) return;
  builder.attribute(path, "part_lowest_ohm", channel.part->lowest.si());
  builder.attribute(path, "part_highest_ohm", channel.part->highest.si());
  builder.attribute(path, "part_present_ohm", channel.part->present.si());
  builder.attribute(path, "part_capacitance_farad", channel.part->capacitance.si());
}

void create_channel_settings(Builder& builder, const RunDescription& run, std::size_t index) {
  const ChannelDescription& channel = run.device.channels[index];
  const ChannelSetup& setup = run.channels[index];
  const std::string path = layout::channel_settings(channel.label);
  builder.group(path);
  builder.attribute(path, "calibrated", std::int64_t{run.calibration_yaml.empty() ? 0 : 1});
  builder.attribute(path, "trace_decimation", std::int64_t{setup.trace_decimation});
  builder.attribute(path, "snippet_samples", std::int64_t{setup.snippet_samples});
  builder.attribute(path, "board_lowest_ua", channel.lowest.si() * 1e6);
  builder.attribute(path, "board_highest_ua", channel.highest.si() * 1e6);
  builder.attribute(path, "board_fastest_ua_per_s", channel.fastest.si() * 1e6);
  builder.attribute(path, "lowest_ua", setup.limits.lowest.si() * 1e6);
  builder.attribute(path, "highest_ua", setup.limits.highest.si() * 1e6);
  builder.attribute(path, "slew_ua_per_s", setup.limits.slew.si() * 1e6);
  builder.attribute(path, "compliance_mv", setup.limits.compliance.si() * 1e3);
  create_run_settings(builder, path, channel, setup);
  const auto put = [&](const std::string& name, const Scale& scale) {
    builder.attribute(path, (name + "_scale").c_str(), scale.scale);
    builder.attribute(path, (name + "_zero").c_str(), scale.zero);
    builder.attribute(path, (name + "_bits").c_str(), std::int64_t{scale.bits});
    builder.attribute(path, (name + "_every").c_str(), std::int64_t{scale.every});
  };
  put("v_out", scale_of(run, index, Signal::v_out));
  put("v_m", scale_of(run, index, Signal::v_m));
  put("i_read", scale_of(run, index, Signal::i_read));
  put("command", command_scale_of(run, index));
  builder.attribute(path, "command_rest", std::int64_t{channel.rest()});
}

void create_provenance(Builder& builder, const RunDescription& run) {
  const char* path = layout::provenance;
  const DeviceInfo& device = run.device;
  builder.group(path);
  builder.attribute(path, "schema", fmt::format("{}/{}", layout::schema_name, layout::schema_version));
  builder.attribute(path, "result_schema", layout::result_schema);
  builder.attribute(path, "experiment", run.experiment);
  builder.attribute(path, "seed", run.seed);
  builder.attribute(path, "host_version", run.host_version);
  builder.attribute(path, "host_hash", run.host_hash);
  builder.attribute(path, "device_uri", device.uri);
  builder.attribute(path, "device_board", device.board);
  builder.attribute(path, "device_firmware", device.firmware);
  builder.attribute(path, "device_serial", device.serial);
  builder.attribute(path, "protocol", fmt::format("{}.{}", device.protocol_major, device.protocol_minor));
  builder.attribute(path, "protocol_schema", fmt::format("{:08x}", device.schema));
  builder.attribute(path, "sample_rate_hz", device.sample_rate_hz);
  builder.attribute(path, "ticks_per_sample", ticks_per_sample);
  builder.attribute(path, "block_samples", std::int64_t{device.block_samples});
  builder.attribute(path, "virtual_time", std::int64_t{device.virtual_time ? 1 : 0});
  builder.attribute(path, "snippets", std::int64_t{device.snippets ? 1 : 0});
  builder.attribute(path, "full_trace", std::int64_t{device.full_trace ? 1 : 0});
  builder.attribute(path, "link_bytes_per_second", device.link_bytes_per_second);
  builder.attribute(path, "queue_depth", std::int64_t{device.queue_depth});
  builder.attribute(path, "origin_sample", device.now.index);
  builder.attribute(path, "lease_s", run.lease.lease.si());
  std::vector<std::string> labels;
  for (const ChannelDescription& channel : device.channels) labels.push_back(channel.label);
  builder.attribute(path, "channels", std::span<const std::string>{labels});
  if (run.emulated) {
    builder.attribute(path, "emulated_noise", std::int64_t{run.emulated->noise ? 1 : 0});
    if (run.emulated->spread) builder.attribute(path, "emulated_spread", *run.emulated->spread);
  }
  if (!run.resumed_from.empty()) {
    builder.attribute(path, "resumed_from", std::span<const std::string>{run.resumed_from});
  }
  for (std::size_t k = 0; k < run.channels.size(); ++k) create_channel_settings(builder, run, k);
  for (const auto& [where, text, note] :
       {std::tuple{layout::experiment_yaml, run.experiment_yaml, "the experiment file, byte for byte"},
        std::tuple{layout::station_yaml, run.station_yaml, "the station file, byte for byte"},
        std::tuple{layout::calibration_yaml, run.calibration_yaml,
                   "the calibration whose scales were used, byte for byte"}}) {
    if (text.empty()) continue;
    builder.text(where, text);
    builder.set_type(where, {"core", "ScratchData"});
    builder.attribute(where, "notes", note);
  }
}

/// Their names are a list of the provenance, their bytes texts in the same order.
void create_experiment_files(Builder& builder, const RunDescription& run) {
  std::vector<std::string> names;
  for (const auto& [name, text] : run.experiment_files) {
    const std::string where = layout::experiment_file(names.size());
    builder.text(where, text);
    builder.set_type(where, {"core", "ScratchData"});
    builder.attribute(where, "notes", name + ", a file that the experiment names, byte for byte");
    names.push_back(name);
  }
  if (names.empty()) return;
  builder.attribute(layout::provenance, "experiment_files", std::span<const std::string>{names});
}

void create_wall_clock(Builder& builder, const RunDescription& run, const std::string& path_of_file) {
  const char* path = layout::wall_clock;
  builder.group(path);
  builder.attribute(path, "session_start", run.wall_clock.session_start);
  builder.attribute(path, "created", run.wall_clock.created);
  builder.attribute(path, "host_name", run.wall_clock.host_name);
  builder.attribute(path, "command_line", run.wall_clock.command_line);
  builder.attribute(path, "file", path_of_file);
  if (!run.host_seconds) return;
  builder.stream(layout::clock_ticks, Element::i64, 1, 1024);
  builder.attribute(layout::clock_ticks, "description", "device ticks of a mark");
  builder.stream(layout::clock_seconds, Element::f64, 1, 1024);
  builder.attribute(layout::clock_seconds, "description", "seconds since 1970 by the host's clock when it was flushed");
}

}  // namespace

Scale scale_of(const RunDescription& run, std::size_t channel, protocol::Signal signal) {
  return run.device.channels[channel].signal(signal);
}

Scale command_scale_of(const RunDescription& run, std::size_t channel) {
  return run.device.channels[channel].command;
}

std::int64_t current_stride(const DeviceInfo& device) {
  return std::llround(device.sample_rate_hz / layout::current_rate_hz);
}

std::int64_t level_stride(const DeviceInfo& device) {
  return std::llround(device.sample_rate_hz / layout::level_rate_hz);
}

void create_skeleton(Builder& builder, const RunDescription& run, const std::string& path_of_file, const PartMark& mark,
                     const std::vector<EarlierPart>& before) {
  create_root(builder, run);
  create_device(builder, run);
  create_tables(builder, run);
  for (std::size_t k = 0; k < run.channels.size(); ++k) {
    if (run.channels[k].trace_decimation > 0) create_trace(builder, run, k);
    create_currents(builder, run, k);
    create_levels(builder, run, k);
    const std::string& label = run.device.channels[k].label;
    create_table(builder, layout::spikes(label));
    create_table(builder, layout::applied_current(label));
    if (run.channels[k].snippet_samples > 0) {
      create_table(builder, layout::snippets(label, run.channels[k].snippet_samples));
    }
  }
  create_provenance(builder, run);
  create_experiment_files(builder, run);
  create_wall_clock(builder, run, path_of_file);
  write_part_mark(builder, mark, before);
}

}  // namespace thyrode::recording
