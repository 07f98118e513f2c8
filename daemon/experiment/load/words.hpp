// Words for messages: the known word nearest to an unknown one, lists, and what a user wrote.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace thyrode::load {

/// The word of `known` that takes the fewest changes (insert, delete, replace, swap of neighbours; a change of case
/// counts half) to become `word`; "" when none is near enough to be a slip of the hand.
std::string nearest(std::string_view word, std::span<const std::string> known);

/// "a, b and c"
std::string list_of_words(std::span<const std::string> words, std::string_view last_joint = " and ");

/// What a user wrote, fit for one line of a message: at most 60 bytes, whole characters, no control characters.
std::string shortened(std::string_view text);

}  // namespace thyrode::load
