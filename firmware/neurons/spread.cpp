#include "firmware/neurons/spread.hpp"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <set>

#include "firmware/neurons/random.hpp"

namespace thyrode::neurons {

namespace {

constexpr int most_draws = 1000;
constexpr double largest_deviation = 1.0;

ParameterError refused(std::string_view name, std::string_view reason) {
  return {fmt::format("spread.{}", name), std::string{reason}};
}

std::string not_of_the_device(std::string_view model, const std::string& parameter) {
  for (const ParameterRule& rule : model_parameters(model)) {
    if (rule.name == parameter) {
      return fmt::format("{} only stands for {}; scatter the parts it is made of", parameter, rule.instead_of);
    }
  }
  return fmt::format("{} is not a parameter of model {}", parameter, model);
}

std::optional<ParameterError> wrong(std::string_view model, const std::vector<Scatter>& spread,
                                    const Parameters& device) {
  std::set<std::string> seen;
  for (const Scatter& scatter : spread) {
    if (scatter.parameters.empty()) return refused("", "a source of scatter names no parameter");
    const std::string& name = scatter.parameters.front();
    if (!(scatter.deviation >= 0.0 && scatter.deviation <= largest_deviation)) {
      return refused(name,
                     fmt::format("the deviation of {} is {:.6g} of its value, must be from 0 to {:.0f}: a part that "
                                 "scatters more has no nominal value",
                                 name, scatter.deviation, largest_deviation));
    }
    for (const std::string& parameter : scatter.parameters) {
      if (!device.contains(parameter)) return refused(name, not_of_the_device(model, parameter));
      if (!seen.insert(parameter).second) {
        return refused(name, fmt::format("{} scatters twice; name it in one place", parameter));
      }
    }
  }
  return std::nullopt;
}

// exp of a normal number with the mean and deviation asked for: ln has variance ln(1 + d^2), mean minus half of that.
double draw_factor(double deviation, Random& random) {
  const double variance = std::log1p(deviation * deviation);
  return std::exp(std::sqrt(variance) * random.normal() - 0.5 * variance);
}

}  // namespace

tl::expected<Parameters, ParameterError> spread_parameters(std::string_view model, const Parameters& parameters,
                                                           const std::vector<Scatter>& spread, std::uint64_t seed) {
  auto nominal = resolve_parameters(model, parameters);
  if (!nominal) return nominal;
  if (const auto made = make_neuron(model, *nominal, {}, seed); !made) return tl::make_unexpected(made.error());
  if (const auto error = wrong(model, spread, *nominal)) return tl::make_unexpected(*error);
  // Not the numbers that the noise of the same seed draws.
  Random random{~seed};
  for (int draw = 0; draw < most_draws; ++draw) {
    Parameters device = *nominal;
    for (const Scatter& scatter : spread) {
      const double factor = draw_factor(scatter.deviation, random);
      for (const std::string& name : scatter.parameters) device[name] *= factor;
    }
    if (make_neuron(model, device, {}, seed)) return device;
  }
  return tl::make_unexpected(refused(spread.front().parameters.front(),
                                     fmt::format("none of {} devices drawn is possible; make the deviations "
                                                 "smaller, or let related parameters move together",
                                                 most_draws)));
}

}  // namespace thyrode::neurons
