// figure: the experiments of a figure of the literature, and what they find beside what it shows.

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/experiment/documents.hpp"
#include "daemon/experiment/load/checks.hpp"
#include "daemon/experiment/run_plan.hpp"
#include "daemon/figures/figure.hpp"
#include "daemon/figures/verdict.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_control.hpp"
#include "daemon/thyrode_job.hpp"
#include "daemon/thyrode_shape.hpp"
#include "daemon/thyrode_train.hpp"

namespace thyrode::program {
namespace {

using figures::Figure;
using figures::FigureRun;
using figures::Verdict;
using nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr std::string_view station_name = "stations/emulated.yaml";

/// What a check came to.
struct Row {
  Verdict verdict;
  std::string reason;  ///< why nothing was found, with the place in the file; empty: it was
};

/// A figure as it was measured.
struct Measured {
  fs::path folder;
  std::vector<Row> rows;  ///< one for each check
  bool passed() const {
    return std::all_of(rows.begin(), rows.end(), [](const Row& row) { return row.verdict.passed; });
  }
};

Result<void> write_document(const fs::path& path, const ordered_json& document) {
  std::ofstream file(path);
  file << document.dump(1) << '\n';
  file.close();
  if (file) return {};
  return fail(ErrorKind::run_failed, fmt::format("{}: could not be written", path.string()));
}

// ---------------------------------------------------------------- before anything is measured

RunOptions options_of(const Figure& figure, const FigureRun& run) {
  RunOptions options;
  options.seed = run.seed;
  options.noise = run.noise;
  options.device = run.device;
  options.command_line = fmt::format("thyrode figure {}", figure.source.file_name);
  return options;
}

Result<Job> job_of(const Figure& figure, const FigureRun& run) {
  auto station = load::parse_station(embedded_file(station_name), station_name);
  if (!station) return tl::make_unexpected(station.error());
  return Job{figure.experiments[run.experiment], std::move(*station), run.device};
}

/// The device is opened, told what it is, and left; the plan fits it.
Result<void> check_run(const Figure& figure, const FigureRun& run) {
  const auto job = job_of(figure, run);
  if (!job) return tl::make_unexpected(job.error());
  if (auto checked = load::check_against(job->experiment, job->station); !checked) return checked;
  const auto device = open_device(job->uri, {});
  if (!device) {
    return fail(device.error().kind, fmt::format("{}: run {}: {}", figure.source.at("runs." + run.name + ".device"),
                                                 run.name, device.error().message));
  }
  return experiment::make_run_plan(job->experiment, job->station, (*device)->info(), run.seed).map([](const auto&) {});
}

/// Everything that can be known beforehand: devices, plans, and where the checks look.
Result<void> check_figure(const Figure& figure) {
  for (const FigureRun& run : figure.runs) {
    if (auto checked = check_run(figure, run); !checked) return checked;
  }
  for (const figures::Check& check : figure.checks) {
    const auto shape = document_shape(figure.experiments[figure.runs[check.run].experiment]);
    if (const auto problem = figures::find_problem(check, shape)) {
      return figure.source.error(check.place + (problem->per ? ".per" : ".value"), problem->text);
    }
  }
  return {};
}

// ---------------------------------------------------------------- the measurement

fs::path recording_of(const fs::path& folder, const FigureRun& run) {
  return folder / (run.name + ".nwb");
}

/// What an earlier measurement of the same figure left is no part of this one.
void remove_earlier(const Figure& figure, const fs::path& folder) {
  std::error_code ignored;
  fs::remove(folder / "figure.json", ignored);
  for (const FigureRun& run : figure.runs) {
    for (const char* ending : {".nwb", ".nwb.part", ".nwb.part.undo", ".nwb.part.last", ".json", ".statistics.json"}) {
      fs::remove(folder / (run.name + ending), ignored);
    }
  }
}

/// Somebody asked for the end. What was measured before stays, and no check is judged.
tl::unexpected<Error> stopped(const Figure& figure, const FigureRun& run, const fs::path& folder) {
  std::error_code ignored;
  const fs::path recording = recording_of(folder, run);
  const std::string file = fs::exists(recording, ignored)
                               ? fmt::format("what was measured is in {}", recording.string())
                               : std::string{"nothing of it was measured"};
  return fail(
      ErrorKind::run_failed,
      fmt::format("{}: stopped in run {} ({} of {}): the current is zero; {}; no check of this figure was judged",
                  figure.source.file_name, run.name, &run - figure.runs.data() + 1, figure.runs.size(), file));
}

/// Carries out one run of a figure.
Result<ordered_json> measure_run(const Figure& figure, const FigureRun& run, const fs::path& folder,
                                 RunControl& control) {
  const auto job = job_of(figure, run);
  if (!job) return tl::make_unexpected(job.error());
  RunOptions options = options_of(figure, run);
  options.out = recording_of(folder, run).string();
  const auto result = measure(*job, options, control);
  if (control.interrupted()) return stopped(figure, run, folder);
  if (!result) {
    return fail(result.error().kind,
                fmt::format("{}: run {}: {}", figure.source.at("runs." + run.name), run.name, result.error().message));
  }
  ordered_json document = experiment::to_json(*result);
  if (auto written = write_document(folder / (run.name + ".json"), document); !written) {
    return tl::make_unexpected(written.error());
  }
  return document;
}

/// Adds the statistics of a recording to the document of its run, and keeps them beside it.
Result<void> add_statistics(const FigureRun& run, const fs::path& folder, ordered_json& document) {
  auto statistics = recording_document(recording_of(folder, run).string(), {});
  if (!statistics) return tl::make_unexpected(statistics.error());
  if (auto written = write_document(folder / (run.name + ".statistics.json"), *statistics); !written) return written;
  document["statistics"] = std::move(*statistics);
  return {};
}

/// A check that cannot be judged fails by itself: the others are worth as much as before.
Row row_of(const Figure& figure, const figures::Check& check, const ordered_json& document) {
  auto verdict = figures::judge(check, document);
  if (verdict) return {std::move(*verdict), ""};
  return {{"nothing", std::nullopt, false},
          fmt::format("{}: {}", figure.source.at(check.place + ".value"), verdict.error().message)};
}

Result<std::vector<ordered_json>> measure_runs(const Figure& figure, const fs::path& folder, RunControl& control) {
  std::vector<ordered_json> documents;
  for (std::size_t k = 0; k < figure.runs.size(); ++k) {
    auto document = measure_run(figure, figure.runs[k], folder, control);
    if (!document) return tl::make_unexpected(document.error());
    const bool asked = std::any_of(figure.checks.begin(), figure.checks.end(), [&](const figures::Check& check) {
      return check.run == k && figures::needs_statistics(check);
    });
    if (asked) {
      if (auto added = add_statistics(figure.runs[k], folder, *document); !added) {
        return tl::make_unexpected(added.error());
      }
    }
    if (control.interrupted()) return stopped(figure, figure.runs[k], folder);
    documents.push_back(std::move(*document));
  }
  return documents;
}

Result<Measured> measure_figure(const Figure& figure, const std::string& out, RunControl& control) {
  Measured measured;
  measured.folder = fs::path{out} / figure.name;
  std::error_code error;
  fs::create_directories(measured.folder, error);
  if (error) {
    return fail(ErrorKind::bad_input,
                fmt::format("--out {}: the folder cannot be made: {}", measured.folder.string(), error.message()));
  }
  remove_earlier(figure, measured.folder);
  const auto documents = measure_runs(figure, measured.folder, control);
  if (!documents) {
    // Only one that holds nothing goes.
    fs::remove(measured.folder, error);
    return tl::make_unexpected(documents.error());
  }
  for (const figures::Check& check : figure.checks) {
    measured.rows.push_back(row_of(figure, check, (*documents)[check.run]));
  }
  return measured;
}

// ---------------------------------------------------------------- the table

constexpr std::size_t width_of_what = 42;
constexpr std::size_t width_of_paper = 40;
constexpr std::size_t width_of_measured = 24;

/// Words of a cell in lines of at most `width` characters; a longer word is cut.
std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines{""};
  while (!text.empty()) {
    const std::size_t end = std::min({text.find(' '), text.size(), width});
    const std::string_view word = text.substr(0, end);
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width) lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
    text.remove_prefix(end);
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  }
  return lines;
}

void print_row(std::string_view what, std::string_view paper, std::string_view measured, std::string_view verdict) {
  const std::vector<std::vector<std::string>> cells{wrapped(what, width_of_what), wrapped(paper, width_of_paper),
                                                    wrapped(measured, width_of_measured)};
  const std::size_t height = std::max({cells[0].size(), cells[1].size(), cells[2].size()});
  for (std::size_t k = 0; k < height; ++k) {
    const auto cell = [&](std::size_t c) { return k < cells[c].size() ? cells[c][k] : std::string{}; };
    std::string line = fmt::format("{:<{}}  {:<{}}  {:<{}}  {}", cell(0), width_of_what, cell(1), width_of_paper,
                                   cell(2), width_of_measured, k == 0 ? verdict : "");
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
  }
}

/// What the table alone does not tell.
void print_notes(const Figure& figure, const Measured& measured) {
  for (std::size_t k = 0; k < figure.checks.size(); ++k) {
    if (!measured.rows[k].reason.empty()) fmt::print("{}: {}\n", figure.checks[k].what, measured.rows[k].reason);
  }
  const auto wider = std::count_if(figure.checks.begin(), figure.checks.end(),
                                   [](const figures::Check& check) { return check.wider_than_paper(); });
  if (wider > 0) {
    fmt::print("* wanted less closely than the published value is known, whose error stands behind it ({} of {})\n",
               wider, figure.checks.size());
  }
}

void print_figure(const Figure& figure, const Measured& measured) {
  fmt::print("{}\n", figure.title);
  for (const std::string& line : wrapped(figure.shows, 110)) fmt::print("  {}\n", line);
  fmt::print("\n");
  print_row("what", "paper", "measured (wanted)", "");
  for (std::size_t k = 0; k < figure.checks.size(); ++k) {
    const figures::Check& check = figure.checks[k];
    const Verdict& verdict = measured.rows[k].verdict;
    const std::string error = check.paper_error ? fmt::format(" [+- {}]", check.paper_error_text) : "";
    print_row(check.what, check.paper + error, fmt::format("{} ({})", verdict.measured, check.wanted),
              fmt::format("{}{}", verdict.passed ? "pass" : "FAIL", check.wider_than_paper() ? " *" : ""));
  }
  fmt::print("\n");
  print_notes(figure, measured);
  const auto passed =
      std::count_if(measured.rows.begin(), measured.rows.end(), [](const Row& row) { return row.verdict.passed; });
  fmt::print("{} of {} pass; recordings (.nwb) and result documents (.json) are in {}/\n\n", passed,
             measured.rows.size(), measured.folder.string());
}

ordered_json figure_json(const Figure& figure, const Measured& measured) {
  ordered_json document{{"file", figure.source.file_name}, {"name", figure.name},
                        {"title", figure.title},           {"shows", figure.shows},
                        {"passed", measured.passed()},     {"folder", measured.folder.string()},
                        {"runs", ordered_json::array()},   {"checks", ordered_json::array()}};
  for (const FigureRun& run : figure.runs) {
    document["runs"].push_back({{"name", run.name},
                                {"experiment", figure.experiments[run.experiment].name},
                                {"device", run.device},
                                {"seed", run.seed},
                                {"document", (measured.folder / (run.name + ".json")).string()},
                                {"recording", recording_of(measured.folder, run).string()}});
  }
  const auto number = [](const std::optional<double>& value) {
    return value ? ordered_json(*value) : ordered_json(nullptr);
  };
  for (std::size_t k = 0; k < figure.checks.size(); ++k) {
    const figures::Check& check = figure.checks[k];
    const Row& row = measured.rows[k];
    document["checks"].push_back({{"what", check.what},
                                  {"paper", check.paper},
                                  {"run", figure.runs[check.run].name},
                                  {"path", check.value.text()},
                                  {"wanted", check.wanted},
                                  {"low", number(check.low)},
                                  {"high", number(check.high)},
                                  {"paper_error", number(check.paper_error)},
                                  {"wider_than_paper", check.wider_than_paper()},
                                  {"measured", row.verdict.measured},
                                  {"value", number(row.verdict.value)},
                                  {"unit", check.unit.word},
                                  {"passed", row.verdict.passed},
                                  {"reason", row.reason.empty() ? ordered_json(nullptr) : ordered_json(row.reason)}});
  }
  return document;
}

}  // namespace

int figure(const FigureOptions& options) {
  // All files are read before the first is measured: a slip in the last one is told at once.
  std::vector<Figure> all;
  for (const std::string& path : options.paths) {
    auto read = figures::load_figure(path);
    if (!read) return report(read.error());
    for (const Figure& other : all) {
      if (other.name != read->name) continue;
      return report({ErrorKind::bad_input,
                     fmt::format("{}: '{}' is the name of {} too, and both would use one folder; write another",
                                 read->source.at("name"), read->name, other.source.file_name)});
    }
    if (auto checked = check_figure(*read); !checked) return report(checked.error());
    all.push_back(std::move(*read));
  }
  RunControl control{{}, RunControl::Ask::never};
  ordered_json document{{"schema", "thyrode.gallery/1"}, {"passed", true}, {"figures", ordered_json::array()}};
  bool passed = true;
  for (const Figure& one : all) {
    const auto measured = measure_figure(one, options.out, control);
    if (!measured) return report(measured.error());
    passed = passed && measured->passed();
    ordered_json told = figure_json(one, *measured);
    if (auto written = write_document(measured->folder / "figure.json", told); !written) return report(written.error());
    document["figures"].push_back(std::move(told));
    if (!options.json) print_figure(one, *measured);
    std::fflush(stdout);
  }
  document["passed"] = passed;
  if (options.json) fmt::print("{}\n", document.dump());
  return passed ? 0 : 1;
}

}  // namespace thyrode::program
