// report: the page of a recording.

#include <fmt/core.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "daemon/recording/map_file.hpp"
#include "daemon/report/report.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_record.hpp"

namespace thyrode::program {
namespace {

Result<nlohmann::ordered_json> data_of(const std::string& path) {
  if (recording::is_map(path)) {
    return fail(ErrorKind::bad_input, path +
                                          ": is a map of `thyrode simulate --map`, and a page is made of a "
                                          "recording (.nwb); `thyrode show` draws a map");
  }
  const auto record = read_completed_run(path);
  if (!record) return tl::make_unexpected(record.error());
  return report::report_data(path, *record);
}

Result<void> write_page(const std::string& page, const std::string& out) {
  // A reader of the old page never sees half of the new one.
  const std::string beside = out + ".new";
  errno = 0;
  std::ofstream file{beside, std::ios::binary};
  file.write(page.data(), static_cast<std::streamsize>(page.size()));
  file.close();
  std::error_code error;
  if (file) {
    std::filesystem::rename(beside, out, error);
    if (!error) return {};
  }
  const std::string reason = error ? error.message() : std::strerror(errno);
  std::filesystem::remove(beside, error);
  return fail(ErrorKind::run_failed, fmt::format("{}: the page cannot be written: {}; name another place with --out "
                                                 "of `thyrode report`",
                                                 out, reason));
}

}  // namespace

std::string report_path(const std::string& path) {
  std::filesystem::path page{path};
  if (page.extension() == ".part") page.replace_extension();
  if (page.extension() == ".nwb") page.replace_extension();
  return page.string() + ".html";
}

Result<void> write_report(const std::string& path, const std::string& out) {
  const auto data = data_of(path);
  if (!data) return tl::make_unexpected(data.error());
  return write_page(report::report_page(*data), out);
}

int report_file(const ReportOptions& options) {
  if (options.json) {
    const auto data = data_of(options.path);
    if (!data) return report(data.error());
    fmt::print("{}\n", data->dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    return 0;
  }
  const std::string out = options.out.empty() ? report_path(options.path) : options.out;
  std::error_code error;
  if (std::filesystem::equivalent(out, options.path, error)) {
    return report({ErrorKind::bad_input, out + ": is the recording itself; name another place with --out"});
  }
  if (auto written = write_report(options.path, out); !written) return report(written.error());
  fmt::print("{}\n", out);
  return 0;
}

}  // namespace thyrode::program
