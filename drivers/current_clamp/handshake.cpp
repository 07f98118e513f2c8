#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>

#include "drivers/current_clamp/current_clamp.hpp"

namespace thyrode {
namespace {

template <std::size_t N>
std::string text(const std::array<char, N>& raw) {
  std::string out;
  for (const char c : raw) {
    if (c == '\0') break;
    out.push_back(c >= ' ' && c <= '~' ? c : '?');
  }
  return out;
}

Scale scale(const protocol::SignalScale& s) {
  return {s.scale, s.zero, std::max<int>(1, s.every), s.bits};
}

/// A device may be broken in any way; nothing it says may break the host.
bool plausible(const protocol::Ident& ident) {
  return ident.sample_rate >= 1000 && ident.sample_rate <= 100'000'000 && ident.sample_rate % 1000 == 0 &&
         ident.block >= 1 && ident.channels >= 1 && ident.channels <= 16 && ident.credit >= 64;
}
bool plausible(const protocol::SignalScale& s) {
  return std::isfinite(s.scale) && s.scale > 0.0 && std::isfinite(s.zero) && s.bits >= 1 && s.bits <= 16;
}

}  // namespace

double CurrentClamp::steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Result<std::unique_ptr<CurrentClamp>> CurrentClamp::open(std::unique_ptr<Link> link, std::string uri, Clock clock) {
  std::unique_ptr<CurrentClamp> device{new CurrentClamp{std::move(link), std::move(uri), std::move(clock)}};
  if (auto shaken = device->shake_hands(); !shaken) return tl::make_unexpected(shaken.error());
  return device;
}

Result<protocol::Ident> CurrentClamp::ask_identity() {
  constexpr int tries = 20;  // a board that resets when its port opens needs up to 2 s
  for (int k = 0; k < tries; ++k) {
    ident_payload_.clear();
    if (auto sent = send_unacknowledged(protocol::Hello{}); !sent) return tl::make_unexpected(sent.error());
    const double until = clock_() + 0.1;
    do {
      const auto came = pump(20.0_ms);
      if (!came) return tl::make_unexpected(came.error());
      if (!ident_payload_.empty()) {
        const auto ident = protocol::decode<protocol::Ident>(ident_payload_);
        if (ident) return *ident;
        // The first two bytes of IDENT are the version in every version.
        const int major = ident_payload_.size() >= 2 ? ident_payload_[0] : 0;
        const int minor = ident_payload_.size() >= 2 ? ident_payload_[1] : 0;
        return fail(ErrorKind::device,
                    fmt::format("{}: the device speaks protocol {}.{}, this program {}.{}: update the older of the two",
                                info_.uri, major, minor, protocol::version_major, protocol::version_minor));
      }
      if (!*came && link_->in_lockstep()) break;
    } while (clock_() < until);
  }
  if (counters_.bytes_up == 0) {
    return fail(
        ErrorKind::device,
        fmt::format("{}: no answer within 2 s: is the board powered, flashed, and is this its port?", info_.uri));
  }
  return fail(
      ErrorKind::device,
      fmt::format("{}: {} bytes came, but no thyrode device answers ({} broken frames): is this another instrument?",
                  info_.uri, counters_.bytes_up, counters_.bad_frames));
}

template <class Answer, class Request, class Wanted>
Result<Answer> CurrentClamp::ask(const Request& request, Wanted&& wanted) {
  for (int k = 0; k < most_tries; ++k) {
    reply_payload_.clear();
    if (auto sent = send_unacknowledged(request); !sent) return tl::make_unexpected(sent.error());
    const double until = clock_() + 0.2;
    do {
      const auto came = pump(20.0_ms);
      if (!came) return tl::make_unexpected(came.error());
      if (!reply_payload_.empty()) {
        const auto reply = protocol::decode<Answer>(reply_payload_);
        if (reply && reply_type_ == Answer::type && wanted(*reply)) return *reply;
        reply_payload_.clear();
      }
      if (!*came && link_->in_lockstep()) break;
    } while (clock_() < until);
  }
  std::string where;
  if constexpr (requires { request.channel; }) where = fmt::format(" for its channel {}", request.channel);
  return fail(ErrorKind::device, fmt::format("{}: the device does not answer {}{}", info_.uri, Request::name, where));
}

Result<protocol::DeviceStatus> CurrentClamp::status() {
  return ask<protocol::DeviceStatus>(protocol::GetStatus{}, [](const auto&) { return true; });
}

Result<FaultTrace::Codes> CurrentClamp::ask_trace(std::uint8_t channel, protocol::Signal signal) {
  FaultTrace::Codes trace;
  while (true) {
    const auto offset = static_cast<std::uint16_t>(trace.codes.size());
    const auto part = ask<protocol::TracePart>(protocol::GetTrace{channel, signal, offset}, [&](const auto& answer) {
      return answer.channel == channel && answer.signal == signal && answer.offset == offset;
    });
    if (!part) return tl::make_unexpected(part.error());
    trace.first = part->first;
    trace.every = std::max<int>(1, part->every);
    trace.codes.insert(trace.codes.end(), part->codes.begin(), part->codes.end());
    if (part->codes.empty() || trace.codes.size() >= part->length) return trace;
  }
}

Result<FaultTrace> CurrentClamp::fault_trace() {
  FaultTrace trace;
  const auto now = status();
  if (!now) return tl::make_unexpected(now.error());
  if (now->trace == 0) return trace;
  for (std::uint8_t c = 0; c < info_.channels.size(); ++c) {
    trace.channels.emplace_back();
    for (std::size_t s = 0; s < protocol::signal_count; ++s) {
      auto codes = ask_trace(c, static_cast<protocol::Signal>(s));
      if (!codes) return tl::make_unexpected(codes.error());
      trace.channels.back()[s] = *std::move(codes);
    }
  }
  return trace;
}

Result<ChannelDescription> CurrentClamp::describe_channel(std::uint8_t c, bool has_part) {
  const auto channel =
      ask<protocol::ChannelInfo>(protocol::Describe{c}, [c](const auto& answer) { return answer.channel == c; });
  if (!channel) return tl::make_unexpected(channel.error());
  if (!plausible(channel->command) ||
      !std::all_of(channel->signals.begin(), channel->signals.end(), [](const auto& s) { return plausible(s); })) {
    return fail(ErrorKind::device, fmt::format("{}: the scales of channel {} make no sense", info_.uri, c));
  }
  ChannelDescription description;
  description.label = text(channel->label);
  for (std::size_t s = 0; s < protocol::signal_count; ++s) description.signals[s] = scale(channel->signals[s]);
  description.command = scale(channel->command);
  const auto current = [&](FineCode fine) {
    return Current::from_si(description.command.value(static_cast<double>(fine) / (1 << fine_bits)));
  };
  description.lowest = current(channel->lowest);
  description.highest = current(channel->highest);
  description.fastest = Slew::from_si(description.command.scale * static_cast<double>(channel->fastest) /
                                      (1 << fine_bits) * info_.sample_rate_hz);
  if (!has_part) return description;
  const auto part =
      ask<protocol::PartInfo>(protocol::DescribePart{c}, [c](const auto& answer) { return answer.channel == c; });
  if (!part) return tl::make_unexpected(part.error());
  if (part->highest > 0) {
    const auto ohm = [](std::uint32_t milliohm) { return Resistance::from_si(1e-3 * milliohm); };
    description.part = VariablePart{ohm(part->lowest), ohm(part->highest), ohm(part->present),
                                    Capacitance::from_si(part->capacitance)};
  }
  return description;
}

Result<void> CurrentClamp::shake_hands() {
  const auto ident = ask_identity();
  if (!ident) return tl::make_unexpected(ident.error());
  if (ident->major != protocol::version_major) {
    return fail(ErrorKind::device,
                fmt::format("{}: the device speaks protocol {}.{}, this program {}.{}: update the older of the two",
                            info_.uri, ident->major, ident->minor, protocol::version_major, protocol::version_minor));
  }
  if (ident->schema != protocol::schema_hash) {
    return fail(
        ErrorKind::device,
        fmt::format("{}: the device's message table is {:08x}, this program's {:08x} (both protocol {}.{}): flash the "
                    "firmware of this release",
                    info_.uri, ident->schema, protocol::schema_hash, ident->major, ident->minor));
  }
  if (!plausible(*ident)) {
    return fail(ErrorKind::device, fmt::format("{}: the device's identity makes no sense ({} channels, {} samples/s)",
                                               info_.uri, ident->channels, ident->sample_rate));
  }
  info_.board = text(ident->board);
  info_.firmware = text(ident->firmware);
  info_.serial = text(ident->serial);
  info_.protocol_major = ident->major;
  info_.protocol_minor = ident->minor;
  info_.schema = ident->schema;
  info_.sample_rate_hz = ident->sample_rate;
  info_.block_samples = ident->block;
  info_.virtual_time = (ident->capabilities & protocol::can_virtual_time) != 0;
  info_.snippets = (ident->capabilities & protocol::can_snippets) != 0;
  info_.full_trace = (ident->capabilities & protocol::can_full_trace) != 0;
  info_.lacks_clock = (ident->capabilities & protocol::lacks_clock) != 0;
  info_.lacks_converters = (ident->capabilities & protocol::lacks_converters) != 0;
  info_.link_bytes_per_second = ident->link_rate;
  info_.queue_depth = ident->queue_depth;
  info_.noise_free = (ident->capabilities & protocol::codes_noise_free) != 0;
  info_.now = ident->now;
  credit_ = ident->credit;
  for (std::uint8_t c = 0; c < ident->channels; ++c) {
    auto description = describe_channel(c, (ident->capabilities & protocol::can_set_part) != 0);
    if (!description) return tl::make_unexpected(description.error());
    info_.channels.push_back(*std::move(description));
  }
  messages_.clear();  // what was under way for the host before us
  shaken_ = true;
  // In virtual time nothing is sent before a first grant but a latched fault, and that has been seen.
  if (info_.virtual_time) order_.begin_at_zero();
  counters_.lost_frames = 0;
  return {};
}

}  // namespace thyrode
