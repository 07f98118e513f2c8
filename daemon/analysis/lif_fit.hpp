// The leaky integrate-and-fire neuron as a description of a measured f(I).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "daemon/analysis/result.hpp"

namespace thyrode::analysis {

/// One point of f(I).
struct FiPoint {
  double current_ua = 0.0;
  double frequency_hz = 0.0;  ///< > 0
  double sigma_ln_f = 0.0;    ///< standard deviation of ln f, > 0
};

/// Fits 1/f = tref + tau ln(I/(I - Ic)) by weighted least squares: linear in (tref, tau) for a given Ic, so one
/// search in Ic. Intervals are profiles: chi2 rises by F(0.95; 1, n - 3) max(1, chi2/(n - 3)).
/// @param points  shape (n), one tonic branch, in any order; the largest current must exceed the smallest
/// @param highest_silent_ua  largest current without firing, or 0: Ic lies above it and below every point
/// @returns the fit with tau > 0, tref >= 0; empty below 4 different currents, or without a way to place Ic. An upper
///          bound of tau or tref that the data leave open is infinite, and so is tau itself where Ic goes to zero (a
///          neuron without a leak); the other bounds lie at the edge of what is allowed then. `accepted` is false if
///          a bound is infinite, or if chi2/(n - 3) > 2 with p < 0.01: the neuron is no LIF then. beta_n must not come
///          from a fit that is not accepted. The slope of the ideal integrator that the LIF tends to, 1/(tau Ic), has
///          its own profile.
/// Source: Lapicque, J Physiol Pathol Gen 9:620 (1907); profile intervals, Bates & Watts (1988) chapter 6.
std::optional<LifFit> fit_lif(std::span<const FiPoint> points, double highest_silent_ua);

/// Fits f = slope (I - intercept) by weighted least squares. The interval of the slope is Student's, wider where the
/// points scatter more than they say.
/// @param points  shape (n), in any order
/// @returns the line; empty below 3 different currents
std::optional<StraightLine> fit_line(std::span<const FiPoint> points);

/// The current that makes 1/f as straight as possible against ln(I/(I - Ic)) near the onset: a coordinate for
/// smoothing, not a measurement of the rheobase (tref may be negative here).
/// @param points  shape (n), n >= 4; the 8 lowest currents are used
/// @param highest_silent_ua  as in fit_lif
/// @returns µA, between highest_silent_ua and the lowest current of the points, both excluded
double straightening_current(std::span<const FiPoint> points, double highest_silent_ua);

}  // namespace thyrode::analysis
