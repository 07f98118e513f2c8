#include "daemon/figures/document_path.hpp"

#include <gtest/gtest.h>

namespace thyrode::figures {
namespace {

using nlohmann::ordered_json;

const ordered_json document = ordered_json::parse(R"({
  "steps": [
    {"current_ua": 36.4000003, "label": "irregular", "cv": 0.41, "conditions": {"tau_L": 0.0003}, "vacancies": false},
    {"current_ua": 45.2999994, "label": "TS", "cv": 0.05, "conditions": {"tau_L": 0.0003}, "vacancies": false},
    {"current_ua": 60.0, "label": "TS", "cv": null, "conditions": {"tau_L": 0.0004}, "vacancies": true}
  ],
  "fit": {"onset_high_ua": 31.5, "lif": null, "range_ua": [33, 61]},
  "direct": []
})");

std::vector<ordered_json> select(const std::string& text) {
  const auto path = DocumentPath::parse(text);
  EXPECT_TRUE(path) << text << ": " << (path ? "" : path.error().message);
  if (!path) return {};
  const auto values = path->select(document);
  EXPECT_TRUE(values) << text << ": " << (values ? "" : values.error().message);
  return values ? *values : std::vector<ordered_json>{};
}

std::string refusal(const std::string& text) {
  const auto path = DocumentPath::parse(text);
  if (!path) return path.error().message;
  const auto values = path->select(document);
  return values ? "" : values.error().message;
}

TEST(DocumentPath, FollowsNamesAndPositions) {
  EXPECT_EQ(select("fit.onset_high_ua"), std::vector<ordered_json>{31.5});
  EXPECT_EQ(select("fit.range_ua[1]"), std::vector<ordered_json>{61});
  EXPECT_EQ(select("steps[0].conditions.tau_L"), std::vector<ordered_json>{0.0003});
}

TEST(DocumentPath, TakesANumberAsEqualAsFarAsItIsWritten) {
  EXPECT_EQ(select("steps[current_ua=45.3].cv"), std::vector<ordered_json>{0.05});
  EXPECT_EQ(select("steps[current_ua=45].cv"), std::vector<ordered_json>{0.05});
  EXPECT_EQ(select("steps[current_ua=45.4].cv").size(), 0U);
  EXPECT_EQ(select("steps[current_ua=45.300].cv").size(), 1U);
  EXPECT_EQ(select("steps[current_ua=45.3000000].cv").size(), 0U);
}

TEST(DocumentPath, ReadsAnExponentAsAPlaceOfTheLastDigit) {
  EXPECT_EQ(select("steps[conditions.tau_L=3.0e-4].cv").size(), 2U);
  EXPECT_EQ(select("steps[conditions.tau_L=0.0003].cv").size(), 2U) << "0.00025 to 0.00035";
}

TEST(DocumentPath, KeepsWhatSaysAWord) {
  EXPECT_EQ(select("steps[label=TS].current_ua").size(), 2U);
  EXPECT_EQ(select("steps[label=T].current_ua").size(), 0U);
  EXPECT_EQ(select("steps[vacancies=true].current_ua"), std::vector<ordered_json>{60.0});
  EXPECT_EQ(select("steps[cv=null].current_ua"), std::vector<ordered_json>{60.0});
}

TEST(DocumentPath, KeepsWhatLiesInARange) {
  EXPECT_EQ(select("steps[current_ua=40..60].label").size(), 2U);
  EXPECT_EQ(select("steps[current_ua=40..59].label").size(), 1U);
}

TEST(DocumentPath, NarrowsWithSeveralSelectors) {
  EXPECT_EQ(select("steps[label=TS][conditions.tau_L=0.00030].current_ua").size(), 1U);
  EXPECT_EQ(select("steps[conditions.tau_L=0.00030][label=TS].current_ua").size(), 1U);
  EXPECT_EQ(select("steps[label=TS][current_ua=0..10][cv=0..1].label").size(), 0U);
}

TEST(DocumentPath, TakesAllElements) {
  EXPECT_EQ(select("steps[*].label").size(), 3U);
  EXPECT_EQ(select("direct[*].label").size(), 0U);
  EXPECT_EQ(select("direct[label=TS].label").size(), 0U) << "an empty list has no names that could be wrong";
}

TEST(DocumentPath, RefusesANameThatIsNotThereAndTellsThoseThatAre) {
  EXPECT_NE(refusal("fit.onset_hihg_ua").find("there is no 'onset_hihg_ua'; there are onset_high_ua, lif and range_ua"),
            std::string::npos)
      << refusal("fit.onset_hihg_ua");
  EXPECT_NE(refusal("steps[currnt_ua=45.3].cv").find("no element has 'currnt_ua'; there are current_ua"),
            std::string::npos)
      << refusal("steps[currnt_ua=45.3].cv");
}

TEST(DocumentPath, RefusesASelectorOnWhatIsNoList) {
  EXPECT_NE(refusal("fit[*]").find("not of a list"), std::string::npos);
  EXPECT_NE(refusal("fit.onset_high_ua[0]").find("not of a list"), std::string::npos);
  EXPECT_NE(refusal("fit.onset_high_ua[a=1]").find("not of a list"), std::string::npos);
  EXPECT_NE(refusal("fit.range_ua[2]").find("beyond the end of a list of 2"), std::string::npos);
}

TEST(DocumentPath, RefusesANameBehindAValueOrAList) {
  EXPECT_NE(refusal("fit.lif.tau_ms").find("what should hold 'tau_ms' is undefined"), std::string::npos);
  EXPECT_NE(refusal("steps.cv").find("choose elements of it first"), std::string::npos);
}

TEST(DocumentPath, RefusesWhatCannotBeRead) {
  for (const char* text : {"", ".", "a.", ".a", "a b", "a[", "a[0", "a[]", "a[x]", "a[-1]", "a[b=]", "a[=b]", "a[0]b",
                           "a[b=2..1]", "a[b=1..]", "a[b=..]"}) {
    EXPECT_FALSE(DocumentPath::parse(text)) << text;
  }
}

TEST(DocumentPath, FollowsItsNamesThroughTheShapeOfADocument) {
  const ordered_json shape = ordered_json::parse(R"({
    "steps": [{"current_ua": 0, "label": "TS", "conditions": {"tau_L": 0}, "label_fractions": null}],
    "fit": {"lif": {"range_ua": [0, 0]}}
  })");
  const auto at = [&](const std::string& path) { return DocumentPath::parse(path)->follow(shape); };
  EXPECT_TRUE(at("steps[current_ua=45.3][label=FS].current_ua")->is_number());
  EXPECT_TRUE(at("steps[7].label")->is_string()) << "how many there will be is not known";
  EXPECT_TRUE(at("steps[conditions.tau_L=0.1].label")->is_string());
  EXPECT_TRUE(at("fit.lif.range_ua[1]")->is_number());
  EXPECT_TRUE(at("steps[*].label_fractions.TS")->is_null()) << "the shape does not tell";
  EXPECT_TRUE(at("steps[label_fractions.TS=0..1].label")->is_string());
  const auto refused = [&](const std::string& path) {
    const auto found = at(path);
    return found ? "" : found.error().message;
  };
  EXPECT_NE(refused("steps[0].lable").find("there is no 'lable'; there are current_ua, label"), std::string::npos);
  EXPECT_NE(refused("steps[currnt_ua=3].label").find("there is no 'currnt_ua'"), std::string::npos);
  EXPECT_NE(refused("steps[conditions.R_L=3].label").find("there is no 'R_L'; there are tau_L"), std::string::npos);
  EXPECT_NE(refused("steps.label").find("choose elements of it first"), std::string::npos);
  EXPECT_NE(refused("fit[0].lif").find("not of a list"), std::string::npos);
}

TEST(DocumentPath, TellsItsNamesWithoutSelectors) {
  EXPECT_EQ(DocumentPath::parse("steps[label=FS].conditions.tau_L")->names(),
            (std::vector<std::string>{"steps", "conditions", "tau_L"}));
}

}  // namespace
}  // namespace thyrode::figures
