// The second door of the instrument: stretches whose codes nobody computed one by one. Included by instrument.hpp.
#pragma once

#include "firmware/core/instrument.hpp"

namespace thyrode::firmware {

template <Board B, std::size_t MaxChannels>
std::int64_t Instrument<B, MaxChannels>::quiet_blocks(Sample adc_first, Sample dac_first) const noexcept {
  const std::int64_t length = mark_period();
  if (adc_first.index % length != 0) return 0;
  const Sample adc_end = adc_first + length;
  const Sample dac_end = dac_first + length;
  if (switch_due_ || state_ == protocol::State::stopping || trace_ == Trace::ends) return 0;
  if (state_ == protocol::State::fault && output_closed_) return 0;
  if (start_pending_ && start_at_ < dac_end) return 0;
  if (stop_pending_ && state_ == protocol::State::running && stop_at_ < dac_end) return 0;
  if (state_ == protocol::State::running && (adc_end - ident_.block) - last_frame_ > lease_) return 0;
  for (std::size_t c = 0; c < channel_count_; ++c) {
    if (!channels_[c].wants_no_codes(adc_end)) return 0;
    if (parts_due_[c].due && parts_due_[c].set.at <= adc_end) return 0;
    const Stimulus& stimulus = channels_[c].stimulus();
    if (!stimulus.rests(adc_first, dac_end)) return 0;
    if (stimulus.applied() != stimulus.within_limits(stimulus.applied())) return 0;
    if (flowing() && !safety_[c].at_ease()) return 0;
    if (!safety_[c].charge().allows(stimulus.magnitude(length))) return 0;
  }
  return length / ident_.block;
}

/// The same of a stretch, of which only V_m is not known beforehand to pass. @returns whether it tripped
template <Board B, std::size_t MaxChannels>
bool Instrument<B, MaxChannels>::inspect_stretch(Sample first, std::span<const StretchCodes> codes) noexcept {
  for (std::size_t c = 0; c < channel_count_ && flowing(); ++c) {
    const Trip cause = safety_[c].check_compliance(codes[c].v_m.highest);
    if (!cause) continue;
    trip(cause, static_cast<std::uint8_t>(c), first);
    return true;
  }
  return false;
}

/// Writes one block of a command that a trip has just cut. The switch is open, so that the codes are of no use to
/// anybody, but their sum is recorded.
template <Board B, std::size_t MaxChannels>
void Instrument<B, MaxChannels>::write_cut(std::size_t channel, Sample dac_first) noexcept {
  std::array<DacCode, 16> codes;
  std::uint32_t sum = 0;
  for (std::size_t done = 0; done < ident_.block; done += codes.size()) {
    const std::size_t count = std::min<std::size_t>(codes.size(), ident_.block - done);
    sum += fill(channel, dac_first + static_cast<std::int64_t>(done), std::span{codes}.first(count)).sum;
  }
  command_sum(channel, dac_first) = sum;
}

template <Board B, std::size_t MaxChannels>
void Instrument<B, MaxChannels>::on_stretch(Sample adc_first, Sample dac_first, std::int64_t blocks,
                                            std::span<const StretchCodes> codes) noexcept {
  const std::int64_t block = ident_.block;
  const Sample adc_end = adc_first + blocks * block;
  const std::int64_t ahead = dac_first - adc_first;
  next_dac_ = dac_first + blocks * block;
  playing_ = adc_end;
  std::array<RestingCommand, MaxChannels> played;
  for (std::size_t c = 0; c < channel_count_; ++c) played[c] = resting(c).before(ahead);
  const bool tripped = inspect_stretch(adc_first, codes);
  const bool listening = listens(adc_first);
  for (std::size_t c = 0; c < channel_count_; ++c) {
    Stimulus& stimulus = channels_[c].stimulus();
    safety_[c].charge().move_to(adc_first);
    if (tripped) {
      write_cut(c, dac_first);
    } else {
      safety_[c].charge().add(stimulus.magnitude(blocks * block));
      stimulus.coast(blocks * block);
    }
    const std::uint32_t samples = static_cast<std::uint32_t>(blocks * block);
    if (flowing()) {
      safety_[c].coast(channels_[c].stretch_summary(codes[c]), RestingCommand{played[c]}.sum(samples), samples);
    }
    if (listening) channels_[c].take_slow(codes[c]);
  }
  Sample from = adc_first;
  for (std::size_t mean = 0; from < adc_end; ++mean) {
    const Sample to = std::min(adc_end, from + (current_period() - from.index % current_period()));
    for (std::size_t c = 0; c < channel_count_; ++c) {
      const std::uint32_t sum = played[c].sum(to - from);
      if (!listening) continue;
      channels_[c].add_current(codes[c].read_sums[mean], codes[c].read_counts[mean], sum,
                               static_cast<std::size_t>(to - from));
    }
    end_of_block(to);
    from = to;
  }
  for (std::size_t c = 0; c < channel_count_; ++c) {
    // What is written and not yet played; after a trip the last block has its sum already.
    const std::int64_t left = ahead / block - (tripped ? 1 : 0);
    for (std::int64_t k = 0; k < left; ++k) command_sum(c, adc_end + k * block) = played[c].sum(block);
  }
}

}  // namespace thyrode::firmware
