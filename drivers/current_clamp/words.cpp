#include "drivers/current_clamp/words.hpp"

namespace thyrode {

const char* to_string(protocol::Status status) {
  switch (status) {
    case protocol::Status::done: return "done";
    case protocol::Status::bad_state: return "not allowed in its present state";
    case protocol::Status::out_of_range: return "a value is out of range";
    case protocol::Status::too_late: return "the sample had already passed";
    case protocol::Status::queue_full: return "its queue is full";
    case protocol::Status::wrong_reason: return "another fault is latched";
    case protocol::Status::unknown: return "not known to it";
    case protocol::Status::malformed: return "not understood";
    case protocol::Status::unfit: return "its self-test has not passed";
  }
  return "refused for a reason this program does not know";
}

std::string describe(protocol::FaultCode code) {
  switch (code) {
    case protocol::FaultCode::none: return "no fault";
    case protocol::FaultCode::lease_expired:
      return "lease_expired: the host was silent for the lease; check the link and the load of this computer";
    case protocol::FaultCode::late_segment: return "late_segment: a queued step was not reached in time";
    case protocol::FaultCode::current_limit: return "current_limit: a command above the limit reached the output stage";
    case protocol::FaultCode::readback:
      return "readback: the current read back differs from the command; check the wiring of the source";
    case protocol::FaultCode::compliance: return "compliance: V_m above its limit; is the neuron connected?";
    case protocol::FaultCode::overrun: return "overrun: the firmware missed a control period";
    case protocol::FaultCode::estop: return "estop: the emergency stop was pressed";
    case protocol::FaultCode::telemetry_lost: return "telemetry_lost: the link was too slow for the data";
    case protocol::FaultCode::charge:
      return "charge: the charge of the last minute reached its limit; wait, or raise safety.max_charge of the station";
    case protocol::FaultCode::open_loop:
      return "open_loop: current was asked for, and the signal does not show it; check the wires to and from the "
             "neuron";
    case protocol::FaultCode::stuck:
      return "stuck: a converter gave the same code again and again; restart the board, and check its analog supply";
    case protocol::FaultCode::rail:
      return "rail: a signal stayed at the end of its converter's range; check its wire and the gain of the front end";
  }
  return "a fault this program does not know";
}

}  // namespace thyrode
