#include "daemon/recording/part_mark.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "daemon/recording/file_access.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/object_id.hpp"
#include "daemon/recording/readback.hpp"

namespace thyrode::recording {
namespace {

bool says(hid_t file, const char* group, const char* name) {
  return H5Aexists_by_name(file, group, name, H5P_DEFAULT) > 0;
}

std::string text_of(hid_t file, const char* name) {
  return says(file, layout::wall_clock, name) ? read_text_attribute(file, layout::wall_clock, name) : std::string{};
}

}  // namespace

PartMark first_part(const RunDescription& run, const std::string& path) {
  const WallClock& clock = run.wall_clock;
  const std::string made = fmt::format("{}|{}|{}|{}", clock.created, clock.host_name, clock.session_start, path);
  return {.run_id = object_id(run.seed, made),
          .first_file = std::filesystem::path{path}.filename().string(),
          .number = 1,
          .first = run.device.now,
          .next_file = {}};
}

void write_part_mark(Builder& builder, const PartMark& mark, const std::vector<EarlierPart>& before) {
  builder.attribute(layout::provenance, "part", std::int64_t{mark.number});
  builder.attribute(layout::provenance, "first_sample", mark.first.index);
  builder.attribute(layout::wall_clock, "run_id", mark.run_id);
  builder.attribute(layout::wall_clock, "first_file", mark.first_file);
  if (!before.empty()) builder.attribute(layout::wall_clock, "previous_file", before.back().name);
}

void write_next_file(Builder& builder, const std::string& next_file) {
  if (!says(builder.file(), layout::wall_clock, "next_file"))
    builder.attribute(layout::wall_clock, "next_file", next_file);
}

PartMark read_part_mark(hid_t file) {
  PartMark mark;
  mark.number = part_number(file);
  mark.run_id = text_of(file, "run_id");
  mark.first_file = text_of(file, "first_file");
  mark.next_file = text_of(file, "next_file");
  const char* first = says(file, layout::provenance, "first_sample") ? "first_sample" : "origin_sample";
  mark.first = Sample{read_attribute<std::int64_t>(file, layout::provenance, first)};
  return mark;
}

Result<PartMark> read_part_mark(const std::string& path) {
  auto mark = guarded([&] { return read_part_mark(open_for_reading(path).get()); });
  if (!mark) mark.error().kind = ErrorKind::bad_input;
  return mark;
}

int part_number(hid_t file) {
  if (!says(file, layout::provenance, "part")) return 1;
  return static_cast<int>(read_attribute<std::int64_t>(file, layout::provenance, "part"));
}

}  // namespace thyrode::recording
