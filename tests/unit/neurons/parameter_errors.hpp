// What a model says to parameters that it refuses.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "firmware/neurons/neuron.hpp"

namespace thyrode::neurons {

/// The error of a neuron that must not be made.
inline ParameterError error_of(std::string_view model, const Parameters& parameters,
                               const NoiseParameters& noise = {}) {
  auto neuron = make_neuron(model, parameters, noise, 1);
  if (neuron) {
    ADD_FAILURE() << "accepted";
    return {};
  }
  return neuron.error();
}

/// Whether an error names the parameter, and its reason has all of the words.
inline void expect_says(const ParameterError& error, std::string_view parameter,
                        std::initializer_list<const char*> words) {
  EXPECT_EQ(error.parameter, parameter);
  for (const char* word : words) {
    EXPECT_NE(error.reason.find(word), std::string::npos) << error.reason << " lacks " << word;
  }
}

}  // namespace thyrode::neurons
