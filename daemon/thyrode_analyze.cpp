// analyze: everything that is said of the trains of a list of spike times; recordings go to analyze_recording().

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include "daemon/analysis/step_analyzer.hpp"
#include "daemon/analysis/train_relation.hpp"
#include "daemon/analysis/train_statistics.hpp"
#include "daemon/experiment/documents.hpp"
#include "daemon/experiment/load/quantity_text.hpp"
#include "daemon/recording/spike_list.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_train.hpp"

namespace thyrode::program {
namespace {

using nlohmann::ordered_json;

constexpr double tick_s = 1e-9;  // a time of a list is rounded to 1 ns
constexpr std::size_t most_trains = 256;

/// The options in ticks.
struct Choices {
  std::optional<Ticks> from, until;
  std::int64_t settle = 0;
  analysis::TrainSettings settings;
};

/// Every HDF5 file begins with these bytes.
bool is_hdf5(const std::string& path) {
  constexpr std::string_view signature = "\x89HDF\r\n\x1a\n";
  std::array<char, 8> begin{};
  std::ifstream in(path, std::ios::binary);
  return in.read(begin.data(), begin.size()) && std::string_view(begin.data(), begin.size()) == signature;
}

std::int64_t to_ticks_of(Duration duration) {
  return static_cast<std::int64_t>(std::llround(duration.si() / tick_s));
}

/// @returns empty for an option that was not given
Result<std::optional<std::int64_t>> duration_option(const char* name, const std::string& text) {
  if (text.empty()) return std::optional<std::int64_t>{};
  const auto duration = load::parse_duration(text);
  if (!duration) return fail(ErrorKind::bad_input, fmt::format("--{}: {}", name, duration.error().message));
  if (!(std::abs(duration->si()) < 9e6)) {
    return fail(ErrorKind::bad_input, fmt::format("--{} {}: at most 9e6 s", name, text));
  }
  return std::optional(to_ticks_of(*duration));
}

Result<Choices> parse(const AnalyzeOptions& options) {
  Choices choices;
  const auto from = duration_option("from", options.from);
  const auto until = duration_option("until", options.until);
  const auto settle = duration_option("settle", options.settle);
  const auto window = duration_option("window", options.window);
  const auto threshold = duration_option("threshold", options.threshold);
  for (const auto* option : {&from, &until, &settle, &window, &threshold}) {
    if (!*option) return tl::make_unexpected(option->error());
  }
  if (*from) choices.from = Ticks{**from};
  if (*until) choices.until = Ticks{**until};
  if (*from && *until && **until <= **from) {
    return fail(ErrorKind::bad_input, fmt::format("--until {}: is not after --from {}", options.until, options.from));
  }
  choices.settle = settle->value_or(0);
  if (choices.settle < 0) return fail(ErrorKind::bad_input, fmt::format("--settle {}: is below 0", options.settle));
  if (*window) {
    choices.settings.window.bin = **window / choices.settings.window.bins;
    if (choices.settings.window.bin < 1) {
      return fail(ErrorKind::bad_input,
                  fmt::format("--window {}: must be at least {} ns, 1 ns for each of {} bins", options.window,
                              choices.settings.window.bins, choices.settings.window.bins));
    }
  }
  if (*threshold) {
    if (**threshold < 1) {
      return fail(ErrorKind::bad_input, fmt::format("--threshold {}: must be above 0", options.threshold));
    }
    choices.settings.burst_threshold_us = static_cast<double>(**threshold) * tick_s * 1e6;
  }
  return choices;
}

/// A train, and the step it would be if it had been measured.
class Train {
 public:
  /// @param begin  of the observation
  Train(const Choices& choices, Ticks begin)
      : until_(choices.until),
        origin_(begin + choices.settle),
        latest_(begin),
        step_(rules(choices), tick_s, begin),
        statistics_(tick_s, origin_, choices.settings) {}

  void spike(Ticks at) {
    if (until_ && at >= *until_) {
      ++outside_;
      return;
    }
    step_.spike(at);
    if (at >= origin_) {
      statistics_.spike(at);
    } else {
      ++outside_;
    }
    latest_ = std::max(latest_, at);
  }

  const analysis::TrainStatistics& statistics() const { return statistics_; }
  Ticks end() const { return until_.value_or(latest_); }
  /// Spikes count from here on.
  Ticks origin() const { return origin_; }
  Ticks latest() const { return latest_; }
  analysis::StepResult row() const { return step_.result(end()); }
  /// Spikes in the settling or after the end.
  std::int64_t outside() const { return outside_; }

 private:
  static analysis::StepRules rules(const Choices& choices) {
    analysis::StepRules rules;
    rules.settle_drop_s = static_cast<double>(choices.settle) * tick_s;
    return rules;
  }

  std::optional<Ticks> until_;
  Ticks origin_;
  Ticks latest_;
  std::int64_t outside_ = 0;
  analysis::StepAnalyzer step_;
  analysis::TrainStatistics statistics_;
};

/// The trains of a list by their names, in the order of their first spikes.
class Trains {
 public:
  explicit Trains(const Choices& choices) : choices_(choices) {}

  /// @returns false if the list names more trains than can be kept
  bool take(std::string_view name, Ticks at) {
    // Lists name the same train line after line.
    if (!current_ || name != names_[*current_]) {
      const auto known = places_.find(name);
      if (known == places_.end() && !add(name, at)) return false;
      current_ = places_.find(name)->second;
    }
    if (at < choices_.from.value_or(at)) return true;
    Train& train = trains_[*current_];
    train.spike(at);
    if (*current_ < 2 && at >= trains_[0].origin() && at < choices_.until.value_or(at + 1)) relate(train.latest(), at);
    return true;
  }

  /// How the second train keeps step with the first; empty unless there are two, in the order of time.
  std::optional<analysis::TrainRelation> relation() const {
    return trains_.size() == 2 && !jumbled_ ? std::optional(relation_.result()) : std::nullopt;
  }
  /// Spikes of one train come before earlier ones of the other.
  bool jumbled() const { return jumbled_; }

  std::size_t size() const { return trains_.size(); }
  const std::string& name(std::size_t k) const { return names_[k]; }
  const Train& train(std::size_t k) const { return trains_[k]; }

 private:
  /// @param own  latest spike of the train itself: what it rejects says nothing of the order of the two
  void relate(Ticks own, Ticks at) {
    if (at < own) return;
    jumbled_ = jumbled_ || at < latest_;
    latest_ = std::max(latest_, at);
    relation_.spike(*current_ == 0 ? analysis::RelationCounter::Train::a : analysis::RelationCounter::Train::b, at);
  }

  bool add(std::string_view name, Ticks at) {
    if (trains_.size() == most_trains) return false;
    places_.emplace(name, trains_.size());
    names_.emplace_back(name);
    trains_.emplace_back(choices_, choices_.from.value_or(at));
    return true;
  }

  const Choices& choices_;
  std::map<std::string, std::size_t, std::less<>> places_;
  std::deque<std::string> names_;
  std::deque<Train> trains_;
  std::optional<std::size_t> current_;
  analysis::RelationCounter relation_;
  Ticks latest_{std::numeric_limits<std::int64_t>::min()};  // of the two
  bool jumbled_ = false;
};

AnalyzedTrain analyzed(const Trains& trains, std::size_t k) {
  const Train& train = trains.train(k);
  return {trains.name(k), tick_s, train.end(), train.row(), train.statistics()};
}

std::string relation_text(const analysis::TrainRelation& r) {
  if (r.relation == analysis::Relation::undetermined) {
    return fmt::format("the two trains: {} phases, too few to say how they keep step", r.phases);
  }
  std::string text = fmt::format("the two trains: {}", to_string(r.relation));
  if (r.locked() && r.a != r.b) text += fmt::format(" {}:{}", r.a, r.b);
  text += fmt::format(", R {:.3f}, mean phase {:.3f} cycles, {} phases", *r.order, *r.mean_phase_cycles, r.phases);
  return text + fmt::format("; by quarters: R at least {:.3f}, phases within {:.3f} cycles", *r.least_quarter_order,
                            *r.quarter_phase_cycles);
}

}  // namespace

int analyze(const AnalyzeOptions& options) {
  const auto choices = parse(options);
  if (!choices) return report(choices.error());
  if (is_hdf5(options.path)) {
    if (!options.from.empty() || !options.until.empty() || !options.settle.empty()) {
      return report({ErrorKind::bad_input, options.path + ": is a recording, whose steps have their own times and "
                                                          "settling; leave out --from, --until and --settle"});
    }
    return analyze_recording(options, choices->settings);
  }
  Trains trains(*choices);
  bool kept = true;
  const auto read = recording::read_spike_list(options.path, [&](std::string_view name, std::int64_t nanoseconds) {
    return kept = trains.take(name, Ticks{nanoseconds});
  });
  if (!read) return report(read.error());
  if (!kept) {
    return report({ErrorKind::bad_input, fmt::format("{}: more than {} trains; the second column names the train of "
                                                     "a spike, and a list of one train has none",
                                                     options.path, most_trains)});
  }
  if (trains.size() == 0) return report({ErrorKind::bad_input, options.path + ": holds no spike times"});

  if (options.json) {
    ordered_json list = ordered_json::array();
    for (std::size_t k = 0; k < trains.size(); ++k) {
      ordered_json document = train_document(analyzed(trains, k));
      document["n_outside"] = trains.train(k).outside();
      list.push_back(std::move(document));
    }
    ordered_json document{{"schema", "thyrode.analysis/1"}, {"file", options.path}, {"trains", std::move(list)}};
    if (const auto relation = trains.relation()) document["relation"] = experiment::to_json(*relation);
    fmt::print("{}\n", document.dump(2));
    return 0;
  }
  for (std::size_t k = 0; k < trains.size(); ++k) {
    if (k > 0) fmt::print("\n");
    print_train(analyzed(trains, k));
  }
  if (const auto relation = trains.relation()) fmt::print("\n{}\n", relation_text(*relation));
  if (trains.size() == 2 && trains.jumbled()) {
    fmt::print("\nhow the two keep step is told of lists in the order of time; this one has other times in between\n");
  }
  return 0;
}

}  // namespace thyrode::program
