#include "daemon/recording/replay_settings.hpp"

#include <fmt/format.h>

#include "daemon/recording/file_access.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/readback.hpp"

namespace thyrode::recording {
namespace {

std::optional<DetectorSettings> read_detector(hid_t file, const std::string& path) {
  if (H5Aexists_by_name(file, path.c_str(), "detector_trigger", H5P_DEFAULT) <= 0) return std::nullopt;
  const auto millivolts = [&](const char* name) {
    return Voltage::from_si(1e-3 * read_attribute<double>(file, path, name));
  };
  DetectorSettings detector;
  const bool swing = read_text_attribute(file, path, "detector_trigger") == "swing";
  detector.trigger = swing ? protocol::Trigger::swing : protocol::Trigger::level;
  detector.swing = millivolts("detector_swing_mv");
  detector.fire_level = millivolts("detector_fire_mv");
  detector.rearm_level = millivolts("detector_rearm_mv");
  detector.refractory = Duration::from_si(1e-6 * read_attribute<double>(file, path, "detector_refractory_us"));
  return detector;
}

/// "WHAT: A UNIT is asked for, B UNIT was recorded", or empty where they are equal.
std::string unless_same(const char* what, double asked, double recorded, const char* unit) {
  if (same_number(asked, recorded)) return {};
  return fmt::format("{}: {:.6g} {} is asked for, {:.6g} {} was recorded", what, asked, unit, recorded, unit);
}

std::string difference(const DetectorSettings& asked, const DetectorSettings& recorded) {
  if (asked.trigger != recorded.trigger) return "the trigger of the spike detector is another one than was recorded";
  const bool swing = asked.trigger == protocol::Trigger::swing;
  for (const std::string& found :
       {swing ? unless_same("detect.swing", asked.swing.in(1.0_mV), recorded.swing.in(1.0_mV), "mV") : std::string{},
        swing ? std::string{}
              : unless_same("detect.fire", asked.fire_level.in(1.0_mV), recorded.fire_level.in(1.0_mV), "mV"),
        swing ? std::string{}
              : unless_same("detect.rearm", asked.rearm_level.in(1.0_mV), recorded.rearm_level.in(1.0_mV), "mV"),
        unless_same("detect.refractory", asked.refractory.in(1.0_us), recorded.refractory.in(1.0_us), "us")}) {
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace

Result<ReplaySettings> ReplaySettings::read(const std::string& path) {
  auto settings = guarded([&] {
    const h5::Handle handle = open_for_reading(path);
    const hid_t file = handle.get();
    ReplaySettings all;
    for (const std::string& label : read_texts_attribute(file, layout::provenance, "channels")) {
      const std::string where = layout::channel_settings(label);
      OfChannel& one = all.channels_.emplace_back();
      one.slew_ua_per_s = read_attribute<double>(file, where, "slew_ua_per_s");
      one.decimation = static_cast<int>(read_attribute<std::int64_t>(file, where, "trace_decimation"));
      one.detector = read_detector(file, where);
      one.driven = one.detector.has_value();
      if (!one.driven) continue;
      one.snippets = read_attribute<std::int64_t>(file, where, "snippet_samples") > 0;
      one.before_us = read_attribute<double>(file, where, "snippet_before_us");
      one.after_us = read_attribute<double>(file, where, "snippet_after_us");
      one.most_per_second = read_attribute<std::int64_t>(file, where, "snippets_per_second");
    }
    return all;
  });
  if (!settings) settings.error().kind = ErrorKind::bad_input;
  return settings;
}

std::string ReplaySettings::difference(Channel channel, const Setting& setting) const {
  const OfChannel& recorded = channels_.at(channel.index);
  if (const auto* trace = std::get_if<TelemetrySettings>(&setting)) {
    if (trace->decimation == 0 || trace->decimation == recorded.decimation) return {};
    return fmt::format("a trace of {} samples a value is asked for, {} was recorded (0: none)", trace->decimation,
                       recorded.decimation);
  }
  if (!recorded.driven) return {};
  if (const auto* detector = std::get_if<DetectorSettings>(&setting)) {
    return recording::difference(*detector, *recorded.detector);
  }
  if (const auto* limits = std::get_if<LimitSettings>(&setting)) {
    return unless_same("slew", limits->slew.si() * 1e6, recorded.slew_ua_per_s, "uA/s");
  }
  const auto* snippets = std::get_if<SnippetSettings>(&setting);
  if (snippets == nullptr || !snippets->on) return {};
  if (!recorded.snippets) return "snippets are asked for, none were recorded";
  for (const std::string& found :
       {unless_same("snippets.before", snippets->before.in(1.0_us), recorded.before_us, "us"),
        unless_same("snippets.after", snippets->after.in(1.0_us), recorded.after_us, "us"),
        unless_same("snippets.max", snippets->most_per_second, static_cast<double>(recorded.most_per_second), "/s")}) {
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace thyrode::recording
