// The emulated instrument by events: the circuit goes from event to event, and codes are computed one by one only where
// the detector could fire or re-arm.
#include <cmath>

#include "firmware/boards/native/native_walk.hpp"
#include "firmware/boards/native/signal_course.hpp"

namespace thyrode::native {
namespace {

// Up to so many conversions are computed one by one rather than bounded.
constexpr std::size_t few_v_out = 12;
constexpr std::size_t few_v_m = 4;
// A search by halves takes as long as so many conversions.
constexpr std::size_t short_piece = 128;
// Extremes are taken from the ends of a span if no value between them lies further out by so many codes. Without noise
// a slow rise may cross its level a code earlier or later, which is long: there they must be exact.
constexpr float tight = 0.5F;
constexpr float tight_without_noise = 1e-3F;

AdcCode code_below(float line) {
  return static_cast<AdcCode>(std::clamp(std::floor(line), 0.0F, 4095.0F));
}
AdcCode code_above(float line) {
  return static_cast<AdcCode>(std::clamp(std::ceil(line), 0.0F, 4095.0F));
}

/// Conversions of one input within one piece: the k-th at t0 + k step seconds into the piece.
struct Course {
  const Signal& signal;
  double t0;
  double step;
  double at(std::size_t k) const { return t0 + static_cast<double>(k) * step; }
};

/// What is known of the conversions begin ... end - 1 from the first and the last of them.
ValueSpan describe(const Course& course, const Range& range, const SignalPoint& a, const SignalPoint& b,
                   std::size_t count) {
  // The sum over equal steps is the integral and half of either end (Euler and Maclaurin).
  const double sum = integral_between(course.signal, a, b) / course.step + 0.5 * (a.value + b.value);
  return {static_cast<std::uint32_t>(count), range.lowest, range.highest, sum / static_cast<double>(count), b.value};
}

/// Whether the ends of a span stand for all of it.
bool is_tight(const AdcInput& input, float low, float high, const SignalPoint& a, const SignalPoint& b) {
  const float most = input.noisy() ? tight : tight_without_noise;
  return input.line(std::min(a.value, b.value)) - low < most && high - input.line(std::max(a.value, b.value)) < most;
}

/// Hands conversions to a sink, in spans as long as it passes them over and one by one where it does not.
/// Sink: few(), the most it takes one by one at once; passes(low, high, trend) lines; quiet(span); exact(begin, end).
template <class Sink>
void cover_span(const Course& course, std::size_t begin, const SignalPoint& a, std::size_t end, const SignalPoint& b,
                const AdcInput& input, Sink& sink) {
  const Range range = range_between(course.signal, a, b);
  const float low = input.line(range.lowest);
  const float high = input.line(range.highest);
  if (is_tight(input, low, high, a, b) && sink.passes(low, high, range.trend)) {
    return sink.quiet(describe(course, range, a, b, end - begin));
  }
  const std::size_t middle = begin + (end - begin) / 2;
  const auto part = [&](std::size_t from, const SignalPoint* p, std::size_t to, const SignalPoint* q) {
    if (to - from <= sink.few()) return sink.exact(from, to);
    cover_span(course, from, p != nullptr ? *p : point_at(course.signal, course.at(from)), to,
               q != nullptr ? *q : point_at(course.signal, course.at(to - 1)), input, sink);
  };
  part(begin, &a, middle, nullptr);
  part(middle, nullptr, end, &b);
}

template <class Sink>
void cover_piece(const Course& course, std::size_t begin, std::size_t end, const AdcInput& input, Sink& sink) {
  if (begin == end) return;
  if (end - begin <= sink.few()) return sink.exact(begin, end);
  cover_span(course, begin, point_at(course.signal, course.at(begin)), end, point_at(course.signal, course.at(end - 1)),
             input, sink);
}

/// How many conversions from `begin` on still see the filter's own mode: while it lasts, bounds are of no use.
std::size_t transient(const Course& course, std::size_t begin, const AdcInput& input) {
  const auto& own = course.signal.modes[course.signal.mode_count - 1];
  const double per_volt = static_cast<double>(input.line(1.0) - input.line(0.0));
  double codes = per_volt * (std::abs(own.cosine) + std::abs(own.sine));
  constexpr double gone = 0.25;
  if (codes < gone) return 0;
  const double exponent = own.rate * course.at(begin);
  if (exponent < Signal::gone_exponent) return 0;
  codes *= std::exp(exponent);
  return codes < gone ? 0 : static_cast<std::size_t>(std::log(codes / gone) / (-own.rate * course.step)) + 1;
}

}  // namespace

/// Blocks from mark to mark, of which as few conversions as possible are computed.
class NativeInstrument::EventWalk {
 public:
  EventWalk(NativeInstrument& of, Sample first, std::size_t blocks)
      : of_{of}, first_{first}, length_{blocks * block}, listens_{of.core_.listens(first)} {}

  std::size_t length() const { return length_; }
  double horizon() const { return horizon_; }
  /// Whether the walk had to end because V_m may exceed its limit within the last block.
  bool cautious() const { return cautious_; }
  void renewed(double, std::size_t, std::size_t) const {}

  /// Goes only as far as V_m certainly stays within its limit, whatever event comes.
  bool look(double position, std::size_t fast) {
    const double end = static_cast<double>(length_) * sample_time;
    horizon_ = end;
    if (cautious_) return true;
    double ahead = end - position;
    const double least = block * sample_time;
    while (!v_m_passes(ahead)) {
      if (ahead <= least) {
        stop_after(position, fast);
        return length_ > fast || position < static_cast<double>(length_) * sample_time;
      }
      ahead = std::max(0.5 * ahead, least);
      horizon_ = position + ahead;
    }
    return true;
  }

  void cover(double position, std::size_t fast, std::size_t fast_end, std::size_t slow, std::size_t slow_end) {
    const double t0 = of_.piece_left_at_ - position;
    for (std::size_t c = 0; c < of_.bench_.size(); ++c) {
      ChannelBench& bench = *of_.bench_[c];
      if (!listens_) {
        bench.v_out.skip(fast_end - fast);
        bench.v_m.skip(slow_end - slow);
        continue;
      }
      VOut v_out{of_, c, first_, {bench.filter.output(), t0, sample_time}};
      cover_v_out(v_out, fast, fast_end);
      VM v_m{bench, {bench.membrane, t0, static_cast<double>(slow_every) * sample_time}};
      cover_piece(v_m.course, slow, slow_end, bench.v_m, v_m);
    }
  }

  /// V_m of a channel since the last call.
  void take_v_m(std::size_t c, firmware::StretchCodes& codes) const {
    SpanTally& tally = of_.bench_[c]->v_m_tally;
    codes.v_m = {};
    codes.v_m_count = 0;
    if (tally.empty()) return;
    const firmware::QuietSpan span = tally.finish();
    codes.v_m = {span.lowest, span.highest, span.sum};
    codes.v_m_count = span.count;
  }
  /// V_m before the block that may exceed the limit; only if cautious().
  const firmware::StretchCodes& before(std::size_t c) const { return before_[c]; }

 private:
  /// V_out: the detector decides what may be passed over.
  struct VOut {
    NativeInstrument& of;
    std::size_t channel;
    Sample first;
    Course course;
    Sampler sampler{};
    std::size_t sampled = 0;  // where the sampler stands; 0 is nowhere

    ChannelBench& bench() const { return *of.bench_[channel]; }
    static std::size_t few() { return few_v_out; }
    bool passes(float low, float high, Range::Trend trend) const {
      const float reach = bench().v_out.reach();
      firmware::SpanBounds next = firmware::SpanBounds::within(code_below(low - reach), code_above(high + reach));
      // What goes one way only goes the other way by as much as noise and converter allow.
      const int back = static_cast<int>(std::ceil(2.0F * reach));
      if (trend == Range::Trend::falling) next.rise = std::min(next.rise, back);
      if (trend == Range::Trend::rising) next.fall = std::min(next.fall, back);
      const SpanTally& waiting = bench().v_out_tally;
      firmware::SpanBounds before = next;
      if (trend == Range::Trend::falling) before.lowest = next.highest;
      if (trend == Range::Trend::rising) before.highest = next.lowest;
      if (!waiting.empty()) {
        before.lowest = std::min(before.lowest, code_below(waiting.lowest_line() - reach));
        before.highest = std::max(before.highest, code_above(waiting.highest_line() + reach));
      }
      return of.core_.detector(channel).passes_over(next, before);
    }
    void quiet(const ValueSpan& span) const {
      bench().v_out_tally.add(bench().v_out.conversions(), span);
      bench().v_out.skip(span.count);
    }
    /// The signal at a sample, from the sampler if it stands there.
    SignalPoint at(std::size_t k) const {
      if (sampled != k || k == 0) return point_at(course.signal, course.at(k));
      SignalPoint point;
      point.time = course.at(k);
      const std::array<double, 4>& p = course.signal.polynomial;
      point.polynomial = ((p[3] * point.time + p[2]) * point.time + p[1]) * point.time + p[0];
      point.value = point.polynomial;
      for (std::size_t j = 0; j < course.signal.mode_count; ++j) {
        point.part[j] = sampler.part(j);
        point.quadrature[j] = sampler.quadrature(j);
        point.value += point.part[j];
      }
      return point;
    }
    void exact(std::size_t begin, std::size_t end) {
      if (!bench().v_out_tally.empty()) of.core_.coast(channel, bench().v_out_tally.finish());
      std::array<double, few_v_out> values;
      std::array<AdcCode, few_v_out> codes;
      if (sampled != begin || begin == 0) sampler.begin(course.signal, course.at(begin), course.step);
      sampled = end;
      sampler.read(std::span{values}.first(end - begin));
      bench().v_out.convert(std::span{values}.first(end - begin), std::span{codes}.first(end - begin));
      of.core_.take_v_out(channel, first + static_cast<std::int64_t>(begin), std::span{codes}.first(end - begin));
    }
  };
  /// V_m: only its levels are wanted.
  struct VM {
    ChannelBench& bench;
    Course course;

    static std::size_t few() { return few_v_m; }
    static bool passes(float, float, Range::Trend) { return true; }
    void quiet(const ValueSpan& span) const {
      bench.v_m_tally.add(bench.v_m.conversions(), span);
      bench.v_m.skip(span.count);
    }
    void exact(std::size_t begin, std::size_t end) const {
      std::array<double, few_v_m> buffer;
      std::array<AdcCode, few_v_m> codes;
      const auto values = std::span{buffer}.first(end - begin);
      for (std::size_t k = begin; k < end; ++k) values[k - begin] = point_at(course.signal, course.at(k)).value;
      const auto [low, high] = std::minmax_element(values.begin(), values.end());
      const std::uint64_t number = bench.v_m.conversions();
      bench.v_m.convert(values, std::span{codes}.first(values.size()));
      bench.v_m_tally.add_codes(number, {static_cast<std::uint32_t>(values.size()), *low, *high, 0.0, values.back()},
                                std::span{codes}.first(values.size()));
    }
  };

  /// A short piece is computed from its beginning on until the rest of it may be passed over at once; only a long one
  /// is worth a search for the place.
  static void cover_v_out(VOut& sink, std::size_t begin, std::size_t end) {
    const Course& course = sink.course;
    const AdcInput& input = sink.bench().v_out;
    if (begin < end) {
      const std::size_t settled = std::min(end, begin + transient(course, begin, input));
      for (; begin < settled; begin = std::min(settled, begin + few_v_out)) {
        sink.exact(begin, std::min(settled, begin + few_v_out));
      }
    }
    if (end - begin > short_piece) return cover_piece(course, begin, end, input, sink);
    if (end - begin <= few_v_out) return begin < end ? sink.exact(begin, end) : void();
    const SignalPoint last = point_at(course.signal, course.at(end - 1));
    while (end - begin > few_v_out) {
      const SignalPoint first = sink.at(begin);
      const Range range = range_between(course.signal, first, last);
      const float low = input.line(range.lowest);
      const float high = input.line(range.highest);
      if (is_tight(input, low, high, first, last) && sink.passes(low, high, range.trend)) {
        return sink.quiet(describe(course, range, first, last, end - begin));
      }
      sink.exact(begin, begin + few_v_out);
      begin += few_v_out;
    }
    sink.exact(begin, end);
  }

  /// Whether no V_m trips for so many seconds from here, if no event comes.
  bool v_m_passes(double ahead) const {
    for (std::size_t c = 0; c < of_.bench_.size(); ++c) {
      const ChannelBench& bench = *of_.bench_[c];
      // The limit is told in codes; most often even the sum of all parts lies below.
      const Signal& v = bench.membrane;
      if (of_.core_.v_m_passes(c, code_above(bench.v_m.line(sum_of_parts(v)) + bench.v_m.reach()))) continue;
      const double now = of_.piece_left_at_;
      const double highest = range_between(v, point_at(v, now), point_at(v, now + ahead)).highest;
      if (!of_.core_.v_m_passes(c, code_above(bench.v_m.line(highest) + bench.v_m.reach()))) return false;
    }
    return true;
  }
  /// No value of the signal is higher; infinite if it may grow for ever.
  static double sum_of_parts(const Signal& signal) {
    const std::array<double, 4>& p = signal.polynomial;
    bool bounded = p[1] == 0.0 && p[2] == 0.0 && p[3] == 0.0;
    double sum = p[0];
    for (std::size_t j = 0; j < signal.mode_count; ++j) {
      const auto& mode = signal.modes[j];
      bounded = bounded && mode.rate <= 0.0;
      sum += mode.frequency == 0.0 ? std::max(0.0, mode.cosine) : std::abs(mode.cosine) + std::abs(mode.sine);
    }
    return bounded ? sum : std::numeric_limits<double>::infinity();
  }
  /// The walk ends with the block that it is in; at its very beginning, before it.
  void stop_after(double position, std::size_t fast) {
    const bool between = fast % block == 0 && position == static_cast<double>(fast) * sample_time;
    length_ = between ? fast : (fast / block + 1) * block;
    cautious_ = !between;
    horizon_ = static_cast<double>(length_) * sample_time;
    // The blocks before the last one are handed over by themselves; where there are none, nothing is set aside.
    if (between || fast < block) return;
    for (std::size_t c = 0; c < of_.bench_.size(); ++c) take_v_m(c, before_[c]);
  }

  NativeInstrument& of_;
  Sample first_;
  std::size_t length_;
  double horizon_ = 0.0;
  bool listens_;
  bool cautious_ = false;
  std::array<firmware::StretchCodes, max_channels> before_{};
};

/// Runs up to `blocks` blocks by events. @returns how many
std::size_t NativeInstrument::coast(Sample first, std::size_t blocks) {
  std::array<CurrentSource::State, max_channels> sources;
  std::array<firmware::RestingCommand, max_channels> commands;
  std::array<double, max_channels> before{};
  for (std::size_t c = 0; c < bench_.size(); ++c) {
    sources[c] = bench_[c]->source.state();
    commands[c] = bench_[c]->command;
    before[c] = bench_[c]->output_current;
  }
  const auto take_back = [&] {
    for (std::size_t c = 0; c < bench_.size(); ++c) {
      bench_[c]->source.restore(sources[c]);
      bench_[c]->command = commands[c];
    }
  };
  if (!coast_currents(blocks)) {
    take_back();
    return 0;
  }
  EventWalk along{*this, first, blocks};
  if (!walk(first, along)) return 0;
  samplers_behind_ = true;
  const std::size_t done = along.length() / block;
  if (done < blocks) {
    // What the codes after that do to the current is seen when they play.
    take_back();
    coast_currents(done);
  }
  if (done == 0) return 0;
  dac_behind_ = true;
  board_.advance(static_cast<std::int64_t>(done * block));
  for (std::size_t c = 0; c < bench_.size(); ++c) {
    SpanTally& tally = bench_[c]->v_out_tally;
    if (!tally.empty()) core_.coast(c, tally.finish());
  }
  const std::size_t sure = along.cautious() ? done - 1 : done;
  if (sure > 0) end_stretch(first, along, 0, sure, before);
  if (sure < done) end_stretch(first, along, sure, done, before);
  return done;
}

/// Turns the commands of blocks to come into changes of the current. @returns false when a read-back may trip
bool NativeInstrument::coast_currents(std::size_t blocks) {
  for (std::size_t c = 0; c < bench_.size(); ++c) {
    ChannelBench& bench = *bench_[c];
    bench.command = core_.resting(c).before(static_cast<std::int64_t>(lead * block));
    const auto changes = bench.source.follow_resting(bench.command, block, blocks, board_.closed());
    bench.changes.assign(changes.begin(), changes.end());
    bench.next_change = 0;
    double lowest = bench.output_current;
    double highest = bench.output_current;
    for (const CurrentChange& change : bench.changes) {
      lowest = std::min(lowest, change.current);
      highest = std::max(highest, change.current);
    }
    const float reach = bench.i_read.reach();
    if (!core_.i_read_passes(c, code_below(bench.i_read.line(lowest) - reach),
                             code_above(bench.i_read.line(highest) + reach))) {
      return false;
    }
  }
  return true;
}

/// Hands the blocks from ... to - 1 of a walk over to the core.
void NativeInstrument::end_stretch(Sample first, const EventWalk& along, std::size_t from, std::size_t to,
                                   std::span<const double> before) {
  const Sample begin = first + static_cast<std::int64_t>(from * block);
  const bool listens = core_.listens(first);
  std::array<firmware::StretchCodes, max_channels> codes{};
  for (std::size_t c = 0; c < bench_.size(); ++c) {
    if (!listens) {
      bench_[c]->i_read.skip((to - from) * slow_block);
      continue;
    }
    if (along.cautious() && from == 0 && to * block < along.length()) {
      codes[c] = along.before(c);
    } else {
      along.take_v_m(c, codes[c]);
    }
    read_currents(*bench_[c], from, to, before[c], codes[c]);
  }
  core_.on_stretch(begin, begin + static_cast<std::int64_t>(lead * block), static_cast<std::int64_t>(to - from),
                   {codes.data(), bench_.size()});
}

/// I_read of the blocks from ... to - 1 of a walk: means of 1 ms and extremes.
/// @param before  the current when the walk began
void NativeInstrument::read_currents(ChannelBench& bench, std::size_t from, std::size_t to, double before,
                                     firmware::StretchCodes& codes) const {
  constexpr std::size_t per_mean = std::size_t(Nominal::sample_rate) / firmware::ChannelState::current_rate;
  // Conversions are at each tenth sample.
  const auto conversions = [](std::size_t begin, std::size_t end) {
    return (end + slow_every - 1) / slow_every - (begin + slow_every - 1) / slow_every;
  };
  std::array<double, firmware::StretchCodes::most_means> sums{};  // of mean codes
  std::size_t next = 0;
  double current = before;
  std::size_t at = from * block;
  std::size_t mean = 0;
  // A walk begins at a mark, and so at the beginning of a mean; a stretch of constant current may last for many.
  while (at < to * block) {
    for (; next < bench.changes.size() && static_cast<std::size_t>(bench.changes[next].at) <= at; ++next) {
      current = bench.changes[next].current;
    }
    std::size_t until = to * block;
    if (next < bench.changes.size()) until = std::min(until, static_cast<std::size_t>(bench.changes[next].at));
    const std::size_t count = conversions(at, until);
    const std::uint64_t number = bench.i_read.conversions();
    if (count > 0) {
      bench.i_tally.add(number, {static_cast<std::uint32_t>(count), current, current, current, current});
      bench.i_read.skip(count);
    }
    const double code = bench.i_tally.plateau(current);
    while (at < until) {
      const std::size_t end = std::min(until, (at / per_mean + 1) * per_mean);
      codes.read_counts[mean] = static_cast<std::uint16_t>(codes.read_counts[mean] + conversions(at, end));
      sums[mean] += static_cast<double>(conversions(at, end)) * code;
      if (end % per_mean == 0) ++mean;
      at = end;
    }
  }
  for (std::size_t k = 0; k < sums.size(); ++k) {
    if (codes.read_counts[k] == 0) continue;
    codes.read_sums[k] = bench.i_tally.noisy_sum(bench.i_read.conversions() + k, sums[k], codes.read_counts[k]);
  }
  const firmware::QuietSpan span = bench.i_tally.finish();
  codes.i_read = {span.lowest, span.highest, 0};
}

/// Computes the codes that play next, which a walk by events left out.
void NativeInstrument::write_dac(Sample first) {
  dac_behind_ = false;
  const std::size_t number = static_cast<std::size_t>(first.index) / block;
  for (auto& bench : bench_) {
    firmware::RestingCommand command = bench->command;
    for (std::size_t k = 0; k < lead; ++k) {
      for (DacCode& code : bench->dac[(number + k) % (lead + 1)]) code = command.code();
    }
  }
}

}  // namespace thyrode::native
