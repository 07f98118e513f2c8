#include "daemon/simulation/map_picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace thyrode::simulation {
namespace {

using analysis::Label;
using recording::Map;
using recording::MapAxis;

struct Style {
  Label label;
  char letter;
  int colour;  // of the 256-colour palette of terminals
  const char* meaning;
};
constexpr std::array styles{
    Style{Label::QH, '.', 238, "quiescent, switch open"},
    Style{Label::TS, 'T', 32, "tonic"},
    Style{Label::IB1, '1', 71, "bursts between silences"},
    Style{Label::FS, 'F', 208, "fast"},
    Style{Label::IB2, '2', 134, "bursts between plateaus"},
    Style{Label::QD, '#', 124, "quiescent, switch closed"},
    Style{Label::soft, 's', 109, "tonic, soft"},
    Style{Label::irregular, 'i', 178, "irregular"},
    Style{Label::transient, 't', 250, "transient"},
    Style{Label::mixed, 'm', 250, "mixed"},
    Style{Label::undetermined, '?', 250, "undetermined"},
};
constexpr int margin = 10;  // characters left of the grid
constexpr int plot_rows = 12;

const Style& style_of(Label label) {
  return *std::find_if(styles.begin(), styles.end(), [&](const Style& style) { return style.label == label; });
}

std::string painted(const Style& style, int width, bool colour) {
  const std::string letters(static_cast<std::size_t>(width), style.letter);
  return colour ? fmt::format("\x1b[30;48;5;{}m{}\x1b[0m", style.colour, letters) : letters;
}

std::string number(double si, const MapAxis& axis) {
  return fmt::format("{:.4g}", si / axis.shown_scale);
}

std::string axis_name(const MapAxis& axis) {
  return axis.shown_unit.empty() ? axis.name : fmt::format("{} [{}]", axis.name, axis.shown_unit);
}

// Which points of an axis are shown: all, or one in each cell, both ends included.
std::vector<std::size_t> shown(std::size_t points, std::size_t cells) {
  if (points <= cells) cells = points;
  std::vector<std::size_t> indices;
  for (std::size_t k = 0; k < cells; ++k) {
    indices.push_back(cells == 1 ? 0 : (k * (points - 1) + (cells - 1) / 2) / (cells - 1));
  }
  return indices;
}

class Picture {
 public:
  Picture(const Map& map, const PictureSize& size) : map_{map}, size_{size} {
    const int room = std::max(40, size.columns) - margin - 2;
    columns_ = shown(map.description.axes[0].values.size(), static_cast<std::size_t>(room));
    cell_ = std::clamp(room / static_cast<int>(columns_.size()), 1, 2);
  }

  std::string plane() const {
    const MapAxis& axis = map_.description.axes[1];
    const auto rows = shown(axis.values.size(), static_cast<std::size_t>(std::max(1, size_.rows)));
    std::string text = fmt::format("{:>{}}\n", axis_name(axis), margin);
    for (std::size_t k = rows.size(); k-- > 0;) {
      const bool tick = k % 4 == 0 || k + 1 == rows.size();
      text += fmt::format("{:>{}} {}", tick ? number(axis.values[rows[k]], axis) : "", margin - 1, tick ? "+" : "|");
      text += strip(rows[k]) + "\n";
    }
    return text + bottom() + legend();
  }

  std::string line() const {
    return curve() + fmt::format("{:>{}} ", "label", margin) + strip(0) + "\n" + bottom() + legend();
  }

 private:
  std::size_t index(std::size_t row, std::size_t column) const {
    return row * map_.description.axes[0].values.size() + column;
  }

  std::string strip(std::size_t row) const {
    // Neighbours alike are painted at once.
    std::string text;
    for (std::size_t begin = 0; begin < columns_.size();) {
      const std::size_t k = index(row, columns_[begin]);
      const auto alike = [&](std::size_t other) {
        return map_.computed[other] == map_.computed[k] && map_.points[other].label == map_.points[k].label;
      };
      std::size_t end = begin + 1;
      while (end < columns_.size() && alike(index(row, columns_[end]))) ++end;
      const int width = static_cast<int>(end - begin) * cell_;
      text += map_.computed[k] != 0 ? painted(style_of(map_.points[k].label), width, size_.colour)
                                    : std::string(static_cast<std::size_t>(width), ' ');
      begin = end;
    }
    return text;
  }

  // The event rate over one axis.
  std::string curve() const {
    double highest = 0.0;
    for (const std::size_t column : columns_) {
      const double rate = map_.points[column].event_frequency_hz;
      if (map_.computed[column] != 0 && std::isfinite(rate)) highest = std::max(highest, rate);
    }
    std::string text = fmt::format("{:>{}}\n", "rate [Hz]", margin);
    for (int row = plot_rows; row >= 0; --row) {
      const bool tick = row % 4 == 0;
      text += fmt::format("{:>{}} {}", tick ? fmt::format("{:.4g}", highest * row / plot_rows) : "", margin - 1,
                          tick ? "+" : "|");
      std::string dots;
      for (const std::size_t column : columns_) {
        const double rate = map_.points[column].event_frequency_hz;
        const bool here = map_.computed[column] != 0 && std::isfinite(rate) && highest > 0.0 &&
                          std::lround(rate / highest * plot_rows) == row;
        dots += std::string(here ? "*" : " ") + std::string(static_cast<std::size_t>(cell_ - 1), ' ');
      }
      dots.erase(dots.find_last_not_of(' ') + 1);
      text += dots + "\n";
    }
    return text;
  }

  std::string bottom() const {
    const MapAxis& axis = map_.description.axes[0];
    std::string ruler(static_cast<std::size_t>(margin + 1), ' ');
    std::string numbers = ruler;
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      const auto place = static_cast<std::size_t>(margin + 1) + k * static_cast<std::size_t>(cell_);
      ruler.resize(std::max(ruler.size(), place + static_cast<std::size_t>(cell_)), '-');
      const std::string text = number(axis.values[columns_[k]], axis);
      // A number where there is room for it, behind the one before.
      if (place % 12 != static_cast<std::size_t>(margin + 1) % 12 || numbers.size() > place) continue;
      ruler[place] = '+';
      numbers.resize(place, ' ');
      numbers += text + " ";
    }
    numbers.erase(numbers.find_last_not_of(' ') + 1);
    return ruler + "\n" + numbers + "  " + axis_name(axis) + "\n";
  }

  std::string legend() const {
    std::string text = "\n";
    const auto known = static_cast<double>(map_.computed_points());
    for (const Style& style : styles) {
      std::int64_t count = 0;
      for (std::size_t k = 0; k < map_.points.size(); ++k) {
        if (map_.computed[k] != 0 && map_.points[k].label == style.label) ++count;
      }
      if (count == 0) continue;
      text += fmt::format("{} {:<12} {:>5.1f} %  {}\n", painted(style, 1, size_.colour),
                          analysis::to_string(style.label), 100.0 * static_cast<double>(count) / known, style.meaning);
    }
    if (const std::int64_t failed = map_.failed_points(); failed > 0) {
      text += fmt::format("{} points could not be simulated; the first {}\n", failed, map_.first_failure);
    }
    const auto empty = static_cast<std::int64_t>(map_.points.size()) - map_.computed_points();
    if (empty > 0) text += fmt::format("{} {}\n", empty, size_.unknown);
    return text;
  }

  const Map& map_;
  const PictureSize& size_;
  std::vector<std::size_t> columns_;
  int cell_ = 1;
};

}  // namespace

const char* meaning_of(Label label) {
  return style_of(label).meaning;
}

char letter_of(Label label) {
  return style_of(label).letter;
}

std::string draw_map(const Map& map, const PictureSize& size) {
  const Picture picture{map, size};
  return map.description.axes.size() > 1 ? picture.plane() : picture.line();
}

}  // namespace thyrode::simulation
