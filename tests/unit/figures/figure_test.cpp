#include "daemon/figures/figure.hpp"

#include <gtest/gtest.h>

namespace thyrode::figures {
namespace {

const std::string head = R"(# What this shows: a test.
schema: thyrode.figure/1
name: fig0
title: A figure
shows: spikes
runs:
  first: {device: "sim:msn", seed: 7, noise: off}
  second: {experiment: first, device: "sim:neurons/own.yaml"}
checks:
)";

const std::string experiment = R"(---
schema: thyrode.experiment/1
name: first
plan: list
current: [45.3 uA, 60 uA]
)";

const std::string one_check = R"(  - what: rate
    paper: 20 Hz
    of: first
    value: "steps[current_ua=60].frequency_hz"
    near: 20 Hz
    within: 5 %
)";

Result<Figure> parse(const std::string& text) {
  return parse_figure(text, "fig.yaml", "gallery");
}
std::string refusal(const std::string& text) {
  const auto figure = parse(text);
  return figure ? "" : figure.error().message;
}
/// The refusal of a check of this wording, in place of the usual bounds.
std::string refused_check(const std::string& wording) {
  return refusal(head + "  - what: rate\n    paper: 20 Hz\n    of: first\n" + wording + experiment);
}

TEST(Figure, ReadsRunsChecksAndExperiments) {
  const auto figure = parse(head + one_check + experiment);
  ASSERT_TRUE(figure) << figure.error().message;
  EXPECT_EQ(figure->name, "fig0");
  ASSERT_EQ(figure->runs.size(), 2U);
  EXPECT_EQ(figure->runs[0].seed, 7U);
  EXPECT_FALSE(figure->runs[0].noise);
  EXPECT_EQ(figure->runs[0].device, "sim:msn");
  EXPECT_EQ(figure->runs[1].seed, 1U);
  EXPECT_TRUE(figure->runs[1].noise);
  EXPECT_EQ(figure->runs[1].experiment, 0U);
  EXPECT_EQ(figure->runs[1].device, "sim:gallery/neurons/own.yaml") << "beside the figure, not where somebody stands";
  ASSERT_EQ(figure->checks.size(), 1U);
  EXPECT_DOUBLE_EQ(*figure->checks[0].low, 19.0);
  EXPECT_DOUBLE_EQ(*figure->checks[0].high, 21.0);
  EXPECT_EQ(figure->checks[0].wanted, "20 Hz +- 5 %");
  ASSERT_EQ(figure->experiments.size(), 1U);
  EXPECT_EQ(figure->experiments[0].source.text, experiment.substr(4)) << "a recording keeps the experiment alone";
}

TEST(Figure, ReadsEveryKindOfBound) {
  const auto bounds = [](const std::string& wording) {
    const auto figure = parse(head + "  - what: rate\n    paper: 20 Hz\n    of: first\n" + wording + experiment);
    EXPECT_TRUE(figure) << figure.error().message;
    return figure ? figure->checks[0] : Check{};
  };
  const Check between = bounds("    value: \"steps[0].frequency_hz\"\n    between: [1 Hz, 2 kHz]\n");
  EXPECT_EQ(between.low, 1.0);
  EXPECT_EQ(between.high, 2000.0);
  const Check least = bounds("    value: \"steps[0].cv\"\n    at_least: 5 %\n");
  EXPECT_EQ(least.low, 0.05);
  EXPECT_FALSE(least.high);
  const Check most = bounds("    value: \"steps[0].cv\"\n    at_most: 0.3\n");
  EXPECT_EQ(most.high, 0.3);
  EXPECT_FALSE(most.low);
  const Check word = bounds("    value: \"steps[0].label\"\n    equals: FS\n");
  EXPECT_EQ(word.word, "FS");
  const Check number = bounds("    value: \"steps[0].n_spikes\"\n    equals: 12\n");
  EXPECT_EQ(number.low, 12.0);
  EXPECT_EQ(number.high, 12.0);
  const Check wide = bounds("    value: \"steps[0].current_ua\"\n    near: 50 uA\n    within: 2 uA\n");
  EXPECT_DOUBLE_EQ(*wide.low, 48.0);
  const Check ratio =
      bounds("    value: \"steps[0].frequency_hz\"\n    per: \"steps[1].frequency_hz\"\n    at_least: 3\n");
  EXPECT_EQ(ratio.unit.word, "") << "a ratio of two rates has no unit";
  const Check count = bounds("    value: \"steps[*].frequency_hz\"\n    take: count\n    equals: 2\n");
  EXPECT_EQ(count.unit.word, "");
}

TEST(Figure, TellsThePlaceOfAnErrorInAnyOfItsDocuments) {
  std::string wrong = experiment;
  wrong.replace(wrong.find("60 uA"), 5, "60 kA");
  EXPECT_EQ(refusal(head + one_check + wrong).substr(0, 14), "fig.yaml:20:20") << refusal(head + one_check + wrong);
  std::string unit = one_check;
  unit.replace(unit.find("near: 20 Hz"), 11, "near: 20 ms");
  EXPECT_EQ(refusal(head + unit + experiment).substr(0, 14), "fig.yaml:14:11") << refusal(head + unit + experiment);
}

TEST(Figure, RefusesAPathThatCannotBeRead) {
  const std::string message = refused_check("    value: \"steps[0.cv\"\n    at_least: 1\n");
  EXPECT_EQ(message.substr(0, 14), "fig.yaml:13:12") << message;
  EXPECT_NE(message.find("a bracket is not closed"), std::string::npos) << message;
}

TEST(Figure, RefusesACheckWithoutABoundOrWithTwo) {
  EXPECT_NE(refused_check("    value: \"steps[0].cv\"\n").find("needs one of between"), std::string::npos);
  const std::string two = refused_check("    value: \"steps[0].cv\"\n    near: 1\n    at_most: 2\n");
  EXPECT_EQ(two.substr(0, 16), "fig.yaml:15:14: ") << two << " is not the place of the second one";
  EXPECT_NE(two.find("checks[0] has both near and at_most"), std::string::npos) << two;
  EXPECT_NE(refused_check("    value: \"steps[0].cv\"\n    at_least: 1\n    within: 2 %\n").find("belongs to near"),
            std::string::npos);
  EXPECT_NE(refused_check("    value: \"steps[0].cv\"\n    near: 1\n").find("within"), std::string::npos);
}

TEST(Figure, RefusesBoundsInTheWrongOrderOrWithoutTheirUnit) {
  EXPECT_NE(refused_check("    value: \"steps[0].frequency_hz\"\n    between: [3 Hz, 2 Hz]\n").find("is below"),
            std::string::npos);
  EXPECT_NE(refused_check("    value: \"steps[0].frequency_hz\"\n    at_least: 3\n").find("Hz"), std::string::npos);
}

TEST(Figure, RefusesRunsAndExperimentsThatAreNotThere) {
  std::string other = one_check;
  other.replace(other.find("of: first"), 9, "of: thrid");
  EXPECT_NE(refusal(head + other + experiment).find("there is no run 'thrid'"), std::string::npos);
  std::string none = head;
  none.replace(none.find("experiment: first"), 17, "experiment: fifth");
  EXPECT_NE(refusal(none + one_check + experiment).find("there is no experiment 'fifth'"), std::string::npos);
  EXPECT_NE(refusal(head + one_check).find("there is no experiment; write one behind a line"), std::string::npos);
}

TEST(Figure, RefusesAFileOfAnotherKind) {
  EXPECT_NE(refusal(experiment.substr(4)).find("thyrode.figure/1"), std::string::npos);
}

TEST(Figure, RefusesAToleranceThatIsNoneOrAllowsEverything) {
  const auto refused = [](const std::string& near, const std::string& within) {
    return refused_check("    value: \"steps[0].frequency_hz\"\n    near: " + near + "\n    within: " + within + "\n");
  };
  for (const char* within : {"-5 %", "0 %", "101 %", "1e300 %", "-5 Hz", "0 Hz", "20.1 Hz", "1e300 Hz"}) {
    const std::string message = refused("20 Hz", within);
    EXPECT_EQ(message.substr(0, 16), "fig.yaml:15:13: ") << within << ": " << message;
    EXPECT_NE(message.find("is out of range; it must be above 0 and at most"), std::string::npos) << message;
  }
  EXPECT_EQ(refused("20 Hz", "100 %"), "");
  EXPECT_EQ(refused("-20 Hz", "20 Hz"), "");
  EXPECT_EQ(refused("0 Hz", "3 Hz"), "") << "around zero any width is one";
  EXPECT_NE(refused("0 Hz", "3 %").find("3 % of 0 is 0"), std::string::npos);
  EXPECT_NE(refused("0 Hz", "1e13 Hz").find("out of range"), std::string::npos);
  EXPECT_NE(refused("1e300 Hz", "5 %").find("fig.yaml:14:11: checks[0].near: 1e300 Hz is out of range"),
            std::string::npos);
  EXPECT_NE(refused("20 Hz", "3 uA").find("checks[0].within: '3 uA' is no value in Hz"), std::string::npos);
}

TEST(Figure, KnowsAToleranceThatIsWiderThanThePaper) {
  const auto read = [](const std::string& bound) {
    const auto figure = parse(head + "  - what: rate\n    paper: 20 Hz\n    of: first\n" +
                              "    value: \"steps[0].frequency_hz\"\n" + bound + experiment);
    EXPECT_TRUE(figure) << figure.error().message;
    return figure ? figure->checks[0] : Check{};
  };
  const Check wider = read("    near: 20 Hz\n    within: 10 %\n    paper_error: 0.5 Hz\n");
  EXPECT_DOUBLE_EQ(*wider.paper_error, 0.5);
  EXPECT_EQ(wider.paper_error_text, "0.5 Hz");
  EXPECT_TRUE(wider.wider_than_paper());
  EXPECT_FALSE(read("    near: 20 Hz\n    within: 0.5 Hz\n    paper_error: 2.5 %\n").wider_than_paper());
  EXPECT_TRUE(read("    between: [19 Hz, 21 Hz]\n    paper_error: 0.9 Hz\n").wider_than_paper());
  EXPECT_FALSE(read("    near: 20 Hz\n    within: 10 %\n").wider_than_paper()) << "nobody said how well it is known";
  EXPECT_NE(refused_check("    value: \"steps[0].cv\"\n    at_least: 1\n    paper_error: 2 %\n")
                .find("fig.yaml:15:18: checks[0].paper_error belongs to near or between"),
            std::string::npos);
  EXPECT_NE(refused_check("    value: \"steps[0].cv\"\n    near: 1\n    within: 2 %\n    paper_error: -2 %\n")
                .find("checks[0].paper_error: -2 % is out of range"),
            std::string::npos);
}

TEST(Figure, RefusesAnExperimentThatAsksAnOperator) {
  const std::string message =
      refusal(head + one_check + experiment + "neuron: {operator: {quantity: bath, unit: degC, value: 25 degC}}\n");
  EXPECT_EQ(message.substr(0, 16), "fig.yaml:19:7: t") << message;
  EXPECT_NE(message.find("asks an operator"), std::string::npos) << message;
}

}  // namespace
}  // namespace thyrode::figures
