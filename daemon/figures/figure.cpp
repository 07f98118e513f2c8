#include "daemon/figures/figure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "daemon/experiment/load/map_reader.hpp"
#include "daemon/experiment/load/plan_extent.hpp"
#include "daemon/experiment/load/words.hpp"
#include "daemon/experiment/load/yaml_tree.hpp"

namespace thyrode::figures {
namespace {

using load::MapReader;
using load::Reading;
using load::YamlNode;

constexpr std::string_view schema = "thyrode.figure/1";
constexpr std::size_t most_runs = 100;
constexpr std::size_t most_checks = 1000;
// No value of a document comes near it; what is larger is a slip of the pen.
constexpr double largest_value = 1e12;

/// One document of a file, padded with empty lines so that its places are those of the file.
struct Document {
  std::string padded;
  std::string text;
};

std::vector<Document> split(std::string_view text) {
  std::vector<Document> documents{{}};
  std::string lines_before;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    const std::size_t last = line.find_last_not_of(" \t\r\n");
    if (last != std::string_view::npos && line.substr(0, last + 1) == "---") {
      lines_before += '\n';
      documents.push_back({lines_before, {}});
      continue;
    }
    documents.back().padded += line;
    documents.back().text += line;
    lines_before += '\n';
  }
  return documents;
}

/// A file named in `sim:` belongs to the figure and is looked for beside it; a name is one the program carries.
std::string located(const std::string& uri, const std::string& folder) {
  constexpr std::string_view simulated = "sim:";
  if (!uri.starts_with(simulated)) return uri;
  const std::string neuron = uri.substr(simulated.size());
  const bool is_file = neuron.find('/') != std::string::npos || neuron.ends_with(".yaml");
  if (!is_file || std::filesystem::path{neuron}.is_absolute()) return uri;
  return std::string{simulated} + (std::filesystem::path{folder} / neuron).lexically_normal().string();
}

class FigureReader {
 public:
  FigureReader(Figure& figure, Reading& reading, const std::string& folder)
      : figure_{figure}, reading_{reading}, folder_{folder} {}

  void read(const YamlNode& tree) {
    load::check_schema(reading_, tree, schema);
    MapReader root(reading_, tree, "", {"schema", "name", "title", "shows", "runs", "checks"});
    figure_.name = load::read_name(root).value_or("");
    root.require("title", "title: Fig. 3b, the activation function");
    figure_.title = root.text("title").value_or("");
    root.require("shows", "shows: what the paper shows");
    figure_.shows = root.text("shows").value_or("");
    if (const YamlNode* runs = root.require("runs", "runs: {NAME: {device: sim:msn}}")) read_runs(*runs);
    if (const YamlNode* checks = root.require("checks", "checks: [{what: ..., of: RUN, value: ...}]")) {
      read_checks(*checks);
    }
  }

 private:
  template <class Items>
  static std::vector<std::string> names_of(const Items& items) {
    std::vector<std::string> names;
    for (const auto& item : items) names.push_back(item.name);
    return names;
  }

  /// The position of a name; refuses one that is not there.
  template <class Items>
  std::size_t find(const std::string& path, const std::string& name, const Items& items, std::string_view kind) {
    const auto names = names_of(items);
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    reading_.refuse(path, fmt::format("there is no {} '{}' in this file; there are {}", kind, load::shortened(name),
                                      load::list_of_words(names)));
    return 0;
  }

  void read_runs(const YamlNode& node) {
    if (node.kind != YamlNode::Kind::map || node.items.empty() || node.items.size() > most_runs) {
      reading_.refuse(node.at, fmt::format("runs must be a map of 1 to {} runs by their names", most_runs));
      return;
    }
    for (std::size_t k = 0; k < node.items.size() && !reading_.failed(); ++k) {
      FigureRun run;
      run.name = node.keys[k].name;
      const std::string path = "runs." + run.name;
      reading_.note(path, node.keys[k].at);
      if (run.name.find_first_of("./") != std::string::npos) {
        reading_.refuse(path,
                        fmt::format("'{}' names files; use letters, digits, '-' and '_'", load::shortened(run.name)));
      }
      MapReader map(reading_, node.items[k], path, {"experiment", "device", "seed", "noise"});
      const std::string experiment = map.text("experiment").value_or(run.name);
      run.experiment = find(map.find("experiment") != nullptr ? path + ".experiment" : path, experiment,
                            figure_.experiments, "experiment");
      map.require("device", "device: sim:msn");
      run.device = located(map.text("device").value_or(""), folder_);
      run.seed = static_cast<std::uint64_t>(map.whole_number("seed", 0, 1LL << 53).value_or(1));
      run.noise = map.word("noise", {"on", "off"}).value_or(0) == 0;
      figure_.runs.push_back(std::move(run));
    }
  }

  void read_checks(const YamlNode& node) {
    if (node.kind != YamlNode::Kind::list || node.items.empty() || node.items.size() > most_checks) {
      reading_.refuse(node.at, fmt::format("checks must be a list of 1 to {} checks", most_checks));
      return;
    }
    for (std::size_t k = 0; k < node.items.size() && !reading_.failed(); ++k) {
      figure_.checks.push_back(read_check(node.items[k], fmt::format("checks[{}]", k)));
    }
  }

  std::optional<DocumentPath> read_path(MapReader& map, std::string_view key) {
    const auto text = map.text(key);
    if (!text) return std::nullopt;
    auto path = DocumentPath::parse(*text);
    if (path) return std::move(*path);
    reading_.refuse(map.path(key), path.error().message);
    return std::nullopt;
  }

  Check read_check(const YamlNode& node, const std::string& place) {
    Check check;
    check.place = place;
    reading_.note(place, node.at);
    MapReader map(reading_, node, place,
                  {"what", "paper", "paper_error", "of", "value", "take", "per", "between", "near", "within", "equals",
                   "at_least", "at_most"});
    map.require("what", "what: rate at 60 uA");
    check.what = map.text("what").value_or("");
    map.require("paper", "paper: what was published, in words");
    check.paper = map.text("paper").value_or("");
    map.require("of", "of: the name of a run");
    if (const auto run = map.text("of")) check.run = find(map.path("of"), *run, figure_.runs, "run");
    map.require("value", "value: steps[current_ua=60].frequency_hz.value");
    if (auto path = read_path(map, "value")) check.value = std::move(*path);
    check.take = static_cast<Take>(map.word("take", {"one", "max", "min", "count", "ratio"}).value_or(0));
    check.per = read_path(map, "per");
    const bool plain = check.per || check.take == Take::count || check.take == Take::ratio;
    if (!plain) check.unit = unit_of(check.value);
    if (!reading_.failed()) read_wanted(map, node, check);
    return check;
  }

  std::optional<double> read_bound(MapReader& map, std::string_view key, const Unit& unit) {
    const auto text = map.text(key);
    return text ? in_unit(map.path(key), *text, unit) : std::nullopt;
  }

  std::optional<double> in_unit(const std::string& path, const std::string& text, const Unit& unit) {
    const auto value = parse_in(text, unit);
    if (!value) {
      reading_.refuse(path, fmt::format("{}: {}", path, value.error().message));
      return std::nullopt;
    }
    if (std::abs(*value) <= largest_value) return *value;
    reading_.refuse(path,
                    fmt::format("{}: {} is out of range; it must be from {:g} to {:g}{}{}", path, load::shortened(text),
                                -largest_value, largest_value, unit.word.empty() ? "" : " ", unit.word));
    return std::nullopt;
  }

  /// The one way in which the value is bounded; empty after an error.
  std::optional<std::string> read_way(MapReader& map, const YamlNode& node, const Check& check) {
    const std::vector<std::string> ways{"between", "near", "equals", "at_least", "at_most"};
    std::vector<std::string> written;
    for (const load::YamlNode::Key& key : node.keys) {
      if (std::find(ways.begin(), ways.end(), key.name) != ways.end()) written.push_back(key.name);
    }
    for (const std::string& way : written) map.find(way);
    if (reading_.failed()) return std::nullopt;
    if (written.empty()) {
      reading_.refuse(node.at, fmt::format("{} needs one of {}", check.place, load::list_of_words(ways, " or ")));
      return std::nullopt;
    }
    if (written.size() > 1) {
      reading_.refuse(map.path(written[1]),
                      fmt::format("{} has {}{}, and a check has one of {}; keep one of them, or write two checks "
                                  "(between: [LOW, HIGH] bounds a value on both sides)",
                                  check.place, written.size() == 2 ? "both " : "", load::list_of_words(written),
                                  load::list_of_words(ways, " or ")));
      return std::nullopt;
    }
    return written.front();
  }

  void read_wanted(MapReader& map, const YamlNode& node, Check& check) {
    const auto way = read_way(map, node, check);
    if (!way) return;
    if (map.find("within") != nullptr && *way != "near") {
      reading_.refuse(map.path("within"), fmt::format("{}.within belongs to near; remove it", check.place));
      return;
    }
    if (map.find("paper_error") != nullptr && *way != "near" && *way != "between") {
      reading_.refuse(map.path("paper_error"),
                      fmt::format("{}.paper_error belongs to near or between; remove it", check.place));
      return;
    }
    if (const YamlNode* between = map.find("between")) {
      read_between(*between, map.path("between"), check);
      if (check.low && check.high) {
        const double middle = 0.5 * (*check.low + *check.high);
        read_paper_error(map, middle, text_of(middle, check.unit), check);
      }
    } else if (map.find("near") != nullptr) {
      read_near(map, check);
    } else if (const auto word = map.text("equals")) {
      read_equals(map, *word, check);
    } else if (map.find("at_least") != nullptr) {
      check.low = read_bound(map, "at_least", check.unit);
      check.wanted = fmt::format("at least {}", map.text("at_least").value_or(""));
    } else {
      check.high = read_bound(map, "at_most", check.unit);
      check.wanted = fmt::format("at most {}", map.text("at_most").value_or(""));
    }
  }

  void read_between(const YamlNode& node, const std::string& path, Check& check) {
    if (node.kind != YamlNode::Kind::list || node.items.size() != 2) {
      reading_.refuse(node.at, fmt::format("{} must be a list of two values, the smaller one first", path));
      return;
    }
    for (std::size_t k = 0; k < 2; ++k) reading_.note(fmt::format("{}[{}]", path, k), node.items[k].at);
    check.low = in_unit(path + "[0]", node.items[0].text, check.unit);
    check.high = in_unit(path + "[1]", node.items[1].text, check.unit);
    check.wanted = fmt::format("{} to {}", node.items[0].text, node.items[1].text);
    if (check.low && check.high && *check.low > *check.high) {
      reading_.refuse(path + "[1]", fmt::format("{}: {} is below {}; write the smaller one first", path,
                                                node.items[1].text, node.items[0].text));
    }
  }

  /// A tolerance or an error of `value`: a quantity above 0, or a share; no larger than the value, unless that is 0.
  std::optional<double> read_half_width(MapReader& map, std::string_view key, double value,
                                        const std::string& value_text, const Unit& unit) {
    const auto text = map.text(key);
    if (!text) return std::nullopt;
    const std::string path = map.path(key);
    const auto share = parse_in(*text, {});
    const bool relative = share && text->find('%') != std::string::npos;
    const auto given = relative ? share : parse_in(*text, unit);
    if (!given) {
      reading_.refuse(path, fmt::format("{}: {}", path, given.error().message));
      return std::nullopt;
    }
    if (relative && value == 0.0) {
      reading_.refuse(path, fmt::format("{}: {} of 0 is 0; write how far the value may be off", path, *text));
      return std::nullopt;
    }
    const double most = relative ? 1.0 : value != 0.0 ? std::abs(value) * (1.0 + 1e-9) : largest_value;
    if (*given > 0.0 && *given <= most) return relative ? *given * std::abs(value) : *given;
    const std::string limit = relative       ? std::string{"100 %"}
                              : value == 0.0 ? fmt::format("{:g} {}", largest_value, unit.word)
                                             : fmt::format("{}, the value itself", value_text);
    reading_.refuse(path, fmt::format("{}: {} is out of range; it must be above 0 and at most {}", path,
                                      load::shortened(*text), limit));
    return std::nullopt;
  }

  void read_near(MapReader& map, Check& check) {
    map.require("within", "within: 5 %");
    const auto text = map.text("within");
    const auto middle = read_bound(map, "near", check.unit);
    if (!text || !middle) return;
    const std::string near = map.text("near").value_or("");
    const auto half = read_half_width(map, "within", *middle, near, check.unit);
    if (!half) return;
    check.low = *middle - *half;
    check.high = *middle + *half;
    check.wanted = fmt::format("{} +- {}", near, *text);
    read_paper_error(map, *middle, near, check);
  }

  void read_paper_error(MapReader& map, double value, const std::string& value_text, Check& check) {
    check.paper_error = read_half_width(map, "paper_error", value, value_text, check.unit);
    if (check.paper_error) check.paper_error_text = map.text("paper_error").value_or("");
  }

  void read_equals(MapReader& map, const std::string& text, Check& check) {
    check.wanted = text;
    const bool number = !text.empty() && (std::isdigit(static_cast<unsigned char>(text.front())) != 0 ||
                                          text.front() == '-' || text.front() == '+');
    if (!number) {
      check.word = text;
      return;
    }
    check.low = check.high = in_unit(map.path("equals"), text, check.unit);
  }

  Figure& figure_;
  Reading& reading_;
  std::string folder_;
};

}  // namespace

bool Check::wider_than_paper() const {
  // A tolerance that is the error, written another way, is not wider.
  constexpr double slack = 1e-9;
  return paper_error && low && high && *high - *low > 2.0 * *paper_error * (1.0 + slack);
}

Result<Figure> parse_figure(std::string_view text, std::string_view file_name, const std::string& folder) {
  const std::vector<Document> documents = split(text);
  Figure figure;
  figure.source.file_name = file_name;
  figure.source.text = text;
  const auto tree = load::parse_yaml(documents.front().padded, file_name, "a figure", "schema: thyrode.figure/1");
  if (!tree) return tl::make_unexpected(tree.error());
  const auto named = [&](const std::string& name) {
    return load::read_text_file((std::filesystem::path{folder} / name).string(), load::waveform_file);
  };
  Reading reading(figure.source);
  load::check_schema(reading, *tree, schema);
  if (reading.failed()) return tl::make_unexpected(*reading.error());
  for (std::size_t k = 1; k < documents.size(); ++k) {
    auto experiment = load::parse_experiment(documents[k].padded, file_name, named);
    if (!experiment) return tl::make_unexpected(experiment.error());
    if (load::asks_operator(*experiment)) {
      return experiment->source.error("plan",
                                      "the experiment asks an operator, and a figure is measured without one; "
                                      "leave `operator` out, or carry it out with `thyrode run`");
    }
    // A recording keeps the experiment alone.
    experiment->source.text = documents[k].text;
    figure.experiments.push_back(std::move(*experiment));
  }
  if (figure.experiments.empty()) {
    return fail(ErrorKind::bad_input,
                fmt::format("{}: there is no experiment; write one behind a line \"---\"", file_name));
  }
  FigureReader{figure, reading, folder}.read(*tree);
  if (reading.failed()) return tl::make_unexpected(*reading.error());
  return figure;
}

Result<Figure> load_figure(const std::string& path) {
  return load::read_text_file(path).and_then([&](const std::string& text) {
    return parse_figure(text, path, std::filesystem::path{path}.parent_path().string());
  });
}

}  // namespace thyrode::figures
