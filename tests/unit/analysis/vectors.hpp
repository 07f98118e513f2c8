// Reads the reference vectors: those of the repository, or of the folder named by THYRODE_ANALYSIS_VECTORS.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace thyrode::analysis::test {

inline nlohmann::json read_vectors(const std::string& file) {
  const char* folder = std::getenv("THYRODE_ANALYSIS_VECTORS");
  const std::string path = (folder ? std::string(folder) : std::string("tests/data/analysis_vectors")) + "/" + file;
  std::ifstream in(path);
  if (!in) ADD_FAILURE() << "cannot read " << path;
  return in ? nlohmann::json::parse(in) : nlohmann::json::object();
}

/// Relative tolerance with an absolute one for values that are zero.
inline void expect_close(double value, double expected, double relative, double absolute = 1e-12) {
  EXPECT_LE(std::abs(value - expected), std::max(absolute, relative * std::abs(expected)))
      << value << " instead of " << expected;
}

/// Null in the vectors is an empty value.
inline void expect_same(const std::optional<double>& value, const nlohmann::json& expected, double relative,
                        double absolute = 1e-12) {
  ASSERT_EQ(value.has_value(), !expected.is_null()) << expected;
  if (value) expect_close(*value, expected.get<double>(), relative, absolute);
}

}  // namespace thyrode::analysis::test
