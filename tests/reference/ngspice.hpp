// Runs ngspice on the netlists of this folder: the reference that shares no line with our solver.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace thyrode::reference {

/// What one run of ngspice gave.
struct Transient {
  std::vector<double> time;                  ///< shape (points), seconds
  std::vector<std::vector<double>> signals;  ///< shape (signals asked for, points), V or A
  double cpu_seconds = 0.0;                  ///< of the ngspice process, its start included
};

/// How a netlist is changed for one run.
struct Changes {
  std::map<std::string, std::string> parameters;  ///< of its .param lines: {"I0", "60u"}
  std::string options;                            ///< a whole .options line, or empty: as in the netlist
  std::string transient;                          ///< a whole .tran line, or empty: as in the netlist
};

/// Runs a netlist and reads its signals back.
/// @param netlist  a file of tests/reference, for example "msn.cir"
/// @param signals  names as ngspice writes them, for example "i(VA)"; none: nothing is read, for measurements of time
/// Throws std::runtime_error: ngspice is missing, fails, or writes no signal; a parameter the netlist does not have.
Transient run_ngspice(const std::string& netlist, const Changes& changes, const std::vector<std::string>& signals);

/// Times at which a signal rises through a level, by linear interpolation.
/// @param time, signal  shape (points)
/// @returns shape (crossings), seconds, rising
std::vector<double> rises(const std::vector<double>& time, const std::vector<double>& signal, double level);

}  // namespace thyrode::reference
