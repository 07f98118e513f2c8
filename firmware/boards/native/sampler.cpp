#include "firmware/boards/native/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

namespace thyrode::native {

using Mode = neurons::Waveform::Mode;

std::array<double, 2> Signal::at(double t) const {
  double value = ((polynomial[3] * t + polynomial[2]) * t + polynomial[1]) * t + polynomial[0];
  double slope = (3.0 * polynomial[3] * t + 2.0 * polynomial[2]) * t + polynomial[1];
  for (std::size_t j = 0; j < mode_count; ++j) {
    const Mode& m = modes[j];
    const double exponent = m.rate * t;
    if (exponent < gone_exponent) continue;
    const double e = std::exp(exponent);
    if (m.frequency == 0.0) {
      value += e * m.cosine;
      slope += e * m.rate * m.cosine;
      continue;
    }
    const double c = std::cos(m.frequency * t);
    const double s = std::sin(m.frequency * t);
    const double x = e * (m.cosine * c + m.sine * s);
    value += x;
    slope += m.rate * x + e * m.frequency * (m.sine * c - m.cosine * s);
  }
  return {value, slope};
}

std::array<double, 2> Signal::at_start() const {
  double value = polynomial[0];
  double slope = polynomial[1];
  for (std::size_t j = 0; j < mode_count; ++j) {
    value += modes[j].cosine;
    slope += modes[j].rate * modes[j].cosine + modes[j].frequency * modes[j].sine;
  }
  return {value, slope};
}

Signal to_signal(const neurons::Waveform& waveform) {
  Signal signal;
  signal.polynomial = waveform.polynomial;
  std::copy_n(waveform.modes.begin(), waveform.mode_count, signal.modes.begin());
  signal.mode_count = waveform.mode_count;
  return signal;
}

AntiAliasFilter::AntiAliasFilter(double corner_hz) : w0_{2.0 * std::numbers::pi * corner_hz} {}

const Signal& AntiAliasFilter::begin(const Signal& input, double elapsed) {
  const std::array<double, 2> left = started_ ? output_.at(elapsed) : std::array<double, 2>{};
  Signal next;
  next.mode_count = input.mode_count;
  for (std::size_t j = 0; j < input.mode_count; ++j) {
    // cosine cos(wt) + sine sin(wt) = Re((cosine - i sine) exp(i w t))
    const Mode& m = input.modes[j];
    const Response& h = response(m);
    if (m.frequency == 0.0) {
      next.modes[j] = {m.rate, 0.0, h.real * m.cosine, 0.0};
    } else {
      next.modes[j] = {m.rate, m.frequency, h.real * m.cosine + h.imaginary * m.sine,
                       h.real * m.sine - h.imaginary * m.cosine};
    }
  }
  // y = x - b y' - a y'' with a = 1/w0^2, b = sqrt(2)/w0, solved from the highest power down.
  const double a = 1.0 / (w0_ * w0_);
  const double b = std::numbers::sqrt2 / w0_;
  const std::array<double, 4>& p = input.polynomial;
  std::array<double, 4>& q = next.polynomial;
  q[3] = p[3];
  q[2] = p[2] - 3.0 * b * q[3];
  q[1] = p[1] - 2.0 * b * q[2] - 6.0 * a * q[3];
  q[0] = p[0] - b * q[1] - 2.0 * a * q[2];

  const std::array<double, 2> right = next.at_start();
  Mode own;
  own.rate = -w0_ / std::numbers::sqrt2;
  own.frequency = w0_ / std::numbers::sqrt2;
  if (started_) {
    own.cosine = left[0] - right[0];
    own.sine = (left[1] - right[1] - own.rate * own.cosine) / own.frequency;
  }
  next.modes[next.mode_count++] = own;
  started_ = true;
  output_ = next;
  return output_;
}

const AntiAliasFilter::Response& AntiAliasFilter::response(const Mode& mode) {
  for (const Response& known : responses_) {
    if (known.rate == mode.rate && known.frequency == mode.frequency) return known;
  }
  const std::complex<double> s{mode.rate, mode.frequency};
  const std::complex<double> h = 1.0 / (s * s / (w0_ * w0_) + std::numbers::sqrt2 * s / w0_ + 1.0);
  Response& forgotten = responses_[oldest_];
  oldest_ = (oldest_ + 1) % responses_.size();
  return forgotten = {mode.rate, mode.frequency, h.real(), h.imag()};
}

void Sampler::begin(const Signal& signal, double first, double step) {
  count_ = signal.mode_count;
  polynomial_ = signal.polynomial;
  constant_ = polynomial_[1] == 0.0 && polynomial_[2] == 0.0 && polynomial_[3] == 0.0;
  time_ = first;
  step_ = step;
  for (std::size_t j = 0; j < count_; ++j) {
    const Mode& m = signal.modes[j];
    const double e = std::exp(m.rate * first);
    const double r = std::exp(m.rate * step);
    Rotor& rotor = rotors_[j];
    complex_[j] = m.frequency != 0.0;
    if (complex_[j]) {
      const double c = std::cos(m.frequency * first);
      const double s = std::sin(m.frequency * first);
      rotor = {e * (m.cosine * c + m.sine * s), e * (m.sine * c - m.cosine * s), r * std::cos(m.frequency * step),
               r * std::sin(m.frequency * step), 0.0};
    } else {
      rotor = {e * m.cosine, 0.0, r, 0.0, 0.0};
    }
  }
}

void Sampler::read(std::span<double> out) {
  if (constant_) {
    std::fill(out.begin(), out.end(), polynomial_[0]);
  } else {
    for (double& value : out) {
      value = ((polynomial_[3] * time_ + polynomial_[2]) * time_ + polynomial_[1]) * time_ + polynomial_[0];
      time_ += step_;
    }
  }
  // Nothing below a picovolt reaches a code of 0.2 mV.
  constexpr double gone = 1e-12;
  for (std::size_t j = 0; j < count_; ++j) {
    Rotor& rotor = rotors_[j];
    if (std::abs(rotor.cosine) + std::abs(rotor.sine) < gone && rotor.keep < 1.0) continue;
    complex_[j] ? add_complex(out, rotor) : add_real(out, rotor);
  }
}

void Sampler::add_real(std::span<double> out, Rotor& rotor) {
  // Four strands, so that the multiplications do not wait for each other.
  const double r = rotor.keep;
  const double r2 = r * r;
  const double r4 = r2 * r2;
  double a = rotor.cosine, b = a * r, c = a * r2, d = b * r2;
  std::size_t k = 0;
  for (; k + 4 <= out.size(); k += 4) {
    out[k] += a;
    out[k + 1] += b;
    out[k + 2] += c;
    out[k + 3] += d;
    a *= r4, b *= r4, c *= r4, d *= r4;
  }
  for (; k < out.size(); ++k) {
    out[k] += a;
    a *= r;
  }
  rotor.cosine = a;
}

void Sampler::add_complex(std::span<double> out, Rotor& rotor) {
  double c = rotor.cosine, s = rotor.sine;
  for (double& value : out) {
    value += c;
    const double turned = c * rotor.keep + s * rotor.turn;
    s = s * rotor.keep - c * rotor.turn;
    c = turned;
  }
  rotor.cosine = c;
  rotor.sine = s;
}

}  // namespace thyrode::native
