// Takes parts out of a recording, by HDF5 alone.
#pragma once

#include <gtest/gtest.h>
#include <hdf5.h>

#include <string>

namespace thyrode::test {

/// @returns whether it was there
inline bool remove_link(hid_t file, const std::string& path) {
  for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    if (H5Lexists(file, path.substr(0, at).c_str(), H5P_DEFAULT) <= 0) return false;
  }
  if (H5Lexists(file, path.c_str(), H5P_DEFAULT) <= 0) return false;
  EXPECT_GE(H5Ldelete(file, path.c_str(), H5P_DEFAULT), 0) << path;
  return true;
}

/// Deletes everything that is worked out of the data: the results of the steps and of the run, and the tables of NWB
/// that tell of them.
/// @returns how many groups there were
inline int remove_results(const std::string& path) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  EXPECT_GE(file, 0) << path;
  int removed = 0;
  for (const char* name : {"steps", "isi_histograms", "pair_correlations", "g_n", "bursts", "beta_n", "direct_beta",
                           "fit", "transitions", "loops", "rate_comparisons", "precursors", "integrity"}) {
    removed += remove_link(file, std::string{"/processing/icephys/"} + name) ? 1 : 0;
  }
  for (const char* name : {"intracellular_recordings", "simultaneous_recordings", "sequential_recordings",
                           "repetitions", "experimental_conditions"}) {
    removed += remove_link(file, std::string{"/general/intracellular_ephys/"} + name) ? 1 : 0;
  }
  for (const char* name : {"/intervals/sweeps", "/units"}) removed += remove_link(file, name) ? 1 : 0;
  EXPECT_GE(H5Fclose(file), 0);
  return removed;
}

inline void remove_object(const std::string& path, const std::string& object) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  EXPECT_TRUE(remove_link(file, object)) << object;
  EXPECT_GE(H5Fclose(file), 0);
}

/// Writes over the first value of a column.
inline void overwrite_first(const std::string& path, const std::string& column, double value) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t data = H5Dopen2(file, column.c_str(), H5P_DEFAULT);
  const hid_t space = H5Dget_space(data);
  const hsize_t first = 0;
  const hsize_t one = 1;
  EXPECT_GE(H5Sselect_hyperslab(space, H5S_SELECT_SET, &first, nullptr, &one, nullptr), 0);
  const hid_t memory = H5Screate_simple(1, &one, nullptr);
  EXPECT_GE(H5Dwrite(data, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, &value), 0) << column;
  H5Sclose(memory);
  H5Sclose(space);
  H5Dclose(data);
  EXPECT_GE(H5Fclose(file), 0);
}

}  // namespace thyrode::test
