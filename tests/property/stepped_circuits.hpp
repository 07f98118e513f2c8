// Integrators of the switched circuits that share nothing with the exact solver but the equations.
#pragma once

#include <cstddef>
#include <vector>

#include "tests/unit/neurons/events.hpp"

namespace thyrode::neurons {

/// The first events of a circuit under constant current, by Runge-Kutta steps of order 4 that are cut by bisection
/// where the circuit changes side.
/// @param parameters  of the model "thyristor", or of "thyristor-fast" with C_L > 0
/// @param duration  s
/// @param most  events after which to stop
/// @param fineness  steps are a tenth of the fastest time constant of the present state, at most 5 us, divided by this
std::vector<TimedEvent> step_thyristor(const Parameters& parameters, double current, double duration, std::size_t most,
                                       double fineness = 1.0);
std::vector<TimedEvent> step_switch(const Parameters& parameters, double current, double duration, std::size_t most,
                                    double fineness = 1.0);

}  // namespace thyrode::neurons
