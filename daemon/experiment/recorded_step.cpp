#include "daemon/experiment/recorded_step.hpp"

#include <algorithm>
#include <optional>
#include <variant>
#include <vector>

#include "daemon/experiment/step_data.hpp"

namespace thyrode::experiment {

MeasuredStep measure_again(const analysis::StepRules& rules, const DeviceInfo& device, Channel channel,
                           const StepSpan& span, std::span<const DeviceMessage> messages) {
  const std::int64_t grid = grid_of(device);
  StepData data{device, {channel}};
  std::vector<Sample> marks;
  for (const DeviceMessage& message : messages) {
    data.add(message);
    const auto* mark = std::get_if<protocol::Mark>(&message);
    if (mark != nullptr && mark->at > span.settled && mark->at <= span.evaluated) marks.push_back(mark->at);
  }
  // Read back for several channels, a mark comes more than once.
  std::sort(marks.begin(), marks.end());
  marks.erase(std::unique(marks.begin(), marks.end()), marks.end());
  Carried carried;
  std::optional<MeasuredStep> step;
  auto mark = marks.begin();
  for (const StepDatum& datum : data.take()) {
    const Sample at = datum.begins(grid);
    if (at >= span.end) break;
    if (!step && at >= span.start) step.emplace(rules, device, channel, span.settled, carried);
    for (; mark != marks.end() && *mark <= at; ++mark) step->evaluate(*mark);
    if (step) step->take(datum);
    pass_over(datum, grid, carried);
  }
  if (!step) step.emplace(rules, device, channel, span.settled, carried);
  for (; mark != marks.end(); ++mark) step->evaluate(*mark);
  step->close(span.end, carried);
  return std::move(*step);
}

MeasuredRelation relate_again(const analysis::StepRules& rules, const DeviceInfo& device, Channel own, Channel beside,
                              const StepSpan& span, std::span<const DeviceMessage> messages) {
  const std::int64_t grid = grid_of(device);
  StepData data{device, {own, beside}};
  for (const DeviceMessage& message : messages) data.add(message);
  MeasuredRelation relation{own, beside, span.settled, rules, device};
  for (const StepDatum& datum : data.take()) {
    const Sample at = datum.begins(grid);
    if (at >= span.end) break;
    if (at >= span.start) relation.take(datum);
  }
  relation.close();
  return relation;
}

}  // namespace thyrode::experiment
