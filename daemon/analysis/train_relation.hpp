// Whether two spike trains keep step: unison, alternation, or something else.
#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "protocols/time.hpp"

namespace thyrode::analysis {

enum class Relation : std::uint8_t { undetermined, unlocked, unison, alternation, phase_locked_other };
const char* to_string(Relation relation);

/// What two trains A and B have to do with each other.
struct TrainRelation {
  Relation relation = Relation::undetermined;  ///< below 40 phases
  std::int64_t phases = 0;                     ///< spikes of B within cycles of A
  std::int64_t cycles = 0;                     ///< of A
  std::int64_t skipped = 0;                    ///< spikes of B in cycles of A that hold more than can be waited for
  /// Locked as a : b: `a` cycles of A last as long as `b` of B, and what follows is that of `b` times the phase.
  int a = 1, b = 1;
  std::optional<double> order;                 ///< R = |mean exp(2 pi i phase)|
  std::optional<double> mean_phase_cycles;     ///< 0 to 1
  std::optional<double> least_quarter_order;   ///< R of the quarter of the record in which it is least
  std::optional<double> quarter_phase_cycles;  ///< largest distance of a quarter's mean phase from the mean phase
  /// Chance of such an order by Rayleigh's test. Phases of regular trains depend on each other, which this test does
  /// not know: two uncoupled ones fall under 0.001 in 70 %.
  std::optional<double> rayleigh_p;
  bool locked() const { return relation != Relation::undetermined && relation != Relation::unlocked; }
  bool operator==(const TrainRelation&) const = default;
};

/// Single pass, bounded memory (50 kB), amortised O(1) per spike.
///
/// The phase of a spike of B is its place between the spikes of A around it, phi = (b - a_i)/(a_{i+1} - a_i). Locked:
/// R >= 0.8 in the whole and in each quarter of the record, and the mean phases of the quarters lie within 0.05 cycle
/// of that of the whole. Unison: within 0.1 cycle of 0; alternation: within 0.1 of 0.5; else phase_locked_other. Where
/// the rates differ by more than 2 %, they may be locked as a : b up to 4 : 4: then b phi takes the place of phi, and
/// the relation is phase_locked_other. Quarters are exact up to 512 phases and to 1/64 of their length beyond.
/// Source: design page "Analysis", section 6; Rayleigh's test, Zar, Biostatistical Analysis (1999) 27.4.
class RelationCounter {
 public:
  enum class Train : std::uint8_t { a, b };

  RelationCounter();

  /// Takes a spike. Spikes of both trains come in the order of time; of two at one time A comes first.
  /// @returns false, and leaves it out, if it is earlier than a spike before it or at the time of one of its train
  bool spike(Train train, Ticks at);
  /// Data of either train are missing: no cycle reaches over it.
  void gap();

  /// Callable at any time.
  TrainRelation result() const;

 private:
  static constexpr std::size_t harmonics = 4;
  using Sums = std::array<std::complex<double>, harmonics>;  // of exp(2 pi i n phi), n from 1

  void close_cycle(Ticks end);
  void add(double phase);
  Sums total() const;
  std::optional<std::pair<int, int>> ratio() const;
  void judge(int harmonic, TrainRelation& relation) const;

  std::optional<Ticks> cycle_;  // begin of the current cycle of A
  std::optional<Ticks> latest_;
  std::optional<Ticks> latest_b_;
  std::vector<Ticks> waiting_;  // spikes of B in the current cycle
  std::int64_t overfull_ = 0;   // of them that could not be kept

  std::vector<Sums> batches_;
  std::int64_t batch_size_ = 1;
  Sums partial_{};
  std::int64_t in_partial_ = 0;
  std::int64_t phases_ = 0;
  std::int64_t cycles_ = 0;
  std::int64_t skipped_ = 0;
};

}  // namespace thyrode::analysis
