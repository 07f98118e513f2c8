"""The statistics of one spike train as a script writes them: numpy, several passes, the whole train in memory.

Usage: plain_analysis.py TIMES TICK_US BIN BINS THRESHOLD [each_spike]
TIMES: int64 ticks, raw. BIN: ticks of a lag bin. THRESHOLD: ticks, longer intervals are gaps between bursts.
each_spike: the lags are counted spike by spike, not order by order.
Prints one JSON object: seconds of processor time for the analysis alone, and what it found.
"""
import json
import sys
import time

import numpy as np


def intervals_of(isi, refractory):
    mean, sum_, difference = isi.mean(), isi[1:] + isi[:-1], np.abs(np.diff(isi))
    contrast = difference / sum_
    centred = isi - mean
    return {
        "cv": isi.std() / mean,
        "cv2": 2 * contrast.mean(),
        "lv": 3 * np.mean(contrast**2),
        "lvr": 3 * np.mean((1 - 4 * isi[1:] * isi[:-1] / sum_**2) * (1 + 4 * refractory / sum_)),
        "serial": np.sum(centred[1:] * centred[:-1]) / np.sum(centred**2),
        "quantiles": np.quantile(isi, [0.05, 0.25, 0.5, 0.75, 0.95], method="lower").tolist(),
    }


def lags_by_order(times, bin_, bins):
    """All pairs of neighbours, of next neighbours ... until none is within the window."""
    counts, order = np.zeros(bins, dtype=np.int64), 1
    while order < len(times):
        lags = times[order:] - times[:-order]
        lags = lags[lags < bin_ * bins]
        if not len(lags):
            break
        counts += np.bincount(lags // bin_, minlength=bins)
        order += 1
    return counts


def lags_by_spike(times, bin_, bins):
    counts = np.zeros(bins, dtype=np.int64)
    ends = np.searchsorted(times, times + bin_ * bins)
    for k, end in enumerate(ends):
        counts += np.bincount((times[k + 1 : end] - times[k]) // bin_, minlength=bins)
    return counts


def structure_factor(times, block=64):
    blocks = times[: len(times) // block * block].reshape(-1, block)
    relative = (blocks - blocks[:, :1]).astype(float)
    phases = 2 * np.pi * (block - 1) * relative / relative[:, -1:]
    return float(np.mean(np.abs(np.exp(1j * phases).sum(axis=1)) ** 2 / block))


def batch_means(isi):
    size = 1
    while len(isi) // size >= 32:
        size *= 2
    return isi[: len(isi) // size * size].reshape(-1, size).mean(axis=1)


def bursts(times, isi, threshold):
    opens = np.flatnonzero(isi > threshold)
    if len(opens) < 2:
        return None
    periods, sizes, gaps = np.diff(times[opens]), np.diff(opens), isi[opens]
    inside = isi[isi <= threshold]
    logs = np.log(isi[1:] / isi[:-1])[(isi[1:] <= threshold) & (isi[:-1] <= threshold)]
    return {
        "rate_per_tick": (len(opens) - 1) / float(times[opens[-1]] - times[opens[0]]),
        "spikes": [float(sizes.mean()), float(sizes.std() / sizes.mean())],
        "gap_cv": float(gaps.std() / gaps.mean()),
        "medians": [float(np.median(inside)), float(np.median(gaps))],
        "duty": float(1 - gaps[:-1].sum() / periods.sum()),
        "slope": float(logs.mean()) if len(logs) else None,
    }


def vacancies(isi):
    usual = np.median(isi)
    for _ in range(3):
        usual = isi[np.rint(isi / usual) == 1].mean()
    ratio = isi / usual
    k = np.maximum(1, np.rint(ratio))
    sizes = np.bincount(np.minimum(k - 1, 32).astype(int), minlength=33)
    residual = np.sqrt(np.mean((ratio - k) ** 2))
    return {"missing": int((k - 1).sum()), "sizes": sizes[1:].tolist(), "residual": float(residual)}


def main():
    times = np.fromfile(sys.argv[1], dtype=np.int64)
    tick_us, bin_, bins, threshold = float(sys.argv[2]), *map(int, sys.argv[3:6])
    lags = lags_by_spike if sys.argv[6:] == ["each_spike"] else lags_by_order
    began = time.process_time()
    ticks = np.diff(times)
    isi = ticks.astype(float)
    found = {"n_spikes": len(times), **intervals_of(isi, 500 / tick_us)}
    gamma = 1.01 / 0.99
    bucket = np.maximum(1, np.ceil(np.log(isi * tick_us) / np.log(gamma)).astype(int))
    found["buckets"] = np.bincount(bucket).nonzero()[0].tolist()
    pairs = lags(times, bin_, bins)
    found["pairs"] = pairs.tolist()
    lag = (np.arange(bins) + 0.5) * bin_
    span = float(times[-1] - times[0])
    corrected = pairs / len(times) * span / (span - lag)
    level = len(times) / span * bin_
    found["outside"] = int(np.sum(np.abs(corrected - level) > 3.7 * np.sqrt(level / len(times))))
    found["s64"] = structure_factor(times)
    found["r1"] = float(np.abs(np.exp(2j * np.pi * isi / isi.mean()).mean()))
    means = batch_means(isi)
    found["half_width"] = float(1.1 * 2.0 * means.std(ddof=1) / np.sqrt(len(means)))
    found["burst"] = bursts(times, isi, threshold)
    found["vacancy"] = vacancies(isi)
    found["seconds"] = time.process_time() - began
    json.dump(found, sys.stdout)


main()
