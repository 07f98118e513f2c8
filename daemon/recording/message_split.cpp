#include "daemon/recording/message_split.hpp"

#include <algorithm>
#include <cstdint>

namespace thyrode::recording {
namespace {

/// Rows of `stride` samples that begin before a sample, of `rows`.
std::size_t rows_before(Sample first, std::int64_t stride, std::size_t rows, Sample at) {
  const std::int64_t before = (at.index - first.index + stride - 1) / stride;
  return static_cast<std::size_t>(std::clamp<std::int64_t>(before, 0, static_cast<std::int64_t>(rows)));
}

/// Takes the items from `begin` on. @param from  a list of fixed capacity
template <class List>
List from_item(const List& from, std::size_t begin) {
  List rest{};
  for (std::size_t k = begin; k < from.size(); ++k) rest.push_back(from[k]);
  return rest;
}

template <class List>
List until_item(const List& from, std::size_t end) {
  List head{};
  for (std::size_t k = 0; k < end; ++k) head.push_back(from[k]);
  return head;
}

struct Splitter {
  Sample at;
  Sample now;

  SplitMessage whole(const DeviceMessage& message, bool before) const {
    return before ? SplitMessage{message, {}} : SplitMessage{{}, message};
  }

  SplitMessage operator()(const protocol::SampleBlock& block) const {
    const std::size_t n = rows_before(block.first, block.decimation, block.sums.size(), at);
    if (n == 0 || n == block.sums.size()) return whole(block, n > 0);
    protocol::SampleBlock before = block;
    protocol::SampleBlock after = block;
    before.sums = until_item(block.sums, n);
    after.sums = from_item(block.sums, n);
    after.first = block.first + static_cast<std::int64_t>(n) * block.decimation;
    return {before, after};
  }

  SplitMessage operator()(const protocol::CurrentBlock& block) const {
    const std::size_t n = rows_before(block.first, block.span, block.means.size(), at);
    if (n == 0 || n == block.means.size()) return whole(block, n > 0);
    protocol::CurrentBlock before = block;
    protocol::CurrentBlock after = block;
    before.means = until_item(block.means, n);
    after.means = from_item(block.means, n);
    after.first = block.first + static_cast<std::int64_t>(n) * block.span;
    return {before, after};
  }

  SplitMessage operator()(const protocol::SpikeBlock& block) const {
    std::size_t n = 0;
    while (n < block.records.size() && block.records[n].at < to_ticks(at)) ++n;
    if (n == 0 || n == block.records.size()) return whole(block, n > 0);
    protocol::SpikeBlock before = block;
    protocol::SpikeBlock after = block;
    before.records = until_item(block.records, n);
    after.records = from_item(block.records, n);
    after.index = block.index + static_cast<std::uint32_t>(n);
    return {before, after};
  }

  SplitMessage operator()(const Gap& gap) const {
    if (gap.last <= at || gap.first >= at) return whole(gap, gap.last <= at);
    Gap before = gap;
    Gap after = gap;
    before.last = after.first = at;
    before.trace_samples = std::min(gap.trace_samples, at - gap.first);
    after.trace_samples = gap.trace_samples - before.trace_samples;
    return {before, after};
  }

  SplitMessage operator()(const protocol::LevelRecord& record) const { return whole(record, record.first < at); }
  SplitMessage operator()(const protocol::StepApplied& change) const { return whole(change, change.at < at); }
  SplitMessage operator()(const protocol::SnippetBlock& block) const {
    return whole(block, block.spike < to_ticks(at));
  }
  SplitMessage operator()(const protocol::Mark& mark) const { return whole(mark, mark.at <= at); }
  SplitMessage operator()(const protocol::Fault& fault) const { return whole(fault, fault.at < at); }
  SplitMessage operator()(const Rejected& refusal) const { return whole(refusal, refusal.now < at); }
  SplitMessage operator()(const FramesLost& lost) const { return whole(lost, now < at); }
};

}  // namespace

SplitMessage split_message(const DeviceMessage& message, Sample at, Sample now) {
  return std::visit(Splitter{at, now}, message);
}

}  // namespace thyrode::recording
