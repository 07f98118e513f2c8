// A recording as a device: it says again what the instrument said, to a host that asks again what was asked.
#pragma once

#include <memory>
#include <string>

#include "drivers/device.hpp"
#include "drivers/result.hpp"

namespace thyrode::recording {

/// Opens a recording (finished, stopped or recovered; NAME.nwb or NAME.nwb.part) as a device `replay:PATH`.
///
/// It is what the instrument was (info()), but for its address, and its stream has the gaps of the recording marked
/// already. It takes what the run was told and nothing else: any other piece of the command, load resistor, end, start,
/// detector, slew limit, trace or snippet is answered with `not_in_recording`. A trace and snippets may be left out,
/// and estop() and a stop at once end it as an instrument would end. Of a run in virtual time it never passes the
/// sample that the host has granted; of one in real time it says the next thing whenever it is asked, so that a host
/// must ask step by step on one thread. After the last mark it is gone, as the instrument was: read() answers `device`.
/// Errors: bad_input (as read_run; a recording in which the device said nothing).
Result<std::unique_ptr<Device>> open_replay(const std::string& path);

}  // namespace thyrode::recording
