// By which settings a recording was made, and how those of a replay differ. Private to this room.
#pragma once

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "daemon/recording/requests.hpp"
#include "drivers/device.hpp"
#include "drivers/result.hpp"

namespace thyrode::recording {

/// Equal but for what the units of a file round.
inline bool same_number(double a, double b) {
  return std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b)) + 1e-15;
}

inline bool same_order(const RecordedOrder& a, const RecordedOrder& b) {
  if (a.kind != b.kind || a.at != b.at) return false;
  if (a.kind == RecordedOrder::Kind::stop) return true;
  if (a.channel != b.channel) return false;
  if (a.kind == RecordedOrder::Kind::load) return same_number(a.load.si(), b.load.si());
  return same_number(a.duration.si(), b.duration.si()) && same_number(a.first.si(), b.first.si()) &&
         same_number(a.last.si(), b.last.si());
}

class ReplaySettings {
 public:
  /// Errors: bad_input (as read_run).
  static Result<ReplaySettings> read(const std::string& path);

  /// What cannot be had of a channel, with the value asked for and the one recorded; empty where all can.
  std::string difference(Channel channel, const Setting& setting) const;

 private:
  struct OfChannel {
    bool driven = false;  ///< else nothing was set, and nothing is known
    std::optional<DetectorSettings> detector;
    int decimation = 0;
    bool snippets = false;
    double before_us = 0.0;
    double after_us = 0.0;
    std::int64_t most_per_second = 0;
    double slew_ua_per_s = 0.0;
  };
  std::vector<OfChannel> channels_;
};

}  // namespace thyrode::recording
