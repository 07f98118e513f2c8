// A neuron as the command line names it: its file, what `--set` changes, the noise.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/experiment/load/neuron_file.hpp"
#include "drivers/result.hpp"
#include "firmware/neurons/neuron.hpp"
#include "protocols/units.hpp"

namespace thyrode::program {

/// Which neuron, and how it differs from its file.
struct NeuronChoice {
  std::string name;              ///< of a neuron carried inside, or the path of a file
  std::vector<std::string> set;  ///< "tau_L=0.3ms", "noise.deviation=0.4uA" ...: parameters in place of the file's
  bool noise = true;             ///< false: as if the file had none
  /// Seed of a device drawn by the scatter of the file; what is set is as it is set.
  std::optional<std::uint64_t> spread = {};
};

/// A neuron that can be built as often as wanted.
struct NeuronPlan {
  load::NeuronFile file;           ///< with what `--set` changed
  neurons::Parameters parameters;  ///< SI, by the names given: tau_L stays tau_L, unless a device was drawn
  neurons::NoiseParameters noise;
};

/// The parameters of a model, as the reader of files asks for them.
std::vector<load::ParameterUnit> model_units(std::string_view model);

/// Whether two names set the same thing, such as R_L and tau_L.
bool same_parameter(std::string_view model, std::string_view a, std::string_view b);
/// The reason why two names that are the same_parameter() cannot both be given.
std::string why_same(std::string_view a, std::string_view b);

/// Reads a neuron's file, applies the settings, and builds it once to see that it is possible.
/// Errors: bad_input (unknown name, with those there are; a file error with its place; a setting with its option; two
/// settings of the same_parameter(); no scatter to draw from).
Result<NeuronPlan> plan_neuron(const NeuronChoice& choice);

/// Builds the neuron.
/// @param seed  of its noise
/// Errors: bad_input, a parameter with its place.
Result<std::unique_ptr<neurons::Neuron>> build_neuron(const NeuronPlan& plan, std::uint64_t seed);

/// "A" or "B": what people call a channel.
std::string channel_name(std::size_t channel);

/// Whether chance has a part in it.
bool is_noisy(const NeuronPlan& plan);

/// tau_L = R_L C_L of a neuron that has such a load.
std::optional<Duration> load_time(const std::string& model, const neurons::Parameters& parameters);

}  // namespace thyrode::program
