#include "daemon/calibration/fit.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "daemon/calibration/adjustment.hpp"
#include "daemon/experiment/load/quantity_text.hpp"

namespace thyrode::calibration {
namespace {

using load::format_rounded;
using load::QuantityKind;
using protocol::Signal;

constexpr double z95 = 1.959964;
/// Codes: what is left of a line by a whole converter; more is a bad contact or another circuit.
constexpr double most_nonlinearity = 4.0;
/// Both gains of a ratio may be off by 1 %, twice over.
constexpr double most_off = 0.05;
/// How far gains may be from 1 on average where no meter says it, relative, bounds.
constexpr double gain_tolerance = 0.01;
constexpr std::size_t least_levels = 10;
constexpr std::array<const char*, protocol::signal_count> names{"V_out", "V_m", "I_read"};

constexpr std::size_t index_of(Signal signal) {
  return static_cast<std::size_t>(signal);
}
bool is_voltage(std::size_t signal) {
  return signal != index_of(Signal::i_read);
}
double deviation_of_bounds(double bounds) {
  // Anything between the bounds of a tolerance is equally likely. Source: JCGM 100:2008, 4.3.7.
  return std::max(bounds / std::sqrt(3.0), 1e-9);
}

struct Line {
  double slope = 0.0;
  double intercept = 0.0;
  std::size_t count = 0;
};

/// Codes of a signal against codes of the source.
Line line_of(const Measurement& measurement, std::size_t signal, double zero) {
  Line line;
  double sx = 0.0, sy = 0.0, sxx = 0.0, sxy = 0.0;
  for (const Level& level : measurement.levels) {
    if (!level.signals[signal].usable) continue;
    const double x = level.command - zero;
    const double y = level.signals[signal].mean;
    ++line.count;
    sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  const double n = static_cast<double>(line.count);
  const double spread = n * sxx - sx * sx;
  if (line.count < 2 || spread <= 0.0) return line;
  line.slope = (n * sxy - sx * sy) / spread;
  line.intercept = (sy - line.slope * sx) / n;
  return line;
}

class Fit {
 public:
  Fit(const Measurement& measurement, const Nominals& nominals, const Reference& reference, const std::string& channel)
      : m_{measurement}, nominals_{nominals}, reference_{reference}, channel_{channel} {
    for (std::size_t j = 0; j < protocol::signal_count; ++j) {
      codes_per_code_[j] =
          nominals.source.scale * (is_voltage(j) ? reference.resistance : 1.0) / nominals.signals[j].scale;
    }
  }

  Result<ChannelCalibration> carry_out() {
    if (auto held = check(); !held) return tl::make_unexpected(held.error());
    if (auto held = solve(); !held) return tl::make_unexpected(held.error());
    return tell();
  }

 private:
  static constexpr std::size_t adc = 0;  // one variance for all: they are converters of one kind
  static constexpr std::size_t source = 1;
  static constexpr std::size_t resistor = source + 1;
  static constexpr std::size_t meter = source + 2;
  static constexpr std::size_t priors = source + 3;  // the average of the gains
  static constexpr std::size_t unseen = source + 4;
  static constexpr int ratio = 8;  // of the resistor to what it is said to be

  tl::unexpected<Error> refuse(const std::string& reason) const {
    return fail(ErrorKind::run_failed, fmt::format("channel {}: {}; nothing is stored", channel_, reason));
  }

  // ---------------------------------------------------------------- does it hold at all

  Result<void> check() {
    const double zero = nominals_.source.zero;
    const Line read = line_of(m_, index_of(Signal::i_read), zero);
    if (read.count < least_levels) {
      return refuse(
          fmt::format("I_read is at an end of its range at all but {} of {} currents: the source drives more "
                      "than it is told, or nothing at all; look at the wiring of the read-back",
                      read.count, m_.levels.size()));
    }
    const double followed = read.slope / codes_per_code_[index_of(Signal::i_read)];
    if (std::abs(followed - 1.0) > most_off) {
      return refuse(
          fmt::format("I_read follows the command by a factor of {:.3g}, and 0.95 to 1.05 is what converters "
                      "may have: no current flows or another scale is wired; open loop, or a broken source",
                      followed));
    }
    for (const Signal signal : {Signal::v_m, Signal::v_out}) {
      if (auto held = check_voltage(index_of(signal), followed); !held) return held;
    }
    return check_reading();
  }

  Result<void> check_voltage(std::size_t j, double followed) {
    const Line seen = line_of(m_, j, nominals_.source.zero);
    const bool may_be_elsewhere = j == index_of(Signal::v_out);
    if (seen.count < least_levels) {
      measured_[j] = false;
      if (may_be_elsewhere) return {};
      return refuse(fmt::format(
          "{} is at an end of its range at all but {} of {} currents: is the resistor in, and is "
          "it {}? An open loop looks like this; with a large resistor lower --highest",
          names[j], seen.count, m_.levels.size(), format_rounded(reference_.resistance, QuantityKind::resistance)));
    }
    const double relative = seen.slope / codes_per_code_[j] / followed;
    if (may_be_elsewhere && std::abs(relative) < 0.2) {
      measured_[j] = false;  // another node
      return {};
    }
    if (std::abs(relative - 1.0) <= most_off + reference_.tolerance) return {};
    return refuse(fmt::format(
        "{} over I_read tells of {}, and {} is stated: more than {:.3g} % apart, which gain "
        "errors do not explain; state the resistor that is wired",
        names[j], format_rounded(relative * reference_.resistance, QuantityKind::resistance),
        format_rounded(reference_.resistance, QuantityKind::resistance), 100.0 * (most_off + reference_.tolerance)));
  }

  Result<void> check_reading() const {
    if (!reference_.reading) return {};
    const double told = nominals_.source.value(m_.levels[m_.metered.value_or(0)].command);
    const double expected = reference_.reads_current ? told : told * reference_.resistance;
    const double off = *reference_.reading / expected - 1.0;
    if (std::abs(off) <= most_off + reference_.tolerance + reference_.reading_tolerance) return {};
    const QuantityKind kind = reference_.reads_current ? QuantityKind::current : QuantityKind::voltage;
    return refuse(
        fmt::format("the meter's {} is {:.3g} % from the {} expected at that current: more than gain errors "
                    "explain; read again, at the current that is held, and look at its unit",
                    format_rounded(*reference_.reading, kind), 100.0 * off, format_rounded(expected, kind)));
  }

  // ---------------------------------------------------------------- least squares

  Result<void> solve() {
    levels_.resize(m_.levels.size());
    for (std::size_t k = 0; k < levels_.size(); ++k) levels_[k] = m_.levels[k].command - nominals_.source.zero;
    variance_ = {0.36, 0.36, 0.0, 0.0, 0.0, 1.0};
    variance_[resistor] = std::pow(deviation_of_bounds(reference_.tolerance), 2);
    variance_[meter] = std::pow(deviation_of_bounds(reference_.reading_tolerance), 2);
    variance_[priors] = std::pow(deviation_of_bounds(gain_tolerance), 2);
    constexpr int rounds = 40;
    for (int round = 0; round < rounds; ++round) {
      const std::vector<Observation> before = observe();
      last_ = adjust(before, levels_.size(), variance_);
      if (!last_.solvable) {
        return refuse("the currents are too few or too close together to tell gains from offsets; widen the range");
      }
      shared_ += last_.step;
      for (std::size_t k = 0; k < levels_.size(); ++k) levels_[k] += last_.level_steps[k];
      estimate_variances(observe());
    }
    for (const std::size_t group : {adc, source}) {
      const double rms = std::sqrt(variance_[group]);
      if (rms <= most_nonlinearity) continue;
      return refuse(
          fmt::format("{} {:.3g} codes rms off a straight line, and {:g} is what a converter may have: a loose "
                      "contact, a circuit that is not a resistor, or a signal at its end",
                      group == source ? "the source lies" : "what is read lies", rms, most_nonlinearity));
    }
    return {};
  }

  std::vector<Observation> observe() const {
    std::vector<Observation> all;
    for (std::size_t k = 0; k < levels_.size(); ++k) {
      const double x = m_.levels[k].command - nominals_.source.zero;
      Observation own;
      own.group = source;
      own.factor = inflation_;
      own.converter = protocol::signal_count;
      own.level = static_cast<int>(k);
      own.residual = levels_[k] - (1.0 + shared_[0]) * x - shared_[1];
      own.by_shared[0] = x;
      own.by_shared[1] = 1.0;
      own.by_level = -1.0;
      all.push_back(own);
      for (std::size_t j = 0; j < protocol::signal_count; ++j) {
        if (measured_[j] && m_.levels[k].signals[j].usable) all.push_back(reading(j, k));
      }
    }
    for (std::size_t j = 0; j < protocol::signal_count; ++j) observe_open(j, all);
    observe_references(all);
    return all;
  }

  Observation reading(std::size_t j, std::size_t k) const {
    Observation seen;
    seen.group = adc;
    seen.factor = inflation_;
    seen.converter = j;
    seen.level = static_cast<int>(k);
    const int gain = 2 + 2 * static_cast<int>(j);
    const double part = is_voltage(j) ? 1.0 + shared_[ratio] : 1.0;
    const double value = codes_per_code_[j] * levels_[k] * part;
    seen.residual =
        m_.levels[k].signals[j].mean - nominals_.signals[j].zero - shared_[gain + 1] - (1.0 + shared_[gain]) * value;
    seen.by_shared[gain] = value;
    seen.by_shared[gain + 1] = 1.0;
    if (is_voltage(j)) seen.by_shared[ratio] = (1.0 + shared_[gain]) * codes_per_code_[j] * levels_[k];
    seen.by_level = (1.0 + shared_[gain]) * codes_per_code_[j] * part;
    return seen;
  }

  void observe_open(std::size_t j, std::vector<Observation>& all) const {
    const int gain = 2 + 2 * static_cast<int>(j);
    if (measured_[j]) {
      if (!m_.open[j].usable) return;
      Observation open;
      open.group = adc;
      open.converter = j;
      open.residual = m_.open[j].mean - nominals_.signals[j].zero - shared_[gain + 1];
      open.by_shared[gain + 1] = 1.0;
      all.push_back(open);
      return;
    }
    for (const int parameter : {gain, gain + 1}) {
      Observation left;
      left.group = unseen;
      left.residual = -shared_[parameter];
      left.by_shared[parameter] = 1.0;
      all.push_back(left);
    }
  }

  void observe_references(std::vector<Observation>& all) const {
    Observation part;
    part.group = resistor;
    part.residual = -shared_[ratio];
    part.by_shared[ratio] = 1.0;
    all.push_back(part);
    if (!reference_.reading) {
      Observation average;
      average.group = priors;
      for (const int gain : {0, 2, 4, 6}) {
        // A larger scale of current is a larger gain of the source and smaller ones of the inputs.
        const double share = gain == 0 ? -0.25 : 0.25;
        average.by_shared[gain] = share;
        average.residual -= share * shared_[gain];
      }
      all.push_back(average);
      return;
    }
    Observation read;
    read.group = meter;
    const auto k = m_.metered.value_or(0);
    read.level = static_cast<int>(k);
    const double unit =
        nominals_.source.scale * (reference_.reads_current ? 1.0 : reference_.resistance) / *reference_.reading;
    const double factor = reference_.reads_current ? 1.0 : 1.0 + shared_[ratio];
    read.residual = 1.0 - unit * levels_[k] * factor;
    if (!reference_.reads_current) read.by_shared[ratio] = unit * levels_[k];
    read.by_level = unit * factor;
    all.push_back(read);
  }

  /// sigma^2 = sum of v^2 / sum of redundancies, group by group, until it stays.
  void estimate_variances(const std::vector<Observation>& after) {
    std::array<double, source + 1> squares{};
    std::array<std::vector<double>, protocol::signal_count + 1> residuals;
    redundancy_ = {};
    largest_ = {};
    for (std::size_t i = 0; i < after.size(); ++i) {
      const std::size_t group = after[i].group;
      if (group > source) continue;
      squares[group] += after[i].residual * after[i].residual;
      redundancy_[group] += last_.redundancy[i];
      residuals[after[i].converter].push_back(after[i].residual);
      largest_[after[i].converter] = std::max(largest_[after[i].converter], std::abs(after[i].residual));
    }
    inflation_ = inflation_of(residuals);
    constexpr double least = 0.05 * 0.05;
    for (std::size_t group = 0; group <= source; ++group) {
      if (redundancy_[group] > 1.0) variance_[group] = std::max(least, squares[group] / redundancy_[group]);
    }
  }

  /// Neighbouring levels are off their lines alike where a converter bends slowly: fewer of them count. By the
  /// autocorrelation r of neighbours, n / ((1 + r) / (1 - r)). Source: Bayley & Hammersley, J. R. Stat. Soc. Suppl.
  /// 8:184 (1946), for a first-order process.
  static double inflation_of(const std::array<std::vector<double>, protocol::signal_count + 1>& residuals) {
    double product = 0.0, square = 0.0;
    for (const std::vector<double>& of : residuals) {
      for (std::size_t k = 1; k < of.size(); ++k) {
        product += of[k] * of[k - 1];
        square += 0.5 * (of[k] * of[k] + of[k - 1] * of[k - 1]);
      }
    }
    const double r = std::clamp(square > 0.0 ? product / square : 0.0, 0.0, 0.8);
    return (1.0 + r) / (1.0 - r);
  }

  // ---------------------------------------------------------------- what is told

  Converter converter(const Scale& nominal, std::size_t which) const {
    const bool drives = which == protocol::signal_count;
    const std::size_t group = drives ? source : adc;
    const int gain = drives ? 0 : 2 + 2 * static_cast<int>(which);
    Converter told;
    told.nominal = nominal;
    const auto half = [&](int parameter) { return z95 * std::sqrt(last_.covariance(parameter, parameter)); };
    told.gain = Estimate::around(1.0 + shared_[gain], half(gain));
    told.offset = Estimate::around(shared_[gain + 1], half(gain + 1));
    told.nonlinearity = rms_estimate(variance_[group], std::max(1.0, redundancy_[group]));
    told.largest_deviation = largest_[which];
    return told;
  }

  Result<ChannelCalibration> tell() const {
    ChannelCalibration found;
    found.reference = reference_;
    found.source = converter(nominals_.source, protocol::signal_count);
    found.source.noise = source_noise();
    found.source.step = source_steps();
    for (std::size_t j = 0; j < protocol::signal_count; ++j) {
      Converter& told = found.signals[j];
      told.nominal = nominals_.signals[j];
      told.measured = measured_[j];
      if (!measured_[j]) continue;
      told = converter(nominals_.signals[j], j);
      const NoiseSum& noise = m_.noise[j];
      if (noise.freedoms > 0.0) {
        told.noise = rms_estimate(noise.squares / noise.freedoms * noise.conversions, noise.freedoms);
      }
    }
    const auto by_command = [](const Level& a, const Level& b) { return a.command < b.command; };
    const auto [low, high] = std::minmax_element(m_.levels.begin(), m_.levels.end(), by_command);
    found.lowest = found.source.of_source().value(low->command);
    found.highest = found.source.of_source().value(high->command);
    return found;
  }

  /// What I_read and V_m see together is the current itself.
  Estimate source_noise() const {
    if (m_.common_freedoms <= 0.0) return {};
    const double common = m_.common_squares / m_.common_freedoms;
    const auto spread = [&](Signal signal) {
      const NoiseSum& sum = m_.noise[index_of(signal)];
      const double unit =
          nominals_.signals[index_of(signal)].scale / (signal == Signal::i_read ? 1.0 : reference_.resistance);
      return sum.freedoms > 0.0 ? sum.squares / sum.freedoms * unit * unit : 0.0;
    };
    const double error =
        z95 * std::sqrt((spread(Signal::i_read) * spread(Signal::v_m) + common * common) / m_.common_freedoms);
    const double code = nominals_.source.scale;
    return {std::sqrt(std::max(0.0, common)) / code, std::sqrt(std::max(0.0, common - error)) / code,
            std::sqrt(std::max(0.0, common) + error) / code};
  }

  /// Steps between neighbouring codes, as two signals see them: what they agree on is the source's.
  std::optional<Estimate> source_steps() const {
    const auto volts = measured_[index_of(Signal::v_out)] ? index_of(Signal::v_out) : index_of(Signal::v_m);
    const auto amps = index_of(Signal::i_read);
    const auto steps = [this](std::size_t j) {
      std::vector<double> found;
      const int gain = 2 + 2 * static_cast<int>(j);
      for (std::size_t k = 1; k < m_.neighbours.size(); ++k) {
        const Seen& a = m_.neighbours[k - 1].signals[j];
        const Seen& b = m_.neighbours[k].signals[j];
        if (a.usable && b.usable) found.push_back((b.mean - a.mean) / codes_per_code_[j] / (1.0 + shared_[gain]));
      }
      return found;
    };
    const std::vector<double> a = steps(volts);
    const std::vector<double> b = steps(amps);
    if (a.size() < 8 || a.size() != b.size()) return std::nullopt;
    const double n = static_cast<double>(a.size());
    double ma = 0.0, mb = 0.0;
    for (std::size_t k = 0; k < a.size(); ++k) ma += a[k] / n, mb += b[k] / n;
    double aa = 0.0, bb = 0.0, ab = 0.0;
    for (std::size_t k = 0; k < a.size(); ++k) {
      aa += (a[k] - ma) * (a[k] - ma) / (n - 1.0);
      bb += (b[k] - mb) * (b[k] - mb) / (n - 1.0);
      ab += (a[k] - ma) * (b[k] - mb) / (n - 1.0);
    }
    const double error = z95 * std::sqrt((aa * bb + ab * ab) / (n - 1.0));
    if (ab <= error) return std::nullopt;
    return Estimate{std::sqrt(ab), std::sqrt(ab - error), std::sqrt(ab + error)};
  }

  const Measurement& m_;
  const Nominals& nominals_;
  const Reference& reference_;
  const std::string& channel_;
  std::array<double, protocol::signal_count> codes_per_code_{};
  std::array<bool, protocol::signal_count> measured_{true, true, true};
  Observation::Row shared_ = Observation::Row::Zero();
  std::vector<double> levels_;
  std::vector<double> variance_;
  Adjusted last_;
  double inflation_ = 1.0;
  std::array<double, source + 1> redundancy_{};
  std::array<double, protocol::signal_count + 1> largest_{};
};

}  // namespace

Estimate rms_estimate(double mean_square, double freedoms) {
  const auto chi_square = [freedoms](double z) {
    const double part = 2.0 / (9.0 * freedoms);
    return freedoms * std::pow(std::max(1e-3, 1.0 - part + z * std::sqrt(part)), 3);
  };
  const double sum = mean_square * freedoms;
  return {std::sqrt(mean_square), std::sqrt(sum / chi_square(z95)), std::sqrt(sum / chi_square(-z95))};
}

Result<ChannelCalibration> fit(const Measurement& measurement, const Nominals& nominals, const Reference& reference,
                               const std::string& channel) {
  return Fit{measurement, nominals, reference, channel}.carry_out();
}

}  // namespace thyrode::calibration
