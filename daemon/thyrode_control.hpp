// What a person does to a run while it goes on: Ctrl-C, Ctrl-Z, and answers.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/experiment/bench.hpp"
#include "daemon/experiment/events.hpp"
#include "daemon/experiment/run_plan.hpp"
#include "drivers/result.hpp"

namespace thyrode::program {

/// What somebody answered: whether to go on, and the value of the quantity asked for, SI.
struct OperatorAnswer {
  bool go_on = true;
  std::optional<double> value;
  bool operator==(const OperatorAnswer&) const = default;
};

/// Understands "yes", "no", and a value: "0.31 ms", or a bare number in the unit of the knob.
/// @param knob  what is asked for; nullptr: a plain "go on"
/// Errors: bad_input (none of them, a unit of another kind: with what would be right).
Result<OperatorAnswer> parse_answer(const std::string& text, const experiment::RunKnob* knob);

/// Understands what somebody answers to a pause: r, resume, y and yes go on, s, stop, n and no end the run.
/// @returns whether to go on; empty: it is no answer, an empty line neither
std::optional<bool> parse_pause_answer(const std::string& text);

/// A question as a person reads it: with the sign at its end that it has itself, else with one that asks for an answer.
std::string question_text(const experiment::Question& question);

/// On a terminal the first Ctrl-C pauses and asks whether to go on, the second ends the run in order, the third takes
/// the current to zero at once, the fourth ends the program. Without a terminal there is nobody to ask: the first one
/// ends the run, as a signal to terminate always does. Ctrl-Z pauses and goes on everywhere; the process itself never
/// stands still, since its device would miss it and take the current away as a fault.
class RunControl {
 public:
  /// Whether somebody at a terminal is asked. Of many runs in a row the first Ctrl-C ends all.
  enum class Ask : std::uint8_t { on_terminal, never };
  /// Watches signals from here to the end of the program. One at a time.
  /// @param answers  to the questions of the run, in order; the last one answers all that come after it
  explicit RunControl(std::vector<std::string> answers, Ask ask = Ask::on_terminal);
  ~RunControl();
  RunControl(const RunControl&) = delete;
  RunControl& operator=(const RunControl&) = delete;

  /// Somebody asked for the end before there was a run.
  bool interrupted() const;
  /// Errors: bad_input: the plan asks questions and nobody is there to answer; an answer that is none.
  Result<void> can_answer(const experiment::RunPlan& plan) const;

  /// Listens to the keyboard for a run until detach(). Runs may follow each other.
  void attach(experiment::Bench& bench, const experiment::RunPlan& plan);
  void detach();
  /// Takes an event of the run: prints what is asked, or answers it.
  void show(const experiment::Event& event);

 private:
  void ask(std::string prompt, bool question);
  void answer_asked(const experiment::Question& question);
  void listen();
  void take_line(const std::string& line);
  /// Nothing was understood: says why, and asks again.
  void ask_again(const std::string& why) const;

  std::vector<std::string> answers_;
  std::size_t next_answer_ = 0;
  bool terminal_;
  experiment::Bench* bench_ = nullptr;
  const experiment::RunPlan* plan_ = nullptr;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string prompt_;                            // empty: nothing is asked
  std::optional<experiment::Question> question_;  // else it is a pause
  bool over_ = false;
  std::thread keyboard_;
};

}  // namespace thyrode::program
