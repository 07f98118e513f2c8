// What lies where in the file of a map. Private to this room; everything throws Failure.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "daemon/recording/hdf5.hpp"
#include "daemon/recording/map_file.hpp"

namespace thyrode::recording::map_layout {

inline constexpr const char* axes_group = "/axes";
inline constexpr const char* provenance_group = "/provenance";
inline constexpr const char* neuron_path = "/provenance/neuron_yaml";
inline constexpr const char* computed_path = "/computed";

/// A number of every point: its name, and where it lies in MapPoint.
struct RealColumn {
  const char* path;
  const char* unit;
  const char* description;
  double MapPoint::*member;
};
inline constexpr std::array real_columns{
    RealColumn{"/frequency_hz", "Hz", "(n - 1) / (last - first spike time); NaN below two spikes",
               &MapPoint::frequency_hz},
    RealColumn{"/event_frequency_hz", "Hz", "bursts a second where it bursts, else frequency_hz; NaN if undefined",
               &MapPoint::event_frequency_hz},
    RealColumn{"/spikes_per_burst", "1", "mean over whole burst periods; NaN where it does not burst",
               &MapPoint::spikes_per_burst},
    RealColumn{"/cv", "1", "coefficient of variation of the inter-spike intervals; NaN below two of them",
               &MapPoint::cv},
};

inline constexpr const char* spikes_path = "/n_spikes";
inline constexpr const char* label_path = "/label";
inline constexpr const char* latched_path = "/latched";
inline constexpr const char* failed_path = "/failed";
inline constexpr const char* failure_path = "/first_failure";
inline constexpr const char* failure_point_path = "/first_failure_point";
inline constexpr std::int64_t no_point = -1;

inline constexpr auto last_label = static_cast<int>(analysis::Label::undetermined);

/// Labels by their names.
h5::Handle label_type();
/// Text of a fixed number of bytes, so that its place in the file never changes.
h5::Handle failure_type();
/// How maps are opened.
h5::Handle access_properties();

}  // namespace thyrode::recording::map_layout

namespace thyrode::recording {

/// Makes the file of a map without points, sealed, under its name only when it is whole. One that another program made
/// meanwhile stays.
void make_map_file(const std::string& path, const MapDescription& description);

}  // namespace thyrode::recording
