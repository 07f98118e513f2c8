// rerun: what a recording tells of its run, for a run that repeats it.

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "daemon/recording/reader.hpp"
#include "daemon/thyrode_control.hpp"
#include "daemon/thyrode_replay.hpp"
#include "daemon/thyrode_resume.hpp"
#include "daemon/thyrode_store.hpp"

namespace thyrode::program {

using experiment::OperatorRequest;

RecordedAnswers::RecordedAnswers(const std::vector<OperatorRequest>& requests) {
  std::copy_if(requests.begin(), requests.end(), std::back_inserter(answers_), [](const OperatorRequest& request) {
    return request.kind == OperatorRequest::Kind::answer_yes || request.kind == OperatorRequest::Kind::answer_no;
  });
}

bool RecordedAnswers::answer(experiment::Bench& bench, const experiment::Event& event) {
  const auto* asked = std::get_if<experiment::Asked>(&event);
  if (asked == nullptr || next_ == answers_.size()) return false;
  const OperatorRequest& answer = answers_[next_++];
  const bool yes = answer.kind == OperatorRequest::Kind::answer_yes;
  const std::string told = !yes ? "no" : answer.value ? fmt::format("{:.6g} (SI)", *answer.value) : "yes";
  fmt::print(stderr, "thyrode: {} {}, as in the recording\n", question_text(asked->question), told);
  bench.answer(yes, answer.value);
  return true;
}

Result<Rerun> load_rerun(const RunOptions& options) {
  auto record = recording::read_run(options.rerun);
  if (!record) return tl::make_unexpected(record.error());
  auto job = recorded_job(*record, options.rerun, options.device);
  if (!job) return tl::make_unexpected(job.error());
  Rerun rerun{std::move(*job), options, {}};
  if (options.answers.empty()) {
    const auto requests = recorded_requests(options.rerun);
    if (!requests) return tl::make_unexpected(requests.error());
    rerun.answers = RecordedAnswers{*requests};
  }
  if (options.device.empty()) rerun.options.recorded_calibration = record->calibration_yaml;
  if (rerun.job.uri.starts_with("sim:")) {
    if (!options.seed) rerun.options.seed = record->result.seed;
    if (record->emulated) {
      rerun.options.noise = record->emulated->noise;
      rerun.options.spread = record->emulated->spread;
    }
  }
  if (options.out.empty()) rerun.options.out = next_name(options.rerun);
  return rerun;
}

}  // namespace thyrode::program
