// An emulated instrument with a resistor on it, and what a bench would tell of both.
#pragma once

#include <chrono>
#include <memory>
#include <utility>

#include "daemon/calibration/calibrate.hpp"
#include "drivers/simulated/simulated.hpp"
#include "firmware/boards/native/front_end.hpp"
#include "firmware/neurons/passive_cell.hpp"

namespace thyrode::calibration {

inline double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// A device of one channel on R parallel C.
struct ResistorBench {
  explicit ResistorBench(std::uint64_t seed, double ohm = 6.2e3, double farad = 0.0, bool ideal = false)
      : true_ohm{ohm} {
    auto current = true_current;
    native::NativeOptions options;
    options.seed = seed;
    options.ideal_front_end = ideal;
    options.truth = [current](const native::Truth& truth) {
      if (truth.kind == native::Truth::Kind::current) *current = truth.value;
    };
    device = *open_simulated(std::make_unique<neurons::PassiveCell>(ohm, farad), std::move(options), "sim:resistor");
  }
  /// A procedure with a meter that shows the true voltage, or that times `error`.
  Procedure procedure(double stated_ohm, double tolerance = 0.0, double error = 1.0,
                      double meter_tolerance = 0.0) const {
    Procedure procedure;
    procedure.reference.resistance = stated_ohm;
    procedure.reference.tolerance = tolerance;
    procedure.seconds = steady_seconds;
    procedure.meter = [this, error, meter_tolerance](Current) {
      return Result<Reading>{Reading{*true_current * true_ohm * error, false, meter_tolerance}};
    };
    return procedure;
  }

  double true_ohm;
  std::shared_ptr<double> true_current = std::make_shared<double>(0.0);
  std::unique_ptr<Device> device;
};

/// The hidden errors of channel A of the emulated instrument, by its seed: as NativeInstrument draws them.
struct HiddenErrors {
  explicit HiddenErrors(std::uint64_t seed)
      : source{part(seed, 1), false},
        signals{{{part(seed, 2), false}, {part(seed, 3), false}, {part(seed, 4), false}}} {}
  static std::uint64_t part(std::uint64_t seed, std::uint64_t which) {
    return native::mix(native::mix(seed + 0x100) ^ which);
  }
  native::ConverterErrors source;
  std::array<native::ConverterErrors, protocol::signal_count> signals;
};

}  // namespace thyrode::calibration
