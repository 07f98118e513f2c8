"""The tables of docs/hardware.md, as the bench measures them.

usage: tables.py   writes them into docs/hardware.md, each between its two marks
"""

import re
import sys

import bench
import budget
import circuit

PAGE = bench.ROOT / "docs/hardware.md"


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def scaled(value, unit):
    """'9.48 nA': three digits and the prefix that fits."""
    for prefix, size in (("M", 1e6), ("k", 1e3), ("", 1.0), ("m", 1e-3), ("µ", 1e-6), ("n", 1e-9), ("p", 1e-12)):
        if abs(value) >= size * 0.9995:
            digits = 2 if abs(value) / size < 9.995 else 1 if abs(value) / size < 99.95 else 0
            return f"{value / size:.{digits}f} {prefix}{unit}"
    return f"0 {unit}"


def source():
    direct, frequency = bench.direct(), bench.frequency()
    weak = bench.compliance("5.5", "-5.5")
    steps = {load: bench.step(load) for load in bench.LOADS}
    return table(("quantity", "solved"), [
        ("current of a code, nominal 97.66 nA", scaled(direct["transconductance"] * bench.VOLTS_PER_CODE, "A")),
        ("range", "±" + scaled(direct["current_range"], "A")),
        ("at code 2048, typical offsets", scaled(direct["current_zero"], "A")),
        ("deviation from a straight line", "below 1 pA" if direct["current_bend"] < 1e-12
         else scaled(direct["current_bend"], "A")),
        ("output resistance", scaled(direct["output_resistance"], "Ω")),
        ("full current up to V_m (one code lost)", f"±{scaled(direct['compliance_high'], 'V')}"),
        ("the same on rails of ±5.5 V", f"±{scaled(min(weak.values()), 'V')}"),
        ("bandwidth (−3 dB) into a held voltage", scaled(frequency["source_corner"], "Hz")),
        *((f"step of 180 µA into {load}: to 1 %, overshoot",
           f"{scaled(step['settling'], 's')}, {100 * step['overshoot']:.2f} %") for load, step in steps.items()),
        ("read-back", f"{direct['read_gain']:.0f} V/A, zero at code {direct['read_zero']:.1f}"),
    ])


def inputs():
    direct, frequency = bench.direct(), bench.frequency()
    rows = []
    for key, name, gain in (("membrane", "V_m", f"{direct['membrane_gain']:.4f}"),
                            ("output", "V_out", f"{direct['output_gain']:.4f}"),
                            ("read", "I_read", f"{direct['read_gain']:.0f} V/A")):
        rows.append((name, gain, f"{direct[key + '_zero']:.1f}", scaled(frequency[f"{key}_corner"], "Hz"),
                     *(f"{frequency[f'{key}_at_{at}']:.1f} dB" for at in ("125k", "150k", "1m"))))
    return table(("signal", "gain to the pin", "code at zero", "−3 dB", "at 125 kHz", "at 150 kHz", "at 1 MHz"), rows)


def switch():
    opened, closing = bench.open_switch(), bench.closing()
    rows = [(f"supply: {name}", scaled(worst, "A")) for name, worst in bench.worst_ramp().items()]
    rows += [(f"open, powered, {name}", scaled(opened[name], "A")) for name in ("DAC at 0", "DAC at 3.3 V")]
    rows += [
        ("closed, DAC pin without driver, 1 nA of leakage", scaled(opened["dead DAC, switch closed"], "A")),
        ("reset at full current: below 1 µA after", scaled(opened["reset_time"], "s")),
        ("closing at code 2048: charge taken from a neuron at 0.75 V", scaled(abs(closing["charge"]), "C")),
    ]
    return table(("case", "largest current, time or charge"), rows)


def neurons():
    rows = []
    for name, words in (("msn", "MSN, published values, 60 µA"), ("mbn", "MBN, published values, 80 µA"),
                        ("msn-fast", "MSN of 100 nF, transistors, 60 µA"), 
                        ("mbn-fast", "MBN of 100 nF, transistors, 55 µA")):
        found = bench.neuron(name)
        rows.append((words, scaled(found["mean_current"], "A"), scaled(found["interval"], "s"),
                     scaled(found["ideal_interval"], "s")))
    return table(("neuron", "mean current", "interval on this source", "on an ideal one of that current"), rows)


def noise_current():
    rows = [(name, formula, scaled(value, "A")) for name, formula, value in budget.current()]
    plain, shaped = budget.quantisation()
    rows += [
        ("**sum by hand, 1 Hz to 100 kHz**", "root of the sum of squares",
         scaled(budget.sum_of(budget.current()), "A")),
        ("**ngspice, 1 Hz to 100 kHz**", "`.noise`", scaled(bench.noise()["current 100 kHz"], "A")),
        ("**ngspice, 1 Hz to 1 MHz**", "`.noise`", scaled(bench.noise()["current 1 MHz"], "A")),
        ("quantisation, one code", "97.66 nA / √12", scaled(plain, "A")),
        ("quantisation with error feedback, to 1 kHz", "· π/√3 · (2 · 1 kHz / 250 kHz)^1.5", scaled(shaped, "A")),
    ]
    return table(("contribution", "formula", "rms"), rows)


def noise_inputs():
    rows = []
    for signal, pin, parts, gain, unit in (("V_m", "adc_m", budget.membrane(), 1.0, "V"),
                                           ("V_out", "adc_o", budget.output(), 4.0, "V"),
                                           ("I_read", "adc_i", budget.read_back(), 6600.0, "A")):
        lines = list(parts)
        if pin == "adc_i":
            lines.append(("the current itself", "above · 6.6 kΩ", 6600.0 * budget.sum_of(budget.current())))
        lines.append(("**ngspice, 1 Hz to 1 MHz**", "`.noise`", bench.noise()[pin]))
        lines.append(("the converter", "one code rms", bench.VOLTS_PER_CODE))
        for name, formula, value in lines:
            rows.append((signal, name, formula, scaled(value, "V"), scaled(value / gain, unit)))
    return table(("signal", "contribution", "formula", "rms at the pin", "rms of the signal"), rows)


def tolerances():
    words = {"current_gain": ("gain of the source", "%"), "current_zero": ("zero of the source", "codes"),
             "read_gain": ("gain of I_read", "%"), "membrane_gain": ("gain of V_m", "%"),
             "output_gain": ("gain of V_out", "%"), "output_zero": ("zero of V_out", "codes"),
             "membrane_corner": ("corner of V_m", "%"), "output_corner": ("corner of V_out", "%")}
    rows = []
    for key, (name, unit) in words.items():
        low, high = (100 * x if unit == "%" else x for x in bench.corners()[key])
        rows.append((name, f"{low:+.2f} {unit}", f"{high:+.2f} {unit}"))
    return table(("against nominal", "lowest", "highest"), rows)


def parts():
    """The bill of materials of both channels; units of one package count once."""
    front_end, bill = bench.FRONT_END, {}
    for name, part in front_end.parts.items():
        if part["sheet"] in ("msn", "mbn"):
            continue
        if "value" in part:
            what = f"{circuit.printed(name, part)}, {part['tolerance']} %"
            package, count = name, part.get("each", 1)
            if name[0] == "C":
                what += ", C0G" if "C0G" in part["does"] else ", X7R"
        else:
            what, package, count = front_end.kinds[part["kind"]]["order"], name.rstrip("ABCD"), 1
        entry = bill.setdefault((name[0], what), {})
        entry[package] = count * (1 if part.get("once") else 2)
    order = {"U": 0, "K": 1, "Q": 2, "D": 3, "R": 4, "C": 5}
    rows = [(what, sum(packages.values()), ", ".join(packages))
            for (kind, what), packages in sorted(bill.items(), key=lambda item: order[item[0][0]])]
    return table(("part", "pieces", "where, in each channel"), rows)


TABLES = {f.__name__: f for f in (source, inputs, switch, neurons, noise_current, noise_inputs, tolerances, parts)}


def blocks(text):
    """Name -> the table that stands in the page."""
    found = re.findall(r"<!-- solved: (\w+) -->\n((?:\|.*\n)*)<!-- end -->", text)
    return {name: rows.rstrip("\n") for name, rows in found}


def main():
    text = PAGE.read_text(encoding="utf-8")
    for name in blocks(text):
        made = TABLES[name]()
        text = re.sub(rf"(<!-- solved: {name} -->\n)(?:\|.*\n)*(<!-- end -->)", lambda m: f"{m[1]}{made}\n{m[2]}", text)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
