#include "daemon/analysis/sweep_analysis.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "daemon/analysis/lif_fit.hpp"
#include "daemon/analysis/precursor.hpp"
#include "daemon/analysis/sweep_leg.hpp"
#include "daemon/analysis/transitions.hpp"

namespace thyrode::analysis {
namespace {

std::optional<std::pair<double, double>> firing_range(const Rows& rows) {
  std::optional<std::pair<double, double>> range;
  for (const StepResult* row : rows) {
    if (!fires(*row)) continue;
    if (!range) range = {row->current_ua, row->current_ua};
    range->first = std::min(range->first, row->current_ua);
    range->second = std::max(range->second, row->current_ua);
  }
  return range;
}

void resolve_silence(const Rows& rows) {
  const auto range = firing_range(rows);
  if (!range) return;
  for (StepResult* row : rows) {
    if (!bounds_firing(*row)) continue;
    const bool stayed_high = row->label == Label::QD && row->n_spikes > 0;
    if (row->current_ua > range->second) row->label = Label::QD;
    if (row->current_ua < range->first && !stayed_high) row->label = Label::QH;
  }
}

void name_by_rate(const Rows& rows, double fast_spiking_hz) {
  for (StepResult* row : rows) {
    if (!is_regular(row->label) || !row->frequency_hz.value) continue;
    row->label = *row->frequency_hz.value >= fast_spiking_hz ? Label::FS : Label::TS;
  }
}

const Branch* first_regular(const Leg& leg) {
  const auto branch = std::find_if(leg.branches.begin(), leg.branches.end(),
                                   [&](const Branch& b) { return is_regular(leg.label_of(b)); });
  return branch == leg.branches.end() ? nullptr : &*branch;
}

/// The points of the legs' first regular branches between two currents. A single irregular step inside is left out.
std::vector<FiPoint> regular_points(const std::vector<Leg>& legs, double low_ua, double high_ua) {
  std::vector<FiPoint> points;
  for (const Leg& leg : legs) {
    const Branch* branch = first_regular(leg);
    if (!branch) continue;
    for (std::size_t k = branch->first; k < branch->end; ++k) {
      const LegPoint& point = leg.points[k];
      const bool regular = std::all_of(point.rows.begin(), point.rows.end(),
                                       [](const StepResult* row) { return is_regular(row->label); });
      const bool inside = point.fi.current_ua >= low_ua && point.fi.current_ua <= high_ua;
      if (regular && inside) points.push_back(point.fi);
    }
  }
  return points;
}

/// The middle of the currents that the legs' first regular branches cover.
std::optional<double> middle_of_branches(const std::vector<Leg>& legs) {
  std::optional<std::pair<double, double>> range;
  for (const Leg& leg : legs) {
    const Branch* branch = first_regular(leg);
    if (!branch) continue;
    const double low = leg.points[branch->first].fi.current_ua;
    const double high = leg.points[branch->end - 1].fi.current_ua;
    range = range ? std::pair{std::min(range->first, low), std::max(range->second, high)} : std::pair{low, high};
  }
  return range ? std::optional(0.5 * (range->first + range->second)) : std::nullopt;
}

/// The currents of a leg at which most rows fire, and those at which most bound the firing.
struct FiringVotes {
  std::vector<double> firing_ua, silent_ua;
};

void add_votes(const Leg& leg, FiringVotes& votes) {
  for (std::size_t k = 0; k < leg.rows.size();) {
    const double current_ua = leg.rows[k]->current_ua;
    int balance = 0;  // noise makes a neuron fire once and stay silent another time near its border
    for (; k < leg.rows.size() && !is_above(leg.rows[k]->current_ua, current_ua); ++k) {
      balance += (fires(*leg.rows[k]) ? 1 : 0) - (bounds_firing(*leg.rows[k]) ? 1 : 0);
    }
    if (balance > 0) votes.firing_ua.push_back(current_ua);
    if (balance < 0) votes.silent_ua.push_back(current_ua);
  }
}

/// Where firing begins and ends.
void bracket_firing(const std::vector<Leg>& legs, SweepFit& fit) {
  FiringVotes votes;
  for (const Leg& leg : legs) add_votes(leg, votes);
  if (votes.firing_ua.empty()) return;
  const auto [first, last] = std::minmax_element(votes.firing_ua.begin(), votes.firing_ua.end());
  fit.onset_high_ua = *first;
  fit.end_low_ua = *last;
  for (const double silent_ua : votes.silent_ua) {
    if (is_above(*first, silent_ua)) {
      fit.onset_low_ua = std::max(silent_ua, fit.onset_low_ua.value_or(silent_ua));
    }
    if (is_above(silent_ua, *last)) {
      fit.end_high_ua = std::min(silent_ua, fit.end_high_ua.value_or(silent_ua));
    }
  }
}

/// Brackets and fits of one group.
void describe(const std::vector<Leg>& legs, SweepFit& fit) {
  bracket_firing(legs, fit);
  if (!fit.onset_high_ua) return;
  fit.lif = fit_lif(regular_points(legs, 0.0, 2.0 * *fit.onset_high_ua), fit.onset_low_ua.value_or(0.0));
  if (const auto middle = middle_of_branches(legs)) {
    fit.upper_line = fit_line(regular_points(legs, *middle, *fit.end_low_ua));
  }
}

SweepFit analyze_group(const RowGroup& group, Rows& rows, const SweepRules& rules) {
  std::stable_sort(rows.begin(), rows.end(),
                   [](const StepResult* a, const StepResult* b) { return a->current_ua < b->current_ua; });
  resolve_silence(rows);
  if (rules.fast_spiking_hz) name_by_rate(rows, *rules.fast_spiking_hz);
  std::map<int, Rows> by_leg;
  for (StepResult* row : rows) by_leg[row->leg].push_back(row);
  std::vector<Leg> legs;
  for (const auto& [number, leg_rows] : by_leg) {
    legs.push_back(cut_leg(number, leg_rows));
    write_beta(legs.back());
    if (!rules.fast_spiking_hz) name_regular_branches(legs.back());
    settle_burst_labels(legs.back());
  }
  SweepFit fit;
  const bool sweeps =
      legs.size() == 1 || std::any_of(legs.begin(), legs.end(), [](const Leg& leg) { return leg.rows.size() > 1; });
  if (sweeps) describe(legs, fit);
  for (const Leg& leg : legs) {
    for (Transition& t : transitions_of(group, leg)) fit.transitions.push_back(std::move(t));
    for (Precursor& p : precursors_of(group, leg, fit.lif)) fit.precursors.push_back(std::move(p));
  }
  fit.loops = loops_of(legs, fit.transitions);
  fit.rates = rates_of(group, legs);
  return fit;
}

/// What analyze_group reads of a row.
struct RowInput {
  int leg;
  double current_ua;
  Direction direction;
  StepStatus status;
  Label label;
  std::int64_t n_spikes;
  Ticks start;
  Estimate frequency_hz;
  std::optional<double> cv;
  bool operator==(const RowInput&) const = default;
};

/// What it writes.
struct RowOutput {
  Label label;
  bool branch_unresolved;
  Estimate beta_n_per_ua;
  BetaStatus beta_status;
  Estimate kappa;
  std::optional<double> sigma_current_ua;
};

RowInput input_of(const StepResult& row) {
  return {row.leg,      row.current_ua, row.direction,    row.status, row.label,
          row.n_spikes, row.start,      row.frequency_hz, row.cv};
}

RowOutput output_of(const StepResult& row) {
  return {row.label, row.branch_unresolved, row.beta_n_per_ua, row.beta_status, row.kappa, row.sigma_current_ua};
}

void write(const RowOutput& output, StepResult& row) {
  std::tie(row.label, row.branch_unresolved, row.beta_n_per_ua, row.beta_status, row.kappa, row.sigma_current_ua) =
      std::tie(output.label, output.branch_unresolved, output.beta_n_per_ua, output.beta_status, output.kappa,
               output.sigma_current_ua);
}

void reset(StepResult& row) {
  row.beta_n_per_ua = {};
  row.beta_status = BetaStatus::few_points;
  row.kappa = {};
  row.sigma_current_ua.reset();
  row.branch_unresolved = false;
}

template <class T>
void append(std::vector<T>& list, const std::vector<T>& more) {
  list.insert(list.end(), more.begin(), more.end());
}

struct ByGroup {
  bool operator()(const RowGroup& a, const RowGroup& b) const {
    return std::tie(a.channel, a.conditions) < std::tie(b.channel, b.conditions);
  }
};

}  // namespace

/// The groups as they were analysed last.
struct SweepAnalysis::Memory {
  struct Group {
    Rows rows;  // of the current call
    std::vector<RowInput> inputs;
    std::vector<RowOutput> outputs;
    SweepFit fit;
  };
  std::map<RowGroup, Group, ByGroup> groups;

  /// Rows of the current call, by group.
  void sort(std::vector<StepResult>& steps) {
    for (auto& [key, group] : groups) group.rows.clear();
    const RowGroup* key = nullptr;
    Group* group = nullptr;
    for (StepResult& row : steps) {
      reset(row);
      // A step that was cut short may call a neuron silent that is not.
      if (row.status == StepStatus::interrupted) continue;
      if (!row.label_of_step) row.label_of_step = row.label;
      row.label = *row.label_of_step;
      if (!key || key->channel != row.channel || key->conditions != row.conditions) {
        const auto place = groups.try_emplace({row.channel, row.conditions}).first;
        key = &place->first;
        group = &place->second;
      }
      group->rows.push_back(&row);
    }
    std::erase_if(groups, [](const auto& entry) { return entry.second.rows.empty(); });
  }
};

SweepAnalysis::SweepAnalysis(const SweepRules& rules) : rules_{rules}, memory_{std::make_unique<Memory>()} {}
SweepAnalysis::~SweepAnalysis() = default;
SweepAnalysis::SweepAnalysis(SweepAnalysis&&) noexcept = default;
SweepAnalysis& SweepAnalysis::operator=(SweepAnalysis&&) noexcept = default;

SweepFit SweepAnalysis::update(std::vector<StepResult>& steps) {
  memory_->sort(steps);
  SweepFit all;
  for (auto& [key, group] : memory_->groups) {
    std::vector<RowInput> inputs;
    for (const StepResult* row : group.rows) inputs.push_back(input_of(*row));
    if (inputs == group.inputs) {
      for (std::size_t k = 0; k < inputs.size(); ++k) write(group.outputs[k], *group.rows[k]);
    } else {
      Rows sorted = group.rows;
      group.fit = analyze_group(key, sorted, rules_);
      group.inputs = std::move(inputs);
      group.outputs.clear();
      for (const StepResult* row : group.rows) group.outputs.push_back(output_of(*row));
    }
    const bool of_first_row = key.channel == steps.front().channel && key.conditions == steps.front().conditions;
    if (of_first_row) {
      all.onset_low_ua = group.fit.onset_low_ua, all.onset_high_ua = group.fit.onset_high_ua;
      all.end_low_ua = group.fit.end_low_ua, all.end_high_ua = group.fit.end_high_ua;
      all.lif = group.fit.lif;
      all.upper_line = group.fit.upper_line;
    }
    append(all.transitions, group.fit.transitions);
    append(all.loops, group.fit.loops);
    append(all.rates, group.fit.rates);
    append(all.precursors, group.fit.precursors);
  }
  return all;
}

SweepFit analyze_sweep(std::vector<StepResult>& steps, const SweepRules& rules) {
  return SweepAnalysis{rules}.update(steps);
}

}  // namespace thyrode::analysis
