#include "daemon/recording/spike_list.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

namespace thyrode::recording {
namespace {

// A double holds every nanosecond up to 2^53 of them, 104 days.
constexpr double longest_s = 9e6;
constexpr std::size_t longest_line = 1000;
constexpr const char* too_long = "a line is longer than 1000 characters; is this a list of times?";
constexpr std::size_t shown = 40;

struct Columns {
  std::string_view time;
  std::optional<std::string_view> train;
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\"";
  const std::size_t first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// The begin of a text for a message, on a terminal too.
std::string readable(std::string_view text) {
  std::string result(text.substr(0, shown));
  for (char& c : result) c = c >= ' ' && c <= '~' ? c : '?';
  return result;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

bool is_whole(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// @returns the error of std::from_chars, invalid_argument also for what follows a number and for what is not finite
std::errc parse(std::string_view text, double& value) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{}) return error;
  return stopped == end && std::isfinite(value) ? std::errc{} : std::errc::invalid_argument;
}

/// The unit at the end of a name, time_ms, "Time (ms)" or "t [ms]", in nanoseconds.
std::optional<double> unit_of(std::string_view name) {
  std::string text = lower(name);
  while (text.ends_with(')') || text.ends_with(']')) text.pop_back();
  const std::string_view unit = std::string_view(text).substr(text.find_last_of("_ ([") + 1);
  if (unit.size() == text.size()) return std::nullopt;
  constexpr std::array<std::pair<std::string_view, double>, 6> units{{{"s", 1e9},
                                                                      {"ms", 1e6},
                                                                      {"us", 1e3},
                                                                      {"\xC2\xB5s", 1e3},  // micro sign
                                                                      {"\xCE\xBCs", 1e3},  // Greek mu
                                                                      {"ns", 1.0}}};
  for (const auto& [word, nanoseconds] : units) {
    if (unit == word) return nanoseconds;
  }
  return std::nullopt;
}

bool names_trains(std::string_view name) {
  constexpr std::array<std::string_view, 8> words{"train", "channel", "neuron", "unit", "source", "cell", "name", "id"};
  const std::string text = lower(name);
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return text == word || text.starts_with(std::string(word) + "_") || text.ends_with("_" + std::string(word));
  });
}

class SpikeListReader {
 public:
  SpikeListReader(const std::string& path, const TakeListedSpike& take) : path_(path), take_(take) {}

  Result<SpikeListSummary> read() {
    std::error_code error;
    const auto status = std::filesystem::status(path_, error);
    if (!std::filesystem::exists(status)) return fail(ErrorKind::bad_input, path_ + ": no such file");
    if (std::filesystem::is_directory(status)) return fail(ErrorKind::bad_input, path_ + ": is not a file");
    std::ifstream in(path_);
    if (!in) return fail(ErrorKind::bad_input, path_ + ": cannot be read");
    // A file without line ends, or one that never ends, is not read whole to be refused.
    std::vector<char> buffer(longest_line + 8);
    while (in.getline(buffer.data(), static_cast<std::streamsize>(buffer.size()))) {
      ++number_;
      const std::streamsize taken = in.gcount() - (in.eof() ? 0 : 1);  // the line end is counted where there is one
      std::string_view line(buffer.data(), static_cast<std::size_t>(taken));
      if (number_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);  // what spreadsheets put first
      if (const char* const wrong_text = refused(line)) return wrong(wrong_text);
      const std::string_view text = trimmed(line);
      if (text.empty() || text.front() == '#') continue;
      const auto more = take_line(text);
      if (!more) return tl::make_unexpected(more.error());
      if (!*more) return summary_;
    }
    if (in.gcount() > 0 && !in.eof()) {
      ++number_;
      const std::string_view begin(buffer.data(), static_cast<std::size_t>(in.gcount()));
      const char* const wrong_text = refused(begin);
      return wrong(wrong_text ? wrong_text : too_long);
    }
    if (in.bad()) return fail(ErrorKind::bad_input, path_ + ": cannot be read to its end");
    return summary_;
  }

 private:
  tl::unexpected<Error> wrong(const std::string& what) const {
    return fail(ErrorKind::bad_input, fmt::format("{}:{}: {}", path_, number_, what));
  }

  /// What is wrong with a line that is no text; null if it is.
  const char* refused(std::string_view line) const {
    if (number_ == 1 && (line.starts_with("\xFF\xFE") || line.starts_with("\xFE\xFF"))) {
      return "is UTF-16 text; save it as UTF-8";
    }
    while (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find('\r') != std::string_view::npos) {
      return "has carriage returns between its values; save it with line ends LF or CR LF";
    }
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; };
    if (std::any_of(line.begin(), line.end(), control)) return "is no text; a list has one time per line";
    if (line.size() > longest_line) return too_long;
    return nullptr;
  }

  Result<Columns> split(std::string_view text) const {
    const std::size_t comma = text.find(',');
    if (comma == std::string_view::npos) return Columns{trimmed(text), std::nullopt};
    const std::string_view rest = text.substr(comma + 1);
    if (rest.find(',') != std::string_view::npos) {
      return wrong("more than two columns; a line is a time, or a time and the name of its train");
    }
    return Columns{trimmed(text.substr(0, comma)), trimmed(rest)};
  }

  /// @returns whether more lines are wanted
  Result<bool> take_line(std::string_view text) {
    const auto columns = split(text);
    if (!columns) return tl::make_unexpected(columns.error());
    const bool first = !begun_;
    begun_ = true;
    double value = 0.0;
    const std::errc error = parse(columns->time, value);
    const double seconds = value * (ns_per_unit_ * 1e-9);
    if (error == std::errc::result_out_of_range || (error == std::errc{} && !(std::abs(seconds) <= longest_s))) {
      return wrong(fmt::format("{} is beyond 9e6 s; a header names another unit: time_ms, time_us or time_ns",
                               error == std::errc{} ? fmt::format("{:g} s", seconds) : readable(columns->time)));
    }
    if (error != std::errc{}) {
      if (first) return take_header(*columns);
      return wrong(fmt::format("'{}' is no time; write a number, one spike a line{}", readable(columns->time),
                               separator_hint(columns->time)));
    }
    if (auto judged = judge_train(*columns); !judged) return tl::make_unexpected(judged.error());
    return take_({columns->train.value_or(std::string_view{}),
                  static_cast<std::int64_t>(std::llround(value * ns_per_unit_)), number_});
  }

  static const char* separator_hint(std::string_view text) {
    return text.find_first_of(";\t ") != std::string_view::npos ? "; a comma parts the columns" : "";
  }

  /// Whether the second column names a train: amplitudes and the digits behind a decimal comma do not.
  Result<void> judge_train(const Columns& columns) const {
    if (summary_.has_header && columns.train.has_value() != two_columns_) {
      return wrong(two_columns_ ? "has no second column; the header has one, which names the train"
                                : "has a second column and the header has none; is it a decimal comma? write 1.5");
    }
    if (!columns.train) return {};
    double number = 0.0;
    const std::string_view train = *columns.train;
    const bool numbered = is_whole(train) && (trains_named_ || !summary_.has_header);
    if (!numbered && parse(train, number) != std::errc::invalid_argument) {
      return wrong(
          fmt::format("'{}' is a number and names no train; leave out amplitudes and the like, or call the "
                      "second column train, channel, neuron or unit and number the trains 0, 1, 2 ...",
                      readable(train)));
    }
    if (!summary_.has_header && is_whole(columns.time) && is_whole(train)) {
      return wrong(
          fmt::format("'{0},{1}' may be the train {1} or {0}.{1} with a decimal comma; begin with the header "
                      "time_s,train or write points",
                      readable(columns.time), readable(train)));
    }
    return {};
  }

  Result<bool> take_header(const Columns& columns) {
    const auto unit = unit_of(columns.time);
    if (!unit) {
      return wrong(
          fmt::format("'{}' is neither a time nor a header; a header is time_s, time_ms, time_us or time_ns, "
                      "and the time comes first{}",
                      readable(columns.time), separator_hint(columns.time)));
    }
    ns_per_unit_ = *unit;
    two_columns_ = columns.train.has_value();
    trains_named_ = two_columns_ && names_trains(*columns.train);
    summary_.has_header = true;
    return true;
  }

  const std::string& path_;
  const TakeListedSpike& take_;
  SpikeListSummary summary_;
  std::int64_t number_ = 0;
  bool begun_ = false;
  // Of the header.
  bool two_columns_ = false;
  bool trains_named_ = false;  // by numbers too
  double ns_per_unit_ = 1e9;
};

}  // namespace

Result<SpikeListSummary> read_spike_list(const std::string& path, const TakeListedSpike& take) {
  return SpikeListReader(path, take).read();
}

}  // namespace thyrode::recording
