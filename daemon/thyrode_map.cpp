// simulate --map: how a neuron fires on a grid of currents and parameters; and the picture of such a map.

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "daemon/experiment/load/quantity_text.hpp"
#include "daemon/experiment/load/words.hpp"
#include "daemon/recording/map_file.hpp"
#include "daemon/simulation/map.hpp"
#include "daemon/simulation/map_picture.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_neuron.hpp"
#include "daemon/thyrode_progress.hpp"

namespace thyrode::program {
namespace {

using nlohmann::ordered_json;
using recording::MapAxis;
using recording::MapDescription;

constexpr std::string_view current_axis = "I";

tl::unexpected<Error> refuse(std::string message) {
  return fail(ErrorKind::bad_input, std::move(message));
}

// ---------------------------------------------------------------- the axes

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t end = text.find(separator); end != std::string::npos; end = text.find(separator, begin)) {
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

/// One axis as written: "I=30uA:120uA:91".
class AxisText {
 public:
  AxisText(std::string text, const NeuronPlan& plan) : text_{std::move(text)}, plan_{plan} {}

  Result<MapAxis> parse() const {
    const std::size_t equals = text_.find('=');
    const auto range = split(equals == std::string::npos ? "" : text_.substr(equals + 1), ':');
    if (equals == 0 || range.size() != 3) {
      return wrong("must be NAME=FROM:TO:POINTS; write for example I=30uA:120uA:91");
    }
    MapAxis axis;
    axis.name = text_.substr(0, equals);
    if (auto unit = find_unit(axis); !unit) return tl::make_unexpected(unit.error());
    const auto from = value(range[0], axis.unit);
    if (!from) return tl::make_unexpected(from.error());
    const auto to = value(range[1], axis.unit);
    if (!to) return tl::make_unexpected(to.error());
    if (*from == *to) return wrong("begins and ends at the same value");
    std::int64_t points = 0;
    const auto [end, error] = std::from_chars(range[2].data(), range[2].data() + range[2].size(), points);
    if (error != std::errc{} || end != range[2].data() + range[2].size() || points < 2 ||
        points > recording::map_points_max) {
      return wrong(fmt::format("'{}' must be a whole number of points from 2 to {}, both ends included",
                               load::shortened(range[2]), recording::map_points_max));
    }
    for (std::int64_t k = 0; k < points; ++k) {
      const double share = static_cast<double>(k) / static_cast<double>(points - 1);
      axis.values.push_back(std::lerp(*from, *to, share));  // exact at both ends
    }
    set_shown_unit(axis, range[0]);
    return axis;
  }

 private:
  tl::unexpected<Error> wrong(const std::string& why) const {
    return refuse(fmt::format("--map {}: {}", load::shortened(text_), why));
  }

  Result<void> find_unit(MapAxis& axis) const {
    axis.unit = "A";
    if (axis.name == current_axis) return {};
    std::vector<std::string> known{std::string{current_axis}};
    for (const load::ParameterUnit& parameter : model_units(plan_.file.model)) {
      if (parameter.name == axis.name) {
        axis.unit = parameter.unit;
        return {};
      }
      known.emplace_back(parameter.name);
    }
    const std::string near = load::nearest(axis.name, known);
    return wrong(fmt::format("model {} has no such parameter; {}", plan_.file.model,
                             near.empty() ? "it has " + load::list_of_words(known) : "did you mean '" + near + "'?"));
  }

  Result<double> value(const std::string& text, const std::string& unit) const {
    const auto quantity = load::parse_any_quantity(text);
    if (!quantity) return wrong(quantity.error().message);
    if (load::si_unit(quantity->kind) != unit) {
      return wrong(fmt::format("'{}' must be a value in {}", load::shortened(text), unit.empty() ? "no unit" : unit));
    }
    return quantity->si;
  }

  /// People read the axis in the unit in which it was written.
  static void set_shown_unit(MapAxis& axis, const std::string& written) {
    axis.shown_unit = axis.unit;
    if (axis.unit.empty()) return;
    double ignored = 0.0;
    const char* begin = written.data();
    if (*begin == '+') ++begin;
    const char* end = std::from_chars(begin, written.data() + written.size(), ignored).ptr;
    std::string unit(end, written.data() + written.size());
    unit.erase(0, unit.find_first_not_of(' '));
    const auto scale = load::parse_any_quantity("1 " + unit);
    if (!scale || scale->si <= 0.0) return;
    axis.shown_unit = unit;
    axis.shown_scale = scale->si;
  }

  std::string text_;
  const NeuronPlan& plan_;
};

Result<std::vector<MapAxis>> parse_axes(const SimulateOptions& options, const NeuronPlan& plan) {
  std::vector<MapAxis> axes;
  for (const std::string& part : split(options.map, ',')) {
    auto axis = AxisText{part, plan}.parse();
    if (!axis) return tl::make_unexpected(axis.error());
    axes.push_back(*std::move(axis));
  }
  if (axes.size() > 2) return refuse(fmt::format("--map: {} axes are given; a map has one or two", axes.size()));
  if (axes.size() == 2 && same_parameter(plan.file.model, axes[0].name, axes[1].name)) {
    return refuse(fmt::format("--map: the axes {} and {} are the same parameter", axes[0].name, axes[1].name));
  }
  for (const std::string& assignment : options.set) {
    const std::string set = assignment.substr(0, assignment.find('='));
    for (const MapAxis& axis : axes) {
      if (!same_parameter(plan.file.model, set, axis.name)) continue;
      return refuse(fmt::format("--set {} and the axis {}: {}; leave one of them out", load::shortened(assignment),
                                axis.name, why_same(set, axis.name)));
    }
  }
  // The row count times the column count stays far below what overflows: each is at most map_points_max.
  const auto points = MapDescription{axes, {}, {}}.points();
  if (points > recording::map_points_max) {
    return refuse(
        fmt::format("--map: {} points; at most {}: take fewer on an axis", points, recording::map_points_max));
  }
  return axes;
}

// ---------------------------------------------------------------- the map

struct Job {
  NeuronPlan plan;
  MapDescription map;
  Current current;  ///< where no axis is the current
  Duration duration;
  Duration settle;
  std::size_t channel = 0;   ///< whose pattern is shown
  std::size_t channels = 1;  ///< of the neuron
};

Result<void> check_options(const SimulateOptions& options) {
  if (options.out.empty()) return refuse("--map needs --out, the file of the map; write for example --out map.h5");
  if (!options.csv.empty()) return refuse("--csv and --map: a map goes into its file; leave one of them out");
  if (!options.rate.empty()) return refuse("--rate and --map: a map has no trace; leave one of them out");
  if (!options.ramp.empty()) return refuse("--ramp and --map: each point has one current; leave one of them out");
  if (options.current.size() > 1) return refuse("--current: a map takes one for all channels");
  return {};
}

Result<void> set_times(Job& job, const SimulateOptions& options) {
  const auto duration = load::parse_duration(options.duration.empty() ? "1 s" : options.duration);
  if (!duration) return refuse("--duration: " + duration.error().message);
  const auto settle = load::parse_duration(options.settle.empty() ? "0.5 s" : options.settle);
  if (!settle) return refuse("--settle: " + settle.error().message);
  if (!(*duration > 0.0_s) || *duration > longest_simulation) return refuse("--duration: above 0 s, at most 1e6 s");
  if (*settle < 0.0_s || *settle > longest_simulation) return refuse("--settle: from 0 s to 1e6 s");
  job.duration = *duration;
  job.settle = *settle;
  return {};
}

Result<void> set_current(Job& job, const SimulateOptions& options) {
  const auto& axes = job.map.axes;
  const bool on_axis = std::any_of(axes.begin(), axes.end(), [](const MapAxis& a) { return a.name == current_axis; });
  if (on_axis && !options.current.empty()) return refuse("--current and the axis I: both say the current; give one");
  if (on_axis) return {};
  if (options.current.empty()) return refuse("--map: no axis is the current I; give --current, for example 45.3uA");
  const auto current = load::parse_current(options.current.front());
  if (!current) return refuse("--current: " + current.error().message);
  job.current = *current;
  return {};
}

Result<void> set_channel(Job& job, const SimulateOptions& options) {
  const auto neuron = build_neuron(job.plan, options.seed);
  if (!neuron) return tl::make_unexpected(neuron.error());
  job.channels = (*neuron)->channels();
  if (options.channel.empty()) return {};
  std::vector<std::string> names;
  for (std::size_t c = 0; c < job.channels; ++c) {
    names.push_back(channel_name(c));
    if (options.channel != names.back()) continue;
    job.channel = c;
    return {};
  }
  return refuse(
      fmt::format("--channel {}: the neuron has {}", load::shortened(options.channel), load::list_of_words(names)));
}

void describe(Job& job, const SimulateOptions& options) {
  std::string set;
  for (const std::string& assignment : options.set) set += (set.empty() ? "" : " ") + assignment;
  job.map.neuron_yaml = job.plan.file.source.text;
  job.map.provenance = {{"neuron", job.plan.file.name},
                        {"set", set},
                        {"noise", options.noise ? "on" : "off"},
                        {"seed", std::to_string(options.seed)},
                        {"spread", options.spread ? std::to_string(*options.spread) : ""},
                        {"duration", load::to_text(job.duration)},
                        {"settle", load::to_text(job.settle)},
                        {"channel", job.channels > 1 ? channel_name(job.channel) : ""},
                        {"current", options.current.empty() ? "" : load::to_text(job.current)},
                        {"version", version}};
}

/// The neuron at one point of the grid.
tl::expected<simulation::PointNeuron, simulation::SimulationError> build_point(const Job& job,
                                                                               std::span<const double> coordinates,
                                                                               std::uint64_t seed) {
  neurons::Parameters parameters = job.plan.parameters;
  Current current = job.current;
  for (std::size_t k = 0; k < coordinates.size(); ++k) {
    const std::string& name = job.map.axes[k].name;
    if (name == current_axis) {
      current = Current::from_si(coordinates[k]);
    } else {
      neurons::set_parameter(job.plan.file.model, parameters, name, coordinates[k]);
    }
  }
  auto neuron = neurons::make_neuron(job.plan.file.model, parameters, job.plan.noise, seed);
  if (!neuron) return tl::make_unexpected(simulation::SimulationError{neuron.error().reason});
  return simulation::PointNeuron{
      *std::move(neuron), current, {load_time(job.plan.file.model, parameters), is_noisy(job.plan)}};
}

/// Refuses a grid on which the neuron cannot be built, before anything is computed.
Result<void> check_points(const Job& job) {
  const auto& axes = job.map.axes;
  // Points that differ by the current alone are the same neuron.
  const std::int64_t column_step = axes.front().name == current_axis ? job.map.columns() : 1;
  const std::int64_t last = axes.size() > 1 && axes[1].name == current_axis ? job.map.columns() : job.map.points();
  for (std::int64_t index = 0; index < last; index += column_step) {
    const auto built = build_point(job, simulation::coordinates_at(job.map, index), 1);
    if (built) continue;
    return refuse(
        fmt::format("--map: at {}: {}", simulation::place_of(job.map, index, current_axis), built.error().message));
  }
  return {};
}

Result<Job> make_job(const SimulateOptions& options) {
  if (auto good = check_options(options); !good) return tl::make_unexpected(good.error());
  auto plan = plan_neuron({options.neuron, options.set, options.noise, options.spread});
  if (!plan) return tl::make_unexpected(plan.error());
  auto axes = parse_axes(options, *plan);
  if (!axes) return tl::make_unexpected(axes.error());
  Job job{*std::move(plan), {*std::move(axes), {}, {}}, {}, {}, {}};
  if (auto good = set_times(job, options); !good) return tl::make_unexpected(good.error());
  if (auto good = set_current(job, options); !good) return tl::make_unexpected(good.error());
  if (auto good = set_channel(job, options); !good) return tl::make_unexpected(good.error());
  if (auto good = check_points(job); !good) return tl::make_unexpected(good.error());
  describe(job, options);
  return job;
}

// ---------------------------------------------------------------- while it is computed

std::atomic<bool> stop_mapping{false};

void stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int number) {
    if (stop_mapping.exchange(true)) std::signal(number, SIG_DFL);  // one long point does not hold the program
  };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

// ---------------------------------------------------------------- showing

bool colour_wanted() {
  const char* no_colour = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) != 0 && (no_colour == nullptr || *no_colour == '\0');
}

simulation::PictureSize picture_size() {
  simulation::PictureSize size;
  winsize window{};
  if (isatty(STDOUT_FILENO) != 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0) {
    constexpr int around = 18;  // axes, legend, prompt
    size.columns = window.ws_col;
    size.rows = std::max(8, static_cast<int>(window.ws_row) - around);
  }
  size.colour = colour_wanted();
  return size;
}

ordered_json number(double value) {
  return std::isfinite(value) ? ordered_json(value) : ordered_json(nullptr);
}

/// Values of all points, as a list of rows for two axes; null where a point is not known.
template <class Value>
ordered_json grid(const recording::Map& map, Value value) {
  const std::int64_t columns = map.description.columns();
  ordered_json rows = ordered_json::array();
  for (std::int64_t row = 0; row < map.description.rows(); ++row) {
    ordered_json line = ordered_json::array();
    for (std::int64_t column = 0; column < columns; ++column) {
      const auto k = static_cast<std::size_t>(row * columns + column);
      line.push_back(map.computed[k] != 0 ? value(map.points[k]) : ordered_json(nullptr));
    }
    if (map.description.axes.size() == 1) return line;
    rows.push_back(std::move(line));
  }
  return rows;
}

ordered_json counts_json(const recording::Map& map) {
  ordered_json counts = ordered_json::object();
  for (int k = 0; k <= static_cast<int>(analysis::Label::undetermined); ++k) {
    std::int64_t count = 0;
    for (std::size_t p = 0; p < map.points.size(); ++p) {
      if (map.computed[p] != 0 && static_cast<int>(map.points[p].label) == k) ++count;
    }
    if (count > 0) counts[analysis::to_string(static_cast<analysis::Label>(k))] = count;
  }
  return counts;
}

ordered_json summary_json(const recording::Map& map) {
  ordered_json axes = ordered_json::array();
  for (const MapAxis& axis : map.description.axes) {
    axes.push_back({{"name", axis.name}, {"unit", axis.unit}, {"values", axis.values}});
  }
  ordered_json provenance = ordered_json::object();
  for (const auto& [name, value] : map.description.provenance) provenance[name] = value;
  ordered_json document;
  document["schema"] = recording::map_schema;
  document["provenance"] = std::move(provenance);
  document["axes"] = std::move(axes);
  document["points"] = map.description.points();
  document["computed"] = map.computed_points();
  document["failed"] = map.failed_points();
  document["first_failure"] = map.first_failure.empty() ? ordered_json(nullptr) : ordered_json(map.first_failure);
  document["labels"] = counts_json(map);
  return document;
}

ordered_json map_json(const recording::Map& map) {
  using recording::MapPoint;
  ordered_json document = summary_json(map);
  document["label"] = grid(map, [](const MapPoint& p) { return ordered_json(analysis::to_string(p.label)); });
  document["frequency_hz"] = grid(map, [](const MapPoint& p) { return number(p.frequency_hz); });
  document["event_frequency_hz"] = grid(map, [](const MapPoint& p) { return number(p.event_frequency_hz); });
  document["spikes_per_burst"] = grid(map, [](const MapPoint& p) { return number(p.spikes_per_burst); });
  document["cv"] = grid(map, [](const MapPoint& p) { return number(p.cv); });
  document["n_spikes"] = grid(map, [](const MapPoint& p) { return ordered_json(p.n_spikes); });
  document["latched"] = grid(map, [](const MapPoint& p) { return ordered_json(p.latched); });
  document["neuron_yaml"] = map.description.neuron_yaml;
  return document;
}

std::string headline(const std::string& path, const recording::Map& map) {
  std::string text = path + ":";
  for (const auto& [name, value] : map.description.provenance) {
    if (!value.empty()) text += fmt::format(" {} {},", name, value);
  }
  return text + fmt::format(" {} of {} points", map.computed_points(), map.description.points());
}

}  // namespace

int simulate_map(const SimulateOptions& options) {
  const auto job = make_job(options);
  if (!job) return report(job.error());
  auto file = recording::MapFile::open(options.out, job->map);
  if (!file) return report(file.error());
  stop_on_signals();
  MapProgress progress{job->map.points()};
  simulation::MapRun run;
  run.duration = job->duration;
  run.settle = job->settle;
  run.seed = options.seed;
  run.channel = job->channel;
  run.threads = options.threads > 0 ? options.threads : static_cast<int>(std::thread::hardware_concurrency());
  run.seconds = steady_seconds;
  run.go_on = [](std::int64_t) { return !stop_mapping; };
  run.progress = [&](std::int64_t known, std::int64_t written) { progress.show(known, written); };
  const auto builder = [&](std::span<const double> at, std::uint64_t seed) { return build_point(*job, at, seed); };
  const auto known = simulation::compute_map(*file, job->map, builder, run);
  progress.end();
  if (!known) return report(known.error());
  { const recording::MapFile closed = *std::move(file); }
  if (*known < job->map.points()) {
    return report({ErrorKind::run_failed, fmt::format("{}: interrupted with {} of {} points; the same command goes on",
                                                      options.out, *known, job->map.points())});
  }
  const auto map = recording::read_map(options.out);
  if (!map) return report(map.error());
  if (const std::int64_t failed = map->failed_points(); failed > 0) {
    fmt::print(stderr, "thyrode: {}: {} of {} points could not be simulated; the first {}\n", options.out, failed,
               map->description.points(), map->first_failure);
  }
  if (options.json) {
    ordered_json document = summary_json(*map);
    document["path"] = options.out;
    fmt::print("{}\n", document.dump());
  } else {
    fmt::print("{}\n", options.out);
  }
  return 0;
}

int show_map(const std::string& path, bool json) {
  const auto map = recording::read_map(path);
  if (!map) return report(map.error());
  if (json) {
    fmt::print("{}\n", map_json(*map).dump());
    return 0;
  }
  fmt::print("{}\n\n{}", headline(path, *map), simulation::draw_map(*map, picture_size()));
  return 0;
}

}  // namespace thyrode::program
