"""Appends to an HDF5 file what the recorder appends in the same device time, as h5py is used: resize, then assign.

    python h5py_appends.py FILE PERIODS FLUSH_PERIODS

Writes PERIODS times 10 ms of one channel at 250 kS/s, with its currents, levels, spikes and marks, lets readers follow
(SWMR) and flushes every FLUSH_PERIODS; prints the seconds it took and the bytes of the file.
"""

import os
import sys
import time

import h5py
import numpy as np

PERIOD = 2500
LEVEL_COLUMNS = 17
SPIKE_COLUMNS = 5
MARK_COLUMNS = 7


def main(path, periods, flush_periods):
    codes = (np.arange(PERIOD) * 7 % 4096).astype(np.uint16)
    scale = 0.8 / 4095 * 1e3
    with h5py.File(path, "w", libver="latest") as file:

        def stream(name, kind, chunk):
            return file.create_dataset(name, (0,), maxshape=(None,), chunks=(chunk,), dtype=kind)

        trace = stream("trace", "f4", 65536)
        currents = [stream(f"current{k}", "f4", 4096) for k in range(2)]
        rows = {"maxshape": (None, 3), "chunks": (512, 3), "dtype": "f4"}
        levels = [file.create_dataset(f"level{k}", (0, 3), **rows) for k in range(3)]
        tables = [
            [stream(f"table{t}_{c}", "i8", 512) for c in range(columns)]
            for t, columns in enumerate((LEVEL_COLUMNS, SPIKE_COLUMNS, MARK_COLUMNS))
        ]
        file.swmr_mode = True

        def append(data, values):
            at = data.shape[0]
            data.resize(at + len(values), axis=0)
            data[at:] = values

        began = time.perf_counter()
        waiting = 0
        for k in range(periods):
            append(trace, codes * np.float32(scale))
            for current in currents:
                append(current, np.full(10, 45.3, np.float32))
            waiting += 1
            # Rows of tables wait for the next flush, as they do in the recorder.
            if waiting == flush_periods or k + 1 == periods:
                for level in levels:
                    append(level, np.zeros((waiting, 3), np.float32))
                for table in tables:
                    for column in table:
                        append(column, np.full(waiting, k, np.int64))
                file.flush()
                waiting = 0
        seconds = time.perf_counter() - began
    print(seconds, os.path.getsize(path))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
