// analyze: everything that is said of the trains of a list of spike times; recordings go to analyze_recording().

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <deque>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/analysis/max_interval.hpp"
#include "daemon/analysis/step_analyzer.hpp"
#include "daemon/analysis/train_relation.hpp"
#include "daemon/analysis/train_statistics.hpp"
#include "daemon/experiment/documents.hpp"
#include "daemon/experiment/load/quantity_text.hpp"
#include "daemon/recording/map_file.hpp"
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
  std::optional<analysis::MaxIntervalRules> max_interval;
};

/// Every HDF5 file begins with these bytes. What comes through a pipe can be read only once, and is none.
bool is_hdf5(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return false;
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

/// @param text  four durations and a number, with commas between them
Result<analysis::MaxIntervalRules> parse_max_interval(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  const auto wrong = [&](const std::string& what) {
    return fail(ErrorKind::bad_input,
                fmt::format("--max-interval {}: {}; give START,GO_ON,GAP,DURATION,SPIKES such as 4ms,5ms,6ms,2ms,3",
                            text, what));
  };
  if (parts.size() != 5) return wrong(fmt::format("has {} of 5 parts", parts.size()));
  std::array<std::int64_t, 4> times{};
  for (std::size_t k = 0; k < times.size(); ++k) {
    const auto time = duration_option("max-interval", parts[k]);
    if (!time) return tl::make_unexpected(time.error());
    const bool may_be_zero = k >= 2;
    if (!*time || **time < (may_be_zero ? 0 : 1)) return wrong(fmt::format("'{}' is no length of time", parts[k]));
    times[k] = **time;
  }
  if (times[1] < times[0]) return wrong("GO_ON is below START");
  std::int64_t spikes = 0;
  const auto [end, error] = std::from_chars(parts[4].data(), parts[4].data() + parts[4].size(), spikes);
  if (error != std::errc{} || end != parts[4].data() + parts[4].size() || spikes < 2) {
    return wrong(fmt::format("'{}' is no number of spikes from 2 on", parts[4]));
  }
  return analysis::MaxIntervalRules{times[0], times[1], times[2], times[3], spikes};
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
  if (*from && *until && **from + choices.settle >= **until) {
    return fail(ErrorKind::bad_input, fmt::format("--settle {}: leaves nothing between --from {} and --until {}",
                                                  options.settle, options.from, options.until));
  }
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
  if (!options.max_interval.empty()) {
    const auto rules = parse_max_interval(options.max_interval);
    if (!rules) return tl::make_unexpected(rules.error());
    choices.max_interval = *rules;
  }
  return choices;
}

/// A train, and the step it would be if it had been measured.
class Train {
 public:
  /// @param begin  of the observation
  Train(const Choices& choices, Ticks begin)
      : from_(choices.from),
        until_(choices.until),
        origin_(begin + choices.settle),
        latest_(begin),
        step_(rules(choices), tick_s, begin),
        statistics_(tick_s, origin_, choices.settings) {
    if (choices.max_interval) max_interval_.emplace(*choices.max_interval);
  }

  /// Spikes come in the order of time.
  void spike(Ticks at) {
    if ((from_ && at < *from_) || (until_ && at >= *until_)) {
      ++outside_;
      return;
    }
    step_.spike(at);
    if (at >= origin_) {
      statistics_.spike(at);
      if (max_interval_) max_interval_->spike(at);
    } else {
      ++outside_;
    }
    latest_ = std::max(latest_, at);
  }

  const analysis::TrainStatistics& statistics() const { return statistics_; }
  std::optional<analysis::MaxIntervalBursts> max_interval() const {
    return max_interval_ ? std::optional(max_interval_->result()) : std::nullopt;
  }
  Ticks end() const { return until_.value_or(latest_); }
  /// Spikes count from here on.
  Ticks origin() const { return origin_; }
  analysis::StepResult row() const { return step_.result(end()); }
  /// Spikes before the begin, in the settling or after the end.
  std::int64_t outside() const { return outside_; }

 private:
  static analysis::StepRules rules(const Choices& choices) {
    analysis::StepRules rules;
    rules.settle_drop_s = static_cast<double>(choices.settle) * tick_s;
    // More spikes than those of the list cannot be waited for.
    rules.longest_s = 0.0;
    return rules;
  }

  std::optional<Ticks> from_, until_;
  Ticks origin_;
  Ticks latest_;
  std::int64_t outside_ = 0;
  analysis::StepAnalyzer step_;
  analysis::TrainStatistics statistics_;
  std::optional<analysis::MaxInterval> max_interval_;
};

/// The trains of a list by their names, in the order of their first spikes.
class Trains {
 public:
  explicit Trains(const Choices& choices) : choices_(choices) {}

  /// Errors: more trains than can be kept, a spike before the one before it; without the name of the file.
  Result<void> take(const recording::ListedSpike& spike) {
    // Lists name the same train line after line.
    if (!current_ || spike.train != named_[*current_].name) {
      const auto known = places_.find(spike.train);
      if (known == places_.end()) {
        if (auto added = add(spike); !added) return added;
      }
      current_ = places_.find(spike.train)->second;
    }
    Named& named = named_[*current_];
    if (spike.nanoseconds < named.nanoseconds) return disorder(named, spike);
    named.nanoseconds = spike.nanoseconds;
    named.line = spike.line;
    const Ticks at{spike.nanoseconds};
    first_ = std::min(first_, at);
    last_ = std::max(last_, at);
    named.train.spike(at);
    if (*current_ < 2) relate(at);
    return {};
  }
  /// A list of nothing but a header: one train without spikes. Only with --from and --until.
  void take_silence() { named_.push_back({{}, Train(choices_, *choices_.from), 0, 0}); }

  /// How the second train keeps step with the first; empty unless there are two, in the order of time.
  std::optional<analysis::TrainRelation> relation() const {
    return named_.size() == 2 && !jumbled_ ? std::optional(relation_.result()) : std::nullopt;
  }
  /// Spikes of one train come before earlier ones of the other.
  bool jumbled() const { return jumbled_; }

  std::size_t size() const { return named_.size(); }
  const std::string& name(std::size_t k) const { return named_[k].name; }
  const Train& train(std::size_t k) const { return named_[k].train; }
  /// First and last spike of the list, whatever is left out.
  Ticks first() const { return first_; }
  Ticks last() const { return last_; }

 private:
  struct Named {
    std::string name;
    Train train;
    std::int64_t nanoseconds = 0;  // latest spike
    std::int64_t line = 0;         // its line
  };

  static tl::unexpected<Error> disorder(const Named& named, const recording::ListedSpike& spike) {
    const auto seconds = [](std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) * 1e-9; };
    return fail(ErrorKind::bad_input,
                fmt::format("{}: {:.10g} s comes after {:.10g} s of line {}{}; sort the list by time, or name each "
                            "train in a second column if it holds several",
                            spike.line, seconds(spike.nanoseconds), seconds(named.nanoseconds), named.line,
                            named.name.empty() ? "" : fmt::format(" in train {}", named.name)));
  }

  void relate(Ticks at) {
    if (at < named_[0].train.origin() || (choices_.until && at >= *choices_.until)) return;
    jumbled_ = jumbled_ || at < latest_;
    latest_ = std::max(latest_, at);
    relation_.spike(*current_ == 0 ? analysis::RelationCounter::Train::a : analysis::RelationCounter::Train::b, at);
  }

  Result<void> add(const recording::ListedSpike& spike) {
    if (named_.size() == most_trains) {
      return fail(ErrorKind::bad_input, fmt::format("{}: more than {} trains; the second column names the train of a "
                                                    "spike, and a list of one train has none",
                                                    spike.line, most_trains));
    }
    places_.emplace(spike.train, named_.size());
    const Ticks begin = choices_.from.value_or(Ticks{spike.nanoseconds});
    named_.push_back({std::string(spike.train), Train(choices_, begin), spike.nanoseconds, spike.line});
    return {};
  }

  const Choices& choices_;
  std::map<std::string, std::size_t, std::less<>> places_;
  std::deque<Named> named_;
  std::optional<std::size_t> current_;
  analysis::RelationCounter relation_;
  Ticks first_{std::numeric_limits<std::int64_t>::max()};
  Ticks last_{std::numeric_limits<std::int64_t>::min()};
  Ticks latest_{std::numeric_limits<std::int64_t>::min()};  // of the two
  bool jumbled_ = false;
};

/// Whether the options leave anything of the list to look at.
Result<void> judge_window(const AnalyzeOptions& options, const Choices& choices, const Trains& trains) {
  const auto wrong = [&](const char* option, const std::string& value, const std::string& what) {
    const auto seconds = [](Ticks at) { return static_cast<double>(at.count) * tick_s; };
    return fail(ErrorKind::bad_input,
                fmt::format("--{} {}: {}; the spikes of {} lie between {:.10g} s and {:.10g} s", option, value, what,
                            options.path, seconds(trains.first()), seconds(trains.last())));
  };
  if (choices.from && *choices.from > trains.last()) return wrong("from", options.from, "is after the last spike");
  if (choices.until && *choices.until <= trains.first()) {
    return wrong("until", options.until, "is not after the first spike");
  }
  for (std::size_t k = 0; k < trains.size(); ++k) {
    const Ticks origin = trains.train(k).origin();
    if (origin <= trains.last() && (!choices.until || origin < *choices.until)) return {};
  }
  return wrong("settle", options.settle, "leaves no spike");
}

/// Reads the list into `trains`. Errors: bad_input with file and line, or the option that leaves nothing of it.
Result<void> take_list(const AnalyzeOptions& options, const Choices& choices, Trains& trains) {
  Result<void> taken;
  const auto read = recording::read_spike_list(options.path, [&](const recording::ListedSpike& spike) {
    taken = trains.take(spike);
    return taken.has_value();
  });
  if (!read) return tl::make_unexpected(read.error());
  if (!taken) return fail(taken.error().kind, options.path + ":" + taken.error().message);
  if (trains.size() > 0) return judge_window(options, choices, trains);
  if (read->has_header && choices.from && choices.until) {
    trains.take_silence();
    return {};
  }
  return fail(ErrorKind::bad_input, options.path +
                                        ": holds no spike times; of a neuron that was silent give a header "
                                        "line and what was observed, --from and --until");
}

AnalyzedTrain analyzed(const Trains& trains, std::size_t k) {
  const Train& train = trains.train(k);
  return {trains.name(k), tick_s, train.end(), train.outside(), train.row(), train.statistics(), train.max_interval()};
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
  // A map is refused by what opens recordings.
  if (recording::is_map(options.path)) return analyze_recording(options, choices->settings);
  if (is_hdf5(options.path)) {
    if (!options.from.empty() || !options.until.empty() || !options.settle.empty()) {
      return report({ErrorKind::bad_input, options.path + ": is a recording, whose steps have their own times and "
                                                          "settling; leave out --from, --until and --settle"});
    }
    if (choices->max_interval) {
      return report({ErrorKind::bad_input,
                     "--max-interval: is for lists; `thyrode export FILE --csv --table spikes_A` "
                     "makes one of a recording"});
    }
    return analyze_recording(options, choices->settings);
  }
  Trains trains(*choices);
  if (const auto taken = take_list(options, *choices, trains); !taken) return report(taken.error());

  if (options.json) {
    ordered_json list = ordered_json::array();
    for (std::size_t k = 0; k < trains.size(); ++k) {
      list.push_back(train_document(analyzed(trains, k)));
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
