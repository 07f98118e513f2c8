#include "daemon/page/page.hpp"

#include <string>
#include <string_view>

#include "daemon/report/report.hpp"

namespace thyrode::report {
namespace {

/// Text as it stands in HTML.
std::string escaped(std::string_view text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '<': html += "&lt;"; break;
      case '>': html += "&gt;"; break;
      case '&': html += "&amp;"; break;
      case '"': html += "&quot;"; break;
      default: html += c;
    }
  }
  return html;
}

/// JSON that no browser takes for the end of a script, or for the begin of a comment: `<` stands in texts alone, where
/// \u003c means the same. Bytes that are no UTF-8 become the replacement character.
std::string data_text(const nlohmann::ordered_json& data) {
  const std::string json = data.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::string text;
  text.reserve(json.size() + 1024);
  for (const char c : json) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text += c;
    }
  }
  return text;
}

// Nothing is fetched, whatever a text in the file says.
constexpr std::string_view head = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src )html"
                                  R"html('unsafe-inline'; img-src data: blob:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>)html";

constexpr std::string_view body = R"html(</style>
</head>
<body>
<noscript><p>This page draws the recording with JavaScript, which is off here. Switch it on for this file, or type
<code>thyrode show FILE</code>: it prints the same numbers.</p></noscript>
<div id="report"></div>
<script type="application/json" id="data">)html";

}  // namespace

std::string report_page(const nlohmann::ordered_json& data) {
  std::string title = "Report";
  if (const auto file = data.find("file"); file != data.end() && file->is_string()) {
    title = file->get<std::string>() + ": report";
  }
  std::string text{head};
  text += escaped(title);
  text += "</title>\n<style>";
  text += page::report_style();
  text += body;
  text += data_text(data);
  text += "</script>\n<script>";
  text += page::report_program();
  text += "</script>\n</body>\n</html>\n";
  return text;
}

}  // namespace thyrode::report
