#include "daemon/recording/origin.hpp"

#include "daemon/recording/file_access.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/readback.hpp"

namespace thyrode::recording {

Result<Origin> read_origin(const std::string& path) {
  auto origin = guarded([&] {
    const h5::Handle file = open_for_reading(path);
    const auto text = [&](const char* name) {
      const bool there = H5Aexists_by_name(file.get(), layout::wall_clock, name, H5P_DEFAULT) > 0;
      return there ? read_text_attribute(file.get(), layout::wall_clock, name) : std::string{};
    };
    return Origin{text("session_start"), text("finished"), text("host_name"), text("command_line")};
  });
  if (!origin) origin.error().kind = ErrorKind::bad_input;
  return origin;
}

}  // namespace thyrode::recording
