#include "daemon/report/report.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "daemon/analysis/isi_histogram.hpp"
#include "daemon/experiment/documents.hpp"
#include "daemon/recording/origin.hpp"
#include "daemon/recording/run_files.hpp"
#include "daemon/recording/trace_reader.hpp"
#include "daemon/report/step_detail.hpp"
#include "daemon/report/windows.hpp"

namespace thyrode::report {
namespace {

using Json = nlohmann::ordered_json;
using Traces = std::map<int, std::unique_ptr<recording::TraceReader>>;

/// Rows as a table: keys once, then values only.
Json rows_json(const std::vector<analysis::StepResult>& steps, bool features) {
  Json table{{"keys", Json::array()}, {"rows", Json::array()}, {"features", Json::array()}};
  for (const analysis::FeatureField& field : analysis::feature_fields()) {
    table["features"].push_back({field.name, field.description});
  }
  for (const analysis::StepResult& step : steps) {
    Json row = experiment::to_json(step);
    Json values = Json::array();
    if (features) {
      for (auto& [name, value] : row["features"].items()) values.push_back(std::move(value));
    }
    row["features"] = std::move(values);
    if (table["keys"].empty()) {
      for (const auto& [name, value] : row.items()) table["keys"].push_back(name);
    }
    Json told = Json::array();
    for (auto& [name, value] : row.items()) told.push_back(std::move(value));
    table["rows"].push_back(std::move(told));
  }
  return table;
}

Json running_json(const recording::RunRecord& record) {
  if (!record.running) return nullptr;
  const recording::RunningStretch& running = *record.running;
  const double tick_s = 1.0 / (record.sample_rate_hz * static_cast<double>(ticks_per_sample));
  return {{"channel", running.channel},
          {"current_ua", running.current_ua},
          {"duration_s", static_cast<double>(running.until - running.from) * tick_s},
          {"n_spikes", running.n_spikes},
          {"frequency_hz", running.frequency_hz ? Json(*running.frequency_hz) : Json(nullptr)}};
}

Json signals_json(const DeviceInfo& device, const Traces& traces) {
  Json list = Json::array();
  for (std::size_t k = 0; k < device.channels.size(); ++k) {
    const Scale& scale = device.channels[k].signal(protocol::Signal::v_out);
    Json signal{{"channel", device.channels[k].label},
                {"code_mv", scale.scale * 1e3},
                {"zero_code", scale.zero},
                {"trace", nullptr}};
    const auto found = traces.find(static_cast<int>(k));
    if (found != traces.end() && found->second) {
      const recording::TraceReader& trace = *found->second;
      signal["trace"] = {{"code_mv", trace.scale().scale * 1e3},
                         {"zero_code", trace.scale().zero},
                         {"codes_per_value", trace.decimation()},
                         {"rate_hz", device.sample_rate_hz / trace.decimation()}};
    }
    list.push_back(std::move(signal));
  }
  return list;
}

Result<Traces> open_traces(const std::string& path, const std::vector<analysis::StepResult>& steps,
                           const DeviceInfo& device) {
  Traces traces;
  for (const analysis::StepResult& step : steps) {
    const auto channel = static_cast<std::size_t>(step.channel);
    if (traces.contains(step.channel) || channel >= device.channels.size()) continue;
    auto trace = recording::TraceReader::open(path, device.channels[channel].label);
    if (!trace) return tl::make_unexpected(trace.error());
    traces[step.channel] = std::move(*trace);
  }
  return traces;
}

/// The rows whose details the page has: those that were measured here, evenly spread where there are too many.
std::vector<std::size_t> detailed_rows(const std::vector<analysis::StepResult>& steps, std::int64_t most) {
  std::vector<std::size_t> rows;
  for (std::size_t k = 0; k < steps.size(); ++k) {
    if (steps[k].resumed_from.empty()) rows.push_back(k);
  }
  const auto all = static_cast<std::int64_t>(rows.size());
  if (all <= most) return rows;
  std::vector<std::size_t> chosen;
  for (std::int64_t k = 0; k < most; ++k) chosen.push_back(rows[static_cast<std::size_t>(k * all / most)]);
  return chosen;
}

std::vector<Share> shares_of(const std::vector<analysis::StepResult>& steps, const std::vector<std::size_t>& rows,
                             const Traces& traces, const Budget& budget) {
  std::vector<std::int64_t> spikes;
  std::vector<std::int64_t> values;
  for (const std::size_t row : rows) {
    // A few more than it counts: those of the settling.
    spikes.push_back(steps[row].n_spikes + 1000);
    const auto trace = traces.find(steps[row].channel);
    values.push_back(part_of(trace == traces.end() ? nullptr : trace->second.get(), steps[row]).count);
  }
  const auto of_spikes = fair_shares(spikes, budget.spikes);
  const auto of_values = fair_shares(values, budget.trace_values);
  const auto count = std::max<std::int64_t>(1, static_cast<std::int64_t>(rows.size()));
  const std::int64_t bins = std::clamp<std::int64_t>(budget.level_bins / count, 1, budget.most_level_bins);
  std::vector<Share> shares;
  for (std::size_t k = 0; k < rows.size(); ++k) shares.push_back({of_spikes[k], of_values[k], bins});
  return shares;
}

Result<Json> details_json(const std::string& path, const std::vector<analysis::StepResult>& steps,
                          const DeviceInfo& device, const Traces& traces, const Budget& budget) {
  Json details = Json::array();
  for (std::size_t k = 0; k < steps.size(); ++k) details.push_back(nullptr);
  const auto rows = detailed_rows(steps, budget.detailed_steps);
  const auto shares = shares_of(steps, rows, traces, budget);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const analysis::StepResult& step = steps[rows[k]];
    const auto trace = traces.find(step.channel);
    auto detail = step_detail(path, static_cast<std::int64_t>(rows[k]), step, device,
                              trace == traces.end() ? nullptr : trace->second.get(), shares[k]);
    if (!detail) return detail;
    details[rows[k]] = std::move(*detail);
  }
  return details;
}

/// Names of the files of the run in their order, without their folder; of a run in one file none.
Json run_files(const std::string& path) {
  Json names = Json::array();
  const auto files = recording::files_of_run(path);
  if (!files || files->size() < 2) return names;
  for (const recording::RunFile& file : *files) {
    names.push_back(std::filesystem::path{file.path}.filename().string());
  }
  return names;
}

}  // namespace

Result<Json> report_data(const std::string& path, const recording::RunRecord& record, const Budget& budget) {
  const auto origin = recording::read_origin(path);
  if (!origin) return tl::make_unexpected(origin.error());
  const auto device = recording::read_device(path);
  if (!device) return tl::make_unexpected(device.error());
  const std::vector<analysis::StepResult>& steps = record.result.steps;
  const auto traces = open_traces(path, steps, *device);
  if (!traces) return tl::make_unexpected(traces.error());
  auto details = details_json(path, steps, *device, *traces, budget);
  if (!details) return details;

  analysis::RunResult frame = record.result;
  frame.steps.clear();
  Json result = experiment::to_json(frame);
  result["steps"] = rows_json(steps, static_cast<std::int64_t>(steps.size()) <= budget.featured_steps);
  Json data{{"schema", "thyrode.report/1"},
            {"file", std::filesystem::path{path}.filename().string()},
            {"run_files", run_files(path)},
            {"finalised", record.finalised},
            {"exit_status", record.exit_status},
            {"running", running_json(record)},
            {"sample_rate_hz", device->sample_rate_hz},
            {"ticks_per_sample", ticks_per_sample},
            {"virtual_time", device->virtual_time},
            {"signals", signals_json(*device, *traces)},
            {"histogram_ratio", analysis::IsiHistogram::lower_edge_us(1)}};
  data["origin"] = {{"session_start", origin->session_start},
                    {"finished", origin->finished},
                    {"host_name", origin->host_name},
                    {"command_line", origin->command_line},
                    {"host_version", record.host_version}};
  data["link"] = nullptr;
  if (record.link) {
    data["link"] = {{"bytes_up", record.link->bytes_up},
                    {"bytes_down", record.link->bytes_down},
                    {"retransmits", record.link->retransmits},
                    {"lost_frames", record.link->lost_frames},
                    {"bad_frames", record.link->bad_frames}};
  }
  data["experiment_yaml"] = record.experiment_yaml;
  data["station_yaml"] = record.station_yaml;
  data["experiment_files"] = record.experiment_files;
  data["result"] = std::move(result);
  data["details"] = std::move(*details);
  return data;
}

}  // namespace thyrode::report
