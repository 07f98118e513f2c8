// A step measured again, from what a recording gives back of it.
#pragma once

#include <span>

#include "daemon/experiment/measured_relation.hpp"
#include "daemon/experiment/measured_step.hpp"
#include "drivers/device.hpp"

namespace thyrode::experiment {

/// Where a step lies in the time of the device.
struct StepSpan {
  Sample start;      ///< the current began to move for it
  Sample settled;    ///< data count from here
  Sample evaluated;  ///< the last mark at which its rules were asked
  Sample end;
};

/// Feeds a step as it was fed while it was measured, so that it says the same bit for bit.
/// @param messages  spikes, levels, gaps and marks of [start - 10 ms, end) in any order
MeasuredStep measure_again(const analysis::StepRules& rules, const DeviceInfo& device, Channel channel,
                           const StepSpan& span, std::span<const DeviceMessage> messages);

/// The relation of a companion to the plan's channel in such a step.
MeasuredRelation relate_again(const analysis::StepRules& rules, const DeviceInfo& device, Channel own, Channel beside,
                              const StepSpan& span, std::span<const DeviceMessage> messages);

}  // namespace thyrode::experiment
