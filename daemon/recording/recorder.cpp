#include "daemon/recording/recorder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/recording/file_access.hpp"
#include "daemon/recording/layout.hpp"
#include "daemon/recording/message_split.hpp"
#include "daemon/recording/part.hpp"
#include "daemon/recording/run_files.hpp"
#include "daemon/recording/skeleton.hpp"
#include "daemon/recording/written_messages.hpp"

namespace thyrode::recording {
namespace {

namespace fs = std::filesystem;

}  // namespace

/// The files of a run, of which one is written; while it goes over to the next one, two.
class Recorder::Impl {
 public:
  Impl(const std::string& path, const RunDescription& run) : run_{run}, first_{path}, seen_{run.device.now} {
    current_ = std::make_unique<Part>(path, run, first_part(run, fs::absolute(path).string()), earlier_);
  }

  ~Impl() {
    if (!broken_) return;
    current_->give_up();
    if (old_) old_->give_up();
  }

  /// Runs a change; its first failure is the answer to everything that follows.
  template <class Change>
  Result<void> change(Change&& body) {
    if (broken_) return tl::make_unexpected(*broken_);
    if (!current_->writable()) return fail(ErrorKind::run_failed, path() + ": the recording is finished already");
    Result<void> done = guarded([&] {
      const Part* before = current_.get();
      const std::int64_t flushes = current_->streams().flushes();
      body();
      const bool same = current_.get() == before && current_->writable();
      if (!same || current_->streams().flushes() == flushes) return;
      // What comes late for the old file is as safe as what comes for the new one.
      if (old_) old_->streams().flush();
      check_still_there();
    });
    if (!done) broken_ = done.error();
    return done;
  }

  void write(const DeviceMessage& message) {
    if (const auto* mark = std::get_if<protocol::Mark>(&message)) seen_ = std::max(seen_, mark->at);
    if (!split_at_) {
      current_->streams().write(message);
      return;
    }
    const SplitMessage split = split_message(message, *split_at_, seen_);
    if (split.before) (old_ ? *old_ : *current_).streams().write(*split.before);
    if (split.after && !old_) open_next();
    if (split.after) current_->streams().write(*split.after);
    close_old_if_due();
  }

  void step_begins(Sample at) {
    const bool may = run_.roll_samples > 0 && !split_at_;
    if (!may || at - current_->mark().first < run_.roll_samples) return;
    // All that came lies before the next mark, a period after the last one.
    if (at - seen_ < level_stride(run_.device)) return;
    split_at_ = at;
    // A snippet is whole some milliseconds after its spike.
    late_ = at + 10 * level_stride(run_.device);
  }

  void rows_told(Sample before) {
    if (!split_at_ || before < *split_at_) return;
    give_rows();
    close_old_if_due();
  }

  void add_step(const analysis::StepResult& step, std::span<const std::uint32_t> isi_counts,
                const analysis::PairCorrelation& pairs) {
    if (split_at_ && to_sample(step.start) >= *split_at_) give_rows();
    table().add_step(step, isi_counts, pairs);
    rows_.push_back(step);
    if (old_ && !rows_given_) current_->streams().flush();
  }

  void update_results(std::span<const analysis::StepResult> steps, const analysis::SweepFit& fit) {
    rows_.assign(steps.begin(), steps.end());
    fit_ = fit;
    table().update_results(steps, fit);
  }

  void update_link(const LinkCounters& counters) { current_->streams().update_link(counters); }

  void add(const RecordedOrder& order) {
    const bool ahead = split_at_ && order.at >= *split_at_;
    if (ahead && !old_) open_next();
    (old_ && !ahead ? *old_ : *current_).streams().add(order);
  }

  void add(const RecordedRequest& request) {
    (old_ && request.after < *split_at_ ? *old_ : *current_).streams().add(request);
  }

  std::vector<DeviceMessage> read_back(Channel channel, Sample from, Sample until) {
    auto messages = current_->read_back(channel, from, until);
    const auto add = [&](const std::vector<DeviceMessage>& more) {
      messages.insert(messages.end(), more.begin(), more.end());
    };
    if (old_) add(old_->read_back(channel, from, until));
    const std::size_t closed = earlier_.size() - (old_ ? 1 : 0);
    for (std::size_t k = 0; k < closed; ++k) {
      if (from >= first_of(static_cast<int>(k) + 2)) continue;
      wait_for_finished();
      const h5::Handle file = open_for_reading(beside(earlier_[k].name));
      add(read_messages(file.get(), run_, channel, from, until));
    }
    return messages;
  }

  void flush() {
    if (old_) old_->streams().flush();
    current_->streams().flush();
    if (finishing_ && finishing_->wait_for(std::chrono::seconds{0}) == std::future_status::ready) wait_for_finished();
  }

  void finalise(analysis::RunResult result, const std::string& exit_status, const std::string& finished) {
    if (old_) give_rows();
    if (old_) close_old();
    name_sources(result.steps, current_->mark().number);
    current_->close();
    current_->finish(result, exit_status, finished, "");
    wait_for_finished();
  }

  void discard() { current_->discard(); }

  const std::string& path() const { return current_->path(); }
  std::vector<std::string> paths() const {
    std::vector<std::string> all;
    for (const EarlierPart& part : earlier_) all.push_back(beside(part.name));
    all.push_back(path());
    return all;
  }

 private:
  std::string beside(const std::string& name) const { return (fs::path{first_}.parent_path() / name).string(); }

  void check_still_there() const {
    current_->check_still_there();
    if (old_) old_->check_still_there();
  }

  void open_next() {
    // What came so far is safe whatever happens to the next file.
    current_->streams().flush();
    PartMark mark = current_->mark();
    earlier_.push_back({current_->name(), mark.first});
    mark.number += 1;
    mark.first = *split_at_;
    auto next = std::make_unique<Part>(name_of_part(first_, mark.number), run_, mark, earlier_);
    next->streams().go_on_from(current_->streams(), mark.first);
    old_ = std::exchange(current_, std::move(next));
    rows_given_ = false;
  }

  /// Says of each step in which file its data are, for the table of one file.
  void name_sources(std::vector<analysis::StepResult>& steps, int number) const {
    for (analysis::StepResult& step : steps) {
      if (!step.resumed_from.empty()) continue;
      int of = 1;
      const int last = current_->mark().number;
      while (of < last && to_sample(step.start) >= first_of(of + 1)) ++of;
      if (of < number) step.resumed_from = earlier_[static_cast<std::size_t>(of - 1)].name;
    }
  }
  Sample first_of(int number) const {
    const auto k = static_cast<std::size_t>(number - 1);
    return k < earlier_.size() ? earlier_[k].first : current_->mark().first;
  }

  /// Where the next row goes.
  Streams& table() { return (old_ && !rows_given_ ? *old_ : *current_).streams(); }

  /// The last row of the old file is there: the new one gets all rows so far, and takes those to come. Its data may
  /// still be on their way.
  void give_rows() {
    if (!old_) open_next();
    if (std::exchange(rows_given_, true)) return;
    std::vector<analysis::StepResult> rows = rows_;
    name_sources(rows, current_->mark().number);
    current_->streams().add_earlier(rows);
    current_->streams().update_results(rows, fit_);
  }

  void close_old_if_due() {
    if (old_ && rows_given_ && seen_ >= late_) close_old();
  }

  /// Nothing more comes for the old file.
  void close_old() {
    analysis::RunResult result;
    const auto told = static_cast<std::ptrdiff_t>(std::min(old_->streams().steps(), rows_.size()));
    result.steps.assign(rows_.begin(), rows_.begin() + told);
    result.fit = fit_;
    result.integrity = old_->streams().integrity();
    name_sources(result.steps, old_->mark().number);
    wait_for_finished();
    old_->close();
    split_at_.reset();
    finish_old(std::move(result));
  }

  /// In real time data go on coming meanwhile, so another thread does it; in virtual time the device waits.
  void finish_old(analysis::RunResult result) {
    const std::string next = current_->name();
    auto work = [part = std::shared_ptr<Part>{std::move(old_)}, result = std::move(result), next]() -> Result<void> {
      return guarded([&] { part->finish(result, "continued", {}, next); });
    };
    hbool_t shareable = false;
    H5is_library_threadsafe(&shareable);
    const bool beside = !run_.device.virtual_time && shareable;
    finishing_ = std::async(beside ? std::launch::async : std::launch::deferred, std::move(work));
    if (!beside) wait_for_finished();
  }

  void wait_for_finished() {
    if (!finishing_) return;
    const Result<void> done = finishing_->get();
    finishing_.reset();
    if (!done) throw Failure{done.error()};
  }

  RunDescription run_;
  std::string first_;                 ///< name of the first file
  std::vector<EarlierPart> earlier_;  ///< files before current_
  std::unique_ptr<Part> current_;
  std::unique_ptr<Part> old_;               ///< takes what lies before split_at_, until its last row is there
  std::optional<Sample> split_at_;          ///< from here on the data go into the next file
  Sample late_;                             ///< nothing that lies before split_at_ comes after this
  bool rows_given_ = false;                 ///< of all steps before split_at_, to current_, which takes all later ones
  Sample seen_;                             ///< the latest mark
  std::vector<analysis::StepResult> rows_;  ///< of the whole run
  analysis::SweepFit fit_;
  std::optional<std::future<Result<void>>> finishing_;
  std::optional<Error> broken_;
};

Recorder::Recorder(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Recorder::Recorder(Recorder&&) noexcept = default;
Recorder& Recorder::operator=(Recorder&&) noexcept = default;
Recorder::~Recorder() = default;

Result<Recorder> Recorder::create(const std::string& path, RunDescription description) {
  return guarded([&] {
    check_description(description);
    check_place(path, description.expected_bytes);
    return Recorder{std::make_unique<Impl>(path, description)};
  });
}

Result<void> Recorder::write(const DeviceMessage& message) {
  return impl_->change([&] { impl_->write(message); });
}

Result<void> Recorder::step_begins(Sample at) {
  return impl_->change([&] { impl_->step_begins(at); });
}

Result<void> Recorder::rows_told(Sample before) {
  return impl_->change([&] { impl_->rows_told(before); });
}

Result<void> Recorder::add_step(const analysis::StepResult& step, std::span<const std::uint32_t> isi_counts,
                                const analysis::PairCorrelation& pairs) {
  return impl_->change([&] { impl_->add_step(step, isi_counts, pairs); });
}

Result<void> Recorder::update_results(std::span<const analysis::StepResult> steps, const analysis::SweepFit& fit) {
  return impl_->change([&] { impl_->update_results(steps, fit); });
}

Result<void> Recorder::update_link(const LinkCounters& counters) {
  return impl_->change([&] { impl_->update_link(counters); });
}

Result<void> Recorder::add(const RecordedOrder& order) {
  return impl_->change([&] { impl_->add(order); });
}

Result<void> Recorder::add(const RecordedRequest& request) {
  return impl_->change([&] { impl_->add(request); });
}

Result<std::vector<DeviceMessage>> Recorder::read_back(Channel channel, Sample from, Sample until) {
  std::vector<DeviceMessage> messages;
  auto done = impl_->change([&] { messages = impl_->read_back(channel, from, until); });
  if (!done) return tl::make_unexpected(done.error());
  return messages;
}

Result<void> Recorder::flush() {
  return impl_->change([&] { impl_->flush(); });
}

Result<void> Recorder::finalise(const analysis::RunResult& result, const std::string& exit_status,
                                const std::string& finished) {
  return impl_->change([&] { impl_->finalise(result, exit_status, finished); });
}

void Recorder::discard() {
  impl_->discard();
}

const std::string& Recorder::path() const {
  return impl_->path();
}

std::vector<std::string> Recorder::paths() const {
  return impl_->paths();
}

}  // namespace thyrode::recording
