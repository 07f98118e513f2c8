// Kills the recording process at a seeded moment, recovers what it left, and compares with what it had acknowledged.
// recording_kill TRIALS [SEED] [FOLDER]: with a FOLDER the recovered files stay in it.
//
// A moment is one call of the operating system that changes a file: the process dies before it, after it, or in the
// middle of it, where the system may cut it: at the border of a page. All that a file can ever look like lies at such a
// moment.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>

#include "daemon/recording/recovery.hpp"
#include "tests/unit/recording/recording_support.hpp"

namespace {

/// Shared by the program and the processes that it kills.
struct Shared {
  std::atomic<std::int64_t> calls{0};         ///< that changed files
  std::atomic<std::int64_t> calls_before{0};  ///< finalise() began
  std::int64_t kill_at = -1;                  ///< number of the call; -1 never
  int how = 0;                                ///< 0 before it, 1 after it, else cut after so many eighths
  std::atomic<std::int64_t> written{0};       ///< end of the data handed over, samples
  std::atomic<std::int64_t> acked{0};         ///< end of the data acknowledged as flushed, samples
  std::atomic<std::int64_t> steps{0};         ///< acknowledged
  /// Numbers of the calls that may leave a piece of the file's structure cut in two: those announced in the slot.
  std::array<std::int64_t, 20000> risky{};
  std::atomic<std::size_t> risky_count{0};
  bool note_risky = false;
};

Shared* shared = nullptr;
bool armed = false;  ///< in the process that is to die

void die() {
  ::syscall(SYS_kill, ::getpid(), SIGKILL);
  while (true) ::pause();
}

/// Carries a call out, unless it is the one to die at. @param part  the call with so many eighths of its bytes
template <class Call, class Part>
auto at_moment(Call&& call, Part&& part) {
  if (!armed) return call();
  const std::int64_t number = shared->calls.fetch_add(1);
  const bool last = number == shared->kill_at;
  if (last && shared->how > 1) part(shared->how);
  if (last && shared->how != 1) die();
  const auto result = call();
  if (last) die();
  return result;
}

void nothing(int) {}

constexpr size_t slot_head_bytes = 16;  // a write that is announced has been put into the slot before

/// Bytes of a write that is cut at the last border of a page before so many eighths of it.
size_t cut_at_page(off_t at, size_t bytes, int eighths) {
  constexpr auto page = static_cast<off_t>(4096);
  const off_t border = (at + static_cast<off_t>(bytes * static_cast<size_t>(eighths) / 8)) / page * page;
  return border > at ? static_cast<size_t>(border - at) : 0;
}

}  // namespace

// The libraries call these instead of those of the system.
extern "C" {

ssize_t pwrite64(int file, const void* data, size_t bytes, off64_t at) {
  const auto write = [&](size_t n) { return static_cast<ssize_t>(::syscall(SYS_pwrite64, file, data, n, at)); };
  static size_t before = 0;
  if (armed && shared->note_risky && before == bytes + slot_head_bytes) {
    const size_t k = shared->risky_count;
    if (k < shared->risky.size()) shared->risky[k] = shared->calls;
    if (k < shared->risky.size()) ++shared->risky_count;
  }
  before = bytes;
  return at_moment([&] { return write(bytes); }, [&](int eighths) { write(cut_at_page(at, bytes, eighths)); });
}

ssize_t pwrite(int file, const void* data, size_t bytes, off_t at) {
  return pwrite64(file, data, bytes, at);
}

ssize_t write(int file, const void* data, size_t bytes) {
  const auto put = [&](size_t n) { return static_cast<ssize_t>(::syscall(SYS_write, file, data, n)); };
  return at_moment([&] { return put(bytes); }, [&](int eighths) { put(cut_at_page(0, bytes, eighths)); });
}

ssize_t sendfile64(int out, int in, off64_t* at, size_t bytes) {
  const auto send = [&](size_t n) { return static_cast<ssize_t>(::syscall(SYS_sendfile, out, in, at, n)); };
  return at_moment([&] { return send(bytes); }, [&](int eighths) { send(cut_at_page(0, bytes, eighths)); });
}

ssize_t sendfile(int out, int in, off_t* at, size_t bytes) {
  return sendfile64(out, in, at, bytes);
}

int ftruncate64(int file, off64_t bytes) noexcept {
  return at_moment([&] { return static_cast<int>(::syscall(SYS_ftruncate, file, bytes)); }, nothing);
}

int ftruncate(int file, off_t bytes) noexcept {
  return ftruncate64(file, bytes);
}

int rename(const char* from, const char* to) noexcept {
  return at_moment([&] { return static_cast<int>(::syscall(SYS_rename, from, to)); }, nothing);
}

int remove(const char* path) noexcept {
  return at_moment(
      [&] {
        const auto gone = static_cast<int>(::syscall(SYS_unlink, path));
        return gone == 0 ? gone : static_cast<int>(::syscall(SYS_rmdir, path));
      },
      nothing);
}

int fsync(int file) {
  return at_moment([&] { return static_cast<int>(::syscall(SYS_fsync, file)); }, nothing);
}
}

namespace thyrode::recording::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t origin = 5000;
constexpr std::int64_t period = 2500;          // 10 ms
constexpr std::int64_t periods = 300;          // 3 s of device time
constexpr std::int64_t step_periods = 40;      // 0.4 s
constexpr std::int64_t flush_samples = 62500;  // 250 ms
constexpr std::int64_t lost_period = 130;      // one that the link lost

RunDescription full_rate() {
  RunDescription run = description(1, 2);
  run.flush_samples = flush_samples;
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

void must(const Result<void>& done) {
  if (done) return;
  fmt::print(stderr, "{}\n", done.error().message);
  ::_exit(3);
}

/// Records, and says after each flush how far the data are safe.
void record(const std::string& path) {
  auto recorder = Recorder::create(path, full_rate());
  if (!recorder) must(tl::make_unexpected(recorder.error()));
  std::int64_t flushed = origin;
  int steps = 0;
  const auto acknowledge = [&](std::int64_t until) {
    flushed = until;
    shared->acked = until;
    shared->steps = steps;
  };
  for (std::int64_t k = 0; k < periods; ++k) {
    const std::int64_t until = origin + (k + 1) * period;
    for (const DeviceMessage& message : messages_of(k)) must(recorder->write(message));
    shared->written = until;
    if (until - flushed >= flush_samples) acknowledge(until);
    if ((k + 1) % step_periods != 0) continue;
    must(recorder->add_step(step(steps), histogram(static_cast<std::uint32_t>(steps)), pairs(steps)));
    ++steps;
    acknowledge(until);
    must(recorder->update_results(result(steps).steps, result(steps).fit));
  }
  must(recorder->flush());
  acknowledge(origin + periods * period);
  shared->calls_before = shared->calls.load();
  must(recorder->finalise(result(steps), "success"));
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

/// Compares a recovered file with what was acknowledged. @returns what is wrong, or empty
std::string compare(const std::string& path, bool finalising) {
  const auto record = read_run(path);
  if (!record) return record.error().message;
  if (!record->finalised) return "not finished";
  const auto steps = static_cast<std::int64_t>(record->result.steps.size());
  if (steps < shared->steps) return fmt::format("{} steps of {}", steps, shared->steps.load());
  for (std::int64_t k = 0; k < steps; ++k) {
    if (read_isi_counts(path, k) != histogram(static_cast<std::uint32_t>(k))) return fmt::format("histogram {}", k);
    const analysis::StepResult wanted = step(static_cast<int>(k));
    if (record->result.steps[static_cast<std::size_t>(k)] != wanted) return fmt::format("step {}", k);
  }
  for (const char* channel : {"A", "B"}) {
    auto trace = read_trace(path, channel, 0, (periods + 1) * period);
    if (!trace && shared->acked > origin) return trace.error().message;
    if (!trace) trace = Trace{};  // a series without values is taken out
    const std::int64_t end = origin + trace->total;
    if (end < shared->acked) return fmt::format("{}: data until {} of {}", channel, end, shared->acked.load());
    if (shared->written - end > flush_samples) {
      return fmt::format("{}: {} samples of the newest data are gone", channel, shared->written - end);
    }
    for (std::int64_t k = 0; k < trace->total; ++k) {
      const float value = trace->values_mv[static_cast<std::size_t>(k)];
      if (k / period == lost_period ? !std::isnan(value) : trace->code_sum(value) != code_at(origin + k)) {
        return fmt::format("{}: sample {} is {}", channel, k, value);
      }
    }
    const auto spikes = read_spikes(path, channel, 0, periods);
    if (!spikes) return spikes.error().message;
    const std::int64_t whole = (shared->acked - origin) / period;
    const std::int64_t wanted = whole - (whole > lost_period ? 1 : 0);
    if (static_cast<std::int64_t>(spikes->size()) < wanted) {
      return fmt::format("{}: {} spikes of {}", channel, spikes->size(), wanted);
    }
    for (std::size_t k = 0; k < spikes->size(); ++k) {
      const std::int64_t number = static_cast<std::int64_t>(k) + (static_cast<std::int64_t>(k) >= lost_period ? 1 : 0);
      if ((*spikes)[k].index != number ||
          (*spikes)[k].at.count != (origin + number * period) * ticks_per_sample + 1234) {
        return fmt::format("{}: spike {} is number {}", channel, k, (*spikes)[k].index);
      }
    }
  }
  return finalising && shared->acked != origin + periods * period ? "finalise began too early" : "";
}

enum class Stage { recording, finalising, recovering, creating };
constexpr const char* stage_names[] = {"recording", "finalising", "recovering", "creating"};

std::string name_of(const std::string& folder, std::uint64_t number) {
  return fmt::format("{}/killed-{:08}.nwb", folder, number);
}

/// How many calls a whole run makes, and how fast it is.
struct Course {
  std::int64_t created = 0;
  std::int64_t recorded = 0;
  std::int64_t all = 0;
};

Course measure(const std::string& folder) {
  Course course;
  const std::string path = name_of(folder, 0);  // as long as the others: the same calls
  survives(-1, 0, [&] {
    const auto recorder = Recorder::create(folder + "/none.nwb", full_rate());
    if (!recorder) must(tl::make_unexpected(recorder.error()));
    shared->calls_before = shared->calls.load();
  });
  course.created = shared->calls_before;
  const auto begin = std::chrono::steady_clock::now();
  shared->note_risky = true;
  survives(-1, 0, [&] { record(path); });
  shared->note_risky = false;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  course.recorded = shared->calls_before;
  course.all = shared->calls;
  const double megabytes = static_cast<double>(fs::file_size(path)) * 1e-6;
  fmt::print("a run is {:.1f} MB in {} calls, {} of them of finalise, {} risky, {:.0f} MB/s\n", megabytes, course.all,
             course.all - course.recorded, shared->risky_count.load(), megabytes / seconds);
  fs::remove(path);
  fs::remove(folder + "/none.nwb.part");
  return course;
}

/// Call and manner of a death: half of them anywhere, half of them in the middle of a risky call.
std::pair<std::int64_t, int> draw_moment(const Course& course, Stage stage, std::mt19937_64& random) {
  const auto draw = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low));
  };
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

std::string attempt(const std::string& folder, const std::string& path, const Course& course, Stage stage,
                    std::mt19937_64& random) {
  const auto draw = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low));
  };
  const bool finalising = stage == Stage::finalising;
  shared->acked = shared->written = origin;
  shared->steps = 0;
  const auto moment = draw_moment(course, stage, random);
  if (survives(moment.first, moment.second, [&] { record(path); })) return "it did not die";
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
  if (fs::exists(path + ".part") || something_recovering(path) || fs::exists(path + ".part.undo") ||
      fs::exists(path + ".part.making") || fs::exists(path + ".part.last")) {
    return "something is left beside the file";
  }
  if (stage == Stage::creating && !fs::exists(path)) return "";  // nothing was in it
  return compare(path, finalising);
}

int run(int trials, std::uint64_t seed, const std::string& folder, bool keep) {
  const Course course = measure(folder);
  int bad = 0;
  std::array<int, 4> killed{};
  for (int k = 0; k < trials; ++k) {
    std::mt19937_64 random{seed + static_cast<std::uint64_t>(k)};
    const Stage stage = static_cast<Stage>(std::array{0, 1, 0, 2, 3}[static_cast<std::size_t>(k) % 5]);
    const std::string path = name_of(folder, seed + static_cast<std::uint64_t>(k));
    const std::string wrong = attempt(folder, path, course, stage, random);
    ++killed[static_cast<std::size_t>(stage)];
    if (!wrong.empty()) {
      ++bad;
      fmt::print(stderr, "killed while {}, seed {}: {}\n", stage_names[static_cast<int>(stage)],
                 seed + static_cast<std::uint64_t>(k), wrong);
    } else if (!keep) {
      fs::remove(path);
    }
  }
  fmt::print(
      "{} of {} recovered with all that was acknowledged ({} killed recording, {} finalising, {} recovering, {} "
      "creating)\n",
      trials - bad, trials, killed[0], killed[1], killed[2], killed[3]);
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
  shared = new (::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Shared;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  std::string folder = argc > 3 ? argv[3] : (std::filesystem::temp_directory_path() / "thyrode-kill-XXXXXX").string();
  if (argc <= 3 && ::mkdtemp(folder.data()) == nullptr) return 1;
  const int code = thyrode::recording::testing::run(trials, seed, folder, argc > 3);
  if (argc <= 3) std::filesystem::remove_all(folder);
  return code;
}
