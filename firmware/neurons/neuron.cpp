#include "firmware/neurons/neuron.hpp"

#include <fmt/format.h>

#include "firmware/neurons/noise.hpp"
#include "firmware/neurons/parameters.hpp"
#include "firmware/neurons/thyristor.hpp"
#include "firmware/neurons/thyristor_fast.hpp"

namespace thyrode::neurons {

std::span<const ParameterRule> model_parameters(std::string_view model) {
  if (model == "thyristor") return thyristor_rules();
  if (model == "thyristor-fast") return thyristor_fast_rules();
  return {};
}

tl::expected<std::unique_ptr<Neuron>, ParameterError> make_neuron(std::string_view model, const Parameters& parameters,
                                                                  const NoiseParameters& noise, std::uint64_t seed) {
  if (model != "thyristor" && model != "thyristor-fast") {
    return tl::make_unexpected(ParameterError{
        {}, fmt::format("there is no model \"{}\"; the models are thyristor and thyristor-fast", model)});
  }
  if (auto error = check_noise(noise)) return tl::make_unexpected(*error);
  auto neuron = model == "thyristor" ? make_thyristor(parameters) : make_thyristor_fast(parameters);
  if (!neuron || noise.deviation == 0.0) return neuron;
  return std::make_unique<NoisyNeuron>(*std::move(neuron), noise, seed);
}

}  // namespace thyrode::neurons
