// Any bytes as a station, an experiment and a neuron file: an answer, or one line that names its place.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/experiment/load/checks.hpp"
#include "daemon/experiment/load/neuron_file.hpp"

namespace {

using namespace thyrode;

void demand(bool condition) {
  if (!condition) std::abort();
}

template <class T>
void check_answer(const Result<T>& answer) {
  if (answer) return;
  const std::string_view message = answer.error().message;
  demand(answer.error().kind == ErrorKind::bad_input);
  demand(message.starts_with("f:") && message.find('\n') == std::string_view::npos);
}

const load::Station& wide_station() {
  static const auto station = load::parse_station(
      "schema: thyrode.station/1\ndevice: sim:x\nchannels: {A: {limits: [-100 mA, 100 mA]}}\n"
      "safety: {max_charge: 1 C/s}\n",
      "s");
  demand(station.has_value());
  return *station;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_answer(load::parse_station(text, "f"));
  check_answer(load::parse_neuron_file(text, "f"));
  const auto experiment = load::parse_experiment(text, "f");
  check_answer(experiment);
  if (experiment && load::check_against(*experiment, wide_station())) {
    const load::PlanSummary summary = load::summarize(*experiment, wide_station());
    demand(summary.most_steps > 0 && summary.bytes > 0.0);
  }
  return 0;
}
