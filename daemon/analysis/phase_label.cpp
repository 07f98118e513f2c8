#include "daemon/analysis/phase_label.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace thyrode::analysis {
namespace {

constexpr std::int64_t least_spikes = 5;
// Five intervals apart from the others are a kind of their own (find_valley, Vacancies::found).
constexpr std::int64_t most_apart = 4;
constexpr double apart = 1.8;  // times the median, or as many times shorter
constexpr std::int64_t intervals_for_each_apart = 16;

std::int64_t count_from(const IsiHistogram& histogram, int first) {
  std::int64_t sum = 0;
  for (int k = std::max(0, first); k < IsiHistogram::size; ++k)
    sum += histogram.counters()[static_cast<std::size_t>(k)];
  return sum;
}

/// CV of the intervals without the few that stand apart, from the histogram; the CV of all where these are not few.
std::optional<double> core_cv(const TrainStatistics& train) {
  const IsiHistogram& histogram = train.histogram();
  const auto median = histogram.quantile_us(0.5);
  if (!median) return train.intervals().cv();
  const int first = IsiHistogram::counter_of(*median / apart);
  const int last = IsiHistogram::counter_of(*median * apart);
  const std::int64_t inside = count_from(histogram, first) - count_from(histogram, last + 1);
  const std::int64_t outside = histogram.total() - inside;
  if (outside == 0 || outside > most_apart || outside * intervals_for_each_apart > histogram.total()) {
    return train.intervals().cv();
  }
  double sum = 0.0;
  double squares = 0.0;
  for (int k = first; k <= last; ++k) {
    const auto n = static_cast<double>(histogram.counters()[static_cast<std::size_t>(k)]);
    const double isi = n > 0.0 ? histogram.mean_us(k) : 0.0;
    sum += n * isi;
    squares += n * isi * isi;
  }
  const auto n = static_cast<double>(inside);
  const double mean = sum / n;
  return std::sqrt(std::max(0.0, squares / n - mean * mean)) / mean;
}

class Namer {
 public:
  Namer(const Seen& seen, const LabelRules& rules) : seen_(seen), rules_(rules) {}

  Phase name() const {
    if (seen_.silent) return {silent_label(), {}, false};
    if (seen_.train.spikes() < least_spikes) return {};
    const auto missing = seen_.train.vacancies();
    const bool vacancies = missing && missing->found();
    const auto bursts = vacancies ? std::nullopt : seen_.train.bursts();
    if (bursts) {
      if (auto two = two_rates(*bursts)) return *std::move(two);
      if (bursts->accepted) return {burst_label(*bursts), {}, false};
    }
    const double median_us = seen_.train.histogram().quantile_us(0.5).value_or(0.0);
    if (vacancies) return {tonic_label(median_us), {}, true};
    const Label order = order_label(seen_.train.spikes(), core_cv(seen_.train), order_of_train(), rules_);
    const Label label = order == Label::TS ? tonic_label(median_us) : order;
    if (auto pauses = with_silences(label)) return *std::move(pauses);
    return {label, {}, false};
  }

 private:
  std::optional<double> order_of_train() const { return seen_.train.structure_factor().value(); }

  Label silent_label() const {
    if (seen_.output.latched(rules_.latched_swing, rules_.latched_across)) return Label::QD;
    const bool charged_up = seen_.train.spikes() == 1 && seen_.output.open_spike();
    return seen_.train.spikes() == 0 || charged_up ? Label::QH : Label::transient;
  }

  Label tonic_label(double interval_us) const { return is_fast(interval_us) ? Label::FS : Label::TS; }

  bool is_fast(double interval_us) const {
    if (seen_.load_time_s) return interval_us < rules_.fast_load_times * *seen_.load_time_s * 1e6;
    const auto peak = seen_.output.mean_peak();
    const auto trough = seen_.output.mean_trough();
    const auto width = seen_.output.widths().quantile_us(0.5);
    if (!peak || !trough || !width) return false;
    return *trough > rules_.fast_trough * *peak && interval_us < rules_.fast_widths * *width;
  }

  Label burst_label(const Bursts& bursts) const {
    if (seen_.output.widths().total() == 0) {
      return clock_like(bursts, rules_) ? Label::IB2 : Label::IB1;
    }
    const double load_time_us = 1e6 * seen_.load_time_s.value_or(0.0);
    const auto plateaus = seen_.output.plateaus(rules_.plateau_widths, rules_.plateau_load_times * load_time_us);
    return static_cast<double>(plateaus) >= rules_.plateau_share * static_cast<double>(bursts.gaps) ? Label::IB2
                                                                                                    : Label::IB1;
  }

  /// Two rates in stretches: most long intervals follow a long one, and the short ones take their share of the time.
  std::optional<Phase> two_rates(const Bursts& bursts) const {
    const auto spikes = bursts.spikes_per_burst.mean();
    const auto gap = bursts.gap.mean();
    if (!spikes || !gap || !bursts.in_runs) return std::nullopt;
    const double single = (1.0 - *bursts.in_runs) * *spikes;  // of the bursts
    const double share = *gap * static_cast<double>(bursts.gaps) / static_cast<double>(seen_.train.intervals().sum());
    if (single < 0.5 || share < rules_.least_share || 1.0 - share < rules_.least_share) return std::nullopt;
    const Label fast = tonic_label(bursts.median_inside_us);
    const Label order = order_label(bursts.gaps, bursts.gap.cv(), std::nullopt, rules_);
    const Label slow = order == Label::TS ? tonic_label(bursts.median_gap_us) : order;
    if (fast == slow || slow == Label::undetermined) return std::nullopt;
    return Phase{Label::mixed, {{to_string(fast), 1.0 - share}, {to_string(slow), share}}, false};
  }

  /// A train with silences that are too few for bursts and too long for nothing.
  std::optional<Phase> with_silences(Label label) const {
    const IsiHistogram& histogram = seen_.train.histogram();
    const std::int64_t silences = long_intervals(histogram, rules_);
    if (silences < 1 || silences > most_apart) return std::nullopt;
    double sum = 0.0;
    std::int64_t left = silences;
    for (int k = IsiHistogram::size - 1; left > 0; --k) {
      const std::int64_t n = histogram.counters()[static_cast<std::size_t>(k)];
      if (n > 0) sum += static_cast<double>(n) * histogram.mean_us(k);
      left -= n;
    }
    const double total = static_cast<double>(seen_.train.intervals().sum()) * seen_.seconds_per_tick * 1e6;
    const double share = sum / total;
    // One silence that holds most of the time may be the only gap between bursts that was seen.
    if (silences == 1) return share > 0.5 ? std::optional(Phase{}) : std::nullopt;
    if (share < rules_.least_share || 1.0 - share < rules_.least_share) return std::nullopt;
    const double load_time_us = 1e6 * seen_.load_time_s.value_or(0.0);
    const bool high = seen_.output.plateaus(rules_.plateau_widths, rules_.plateau_load_times * load_time_us) > 0;
    return Phase{
        Label::mixed, {{to_string(label), 1.0 - share}, {to_string(high ? Label::QD : Label::QH), share}}, false};
  }

  const Seen& seen_;
  const LabelRules& rules_;
};

}  // namespace

Label order_label(std::int64_t spikes, std::optional<double> cv, std::optional<double> structure_factor,
                  const LabelRules& rules) {
  if (spikes < least_spikes || !cv) return Label::undetermined;
  if (*cv < rules.tonic_cv) return Label::TS;
  const double renewal = 1.0 / std::tanh(std::numbers::pi * std::numbers::pi * *cv * *cv);
  const double order = structure_factor.value_or(renewal);
  if (order > rules.tonic_order) return Label::TS;
  return *cv > rules.irregular_cv && order < rules.irregular_order ? Label::irregular : Label::soft;
}

std::int64_t long_intervals(const IsiHistogram& histogram, const LabelRules& rules) {
  const auto median = histogram.quantile_us(0.5);
  return median ? count_from(histogram, IsiHistogram::counter_of(*median * rules.long_interval) + 1) : 0;
}

Phase find_phase(const Seen& seen, const LabelRules& rules) {
  return Namer(seen, rules).name();
}

std::optional<Vacancies> counted_vacancies(const TrainStatistics& train, Label label) {
  if (label != Label::TS && label != Label::FS) return std::nullopt;
  auto vacancies = train.vacancies();
  return vacancies && vacancies->valid ? std::move(vacancies) : std::nullopt;
}

const char* why_not_counted(const TrainStatistics& train, Label label) {
  if (counted_vacancies(train, label)) return nullptr;
  switch (label) {
    case Label::TS:
    case Label::FS: return "the intervals are no whole multiples of a regular one";
    case Label::IB1:
    case Label::IB2: return "the train bursts";
    case Label::undetermined: return "too few spikes to call the train regular";
    default: return "the train is not a regular one";
  }
}

TimesLabel label_of_times(Label label) {
  switch (label) {
    case Label::IB1:
    case Label::IB2:
      return {"bursting", {Label::IB1, Label::IB2}, "IB2 has plateaus of the output between its bursts, IB1 has none"};
    case Label::TS:
    case Label::FS:
      return {"TS", {Label::TS, Label::FS}, "FS is told by tau_L, the shapes of spikes or a jump of f in a sweep"};
    case Label::QH:
    case Label::QD: return {"QH", {Label::QH, Label::QD}, "of QD the output has stayed up, of QH it is down"};
    case Label::transient:
      return {
          "transient", {Label::transient, Label::QD}, "the output after the spikes is down, or of QD has stayed up"};
    default: return {to_string(label), {label}};
  }
}

bool clock_like(const Bursts& bursts, const LabelRules& rules) {
  const double spikes = bursts.spikes_per_burst.cv().value_or(0.0);
  const double gaps = bursts.gap.cv().value_or(0.0);
  return std::max(spikes, gaps) <= rules.stutter_cv;
}

}  // namespace thyrode::analysis
