// report: the page of a recording.

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "daemon/report/report.hpp"
#include "daemon/thyrode_commands.hpp"
#include "daemon/thyrode_record.hpp"

namespace thyrode::program {
namespace {

Result<nlohmann::ordered_json> data_of(const std::string& path) {
  const auto record = read_completed_run(path);
  if (!record) return tl::make_unexpected(record.error());
  return report::report_data(path, *record);
}

/// Creates a file beside `out` that nobody else has, with the rights that the umask leaves.
/// @param name  becomes its path @returns descriptor, or -1 with errno
int create_beside(const std::string& out, std::string& name) {
  for (int k = 0; k < 1000; ++k) {
    name = fmt::format("{}.new-{}-{}", out, ::getpid(), k);
    // What lies there is somebody's, or a link to it: it is never written through.
    const int file = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file >= 0 || errno != EEXIST) return file;
  }
  return -1;
}

/// Writes all of a text and closes the file. @returns 0 or errno
int fill(int descriptor, const std::string& text) {
  std::string_view rest = text;
  int error = 0;
  while (error == 0 && !rest.empty()) {
    const ssize_t written = ::write(descriptor, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (::close(descriptor) != 0 && error == 0) error = errno;
  return error;
}

Result<void> write_page(const std::string& page, const std::string& out) {
  // A reader of the old page never sees half of the new one.
  std::string beside;
  const int file = create_beside(out, beside);
  int error = file < 0 ? errno : fill(file, page);
  if (error == 0 && std::rename(beside.c_str(), out.c_str()) != 0) error = errno;
  if (error == 0) return {};
  if (file >= 0) ::unlink(beside.c_str());
  return fail(ErrorKind::run_failed, fmt::format("{}: the page cannot be written: {}; name another place with --out "
                                                 "of `thyrode report`",
                                                 out, std::strerror(error)));
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
  tell_other_files(options.path);
  return 0;
}

}  // namespace thyrode::program
