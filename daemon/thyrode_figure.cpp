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
#include "daemon/figures/figure.hpp"
#include "daemon/figures/verdict.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_job.hpp"
#include "daemon/thyrode_train.hpp"

namespace thyrode::program {
namespace {

using figures::Figure;
using figures::FigureRun;
using figures::Verdict;
using nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr std::string_view station_name = "stations/emulated.yaml";

/// A figure as it was measured.
struct Measured {
  fs::path folder;
  std::vector<Verdict> verdicts;  ///< one for each check
  bool passed() const {
    return std::all_of(verdicts.begin(), verdicts.end(), [](const Verdict& v) { return v.passed; });
  }
};

Result<void> write_document(const fs::path& path, const ordered_json& document) {
  std::ofstream file(path);
  file << document.dump(1) << '\n';
  file.close();
  if (file) return {};
  return fail(ErrorKind::run_failed, fmt::format("{}: could not be written", path.string()));
}

/// Carries out one run of a figure. What an earlier run of the same figure left there is replaced.
Result<ordered_json> measure_run(const Figure& figure, const FigureRun& run, const fs::path& folder) {
  auto station = load::parse_station(embedded_file(station_name), station_name);
  if (!station) return tl::make_unexpected(station.error());
  const Job job{figure.experiments[run.experiment], std::move(*station), run.device};
  if (auto checked = load::check_against(job.experiment, job.station); !checked) {
    return tl::make_unexpected(checked.error());
  }
  RunOptions options;
  options.out = (folder / (run.name + ".nwb")).string();
  options.seed = run.seed;
  options.noise = run.noise;
  options.device = run.device;
  options.command_line = fmt::format("thyrode figure {}", figure.source.file_name);
  std::error_code ignored;
  for (const char* ending : {"", ".part"}) fs::remove(options.out + ending, ignored);
  const auto result = measure(job, options);
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
  auto statistics = recording_document((folder / (run.name + ".nwb")).string(), {});
  if (!statistics) return tl::make_unexpected(statistics.error());
  if (auto written = write_document(folder / (run.name + ".statistics.json"), *statistics); !written) return written;
  document["statistics"] = std::move(*statistics);
  return {};
}

Result<Measured> measure_figure(const Figure& figure, const std::string& out) {
  Measured measured;
  measured.folder = fs::path{out} / figure.name;
  std::error_code error;
  fs::create_directories(measured.folder, error);
  if (error) {
    return fail(ErrorKind::bad_input,
                fmt::format("--out {}: the folder cannot be made: {}", measured.folder.string(), error.message()));
  }
  std::vector<ordered_json> documents;
  for (std::size_t k = 0; k < figure.runs.size(); ++k) {
    auto document = measure_run(figure, figure.runs[k], measured.folder);
    if (!document) return tl::make_unexpected(document.error());
    const bool asked = std::any_of(figure.checks.begin(), figure.checks.end(), [&](const figures::Check& check) {
      return check.run == k && figures::needs_statistics(check);
    });
    if (asked) {
      if (auto added = add_statistics(figure.runs[k], measured.folder, *document); !added) {
        return tl::make_unexpected(added.error());
      }
    }
    documents.push_back(std::move(*document));
  }
  for (const figures::Check& check : figure.checks) {
    auto verdict = figures::judge(check, documents[check.run]);
    if (!verdict) return figure.source.error(check.place + ".value", verdict.error().message);
    measured.verdicts.push_back(std::move(*verdict));
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

void print_figure(const Figure& figure, const Measured& measured) {
  fmt::print("{}\n", figure.title);
  for (const std::string& line : wrapped(figure.shows, 110)) fmt::print("  {}\n", line);
  fmt::print("\n");
  print_row("what", "paper", "measured (wanted)", "");
  for (std::size_t k = 0; k < figure.checks.size(); ++k) {
    const figures::Check& check = figure.checks[k];
    const Verdict& verdict = measured.verdicts[k];
    print_row(check.what, check.paper, fmt::format("{} ({})", verdict.measured, check.wanted),
              verdict.passed ? "pass" : "FAIL");
  }
  const auto passed = std::count_if(measured.verdicts.begin(), measured.verdicts.end(),
                                    [](const Verdict& verdict) { return verdict.passed; });
  fmt::print("\n{} of {} pass; recordings (.nwb) and result documents (.json) are in {}/\n\n", passed,
             measured.verdicts.size(), measured.folder.string());
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
                                {"recording", (measured.folder / (run.name + ".nwb")).string()}});
  }
  const auto number = [](const std::optional<double>& value) {
    return value ? ordered_json(*value) : ordered_json(nullptr);
  };
  for (std::size_t k = 0; k < figure.checks.size(); ++k) {
    const figures::Check& check = figure.checks[k];
    document["checks"].push_back({{"what", check.what},
                                  {"paper", check.paper},
                                  {"run", figure.runs[check.run].name},
                                  {"path", check.value.text()},
                                  {"wanted", check.wanted},
                                  {"low", number(check.low)},
                                  {"high", number(check.high)},
                                  {"measured", measured.verdicts[k].measured},
                                  {"value", number(measured.verdicts[k].value)},
                                  {"unit", check.unit.word},
                                  {"passed", measured.verdicts[k].passed}});
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
    all.push_back(std::move(*read));
  }
  ordered_json document{{"schema", "thyrode.gallery/1"}, {"passed", true}, {"figures", ordered_json::array()}};
  bool passed = true;
  for (const Figure& one : all) {
    const auto measured = measure_figure(one, options.out);
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
