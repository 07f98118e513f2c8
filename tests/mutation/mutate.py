#!/usr/bin/env python3
"""Changes one token of the safety path at a time and asks the unit suite of the core whether it sees the change.

    mutate.py --list                   every mutant, one a line, and their number
    mutate.py --sample N --seed S      N of them, drawn by the seed
    mutate.py                          all of them: one compilation and one run each, hours on one core

A mutant that no test kills is told and makes the run fail, unless equivalent.txt beside this file lists it with a
reason why it is the same program. A mutant that does not compile is counted apart. A listed mutant that is killed, or
that is no longer there, fails the run too: the list stays true.
"""

import argparse
import concurrent.futures
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORE = ROOT / "firmware" / "core"
# The safety path and the path of the command to the converter.
FILES = [
    "stimulus.hpp",
    "safety.hpp",
    "charge_meter.hpp",
    "trace_memory.hpp",
    "instrument.hpp",
    "instrument_stretch.hpp",
    "instrument_host.hpp",
]
SUITE = ROOT / "tests" / "unit" / "core"
EQUIVALENT = pathlib.Path(__file__).with_name("equivalent.txt")

TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"
    r"|#[^\n]*|0[xX][0-9A-Fa-f']+[uUlL]*|\d[\d']*[uUlL]*|\w+"
    r"|<=>|<<=|>>=|->|::|\+\+|--|<=|>=|==|!=|&&|\|\||\+=|-=|\*=|/=|<<|>>|.",
    re.DOTALL,
)
SWAPS = {
    "<": ["<="], "<=": ["<"], ">": [">="], ">=": [">"], "==": ["!="], "!=": ["=="],
    "&&": ["||"], "||": ["&&"], "+": ["-"], "-": ["+"], "+=": ["-="], "-=": ["+="],
    "++": ["--"], "--": ["++"], "<<": [">>"], ">>": ["<<"], "!": [""],
    "true": ["false"], "false": ["true"], "min": ["max"], "max": ["min"],
}  # fmt: skip


def tokens(text):
    return [(match.start(), match.group()) for match in TOKEN.finditer(text)]


def mutants_of(name):
    """Yields (name of the mutant, text of the whole changed file)."""
    text = (CORE / name).read_text(encoding="utf-8")
    found = tokens(text)
    solid = [token for token in found if not token[1].isspace() and not token[1].startswith("//")]
    seen = {}
    for k, (at, token) in enumerate(solid):
        before = solid[k - 1][1] if k else ""
        after = solid[k + 1][1] if k + 1 < len(solid) else ""
        line = text.count("\n", 0, at) + 1
        code = text.splitlines()[line - 1].strip()
        if code.startswith(("#", "template", "namespace", "static_assert", "requires")):
            continue
        changes = []
        if token in ("<", ">"):
            spaced = text[at - 1] == " " and text[at + 1] == " "  # an operator, not the bracket of a template
            changes = SWAPS[token] if spaced else []
        elif token in ("min", "max"):
            changes = SWAPS[token] if before == "::" and after in ("(", "<") else []
        elif token in SWAPS and before != "operator":
            changes = SWAPS[token]
        elif re.fullmatch(r"\d[\d']*[uUlL]*", token):
            value = int(re.sub(r"['uUlL]", "", token))
            changes = [str(value + 1)]
        elif token == "if" and after == "(":
            yield from branch(name, text, solid, k, line, code, seen)
        for change in changes:
            label = labelled(seen, name, f"{code} | {token} -> {change or 'nothing'}")
            yield label, text[:at] + change + text[at + len(token):]


def branch(name, text, solid, k, line, code, seen):
    """A branch never taken. (Always taken is what its comparison gives.)"""
    if solid[k - 1][1] == "constexpr" or ("Trip trip =" in code or "const auto " in code or "Trip cause" in code):
        return
    at = solid[k + 1][0] + 1
    label = labelled(seen, name, f"{code} | if -> never")
    yield label, text[:at] + "false && " + text[at:]


def labelled(seen, name, text):
    """Lines are named by their text: numbers would change with every line above."""
    seen[text] = seen.get(text, 0) + 1
    number = f" #{seen[text]}" if seen[text] > 1 else ""
    return f"{name}: {text}{number}"


def all_mutants():
    return [(name, label, text) for name in FILES for label, text in mutants_of(name)]


class Suite:
    """The unit tests of the core as one program, and what it needs."""

    flags = ["-std=c++20", "-O0", "-w", "-fno-access-control", "-DGTEST_HAS_PTHREAD=1"]

    def __init__(self, folder):
        self.folder = folder
        sources = sorted(SUITE.glob("*_test.cpp"))
        # Each test file in a part of its own: their names must not meet.
        self.sources = [source for source in sources if "spike_detector" not in source.name]
        self.objects = [self.folder / "framing.o"]
        compiler = os.environ.get("CXX", "g++")
        self.compiler = compiler
        subprocess.run(
            [compiler, *self.flags, f"-I{ROOT}", "-c", ROOT / "protocols" / "framing.cpp", "-o", self.objects[0]],
            check=True,
        )
        prefix = self.folder / "prefix.hpp"
        prefix.write_text(
            "#include <gtest/gtest.h>\n#include <array>\n#include <cmath>\n#include <functional>\n#include <map>\n"
            '#include <random>\n#include <vector>\n#include "protocols/codec.hpp"\n'
        )
        subprocess.run([compiler, *self.flags, f"-I{ROOT}", "-x", "c++-header", prefix], check=True)

    def judge(self, name, text):
        """@returns killed, survived or broken"""
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            overlay = pathlib.Path(place) / "firmware" / "core"
            shutil.copytree(CORE, overlay)
            (overlay / name).write_text(text, encoding="utf-8")
            for source in self.sources:
                program = pathlib.Path(place) / source.stem
                built = subprocess.run(
                    [self.compiler, *self.flags, "-include", self.folder / "prefix.hpp", f"-I{place}", f"-I{ROOT}",
                     source, *self.objects, "-o", program, "-lgtest", "-lgtest_main", "-lpthread"],
                    capture_output=True,
                )  # fmt: skip
                if built.returncode != 0:
                    return "broken"
                try:
                    ran = subprocess.run([program, "--gtest_brief=1"], capture_output=True, timeout=60, cwd=ROOT)
                except subprocess.TimeoutExpired:
                    return "killed"
                if ran.returncode != 0:
                    return "killed"
            return "survived"


def equivalent():
    """Label -> reason, from lines `label => reason`."""
    listed = {}
    if EQUIVALENT.exists():
        for line in EQUIVALENT.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                label, _, reason = line.partition(" => ")
                if not reason:
                    sys.exit(f"{EQUIVALENT.name}: without a reason: {line}")
                listed[label] = reason
    return listed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    everything = all_mutants()
    listed = equivalent()
    if options.list:
        for _, label, _ in everything:
            print(label)
        print(f"{len(everything)} mutants")
        return
    gone = set(listed) - {label for _, label, _ in everything}
    chosen = everything
    if options.sample:
        chosen = random.Random(options.seed).sample(everything, min(options.sample, len(everything)))
        print(f"{len(chosen)} of {len(everything)} mutants, seed {options.seed}")
    began = time.monotonic()
    counts = {"killed": 0, "survived": 0, "broken": 0, "equivalent": 0}
    wrong = [f"listed but not there: {label}" for label in sorted(gone)]
    with tempfile.TemporaryDirectory() as folder:
        suite = Suite(pathlib.Path(folder))
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            verdicts = pool.map(lambda mutant: suite.judge(mutant[0], mutant[2]), chosen)
            for (_, label, _), verdict in zip(chosen, verdicts):
                if label in listed and verdict == "survived":
                    verdict = "equivalent"
                elif label in listed and verdict == "killed":
                    wrong.append(f"listed as equivalent but killed: {label}")
                elif verdict == "survived":
                    wrong.append(f"survived: {label}")
                    print(wrong[-1], flush=True)
                counts[verdict] += 1
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    print(f"{len(chosen)} mutants: {told}; {time.monotonic() - began:.0f} s")
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
