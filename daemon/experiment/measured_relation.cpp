#include "daemon/experiment/measured_relation.hpp"

#include <algorithm>
#include <limits>
#include <variant>

namespace thyrode::experiment {

MeasuredRelation::MeasuredRelation(Channel own, Channel beside, Sample settled, const analysis::StepRules& rules,
                                   const DeviceInfo& device)
    : channels_{own, beside},
      settled_{to_ticks(settled + device.samples(Duration::from_si(rules.settle_drop_s)).index)},
      grid_{grid_of(device)},
      settling_{rules.settle_spikes},
      known_{settled_, settled_} {}

void MeasuredRelation::take(const StepDatum& datum) {
  const auto found = std::find(channels_.begin(), channels_.end(), datum.channel);
  if (found == channels_.end()) return;
  const auto train = static_cast<std::size_t>(found - channels_.begin());
  if (const auto* spike = std::get_if<protocol::SpikeRecord>(&datum.what)) {
    if (spike->at >= settled_) waiting_[train].push_back(spike->at);
  } else if (const auto* level = std::get_if<protocol::LevelRecord>(&datum.what)) {
    known_[train] = std::max(known_[train], to_ticks(level->first + grid_) - level->open_spike);
  } else if (const auto* gap = std::get_if<Gap>(&datum.what)) {
    close();
    counter_.gap();
    for (Ticks& known : known_) known = std::max(known, to_ticks(gap->last));
  }
  count();
}

void MeasuredRelation::close() {
  const std::array<Ticks, 2> known = known_;
  known_.fill(Ticks{std::numeric_limits<std::int64_t>::max()});
  count();
  known_ = known;
}

void MeasuredRelation::count() {
  using Train = analysis::RelationCounter::Train;
  while (true) {
    // The earlier of the two heads; at one time that of the plan's channel.
    const bool own = !waiting_[0].empty() && (waiting_[1].empty() || waiting_[0].front() <= waiting_[1].front());
    const std::size_t train = own ? 0 : 1;
    if (waiting_[train].empty()) return;
    const std::size_t other = 1 - train;
    const Ticks at = waiting_[train].front();
    if (waiting_[other].empty() && at >= known_[other]) return;
    if (settling_ == 0) counter_.spike(own ? Train::a : Train::b, at);
    if (own && settling_ > 0) --settling_;
    waiting_[train].pop_front();
  }
}

}  // namespace thyrode::experiment
