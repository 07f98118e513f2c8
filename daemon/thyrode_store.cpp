#include "daemon/thyrode_store.hpp"

#include <fmt/chrono.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <ctime>
#include <fstream>
#include <iterator>

#include "daemon/recording/object_id.hpp"
#include "daemon/recording/requests.hpp"

namespace thyrode::program {
namespace {

using experiment::OperatorRequest;
using recording::RecordedOrder;
using recording::RecordedRequest;

double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// What tells this build from every other one.
std::string hash_of_program() {
  static const std::string hash = [] {
    std::ifstream program{"/proc/self/exe", std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{program}, {}};
    return bytes.empty() ? std::string{} : "sha1:" + recording::sha1_hex(bytes);
  }();
  return hash;
}

std::string iso_time(std::time_t now) {
  std::tm local{};
  localtime_r(&now, &local);
  std::string text = fmt::format("{:%Y-%m-%dT%H:%M:%S%z}", local);
  text.insert(text.size() - 2, ":");  // +0100 -> +01:00
  return text;
}

constexpr std::array<std::pair<OperatorRequest::Kind, RecordedRequest::Kind>, 5> request_kinds{
    {{OperatorRequest::Kind::stop, RecordedRequest::Kind::stop},
     {OperatorRequest::Kind::pause, RecordedRequest::Kind::pause},
     {OperatorRequest::Kind::resume, RecordedRequest::Kind::resume},
     {OperatorRequest::Kind::answer_yes, RecordedRequest::Kind::yes},
     {OperatorRequest::Kind::answer_no, RecordedRequest::Kind::no}}};

}  // namespace

Result<void> RecorderStore::add_order(const acquisition::Order& order) {
  RecordedOrder kept;
  if (const auto* step = std::get_if<acquisition::ScheduleStep>(&order)) {
    const Segment& segment = step->segment;
    kept = {
        RecordedOrder::Kind::piece, step->channel, segment.start, segment.duration, segment.first, segment.last, {}};
  } else if (const auto* set = std::get_if<acquisition::Configure>(&order)) {
    const auto* part = std::get_if<PartSettings>(&set->setting);
    if (part == nullptr) return {};
    kept.kind = RecordedOrder::Kind::load;
    kept.channel = set->channel;
    kept.at = set->at;
    kept.load = part->load;
  } else if (const auto* stop = std::get_if<acquisition::StopRun>(&order)) {
    kept.kind = RecordedOrder::Kind::stop;
    kept.at = stop->at;
  } else {
    return {};
  }
  return recorder_.add(kept);
}

Result<void> RecorderStore::add_request(const OperatorRequest& request) {
  RecordedRequest kept;
  for (const auto& [asked, recorded] : request_kinds) {
    if (asked == request.kind) kept.kind = recorded;
  }
  kept.after = request.after;
  kept.value = request.value;
  return recorder_.add(kept);
}

Result<void> RecorderStore::finalise(const analysis::RunResult& result, const std::string& exit_status) {
  return recorder_.finalise(result, exit_status, iso_time(std::time(nullptr)));
}

Result<std::vector<OperatorRequest>> recorded_requests(const std::string& path) {
  const auto recorded = recording::read_requests(path);
  if (!recorded) return tl::make_unexpected(recorded.error());
  std::vector<OperatorRequest> requests;
  for (const RecordedRequest& one : *recorded) {
    OperatorRequest request{OperatorRequest::Kind::stop, one.after, one.value};
    for (const auto& [asked, kind] : request_kinds) {
      if (kind == one.kind) request.kind = asked;
    }
    requests.push_back(request);
  }
  return requests;
}

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

recording::RunDescription describe_run(const Job& job, const experiment::RunPlan& plan, const DeviceInfo& device,
                                       const RunOptions& options) {
  recording::RunDescription description;
  description.experiment = job.experiment.name;
  description.experiment_yaml = job.experiment.source.text;
  description.experiment_files = job.experiment.files;
  description.station_yaml = job.station.source.text;
  description.device = device;
  description.channels.resize(device.channels.size());
  const auto setup = [&](Channel channel, const std::string& label, const LimitSettings& limits) {
    recording::ChannelSetup& told = description.channels[channel.index];
    told.trace_decimation = plan.telemetry.decimation;
    told.front_end_gain = job.station.channels.at(label).v_out_gain;
    told.limits = limits;
    told.detector = plan.detector;
    told.snippets = plan.snippets;
    if (plan.snippets.on) {
      told.snippet_samples =
          static_cast<int>(device.samples(plan.snippets.before).index + device.samples(plan.snippets.after).index);
    }
  };
  setup(plan.channel, job.experiment.channel, plan.limits);
  for (std::size_t k = 0; k < plan.companions.size(); ++k) {
    setup(plan.companions[k].channel, job.experiment.companions[k].channel, plan.companions[k].limits);
  }
  description.conditions = plan.conditions();
  description.roll_samples = device.samples(plan.roll_after).index;
  description.lease = {plan.lease};
  description.seed = options.seed.value_or(first_seed);
  description.host_version = std::string{"thyrode "} + version;
  description.host_hash = hash_of_program();
  if (job.uri.starts_with("sim:")) description.emulated = recording::EmulatedSetup{options.noise, options.spread};
  // A recording that is served again has no clock of its own.
  const bool by_data = device.virtual_time || device.tells_gaps;
  if (!by_data) description.host_seconds = unix_seconds;
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  const std::string now = iso_time(std::time(nullptr));
  description.wall_clock = {now, now, host.data(), options.command_line};
  description.flush_samples = by_data ? device.samples(250.0_ms).index : 0;
  return description;
}

}  // namespace thyrode::program
