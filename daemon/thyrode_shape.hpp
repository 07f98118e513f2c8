// What a result document will look like, before there is one.
#pragma once

#include <nlohmann/json.hpp>

#include "daemon/experiment/load/experiment.hpp"

namespace thyrode::program {

/// A document of schema thyrode.result/1, with the `statistics` of its recording, as a run of the experiment gives it:
/// every key that it can have, one element in each list, values of the right type and otherwise meaningless. A null
/// stands for what only the data decide.
nlohmann::ordered_json document_shape(const load::Experiment& experiment);

}  // namespace thyrode::program
