#include "daemon/experiment/load/words.hpp"

#include <algorithm>
#include <cstddef>

namespace thyrode::load {
namespace {

constexpr int whole_change = 2;
constexpr int case_change = 1;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

int replacing(char a, char b) {
  if (a == b) return 0;
  return lower(a) == lower(b) ? case_change : whole_change;
}

// Optimal string alignment distance (Damerau, CACM 7:171, 1964) with three rows, in half changes.
int distance(std::string_view a, std::string_view b) {
  std::vector<int> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = whole_change * static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = whole_change * static_cast<int>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({above[j] + whole_change, row[j - 1] + whole_change, above[j - 1] + replacing(a[i - 1], b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + whole_change);
      }
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, std::span<const std::string> known) {
  // A third of the word may be wrong, at least its case or one letter; longer words than any key are not compared.
  constexpr std::size_t longest = 64;
  if (word.size() > longest) return {};
  const int allowed = std::max(whole_change, static_cast<int>(word.size()) * whole_change / 3);
  std::string best;
  int best_distance = allowed + 1;
  for (const std::string& candidate : known) {
    const int d = distance(word, candidate);
    // A word of one or two letters is a change of one letter away from nearly everything.
    if (word.size() <= 2 && d >= whole_change * static_cast<int>(word.size())) continue;
    if (d < best_distance) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

std::string list_of_words(std::span<const std::string> words, std::string_view last_joint) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? last_joint : std::string_view{", "};
    text += words[i];
  }
  return text;
}

std::string shortened(std::string_view text) {
  constexpr std::size_t longest = 60;
  std::string shown{text.substr(0, longest)};
  if (text.size() > longest) {
    std::size_t end = longest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    shown.resize(end);
    shown += "...";
  }
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20U || c == '\x7F') c = '?';
  }
  return shown;
}

}  // namespace thyrode::load
