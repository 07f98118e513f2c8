// Where everything stands in a recording: paths and tables. Private to this room.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "daemon/analysis/isi_histogram.hpp"
#include "daemon/recording/table.hpp"
#include "protocols/messages.hpp"

namespace thyrode::recording::layout {

/// Schema of the file; the number rises when a reader of the old one would misread the new one.
inline constexpr const char* schema_name = "thyrode.recording";
inline constexpr int schema_version = 1;
inline constexpr const char* result_schema = "thyrode.result/1";

inline constexpr const char* module = "/processing/icephys";
inline constexpr const char* provenance = "/general/thyrode";
inline constexpr const char* wall_clock = "/general/wall_clock";
inline constexpr const char* clock_ticks = "/general/wall_clock/clock_ticks";
inline constexpr const char* clock_seconds = "/general/wall_clock/clock_seconds";
inline constexpr const char* experiment_yaml = "/scratch/experiment_yaml";
inline constexpr const char* station_yaml = "/scratch/station_yaml";
inline constexpr const char* calibration_yaml = "/scratch/calibration_yaml";  ///< absent: scales as the device tells
inline constexpr const char* exit_status = "/general/thyrode/exit_status";
inline constexpr const char* electrodes = "/general/intracellular_ephys";
inline constexpr const char* device = "/general/devices/instrument";

/// A file that the experiment names, by its number.
std::string experiment_file(std::size_t number);
std::string channel_settings(const std::string& label);
std::string electrode(const std::string& label);
std::string trace(const std::string& label);
std::string read_back(const std::string& label);
std::string command(const std::string& label);
std::string level_series(std::size_t signal, const std::string& label);

/// Means of the currents and level records come at these rates whatever the trace does.
inline constexpr int current_rate_hz = 1000;
inline constexpr int level_rate_hz = 100;

/// Buckets of an ISI histogram; bucket k counts intervals in (edge[k-1], edge[k]].
/// What stands in a table of counts for one that is not known: it is told when the run ends by itself.
inline constexpr std::int64_t unknown_count = -1;
inline constexpr std::size_t isi_buckets = analysis::IsiHistogram::size;
/// Upper edges of the buckets of analysis::IsiHistogram, seconds, shape (isi_buckets).
std::vector<double> isi_upper_edges();

TableSpec spikes(const std::string& label);
TableSpec levels(const std::string& label);
TableSpec applied_current(const std::string& label);
TableSpec snippets(const std::string& label, int samples);
TableSpec marks();
TableSpec faults();
TableSpec link_events();
TableSpec invalid_times();
TableSpec isi_histograms();
/// Bins of a step's pair correlation.
inline constexpr std::size_t pair_bins = 200;
TableSpec pair_correlations();
TableSpec fit();
TableSpec integrity();
TableSpec link_counters();
/// What the host told the device, and what a person asked of the run.
TableSpec orders();
TableSpec operator_requests();

/// Every table that grows while a run goes on, but for those of one row; snippets of any length.
std::vector<std::string> growing_tables(std::span<const std::string> labels);
/// Every series.
std::vector<std::string> all_series(std::span<const std::string> labels);

/// Kinds in the table of link events.
enum class LinkEvent : std::uint8_t { frames_lost, rejected };

}  // namespace thyrode::recording::layout
