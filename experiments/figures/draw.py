"""Draws the figures that `thyrode figure` has measured, one picture each, beside the published points.

usage: draw.py FOLDER [NAME ...]   FOLDER is what --out named; the pictures are FOLDER/NAME.png
"""

import csv
import json
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import h5py
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

HERE = pathlib.Path(__file__).resolve().parent
PHYSICS = HERE.parent.parent / "tests" / "data" / "physics"

# One colour a phase, in every picture.
COLOURS = {
    "QH": "#d9d9d9",
    "QD": "#737373",
    "TS": "#f4a582",
    "FS": "#4393c3",
    "IB1": "#78c679",
    "IB2": "#fee08b",
    "soft": "#c2a5cf",
    "irregular": "#e7298a",
    "transient": "#ffffff",
    "mixed": "#000000",
    "undetermined": "#ffffff",
}
plt.rcParams.update(
    {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "savefig.dpi": 130}
)


class Figure:
    """What was measured of one figure."""

    def __init__(self, folder):
        self.folder = folder
        self.told = json.loads((folder / "figure.json").read_text())

    def result(self, run):
        return json.loads((self.folder / f"{run}.json").read_text())

    def statistics(self, run, what="steps"):
        return json.loads((self.folder / f"{run}.statistics.json").read_text())[what]

    def trace(self, run, step, after_s, length_s, channel="A"):
        """V_out of a step from `after_s` after its settling: time in ms, voltage in mV."""
        with h5py.File(self.folder / f"{run}.nwb") as file:
            series = file[f"acquisition/V_out_{channel}"]
            data, rate = series["data"], series["starting_time"].attrs["rate"]
            ticks_per_value = data.attrs["ticks_per_sample"] * data.attrs["decimation"]
            first = round((step["start_tick"] - int(series["first_tick"][()])) / ticks_per_value + after_s * rate)
            millivolts = data[first : first + round(length_s * rate)].astype(float) * data.attrs["conversion"] * 1e3
        return np.arange(len(millivolts)) / rate * 1e3, millivolts


def facts(kind, **wanted):
    with open(PHYSICS / "wu2023_facts.csv", newline="") as file:
        for row in csv.DictReader(file):
            if row["kind"] == kind and all(row[key] == value for key, value in wanted.items()):
                yield row


def column(steps, key):
    return np.array([np.nan if s[key] is None else s[key] for s in steps], dtype=float)


def with_errors(axes, steps, colour, label, marker="o", key="frequency_hz", by="current_ua", **more):
    """Measured values with their 95 % intervals."""
    steps = [s for s in steps if s[key] is not None]
    x, y = column(steps, by), column(steps, key)
    low, high = column(steps, key + "_low"), column(steps, key + "_high")
    errors = np.clip(np.nan_to_num(np.array([y - low, high - y])), 0.0, None)
    axes.errorbar(x, y, errors, color=colour, marker=marker, ms=3, lw=0, elinewidth=1, label=label, **more)


def sorted_steps(result, **wanted):
    steps = [s for s in result["steps"] if all(s[key] == value for key, value in wanted.items())]
    return sorted(steps, key=lambda s: s["current_ua"])


def step_at(steps, current, part=None):
    near = [s for s in steps if abs(s["current_ua"] - current) < 0.06 and (part is None or s["part"] == part)]
    return near[0]


def fig1(figure):
    grid = figure.result("map")["map"]
    labels = grid["labels"]
    cells = np.array([[np.nan if c is None else c for c in row] for row in grid["grid"]], dtype=float)
    tau_ms, currents = np.array(grid["values"]) * 1e3, np.array(grid["currents_ua"])
    picture, axes = plt.subplots(figsize=(7.2, 4.8))
    axes.pcolormesh(
        tau_ms, currents, cells.T, cmap=ListedColormap([COLOURS[name] for name in labels]), vmin=-0.5,
        vmax=len(labels) - 0.5, shading="nearest",
    )
    for quantity, marker in (("I_low", "^"), ("I_high", "v")):
        rows = [r for r in facts("boundary") if r["quantity"] == quantity and float(r["taus_ms"]) <= 0.6]
        axes.errorbar(
            [float(r["taus_ms"]) for r in rows], [float(r["value"]) for r in rows], [float(r["error"]) for r in rows],
            color="k", mfc="w", mew=0.7, marker=marker, ms=4, lw=0, elinewidth=0.8,
            label="published, lower and upper edge" if marker == "^" else None,
        )
    axes.axvline(0.2145, color="k", lw=0.8, ls="--")
    steps = figure.result("map")["steps"]
    axes.plot(
        [s["conditions"]["tau_L"] * 1e3 for s in steps], column(steps, "current_ua"), ",", color="0.25",
        label=f"measured, {grid['measured_points']} of {cells.size} points",
    )
    axes.set(xlabel="load time $\\tau_L$ (ms)", ylabel="current (µA)", xlim=(tau_ms[0], tau_ms[-1]),
             ylim=(currents[0], currents[-1]), title="Phase diagram of the MBN")
    known = [name for name in COLOURS if name in labels]
    handles, names = axes.get_legend_handles_labels()
    handles += [Patch(facecolor=COLOURS[name], edgecolor="0.5") for name in known]
    axes.legend(handles, names + known, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return picture


def lif(current, fit):
    """1/(t_ref + tau ln(I/(I - I_c)))."""
    current = np.asarray(current)
    return 1e3 / (fit["refractory_ms"] + fit["tau_ms"] * np.log(current / (current - fit["rheobase_ua"])))


def fig3b(figure):
    result = figure.result("msn")
    picture, axes = plt.subplots(figsize=(6.2, 4.4))
    with_errors(axes, sorted_steps(result), "C0", "measured, 95 %")
    rows = list(facts("fI"))
    axes.errorbar([float(r["I_uA"]) for r in rows], [float(r["value"]) for r in rows],
                  [float(r["error"]) for r in rows], xerr=0.7, color="k", marker="s", ms=3, mfc="w", lw=0,
                  elinewidth=0.8, label="published (Wu et al. 2023)")
    fit = result["fit"]["lif"]
    if fit:
        x = np.linspace(fit["rheobase_ua"] * 1.0005, 130, 400)
        inside = x <= fit["range_ua"][1]
        axes.plot(x[inside], lif(x[inside], fit), "r-", lw=1.2,
                  label=f"LIF fit, $I_c$ = {fit['rheobase_ua']:.2f} µA, $\\tau$ = {fit['tau_ms']:.1f} ms")
        axes.plot(x[~inside], lif(x[~inside], fit), "r:", lw=1.2, label="its continuation")
    near = [s for s in sorted_steps(result) if 60 <= s["current_ua"] <= 106 and s["frequency_hz"]]
    slope = np.sum(column(near, "current_ua") * column(near, "frequency_hz")) / np.sum(column(near, "current_ua") ** 2)
    axes.plot([0, 130], [0, slope * 130], "b-", lw=0.8, label=f"ideal IF, f = {slope:.3f} Hz/µA · I")
    axes.set(xlabel="current (µA)", ylabel="f (Hz)", xlim=(25, 136), ylim=(0, 50),
             title="Activation function of the MSN")
    axes.legend(loc="upper left")
    return picture


MODES = [
    ("TS", "tau-0.01ms", 90, 0.15), ("FS", "tau-0.3ms", 60, 0.01), ("IB1", "tau-0.28ms", 39.4, 0.06),
    ("IB2", "tau-0.28ms", 97, 0.2),
]


def fig4(figure):
    result = figure.result("modes")
    picture, axes = plt.subplots(4, 1, figsize=(6.6, 6.4))
    for axis, (label, part, current, length) in zip(axes, MODES):
        step = step_at(result["steps"], current, part)
        t, v = figure.trace("modes", step, 0.3, length)
        axis.plot(t, v, color="k", lw=0.6)
        axis.set(ylabel="$V_{out}$ (mV)", xlim=(0, length * 1e3))
        axis.set_title(f"{step['label']}: {current} µA, {part[4:-2]} ms, f = {step['frequency_hz']:.4g} Hz", loc="left",
                       fontsize=9, color="k", backgroundcolor=COLOURS[step["label"]])
    axes[-1].set_xlabel("time (ms)")
    picture.tight_layout()
    return picture


def by_label(axes, steps, **more):
    """Measured rates, coloured by phase."""
    for label in sorted({s["label"] for s in steps if s["frequency_hz"]}):
        with_errors(axes, [s for s in steps if s["label"] == label], COLOURS[label], label, markeredgecolor="0.3",
                    markeredgewidth=0.4, **more)


def fig5(figure):
    picture, (left, right) = plt.subplots(1, 2, figsize=(9.4, 4.4))
    by_label(left, sorted_steps(figure.result("mbn")))
    with_errors(left, sorted_steps(figure.result("msn")), "C1", "MSN", marker="s")
    rows = [r for r in facts("trace", label="FS", quantity="rate") if r["taus_ms"] == "0.3"]
    left.errorbar([float(r["I_uA"]) for r in rows], [float(r["value"]) for r in rows],
                  [float(r["error"]) for r in rows], color="k", marker="s", ms=4, mfc="w", lw=0, label="published")
    rows = [r for r in facts("fI") if 33 < float(r["I_uA"]) < 122]
    left.plot([float(r["I_uA"]) for r in rows], [float(r["value"]) for r in rows], "ks", ms=3, mfc="w", mew=0.6)
    left.set(yscale="log", xlabel="current (µA)", ylabel="f (Hz)", ylim=(0.3, 4000), title="MBN at 0.3 ms, and MSN")
    left.legend(loc="lower center", fontsize=8, ncol=3)
    for run, marker, colour in (("coupled", "o", "k"), ("soma", "^", "C3"), ("dendrite", "s", "C0")):
        steps = [dict(s, density=s["current_ua"] / 20) for s in sorted_steps(figure.result(run))]
        name = "$g_c$ = 2.1 mS/cm²" if run == "coupled" else f"{run} alone ($g_c$ = 0)"
        with_errors(right, steps, colour, name, marker=marker, by="density")
    with open(PHYSICS / "pinsky_rinzel_fI.csv", newline="") as file:
        rows = [r for r in csv.DictReader(file) if float(r["event_rate_hz"]) > 0]
    x = [float(r["Is_uA_cm2"]) + float(r["Id_uA_cm2"]) for r in rows]
    right.plot(x, [float(r["event_rate_hz"]) for r in rows], "x", color="0.5", ms=4, label="model without noise")
    right.set(yscale="log", xlabel="current density (µA/cm²)", ylabel="f (Hz)", xlim=(-0.1, 6.2),
              title="Pinsky-Rinzel model")
    right.legend(fontsize=8)
    picture.tight_layout()
    return picture


def fig6(figure):
    result = figure.result("melting")
    statistics = figure.statistics("melting")
    picture, axes = plt.subplots(2, 2, figsize=(9.2, 4.6))
    for row, current in zip(axes, (45.3, 36.4)):
        step = step_at(result["steps"], current)
        t, v = figure.trace("melting", step, 5.0, 2.5)
        row[0].plot(t / 1e3, v, color="k", lw=0.6)
        row[0].set(ylabel="$V_{out}$ (mV)", xlabel="time (s)",
                   title=f"{current} µA, {step['label']}, CV {step['cv']:.2f}")
        pairs = step_at(statistics, current)["statistics"]["autocorr"]
        g = np.concatenate([[1.0], pairs["g_n_border_corrected"]])
        lag_ms = np.concatenate([[0.0], (np.arange(len(g) - 1) + 0.5) * pairs["bin_s"] * 1e3])
        row[1].bar(lag_ms, g, width=pairs["bin_s"] * 1e3, color="C0" if current > 40 else "C2")
        low, high = pairs["poisson_band95"]
        row[1].axhspan(low, high, color="0.8", zorder=0, label="95 % band without order")
        row[1].set(ylabel="$g_n(t)$", xlabel="t (ms)", ylim=(0, 0.5), xlim=(0, lag_ms[-1]))
        row[1].annotate("1 at t = 0", (0, 0.5), xytext=(8, -4), textcoords="offset points", va="top", fontsize=8)
        row[1].legend(loc="upper right", fontsize=8)
    picture.tight_layout()
    return picture


def fig7_left(figure):
    result = figure.result("down")
    statistics = figure.statistics("down")
    shown = [52, 48, 47, 46, 44, 38]
    picture = plt.figure(figsize=(9.4, 6.6), layout="constrained")
    left, right = picture.subfigures(1, 2, width_ratios=[2, 1])
    axes = left.subplots(len(shown), 1, sharex=True)
    for axis, current in zip(axes, shown):
        step = step_at(result["steps"], current)
        t, v = figure.trace("down", step, 1.0, 0.2)
        axis.plot(t, v, color=COLOURS["FS"] if step["label"] == "FS" else "k", lw=0.5)
        axis.set(xlim=(0, 200), yticks=[100, 300])
        axis.set_title(f"{current} µA: {step['label']}", loc="left", fontsize=8, pad=2)
    axes[-1].set_xlabel("time (ms)")
    left.supylabel("$V_{out}$ (mV)", fontsize=9)
    regular = [s for s in statistics if (s["statistics"]["vacancy"] or {}).get("counted")]
    bursting = [s for s in statistics if (s["statistics"]["burst"] or {}).get("bursting")]
    upper, lower = right.subplots(2, 1)
    missing = [s["statistics"]["vacancy"]["vacancy_fraction"] for s in regular]
    upper.plot(column(regular, "current_ua"), missing, "o-", ms=3, color="C3", label="missing spikes")
    silent = [1.0 - s["statistics"]["burst"]["duty"] for s in bursting]
    upper.plot(column(bursting, "current_ua"), silent, "^-", ms=3, color="C5", label="time in gaps")
    upper.set(ylabel="share", xlim=(57, 36))
    upper.legend(fontsize=7)
    sizes = [s["statistics"]["vacancy"]["cluster_size_mean"] or np.nan for s in regular]
    lower.plot(column(regular, "current_ua"), sizes, "s-", ms=3, color="C4", label="missing in a row")
    gaps = [s["statistics"]["burst"]["gap_over_intra_isi"] for s in bursting]
    lower.plot(column(bursting, "current_ua"), gaps, "^-", ms=3, color="C5", label="gap in intervals")
    lower.set(ylabel="mean", xlabel="current (µA), falling", xlim=(57, 36))
    lower.legend(fontsize=7)
    return picture


def fig7_butera(figure):
    result = figure.result("butera")
    shown = [42, 56, 70, 84, 110]
    picture, axes = plt.subplots(len(shown), 1, figsize=(6.6, 6.2), sharex=True)
    for axis, current in zip(axes, shown):
        step = step_at(result["steps"], current)
        t, v = figure.trace("butera", step, 0.0, min(20.0, step["duration_s"]))
        axis.plot(t / 1e3, (v - 450) / 5, color="k", lw=0.5)
        axis.set(xlim=(0, 20), ylim=(-65, 20))
        if step["duration_s"] < 19.0:
            axis.annotate("the step ends: f is known", (t[-1] / 1e3, -50), xytext=(4, 0), textcoords="offset points",
                          color="0.4", fontsize=8)
        rate = "" if not step["frequency_hz"] else f", f = {step['frequency_hz']:.3g} Hz"
        axis.set_title(f"{current / 4:g} pA: {step['label']}{rate}", loc="left", fontsize=8, pad=2)
    axes[2].set_ylabel("membrane potential (mV)")
    axes[-1].set_xlabel("time (s)")
    picture.tight_layout()
    return picture


def section3(figure):
    picture, (left, right) = plt.subplots(1, 2, figsize=(9.4, 4.2))
    result = figure.result("msn")
    with_errors(left, [s for s in sorted_steps(result) if s["beta_status"] == "ok"], "C0", "from the curve, 95 %",
                key="beta_n_per_ua")
    with_errors(left, figure.result("msn-direct")["direct_beta"], "C3", "direct, pairs ABBA", marker="D",
                key="beta_n_per_ua")
    fit = result["fit"]["lif"]
    if fit:
        x = np.linspace(fit["rheobase_ua"] + 0.6, 70, 300)
        beta = np.gradient(np.log(lif(x, fit)), x)
        left.plot(x, beta, "r-", lw=1, label=f"LIF, $I_c$ = {fit['rheobase_ua']:.2f} µA")
        left.axvline(fit["rheobase_ua"], color="0.6", lw=0.8, ls=":")
    left.set(yscale="log", xlabel="current (µA)", ylabel="$\\beta_n$ (1/µA)", title="MSN")
    left.legend()
    mbn = figure.result("mbn")
    steps = sorted_steps(mbn)
    by_label(right, [s for s in steps if s["beta_status"] == "ok"], key="beta_n_per_ua")
    for transition in mbn["fit"]["transitions"]:
        right.axvspan(*transition["bracket_ua"], color="0.85", zorder=0)
    for precursor in mbn["fit"]["precursors"]:
        right.plot(precursor["current_ua"], precursor["beta_n_per_ua"], "v", color="C3", ms=8, mfc="none", lw=0,
                   label="stands out")
    right.set(xlabel="current (µA)", ylabel="$\\beta_n$ (1/µA)", title="MBN at 0.3 ms")
    right.set_yscale("symlog", linthresh=0.1)
    twin = right.twinx()
    twin.plot(column(steps, "current_ua"), column(steps, "frequency_hz"), "-", color="0.7", lw=0.8)
    twin.set(yscale="log", ylabel="f (Hz), grey")
    twin.spines["right"].set_visible(True)
    right.legend(fontsize=8, loc="lower right")
    picture.tight_layout()
    return picture


def fig8(figure):
    picture = plt.figure(figsize=(9.4, 5.2), layout="constrained")
    for half, run in zip(picture.subfigures(2, 1), ("inhibition", "excitation")):
        steps = [s for s in figure.result(run)["steps"] if s["channel"] == 0]
        relation = figure.statistics(run, "relations")[-1]
        axes = half.subplots(1, 2, sharey=True)
        begin = figure.statistics(run, "relations")[-3]["mean_phase_cycles"]
        for axis, step, after, title in (
            (axes[0], steps[-3], 0.0, f"{run}: at first, phase {begin:.3f}"),
            (axes[1], steps[-1], 4.0, f"later: {relation['relation']}, phase {relation['mean_phase_cycles']:.3f}"),
        ):
            for channel, colour in (("A", "C3"), ("B", "C0")):
                t, v = figure.trace(run, step, after, 0.5, channel)
                axis.plot(t, v + (0 if channel == "A" else 160), color=colour, lw=0.7, label=channel)
            axis.set(xlim=(0, 500), yticks=[0, 100])
            axis.set_title(title, loc="left", fontsize=9)
            axis.set_xlabel("time (ms)")
        axes[0].set_ylabel("$V_{out}$ (mV), B raised")
        axes[1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return picture


DRAWN = {
    "fig1": fig1, "fig3b": fig3b, "fig4": fig4, "fig5": fig5, "fig6": fig6, "fig7-left": fig7_left,
    "fig7-butera": fig7_butera, "fig8": fig8, "section3": section3,
}


def main(arguments):
    if not arguments:
        sys.exit(__doc__)
    out = pathlib.Path(arguments[0])
    for name in arguments[1:] or DRAWN:
        if not (out / name / "figure.json").exists():
            sys.exit(f"draw.py: {out / name} was not measured; run `thyrode figure` on it first")
        picture = DRAWN[name](Figure(out / name))
        picture.savefig(out / f"{name}.png", bbox_inches="tight")
        plt.close(picture)
        print(out / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
