"""Lets the program record a run in several files, and checks the first, a middle and the last one.

    python tests/python/check_rolled.py PATH_OF_thyrode
"""

import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy as np
import pynwb

from validate_nwb import validate

ROOT = pathlib.Path(__file__).resolve().parents[2]

EXPERIMENT = """\
schema: thyrode.experiment/1
name: rolled
plan: sweep
current: {start: 40 uA, stop: 60 uA, step: 4 uA}
companions: [{channel: B}]
dwell: {max: 2 s}
record: {trace: 25 kS/s, roll_after: 3 s, snippets: {before: 1 ms, after: 4 ms, max: 50 /s}}
"""


def record(program, folder):
    """@returns the files of the run in their order"""
    experiment = folder / "rolled.yaml"
    experiment.write_text(EXPERIMENT)
    neuron = ROOT / "experiments" / "neurons" / "two-msn-excitatory.yaml"
    first = folder / "run.nwb"
    command = [program, "run", experiment, "--device", f"sim:{neuron}", "--out", first]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    later = sorted(folder.glob("run.*.nwb"), key=lambda path: int(path.name.split(".")[1]))
    return [first, *later]


def check_trace(files):
    """The trace goes on from one file to the next without a sample more or less."""
    wrong = []
    ends = {}
    for path in files:
        with h5py.File(path, "r") as file:
            for label in ("A", "B"):
                series = file[f"acquisition/V_out_{label}"]
                begin = float(series["starting_time"][()])
                rate = float(series["starting_time"].attrs["rate"])
                if label in ends and abs(begin - ends[label]) > 0.01 / rate:
                    wrong.append(f"{path.name}: V_out_{label} begins at {begin} s, not at {ends[label]} s")
                ends[label] = begin + len(series["data"]) / rate
                if not np.isfinite(series["data"][:]).all():
                    wrong.append(f"{path.name}: V_out_{label} has values that are not finite")
    return wrong


def check_rows(files):
    """The last file has a row of each step, and each says in which file its data are."""
    wrong = []
    own = []
    for path in files:
        with pynwb.NWBHDF5IO(str(path), "r", load_namespaces=False) as io:
            steps = io.read().processing["icephys"]["steps"].to_dataframe()
        own.append(int((steps["resumed_from"] == 0).sum()))
        if len(steps) != sum(own):
            wrong.append(f"{path.name}: {len(steps)} steps, and {sum(own)} were measured in it and before it")
    sources = [k + 1 for k, count in enumerate(own[:-1]) for _ in range(count)] + [0] * own[-1]
    if steps["resumed_from"].tolist() != sources:
        wrong.append(f"{files[-1].name}: its rows say {steps['resumed_from'].tolist()}, not {sources}")
    if 0 in own:
        wrong.append(f"a file without a step: {own}")
    return wrong


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        files = record(program, pathlib.Path(folder))
        wrong = [] if len(files) >= 3 else [f"{len(files)} files, and at least 3 were asked for"]
        wrong += check_trace(files) + check_rows(files)
        for line in wrong:
            print(line, file=sys.stderr)
        valid = [validate(str(path)) for path in (files[0], files[len(files) // 2], files[-1])]
    return 0 if all(valid) and not wrong else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
