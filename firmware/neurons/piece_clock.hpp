// Time within a piece, the same however it is cut into steps.
#pragma once

namespace thyrode::neurons {

/// Adds up steps so that many small ones reach the same moment as one large one: what rounding takes from a sum is kept
/// for the next (Kahan, Commun. ACM 8:40 (1965)). Seconds.
class PieceClock {
 public:
  /// Since the last restart.
  double now() const { return now_; }
  /// The moment dt after now.
  double after(double dt) const { return now_ + (dt - lost_); }
  /// From now to a moment.
  double until(double moment) const { return (moment - now_) + lost_; }
  void pass(double dt) {
    const double part = dt - lost_;
    const double sum = now_ + part;
    lost_ = (sum - now_) - part;
    now_ = sum;
  }
  void restart() { now_ = lost_ = 0.0; }

 private:
  double now_ = 0.0;
  double lost_ = 0.0;  // what rounding added to now_
};

}  // namespace thyrode::neurons
