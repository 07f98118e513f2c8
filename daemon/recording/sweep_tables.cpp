#include "daemon/recording/sweep_tables.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/recording/layout.hpp"
#include "daemon/recording/readback.hpp"
#include "daemon/recording/row_writer.hpp"

namespace thyrode::recording {
namespace {

using analysis::Bracket;
using analysis::HysteresisLoop;
using analysis::Label;
using analysis::Precursor;
using analysis::RateComparison;
using analysis::RowGroup;
using analysis::Transition;

constexpr std::string_view condition_prefix = "condition_";

std::string path_of(const char* name) {
  return std::string{layout::module} + "/" + name;
}

/// Columns of a table, read when they are asked for.
class Reader {
 public:
  Reader(hid_t file, const char* name) : file_{file}, path_{path_of(name)} {
    if (!h5::exists(file, path_)) return;
    rows_ = table_rows(file, path_);
    for (const std::string& column : read_texts_attribute(file, path_, "colnames")) {
      if (column.starts_with(condition_prefix)) conditions_.push_back(column.substr(condition_prefix.size()));
    }
  }

  std::int64_t rows() const { return rows_; }
  double real(const std::string& name, std::int64_t row) const {
    return read_column<double>(file_, path_ + "/" + name, row, 1).front();
  }
  std::optional<double> defined(const std::string& name, std::int64_t row) const {
    const double value = real(name, row);
    return std::isnan(value) ? std::nullopt : std::optional{value};
  }
  std::int64_t integer(const std::string& name, std::int64_t row) const {
    return read_column<std::int64_t>(file_, path_ + "/" + name, row, 1).front();
  }
  bool flag(const std::string& name, std::int64_t row) const { return integer(name, row) != 0; }
  std::string text(const std::string& name, std::int64_t row) const {
    return read_texts(file_, path_ + "/" + name, rows_).at(static_cast<std::size_t>(row));
  }
  Label label(const std::string& name, std::int64_t row) const {
    const std::string word = text(name, row);
    for (int k = 0; k <= static_cast<int>(Label::undetermined); ++k) {
      if (word == analysis::to_string(static_cast<Label>(k))) return static_cast<Label>(k);
    }
    raise(ErrorKind::bad_input,
          path_ + "/" + name + " holds the word '" + word + "', which this version does not know: use a newer version");
  }
  std::optional<Bracket> bracket(const std::string& name, std::int64_t row) const {
    const auto low = defined(name + "_low_ua", row);
    const auto high = defined(name + "_high_ua", row);
    return low && high ? std::optional(Bracket{*low, *high}) : std::nullopt;
  }
  RowGroup group(std::int64_t row) const {
    RowGroup group{static_cast<int>(integer("channel", row)), {}};
    for (const std::string& name : conditions_) {
      if (const auto value = defined(std::string{condition_prefix} + name, row)) group.conditions[name] = *value;
    }
    return group;
  }

 private:
  hid_t file_;
  std::string path_;
  std::int64_t rows_ = 0;
  std::vector<std::string> conditions_;
};

template <class T>
std::set<std::string> conditions_of(const std::vector<T>& list) {
  std::set<std::string> names;
  for (const T& item : list) {
    for (const auto& [name, value] : item.group.conditions) names.insert(name);
  }
  return names;
}

void write(RowWriter& w, const Transition& t) {
  w.integer("leg", "0 is the first sweep direction, 1 the second", t.leg);
  w.bracket("bracket", "currents between which it lies, uA", t.bracket);
  w.text("below", "phase at the lower current", to_string(t.below));
  w.text("above", "phase at the higher current", to_string(t.above));
  w.flag("jump", "1: f is not continuous", t.jump);
  w.real("ln_ratio", "ln of f above over f below; NaN is undefined", t.ln_ratio.value);
  w.real("ln_ratio_low", "lower end of the 95 % interval", t.ln_ratio.low);
  w.real("ln_ratio_high", "upper end of the 95 % interval", t.ln_ratio.high);
  w.real("beta_n_at_least_per_ua", "|beta_n| reaches it between the currents, 1/uA; NaN is undefined",
         t.beta_n_at_least_per_ua);
}

void write(RowWriter& w, const HysteresisLoop& loop) {
  w.text("below", "phase at the lower current", to_string(loop.below));
  w.text("above", "phase at the higher current", to_string(loop.above));
  w.bracket("up", "where the sweep upwards crossed, uA", loop.up);
  w.bracket("down", "where the sweep downwards crossed, uA", loop.down);
  w.bracket("up_again", "where the second sweep upwards crossed, uA; NaN: there was none", loop.up_again);
  w.real("width_ua", "distance of the middles, uA", loop.width_ua);
  w.real("half_range_ua", "of the width, uA", loop.half_range_ua);
  w.flag("hysteretic", "1: the directions differ and the sweeps upwards do not", loop.hysteretic);
  w.flag("drift_separated", "1: a second sweep upwards was there", loop.drift_separated);
}

void write(RowWriter& w, const RateComparison& rates) {
  w.integer("currents", "number compared", rates.currents);
  w.real("chi2", "of ln f down - ln f up", rates.chi2);
  w.real("p", "chance of it without hysteresis", rates.p);
  w.flag("differs", "1: p is below 0.01", rates.differs);
  w.flag("drift_separated", "1: drift between two sweeps upwards was taken off", rates.drift_separated);
}

void write(RowWriter& w, const Precursor& p) {
  w.integer("leg", "0 is the first sweep direction, 1 the second", p.leg);
  w.bracket("range", "first and last current that stand out, uA", p.range);
  w.real("current_ua", "where it stands out most, uA", p.current_ua);
  w.real("beta_n_per_ua", "there, 1/uA", p.beta_n_per_ua);
  w.real("reference_per_ua", "beta_n that was to be expected there, 1/uA", p.reference_per_ua);
  w.real("deviations", "difference in standard deviations", p.deviations);
  w.text("reference", "lif or neighbours", to_string(p.reference));
}

template <class T>
void write_list(Builder& builder, const char* name, const char* description, const std::vector<T>& list) {
  const std::string path = path_of(name);
  if (h5::exists(builder.file(), path)) builder.remove(path);
  if (list.empty()) return;
  RowWriter writer{builder, name, description};
  const auto conditions = conditions_of(list);
  for (const T& item : list) {
    writer.group(item.group, conditions);
    write(writer, item);
  }
  writer.finish(list.size());
}

}  // namespace

void write_sweep_tables(Builder& builder, const analysis::SweepFit& fit) {
  write_list(builder, "transitions", "Where the phase changes or f jumps along a sweep direction.", fit.transitions);
  write_list(builder, "loops", "Borders that a sweep upwards and one downwards both crossed.", fit.loops);
  write_list(builder, "rate_comparisons", "Whether rates depend on the direction of the sweep.", fit.rates);
  write_list(builder, "precursors", "Neighbouring steps whose beta_n stands out.", fit.precursors);
}

void read_sweep_tables(hid_t file, analysis::SweepFit& fit) {
  const Reader transitions{file, "transitions"};
  for (std::int64_t k = 0; k < transitions.rows(); ++k) {
    const Reader& r = transitions;
    fit.transitions.push_back({r.group(k),
                               static_cast<int>(r.integer("leg", k)),
                               r.bracket("bracket", k).value_or(Bracket{}),
                               r.label("below", k),
                               r.label("above", k),
                               r.flag("jump", k),
                               {r.defined("ln_ratio", k), r.defined("ln_ratio_low", k), r.defined("ln_ratio_high", k)},
                               r.defined("beta_n_at_least_per_ua", k)});
  }
  const Reader loops{file, "loops"};
  for (std::int64_t k = 0; k < loops.rows(); ++k) {
    fit.loops.push_back({loops.group(k), loops.label("below", k), loops.label("above", k),
                         loops.bracket("up", k).value_or(Bracket{}), loops.bracket("down", k).value_or(Bracket{}),
                         loops.bracket("up_again", k), loops.real("width_ua", k), loops.real("half_range_ua", k),
                         loops.flag("hysteretic", k), loops.flag("drift_separated", k)});
  }
  const Reader rates{file, "rate_comparisons"};
  for (std::int64_t k = 0; k < rates.rows(); ++k) {
    fit.rates.push_back({rates.group(k), static_cast<int>(rates.integer("currents", k)), rates.real("chi2", k),
                         rates.real("p", k), rates.flag("differs", k), rates.flag("drift_separated", k)});
  }
  const Reader precursors{file, "precursors"};
  for (std::int64_t k = 0; k < precursors.rows(); ++k) {
    const Reader& r = precursors;
    const auto reference =
        r.text("reference", k) == "lif" ? Precursor::Reference::lif : Precursor::Reference::neighbours;
    fit.precursors.push_back({r.group(k), static_cast<int>(r.integer("leg", k)),
                              r.bracket("range", k).value_or(Bracket{}), r.real("current_ua", k),
                              r.real("beta_n_per_ua", k), r.real("reference_per_ua", k), r.real("deviations", k),
                              reference});
  }
}

}  // namespace thyrode::recording
