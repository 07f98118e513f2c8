#include "drivers/current_clamp/codes.hpp"

#include <algorithm>
#include <cmath>

namespace thyrode {
namespace {

using protocol::Signal;

FineCode fine_code(const Scale& command, Current current) {
  return static_cast<FineCode>(std::llround(command.code(current.si()) * (1 << fine_bits)));
}

AdcCode adc_code(const Scale& scale, Voltage v) {
  return static_cast<AdcCode>(std::clamp(std::lround(scale.code(v.si())), 0L, 65535L));
}

std::uint16_t sample_count(const DeviceInfo& info, Duration duration) {
  return static_cast<std::uint16_t>(std::clamp<std::int64_t>(info.samples(duration).index, 0, 65535));
}

Configure detector(const DetectorSettings& settings, Sample at, Channel channel, const ChannelDescription& description,
                   const DeviceInfo& info) {
  const Scale& v_out = description.signal(Signal::v_out);
  protocol::ConfigureDetector message;
  message.channel = channel.index;
  message.at = at;
  message.trigger = settings.trigger;
  message.swing = static_cast<AdcCode>(std::clamp(std::lround(settings.swing.si() / v_out.scale), 1L, 4095L));
  message.fire_level = adc_code(v_out, settings.fire_level);
  message.rearm_level = adc_code(v_out, settings.rearm_level);
  message.refractory = sample_count(info, settings.refractory);
  return message;
}

Configure limits(const LimitSettings& settings, Channel channel, const ChannelDescription& description,
                 const DeviceInfo& info) {
  protocol::ConfigureLimits message;
  message.channel = channel.index;
  message.lowest = fine_code(description.command, settings.lowest);
  message.highest = fine_code(description.command, settings.highest);
  const double per_sample = settings.slew.si() / info.sample_rate_hz / description.command.scale * (1 << fine_bits);
  message.slew = static_cast<FineCode>(std::clamp(per_sample, 1.0, 2147483647.0));
  const double band = settings.readback_band.si() / description.signal(Signal::i_read).scale;
  if (band > 0.0) message.readback_band = static_cast<AdcCode>(std::clamp(std::lround(band), 1L, 65534L));
  message.compliance = adc_code(description.signal(Signal::v_m), settings.compliance);
  return message;
}

Configure charge(const ChargeSettings& settings, Channel channel, const ChannelDescription& description,
                 const DeviceInfo& info) {
  constexpr double unit = 4096.0;  // codes times samples
  const double units = settings.most.si() / description.command.scale * info.sample_rate_hz / unit;
  // What is not a limit on the wire is none here either.
  return protocol::ConfigureCharge{channel.index, static_cast<std::uint32_t>(std::clamp(units, 0.0, 4294967295.0))};
}

Configure plausibility(const PlausibilitySettings& settings, Channel channel, const ChannelDescription& description,
                       const DeviceInfo& info) {
  const auto samples = [&info](Duration time) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(info.samples(time).index, 0, 4294967295));
  };
  protocol::ConfigurePlausibility message;
  message.channel = channel.index;
  message.stuck = static_cast<std::uint16_t>(std::clamp(settings.stuck, 0, 65535));
  for (std::size_t s = 0; s < protocol::signal_count; ++s) message.rail[s] = samples(settings.rail[s]);
  const double current = settings.open_current.si() / description.command.scale;
  message.open_current = static_cast<std::uint16_t>(std::clamp(std::ceil(current), 0.0, 65535.0));
  const double band = settings.open_band.si() / description.signal(Signal::v_m).scale;
  message.open_band = static_cast<AdcCode>(std::clamp(std::round(band), 0.0, 65535.0));
  message.open_time = samples(settings.open_time);
  return message;
}

}  // namespace

Configure to_message(const Setting& setting, Sample at, Channel channel, const ChannelDescription& description,
                     const DeviceInfo& info) {
  if (const auto* settings = std::get_if<DetectorSettings>(&setting)) {
    return detector(*settings, at, channel, description, info);
  }
  if (const auto* settings = std::get_if<TelemetrySettings>(&setting)) {
    return protocol::ConfigureTelemetry{channel.index, at, static_cast<std::uint16_t>(settings->decimation)};
  }
  if (const auto* settings = std::get_if<LimitSettings>(&setting)) return limits(*settings, channel, description, info);
  if (const auto* settings = std::get_if<LeaseSettings>(&setting)) {
    return protocol::ConfigureLease{static_cast<std::uint32_t>(info.samples(settings->lease).index)};
  }
  if (const auto* most = std::get_if<ChargeSettings>(&setting)) return charge(*most, channel, description, info);
  if (const auto* watched = std::get_if<PlausibilitySettings>(&setting)) {
    return plausibility(*watched, channel, description, info);
  }
  if (const auto* part = std::get_if<PartSettings>(&setting)) {
    const double milliohm = std::clamp(std::round(part->load.si() * 1e3), 0.0, 4294967295.0);
    return protocol::SetPart{channel.index, at, static_cast<std::uint32_t>(milliohm)};
  }
  const auto& snippets = std::get<SnippetSettings>(setting);
  return protocol::ConfigureSnippets{channel.index, static_cast<std::uint8_t>(snippets.on ? 1 : 0),
                                     sample_count(info, snippets.before), sample_count(info, snippets.after),
                                     static_cast<std::uint16_t>(snippets.most_per_second)};
}

protocol::Schedule to_message(const Segment& segment, Channel channel, const ChannelDescription& description,
                              const DeviceInfo& info) {
  return {channel.index, segment.start, static_cast<std::uint32_t>(info.samples(segment.duration).index),
          fine_code(description.command, segment.first), fine_code(description.command, segment.last)};
}

}  // namespace thyrode
