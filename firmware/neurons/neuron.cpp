#include "firmware/neurons/neuron.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "firmware/neurons/butera.hpp"
#include "firmware/neurons/integrate_and_fire.hpp"
#include "firmware/neurons/noise.hpp"
#include "firmware/neurons/parameters.hpp"
#include "firmware/neurons/passive_cell.hpp"
#include "firmware/neurons/pinsky_rinzel.hpp"
#include "firmware/neurons/thyristor.hpp"
#include "firmware/neurons/thyristor_fast.hpp"
#include "firmware/neurons/thyristor_pair.hpp"

namespace thyrode::neurons {

namespace {

using Made = tl::expected<std::unique_ptr<Neuron>, ParameterError>;

struct Model {
  std::string_view name;
  std::span<const ParameterRule> (*rules)();
  /// Gets parameters that are all there and each within its limit.
  Made (*make)(const Parameters&);
};

constexpr std::array models{
    Model{"thyristor", thyristor_rules, make_thyristor},
    Model{"thyristor-fast", thyristor_fast_rules, make_thyristor_fast},
    Model{"pinsky-rinzel", pinsky_rinzel_rules, make_pinsky_rinzel},
    Model{"butera", butera_rules, make_butera},
    Model{"ideal-if", ideal_if_rules, make_ideal_if},
    Model{"lif", lif_rules, make_lif},
    Model{"thyristor-pair", thyristor_pair_rules, make_thyristor_pair},
    Model{"model-cell", model_cell_rules, make_model_cell},
    Model{"resistor", resistor_rules, make_resistor},
};

const Model* find_model(std::string_view name) {
  const auto it = std::find_if(models.begin(), models.end(), [&](const Model& m) { return m.name == name; });
  return it == models.end() ? nullptr : &*it;
}

ParameterError unknown_model(std::string_view name) {
  std::string known;
  for (const Model& model : models) known += fmt::format("{}{}", known.empty() ? "" : ", ", model.name);
  return {{}, fmt::format("there is no model \"{}\"; there are {}", name, known)};
}

}  // namespace

std::span<const ParameterRule> model_parameters(std::string_view model) {
  const Model* found = find_model(model);
  return found == nullptr ? std::span<const ParameterRule>{} : found->rules();
}

tl::expected<Parameters, ParameterError> resolve_parameters(std::string_view model, const Parameters& parameters) {
  const Model* found = find_model(model);
  if (found == nullptr) return tl::make_unexpected(unknown_model(model));
  if (auto error = check_parameters(found->rules(), parameters)) return tl::make_unexpected(*error);
  return without_alternatives(found->rules(), parameters);
}

Made make_neuron(std::string_view model, const Parameters& parameters, const NoiseParameters& noise,
                 std::uint64_t seed) {
  const auto resolved = resolve_parameters(model, parameters);
  if (!resolved) return tl::make_unexpected(resolved.error());
  if (auto error = check_noise(noise)) return tl::make_unexpected(*error);
  auto neuron = find_model(model)->make(*resolved);
  if (!neuron || (noise.deviation == 0.0 && noise.white_density == 0.0)) return neuron;
  return std::make_unique<NoisyNeuron>(*std::move(neuron), noise, seed);
}

}  // namespace thyrode::neurons
