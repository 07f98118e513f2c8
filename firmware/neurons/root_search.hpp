// The first moment at which one of several signals of a piece reaches zero from below.
#pragma once

#include <array>
#include <cstddef>
#include <limits>

#include "firmware/neurons/linear_piece.hpp"

namespace thyrode::neurons {

/// Searches the first root with certain steps: from a moment with value g < 0 and slope g', no root can lie
/// nearer than the first zero of g + g' h + M h^2/2, where M bounds the second derivative from there on. Within
/// reach of a certain root it changes to a third-order iteration. It remembers how far each signal is clear of
/// roots, so a search that is asked for more time goes on where it stopped, and a signal that can never reach
/// zero costs nothing more.
class RootSearch {
 public:
  static constexpr double never = std::numeric_limits<double>::infinity();
  static constexpr std::size_t max_signals = 4;
  static constexpr std::size_t no_signal = max_signals;

  /// What a signal at or above zero at the very start of a piece means.
  enum class Start {
    level,   ///< the condition holds: the root is now
    border,  ///< a border just crossed from the other side: a root only if the signal rises
  };
  struct Root {
    double time = never;  ///< seconds from the start of the piece
    std::size_t signal = no_signal;
  };

  /// Starts anew for a piece.
  void begin(const Modes& modes);
  void add(const Signal& signal, Start start);
  /// The first root not later than `limit`, or `never` when there is none so far.
  /// The answer does not depend on how the time was cut into calls.
  /// Errors: ten million steps without an answer give it up for this piece; then gave_up() holds.
  Root first(double limit);
  bool gave_up() const { return gave_up_; }

 private:
  struct Search {
    Signal signal;
    double clear = 0.0;     // no root before this moment
    double previous = 0.0;  // the moment before, where the value was still negative
    Start start = Start::level;
    bool found = false;  // clear is the root
  };
  struct Local {
    double g, slope, curvature;
    double bound;      // of |curvature| from here on, while no mode grows
    double slowest;    // part of mode 0
    double tail_rest;  // the most that the other modes can add from here on, while no mode grows
  };

  Local evaluate(const Signal& signal, double t) const;
  void step(Search& search) const;
  void polish(Search& search, Local at) const;
  double tail_step(const Signal& signal, const Local& at) const;

  Modes modes_;
  std::array<double, 3> square_{};  // rate^2 of each mode, |lambda|^2 of the pair in [1]
  double fastest_ = 0.0;            // largest |lambda|
  double growth_ = 0.0;             // largest positive rate, or 0
  std::array<Search, max_signals> searches_;
  std::size_t count_ = 0;
  bool gave_up_ = false;
};

}  // namespace thyrode::neurons
