// The verb `simulate` as a test calls it.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/emulator/process.hpp"

namespace thyrode::test {

inline const std::string program = THYRODE_PROGRAM;

inline std::vector<std::string> simulate(std::vector<std::string> options) {
  options.insert(options.begin(), {program, "simulate"});
  return options;
}

inline nlohmann::json document_of(const std::vector<std::string>& options) {
  const Finished done = run(simulate(options));
  EXPECT_EQ(done.code, 0) << done.errors;
  EXPECT_EQ(done.lines.size(), 1U);
  return done.lines.empty() ? nlohmann::json{} : nlohmann::json::parse(done.lines.front());
}

inline std::string text_of(const Finished& finished) {
  std::string text;
  for (const std::string& line : finished.lines) text += line + "\n";
  return text;
}

}  // namespace thyrode::test
