#include "daemon/page/page.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "daemon/report/report.hpp"

namespace thyrode::report {
namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// The data as the browser gets them: between their script's begin and the first end of a script.
nlohmann::ordered_json data_of(const std::string& page) {
  const std::string begin = "id=\"data\">";
  const std::size_t at = page.find(begin) + begin.size();
  return nlohmann::ordered_json::parse(page.substr(at, page.find("</script", at) - at));
}

TEST(ReportPage, IsOneDocumentWithItsProgramAndItsStyle) {
  const std::string page = report_page({{"file", "a.nwb"}});
  EXPECT_EQ(page.rfind("<!doctype html>", 0), 0U);
  EXPECT_NE(page.find(page::report_program()), std::string::npos);
  EXPECT_NE(page.find(page::report_style()), std::string::npos);
  EXPECT_NE(page.find("<title>a.nwb: report</title>"), std::string::npos);
}

TEST(ReportPage, AsksForNoOtherFile) {
  const std::string page = report_page({{"file", "a.nwb"}});
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  for (const char* what : {"<script src", "<img src=\"http", "@import", "url(http", "fetch("}) {
    EXPECT_EQ(count(page, what), 0U) << what;
  }
}

TEST(ReportPage, EndsNoScriptByWhatATextSays) {
  const std::string evil = "</script><SCRIPT>alert(1)</Script><!--<script>";
  const nlohmann::ordered_json data{{"file", evil}, {evil, {evil, 1.5}}};
  const std::string page = report_page(data);
  const std::string text = lower(page);
  EXPECT_EQ(count(text, "</script"), 2U);
  EXPECT_EQ(count(text, "<script"), 2U);
  EXPECT_EQ(count(text, "<!--"), 0U);
  EXPECT_EQ(data_of(page), data);
  EXPECT_NE(page.find("<title>&lt;/script&gt;"), std::string::npos);
}

TEST(ReportPage, TakesBytesThatAreNoText) {
  const std::string page = report_page({{"file", "a\xff.nwb"}});
  EXPECT_EQ(data_of(page)["file"], "a\xef\xbf\xbd.nwb");
}

TEST(PageProgram, HoldsNoEndOfAScript) {
  EXPECT_EQ(count(lower(std::string{page::report_program()}), "</script"), 0U);
  EXPECT_EQ(count(lower(std::string{page::report_style()}), "</style"), 0U);
}

}  // namespace
}  // namespace thyrode::report
