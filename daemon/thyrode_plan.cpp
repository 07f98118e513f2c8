// plan: what an experiment would take; drives no current.

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/experiment/load/checks.hpp"
#include "daemon/experiment/load/file_plan.hpp"
#include "daemon/experiment/load/plan_extent.hpp"
#include "daemon/experiment/load/quantity_text.hpp"
#include "daemon/experiment/load/words.hpp"
#include "daemon/experiment/run_plan.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_job.hpp"
#include "daemon/thyrode_outline.hpp"

namespace thyrode::program {
namespace {

/// What the figures stand on.
struct Asked {
  DeviceInfo device;
  bool opened = false;  ///< it is what the device says of itself
};

using Json = nlohmann::ordered_json;

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json to_json(const OutlinedStep& outlined) {
  const experiment::PlannedStep& step = outlined.step;
  Json json{{"current_ua", step.current.in(1.0_uA)},
            {"first_ua", outlined.first.in(1.0_uA)},
            {"last_ua", outlined.last.in(1.0_uA)},
            {"direction", to_string(step.direction)},
            {"leg", step.leg},
            {"latest_start_s", outlined.latest_start_s},
            {"lasts_s", or_null(outlined.lasts_s)}};
  if (step.lead) json["lead"] = {{"current_ua", step.lead->current.in(1.0_uA)}, {"hold_s", step.lead->hold.si()}};
  if (!step.conditions.empty()) json["conditions"] = step.conditions;
  if (!step.purpose.empty()) json["purpose"] = step.purpose;
  if (!outlined.what.empty()) json["course"] = outlined.what;
  return json;
}

Json to_json(const PlanOutline& outline) {
  Json json;
  if (!outline.name.empty()) json["part"] = outline.name;
  json["plan"] = outline.word;
  json["rule"] = outline.rule;
  if (!outline.entry.empty()) json["entry"] = outline.entry;
  json["conditions"] = outline.conditions;
  json["targets"] = outline.targets;
  Json budget{{"points", or_null(outline.budget.points)}, {"time_s", nullptr}, {"charge_mc", nullptr}};
  if (outline.budget.time) budget["time_s"] = outline.budget.time->si();
  if (outline.budget.charge) budget["charge_mc"] = outline.budget.charge->in(1.0_mC);
  json["budget"] = std::move(budget);
  json["points"] = or_null(outline.points);
  json["most_points"] = outline.most_points;
  json["longest_bench_time_s"] = outline.longest_s;
  Json steps = Json::array();
  for (const OutlinedStep& step : outline.steps) steps.push_back(to_json(step));
  json[outline.points ? "timetable" : "first_steps"] = std::move(steps);
  return json;
}

void print_plan_json(const Job& job, const Asked& asked, const load::PlanSummary& summary, const load::FilePlan& files,
                     const std::vector<PlanOutline>& outlines) {
  Json plans = Json::array();
  for (const PlanOutline& outline : outlines) plans.push_back(to_json(outline));
  const Json document{{"schema", "thyrode.plan/1"},
                      {"experiment", job.experiment.name},
                      {"device", job.uri},
                      {"device_opened", asked.opened},
                      {"channel", job.experiment.channel},
                      {"plan", load::plan_word(job.experiment.plan)},
                      {"points", or_null(summary.steps)},
                      {"most_points", summary.most_steps},
                      {"legs", summary.legs},
                      {"asks_operator", load::asks_operator(job.experiment)},
                      {"longest_bench_time_s", summary.longest_bench_time.si()},
                      {"silence_s", summary.silence.si()},
                      {"largest_file_bytes", summary.bytes},
                      {"file_bytes_per_spike", summary.bytes_per_spike},
                      {"most_files", files.files},
                      {"roll_after_s", files.roll_after.si()},
                      {"trace_rate_hz", summary.trace_rate.si()},
                      {"smallest_current_ua", summary.smallest_current.in(1.0_uA)},
                      {"largest_current_ua", summary.largest_current.in(1.0_uA)},
                      {"lowest_limit_ua", summary.lowest_limit.in(1.0_uA)},
                      {"highest_limit_ua", summary.highest_limit.in(1.0_uA)},
                      {"slew_ma_per_s", summary.slew.si() * 1e3},
                      {"largest_charge_mc_per_min", summary.largest_charge_per_minute.in(1.0_mC)},
                      {"charge_limit_mc_per_min", summary.charge_limit_per_minute.in(1.0_mC)},
                      {"plans", std::move(plans)}};
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
  for (const load::CompanionPlan& companion : job.experiment.companions) {
    fmt::print("companion        {}, {}\n", companion.channel,
               companion.current
                   ? fmt::format("at {} from the first step to the last", load::to_text(*companion.current))
                   : std::string{"at the current of the plan"});
  }
}

/// Text after a heading, in lines that fit a terminal.
void print_folded(std::string_view heading, std::string_view content) {
  constexpr std::size_t width = 100;
  std::string line = fmt::format("{:<17}", heading);
  std::size_t column = line.size();
  while (!content.empty()) {
    const std::size_t end = content.find(' ');
    const std::string_view word = content.substr(0, end);
    if (column + word.size() > width && column > 17) {
      line.pop_back();
      line += fmt::format("\n{:17}", "");
      column = 17;
    }
    line += word;
    column += word.size();
    content = end == std::string_view::npos ? std::string_view{} : content.substr(end + 1);
    if (!content.empty()) line += ' ', ++column;
  }
  fmt::print("{}\n", line);
}

std::string counted(std::int64_t count, std::string_view word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

/// A length of time as one plans a day with it.
std::string time_text(double seconds) {
  if (seconds < 120.0) return fmt::format("{:.3g} s", seconds);
  if (seconds < 7200.0) return fmt::format("{:.3g} min", seconds / 60.0);
  return fmt::format("{:.3g} h", seconds / 3600.0);
}

/// Whether how long it lasts is up to the data.
bool waits(const OutlinedStep& step) {
  return !step.lasts_s;
}

std::string budget_text(const load::Budget& budget) {
  std::vector<std::string> limits;
  if (budget.points) limits.push_back(counted(*budget.points, "point"));
  if (budget.time) limits.push_back(time_text(budget.time->si()));
  if (budget.charge) limits.push_back(load::format_rounded(budget.charge->si(), load::QuantityKind::charge));
  if (limits.empty()) return {};
  return load::list_of_words(limits, " or ") + (limits.size() > 1 ? ", whichever is used up first" : "");
}

void print_step(const PlanOutline& outline, std::size_t k) {
  const OutlinedStep& entry = outline.steps[k];
  const std::string lasts =
      entry.lasts_s ? fmt::format("{:.2f}", *entry.lasts_s) : fmt::format("up to {:.4g}", outline.longest_step_s);
  std::string line = fmt::format("{:17}{:>6} {:>4} {:>9.3f} {:>9.3f} {:>11.2f} {:>11}  {}{}{}", "", k, entry.step.leg,
                                 entry.first.in(1.0_uA), entry.last.in(1.0_uA), entry.latest_start_s, lasts,
                                 entry.step.purpose, entry.what.empty() ? "" : ": ", entry.what);
  line.erase(line.find_last_not_of(' ') + 1);
  fmt::print("{}\n", line);
}

/// The first of many steps, and with which it ends.
void print_steps(const PlanOutline& outline) {
  constexpr std::size_t first = 20;
  constexpr std::size_t last = 2;
  fmt::print("{:<17}{:>6} {:>4} {:>9} {:>9} {:>11} {:>11}\n", outline.points ? "timetable" : "begins with", "step",
             "leg", "from uA", "to uA", "starts by s", "lasts s");
  const std::size_t count = outline.steps.size();
  const bool all = count <= first + last + 1;
  for (std::size_t k = 0; k < (all ? count : first); ++k) print_step(outline, k);
  if (!all) {
    fmt::print("{:17}{:>6} and {} more, with --json all of them\n", "", "...", count - first - last);
    for (std::size_t k = count - last; k < count; ++k) print_step(outline, k);
  }
  if (!outline.points) fmt::print("{:17}{:>6} and then it decides by the rule\n", "", "...");
}

void print_outline(const PlanOutline& outline) {
  print_folded("plan", outline.name.empty() ? outline.word : fmt::format("{}, part {}", outline.word, outline.name));
  for (const std::string& condition : outline.conditions) print_folded("  first", condition);
  print_folded("  rule", outline.rule);
  if (!outline.entry.empty()) print_folded("  entry", outline.entry);
  if (!outline.targets.empty()) {
    print_folded("  targets", load::list_of_words(outline.targets) + (outline.targets.size() > 1
                                                                          ? "; the plan ends when all are met"
                                                                          : "; the plan ends when that is met"));
  }
  if (const std::string budget = budget_text(outline.budget); !budget.empty()) {
    print_folded("  budget", budget);
  }
  if (!outline.name.empty()) {
    fmt::print("  takes          {}{}, at most {}\n", outline.points ? "" : "at most ",
               counted(outline.most_points, "step"), time_text(outline.longest_s));
  }
  print_steps(outline);
}

/// What holds for steps that last until the data suffice; nothing of a ramp.
void print_waiting(const Job& job, const load::PlanSummary& summary) {
  fmt::print(
      "silence          no spike for {} is silence (dwell.f_min {:.6g} Hz): a slower rhythm needs a lower f_min\n",
      load::format_rounded(summary.silence.si(), load::QuantityKind::duration, 6), job.experiment.dwell.f_min.si());
}

void print_files(const load::FilePlan& files) {
  if (files.files == 1) return;
  const std::string why = files.by_the_user ? "record.roll_after" : "what the format can number";
  print_folded("files", fmt::format("at most {}, NAME.nwb, NAME.2.nwb ...: a new one begins with the first step after "
                                    "{} ({})",
                                    files.files, time_text(files.roll_after.si()), why));
}

void print_plan(const Job& job, const Asked& asked, const load::PlanSummary& summary, const load::FilePlan& files,
                const std::vector<PlanOutline>& outlines) {
  const bool by_data = std::any_of(outlines.begin(), outlines.end(), [](const PlanOutline& outline) {
    return !outline.points || std::any_of(outline.steps.begin(), outline.steps.end(), waits);
  });
  fmt::print("experiment       {} on {}\n", job.experiment.name, job.uri);
  print_device(job, asked);
  for (const PlanOutline& outline : outlines) print_outline(outline);
  fmt::print("points           {}{} in {}\n", summary.steps ? "" : "at most ", summary.most_steps,
             counted(summary.legs, "leg"));
  fmt::print("bench time       {}{}{}{}\n", by_data ? "at most " : "", time_text(summary.longest_bench_time.si()),
             by_data ? "; a step ends earlier when its rate is known" : "",
             load::asks_operator(job.experiment) ? "; what an operator takes comes on top" : "");
  if (by_data) print_waiting(job, summary);
  fmt::print(
      "file             at most {:.1f} MB and {:.0f} bytes a spike, trace {}\n", summary.bytes * 1e-6,
      summary.bytes_per_spike,
      summary.trace_rate.si() > 0.0 ? fmt::format("{:.6g} kS/s", summary.trace_rate.si() * 1e-3) : std::string{"off"});
  print_files(files);
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
  const auto run = experiment::make_run_plan(job->experiment, job->station, info, options.seed.value_or(first_seed));
  if (!run) return report(run.error());
  const load::PlanSummary summary =
      load::summarize(job->experiment, job->station, Frequency::from_si(info.sample_rate_hz), info.channels.size());
  const auto outlines = outline(*job, *run, info);
  const auto files = load::plan_files(job->experiment, job->station, Frequency::from_si(info.sample_rate_hz));
  if (!files) return report(files.error());
  options.json ? print_plan_json(*job, *asked, summary, *files, outlines)
               : print_plan(*job, *asked, summary, *files, outlines);
  return 0;
}

}  // namespace thyrode::program
