// A circuit that is linear between events: the part common to all switched circuits.
#pragma once

#include <array>
#include <cstddef>
#include <limits>

#include "firmware/neurons/chatter.hpp"
#include "firmware/neurons/linear_piece.hpp"
#include "firmware/neurons/neuron.hpp"
#include "firmware/neurons/piece_clock.hpp"
#include "firmware/neurons/root_search.hpp"

namespace thyrode::neurons {

/// Solves a piecewise linear circuit event by event. A derived circuit describes its pieces once, in its
/// constructor, and says in cross() which piece follows which event. State: three numbers whose first is V_m.
class SwitchingCircuit : public Neuron {
 public:
  void inject(std::size_t channel, double current) final;
  Advance advance(double dt) final;
  double piece_time() const final { return piece_clock_.now(); }
  Waveform membrane(std::size_t channel) const final;
  Waveform output(std::size_t channel) const final;
  std::uint64_t piece() const final { return pieces_; }
  /// A closed switch whose present piece has no end.
  bool latched(std::size_t channel) const final;
  std::string_view failed() const final {
    return search_.gave_up() ? "the circuit cannot be solved: ten million steps did not find its next event; its times "
                               "lie too far apart"
                             : chatter_.reason();
  }

  /// Seconds to the next event, or infinity when it lies beyond `limit` seconds from now.
  double next_event(double limit);
  /// Adds to the decaying current, amperes: what a synapse does at a spike. Begins a new piece.
  void kick(double current);

 protected:
  /// Where a piece ends: normal.x - level reaches zero from below.
  struct Border {
    State normal = State::Zero();
    double level = 0.0;
    RootSearch::Start start = RootSearch::Start::level;
    bool on_integral = false;  ///< reserve() + integral of normal.x - level reaches reserve_limit instead
    double reserve_limit = 0.0;
  };
  static constexpr std::size_t max_borders = RootSearch::max_signals;
  /// The index cross() receives when the deadline of a piece is reached.
  static constexpr std::size_t at_deadline = max_borders;

  /// One kind of motion, with everything that depends on the parameters alone.
  struct Kind {
    LinearPiece motion;
    Row membrane;
    Row output;
    std::array<Row, max_borders> border_rows;
    std::array<Border, max_borders> borders;
    std::size_t border_count = 0;
    double deadline = std::numeric_limits<double>::infinity();  // of clock(), seconds

    Kind() = default;
    /// @param output_normal, output_level  V_out = output_normal.x - output_level
    Kind(const LinearPiece& piece, const State& output_normal, double output_level);
    void add(const Border& border);
  };

  SwitchingCircuit() = default;
  SwitchingCircuit(const SwitchingCircuit&) = delete;
  SwitchingCircuit& operator=(const SwitchingCircuit&) = delete;

  /// Begins a piece of this kind with the present state. `kind` must outlive it.
  void begin(const Kind& kind);
  /// Ends the present piece here; begin() must follow. For a change of the circuit itself.
  void end_piece() { settle(piece_clock_.now()); }
  /// Chooses what follows when the present piece ends at one of its borders or at its deadline; calls begin().
  virtual Event cross(std::size_t border) = 0;
  /// Whether the device conducts; a circuit without a switch never does.
  virtual bool closed() const { return false; }

  State& state() { return state_; }
  /// Seconds since the circuit last set it to zero; deadlines refer to it.
  double& clock() { return clock_; }
  /// What an integral border adds up, until the circuit resets it.
  double& reserve() { return reserve_; }

 private:
  void settle(double t);

  const Kind* kind_ = nullptr;
  State state_ = State::Zero();  // at the start of the piece
  Drive drive_;                  // at the start of the piece
  double clock_ = 0.0;           // s, at the start of the piece
  double reserve_ = 0.0;         // at the start of the piece
  double deadline_ = 0.0;        // s from the start of the piece

  State amplitudes_ = State::Zero();
  RootSearch search_;
  PieceClock piece_clock_;
  std::uint64_t pieces_ = 0;
  Chatter chatter_;
};

}  // namespace thyrode::neurons
