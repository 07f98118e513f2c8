"""Runs the recipes of docs/reading.md on a fresh recording and looks at what they found.

    python tests/python/check_recipes.py PATH_OF_thyrode
"""

import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).parents[2]
EXPERIMENT = """schema: thyrode.experiment/1
name: recipes
plan: list
current: [40 uA, 60 uA, 90 uA]
dwell: {stop_when: {ci_rel_f: 5 %}, max: 20 s}
record: {trace: 25 kS/s}
"""
MOST_LINES = 5


def recipes():
    text = (ROOT / "docs/reading.md").read_text(encoding="utf-8")
    found = dict(re.findall(r"^([^\n]+):\n\n```python\n(.*?)```", text, flags=re.S | re.M))
    assert list(found) == ["pynwb", "Neo and Elephant", "pandas"], list(found)
    for name, code in found.items():
        assert len(code.strip().splitlines()) <= MOST_LINES, f"{name}: more than {MOST_LINES} lines"
    return found


def run(code, path):
    names = {}
    exec(compile(code.replace("first.nwb", path), "docs/reading.md", "exec"), names)
    return names


def check_frame(steps, document):
    assert len(steps) == len(document["steps"])
    for row, step in zip(steps.itertuples(), document["steps"]):
        assert abs(row.current_ua - step["current_ua"]) < 1e-12
        assert (step["frequency_hz"] is None) == np.isnan(row.frequency_hz)
        assert step["frequency_hz"] is None or row.frequency_hz == step["frequency_hz"]


def check_pynwb(names, raw, document):
    trace = raw["acquisition/V_out_A/data"]
    assert len(names["volts"]) == len(trace)
    assert np.allclose(names["volts"], trace[:] * 1e-3, equal_nan=True) and np.nanmax(names["volts"]) < 1.0
    assert np.array_equal(names["spike_times"], raw["units/spike_times"][:])
    check_frame(names["steps"], document)


def check_neo(names, raw, document):
    voltage = names["voltage"]
    assert str(voltage.units.dimensionality) == "mV" and voltage.shape[0] == len(raw["acquisition/V_out_A/data"])
    assert abs(float(voltage.sampling_rate.rescale("Hz")) - 25000) < 1e-6
    times = raw["units/spike_times"][:]
    assert np.allclose(names["train"].rescale("s").magnitude, times)
    intervals = np.diff(times)
    assert abs(names["cv"] - intervals.std() / intervals.mean()) < 1e-9


def check_pandas(names, raw, document):
    check_frame(names["steps"], document)
    assert names["units"]["frequency_hz"] == "hertz" and names["units"]["current_ua"] == "microamperes"


def follow(program, experiment, path):
    """h5py follows a run while it goes on, as the end of the page says."""
    options = ["--device", "sim:msn", "--real-time", "--json", "--out", path]
    with subprocess.Popen([program, "run", experiment, *options], stdout=subprocess.PIPE, text=True) as process:
        first, second = process.stdout.readline(), process.stdout.readline()
        assert json.loads(first)["index"] == 0 and json.loads(second)["index"] == 1
        with h5py.File(path + ".part", "r", libver="latest", swmr=True) as file:
            trace = file["acquisition/V_out_A/data"]
            before = len(trace)
            assert before > 1000 and np.isfinite(trace[:before]).all()
            assert len(file["processing/icephys/steps/current_ua"]) >= 1
            process.stdout.readline()
            trace.refresh()
            assert len(trace) > before
        process.send_signal(signal.SIGINT)
        process.stdout.read()
    print("h5py: follows a run")


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / "recording.nwb")
        experiment = pathlib.Path(folder) / "recipes.yaml"
        experiment.write_text(EXPERIMENT, encoding="utf-8")
        lines = subprocess.run(
            [program, "run", str(experiment), "--device", "sim:msn", "--json", "--out", path],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.splitlines()
        document = json.loads(lines[-1])
        checks = {"pynwb": check_pynwb, "Neo and Elephant": check_neo, "pandas": check_pandas}
        with h5py.File(path) as raw:
            for name, code in recipes().items():
                checks[name](run(code, path), raw, document)
                print(f"{name}: as in the file")
        quick = EXPERIMENT.replace("40 uA, 60 uA, 90 uA", "90 uA, 91 uA, 92 uA, 93 uA, 94 uA, 95 uA")
        experiment.write_text(quick, encoding="utf-8")
        follow(program, str(experiment), str(pathlib.Path(folder) / "live.nwb"))


if __name__ == "__main__":
    main(sys.argv[1])
