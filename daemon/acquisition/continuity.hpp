// Is the stream whole? Finds what never came, and at which samples.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "drivers/device.hpp"

namespace thyrode::acquisition {

/// What was counted on the way.
struct Counters {
  std::int64_t samples = 0;      ///< ADC samples of V_out that arrived in the trace
  std::int64_t gaps = 0;         ///< holes told of, each once in each channel
  std::int64_t lost_frames = 0;  ///< frames of the stream that never arrived whole
  std::int64_t overruns = 0;
};

/// Checks a stream against what the wire promises (wire.md, section 3): every sample of the trace, a level record and a
/// block of current means for each mark, spikes numbered from the start, a mark each 10 ms, and one sequence number a
/// frame. Which frame was lost is known at the next mark only; from a loss to that mark the messages are held back, so
/// that whoever takes them hears of a hole before anything that came after it.
///
/// A hole is one Gap for each channel it touches. Where every lost frame is accounted for by the trace, it is the
/// samples that are missing from the trace; otherwise (spikes, levels, means, applied steps, snippets or marks) it is
/// the stretch from the last mark before to the first one after, and what the trace lacks there belongs to it.
///
/// A device that tells its gaps itself is believed: its messages go on as they come, and are counted.
///
/// Sequence numbers are blind to 256 frames lost in a row. Samples, marks and spike numbers are not: when they ask for
/// more frames than the numbers tell of, whole rounds of 256 are added until they suffice.
class Continuity {
 public:
  /// @param device  rates, channels, and the time at the handshake
  /// @param start  first sample of the run
  /// @param decimation  ADC samples in one value of the trace, for each channel in order; 0 or none: no trace
  Continuity(const DeviceInfo& device, Sample start, const std::vector<int>& decimation);

  /// Takes the next message of the stream and appends to `out` what may go on, in order: FramesLost and Gaps come
  /// before the messages that were held back for them.
  void take(DeviceMessage&& message, std::vector<DeviceMessage>& out);
  /// The stream is over, or says nothing of its time: what was held back goes on, as far as it is known.
  void release(std::vector<DeviceMessage>& out);

  const Counters& counters() const { return counters_; }

 private:
  struct Stretch {
    Sample first;
    Sample last;
  };
  /// A spike block that does not follow the one held back before it: nothing may reach over its beginning.
  struct Cut {
    std::size_t before;  // position in held_
    Sample at;
  };
  struct ChannelOrder {
    int decimation = 0;
    Sample trace;  // next sample of each part of the stream
    Sample levels;
    Sample currents;
    std::uint32_t spikes = 0;    // number of the next spike
    bool spikes_unsure = false;  // an unexplained loss may have taken spikes
    // What the open hole lacks.
    std::vector<Stretch> trace_holes;
    std::vector<Cut> cuts;
    bool records_missing = false;
    bool spikes_held = false;
  };

  void count(const DeviceMessage& message);
  void check(const protocol::SampleBlock& block);
  void check(const protocol::LevelRecord& record);
  void check(const protocol::CurrentBlock& block);
  void check(const protocol::SpikeBlock& block);
  void expect_trace(ChannelOrder& channel, Sample until);
  void expect_records(ChannelOrder& channel, Sample& next, Sample until);
  void take_mark(const protocol::Mark& mark, std::vector<DeviceMessage>& out);
  Sample data_end(const protocol::Mark& mark, std::int64_t marks_lost) const;
  std::int64_t frames_until(Sample until) const;
  std::int64_t trace_frames(const ChannelOrder& channel, Sample until) const;
  void expect_all(Sample until);
  void close(Sample until, std::int64_t marks_lost, std::vector<DeviceMessage>& out);
  std::vector<Gap> holes_of(std::uint8_t index, const ChannelOrder& channel, Sample until) const;
  static Sample trace_end(const ChannelOrder& channel, Sample until);

  bool tells_gaps_;      // the device does what this object is for
  std::int64_t period_;  // samples between marks
  Sample start_;
  std::vector<ChannelOrder> channels_;
  Counters counters_;
  std::optional<Sample> next_mark_;
  Sample told_until_;  // every hole before it has been told of: the last mark
  bool over_ = false;  // the run has ended: the device sends marks only
  bool ran_ = false;   // whether the run has begun, as far as was heard

  bool open_ = false;  // a hole, until the next mark
  std::vector<DeviceMessage> held_;
  std::int64_t lost_ = 0;       // by sequence numbers
  std::int64_t accounted_ = 0;  // fewest frames that can have held what is missing
};

}  // namespace thyrode::acquisition
