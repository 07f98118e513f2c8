#include "daemon/experiment/load/plans.hpp"

#include <type_traits>

#include "daemon/experiment/load/plan_reader.hpp"

namespace thyrode::load {

std::optional<SinglePlan> single_plan(const Plan& plan) {
  return std::visit(
      [](const auto& one) -> std::optional<SinglePlan> {
        if constexpr (std::is_same_v<std::decay_t<decltype(one)>, SequencePlan>) {
          return std::nullopt;
        } else {
          return one;
        }
      },
      plan);
}

std::string_view plan_word(const SinglePlan& plan) {
  return plan_words()[plan.index()];
}
std::string_view plan_word(const Plan& plan) {
  return plan_words()[plan.index()];
}

}  // namespace thyrode::load
