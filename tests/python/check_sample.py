"""Lets the recorder write its sample files and validates them.

    python tests/python/check_sample.py PATH_OF_recording_sample
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

import h5py

from validate_nwb import validate


def spoiled_copy(path):
    """Takes away what NWB demands, so that a validator that finds nothing at all is noticed."""
    copy = path.replace(".nwb", "_spoiled.nwb")
    shutil.copy(path, copy)
    with h5py.File(copy, "r+") as file:
        del file["stimulus/presentation/I_cmd_A/data"].attrs["unit"]
        del file["stimulus/presentation/I_cmd_A"].attrs["stimulus_description"]
    return copy


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        valid = True
        for name, options in (("trace.nwb", []), ("no_trace.nwb", ["--no-trace"])):
            path = str(pathlib.Path(folder) / name)
            subprocess.run([program, path, *options], check=True)
            valid = validate(path) and valid
        print("the next file is spoiled on purpose:")
        valid = not validate(spoiled_copy(path)) and valid
    return 0 if valid else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
