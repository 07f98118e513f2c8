#include "firmware/boards/native/native_instrument.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "firmware/boards/native/native_walk.hpp"

namespace thyrode::native {
namespace {

template <std::size_t N>
void set_text(std::array<char, N>& out, const std::string& text) {
  out.fill('\0');
  std::memcpy(out.data(), text.data(), std::min(text.size(), N));
}

// Milliohm: 1 Ohm to 100 kOhm.
constexpr std::uint32_t least_load = 1000;
constexpr std::uint32_t most_load = 100'000'000;

}  // namespace

NativeBoard::NativeBoard(std::size_t channels, const NativeOptions& options) {
  set_text(ident_.board, "native");
  set_text(ident_.firmware, "thyrode-0.1.0");
  std::array<char, 17> serial{};
  std::snprintf(serial.data(), serial.size(), "EMU%08llX", static_cast<unsigned long long>(mix(options.seed) >> 32));
  set_text(ident_.serial, serial.data());
  ident_.sample_rate = static_cast<std::uint32_t>(Nominal::sample_rate);
  ident_.block = Nominal::block;
  ident_.channels = static_cast<std::uint8_t>(channels);
  ident_.capabilities = protocol::can_virtual_time | protocol::can_snippets;
  if (options.link_rate == 0) ident_.capabilities |= protocol::can_full_trace;
  if (options.ideal_front_end) ident_.capabilities |= protocol::codes_noise_free;
  ident_.link_rate = options.link_rate;
  ident_.credit = 1024;
  ident_.queue_depth = firmware::Stimulus::queue_depth;
}

protocol::ChannelInfo NativeBoard::describe(std::uint8_t channel) const noexcept {
  protocol::ChannelInfo info;
  info.channel = channel;
  info.label[0] = static_cast<char>('A' + channel);
  info.signals[0] = {Nominal::volts_per_code_out, Nominal::adc_zero, 1, 12};
  info.signals[1] = {Nominal::volts_per_code_m, Nominal::adc_zero, Nominal::slow_every, 12};
  info.signals[2] = {Nominal::amps_per_read_code, Nominal::bipolar_zero, Nominal::slow_every, 12};
  info.command = {Nominal::amps_per_dac_code, Nominal::bipolar_zero, 1, 12};
  info.lowest = 0;
  info.highest = 4095 << fine_bits;
  // 20 A/s: the fastest that clamp terms use.
  info.fastest = static_cast<FineCode>(20.0 / Nominal::amps_per_dac_code / Nominal::sample_rate * (1 << fine_bits));
  return info;
}

std::int32_t NativeBoard::readback_ratio() const noexcept {
  return static_cast<std::int32_t>(
      std::lround(Nominal::amps_per_dac_code / Nominal::amps_per_read_code * (1 << fine_bits)));
}

std::size_t NativeBoard::receive(std::span<std::uint8_t> in) noexcept {
  const std::size_t count = std::min(in.size(), inbox_.size() - inbox_read_);
  std::copy_n(inbox_.begin() + static_cast<std::ptrdiff_t>(inbox_read_), count, in.begin());
  inbox_read_ += count;
  if (inbox_read_ == inbox_.size()) {
    inbox_.clear();
    inbox_read_ = 0;
  }
  return count;
}

std::size_t NativeBoard::send(std::span<const std::uint8_t> out) noexcept {
  const std::size_t used = outbox_.size() - outbox_read_;
  const std::size_t count = std::min(out.size(), outbox_limit - std::min(outbox_limit, used));
  outbox_.insert(outbox_.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count));
  return count;
}

void NativeBoard::take(std::size_t count) noexcept {
  outbox_read_ += count;
  if (outbox_read_ >= outbox_.size()) {
    outbox_.clear();
    outbox_read_ = 0;
  } else if (outbox_read_ > outbox_limit) {
    outbox_.erase(outbox_.begin(), outbox_.begin() + static_cast<std::ptrdiff_t>(outbox_read_));
    outbox_read_ = 0;
  }
}

void NativeBoard::clear_boxes() noexcept {
  inbox_.clear();
  outbox_.clear();
  inbox_read_ = outbox_read_ = 0;
}

NativeInstrument::ChannelBench::ChannelBench(std::uint64_t seed, bool ideal, const GaussianTable& gaussian)
    : source{mix(seed ^ 1), ideal},
      v_out{Nominal::volts_per_code_out, Nominal::adc_zero, mix(seed ^ 2), ideal, gaussian},
      v_m{Nominal::volts_per_code_m, Nominal::adc_zero, mix(seed ^ 3), ideal, gaussian},
      i_read{Nominal::amps_per_read_code, Nominal::bipolar_zero, mix(seed ^ 4), ideal, gaussian} {
  for (auto& codes : dac) codes.fill(static_cast<DacCode>(Nominal::bipolar_zero));
}

NativeInstrument::NativeInstrument(std::unique_ptr<neurons::Neuron> neuron, NativeOptions options)
    : options_{std::move(options)}, neuron_{std::move(neuron)}, board_{neuron_->channels(), options_}, core_{board_} {
  offer_parts();
  core_.reset();
  core_.tested();  // everything that this board consists of is there
  for (std::size_t c = 0; c < neuron_->channels(); ++c) {
    bench_.push_back(
        std::make_unique<ChannelBench>(mix(options_.seed + 0x100 * (c + 1)), options_.ideal_front_end, gaussian_));
  }
}

/// Circuits with a load resistor stand on a bench that can exchange it.
void NativeInstrument::offer_parts() {
  for (std::size_t c = 0; c < neuron_->channels(); ++c) {
    const auto load = neuron_->load(c);
    if (!load) continue;
    const auto milliohm = static_cast<std::uint32_t>(std::llround(load->resistance * 1e3));
    board_.own_part({static_cast<std::uint8_t>(c), std::min(milliohm, least_load), std::max(milliohm, most_load),
                     milliohm, load->capacitance});
  }
}

void NativeInstrument::exchange_parts(Sample first) {
  for (std::size_t c = 0; c < neuron_->channels(); ++c) {
    const auto load = neuron_->load(c);
    if (!load) continue;
    const double resistance = 1e-3 * board_.part(static_cast<std::uint8_t>(c)).present;
    if (std::llround(load->resistance * 1e3) == std::llround(resistance * 1e3)) continue;
    neuron_->set_load(c, resistance);
    report(Truth::Kind::load, c, first, 0.0, resistance);
  }
}

void NativeInstrument::link_lost() {
  core_.link_lost();
  board_.clear_boxes();
}

/// A stretch is sent when it is over, and the ring of the core holds its spikes if they are at least so far apart.
bool NativeInstrument::by_samples() const {
  constexpr int least_refractory = 12;  // samples: 208 spikes in 10 ms, 4 KiB a channel
  for (std::size_t c = 0; c < bench_.size(); ++c) {
    if (core_.detector(c).settings().refractory < least_refractory) return true;
  }
  return options_.every_sample;
}

bool NativeInstrument::step() {
  core_.poll();
  if (!neuron_->failed().empty()) return false;
  const Sample first = board_.now();
  if (board_.take_part_change()) exchange_parts(first);
  const Sample dac_first = first + static_cast<std::int64_t>(lead * block);
  if (core_.room() < core_.worst_block) return false;
  if (const std::int64_t blocks = by_samples() ? 0 : core_.quiet_blocks(first, dac_first); blocks > 0) {
    if (first + blocks * static_cast<std::int64_t>(block) > core_.granted()) return false;
    if (!core_.all_sent() || board_.room() < worst_stretch) return false;
    if (coast(first, static_cast<std::size_t>(blocks)) > 0) {
      core_.poll();
      return true;
    }
    if (!neuron_->failed().empty()) return false;
  }
  if (first + static_cast<std::int64_t>(block) > core_.granted()) return false;
  return run_block(first);
}

bool NativeInstrument::run_block(Sample first) {
  const std::size_t number = static_cast<std::size_t>(first.index) / block;
  if (dac_behind_) write_dac(first);
  if (!simulate_block(first)) return false;
  std::array<firmware::ChannelCodes, max_channels> codes;
  std::array<std::span<DacCode>, max_channels> out;
  for (std::size_t c = 0; c < bench_.size(); ++c) {
    codes[c] = {bench_[c]->v_out_codes, bench_[c]->v_m_codes, bench_[c]->i_codes};
    out[c] = bench_[c]->dac[(number + lead) % (lead + 1)];
  }
  board_.advance(static_cast<std::int64_t>(block));
  core_.on_block(first, {codes.data(), bench_.size()}, first + static_cast<std::int64_t>(lead * block),
                 {out.data(), bench_.size()});
  core_.poll();
  return true;
}

/// @param into  seconds after `first`
void NativeInstrument::report(Truth::Kind kind, std::size_t channel, Sample first, double into, double value) const {
  if (!options_.truth) return;
  const double samples = into * Nominal::sample_rate;
  const double whole = std::floor(samples);
  options_.truth(
      {kind, static_cast<std::uint8_t>(channel), first + static_cast<std::int64_t>(whole), samples - whole, value});
}

void NativeInstrument::apply_changes(Sample first, int at) {
  for (std::size_t c = 0; c < bench_.size(); ++c) {
    ChannelBench& bench = *bench_[c];
    for (; bench.next_change < bench.changes.size() && bench.changes[bench.next_change].at <= at; ++bench.next_change) {
      const double current = bench.changes[bench.next_change].current;
      // A walk by events that was cut short has injected what its last block would.
      if (current == bench.output_current) continue;
      bench.output_current = current;
      neuron_->inject(c, bench.output_current);
      report(Truth::Kind::current, c, first, at * sample_time, bench.output_current);
    }
  }
}

/// The next change of any channel after a sample, or `end`.
int NativeInstrument::next_change_after(int at, int end) const {
  int next = end;
  for (const auto& bench : bench_) {
    for (std::size_t k = bench->next_change; k < bench->changes.size(); ++k) {
      if (bench->changes[k].at > at) {
        next = std::min(next, bench->changes[k].at);
        break;
      }
    }
  }
  return next;
}

/// Takes the signals of a new piece over. @returns whether there is one
bool NativeInstrument::renew_pieces() {
  if (pieces_begun_ && neuron_->piece() == piece_) return false;
  for (std::size_t c = 0; c < bench_.size(); ++c) {
    bench_[c]->filter.begin(to_signal(neuron_->output(c)), piece_left_at_);
    bench_[c]->membrane = to_signal(neuron_->membrane(c));
  }
  pieces_begun_ = true;
  piece_ = neuron_->piece();
  piece_left_at_ = neuron_->piece_time();
  return true;
}

/// One block, every sample computed.
class NativeInstrument::BlockWalk {
 public:
  explicit BlockWalk(NativeInstrument& of) : of_{of} {}
  std::size_t length() const { return block; }
  double horizon() const { return std::numeric_limits<double>::infinity(); }
  bool look(double, std::size_t) const { return true; }
  void renewed(double position, std::size_t fast, std::size_t slow) const {
    const double first_fast = of_.piece_left_at_ + static_cast<double>(fast) * sample_time - position;
    const double first_slow = of_.piece_left_at_ + static_cast<double>(slow * slow_every) * sample_time - position;
    for (auto& bench : of_.bench_) {
      bench->out_sampler.begin(bench->filter.output(), first_fast, sample_time);
      bench->m_sampler.begin(bench->membrane, first_slow, slow_every * sample_time);
    }
  }
  void cover(double, std::size_t fast, std::size_t fast_end, std::size_t slow, std::size_t slow_end) const {
    for (auto& bench : of_.bench_) {
      bench->out_sampler.read(std::span{bench->v_out_values}.subspan(fast, fast_end - fast));
      bench->m_sampler.read(std::span{bench->v_m_values}.subspan(slow, slow_end - slow));
      const auto currents = std::span{bench->i_values}.subspan(slow, slow_end - slow);
      std::fill(currents.begin(), currents.end(), bench->output_current);
    }
  }

 private:
  NativeInstrument& of_;
};

/// @returns false when the circuit cannot go on
bool NativeInstrument::simulate_block(Sample first) {
  const std::size_t number = static_cast<std::size_t>(first.index) / block;
  for (auto& bench : bench_) {
    const auto changes = bench->source.follow(bench->dac[number % (lead + 1)], board_.closed());
    bench->changes.assign(changes.begin(), changes.end());
    bench->next_change = 0;
  }
  BlockWalk along{*this};
  if (samplers_behind_) along.renewed(0.0, 0, 0);
  samplers_behind_ = false;
  if (!walk(first, along)) return false;
  for (auto& bench : bench_) {
    bench->v_out.convert(bench->v_out_values, bench->v_out_codes);
    bench->v_m.convert(bench->v_m_values, bench->v_m_codes);
    bench->i_read.convert(bench->i_values, bench->i_codes);
  }
  return true;
}

}  // namespace thyrode::native
