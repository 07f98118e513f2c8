// Laws of quantities and of the readers over random input.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "daemon/experiment/load/checks.hpp"
#include "daemon/experiment/load/neuron_file.hpp"
#include "daemon/experiment/load/quantity_text.hpp"

namespace thyrode::load {
namespace {

/// Doubles with every bit of the mantissa in use and of every size that is read and written without loss.
rc::Gen<double> doubles() {
  constexpr std::int64_t mantissas = std::int64_t{1} << 53;
  return rc::gen::map(rc::gen::pair(rc::gen::inRange<std::int64_t>(-mantissas, mantissas), rc::gen::inRange(-980, 930)),
                      [](const std::pair<std::int64_t, int>& parts) {
                        return std::ldexp(static_cast<double>(parts.first), parts.second);
                      });
}

rc::Gen<QuantityKind> kinds() {
  return rc::gen::map(rc::gen::inRange(0, static_cast<int>(last_quantity_kind) + 1),
                      [](int k) { return static_cast<QuantityKind>(k); });
}

RC_GTEST_PROP(QuantityLaw, ReadingWhatWasWrittenGivesItBack, ()) {
  const QuantityKind kind = *kinds();
  const double x = *doubles();
  const auto back = parse_quantity(format_quantity(x, kind), kind);
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == x);
}

RC_GTEST_PROP(QuantityLaw, UsualSizesAreWrittenWithoutExponentAndComeBack, ()) {
  const QuantityKind kind = *kinds();
  const double x = *rc::gen::inRange<int>(-999999, 1000000) * std::pow(10.0, *rc::gen::inRange(-9, 0));
  const std::string text = format_quantity(x, kind);
  const auto back = parse_quantity(text, kind);
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == x);
  if (kind != QuantityKind::number && kind != QuantityKind::ratio) RC_ASSERT(text.find('e') == std::string::npos);
}

RC_GTEST_PROP(QuantityLaw, FormatOfParseIsStable, ()) {
  const std::string text =
      fmt::format("{}.{} {}A", *rc::gen::inRange(-1000, 1000), *rc::gen::inRange(0, 10000),
                  *rc::gen::elementOf(std::vector<std::string>{"f", "p", "n", "u", "m", "", "k", "M"}));
  const auto first = parse_quantity(text, QuantityKind::current);
  RC_ASSERT(first.has_value());
  const std::string written = format_quantity(*first, QuantityKind::current);
  RC_ASSERT(format_quantity(*parse_quantity(written, QuantityKind::current), QuantityKind::current) == written);
}

template <class T>
bool is_answer(const Result<T>& result) {
  return result || (result.error().kind == ErrorKind::bad_input && result.error().message.starts_with("f:") &&
                    result.error().message.find('\n') == std::string::npos);
}

void every_reader_answers(const std::string& text) {
  RC_ASSERT(is_answer(parse_station(text, "f")));
  RC_ASSERT(is_answer(parse_experiment(text, "f")));
  RC_ASSERT(is_answer(parse_neuron_file(text, "f")));
}

RC_GTEST_PROP(ReaderLaw, AnyBytesGetAnAnswer, (std::string bytes)) {
  every_reader_answers(bytes);
  const auto quantity = parse_any_quantity(bytes);
  RC_ASSERT(quantity || quantity.error().kind == ErrorKind::bad_input);
}

RC_GTEST_PROP(ReaderLaw, AnyWordsOfYamlGetAnAnswer, ()) {
  const std::vector<std::string> words{"schema",
                                       ":",
                                       " ",
                                       "thyrode.experiment/1",
                                       "thyrode.station/1",
                                       "\n",
                                       "\n  ",
                                       "current",
                                       "[",
                                       "]",
                                       "{",
                                       "}",
                                       ",",
                                       "- ",
                                       "start",
                                       "&a",
                                       "*a",
                                       "!!x",
                                       "? ",
                                       "\"",
                                       "'",
                                       "34 uA",
                                       "#",
                                       "---",
                                       "|",
                                       ">",
                                       "plan",
                                       "sweep",
                                       "name",
                                       "\t",
                                       "\r\n",
                                       "<<",
                                       "%",
                                       "µ",
                                       "..."};
  std::string text;
  for (const std::string& word : *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(words))) text += word;
  every_reader_answers(text);
}

RC_GTEST_PROP(SweepLaw, PointsRiseFromStartToStop, ()) {
  const int start = *rc::gen::inRange(-200000, 200000);
  const int range = *rc::gen::inRange(10, 200000);  // no source tells less apart
  const int points = *rc::gen::inRange(2, 500);
  const auto experiment = parse_experiment(
      fmt::format(
          "schema: thyrode.experiment/1\nname: e\nplan: sweep\ncurrent: {{start: {} nA, stop: {} nA, points: {}}}\n",
          start, start + range, points),
      "f");
  RC_ASSERT(experiment.has_value());
  const auto steps = timetable(std::get<SweepPlan>(experiment->plan));
  RC_ASSERT(steps.size() == static_cast<std::size_t>(points));
  RC_ASSERT(steps.front().current == *parse_current(fmt::format("{} nA", start)));
  RC_ASSERT(steps.back().current == *parse_current(fmt::format("{} nA", start + range)));
  for (std::size_t i = 1; i < steps.size(); ++i) RC_ASSERT(steps[i - 1].current < steps[i].current);
}

}  // namespace
}  // namespace thyrode::load
