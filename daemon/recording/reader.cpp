#include "daemon/recording/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "daemon/recording/file_access.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/part_mark.hpp"
#include "daemon/recording/readback.hpp"
#include "daemon/recording/result_tables.hpp"
#include "daemon/recording/run_files.hpp"
#include "daemon/recording/step_table.hpp"
#include "daemon/recording/sweep_tables.hpp"
#include "daemon/recording/written_messages.hpp"

namespace thyrode::recording {
namespace {

/// A file that cannot be read is the fault of the file, whatever call noticed it.
template <class Body>
auto guarded_read(Body&& body) {
  auto result = guarded(body);
  if (!result) result.error().kind = ErrorKind::bad_input;
  return result;
}

std::int64_t table_value(hid_t file, const TableSpec& spec, const char* column) {
  return read_column<std::int64_t>(file, spec.path + "/" + column, 0, 1).front();
}

std::optional<std::int64_t> known(std::int64_t count) {
  return count == layout::unknown_count ? std::nullopt : std::optional{count};
}

analysis::Integrity read_integrity(hid_t file) {
  const TableSpec spec = layout::integrity();
  if (table_rows(file, spec.path) == 0) return {};
  return {.samples = table_value(file, spec, "samples"),
          .gaps = table_value(file, spec, "gaps"),
          .overruns = table_value(file, spec, "overruns"),
          .retransmits = known(table_value(file, spec, "retransmits")),
          .late_decisions = known(table_value(file, spec, "late_decisions")),
          .lost_frames = table_value(file, spec, "lost_frames")};
}

std::optional<LinkCounters> read_link(hid_t file) {
  const TableSpec spec = layout::link_counters();
  if (table_rows(file, spec.path) == 0 || !known(table_value(file, spec, "bytes_up"))) return std::nullopt;
  const auto value = [&](const char* name) { return static_cast<std::uint64_t>(table_value(file, spec, name)); };
  return LinkCounters{.bytes_up = value("bytes_up"),
                      .bytes_down = value("bytes_down"),
                      .retransmits = value("retransmits"),
                      .lost_frames = value("lost_frames"),
                      .bad_frames = value("bad_frames"),
                      .repeated_frames = value("repeated_frames")};
}

std::optional<RunningStretch> read_running(hid_t file, const std::vector<std::string>& channels,
                                           double ticks_per_second) {
  const std::string marks = layout::marks().path;
  const std::int64_t mark_count = table_rows(file, marks);
  for (const std::string& channel : channels) {
    const std::string changes = layout::applied_current(channel).path;
    const std::int64_t count = table_rows(file, changes);
    if (count == 0 || mark_count == 0) continue;
    RunningStretch running;
    running.channel = channel;
    running.current_ua = read_column<double>(file, changes + "/to_ua", count - 1, 1).front();
    running.from = Ticks{read_column<std::int64_t>(file, changes + "/tick", count - 1, 1).front()};
    running.until = Ticks{read_column<std::int64_t>(file, marks + "/tick", mark_count - 1, 1).front()};
    const std::string spikes = layout::spikes(channel).path;
    const std::int64_t spike_count = table_rows(file, spikes);
    const std::int64_t first = lower_row(file, spikes + "/tick", spike_count, running.from.count);
    running.n_spikes = spike_count - first;
    if (running.n_spikes > 1) {
      const auto tick = [&](std::int64_t row) {
        return read_column<std::int64_t>(file, spikes + "/tick", row, 1).front();
      };
      running.frequency_hz = static_cast<double>(running.n_spikes - 1) * ticks_per_second /
                             static_cast<double>(tick(spike_count - 1) - tick(first));
    }
    return running;
  }
  return std::nullopt;
}

void check_channel(hid_t file, const std::string& path, const std::string& channel) {
  const auto labels = read_texts_attribute(file, layout::provenance, "channels");
  if (std::find(labels.begin(), labels.end(), channel) != labels.end()) return;
  raise(ErrorKind::bad_input, fmt::format("{}: no channel '{}'; it has {}", path, channel, fmt::join(labels, ", ")));
}

/// Cuts [first, first + count) to what there is.
std::pair<std::int64_t, std::int64_t> within(std::int64_t first, std::int64_t count, std::int64_t total) {
  const std::int64_t begin = std::clamp<std::int64_t>(first, 0, total);
  return {begin, std::clamp<std::int64_t>(count, 0, total - begin)};
}

Trace trace_frame(hid_t file, const std::string& series) {
  const std::string data = series + "/data";
  Trace trace;
  trace.decimation = static_cast<int>(read_attribute<std::int64_t>(file, data, "decimation"));
  trace.scale.scale = read_attribute<double>(file, data, "adc_scale");
  trace.scale.zero = read_attribute<double>(file, data, "adc_zero");
  trace.ticks_per_value = trace.decimation * read_attribute<std::int64_t>(file, data, "ticks_per_sample");
  trace.total = row_count(file, data);
  return trace;
}

Scale read_scale(hid_t file, const std::string& path, const std::string& name) {
  const auto integer = [&](const char* what) {
    return static_cast<int>(read_attribute<std::int64_t>(file, path, (name + what).c_str()));
  };
  Scale scale;
  scale.scale = read_attribute<double>(file, path, (name + "_scale").c_str());
  scale.zero = read_attribute<double>(file, path, (name + "_zero").c_str());
  scale.bits = integer("_bits");
  scale.every = integer("_every");
  return scale;
}

/// An attribute that an older recording does not have.
template <class T>
T read_or(hid_t file, const std::string& path, const char* name, T otherwise) {
  const bool there = H5Aexists_by_name(file, path.c_str(), name, H5P_DEFAULT) > 0;
  return there ? read_attribute<T>(file, path, name) : otherwise;
}

/// What the current of a fine code is, as a handshake tells it, given that current as the file has it.
Current on_grid(const Scale& command, double current_ua) {
  constexpr double fine = 1 << fine_bits;
  const double kept = 1e-6 * current_ua;
  const double exact = command.value(static_cast<double>(std::llround(command.code(kept) * fine)) / fine);
  return Current::from_si(std::abs(exact - kept) <= 1e-9 * std::abs(kept) ? exact : kept);
}

std::optional<VariablePart> read_part(hid_t file, const std::string& path) {
  if (H5Aexists_by_name(file, path.c_str(), "part_highest_ohm", H5P_DEFAULT) <= 0) return std::nullopt;
  const auto value = [&](const char* name) { return read_attribute<double>(file, path, name); };
  return VariablePart{Resistance::from_si(value("part_lowest_ohm")), Resistance::from_si(value("part_highest_ohm")),
                      Resistance::from_si(value("part_present_ohm")),
                      Capacitance::from_si(value("part_capacitance_farad"))};
}

DeviceInfo device_of(hid_t file) {
  DeviceInfo device;
  device.uri = read_text_attribute(file, layout::provenance, "device_uri");
  device.board = read_text_attribute(file, layout::provenance, "device_board");
  device.firmware = read_text_attribute(file, layout::provenance, "device_firmware");
  device.serial = read_text_attribute(file, layout::provenance, "device_serial");
  device.sample_rate_hz = read_attribute<double>(file, layout::provenance, "sample_rate_hz");
  device.block_samples = static_cast<int>(read_attribute<std::int64_t>(file, layout::provenance, "block_samples"));
  device.virtual_time = read_attribute<std::int64_t>(file, layout::provenance, "virtual_time") != 0;
  device.snippets = read_or<std::int64_t>(file, layout::provenance, "snippets", 0) != 0;
  device.full_trace = read_or<std::int64_t>(file, layout::provenance, "full_trace", 0) != 0;
  device.link_bytes_per_second = read_or(file, layout::provenance, "link_bytes_per_second", 0.0);
  device.queue_depth = static_cast<int>(read_or<std::int64_t>(file, layout::provenance, "queue_depth", 0));
  const auto versions = read_text_attribute(file, layout::provenance, "protocol");
  device.protocol_major = std::atoi(versions.c_str());
  device.protocol_minor = std::atoi(versions.substr(std::min(versions.find('.'), versions.size() - 1) + 1).c_str());
  device.schema = static_cast<std::uint32_t>(
      std::strtoul(read_text_attribute(file, layout::provenance, "protocol_schema").c_str(), nullptr, 16));
  device.now = Sample{read_attribute<std::int64_t>(file, layout::provenance, "origin_sample")};
  for (const std::string& label : read_texts_attribute(file, layout::provenance, "channels")) {
    const std::string path = layout::channel_settings(label);
    ChannelDescription channel;
    channel.label = label;
    channel.signals = {read_scale(file, path, "v_out"), read_scale(file, path, "v_m"),
                       read_scale(file, path, "i_read")};
    channel.command = read_scale(file, path, "command");
    channel.resting = static_cast<FineCode>(read_or<std::int64_t>(file, path, "command_rest", channel.rest()));
    channel.lowest = on_grid(channel.command, read_attribute<double>(file, path, "board_lowest_ua"));
    channel.highest = on_grid(channel.command, read_attribute<double>(file, path, "board_highest_ua"));
    channel.fastest = Slew::from_si(1e-6 * read_attribute<double>(file, path, "board_fastest_ua_per_s"));
    channel.part = read_part(file, path);
    device.channels.push_back(channel);
  }
  return device;
}

std::map<std::string, std::string> read_experiment_files(hid_t file) {
  std::map<std::string, std::string> files;
  if (H5Aexists_by_name(file, layout::provenance, "experiment_files", H5P_DEFAULT) <= 0) return files;
  const auto names = read_texts_attribute(file, layout::provenance, "experiment_files");
  for (std::size_t k = 0; k < names.size(); ++k) files[names[k]] = read_text(file, layout::experiment_file(k));
  return files;
}

}  // namespace

std::int64_t Trace::code_sum(float value_mv) const {
  return std::llround((static_cast<double>(value_mv) * 1e-3 / scale.scale + scale.zero) * decimation);
}

Result<RunRecord> read_run(const std::string& path) {
  return guarded_read([&] {
    const h5::Handle handle = open_for_reading(path);
    const hid_t file = handle.get();
    const auto text = [&](const char* name) { return read_text_attribute(file, layout::provenance, name); };
    RunRecord record;
    record.result.experiment = text("experiment");
    record.result.device_uri = text("device_uri");
    record.result.device_board = text("device_board");
    record.result.device_firmware = text("device_firmware");
    record.result.device_serial = text("device_serial");
    record.result.seed = read_attribute<std::uint64_t>(file, layout::provenance, "seed");
    record.result.steps = read_steps(file, step_table({}).path);
    record.result.fit = read_fit(file);
    read_sweep_tables(file, record.result.fit);
    record.result.integrity = read_integrity(file);
    record.experiment_yaml = read_text(file, layout::experiment_yaml);
    record.station_yaml = read_text(file, layout::station_yaml);
    if (h5::exists(file, layout::calibration_yaml)) record.calibration_yaml = read_text(file, layout::calibration_yaml);
    record.experiment_files = read_experiment_files(file);
    record.link = read_link(file);
    record.host_version = text("host_version");
    const PartMark mark = read_part_mark(file);
    record.part = mark.number;
    record.next_file = mark.next_file;
    record.finalised = h5::exists(file, layout::exit_status);
    if (record.finalised) record.exit_status = read_text(file, layout::exit_status);
    record.resumed_from = sources_of(file);
    if (H5Aexists_by_name(file, layout::provenance, "emulated_noise", H5P_DEFAULT) > 0) {
      record.emulated = EmulatedSetup{read_attribute<std::int64_t>(file, layout::provenance, "emulated_noise") != 0};
      if (H5Aexists_by_name(file, layout::provenance, "emulated_spread", H5P_DEFAULT) > 0) {
        record.emulated->spread = read_attribute<std::uint64_t>(file, layout::provenance, "emulated_spread");
      }
    }
    record.channels = read_texts_attribute(file, layout::provenance, "channels");
    record.sample_rate_hz = read_attribute<double>(file, layout::provenance, "sample_rate_hz");
    if (!record.finalised) {
      record.running = read_running(file, record.channels, record.sample_rate_hz * ticks_per_sample);
    }
    return record;
  });
}

Result<Trace> read_trace(const std::string& path, const std::string& channel, std::int64_t first, std::int64_t count) {
  return guarded_read([&] {
    const h5::Handle file = open_for_reading(path);
    check_channel(file.get(), path, channel);
    const std::string series = layout::trace(channel);
    if (!h5::exists(file.get(), series)) {
      raise(ErrorKind::bad_input, fmt::format("{}: the trace of channel {} was not recorded; `record: {{trace: ...}}` "
                                              "in the experiment asks for it",
                                              path, channel));
    }
    Trace trace = trace_frame(file.get(), series);
    const auto [begin, n] = within(first, count, trace.total);
    trace.values_mv = read_column<float>(file.get(), series + "/data", begin, n);
    trace.first = Ticks{read_scalar<std::int64_t>(file.get(), series + "/first_tick") + begin * trace.ticks_per_value};
    return trace;
  });
}

Result<std::vector<SpikeRow>> read_spikes(const std::string& path, const std::string& channel, std::int64_t first,
                                          std::int64_t count) {
  return guarded_read([&] {
    const h5::Handle file = open_for_reading(path);
    check_channel(file.get(), path, channel);
    const std::string table = layout::spikes(channel).path;
    const auto [begin, n] = within(first, count, table_rows(file.get(), table));
    std::vector<SpikeRow> rows(static_cast<std::size_t>(n));
    if (rows.empty()) return rows;
    const auto index = read_column<std::int64_t>(file.get(), table + "/id", begin, n);
    const auto tick = read_column<std::int64_t>(file.get(), table + "/tick", begin, n);
    const auto width = read_column<std::uint32_t>(file.get(), table + "/width_ticks", begin, n);
    const auto peak = read_column<float>(file.get(), table + "/peak_mv", begin, n);
    const auto trough = read_column<float>(file.get(), table + "/trough_mv", begin, n);
    for (std::size_t k = 0; k < rows.size(); ++k) rows[k] = {index[k], Ticks{tick[k]}, width[k], peak[k], trough[k]};
    return rows;
  });
}

Result<std::vector<std::uint32_t>> read_isi_counts(const std::string& path, std::int64_t step) {
  return guarded_read([&] {
    const h5::Handle file = open_for_reading(path);
    const std::string table = layout::isi_histograms().path;
    const std::int64_t rows = table_rows(file.get(), table);
    if (rows == 0) return std::vector<std::uint32_t>{};
    const auto steps = read_column<std::int64_t>(file.get(), table + "/step", 0, rows);
    const auto found = std::find(steps.begin(), steps.end(), step);
    if (found == steps.end()) return std::vector<std::uint32_t>{};
    return read_column<std::uint32_t>(file.get(), table + "/counts", found - steps.begin(), 1, layout::isi_buckets);
  });
}

Result<DeviceInfo> read_device(const std::string& path) {
  return guarded_read([&] { return device_of(open_for_reading(path).get()); });
}

namespace {

std::vector<DeviceMessage> stretch_of_file(const std::string& path, Channel channel, Sample from, Sample until) {
  const h5::Handle file = open_for_reading(path);
  RunDescription run;
  run.device = device_of(file.get());
  run.channels.resize(run.device.channels.size());
  if (channel.index >= run.channels.size()) {
    raise(ErrorKind::bad_input, fmt::format("{}: no channel {}; it has {}", path, channel.index, run.channels.size()));
  }
  return read_messages(file.get(), run, channel, from, until);
}

/// The other files of a run that may hold something of a stretch.
std::vector<std::string> files_beside(const std::string& path, Sample from, Sample until) {
  const PartMark own = read_part_mark(open_for_reading(path).get());
  const bool before = own.number > 1 && from < own.first;
  if (!before && own.next_file.empty()) return {};
  const auto files = files_of_run(path);
  std::vector<std::string> beside;
  for (std::size_t k = 0; files && k < files->size(); ++k) {
    const RunFile& file = (*files)[k];
    const bool reaches = k + 1 == files->size() || (*files)[k + 1].first > from;
    if (file.number != own.number && file.first < until && reaches) beside.push_back(file.path);
  }
  return beside;
}

}  // namespace

Result<std::vector<DeviceMessage>> read_stretch(const std::string& path, Channel channel, Sample from, Sample until) {
  return guarded_read([&] {
    auto messages = stretch_of_file(path, channel, from, until);
    for (const std::string& file : files_beside(path, from, until)) {
      const auto more = stretch_of_file(file, channel, from, until);
      messages.insert(messages.end(), more.begin(), more.end());
    }
    return messages;
  });
}

Result<std::optional<analysis::PairCorrelation>> read_pair_correlation(const std::string& path, std::int64_t step) {
  return guarded_read([&]() -> std::optional<analysis::PairCorrelation> {
    const h5::Handle file = open_for_reading(path);
    const std::string table = layout::pair_correlations().path;
    if (H5Lexists(file.get(), table.c_str(), H5P_DEFAULT) <= 0) return std::nullopt;
    const std::int64_t rows = table_rows(file.get(), table);
    if (rows == 0) return std::nullopt;
    const auto steps = read_column<std::int64_t>(file.get(), table + "/step", 0, rows);
    const auto found = std::find(steps.begin(), steps.end(), step);
    if (found == steps.end()) return std::nullopt;
    return read_pairs(file.get(), found - steps.begin());
  });
}

}  // namespace thyrode::recording
