// A phase map: one neuron simulated on every point of a grid, on all cores.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "daemon/recording/map_file.hpp"
#include "daemon/simulation/simulate.hpp"
#include "firmware/neurons/neuron.hpp"

namespace thyrode::simulation {

/// What is simulated at one point.
struct PointNeuron {
  std::unique_ptr<neurons::Neuron> neuron;  ///< fresh, in its first state
  Current current;                          ///< into every channel
  CircuitFacts facts;
};

/// Makes the neuron of a point. Called from several threads at once.
/// @param coordinates  shape (axes), SI: the values of the axes there, first axis first
/// @param seed  of the point's noise
/// Errors: what the axes make impossible.
using PointBuilder =
    std::function<tl::expected<PointNeuron, SimulationError>(std::span<const double> coordinates, std::uint64_t seed)>;

/// Values of the axes at a point; index = row * columns + column.
/// @returns shape (axes), SI
std::vector<double> coordinates_at(const recording::MapDescription& map, std::int64_t index);

/// Seed of the noise at a point: it depends on the seed of the map and on the index alone, so that neither the number
/// of threads nor an interruption changes a result.
std::uint64_t point_seed(std::uint64_t seed, std::int64_t index);

/// How a map is computed.
struct MapRun {
  Duration duration;  ///< watched at each point
  Duration settle;    ///< before
  std::uint64_t seed = 1;
  std::size_t channel = 0;  ///< whose pattern the map shows
  int threads = 1;
  /// Steady seconds, for the pace of writing: the first points at once, then once a second.
  std::function<double()> seconds;
  /// Asked before each point, with the number of points begun so far; false ends the run with what is done. Under a
  /// lock, from any thread. Empty: never stops.
  std::function<bool(std::int64_t begun)> go_on;
  /// Told, in the caller's thread, how many points of the map are known, and how many of these are in the file. Empty:
  /// nobody.
  std::function<void(std::int64_t known, std::int64_t written)> progress;
};

/// Where a point lies, in the units of the axes: "I = 30 uA, tau_L = 0.3 ms".
/// @param left_out  an axis that is not told
std::string place_of(const recording::MapDescription& map, std::int64_t index, std::string_view left_out = {});

/// Simulates one point. One that cannot be simulated, as the circuit cannot be built or go on, has failed.
/// @returns with the point, if it failed, where and why
recording::MapResult simulate_point(const recording::MapDescription& map, std::int64_t index,
                                    const PointBuilder& builder, const MapRun& run);

/// Computes the points of a map that its file lacks, and writes them.
/// @returns points of the map that are known at the end; fewer than all of them if go_on ended the run
/// Errors: run_failed, from the file.
Result<std::int64_t> compute_map(recording::MapFile& file, const recording::MapDescription& map,
                                 const PointBuilder& builder, const MapRun& run);

}  // namespace thyrode::simulation
