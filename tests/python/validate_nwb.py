"""Checks a recording with the tools that people will open it with.

    python tests/python/validate_nwb.py FILE...

pynwb must find no error, nwbinspector nothing above a suggestion, and pynwb, h5py and Neo must read the signals,
the spike times and the step table with the right units. Exit code 0 if all of it holds.
"""

import sys

import h5py
import neo
import numpy as np
import pynwb
from nwbinspector import Importance, inspect_nwbfile


class Findings:
    """Collects what is wrong, and says what was looked at."""

    def __init__(self, path):
        self.path = path
        self.bad = []

    def expect(self, holds, message):
        if not holds:
            self.bad.append(message)


def check_schema(path, findings):
    with pynwb.NWBHDF5IO(path, "r", load_namespaces=False) as io:
        for error in pynwb.validate(io=io):
            findings.bad.append(f"pynwb.validate: {error}")


def check_practice(path, findings):
    for message in inspect_nwbfile(nwbfile_path=path, skip_validate=True):
        place = f"{message.check_function_name}: {message.location}"
        text = f"nwbinspector: {message.importance.name}: {place}: {message.message}"
        print(text)
        findings.expect(message.importance.value <= Importance.BEST_PRACTICE_SUGGESTION.value, text)


def channels_of(path):
    with h5py.File(path, "r") as file:
        labels = file["general/thyrode"].attrs["channels"]
        return [label.decode() if isinstance(label, bytes) else label for label in labels]


def check_series(series, unit, findings):
    findings.expect(series.unit == unit, f"{series.name}: unit {series.unit}, not {unit}")
    findings.expect(series.rate > 0 and series.starting_time >= 0, f"{series.name}: rate or starting time")
    values = np.asarray(series.data[:100])
    findings.expect(np.isfinite(values).any(), f"{series.name}: no finite value among the first 100")


def check_pynwb(path, findings):
    with pynwb.NWBHDF5IO(path, "r", load_namespaces=False) as io:
        file = io.read()
        for label in channels_of(path):
            check_series(file.stimulus[f"I_cmd_{label}"], "amperes", findings)
            check_series(file.acquisition[f"I_read_{label}"], "amperes", findings)
            if f"V_out_{label}" in file.acquisition:
                trace = file.acquisition[f"V_out_{label}"]
                check_series(trace, "volts", findings)
                findings.expect(trace.electrode.device.name == "instrument", "the trace leads to its device")
        module = file.processing["icephys"]
        if "steps" in module.data_interfaces:
            check_steps(file, module, findings)
        check_tables(module, findings)
        check_units(file, findings)
        for name in ("experiment_yaml", "station_yaml"):
            findings.expect(isinstance(file.scratch[name].data, str), f"scratch/{name} is not a text")


def check_tables(module, findings):
    for name, container in module.data_interfaces.items():
        if not isinstance(container, pynwb.core.DynamicTable):
            continue
        frame = container.to_dataframe()
        findings.expect(len(frame) == len(container.id), f"{name}: rows")


def check_steps(file, module, findings):
    steps = module["steps"].to_dataframe()
    own = steps[steps["resumed_from"] == 0]
    findings.expect(len(own) == len(file.intervals["sweeps"].to_dataframe()), "one sweep a step")
    findings.expect((steps["status"].map(type) == str).all(), "status is a text")
    findings.expect((steps["end_tick"] > steps["start_tick"]).all(), "steps end after they begin")
    recordings = file.get_intracellular_recordings()
    findings.expect(len(recordings.id) == len(own), "one intracellular recording a step")
    frame = recordings.to_dataframe()
    stimulus = frame[("stimuli", "stimulus")].iloc[0]
    findings.expect(stimulus.timeseries.unit == "amperes", "the stimulus of the first step is a current")
    response = frame[("responses", "response")].iloc[0]
    findings.expect(response.timeseries.unit == "volts", "the response to the first step is a voltage")
    findings.expect(response.count > 0 and len(response.data) == response.count, "the response has its samples")
    check_groupings(file, steps, findings)


def check_groupings(file, steps, findings):
    """Legs, repetitions and conditions lead from the settings of the neuron to every step, each once."""
    names = [name for name in steps.columns if name.startswith("condition_")]
    own = steps[steps["resumed_from"] == 0]
    settings = own[names].map(str).agg(" ".join, axis=1) if names else own["leg"].map(lambda leg: "")
    legs = (settings + " " + own["leg"].map(str)).tolist()
    runs = 1 + sum(a != b for a, b in zip(legs, legs[1:]))
    findings.expect(len(file.icephys_sequential_recordings) == runs, "one sequence a leg")
    conditions = file.icephys_experimental_conditions
    findings.expect(len(conditions) == settings.nunique(), "one condition a setting of the neuron")
    reached = []
    for repetitions in conditions.to_dataframe()["repetitions"]:
        for sequences in repetitions["sequential_recordings"]:
            for simultaneous in sequences["simultaneous_recordings"]:
                for recordings in simultaneous["recordings"]:
                    reached += list(recordings.index)
    findings.expect(sorted(reached) == list(range(len(own))), "conditions lead to every recording once")


def check_units(file, findings):
    if file.units is None:
        return
    for row in range(len(file.units.id)):
        times = np.asarray(file.units["spike_times"][row])
        findings.expect(len(times) > 0 and (np.diff(times) >= 0).all(), f"spike times of unit {row}")
        windows = np.asarray(file.units["obs_intervals"][row])
        findings.expect(windows.ndim == 2 and (windows[:, 1] > windows[:, 0]).all(), f"windows of unit {row}")


def check_h5py(path, findings):
    with h5py.File(path, "r") as file:
        for label in channels_of(path):
            name = f"acquisition/V_out_{label}"
            if name not in file:
                continue
            data = file[name + "/data"]
            attributes = data.attrs
            values = data[:100000].astype(float) * attributes["conversion"]
            sums = (values / attributes["adc_scale"] + attributes["adc_zero"]) * attributes["decimation"]
            sums = sums[np.isfinite(sums)]
            findings.expect(np.abs(sums - np.round(sums)).max() < 0.05, f"{name}: codes cannot be recovered")
        findings.expect(b"thyrode.recording/1" in str(file["general/thyrode"].attrs["schema"]).encode(), "schema")


def check_neo(path, findings):
    blocks = neo.NWBIO(path, mode="r").read_all_blocks()
    segments = [segment for block in blocks for segment in block.segments]
    signals = {signal.name: signal for segment in segments for signal in segment.analogsignals}
    for label in channels_of(path):
        current = signals[f"I_cmd_{label}"]
        findings.expect(str(current.units.dimensionality) == "uA", f"Neo: I_cmd_{label} in {current.units}")
        if f"V_out_{label}" in signals:
            voltage = signals[f"V_out_{label}"]
            findings.expect(str(voltage.units.dimensionality) == "mV", f"Neo: V_out_{label} in {voltage.units}")
            findings.expect(float(voltage.sampling_rate.rescale("Hz")) > 0, "Neo: sampling rate")
    with h5py.File(path, "r") as file:
        spikes = file["units/spike_times"].shape[0] if "units" in file else 0
    trains = [train for segment in segments for train in segment.spiketrains]
    findings.expect(sum(len(train) for train in trains) == spikes, "Neo: spike trains")


def validate(path):
    findings = Findings(path)
    for check in (check_schema, check_practice, check_pynwb, check_h5py, check_neo):
        try:
            check(path, findings)
        except Exception as error:  # a reader that falls over is a finding like any other
            findings.bad.append(f"{check.__name__}: {type(error).__name__}: {error}")
    for line in findings.bad:
        print(f"{path}: {line}", file=sys.stderr)
    print(f"{path}: {'not valid' if findings.bad else 'valid'}")
    return not findings.bad


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(0 if all([validate(path) for path in sys.argv[1:]]) else 1)
