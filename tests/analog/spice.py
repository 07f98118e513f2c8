"""Runs ngspice and reads back what it solved."""

import pathlib
import re
import subprocess
import tempfile

import numpy as np


def run(netlist, commands):
    """One process of ngspice. commands: lines of a .control block; `save_as NAME VECTOR ...` writes the last analysis.

    Returns NAME -> {vector: array}, complex of an AC analysis; the scale is `time`, `frequency` or the swept source.
    """
    with tempfile.TemporaryDirectory(prefix="thyrode-analog-") as folder:
        wanted, lines = [], []
        for line in commands:
            words = line.split()
            if words[0] == "save_as":
                wanted.append(words[1])
                line = f"write {words[1]}.raw {' '.join(words[2:])}"
            lines.append(line)
        control = [".control", "set filetype=ascii", *lines, "quit 0", ".endc", ".end", ""]
        text = "\n".join(["front end", netlist, *control])
        path = pathlib.Path(folder)
        (path / "netlist.cir").write_text(text, encoding="ascii", errors="replace")
        done = subprocess.run(["ngspice", "-b", "netlist.cir"], cwd=folder, capture_output=True, text=True, check=False)
        missing = [name for name in wanted if not (path / f"{name}.raw").exists()]
        said = done.stdout + done.stderr
        if done.returncode != 0 or missing or "doAnalyses" in said or "Transient op" in said:
            raise RuntimeError(f"ngspice failed ({done.returncode}), nothing for {missing}:\n{said[-3000:]}")
        return {name: read_raw((path / f"{name}.raw").read_text(encoding="ascii", errors="replace")) for name in wanted}


def read_raw(text):
    """The vectors of an ASCII raw file."""
    head, values = text.split("Values:\n", 1)
    count = int(re.search(r"No\. Variables: (\d+)", head)[1])
    names = [line.split()[1].lower() for line in head.split("Variables:\n", 1)[1].splitlines()[:count]]
    complex_values = "complex" in re.search(r"Flags: (.*)", head)[1]
    # Each point is its number, then one value a line; the number stands before the first value.
    flat = re.sub(r"(?m)^\s*\d+\t", "", values).split()
    if complex_values:
        flat = [complex(*map(float, pair.split(","))) for pair in flat]
    table = np.array(flat, dtype=complex if complex_values else float).reshape(-1, count)
    return {name: table[:, k] for k, name in enumerate(names)}
