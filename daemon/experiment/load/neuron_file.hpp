// A neuron file: the model and its parameters, with units.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/experiment/load/source.hpp"
#include "drivers/result.hpp"
#include "protocols/units.hpp"

namespace thyrode::load {

/// One parameter as written.
struct NeuronParameter {
  double si = 0.0;   ///< value in its SI unit
  std::string unit;  ///< symbol of the SI unit: "F", "Ohm", "S", "V", "A", "C", "s", "Hz"; "" without unit
  std::string text;  ///< "10 uF"
  Position at;       ///< line 0 when the command line set it
};

/// One source of scatter between devices: a factor common to some parameters.
struct NeuronScatter {
  std::vector<std::string> parameters;  ///< the key first, then those that move with it
  double deviation = 0.0;               ///< relative standard deviation, 0 to 1
};

/// A neuron file, schema thyrode.neuron/1.
struct NeuronFile {
  std::string name;
  std::string model;        ///< which equations: firmware/neurons knows the names
  std::string description;  ///< may be empty
  std::string source_text;  ///< key `source`: where the values come from; may be empty
  std::map<std::string, NeuronParameter, std::less<>> parameters;
  Current noise_deviation;            ///< 0 when the file has no noise
  Duration noise_correlation_time;    ///< 0 when the file has no noise
  double noise_white_density = 0.0;   ///< A/sqrt(Hz); 0 when the file has no white noise
  Duration noise_white_step;          ///< 0 when the file has no white noise
  std::vector<NeuronScatter> spread;  ///< how devices differ; empty without the section
  /// Places: "model", "parameters.C_m", "noise.deviation", "spread.V_th" ...
  Source source;
};

/// Reads a neuron file. Whether the model knows the parameters is another question: check_units.
///
/// Keys: schema, name, model, parameters (map of name to quantity): required; description, source, noise:
/// {deviation, correlation_time} and {white_density, white_step} (each pair whole or not at all), spread (map of a
/// parameter to its relative standard deviation, "5 %", or to {deviation: 32 %, with: [parameters that move with it]}).
/// @param file_name  for messages only
/// Errors: bad_input, "file:line:column: what is wrong; what would be right", the first one found. No exception.
Result<NeuronFile> parse_neuron_file(std::string_view text, std::string_view file_name);
/// The same from a file. Errors: also an unreadable file, a directory, larger than 1 MiB.
Result<NeuronFile> load_neuron_file(const std::string& path);

/// A parameter that a model has, with the symbol of its SI unit ("" for none).
struct ParameterUnit {
  std::string_view name;
  std::string_view unit;
  std::string_view instead_of = {};  ///< the parameter whose place it may take: tau_L that of R_L
};

/// Compares the parameters of a file with those of its model.
/// Errors: bad_input, with the place: a parameter the model does not have (the nearest is named), one that is missing,
/// one of another unit, two of which each follows from the other.
Result<void> check_units(const NeuronFile& file, std::span<const ParameterUnit> model);

/// Sets one parameter as the command line does: "tau_L=0.3ms". It replaces the value of the file, and the parameter
/// it stands for, or that stands for it (tau_L removes R_L). Later messages about it name "--set tau_L=0.3ms" as
/// its place.
/// Errors: bad_input: not of the form NAME=VALUE, a parameter the model does not have, another unit.
Result<void> set_parameter(NeuronFile& file, std::string_view assignment, std::span<const ParameterUnit> model);

/// Places what a model says about a parameter: "file:line:column: parameters.C_m: reason".
/// @param parameter  a name of `parameters`, "noise.deviation", "noise.correlation_time", "spread.C_m", or "" for the
/// model itself
tl::unexpected<Error> parameter_error(const NeuronFile& file, std::string_view parameter, std::string_view reason);

}  // namespace thyrode::load
