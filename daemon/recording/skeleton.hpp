// The shape of a recording before its first sample. Private to this room.
#pragma once

#include "daemon/recording/builder.hpp"
#include "daemon/recording/description.hpp"
#include "daemon/recording/part_mark.hpp"

namespace thyrode::recording {

/// Scale of a signal that the recording uses.
Scale scale_of(const RunDescription& run, std::size_t channel, protocol::Signal signal);
Scale command_scale_of(const RunDescription& run, std::size_t channel);

/// ADC samples in a mean of the currents, and in a level record.
std::int64_t current_stride(const DeviceInfo& device);
std::int64_t level_stride(const DeviceInfo& device);

/// Makes every group, table, series, attribute and link: none can be made once readers may follow.
/// Source of the object types: NWB schema 2.7.0 (nwb.file, nwb.base, nwb.icephys, nwb.misc), hdmf-common 1.8.0.
/// @param path_of_file  where the file will lie in the end, absolute
/// @param before        the files of the run before this one
void create_skeleton(Builder& builder, const RunDescription& run, const std::string& path_of_file, const PartMark& mark,
                     const std::vector<EarlierPart>& before);

}  // namespace thyrode::recording
