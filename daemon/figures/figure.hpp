// A figure: what a paper shows, the experiments that show it here, and the checks that compare the two.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/experiment/load/experiment.hpp"
#include "daemon/experiment/load/source.hpp"
#include "daemon/figures/document_path.hpp"
#include "daemon/figures/unit.hpp"
#include "drivers/result.hpp"

namespace thyrode::figures {

/// One measurement of a figure.
struct FigureRun {
  std::string name;
  std::size_t experiment = 0;  ///< index into Figure::experiments
  std::string device;          ///< URI; a file of sim: is looked for from the figure's folder
  std::uint64_t seed = 1;
  bool noise = true;
};

/// What becomes one number of the values that a path leads to.
enum class Take : std::uint8_t { one, max, min, count, ratio };

/// One line of the table: a value of a run and what it must be.
struct Check {
  std::string what;   ///< in words
  std::string paper;  ///< what was published, in words
  std::size_t run = 0;
  DocumentPath value;
  Take take = Take::one;
  std::optional<DocumentPath> per;  ///< what the value is divided by, taken as `take` says
  Unit unit;                        ///< of the value and of low and high
  std::optional<double> low, high;
  std::optional<std::string> word;    ///< the value must be this text
  std::string wanted;                 ///< the same as text: "1361 Hz +- 5 %", "FS"
  std::optional<double> paper_error;  ///< how well the published value is known, half a width in the unit of low
  std::string paper_error_text;       ///< the same as it is written: "0.5 Hz"
  std::string place;                  ///< "checks[3]", for Figure::source

  /// Whether more is allowed than the published value is known to.
  bool wider_than_paper() const;
};

struct Figure {
  std::string name;
  std::string title;
  std::string shows;  ///< in words
  std::vector<FigureRun> runs;
  std::vector<Check> checks;
  std::vector<load::Experiment> experiments;
  load::Source source;
};

/// Reads a figure: YAML documents, separated by lines "---". The first has schema thyrode.figure/1 and the keys name,
/// title, shows, runs: {NAME: {experiment: NAME, device: URI, seed: 1, noise: on}} and checks: a list of {what, paper,
/// of: RUN, value: PATH, take: one | max | min | count | ratio, per: PATH, and one of between: [A, B], near: A with
/// within: TOLERANCE, equals, at_least, at_most}; paper_error: ERROR beside near or between says how well the published
/// value is known. Quantities carry the unit that the name at the end of the path has (unit_of()). TOLERANCE and ERROR
/// are such a quantity or a share, and no larger than the value. Each further document is an experiment
/// (thyrode.experiment/1) that asks no operator.
///
/// A path reads from the result document of its run (thyrode.result/1); one that begins with `statistics` from that of
/// `thyrode analyze` on its recording.
/// @param folder  where files of `sim:` devices and of experiments are looked for
/// Errors: bad_input, "file:line:column: what is wrong; what would be right"; the lines are those of the whole file.
Result<Figure> parse_figure(std::string_view text, std::string_view file_name, const std::string& folder);
/// The same from a file.
Result<Figure> load_figure(const std::string& path);

}  // namespace thyrode::figures
