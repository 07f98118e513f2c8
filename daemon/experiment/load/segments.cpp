#include "daemon/experiment/load/segments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "daemon/experiment/load/words.hpp"

namespace thyrode::load {
namespace {

using Kind = SegmentPlan::Kind;

constexpr std::size_t most_segments = 10000;
constexpr std::size_t most_samples = 100000;
constexpr double longest_segment = 24.0 * 3600.0;
constexpr double shortest_segment = 10e-3;
// What a segment is made of must fit into memory before it begins.
constexpr double most_pieces = 1e6;

// ---------------------------------------------------------------- waveforms

using Names = std::array<std::pair<std::string_view, std::string_view>, 4>;
constexpr Names time_names{{{"time_s", "s"}, {"time_ms", "ms"}, {"time_us", "us"}, {"", ""}}};
constexpr Names current_names{{{"current_a", "A"}, {"current_ma", "mA"}, {"current_ua", "uA"}, {"current_na", "nA"}}};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\"";
  const std::size_t first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// The unit that the name of a column tells; empty for any other name.
std::string_view unit_of(const Names& names, std::string_view name) {
  for (const auto& [known, unit] : names) {
    if (!known.empty() && known == name) return unit;
  }
  return {};
}

class WaveformReader {
 public:
  explicit WaveformReader(std::string_view name) : name_{name} {}

  Result<std::vector<std::pair<Duration, Current>>> read(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // what spreadsheets put first
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      whole_line_ = text.substr(0, end);
      const std::string_view line = trimmed(whole_line_);
      text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
      ++line_;
      if (line.empty() || line.front() == '#') continue;
      if (auto taken = take(line); !taken) return tl::make_unexpected(taken.error());
    }
    if (samples_.size() < 2) {
      return wrong(whole_line_, fmt::format("the file has {} sample{}; a waveform has two at least", samples_.size(),
                                            samples_.size() == 1 ? "" : "s"));
    }
    return std::move(samples_);
  }

 private:
  /// @param at  a part of the present line
  tl::unexpected<Error> wrong(std::string_view at, const std::string& what) const {
    const auto column = whole_line_.empty() ? 1 : at.data() - whole_line_.data() + 1;
    return fail(ErrorKind::bad_input, fmt::format("{}:{}:{}: {}", name_, std::max(line_, 1), column, what));
  }

  Result<void> take(std::string_view line) {
    const std::size_t comma = line.find(',');
    if (comma == std::string_view::npos || line.find(',', comma + 1) != std::string_view::npos) {
      return wrong(
          line, fmt::format("'{}' is not two columns; write time and current separated by one comma", shortened(line)));
    }
    const std::string_view first = trimmed(line.substr(0, comma));
    const std::string_view second = trimmed(line.substr(comma + 1));
    return !time_unit_.empty() ? take_sample(first, second) : take_header(first, second);
  }

  Result<void> take_header(std::string_view first, std::string_view second) {
    const std::string_view time = unit_of(time_names, first);
    const std::string_view current = unit_of(current_names, second);
    if (time.empty() || current.empty()) {
      return wrong(first, fmt::format("'{},{}' does not name the columns and their units; begin with for example "
                                      "\"time_s,current_ua\" (time in s, ms or us, current in a, ma, ua or na)",
                                      shortened(first), shortened(second)));
    }
    time_unit_ = time;
    current_unit_ = current;
    return {};
  }

  Result<void> take_sample(std::string_view first, std::string_view second) {
    // Read as everywhere else, so that 45.3 is the current that a YAML file calls 45.3 uA.
    const auto time = parse_quantity(fmt::format("{} {}", first, time_unit_), QuantityKind::duration);
    const auto current = parse_quantity(fmt::format("{} {}", second, current_unit_), QuantityKind::current);
    if (!time || !current) {
      return wrong(time ? second : first,
                   fmt::format("'{}' is not a number; write for example 45.3", shortened(time ? second : first)));
    }
    const Duration at = Duration::from_si(*time);
    const Current level = Current::from_si(*current);
    if (std::abs(level.si()) > possible_currents().high) {
      return wrong(second, fmt::format("{} is out of range; it must be from {} to {}", to_text(level),
                                       to_text(Current::from_si(possible_currents().low)),
                                       to_text(Current::from_si(possible_currents().high))));
    }
    if (samples_.empty() && *time != 0.0) {
      return wrong(first, fmt::format("the first time is {}; times count from the beginning of the segment, write 0",
                                      shortened(first)));
    }
    if (!samples_.empty() && at <= samples_.back().first) {
      return wrong(first, fmt::format("the time {} is not after {} before it; times rise", shortened(first),
                                      to_text(samples_.back().first)));
    }
    if (at.si() > longest_segment) {
      return wrong(first, fmt::format("{} is out of range; a segment lasts at most {}", to_text(at),
                                      to_text(Duration::from_si(longest_segment))));
    }
    if (samples_.size() == most_samples) {
      return wrong(first, fmt::format("there are more than {} samples; write fewer, or cut the waveform into several "
                                      "segments with a file each",
                                      most_samples));
    }
    samples_.emplace_back(at, level);
    return {};
  }

  std::string name_;
  int line_ = 0;
  std::string_view whole_line_;
  std::string_view time_unit_;  // empty: the header was not read yet
  std::string_view current_unit_;
  std::vector<std::pair<Duration, Current>> samples_;
};

// ---------------------------------------------------------------- segments

Current read_current(MapReader& map, std::string_view key) {
  return Current::from_si(map.quantity(key, QuantityKind::current, possible_currents()).value_or(0.0));
}

Duration read_length(MapReader& map, std::string_view key, std::string_view example, double shortest) {
  map.require(key, example);
  return Duration::from_si(
      map.quantity(key, QuantityKind::duration, between(shortest, longest_segment)).value_or(shortest));
}

void read_pulse(MapReader& map, SegmentPlan& segment) {
  segment.base = read_current(map, "base");
  segment.width = read_length(map, "width", "width: 50 ms", 1e-3);
  segment.period = read_length(map, "period", "period: 200 ms", 1e-3);
  if (segment.width > segment.period) {
    map.reading().refuse(map.path("width"),
                         fmt::format("{}: {} is longer than {}: {}; write a shorter one", map.path("width"),
                                     to_text(segment.width), map.path("period"), to_text(segment.period)));
  }
  if (segment.length / segment.period > most_pieces) {
    map.reading().refuse(map.path("period"),
                         fmt::format("{}: {} gives more than {:.0f} pulses; write a longer period or a shorter segment",
                                     map.path("period"), to_text(segment.period), most_pieces));
  }
}

void read_noise(MapReader& map, SegmentPlan& segment) {
  map.require("sd", "sd: 2 uA");
  segment.sd = Current::from_si(
      map.quantity("sd", QuantityKind::current, above_zero_to(possible_currents().high)).value_or(0.0));
  segment.tau = read_length(map, "tau", "tau: 100 ms", 1e-3);
  segment.seed = static_cast<std::uint64_t>(map.whole_number("seed", 0, 1'000'000'000'000'000).value_or(1));
  if (segment.length / segment.tau > most_pieces / 5.0) {
    map.reading().refuse(map.path("tau"),
                         fmt::format("{}: {} is too short for a segment of {}; write a longer one or a "
                                     "shorter segment",
                                     map.path("tau"), to_text(segment.tau), to_text(segment.length)));
  }
}

void read_waveform(MapReader& map, const PlanSources& sources, SegmentPlan& segment) {
  const auto name = map.text("waveform");
  if (!name) return;
  const std::string path = map.path("waveform");
  if (!sources.read) {
    map.reading().refuse(path, fmt::format("{}: files are read beside an experiment file, and this text has no place; "
                                           "give the experiment as a file",
                                           path));
    return;
  }
  auto kept = sources.files.find(*name);
  if (kept == sources.files.end()) {
    auto text = sources.read(*name);
    if (!text) {
      map.reading().refuse(path, fmt::format("{}: {}", path, text.error().message));
      return;
    }
    kept = sources.files.emplace(*name, *std::move(text)).first;
  }
  auto samples = parse_waveform(kept->second, *name);
  if (!samples) {
    map.reading().refuse(path, fmt::format("{}: {}", path, samples.error().message));
    return;
  }
  segment.samples = *std::move(samples);
  segment.length = segment.samples.back().first;
  if (segment.length.si() < shortest_segment) {
    map.reading().refuse(path, fmt::format("{}: {} lasts {}; a segment lasts {} at least", path, shortened(*name),
                                           to_text(segment.length), to_text(Duration::from_si(shortest_segment))));
  }
}

/// What a segment of a kind has beside the key that names it.
std::vector<std::string> keys_of(Kind kind) {
  switch (kind) {
    case Kind::hold:
    case Kind::ramp: return {"for"};
    case Kind::pulse: return {"base", "width", "period", "for"};
    case Kind::noise: return {"sd", "tau", "seed", "for"};
    case Kind::step:
    case Kind::waveform: return {};
  }
  return {};
}

SegmentPlan read_segment(Reading& reading, const YamlNode& node, const std::string& path, const PlanSources& sources) {
  static const std::vector<std::string> kinds(segment_words.begin(), segment_words.end());
  SegmentPlan segment;
  std::vector<std::size_t> named;
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    if (node.kind == YamlNode::Kind::map && child(node, kinds[k]) != nullptr) named.push_back(k);
  }
  if (named.size() != 1) {
    reading.refuse(node.at, fmt::format("{} {}; write for example \"{{hold: 45.3 uA, for: 2 s}}\", it is one of {}",
                                        path, named.empty() ? "names no segment" : "names more than one segment",
                                        list_of_words(kinds, " and ")));
    return segment;
  }
  segment.kind = static_cast<Kind>(named.front());
  const std::string& word = kinds[named.front()];
  if (segment.kind == Kind::step && child(node, "for") != nullptr) {
    reading.refuse(
        child(node, "for")->at,
        fmt::format("{}.for: a step lasts until its rate is known, as `dwell` says; write hold in place of step "
                    "for a current of a given length",
                    path));
    return segment;
  }
  std::vector<std::string> keys{word};
  for (const std::string& key : keys_of(segment.kind)) keys.push_back(key);
  MapReader map(reading, node, path, std::move(keys));
  if (segment.kind == Kind::waveform) {
    read_waveform(map, sources, segment);
    return segment;
  }
  segment.current = read_current(map, word);
  if (segment.kind == Kind::step) return segment;
  segment.length = read_length(map, "for", "for: 2 s", shortest_segment);
  if (segment.kind == Kind::pulse) read_pulse(map, segment);
  if (segment.kind == Kind::noise) read_noise(map, segment);
  return segment;
}

}  // namespace

Result<std::vector<std::pair<Duration, Current>>> parse_waveform(std::string_view text, std::string_view name) {
  return WaveformReader{name}.read(text);
}

std::vector<SegmentPlan> read_segments(MapReader& map, const PlanSources& sources) {
  const YamlNode* node = map.require("segments", "segments: [{hold: 45.3 uA, for: 2 s}]");
  if (node == nullptr) return {};
  const std::string path = map.path("segments");
  if (node->kind != YamlNode::Kind::list || node->items.empty() || node->items.size() > most_segments) {
    map.reading().refuse(node->at, fmt::format("{} must be a list of 1 to {} maps, for example [{{hold: 45.3 uA, for: "
                                               "2 s}}]",
                                               path, most_segments));
    return {};
  }
  std::vector<SegmentPlan> segments;
  for (std::size_t k = 0; k < node->items.size() && !map.reading().failed(); ++k) {
    segments.push_back(read_segment(map.reading(), node->items[k], fmt::format("{}[{}]", path, k), sources));
  }
  return segments;
}

}  // namespace thyrode::load
