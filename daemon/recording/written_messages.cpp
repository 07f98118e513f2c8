#include "daemon/recording/written_messages.hpp"

#include <algorithm>
#include <cmath>

#include "daemon/recording/layout.hpp"
#include "daemon/recording/readback.hpp"
#include "daemon/recording/skeleton.hpp"

namespace thyrode::recording {
namespace {

/// The rows [first, first + count) of a table.
struct Rows {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

Rows rows_within(hid_t file, const std::string& table, const char* column, std::int64_t from, std::int64_t until) {
  const std::int64_t all = table_rows(file, table);
  const std::string path = table + "/" + column;
  const std::int64_t first = lower_row(file, path, all, from);
  return {first, lower_row(file, path, all, until) - first};
}

AdcCode code_of(const Scale& scale, float value_mv) {
  return static_cast<AdcCode>(std::lround(scale.code(static_cast<double>(value_mv) * 1e-3)));
}

void read_spikes(hid_t file, const RunDescription& run, Channel channel, Sample from, Sample until,
                 std::vector<DeviceMessage>& out) {
  const std::string table = layout::spikes(run.device.channels[channel.index].label).path;
  const Rows rows = rows_within(file, table, "tick", to_ticks(from).count, to_ticks(until).count);
  const auto index = read_column<std::int64_t>(file, table + "/id", rows.first, rows.count);
  const auto tick = read_column<std::int64_t>(file, table + "/tick", rows.first, rows.count);
  const auto width = read_column<std::uint32_t>(file, table + "/width_ticks", rows.first, rows.count);
  const auto peak = read_column<float>(file, table + "/peak_mv", rows.first, rows.count);
  const auto trough = read_column<float>(file, table + "/trough_mv", rows.first, rows.count);
  const Scale scale = scale_of(run, channel.index, protocol::Signal::v_out);
  for (std::size_t k = 0; k < index.size(); ++k) {
    protocol::SpikeBlock block{channel.index, static_cast<std::uint32_t>(index[k]), {}};
    block.records.push_back({Ticks{tick[k]}, width[k], code_of(scale, peak[k]), code_of(scale, trough[k])});
    out.emplace_back(block);
  }
}

void read_levels(hid_t file, const RunDescription& run, Channel channel, Sample from, Sample until,
                 std::vector<DeviceMessage>& out) {
  const std::string table = layout::levels(run.device.channels[channel.index].label).path;
  const Rows rows = rows_within(file, table, "first_sample", from.index, until.index);
  const auto column = [&](const std::string& name) {
    return read_column<std::int64_t>(file, table + "/" + name, rows.first, rows.count);
  };
  const auto first = column("first_sample");
  const auto command_sum = column("command_sum");
  const auto command_count = column("command_count");
  const auto open_spike = column("open_spike_ticks");
  const std::size_t begin = out.size();
  for (std::size_t k = 0; k < first.size(); ++k) {
    protocol::LevelRecord record;
    record.channel = channel.index;
    record.first = Sample{first[k]};
    record.command_sum = command_sum[k];
    record.command_count = static_cast<std::uint32_t>(command_count[k]);
    record.open_spike = static_cast<std::uint32_t>(open_spike[k]);
    out.emplace_back(record);
  }
  constexpr std::array<const char*, protocol::signal_count> signals{"v_out", "v_m", "i_read"};
  for (std::size_t s = 0; s < signals.size(); ++s) {
    const std::string name = signals[s];
    const auto lowest = column(name + "_lowest");
    const auto highest = column(name + "_highest");
    const auto sum = column(name + "_sum");
    const auto count = column(name + "_count");
    for (std::size_t k = 0; k < first.size(); ++k) {
      std::get<protocol::LevelRecord>(out[begin + k]).signals[s] = {
          static_cast<AdcCode>(lowest[k]), static_cast<AdcCode>(highest[k]), static_cast<std::uint32_t>(sum[k]),
          static_cast<std::uint16_t>(count[k])};
    }
  }
}

void read_gaps(hid_t file, Channel channel, Sample from, Sample until, std::vector<DeviceMessage>& out) {
  const std::string table = layout::invalid_times().path;
  const std::int64_t rows = table_rows(file, table);
  const auto column = [&](const char* name) { return read_column<std::int64_t>(file, table + "/" + name, 0, rows); };
  const auto of = column("channel");
  const auto first = column("first_sample");
  const auto end = column("end_sample");
  const auto trace_samples = column("trace_samples");
  const auto records = column("records");
  for (std::size_t k = 0; k < of.size(); ++k) {
    if (of[k] != channel.index || end[k] <= from.index || first[k] >= until.index) continue;
    out.emplace_back(Gap{channel, Sample{first[k]}, Sample{end[k]}, trace_samples[k], records[k] != 0});
  }
}

void read_marks(hid_t file, Sample from, Sample until, std::vector<DeviceMessage>& out) {
  const std::string table = layout::marks().path;
  const Rows rows = rows_within(file, table, "tick", to_ticks(from).count + 1, to_ticks(until).count + 1);
  const auto tick = read_column<std::int64_t>(file, table + "/tick", rows.first, rows.count);
  const auto state = read_column<std::int64_t>(file, table + "/state", rows.first, rows.count);
  for (std::size_t k = 0; k < tick.size(); ++k) {
    protocol::Mark mark;
    mark.at = to_sample(Ticks{tick[k]});
    mark.state = static_cast<protocol::State>(state[k]);
    out.emplace_back(mark);
  }
}

}  // namespace

std::vector<DeviceMessage> read_messages(hid_t file, const RunDescription& run, Channel channel, Sample from,
                                         Sample until) {
  std::vector<DeviceMessage> messages;
  read_spikes(file, run, channel, from, until, messages);
  read_levels(file, run, channel, from, until, messages);
  read_gaps(file, channel, from, until, messages);
  read_marks(file, from, until, messages);
  return messages;
}

}  // namespace thyrode::recording
