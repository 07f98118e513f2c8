#include "daemon/recording/spike_list.hpp"

#include <fmt/core.h>

#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>

namespace thyrode::recording {
namespace {

// A double holds every nanosecond up to 2^53 of them, 104 days.
constexpr double longest_s = 9e6;
constexpr std::size_t longest_line = 1000;
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

class SpikeListReader {
 public:
  SpikeListReader(const std::string& path, const TakeListedSpike& take) : path_(path), take_(take) {}

  Result<void> read() {
    std::error_code error;
    const auto status = std::filesystem::status(path_, error);
    if (!std::filesystem::exists(status)) return fail(ErrorKind::bad_input, path_ + ": no such file");
    if (std::filesystem::is_directory(status)) return fail(ErrorKind::bad_input, path_ + ": is not a file");
    std::ifstream in(path_);
    if (!in) return fail(ErrorKind::bad_input, path_ + ": cannot be read");
    std::string line;
    while (std::getline(in, line)) {
      ++number_;
      if (line.size() > longest_line) return wrong("a line is longer than 1000 characters; is this a list of times?");
      if (number_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);  // what spreadsheets put first
      const std::string_view text = trimmed(line);
      if (text.empty() || text.front() == '#') continue;
      const auto more = take_line(text);
      if (!more) return tl::make_unexpected(more.error());
      if (!*more) return {};
    }
    if (in.bad()) return fail(ErrorKind::bad_input, path_ + ": cannot be read to its end");
    return {};
  }

 private:
  tl::unexpected<Error> wrong(const std::string& what) const {
    return fail(ErrorKind::bad_input, fmt::format("{}:{}: {}", path_, number_, what));
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
    const char* const end = columns->time.data() + columns->time.size();
    const auto [stopped, error] = std::from_chars(columns->time.data(), end, value);
    if (error != std::errc{} || stopped != end || !std::isfinite(value)) {
      if (first) return take_header(columns->time);
      return wrong(fmt::format("'{}' is no time; write a number, one spike a line", columns->time.substr(0, shown)));
    }
    const double seconds = value * ns_per_unit_ * 1e-9;
    if (std::abs(seconds) > longest_s) {
      return wrong(
          fmt::format("{:g} s is beyond 9e6 s; a header names another unit: time_ms, time_us or time_ns", seconds));
    }
    return take_(columns->train.value_or(std::string_view{}),
                 static_cast<std::int64_t>(std::llround(value * ns_per_unit_)));
  }

  Result<bool> take_header(std::string_view name) {
    const auto ends = [&](std::string_view unit) { return name.ends_with(unit); };
    if (ends("_s")) {
      ns_per_unit_ = 1e9;
    } else if (ends("_ms")) {
      ns_per_unit_ = 1e6;
    } else if (ends("_us")) {
      ns_per_unit_ = 1e3;
    } else if (ends("_ns")) {
      ns_per_unit_ = 1.0;
    } else {
      return wrong(fmt::format("'{}' is neither a time nor a header; a header is time_s, time_ms, time_us or time_ns",
                               name.substr(0, shown)));
    }
    return true;
  }

  const std::string& path_;
  const TakeListedSpike& take_;
  std::int64_t number_ = 0;
  bool begun_ = false;
  double ns_per_unit_ = 1e9;
};

}  // namespace

Result<void> read_spike_list(const std::string& path, const TakeListedSpike& take) {
  return SpikeListReader(path, take).read();
}

}  // namespace thyrode::recording
