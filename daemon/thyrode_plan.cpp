// plan: what an experiment would take; drives no current.

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "daemon/experiment/load/checks.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_job.hpp"

namespace thyrode::program {
namespace {

/// What the figures stand on.
struct Asked {
  DeviceInfo device;
  bool opened = false;  ///< it is what the device says of itself
};

void print_plan_json(const Job& job, const Asked& asked, const load::PlanSummary& summary) {
  const nlohmann::ordered_json document{{"schema", "thyrode.plan/1"},
                                        {"experiment", job.experiment.name},
                                        {"device", job.uri},
                                        {"device_opened", asked.opened},
                                        {"channel", job.experiment.channel},
                                        {"points", summary.most_steps},
                                        {"legs", summary.legs},
                                        {"longest_bench_time_s", summary.longest_bench_time.si()},
                                        {"silence_s", summary.silence.si()},
                                        {"largest_file_bytes", summary.bytes},
                                        {"trace_rate_hz", summary.trace_rate.si()},
                                        {"smallest_current_ua", summary.smallest_current.in(1.0_uA)},
                                        {"largest_current_ua", summary.largest_current.in(1.0_uA)},
                                        {"lowest_limit_ua", summary.lowest_limit.in(1.0_uA)},
                                        {"highest_limit_ua", summary.highest_limit.in(1.0_uA)},
                                        {"slew_ma_per_s", summary.slew.si() * 1e3},
                                        {"largest_charge_mc_per_min", summary.largest_charge_per_minute.in(1.0_mC)},
                                        {"charge_limit_mc_per_min", summary.charge_limit_per_minute.in(1.0_mC)}};
  fmt::print("{}\n", document.dump());
}

/// Says whether the device was asked, and on which channel the steps are.
void print_device(const Job& job, const Asked& asked) {
  if (asked.opened) {
    fmt::print("device           {} {}, firmware {}, answers at {}\n", asked.device.board, asked.device.serial,
               asked.device.firmware, job.uri);
  } else {
    fmt::print(
        "device           {} was not opened: the figures are those of the reference board at such a link; "
        "--device asks it\n",
        job.uri);
  }
  const std::string others = other_channels(job, asked.device);
  fmt::print("channel          {}\n", others.empty() || !asked.opened ? job.experiment.channel : others);
}

void print_plan(const Job& job, const Asked& asked, const load::PlanSummary& summary) {
  const double hours = summary.longest_bench_time.si() / 3600.0;
  fmt::print("experiment       {} on {}\n", job.experiment.name, job.uri);
  print_device(job, asked);
  fmt::print("points           {} in {} leg{}\n", summary.most_steps, summary.legs, summary.legs == 1 ? "" : "s");
  fmt::print("bench time       at most {:.1f} min ({:.2f} h); a step ends earlier when its rate is known\n",
             hours * 60.0, hours);
  fmt::print(
      "silence          no spike for {:.6g} s is silence (dwell.f_min {:.6g} Hz): a slower rhythm needs a lower "
      "f_min\n",
      summary.silence.si(), job.experiment.dwell.f_min.si());
  fmt::print(
      "file             at most {:.1f} MB, trace {}\n", summary.bytes * 1e-6,
      summary.trace_rate.si() > 0.0 ? fmt::format("{:.6g} kS/s", summary.trace_rate.si() * 1e-3) : std::string{"off"});
  fmt::print("current          {:.6g} to {:.6g} uA; limits {:.6g} to {:.6g} uA, slew {:.6g} mA/s\n",
             summary.smallest_current.in(1.0_uA), summary.largest_current.in(1.0_uA), summary.lowest_limit.in(1.0_uA),
             summary.highest_limit.in(1.0_uA), summary.slew.si() * 1e3);
  fmt::print("charge           at most {:.4g} mC a minute; limit {:.4g} mC a minute\n",
             summary.largest_charge_per_minute.in(1.0_mC), summary.charge_limit_per_minute.in(1.0_mC));
  fmt::print("nothing was armed\n");
}

/// A device named on the command line is opened, told what it is, and left; so is one inside this process. One that the
/// station names may be elsewhere while plans are made: it is taken for the reference board at such a link.
Result<Asked> ask(const Job& job, const RunOptions& options) {
  const bool opened = !options.device.empty() || job.uri.starts_with("sim:");
  const bool serial = job.uri.starts_with("serial:") || job.uri.starts_with("usb:") || job.uri.starts_with("pty:");
  SimulatorOptions simulator;
  simulator.link_rate = serial ? 100'000 : 0;
  auto device = open_device(opened ? job.uri : "sim:msn", simulator);
  if (!device) return tl::make_unexpected(device.error());
  Asked asked{(*device)->info(), opened};
  asked.device.uri = job.uri;
  return asked;
}

}  // namespace

int plan(const RunOptions& options) {
  const auto job = load_job(options);
  if (!job) return report(job.error());
  const auto asked = ask(*job, options);
  if (!asked) return report(asked.error());
  const DeviceInfo& info = asked->device;
  if (auto checked = load::check_device(job->experiment, job->station, info); !checked) return report(checked.error());
  const load::PlanSummary summary =
      load::summarize(job->experiment, job->station, Frequency::from_si(info.sample_rate_hz));
  options.json ? print_plan_json(*job, *asked, summary) : print_plan(*job, *asked, summary);
  return 0;
}

}  // namespace thyrode::program
