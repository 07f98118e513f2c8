#include "daemon/thyrode_control.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <utility>

#include "daemon/experiment/load/quantity_text.hpp"
#include "daemon/experiment/load/words.hpp"

namespace thyrode::program {
namespace {

// What a signal handler may touch.
std::atomic<experiment::Bench*> running_bench{nullptr};
std::atomic<int> ends{0};  // how often the end was asked for
std::atomic<bool> on_terminal{false};
std::atomic<bool> asked{false};  // a question waits, with the current at zero

void interrupt(int number) {
  experiment::Bench* bench = running_bench.load();
  const bool may_pause = number == SIGINT && on_terminal.load() && ends.load() == 0;
  if (bench != nullptr && may_pause && !asked.load() && !bench->paused()) {
    bench->pause();
    return;
  }
  const int before = ends.fetch_add(1);
  if (before >= 1) std::signal(number, SIG_DFL);
  if (bench == nullptr) return;
  before == 0 ? bench->stop() : bench->estop();
}

void toggle_pause(int) {
  experiment::Bench* bench = running_bench.load();
  if (bench == nullptr) return;
  bench->paused() ? bench->resume() : bench->pause();
}
void go_on(int) {
  if (experiment::Bench* bench = running_bench.load(); bench != nullptr) bench->resume();
}

void watch_signals() {
  struct sigaction action {};
  action.sa_handler = interrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGHUP, &action, nullptr);
  action.sa_handler = toggle_pause;
  sigaction(SIGTSTP, &action, nullptr);
  action.sa_handler = go_on;
  sigaction(SIGCONT, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is no reason to end a measurement
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of its writer
  std::signal(SIGTTIN, SIG_IGN);  // who is sent to the background must not stand still when it would read
}

/// Somebody sits before the keyboard and reads what is asked.
bool somebody_there() {
  return isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0 && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool is_one_of(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* word) { return text == word; });
}

}  // namespace

Result<OperatorAnswer> parse_answer(const std::string& text, const experiment::RunKnob* knob) {
  const std::string word = trimmed(text);
  if (is_one_of(word, {"", "y", "yes"})) return OperatorAnswer{};
  if (is_one_of(word, {"n", "no", "s", "stop"})) return OperatorAnswer{false, std::nullopt};
  const std::string unit = knob != nullptr && !knob->unit.empty() ? " in " + knob->unit : "";
  const std::string right =
      knob != nullptr ? fmt::format("yes, no, or the value of {}{}", knob->name, unit) : std::string{"yes or no"};
  const auto wrong = [&] {
    return fail(ErrorKind::bad_input, fmt::format("'{}' is no answer; write {}", word, right));
  };
  if (knob == nullptr) return wrong();
  const auto value = load::parse_any_quantity(word);
  if (!value) return wrong();
  if (value->kind == load::QuantityKind::number) return OperatorAnswer{true, value->si * knob->one};
  const auto wanted = load::parse_any_quantity("1 " + knob->unit);
  if (!wanted || wanted->kind != value->kind) return wrong();
  return OperatorAnswer{true, value->si};
}

std::optional<bool> parse_pause_answer(const std::string& text) {
  const std::string word = trimmed(text);
  if (is_one_of(word, {"r", "resume", "y", "yes"})) return true;
  if (is_one_of(word, {"s", "stop", "n", "no"})) return false;
  return std::nullopt;
}

std::string question_text(const experiment::Question& question) {
  const std::string text = trimmed(question.text);
  if (!text.empty() && std::string_view{".?!:"}.find(text.back()) != std::string_view::npos) return text;
  return text + (question.quantity.empty() ? "?" : ": done?");
}

RunControl::RunControl(std::vector<std::string> answers, Ask ask)
    : answers_{std::move(answers)}, terminal_{ask == Ask::on_terminal && somebody_there()} {
  on_terminal.store(terminal_);
  watch_signals();
}

RunControl::~RunControl() {
  detach();
}

bool RunControl::interrupted() const {
  return ends.load() > 0;
}

Result<void> RunControl::can_answer(const experiment::RunPlan& plan) const {
  if (!plan.asks || terminal_ || !answers_.empty()) return {};
  return fail(ErrorKind::bad_input,
              "the plan asks an operator, and there is no terminal to ask on: run it on one, or give the answers with "
              "--answer (yes, or a value with its unit)");
}

void RunControl::attach(experiment::Bench& bench, const experiment::RunPlan& plan) {
  bench_ = &bench;
  plan_ = &plan;
  over_ = false;
  running_bench.store(&bench);
  if (interrupted()) bench.stop();
  if (terminal_) keyboard_ = std::thread{[this] { listen(); }};
}

void RunControl::detach() {
  running_bench.store(nullptr);
  {
    const std::lock_guard lock{mutex_};
    over_ = true;
  }
  changed_.notify_all();
  if (keyboard_.joinable()) keyboard_.join();
}

void RunControl::show(const experiment::Event& event) {
  if (std::holds_alternative<experiment::Paused>(event)) {
    ask("go on? r or y resumes the run, s or n stops it and closes the file: ", false);
  } else if (const auto* question = std::get_if<experiment::Asked>(&event)) {
    answer_asked(question->question);
  } else if (std::holds_alternative<experiment::Resumed>(event) ||
             std::holds_alternative<experiment::RunFinished>(event)) {
    const std::lock_guard lock{mutex_};
    prompt_.clear();
  }
}

void RunControl::answer_asked(const experiment::Question& question) {
  const experiment::RunKnob* knob = plan_->knob(question.quantity);
  if (!answers_.empty()) {
    const std::string& text = answers_[std::min(next_answer_++, answers_.size() - 1)];
    const auto answer = parse_answer(text, knob);
    const std::string told = answer ? text : answer.error().message + "; the run ends";
    fmt::print(stderr, "thyrode: {} {}\n", question_text(question), told);
    answer ? bench_->answer(answer->go_on, answer->value) : bench_->answer(false);
    return;
  }
  if (!terminal_) {
    fmt::print(stderr, "thyrode: {} nobody is there to answer; the run ends\n", question_text(question));
    bench_->answer(false);
    return;
  }
  {
    const std::lock_guard lock{mutex_};
    question_ = question;
  }
  const std::string value = knob == nullptr ? "" : ", or the value it has now";
  ask(fmt::format("{} (Enter or yes goes on, no stops{}) ", question_text(question), value), true);
}

void RunControl::ask(std::string prompt, bool question) {
  if (!terminal_) return;
  asked.store(question);
  // What was typed before the question is no answer to it.
  tcflush(STDIN_FILENO, TCIFLUSH);
  fmt::print(stderr, "{}", prompt);
  std::fflush(stderr);
  const std::lock_guard lock{mutex_};
  if (!question) question_.reset();
  prompt_ = std::move(prompt);
  changed_.notify_all();
}

/// The keyboard is read only while something is asked.
void RunControl::listen() {
  std::string line;
  while (true) {
    {
      std::unique_lock lock{mutex_};
      changed_.wait(lock, [this] { return over_ || !prompt_.empty(); });
      if (over_) return;
    }
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (poll(&input, 1, 100) <= 0) continue;
    char c = 0;
    const ssize_t got = read(STDIN_FILENO, &c, 1);
    if (got < 0) continue;
    if (got > 0 && c != '\n') {
      line += c;
      continue;
    }
    // The end of the input is the end of the run.
    take_line(got == 0 ? "s" : trimmed(std::exchange(line, {})));
  }
}

void RunControl::take_line(const std::string& line) {
  const std::lock_guard lock{mutex_};
  if (prompt_.empty()) return;
  if (question_) {
    const auto answer = parse_answer(line, plan_->knob(question_->quantity));
    if (!answer) return ask_again(answer.error().message);
    question_.reset();
    asked.store(false);
    bench_->answer(answer->go_on, answer->value);
  } else if (const auto go_on = parse_pause_answer(line)) {
    *go_on ? bench_->resume() : bench_->stop();
  } else {
    return ask_again(line.empty() ? "nothing was answered" : fmt::format("'{}' is no answer", load::shortened(line)));
  }
  prompt_.clear();
}

void RunControl::ask_again(const std::string& why) const {
  fmt::print(stderr, "{}\n{}", why, prompt_);
  std::fflush(stderr);
}

}  // namespace thyrode::program
