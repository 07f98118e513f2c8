#include "daemon/calibration/calibrate.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "daemon/calibration/fit.hpp"
#include "daemon/calibration/hold.hpp"
#include "daemon/experiment/load/quantity_text.hpp"

namespace thyrode::calibration {
namespace {

using protocol::Signal;

constexpr int records = 8;  // 10 ms each, of a level
constexpr int neighbour_codes = 40;
constexpr int end_codes = 3;  // so near an end of a converter some of the noise is cut off

Seen seen_of(const std::vector<protocol::LevelRecord>& held, std::size_t signal, int bits) {
  Seen seen;
  double sum = 0.0, count = 0.0;
  for (const protocol::LevelRecord& record : held) {
    const protocol::Level& level = record.signals[signal];
    sum += level.sum;
    count += level.count;
    if (level.lowest < end_codes || level.highest > (1 << bits) - 1 - end_codes) seen.usable = false;
  }
  if (count > 0.0) seen.mean = sum / count;
  seen.usable = seen.usable && count > 0.0;
  return seen;
}

double mean_of(const protocol::Level& level) {
  return static_cast<double>(level.sum) / std::max<double>(1.0, level.count);
}

class Calibrating {
 public:
  Calibrating(Device& device, Channel channel, const Procedure& procedure)
      : device_{device},
        channel_{channel},
        procedure_{procedure},
        described_{device.info().channels[channel.index]},
        now_{device.info().now} {
    nominals_.source = described_.command;
    nominals_.signals = described_.signals;
    const Current room = Current::from_si(2.0 * described_.command.scale);  // for what is rounded to whole codes
    constexpr Slew steps = Slew::from_si(5e-3);
    settings_.limits = {std::min(range_low(), Current{}) - room,
                        range_high() + room,
                        std::min(described_.fastest, steps),
                        procedure.compliance,
                        {}};
    settings_.seconds = procedure.seconds;
    settings_.stopped = procedure.stopped;
    const double tau = procedure.reference.resistance * procedure.reference.capacitance;
    settings_.settling = 2 + static_cast<int>(std::min(1000.0, std::ceil(12.0 * tau / 10e-3)));
  }

  Result<ChannelCalibration> carry_out() {
    if (auto sound = check(); !sound) return tl::make_unexpected(sound.error());
    if (auto probed = probe(); !probed) return tl::make_unexpected(probed.error());
    if (auto swept = sweep(); !swept) return tl::make_unexpected(swept.error());
    Reference reference = procedure_.reference;
    if (procedure_.meter) {
      const auto reading = read_meter();
      if (!reading) return tl::make_unexpected(reading.error());
      reference.reading = reading->value;
      reference.reads_current = reading->is_current;
      reference.reading_tolerance = reading->tolerance;
    }
    return fit(measured_, nominals_, reference, described_.label);
  }

 private:
  double ohms() const { return procedure_.reference.resistance; }
  /// The voltage at which V_m still has room for noise and errors.
  Current range_high() const {
    const double most = 0.93 * std::min(procedure_.compliance.si(), described_.signal(Signal::v_m).value(4095.0));
    // The last code of a converter says nothing.
    const double board = described_.highest.si() - 4.0 * described_.command.scale;
    return Current::from_si(std::min({procedure_.highest.si(), board, most / ohms()}));
  }
  Current range_low() const {
    const double board = described_.lowest.si() + 4.0 * described_.command.scale;
    return Current::from_si(std::max({procedure_.lowest.si(), board, -range_high().si()}));
  }
  double code(Current current) const { return std::round(nominals_.source.code(current.si())); }
  static FineCode fine(double code) { return static_cast<FineCode>(code) << fine_bits; }

  Result<void> check() const {
    if (!(ohms() >= 10.0 && ohms() <= 1e7)) {
      return fail(ErrorKind::bad_input, fmt::format("--resistor: {:g} Ohm is outside the 10 Ohm to 10 MOhm of which a "
                                                    "source of microamperes can make a voltage",
                                                    ohms()));
    }
    const double codes = code(range_high()) - code(range_low());
    if (codes >= 3.0 * procedure_.levels) return {};
    return fail(
        ErrorKind::bad_input,
        fmt::format("the range {:.4g} to {:.4g} uA has {:.0f} codes of the source, and {} levels need {}: use a "
                    "smaller resistor or a wider range",
                    range_low().in(1.0_uA), range_high().in(1.0_uA), std::max(0.0, codes), procedure_.levels,
                    3 * procedure_.levels));
  }

  /// A tenth of the current first: an open loop is seen before it drives the source to its end.
  Result<void> probe() {
    const std::array<Plateau, 2> small{Plateau{described_.rest(), 4}, Plateau{fine(code(0.1 * range_high())), 4}};
    const auto held = hold(device_, channel_, small, settings_, now_);
    if (!held) return explain(held.error());
    return check_settled(*held);
  }

  /// A trip by the voltage has a cause that the device cannot know.
  tl::unexpected<Error> explain(Error error) const {
    if (error.message.find("compliance") != std::string::npos) {
      error.message += fmt::format(
          ". The voltage rose above {:.3g} V: an open loop, or a resistor larger than the {} "
          "stated; nothing is stored",
          procedure_.compliance.si(), load::format_rounded(ohms(), load::QuantityKind::resistance));
    }
    return tl::make_unexpected(std::move(error));
  }

  Result<void> check_settled(const Held& held) const {
    const auto& last = held.plateaus.back();
    const auto v_m = static_cast<std::size_t>(Signal::v_m);
    const double moved = mean_of(last.back().signals[v_m]) - mean_of(last.front().signals[v_m]);
    if (std::abs(moved) < 2.0) return {};
    return fail(
        ErrorKind::run_failed,
        fmt::format("channel {}: V_m still moves by {:.1f} codes in {} ms: a capacitor is in parallel (state it "
                    "with --capacitor) or the circuit is not a resistor; nothing is stored",
                    described_.label, moved, 10 * (static_cast<int>(last.size()) - 1)));
  }

  Result<void> sweep() {
    std::vector<double> codes;
    const double low = code(range_low()), high = code(range_high());
    for (int k = 0; k < procedure_.levels; ++k)
      codes.push_back(std::round(low + (high - low) * k / (procedure_.levels - 1)));
    std::vector<Plateau> plateaus;
    for (const double at : codes) plateaus.push_back({fine(at), records});
    for (std::size_t k = codes.size(); k-- > 0;) plateaus.push_back({fine(codes[k]), records});
    // Neighbours lie where V_out sees them too.
    const double middle = nominals_.source.zero + 0.25 * (high - nominals_.source.zero);
    for (int k = 0; k < neighbour_codes; ++k) plateaus.push_back({fine(std::round(middle) + k), records});
    const auto held = hold(device_, channel_, plateaus, settings_, now_);
    if (!held) return explain(held.error());
    for (std::size_t k = 0; k < codes.size(); ++k) {
      std::vector<protocol::LevelRecord> both = held->plateaus[k];
      const auto& down = held->plateaus[2 * codes.size() - 1 - k];
      both.insert(both.end(), down.begin(), down.end());
      measured_.levels.push_back(level_of(codes[k], both));
    }
    for (int k = 0; k < neighbour_codes; ++k) {
      const auto at = 2 * codes.size() + static_cast<std::size_t>(k);
      measured_.neighbours.push_back(level_of(std::round(middle) + k, held->plateaus[at]));
    }
    for (const auto& plateau : held->plateaus) add_noise(plateau);
    return take_open(*held);
  }

  Level level_of(double code, const std::vector<protocol::LevelRecord>& held) const {
    Level level;
    level.command = code;
    for (std::size_t j = 0; j < protocol::signal_count; ++j) {
      level.signals[j] = seen_of(held, j, nominals_.signals[j].bits);
    }
    return level;
  }

  void add_noise(const std::vector<protocol::LevelRecord>& held) {
    const double n = static_cast<double>(held.size());
    std::array<Seen, protocol::signal_count> seen;
    for (std::size_t j = 0; j < protocol::signal_count; ++j) {
      seen[j] = seen_of(held, j, nominals_.signals[j].bits);
      if (!seen[j].usable) continue;
      NoiseSum& noise = measured_.noise[j];
      noise.conversions = held.front().signals[j].count;
      for (const auto& record : held) noise.squares += std::pow(mean_of(record.signals[j]) - seen[j].mean, 2);
      noise.freedoms += n - 1.0;
    }
    const auto v_m = static_cast<std::size_t>(Signal::v_m);
    const auto i_read = static_cast<std::size_t>(Signal::i_read);
    if (!seen[v_m].usable || !seen[i_read].usable) return;
    const double unit = nominals_.signals[v_m].scale / ohms() * nominals_.signals[i_read].scale;
    for (const auto& record : held) {
      measured_.common_squares += unit * (mean_of(record.signals[v_m]) - seen[v_m].mean) *
                                  (mean_of(record.signals[i_read]) - seen[i_read].mean);
    }
    measured_.common_freedoms += n - 1.0;
  }

  /// The record in which the output opened holds a little of the current at rest, and its decay into the capacitor.
  Result<void> take_open(const Held& held) {
    if (!held.opened || held.rest.empty()) {
      return fail(ErrorKind::data_gap,
                  fmt::format("channel {}: the record in which the output opened did not come; look "
                              "with `thyrode doctor`",
                              described_.label));
    }
    const double whole = static_cast<double>(device_.info().samples(10.0_ms).index);
    const double closed = static_cast<double>(held.closed_samples) / whole;
    const double tau = ohms() * procedure_.reference.capacitance / 10e-3;
    for (std::size_t j = 0; j < protocol::signal_count; ++j) {
      const Seen rest = seen_of(held.rest, j, nominals_.signals[j].bits);
      const Seen mixed = seen_of({*held.opened}, j, nominals_.signals[j].bits);
      const bool decays = j != static_cast<std::size_t>(Signal::i_read) && tau > 0.0;
      const double share = closed + (decays ? tau * (1.0 - std::exp(-(1.0 - closed) / tau)) : 0.0);
      measured_.open[j] = {(mixed.mean - share * rest.mean) / (1.0 - share), rest.usable && mixed.usable};
    }
    return {};
  }

  Result<Reading> read_meter() {
    const double at = measured_.levels.back().command;
    const Current current = Current::from_si(nominals_.source.value(at));
    std::optional<Result<Reading>> answer;
    HoldSettings settings = settings_;
    settings.holds = [&] {
      answer = procedure_.meter(current);
      return !answer;
    };
    const std::array<Plateau, 1> last{Plateau{fine(at), records}};
    const auto held = hold(device_, channel_, last, settings, now_);
    if (!held) return tl::make_unexpected(held.error());
    if (!answer) return fail(ErrorKind::run_failed, "the meter was not read");
    measured_.metered = measured_.levels.size() - 1;
    return *answer;
  }

  Device& device_;
  Channel channel_;
  const Procedure& procedure_;
  const ChannelDescription described_;
  Sample now_;
  Nominals nominals_;
  HoldSettings settings_;
  Measurement measured_;
};

}  // namespace

Result<ChannelCalibration> calibrate(Device& device, Channel channel, const Procedure& procedure) {
  return Calibrating{device, channel, procedure}.carry_out();
}

}  // namespace thyrode::calibration
