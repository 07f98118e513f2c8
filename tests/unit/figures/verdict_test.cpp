#include "daemon/figures/verdict.hpp"

#include <gtest/gtest.h>

namespace thyrode::figures {
namespace {

using nlohmann::ordered_json;

const ordered_json document = ordered_json::parse(R"({
  "steps": [
    {"current_ua": 45.3, "label": "TS", "frequency_hz": 12.5, "ok": true},
    {"current_ua": 60.0, "label": "FS", "frequency_hz": 1361.0, "ok": true},
    {"current_ua": 30.0, "label": "QH", "frequency_hz": null, "ok": false}
  ]
})");

Check check(const std::string& path) {
  Check c;
  c.value = *DocumentPath::parse(path);
  c.unit = unit_of(c.value);
  return c;
}

TEST(Verdict, PassesInsideItsBoundsAndNotOutside) {
  Check c = check("steps[current_ua=60].frequency_hz");
  c.low = 1361.0;
  c.high = 1361.0;
  EXPECT_TRUE(judge(c, document)->passed);
  EXPECT_EQ(judge(c, document)->measured, "1361 Hz");
  c.low = 1361.1, c.high = 1400.0;
  EXPECT_FALSE(judge(c, document)->passed);
  c.low = 0.0, c.high = 1360.9;
  EXPECT_FALSE(judge(c, document)->passed);
}

TEST(Verdict, ComparesWords) {
  Check c = check("steps[current_ua=60].label");
  c.word = "FS";
  EXPECT_TRUE(judge(c, document)->passed);
  c.word = "TS";
  EXPECT_FALSE(judge(c, document)->passed);
  EXPECT_EQ(judge(c, document)->measured, "FS");
  c = check("steps[current_ua=60].ok");
  c.word = "true";
  EXPECT_TRUE(judge(c, document)->passed);
}

TEST(Verdict, DoesNotPassWhatIsUndefinedOrNotThere) {
  Check c = check("steps[current_ua=30].frequency_hz");
  c.low = -1e9;
  EXPECT_FALSE(judge(c, document)->passed);
  EXPECT_EQ(judge(c, document)->measured, "undefined");
  c = check("steps[label=IB2].frequency_hz");
  c.low = -1e9;
  EXPECT_FALSE(judge(c, document)->passed);
  EXPECT_EQ(judge(c, document)->measured, "no such element");
  c = check("steps[*].frequency_hz");
  c.take = Take::min;
  c.low = -1e9;
  EXPECT_FALSE(judge(c, document)->passed) << "one of them is undefined";
}

TEST(Verdict, TakesTheLargestTheLeastTheirRatioAndTheirNumber) {
  Check c = check("steps[current_ua=40..70].frequency_hz");
  c.low = 0.0;
  c.take = Take::max;
  EXPECT_EQ(judge(c, document)->value, 1361.0);
  c.take = Take::min;
  EXPECT_EQ(judge(c, document)->value, 12.5);
  c.take = Take::ratio;
  EXPECT_DOUBLE_EQ(*judge(c, document)->value, 1361.0 / 12.5);
  c.take = Take::count;
  EXPECT_EQ(judge(c, document)->value, 2.0);
  c.value = *DocumentPath::parse("steps[label=IB2].frequency_hz");
  EXPECT_EQ(judge(c, document)->value, 0.0);
}

TEST(Verdict, DividesByAnotherValue) {
  Check c = check("steps[current_ua=60].frequency_hz");
  c.per = *DocumentPath::parse("steps[current_ua=45.3].frequency_hz");
  c.unit = {};
  c.low = 100.0;
  EXPECT_DOUBLE_EQ(*judge(c, document)->value, 1361.0 / 12.5);
  EXPECT_TRUE(judge(c, document)->passed);
  c.per = *DocumentPath::parse("steps[current_ua=30].frequency_hz");
  EXPECT_FALSE(judge(c, document)->passed);
}

TEST(Verdict, RefusesSeveralValuesWhereOneIsWanted) {
  Check c = check("steps[*].current_ua");
  c.low = 0.0;
  const auto verdict = judge(c, document);
  ASSERT_FALSE(verdict);
  EXPECT_NE(verdict.error().message.find("leads to 3 values"), std::string::npos) << verdict.error().message;
}

TEST(Verdict, RefusesATextWhereANumberIsWanted) {
  Check c = check("steps[0].label");
  c.low = 0.0;
  EXPECT_FALSE(judge(c, document));
  c = check("steps[0]");
  c.word = "TS";
  EXPECT_FALSE(judge(c, document));
}

TEST(Verdict, AsksForStatisticsByTheFirstName) {
  EXPECT_TRUE(needs_statistics(check("statistics.steps[0].cv")));
  EXPECT_FALSE(needs_statistics(check("steps[0].statistics")));
  Check c = check("steps[0].cv");
  c.per = *DocumentPath::parse("statistics.steps[1].cv");
  EXPECT_TRUE(needs_statistics(c));
}

TEST(Verdict, FindsBeforeTheRunThatAPathLeadsNowhereOrToAnotherKind) {
  const ordered_json shape = ordered_json::parse(R"({"steps": [{"label": "TS", "cv": 0, "ok": true, "open": null}]})");
  const auto problem = [&](Check c) {
    const auto found = find_problem(c, shape);
    return found ? (found->per ? "per: " : "value: ") + found->text : "";
  };
  EXPECT_EQ(problem(check("steps[label=FS].cv")), "");
  EXPECT_NE(problem(check("steps[label=FS].cvv")).find("value: 'steps[label=FS].cvv' leads nowhere"),
            std::string::npos);
  EXPECT_NE(problem(check("steps[0].label")).find("leads to a word; compare it with equals"), std::string::npos);
  EXPECT_NE(problem(check("steps[0]")).find("leads to a whole map"), std::string::npos);
  EXPECT_NE(problem(check("steps")).find("leads to a whole list"), std::string::npos);
  EXPECT_EQ(problem(check("steps[0].open.anything")), "");
  Check word = check("steps[0].cv");
  word.word = "FS";
  EXPECT_NE(problem(word).find("leads to a number; bound it with"), std::string::npos);
  word = check("steps[0].ok");
  word.word = "true";
  EXPECT_EQ(problem(word), "");
  Check count = check("steps[*].label");
  count.take = Take::count;
  EXPECT_EQ(problem(count), "") << "anything can be counted";
  Check ratio = check("steps[0].cv");
  ratio.per = *DocumentPath::parse("steps[0].vc");
  EXPECT_NE(problem(ratio).find("per: 'steps[0].vc' leads nowhere"), std::string::npos);
}

}  // namespace
}  // namespace thyrode::figures
