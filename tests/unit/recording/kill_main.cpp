// Kills the recording process at a seeded moment, recovers what it left, and compares with what it had acknowledged.
// recording_kill TRIALS [SEED] [FOLDER]: with a FOLDER the recovered files stay in it.
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <random>
#include <string>

#include "daemon/recording/recovery.hpp"
#include "daemon/recording/run_files.hpp"
#include "tests/unit/recording/moment_of_death.hpp"
#include "tests/unit/recording/recording_support.hpp"

namespace thyrode::recording::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t origin = 5000;
constexpr std::int64_t period = 2500;          // 10 ms
constexpr std::int64_t periods = 300;          // 3 s of device time
constexpr std::int64_t step_periods = 40;      // 0.4 s
constexpr std::int64_t flush_samples = 62500;  // 250 ms
constexpr std::int64_t lost_period = 130;      // one that the link lost
constexpr std::int64_t step_samples = step_periods * period;
constexpr std::int64_t told_ahead = 20;  // periods: how early it is known where the next step begins
constexpr std::int64_t row_late = 5;     // periods of the next step that come before a step's row
constexpr std::int64_t roll_ends = 12;   // periods of the next step after which the old file is finished

/// What is recorded: in one file, or in several of two steps each, the old one finished at once or by another thread.
struct Manner {
  bool rolls = false;
  bool real_time = false;
};

RunDescription full_rate(Manner manner) {
  RunDescription run = description(1, 2);
  run.flush_samples = flush_samples;
  run.roll_samples = manner.rolls ? 2 * step_samples : 0;
  run.device.virtual_time = !manner.real_time;
  return run;
}

std::uint16_t code_at(std::int64_t sample) {
  return static_cast<std::uint16_t>((sample * 2654435761U >> 7) % 4096);
}

/// What both channels send in 10 ms.
std::vector<DeviceMessage> messages_of(std::int64_t number) {
  const std::int64_t first = origin + number * period;
  std::vector<DeviceMessage> all;
  for (std::uint8_t channel = 0; channel < 2; ++channel) {
    if (number == lost_period) {
      all.emplace_back(Gap{Channel{channel}, Sample{first}, Sample{first + period}, period, true});
      continue;
    }
    for (DeviceMessage& message : ten_milliseconds(first, 1, channel)) {
      if (std::holds_alternative<protocol::Mark>(message)) continue;
      if (auto* block = std::get_if<protocol::SampleBlock>(&message)) {
        const auto count = static_cast<std::int64_t>(block->sums.size());
        block->sums = {};
        for (std::int64_t j = 0; j < count; ++j) block->sums.push_back(code_at(block->first.index + j));
      }
      all.push_back(std::move(message));
    }
  }
  all.emplace_back(protocol::Mark{.at = {first + period}, .state = protocol::State::running});
  return all;
}

Sample begin_of(std::int64_t number) {
  return Sample{origin + number * step_samples};
}

/// The row of a step, where its data are.
analysis::StepResult row_of(std::int64_t number) {
  analysis::StepResult row = step(static_cast<int>(number));
  row.start = to_ticks(begin_of(number));
  row.end = to_ticks(begin_of(number + 1));
  return row;
}

analysis::RunResult result_of(int steps) {
  analysis::RunResult whole = result(0);
  for (int k = 0; k < steps; ++k) whole.steps.push_back(row_of(k));
  return whole;
}

void must(const Result<void>& done) {
  if (done) return;
  fmt::print(stderr, "{}\n", done.error().message);
  ::_exit(3);
}

/// A run that says after each flush how far its data are safe.
class Recording {
 public:
  Recording(const std::string& path, Manner manner) : rolls_{manner.rolls} {
    auto made = Recorder::create(path, full_rate(manner));
    if (!made) must(tl::make_unexpected(made.error()));
    recorder_.emplace(*std::move(made));
  }

  void carry_out() {
    for (std::int64_t k = 0; k < periods; ++k) {
      for (const DeviceMessage& message : messages_of(k)) must(recorder_->write(message));
      shared->written = origin + (k + 1) * period;
      // A file begins with nothing but what the old one was flushed for.
      if (rolls_ && k > 0 && k % (2 * step_periods) == 0) acknowledge(origin + k * period);
      if (shared->written - flushed_ >= flush_samples) acknowledge(shared->written);
      at_end_of(k);
    }
    must(recorder_->flush());
    acknowledge(origin + periods * period);
    shared->calls_before = shared->calls.load();
    must(recorder_->finalise(result_of(steps_), "success"));
  }

 private:
  /// What the host does beside the data: at once, or where the run is in several files, as late as it does.
  void at_end_of(std::int64_t k) {
    const std::int64_t late = rolls_ ? row_late : 0;
    if (k + 1 >= step_periods + late && (k + 1) % step_periods == late) row();
    if (!rolls_) return;
    const std::int64_t of_step = k % step_periods;
    const std::int64_t number = k / step_periods;
    if (of_step == step_periods - told_ahead) must(recorder_->step_begins(begin_of(number + 1)));
    const bool last_of_file = number % 2 == 1;
    auto& around = shared->rolls[shared->roll_count];
    if (last_of_file && of_step == step_periods - 2) around[0] = shared->calls;
    if (last_of_file || number == 0 || of_step != roll_ends - 1) return;
    around[1] = shared->calls;
    ++shared->roll_count;
  }

  void row() {
    must(recorder_->add_step(row_of(steps_), histogram(static_cast<std::uint32_t>(steps_)), pairs(steps_)));
    ++steps_;
    acknowledge(shared->written);
    must(recorder_->update_results(result_of(steps_).steps, result(0).fit));
    must(recorder_->rows_told(begin_of(steps_)));
  }

  void acknowledge(std::int64_t until) {
    flushed_ = until;
    shared->acked = until;
    shared->steps = steps_;
  }

  bool rolls_;
  std::optional<Recorder> recorder_;
  std::int64_t flushed_ = origin;
  int steps_ = 0;
};

void record(const std::string& path, Manner manner) {
  Recording{path, manner}.carry_out();
}

void recover_again(const std::string& path) {
  const auto recovered = recover(path);
  if (recovered) return;
  fmt::print(stderr, "{}\n", recovered.error().message);
  ::_exit(4);
}

/// Runs `body` in a process that dies at call `kill_at`. @returns whether it came to its end
template <class Body>
bool survives(std::int64_t kill_at, int how, Body&& body) {
  shared->calls = 0;
  shared->roll_count = 0;
  shared->kill_at = kill_at;
  shared->how = how;
  const pid_t child = ::fork();
  if (child == 0) {
    armed = true;
    body();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return false;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  fmt::print(stderr, "the process ended with status {:#x}\n", status);
  std::exit(1);
}

/// The finished files of a run, in their order.
std::vector<std::string> files_of(const std::string& path) {
  std::vector<std::string> all;
  for (int number = 1; fs::exists(name_of_part(path, number)); ++number) all.push_back(name_of_part(path, number));
  return all;
}

/// Compares the rows in a file with those of the run. @param last  it has those of all
std::string compare_steps(const std::vector<std::string>& files, std::size_t of) {
  const auto record = read_run(files[of]);
  if (!record) return record.error().message;
  if (!record->finalised) return "not finished";
  const bool last = of + 1 == files.size();
  if (!last && record->next_file != fs::path{files[of + 1]}.filename()) return "does not name the next file";
  const auto steps = static_cast<std::int64_t>(record->result.steps.size());
  const std::int64_t told = shared->steps;
  const std::int64_t least = last ? told : std::min(told, 2 * static_cast<std::int64_t>(of + 1));
  if (steps < least) return fmt::format("{} steps of {}", steps, least);
  for (std::int64_t k = 0; k < steps; ++k) {
    const auto home = files.size() > 1 ? std::min(static_cast<std::size_t>(k / 2), of) : of;
    analysis::StepResult wanted = row_of(k);
    if (home < of) wanted.resumed_from = fs::path{files[home]}.filename();
    if (record->result.steps[static_cast<std::size_t>(k)] != wanted) return fmt::format("step {}", k);
    if (home == of && read_isi_counts(files[of], k) != histogram(static_cast<std::uint32_t>(k))) {
      return fmt::format("histogram {}", k);
    }
  }
  return "";
}

/// Compares the trace of a channel with what was written, from a sample on. @returns what is wrong, or empty
std::string compare_trace(const std::string& file, const char* channel, std::int64_t& next) {
  const auto trace = read_trace(file, channel, 0, (periods + 1) * period);
  if (!trace) return "";  // a series without values is taken out
  if (to_sample(trace->first).index != next) {
    return fmt::format("{}: begins at {}, not at {}", channel, to_sample(trace->first).index, next);
  }
  for (std::int64_t k = 0; k < trace->total; ++k, ++next) {
    const float value = trace->values_mv[static_cast<std::size_t>(k)];
    const bool lost = (next - origin) / period == lost_period;
    if (lost ? !std::isnan(value) : trace->code_sum(value) != code_at(next)) {
      return fmt::format("{}: sample {} is {}", channel, next, value);
    }
  }
  return "";
}

std::string compare_spikes(const std::string& file, const char* channel, std::int64_t& next) {
  const auto spikes = read_spikes(file, channel, 0, periods);
  if (!spikes) return spikes.error().message;
  for (const SpikeRow& spike : *spikes) {
    if (next == lost_period) ++next;
    if (spike.index != next || spike.at.count != (origin + next * period) * ticks_per_sample + 1234) {
      return fmt::format("{}: spike {} where {} should be", channel, spike.index, next);
    }
    ++next;
  }
  return "";
}

/// Compares the recovered files of a run with what was acknowledged. @returns what is wrong, or empty
std::string compare(const std::string& path, bool finalising) {
  const std::vector<std::string> files = files_of(path);
  if (files.empty()) return "no file";
  for (std::size_t k = 0; k < files.size(); ++k) {
    if (const std::string wrong = compare_steps(files, k); !wrong.empty()) return files[k] + ": " + wrong;
  }
  for (const char* channel : {"A", "B"}) {
    std::int64_t end = origin;
    std::int64_t spikes = 0;
    for (const std::string& file : files) {
      std::string wrong = compare_trace(file, channel, end);
      if (wrong.empty()) wrong = compare_spikes(file, channel, spikes);
      if (!wrong.empty()) return file + ": " + wrong;
    }
    if (end < shared->acked) return fmt::format("{}: data until {} of {}", channel, end, shared->acked.load());
    if (shared->written - end > flush_samples) {
      return fmt::format("{}: {} samples of the newest data are gone", channel, shared->written - end);
    }
    const std::int64_t whole = (shared->acked - origin) / period;
    if (spikes < whole && !(spikes == lost_period && whole == lost_period + 1)) {
      return fmt::format("{}: spikes until {} of {}", channel, spikes, whole);
    }
  }
  return finalising && shared->acked != origin + periods * period ? "finalise began too early" : "";
}

enum class Stage { recording, finalising, recovering, creating, rolling };
constexpr const char* stage_names[] = {"recording", "finalising", "recovering", "creating", "going on in another file"};

std::string name_of(const std::string& folder, std::uint64_t number) {
  return fmt::format("{}/killed-{:08}.nwb", folder, number);
}

/// How many calls a whole run makes, and how fast it is.
struct Course {
  std::int64_t created = 0;
  std::int64_t recorded = 0;
  std::int64_t all = 0;
  std::vector<std::array<std::int64_t, 2>> rolls;  ///< of a run in several files: calls around each border
};

Course measure(const std::string& folder) {
  Course course;
  const std::string path = name_of(folder, 0);  // as long as the others: the same calls
  survives(-1, 0, [&] {
    const Recording created{folder + "/none.nwb", {}};
    shared->calls_before = shared->calls.load();
  });
  course.created = shared->calls_before;
  const auto begin = std::chrono::steady_clock::now();
  shared->note_risky = true;
  survives(-1, 0, [&] { record(path, {}); });
  shared->note_risky = false;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  course.recorded = shared->calls_before;
  course.all = shared->calls;
  const double megabytes = static_cast<double>(fs::file_size(path)) * 1e-6;
  fmt::print("a run is {:.1f} MB in {} calls, {} of them of finalise, {} risky, {:.0f} MB/s\n", megabytes, course.all,
             course.all - course.recorded, shared->risky_count.load(), megabytes / seconds);
  fs::remove(path);
  fs::remove(folder + "/none.nwb.part");
  survives(-1, 0, [&] { record(path, {.rolls = true}); });
  course.rolls.assign(shared->rolls.begin(), shared->rolls.begin() + static_cast<std::ptrdiff_t>(shared->roll_count));
  const auto files = files_of(path);
  if (files.size() != course.rolls.size() + 1 || course.rolls.empty()) {
    fmt::print(stderr, "{} files, and {} times the recording went on in another one\n", files.size(),
               course.rolls.size());
    std::exit(1);
  }
  for (const std::string& file : files) fs::remove(file);
  return course;
}

/// Call and manner of a death: half of them anywhere, half of them in the middle of a risky call.
std::pair<std::int64_t, int> draw_moment(const Course& course, Stage stage, std::mt19937_64& random) {
  const auto draw = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low));
  };
  if (stage == Stage::rolling) {
    const auto& roll = course.rolls[static_cast<std::size_t>(draw(0, static_cast<std::int64_t>(course.rolls.size())))];
    return {draw(roll[0], roll[1]), static_cast<int>(draw(0, 9))};
  }
  const bool creating = stage == Stage::creating;
  const std::int64_t first = stage == Stage::finalising ? course.recorded : creating ? 0 : course.created;
  const std::int64_t last = stage == Stage::finalising ? course.all : creating ? course.created : course.recorded;
  std::vector<std::int64_t> risky;
  std::copy_if(shared->risky.begin(), shared->risky.begin() + static_cast<std::ptrdiff_t>(shared->risky_count.load()),
               std::back_inserter(risky), [&](std::int64_t call) { return call >= first && call < last; });
  if (risky.empty() || draw(0, 2) == 0) return {draw(first, last), static_cast<int>(draw(0, 9))};
  return {risky[static_cast<std::size_t>(draw(0, static_cast<std::int64_t>(risky.size())))],
          static_cast<int>(draw(2, 9))};
}

bool something_recovering(const std::string& path) {
  const std::string beginning = path + ".recovering";
  const fs::directory_iterator all{fs::path{path}.parent_path()};
  return std::any_of(begin(all), end(all),
                     [&](const auto& entry) { return entry.path().string().starts_with(beginning); });
}

/// Recovers what a killed run of several files has left, the first file first or the last one first.
std::string recover_all(const std::string& path, bool backwards) {
  std::vector<std::string> left;
  for (int number = 1; number < 8; ++number) {
    const std::string name = name_of_part(path, number);
    if (fs::exists(name + ".part")) left.push_back(name);
  }
  if (left.empty()) return "nothing was left to recover";
  if (backwards) std::reverse(left.begin(), left.end());
  for (const std::string& name : left) survives(-1, 0, [&] { recover_again(name); });
  return "";
}

/// Nothing but finished files is there.
bool all_finished(const std::string& path) {
  for (int number = 1; number < 8; ++number) {
    const std::string name = name_of_part(path, number);
    if (something_recovering(name)) return false;
    for (const char* end : {".part", ".part.undo", ".part.making", ".part.last"}) {
      if (fs::exists(name + end)) return false;
    }
  }
  return true;
}

std::string attempt(const std::string& folder, const std::string& path, const Course& course, Stage stage,
                    std::mt19937_64& random) {
  const auto draw = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low));
  };
  const bool finalising = stage == Stage::finalising;
  shared->acked = shared->written = origin;
  shared->steps = 0;
  const auto moment = draw_moment(course, stage, random);
  const bool rolling = stage == Stage::rolling;
  const Manner manner{.rolls = rolling, .real_time = rolling && draw(0, 2) == 0};
  if (survives(moment.first, moment.second, [&] { record(path, manner); })) return "it did not die";
  if (rolling) {
    std::string wrong = recover_all(path, draw(0, 2) == 0);
    if (wrong.empty() && !all_finished(path)) wrong = "something is left beside the files";
    return wrong.empty() ? compare(path, false) : wrong;
  }
  if (stage == Stage::creating && !fs::exists(path + ".part")) return "";  // it had not even its name
  if (!fs::exists(path + ".part")) return compare(path, finalising);       // between the name and the end
  if (stage == Stage::recovering) {
    const std::string other = name_of(folder, 99999999);
    for (const char* end : {".part", ".part.undo", ".part.last"}) {
      if (fs::exists(path + end)) fs::copy_file(path + end, other + end, fs::copy_options::overwrite_existing);
    }
    survives(-1, 0, [&] { recover_again(other); });
    fs::remove(other);
    const std::int64_t calls = shared->calls;
    const std::int64_t at = draw(0, calls);
    const int how = static_cast<int>(draw(0, 9));
    if (survives(at, how, [&] { recover_again(path); })) return "recover did not die";
  }
  if (fs::exists(path + ".part")) survives(-1, 0, [&] { recover_again(path); });
  if (!all_finished(path)) return "something is left beside the file";
  if (stage == Stage::creating && !fs::exists(path)) return "";  // nothing was in it
  return compare(path, finalising);
}

int run(int trials, std::uint64_t seed, const std::string& folder, bool keep) {
  const Course course = measure(folder);
  int bad = 0;
  std::array<int, 5> killed{};
  for (int k = 0; k < trials; ++k) {
    std::mt19937_64 random{seed + static_cast<std::uint64_t>(k)};
    const Stage stage = static_cast<Stage>(std::array{0, 1, 4, 2, 4, 3}[static_cast<std::size_t>(k) % 6]);
    const std::string path = name_of(folder, seed + static_cast<std::uint64_t>(k));
    const std::string wrong = attempt(folder, path, course, stage, random);
    ++killed[static_cast<std::size_t>(stage)];
    if (!wrong.empty()) {
      ++bad;
      fmt::print(stderr, "killed while {}, seed {}: {}\n", stage_names[static_cast<int>(stage)],
                 seed + static_cast<std::uint64_t>(k), wrong);
    } else if (!keep) {
      for (const std::string& file : files_of(path)) fs::remove(file);
    }
  }
  fmt::print(
      "{} of {} recovered with all that was acknowledged ({} killed recording, {} finalising, {} recovering, {} "
      "creating, {} going on in another file)\n",
      trials - bad, trials, killed[0], killed[1], killed[2], killed[3], killed[4]);
  return bad == 0 ? 0 : 1;
}

}  // namespace
}  // namespace thyrode::recording::testing

int main(int argc, char** argv) {
  const int trials = argc > 1 ? std::atoi(argv[1]) : 0;
  if (trials < 1) {
    fmt::print(stderr, "usage: recording_kill TRIALS [SEED] [FOLDER]\n");
    return 2;
  }
  using namespace thyrode::recording::testing;
  shared = new (::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Shared;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  std::string folder = argc > 3 ? argv[3] : (std::filesystem::temp_directory_path() / "thyrode-kill-XXXXXX").string();
  if (argc <= 3 && ::mkdtemp(folder.data()) == nullptr) return 1;
  const int code = run(trials, seed, folder, argc > 3);
  if (argc <= 3) std::filesystem::remove_all(folder);
  return code;
}
