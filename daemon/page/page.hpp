// The program of the pages, as the build has made it of the files in src/.
#pragma once

#include <string_view>

namespace thyrode::page {

/// JavaScript that draws a report from the data in the page; holds no end of a script.
std::string_view report_program();
/// Its style sheet.
std::string_view report_style();

}  // namespace thyrode::page
