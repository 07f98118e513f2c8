// A phase map as characters, for a terminal.
#pragma once

#include <string>

#include "daemon/recording/map_file.hpp"

namespace thyrode::simulation {

struct PictureSize {
  int columns = 100;    ///< of the whole picture, at least 40
  int rows = 40;        ///< of the grid itself, at most
  bool colour = false;  ///< paint each letter on a ground of the colour of its label
  /// What is said of points without a label, after their number.
  const char* unknown = "points are not computed yet: the same command goes on with them";
};

/// The letter of a label: T is TS, F is FS, 1 and 2 are IB1 and IB2, . and # are QH and QD ...
char letter_of(analysis::Label label);

/// A label in words: "tonic", "bursts between plateaus" ...
const char* meaning_of(analysis::Label label);

/// Draws a map: a grid with one letter a point, the second axis upwards, or for one axis the event rate over it and a
/// strip of letters; then axes with units and a legend with the share of each label. A grid larger than the picture
/// shows every n-th point.
/// Lines end with a line feed.
std::string draw_map(const recording::Map& map, const PictureSize& size);

}  // namespace thyrode::simulation
