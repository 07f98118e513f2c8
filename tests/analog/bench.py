"""The front end on a bench that ngspice plays: supplies, a DAC pin, a load, and what is measured."""

import functools
import math
import pathlib
import random
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs/hardware"))
import circuit  # noqa: E402  the one source of parts and values
import spice  # noqa: E402

FRONT_END = circuit.FrontEnd()
SAMPLE_RATE = 250e3
AMPS_PER_DAC_CODE = 400e-6 / 4096
AMPS_PER_READ_CODE = 500e-6 / 4096
VOLTS_PER_CODE = 3.3 / 4096
BOLTZMANN_4T = 1.6576e-20  # 4 k T at 300.15 K, as in models.cir

# A DAC pin of the chip without its output buffer: at most 15 kOhm (data sheet of the STM32F446).
BENCH = """
.options gmin=1e-13 abstol=1e-12 reltol=1e-4 method=gear
VP6 p6v 0 {p6}
VN6 n6v 0 {n6}
V33 p3v3 0 {p33}
VAV avdd 0 {avdd}
V5 p5v 0 5
VDAC dacs 0 {dac}
RDAC dacs dac {dac_ohms}
RRUN runs run 25
VRUN runs 0 {run}
VI u load 0
"""
USUAL = {"p6": "6", "n6": "-6", "p33": "3.3", "avdd": "3.3", "dac": "1.65", "run": "3.3", "dac_ohms": "15k"}


def bench(load, values=None, figures=None, **changes):
    """The netlist of one channel with `load`, lines that hang on the nodes `load` (the neuron's u) and `v`."""
    unknown = set(changes) - set(USUAL)
    if unknown:
        raise ValueError(f"the bench has no {', '.join(sorted(unknown))}")
    return "\n".join([FRONT_END.netlist(values=values, figures=figures), BENCH.format(**{**USUAL, **changes}), load])


def held(volts="0", v_out="0"):
    """A load that is a voltage: what a source must not feel."""
    return f"VU load 0 {volts}\nVV v 0 {v_out}"


def slope(x, y):
    """Gain, zero and largest deviation of a straight line through (x, y)."""
    gain, zero = np.polyfit(x, y, 1)
    return gain, zero, np.max(np.abs(y - gain * x - zero))


# ---------------------------------------------------------------- direct current


@functools.lru_cache(maxsize=None)
def direct():
    """Gain, zero, linearity, output resistance and compliance of the source, and the scales of the three inputs."""
    solved = spice.run(
        bench(held()),
        [
            "dc VDAC 0 3.3 0.0825 VU 0 3 1.5", "save_as source i(vi) v(adc_i)",
            "alter VDAC 1.65", "dc VU 0 3 0.1", "save_as membrane v(adc_m) i(vi)",
            "alter VU 1", "dc VV 0 0.8 0.02", "save_as output v(adc_o)",
        ],
    )
    points = 41
    volts = np.linspace(0.0, 3.3, points)
    currents = solved["source"]["i(vi)"].real.reshape(3, points)
    gain, _, bend = slope(volts, currents[1])
    read_gain, _, read_bend = slope(currents[1], solved["source"]["v(adc_i)"].reshape(3, points)[1])
    mean = currents.mean(axis=1)
    result = {
        "transconductance": gain,
        "current_zero": currents[1][points // 2],
        "current_bend": bend,
        "current_range": min(currents.max(), -currents.min()),
        "output_resistance": 3.0 / max(np.max(np.abs(currents[2] - currents[0])), 1e-15),
        "mean_shift": mean[2] - mean[0],
        "read_gain": read_gain,
        "read_bend": read_bend / VOLTS_PER_CODE,
        "read_zero": np.interp(0.0, currents[1], solved["source"]["v(adc_i)"].reshape(3, points)[1]) / VOLTS_PER_CODE,
    }
    result.update({f"compliance_{key}": volts for key, volts in compliance("6", "-6").items()})
    gain, zero, bend = slope(np.linspace(0, 3, 31), solved["membrane"]["v(adc_m)"])
    result.update(membrane_gain=gain, membrane_zero=zero / VOLTS_PER_CODE, membrane_bend=bend / VOLTS_PER_CODE)
    gain, zero, bend = slope(np.linspace(0, 0.8, 41), solved["output"]["v(adc_o)"])
    result.update(output_gain=gain, output_zero=zero / VOLTS_PER_CODE, output_bend=bend / VOLTS_PER_CODE)
    return result


@functools.lru_cache(maxsize=None)
def compliance(upper, lower):
    """Largest |V_m| at which full current flows on other rails, for either sign."""
    solved = spice.run(
        bench(held(), p6=upper, n6=lower, dac="3.3"),
        ["dc VU 0 5.5 0.02", "save_as high i(vi)", "alter VDAC 0", "dc VU 0 -5.5 -0.02", "save_as low i(vi)"],
    )
    return {name: abs(last_full(data["v(v-sweep)"], data["i(vi)"])) for name, data in solved.items()}


def last_full(volts, current):
    """The voltage at which a current is a code away from what it was at the first."""
    lost = np.abs(current - current[0]) > AMPS_PER_DAC_CODE
    return volts[np.argmax(lost)] if lost.any() else volts[-1]


# ---------------------------------------------------------------- frequency


def corner(frequency, response):
    """Where a low-pass has lost 3 dB."""
    level = np.abs(response) / np.abs(response[0])
    return float(np.exp(np.interp(-math.sqrt(0.5), -level, np.log(frequency))))


def attenuation(frequency, response, at):
    """dB that are lost at a frequency."""
    level = np.abs(response) / np.abs(response[0])
    return -20.0 * np.log10(np.exp(np.interp(np.log(at), np.log(frequency), np.log(level))))


@functools.lru_cache(maxsize=None)
def frequency():
    """The anti-alias filters (V_m, V_out and the read-back) and the source, small signals."""
    sweep = "ac dec 60 100 10meg"
    solved = spice.run(bench(held("1 ac 1", "0.4")), [sweep, "save_as m v(adc_m)"])
    solved.update(spice.run(bench(held("1", "0.4 ac 1")), [sweep, "save_as o v(adc_o)"]))
    solved.update(spice.run(bench(held("1"), dac="1.65 ac 1", dac_ohms="1"), [sweep, "save_as s i(vi) v(adc_i)"]))
    result = {}
    for name, key, vector in (("membrane", "m", "v(adc_m)"), ("output", "o", "v(adc_o)"), ("read", "s", "v(adc_i)")):
        f, response = solved[key]["frequency"].real, solved[key][vector]
        result[f"{name}_corner"] = corner(f, response)
        result[f"{name}_peaking"] = 20 * np.log10(np.max(np.abs(response)) / np.abs(response[0]))
        result[f"{name}_at_125k"] = attenuation(f, response, 125e3)
        result[f"{name}_at_150k"] = attenuation(f, response, 150e3)
        result[f"{name}_at_1m"] = attenuation(f, response, 1e6)
    result["source_corner"] = corner(solved["s"]["frequency"].real, solved["s"]["i(vi)"])
    return result


# ---------------------------------------------------------------- steps

LOADS = {
    "short": "VU load 0 0.5",
    "1 kΩ": "RL load 0 1k",
    "15 kΩ": "RL load 0 15k",
    "100 nF": "CL load 0 100n\nRL load 0 50k",
    "10 µF": "CL load 0 10u\nRL load 0 47k",
}
SWEEP = 180e-6  # A from the first level to the second


@functools.lru_cache(maxsize=None)
def step(load):
    """The command jumps from 10 to 190 uA in 0.1 us: overshoot of the current, time to 1 %, of a load that is fast."""
    lines = LOADS[load] + "\nVV v 0 0"
    dac = "PULSE(1.7325 3.2175 100u 0.1u 0.1u 1 2)"
    data = spice.run(bench(lines, dac=dac, dac_ohms="1"), ["tran 100n 300u 0 100n", "save_as t i(vi)"])["t"]
    t, i = data["time"], data["i(vi)"]
    before, after = i[t < 99e-6][-1], i[-1]
    moved = (i - before) / (after - before)
    late = t[(np.abs(moved - 1.0) > 0.01) & (t > 100e-6)]
    return {"overshoot": max(0.0, moved.max() - 1.0), "settling": late[-1] - 100e-6, "moved": after - before}


# ---------------------------------------------------------------- the neuron

REFERENCE = ROOT / "tests/reference"


def transistor_neuron(name):
    """msn.cir or mbn.cir of tests/reference without its source and its analysis; its cathode becomes V_out."""
    kept = []
    for line in (REFERENCE / name).read_text(encoding="ascii").splitlines():
        if line.startswith((".param", ".model", "C", "VA", "Q", "R", "B")):
            kept.append(line.replace(" u ", " load ") if line[:2] in ("CM", "VA") else line)
    return "\n".join([*kept, "VKV k v 0"])


def published_neuron(sheet):
    """The MSN or MBN board with the parts of front_end.yaml."""
    text = FRONT_END.netlist(sheets=(sheet,)).replace((circuit.HERE / "models.cir").read_text(encoding="utf-8"), "")
    return text.replace(" u ", " load ")


def rises(time, signal, level):
    k = np.flatnonzero((signal[:-1] < level) & (signal[1:] >= level))
    return time[k] + (level - signal[k]) / (signal[k + 1] - signal[k]) * (time[k + 1] - time[k])


@functools.lru_cache(maxsize=None)
def neuron(name):
    """A neuron on the source and on an ideal one: intervals, the current it got, the spike that the converter sees."""
    load, amperes, start, tran, begin = {
        "msn": (published_neuron("msn"), 60e-6, "0.7", "tran 20u 210m 0 20u uic", 0.06),
        "mbn": (published_neuron("mbn"), 80e-6, "0.99", "tran 1u 10m 0 1u uic", 0.003),
        "msn-fast": (transistor_neuron("msn.cir"), 60e-6, "0", "tran 1u 24m 0 2u uic", 0.004),
        "mbn-fast": (transistor_neuron("mbn.cir"), 55e-6, "0", "tran 1u 12m 0 2u uic", 0.004),
    }[name]
    dac = f"{1.65 + amperes * circuit.number(FRONT_END.parts['R2']['value']):.9g}"
    options = ".options chgtol=1e-16\n"
    wired = spice.run(options + bench(f"{load}\n.ic v(load)={start} v(u)={start} v(mid)=1.65", dac=dac),
                      [tran, "save_as t i(vi) v(load) v(v) v(adc_o) v(adc_i)"])["t"]
    late = wired["time"] > begin
    mean = np.trapezoid(wired["i(vi)"][late], wired["time"][late]) / np.ptp(wired["time"][late])
    # The gain of the source is for the calibration to find; the ideal source gives what it gave.
    alone = options + FRONT_END.netlist(sheets=()) + BENCH.splitlines()[1] + f"\nII 0 load {mean:.9g}\n" + load
    ideal = spice.run(f"{alone}\n.ic v(load)={start}", [tran, "save_as t v(load) v(v)"])["t"]
    level = 0.5 * wired["v(v)"].max()
    times = [rises(d["time"], d["v(v)"], level) for d in (wired, ideal)]
    intervals = [float(np.mean(np.diff(t[t > begin]))) for t in times]
    return {
        "interval": intervals[0], "ideal_interval": intervals[1], "spikes": int(np.sum(times[0] > begin)),
        "mean_current": mean, "command": amperes, "peak": wired["v(v)"][late].max(),
        "seen": (wired["v(adc_o)"][late].max() / VOLTS_PER_CODE - 32) * VOLTS_PER_CODE / 4,
    }


# ---------------------------------------------------------------- an open switch

RAMP = 1e-3  # s, the rise of a rail
PIN_LEAKAGE = 1e-6  # A, either way: the most that a floating pin of the chip gives, by its data sheet
MEAN_OVER = 20e-6  # s: five samples; below it the capacitance of an input is a charge, not a current


def largest_mean(time, current):
    """Largest |mean over MEAN_OVER| of a current, A."""
    charge = np.concatenate([[0.0], np.cumsum(0.5 * (current[1:] + current[:-1]) * np.diff(time))])
    moved = np.interp(time + MEAN_OVER, time, charge) - charge
    return np.max(np.abs(moved)) / MEAN_OVER


def rail(volts, at, begin=0.0):
    """A supply that comes up at a time, or goes down when begin is the voltage and volts 0."""
    return f"PWL(0 {begin} {at} {begin} {at + RAMP} {volts})"


def ramps(up):
    """name -> (+6, -6, 3.3 V and AVDD): each rail first, then the others, then all at once."""
    full = {"p6": 6, "n6": -6, "p33": 3.3}
    orders = {"+6 V": ("p6", "n6", "p33"), "-6 V": ("n6", "p33", "p6"), "3.3 V": ("p33", "p6", "n6"), "all": ()}
    result = {}
    for name, order in orders.items():
        changes = {}
        for key, volts in full.items():
            at = 1e-3 + (order.index(key) * 3e-3 if order else 0.0)
            changes[key] = rail(volts, at) if up else rail(0, at, volts)
        changes["avdd"] = changes["p33"]
        result[f"{name} {'up' if up else 'down'} first" if order else f"all rails {'up' if up else 'down'}"] = changes
    return result


def ramp_current(changes, stuck, relay=None):
    """Largest mean current of u or v while rails move. The chip's pins float, the neuron stands at 0.9 V.

    stuck: the rail, 1 or -1, at which amplifiers without enough supply lie; relay: figures of K1 in place of its own.
    """
    figures = {kind: {"stuck": stuck} for kind in ("OPA192", "OPA320", "AD8276", "INA821")}
    figures["K1"] = relay or {}
    floating = f"\nILD 0 dac {stuck * PIN_LEAKAGE}\nILR 0 run {PIN_LEAKAGE}"
    text = bench(held("0.9", "0.3") + floating, figures=figures, dac_ohms="1g", run="0", **changes)
    text = text.replace("RRUN runs run 25", "RRUN runs run 1g")
    data = spice.run(text, ["tran 20u 12m 0 20u", "save_as t i(vi) i(vv)"])["t"]
    return max(largest_mean(data["time"], data[wire]) for wire in ("i(vi)", "i(vv)"))


@functools.lru_cache(maxsize=None)
def worst_ramp():
    """name -> the larger current of the two rails at which amplifiers may stick, for rails that come and that go."""
    orders = {**ramps(True), **ramps(False)}
    return {name: max(ramp_current(changes, stuck) for stuck in (1, -1)) for name, changes in orders.items()}


@functools.lru_cache(maxsize=None)
def open_switch():
    """Currents with the switch open and everything powered, the DAC at either rail, and what a reset leaves."""
    result = {}
    for name, volts in (("DAC at 0", "0"), ("DAC at 3.3 V", "3.3")):
        text = bench(held("0"), dac=volts, run="0")
        data = spice.run(text, ["dc VU 0 3 0.5", "save_as t i(vi)"])["t"]
        result[name] = np.max(np.abs(data["i(vi)"]))
    solved = spice.run(bench(held("0.9"), run="0"), ["dc VDAC 0.165 3.135 0.099", "save_as t v(adc_i)"])["t"]
    volts = np.linspace(0.165, 3.135, 31)
    result["parked_gain"], _, _ = slope(volts, solved["v(adc_i)"])
    floating = bench(held("0.9") + "\nILD 0 dac 1n", dac_ohms="1g")
    result["dead DAC, switch closed"] = abs(spice.run(floating, ["op", "save_as t i(vi)"])["t"]["i(vi)"][0])
    # In reset both pins float from one moment on: switches in place of the chip's drivers.
    pins = (f"\nILR 0 run {PIN_LEAKAGE}\n.model pin SW(VT=0.5 VH=0 RON=25 ROFF=1g)\n"
            "VRST rst 0 PULSE(1 0 200u 10n 10n 1 2)\n")
    text = bench(held("0.9") + pins, dac="3.3")
    text = text.replace("RDAC dacs dac 15k", "RDAC dacs dacp 15k\nSD dacp dac rst 0 pin")
    text = text.replace("RRUN runs run 25", "SR runs run rst 0 pin")
    data = spice.run(text, ["tran 0.2u 600u 0 0.5u", "save_as t i(vi)"])["t"]
    flowing = data["time"][np.abs(data["i(vi)"]) > 1e-6]
    result["reset_time"] = flowing[-1] - 200e-6
    result["reset_after"] = np.max(np.abs(data["i(vi)"][data["time"] > 500e-6]))
    result["before_reset"] = data["i(vi)"][0]
    return result


@functools.lru_cache(maxsize=None)
def closing():
    """The switch closes at code 2048 onto a membrane of 100 nF at 0.75 V: the charge that is not commanded."""
    text = bench("CL load 0 100n\nVV v 0 0\n.ic v(load)=0.75 v(u)=0.75 v(mid)=1.65 v(n2)=0",
                 run="PULSE(0 3.3 100u 10n 10n 1 2)")
    data = spice.run(text, ["tran 0.1u 400u 0 0.5u uic", "save_as t i(vi) v(load)"])["t"]
    return {"charge": 100e-9 * (data["v(load)"][-1] - data["v(load)"][0])}


# ---------------------------------------------------------------- noise

NOISE_BANDS = {"100 kHz": 100e3, "1 MHz": 1e6}


@functools.lru_cache(maxsize=None)
def noise():
    """rms of the current into a short, up to each band, and of the three inputs at their pins up to 1 MHz."""
    text = bench(held("1", "0.4") + "\nHI amp 0 VI 1", dac="1.65 ac 1")
    wanted = {f"current {name}": ("amp", band) for name, band in NOISE_BANDS.items()}
    wanted.update({pin: (pin, 1e6) for pin in ("adc_m", "adc_o", "adc_i")})
    commands = []
    for name, (vector, band) in wanted.items():
        commands += [f"noise v({vector}) VDAC dec 20 1 {band:g}", f"save_as {name.replace(' ', '_')} onoise_total"]
    solved = spice.run(text, commands)
    return {name: float(np.real(solved[name.replace(" ", "_")]["v(onoise_total)"][0])) for name in wanted}


# ---------------------------------------------------------------- tolerances

SEED = 20260


@functools.lru_cache(maxsize=None)
def corners(count=16):
    """Extremes over `count` boards whose parts lie anywhere within their tolerances, offsets at three times typical."""
    random_number = random.Random(SEED)
    found = {}
    for _ in range(count):
        values, figures = {}, {}
        for name, part in FRONT_END.parts.items():
            if part["sheet"] not in circuit.CHANNEL:
                continue
            spread = random_number.uniform(-1.0, 1.0)
            if "value" in part:
                values[name] = circuit.number(part["value"]) * (1.0 + spread * part["tolerance"] / 100.0)
            elif "vos" in FRONT_END.kinds[part["kind"]].get("figures", {}):
                typical = circuit.number(FRONT_END.kinds[part["kind"]]["figures"]["vos"])
                figures[name] = {"vos": f"{3.0 * spread * typical:.6g}"}
        solved = spice.run(
            bench(held("1"), values, figures, dac="1.65"),
            ["dc VDAC 0.165 3.135 0.99", "save_as source i(vi) v(adc_i)",
             "alter VDAC 1.65", "op", "save_as zero i(vi) v(adc_m) v(adc_o) v(adc_i)",
             "alter VU 3", "alter VV 0.8", "op", "save_as full v(adc_m) v(adc_o)",
             "alter @vu[acmag]=1", "alter @vv[acmag]=1", "ac dec 40 10k 1meg", "save_as ac v(adc_m) v(adc_o)"],
        )
        source, zero, full = solved["source"], solved["zero"], solved["full"]
        lowest, highest = source["i(vi)"][0], source["i(vi)"][-1]
        board = {
            "current_gain": (highest - lowest) / 2.97 / (400e-6 / 3.3) - 1.0,
            "current_zero": zero["i(vi)"][0] / AMPS_PER_DAC_CODE,
            "read_gain": (source["v(adc_i)"][-1] - source["v(adc_i)"][0]) / (highest - lowest) / 6600.0 - 1.0,
            "membrane_gain": (full["v(adc_m)"][0] - zero["v(adc_m)"][0]) / 2.0 - 1.0,
            "output_gain": (full["v(adc_o)"][0] - zero["v(adc_o)"][0]) / 0.8 / 4.0 - 1.0,
            "output_zero": zero["v(adc_o)"][0] / VOLTS_PER_CODE - 32.0,
            "membrane_corner": corner(solved["ac"]["frequency"].real, solved["ac"]["v(adc_m)"]) / 100e3 - 1.0,
            "output_corner": corner(solved["ac"]["frequency"].real, solved["ac"]["v(adc_o)"]) / 100e3 - 1.0,
        }
        for key, value in board.items():
            low, high = found.get(key, (value, value))
            found[key] = (min(low, value), max(high, value))
    return found
