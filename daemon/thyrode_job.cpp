#include "daemon/thyrode_job.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "daemon/experiment/load/checks.hpp"
#include "daemon/experiment/load/words.hpp"

namespace thyrode::program {
namespace {

constexpr std::string_view demo_experiment = "msn-activation.yaml";
constexpr std::string_view default_station = "stations/emulated.yaml";

}  // namespace

Result<Job> load_job(const RunOptions& options) {
  auto experiment = options.built_in ? load::parse_experiment(embedded_file(demo_experiment), demo_experiment)
                                     : load::load_experiment(options.experiment_path);
  if (!experiment) return tl::make_unexpected(experiment.error());
  auto station = options.station_path.empty() ? load::parse_station(embedded_file(default_station), default_station)
                                              : load::load_station(options.station_path);
  if (!station) return tl::make_unexpected(station.error());
  if (auto checked = load::check_against(*experiment, *station); !checked) return tl::make_unexpected(checked.error());
  std::string uri = options.device.empty() ? station->device : options.device;
  return Job{std::move(*experiment), std::move(*station), std::move(uri)};
}

Result<load::Experiment> recorded_experiment(const recording::RunRecord& record, const std::string& name) {
  const load::ReadNamedFile files = [&record](const std::string& file) -> Result<std::string> {
    const auto found = record.experiment_files.find(file);
    if (found != record.experiment_files.end()) return found->second;
    return fail(ErrorKind::bad_input, file + ": is not in the recording");
  };
  return load::parse_experiment(record.experiment_yaml, name, files);
}

Result<Job> recorded_job(const recording::RunRecord& record, const std::string& path, const std::string& device) {
  auto experiment = recorded_experiment(record, path + " (experiment)");
  if (!experiment) return tl::make_unexpected(experiment.error());
  auto station = load::parse_station(record.station_yaml, path + " (station)");
  if (!station) return tl::make_unexpected(station.error());
  if (auto checked = load::check_against(*experiment, *station); !checked) return tl::make_unexpected(checked.error());
  return Job{std::move(*experiment), std::move(*station), device.empty() ? record.result.device_uri : device};
}

std::string other_channels(const Job& job, const DeviceInfo& device) {
  std::vector<std::string> others;
  for (const ChannelDescription& channel : device.channels) {
    const auto& companions = job.experiment.companions;
    const bool driven = channel.label == job.experiment.channel ||
                        std::any_of(companions.begin(), companions.end(), [&](const load::CompanionPlan& companion) {
                          return companion.channel == channel.label;
                        });
    if (!driven) others.emplace_back(channel.label);
  }
  if (others.empty()) return {};
  return fmt::format("the steps are on channel {}; channel {} is recorded and not stepped, its command stays zero",
                     job.experiment.channel, load::list_of_words(others));
}

}  // namespace thyrode::program
