// The two reference circuits with the values of the reference tables, SI units.
#pragma once

#include "firmware/neurons/neuron.hpp"

namespace thyrode::neurons {

/// The published circuit (Wu et al. 2023) with its fitted device, as the tables msn_fI_wu2023 and mbn_phase_wu2023
/// were computed.
inline Parameters wu2023(double r_l = 47.0) {
  return {{"C_m", 10e-6},      {"C_L", 0.1e-6},   {"R_L", r_l},        {"V_th", 0.9059},    {"V_k", 0.7012},
          {"G0", 1.309e-6},    {"I_0", 31.59e-6}, {"dI", 4.9e-6},      {"R_h", 600.0},      {"K", 48.62},
          {"tau_r", 1.206e-3}, {"R_on", 34.26},   {"V_on", 0.7036},    {"q1", 129.1e-6},    {"q2", 122.3e-6},
          {"q_F", 300.9e-6},   {"r1", 160.5},     {"r2", 1434.0},      {"tau_q", 15.89e-6}, {"I_off", 23.94e-6},
          {"q3", 98.03e-6},    {"T_s", 0.3e-3},   {"q_inf", 117.1e-6}, {"V_d", 7.116e-3},   {"Z", 0.280e-6},
          {"u_start", 0.75}};
}

/// The 100 nF circuit for quick tests, as the table msn_fI_reduced was computed; with C_L that of mbn_phase_reduced.
inline Parameters bench_fast(double r_l = 100.0, double c_l = 0.0) {
  return {{"C_m", 100e-9}, {"C_L", c_l},   {"R", 50e3},  {"R_on", 100.0}, {"R_L", r_l},     {"V_th", 1.80},
          {"V_on", 0.65},  {"I_H", 80e-6}, {"dV", 0.60}, {"tau_q", 2e-3}, {"t_dead", 5e-6}, {"u_start", 0.0}};
}

}  // namespace thyrode::neurons
