"""Kills the recorder as often as it is told, and lets pynwb judge every file that was recovered.

    python tests/python/check_killed.py PATH_OF_recording_kill [TRIALS [SEED]]
"""

import pathlib
import subprocess
import sys
import tempfile

import pynwb

AT_ONCE = 20


def judge(path):
    with pynwb.NWBHDF5IO(str(path), "r", load_namespaces=False) as io:
        errors = [str(error) for error in pynwb.validate(io=io)]
    with pynwb.NWBHDF5IO(str(path), "r", load_namespaces=False) as io:
        file = io.read()
        for container in file.processing["icephys"].data_interfaces.values():
            if isinstance(container, pynwb.core.DynamicTable):
                container.to_dataframe()
    return errors


def invalid(folder):
    """Runs of which a file is not valid. A run may be in several files: killed-7.nwb, killed-7.2.nwb ..."""
    bad = set()
    for path in sorted(pathlib.Path(folder).glob("*.nwb")):
        for error in judge(path):
            print(f"{path.name}: {error}")
            bad.add(path.name.split(".")[0])
    return bad


def main(program, trials=20, seed=1):
    valid = 0
    for begin in range(0, trials, AT_ONCE):
        with tempfile.TemporaryDirectory() as folder:
            count = min(AT_ONCE, trials - begin)
            subprocess.run([program, str(count), str(seed + begin), folder], check=True)
            valid += count - len(invalid(folder))
    print(f"{valid} of {trials} valid by pynwb")
    return 0 if valid == trials else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
