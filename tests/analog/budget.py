"""The noise budget by hand: each contribution from its formula, to be compared with what ngspice adds up."""

import math

import bench
import circuit

BAND = 100e3  # Hz, of the current
FILTER_BAND = 1.11 * 100e3  # Hz, noise bandwidth of two poles (Butterworth) at 100 kHz
# Hz: to 1 MHz the noise of the last amplifier counts, and around the corner its noise gain rises to 1.8.
PIN_BAND = 1.45e6
DAC_OHMS = 15e3


def ohms(name):
    return circuit.number(bench.FRONT_END.parts[name]["value"])


def figure(kind, name):
    return circuit.number(bench.FRONT_END.kinds[kind]["figures"][name])


def thermal(resistance):
    """Noise voltage of a resistor, V/rtHz."""
    return math.sqrt(bench.BOLTZMANN_4T * resistance)


def sum_of(rows):
    return math.sqrt(sum(row[2] ** 2 for row in rows))


def current():
    """Rows (contribution, formula, A rms in BAND) of the source."""
    set_by, root = ohms("R2"), math.sqrt(BAND)
    amplifier = math.sqrt(4 * thermal(40e3) ** 2 + (2 * figure("AD8276", "en")) ** 2)
    op_amp, middle = figure("OPA192", "en"), figure("OPA320", "en")
    return [
        ("U2, with its resistors", "√(4·4kT·40 kΩ + (2 e_n)²) / R2", amplifier / set_by * root),
        ("the DAC's 15 kΩ", "√(4kT·15 kΩ) / R2", thermal(DAC_OHMS) / set_by * root),
        ("R2", "√(4kT / R2)", thermal(set_by) / set_by * root),
        ("U6B, VMID", "e_n / R2", middle / set_by * root),
        ("U1A, DAC", "e_n / R2", op_amp / set_by * root),
        ("U1B, load", "e_n / R2", op_amp / set_by * root),
    ]


def input_rows(series, gain, feedback, filter_ohms):
    """Rows of a voltage input, V rms at the pin; gain up to the pin."""
    root, op_amp, last = math.sqrt(FILTER_BAND), figure("OPA192", "en"), figure("OPA320", "en")
    rows = [
        ("series resistor", "gain · √(4kT·10 kΩ)", gain * thermal(series) * root),
        ("U1", "gain · e_n", gain * op_amp * root),
        ("filter resistors", "√(4kT (R21 + R22))", thermal(filter_ohms) * root),
        ("U5, beyond the filter", "e_n · √1.45 MHz", last * math.sqrt(PIN_BAND)),
    ]
    if feedback:
        rows.insert(2, ("R13, R14", "gain · √(4kT (R13 ∥ R14))", gain * thermal(feedback) * root))
    return rows


def membrane():
    return input_rows(ohms("R11"), 1.0, 0.0, ohms("R21") + ohms("R22"))


def output():
    parallel = ohms("R13") * ohms("R14") / (ohms("R13") + ohms("R14"))
    return input_rows(ohms("R12"), 1.0 + ohms("R13") / ohms("R14"), parallel, ohms("R31") + ohms("R32"))


def read_back():
    """Rows of I_read, V rms at the pin: what is added to the true current."""
    root = math.sqrt(FILTER_BAND)
    gain = 1.0 + figure("INA821", "gain0") / (ohms("R4") + ohms("R5"))
    amplifier = math.hypot(gain * figure("INA821", "en_in"), figure("INA821", "en_out"))
    return [
        ("U3", "√((6.6 e_ni)² + e_no²)", amplifier * root),
        ("R3", "6.6 · √(4kT·R3)", gain * thermal(ohms("R3")) * root),
        ("R4 + R5", "√(4kT (R4 + R5)) · 49.4 kΩ / (R4 + R5)",
         thermal(ohms("R4") + ohms("R5")) * figure("INA821", "gain0") / (ohms("R4") + ohms("R5")) * root),
        ("filter resistors", "√(4kT (R41 + R42))", thermal(ohms("R41") + ohms("R42")) * root),
        ("U6A, beyond the filter", "e_n · √1.45 MHz", figure("OPA320", "en") * math.sqrt(PIN_BAND)),
    ]


def quantisation():
    """One DAC code without and with first-order error feedback, A rms up to 1 kHz at 250 kS/s."""
    code = bench.AMPS_PER_DAC_CODE / math.sqrt(12.0)
    ratio = 2.0 * 1e3 / bench.SAMPLE_RATE
    return code, code * math.pi / math.sqrt(3.0) * ratio**1.5
