"""Draws the schematics of docs/hardware from front_end.yaml.

usage: draw.py [--check]   writes the SVG files beside this script; --check compares them and writes nothing
"""

import pathlib
import sys

import circuit
from sheet import Sheet

HERE = pathlib.Path(__file__).resolve().parent


def source(front_end):
    s = Sheet(front_end, ("source",))
    s.tag("DAC", (0, 9.5), "left", "DAC  PA4 (B: PA5)")
    s.wire((0, 9.5), (3.5, 9.5))
    s.two("R1", (2, 9.5), (2, 7), side=-1)
    s.tag("VMID", (2, 7), "down")
    s.amplifier("U1A", 3.5, 9.5)
    s.wire((5.5, 9), (6, 9), (6, 7.2), (3, 7.2), (3, 8.5), (3.5, 8.5))
    s.wire((6, 9), (9, 9))
    s.box("U2", (9, 6.5), (12.5, 10), in_p=((9, 9), "+IN"), in_n=((9, 8), "−IN"), ref=((10.75, 6.5), "REF"),
          sense=((12.5, 8), "SENSE"), out=((12.5, 9), "OUT"))
    s.tag("VMID", (8, 8), "left")
    s.wire((8, 8), (9, 8))
    s.wire((12.5, 8), (13.3, 8), (13.3, 9))
    s.wire((12.5, 9), (14, 9))
    s.two("R2", (14, 9), (17, 9))
    s.wire((17, 9), (18.5, 9))
    s.amplifier("U1B", 16.5, 5.5, mirrored=True)
    s.wire((17.5, 9), (17.5, 5.5), (16.5, 5.5))
    s.wire((14.5, 5), (14, 5), (14, 3.2), (17, 3.2), (17, 4.5), (16.5, 4.5))
    s.wire((14, 5), (10.75, 5), (10.75, 6.5))
    s.two("R3", (18.5, 9), (21.5, 9))
    s.wire((21.5, 9), (23.5, 9))
    s.tag("n2", (23.5, 9), "right", "n2, to the switches")
    s.wire((18.5, 9), (18.5, 7))
    s.wire((21.5, 9), (21.5, 7))
    s.box("U3", (18, 4), (22, 7), in_p=((18.5, 7), "+IN"), in_n=((21.5, 7), "−IN"), rg_p=((18.5, 4), "RG"),
          rg_n=((21.5, 4), "RG"), ref=((22, 6), "REF"), out=((22, 5), "OUT"))
    s.two("R4", (18.5, 4), (18.5, 1.5), side=-1)
    s.two("R5", (18.5, 1.5), (21.5, 1.5), side=-1)
    s.wire((21.5, 1.5), (21.5, 4))
    s.wire((22, 6), (22.7, 6))
    s.tag("VMID", (22.7, 6))
    s.wire((22, 5), (22.7, 5))
    s.tag("iraw", (22.7, 5))
    s.text((0, 1.2), "U1, U2, U3: +6 V and −6 V", "left")
    return s


def output(front_end):
    s = Sheet(front_end, ("output",))
    s.tag("n2", (0, 9), "left", "n2, from the source")
    s.wire((0, 9), (9.5, 9))
    s.two("C1", (1.5, 9), (1.5, 6.5))
    s.tag("GND", (1.5, 6.5))
    s.wire((5, 9), (5, 8))
    s.box("U4", (3.7, 6), (6.3, 8), s=((5, 8), "S"), d=((5, 6), "D"), logic=((6.3, 7), "IN"))
    s.two("R6", (5, 6), (5, 3.8), side=-1)
    s.tag("GND", (5, 3.8))
    s.relay("K1", 9.5, 9)
    s.wire((12.5, 9), (14.5, 9))
    s.tag("U", (14.5, 9), "right", "u, neuron")
    s.two("R7", (8.5, 4.6), (8.5, 7))
    s.tag("+3V3", (8.5, 4.6), "down")
    s.wire((8.5, 7), (9.5, 7))
    s.wire((12.5, 7), (13.5, 7), (13.5, 6))
    s.mosfet("Q1", 12.5, 5)
    s.tag("GND", (13.5, 4))
    s.tag("RUN", (0, 2.3), "left", "RUN  PC8 (B: PC6)")
    s.two("R8", (0, 2.3), (3, 2.3))
    s.wire((3, 2.3), (11.8, 2.3), (11.8, 5), (12.5, 5))
    s.wire((6.3, 7), (7, 7), (7, 2.3))
    s.two("R9", (10, 2.3), (10, 0))
    s.tag("GND", (10, 0))
    s.text((0, 0.4), "U4: +6 V and −6 V; closed while IN is low", "left")
    return s


def inputs(front_end):
    s = Sheet(front_end, ("inputs",))
    for contact, series, amplifier, tag, y, words, nets in (
        ("K2", "R11", "U1C", "U", 10, "u, neuron", ("vm3", "V_m to its filter")),
        ("K3", "R12", "U1D", "V", 4, "v, neuron", ("vo3", "V_out · 4 to its filter")),
    ):
        s.tag(tag, (0, y), "left", words)
        s.wire((0, y), (1.5, y))
        s.relay(contact, 1.5, y)
        s.two(series, (4.5, y), (7.5, y))
        s.wire((7.5, y), (9, y))
        s.amplifier(amplifier, 9, y)
        s.wire((11, y - 0.5), (13, y - 0.5))
        s.tag(nets[0], (13, y - 0.5), "right", nets[1])
    s.wire((11.5, 9.5), (11.5, 7.8), (8.5, 7.8), (8.5, 9), (9, 9))
    s.wire((11.5, 3.5), (11.5, 1.5))
    s.two("R13", (11.5, 1.5), (8.5, 1.5), side=-1)
    s.wire((8.5, 1.5), (8.5, 3), (9, 3))
    s.two("R14", (8.5, 1.5), (8.5, -0.5), side=-1)
    s.tag("GND", (8.5, -0.5))
    s.two("R10", (-2, 8), (1, 8), side=-1)
    s.tag("+6V", (-2, 8), "left")
    s.wire((1, 8), (1.5, 8))
    s.wire((4.5, 8), (5.2, 8), (5.2, 6.2), (0.8, 6.2), (0.8, 2), (1.5, 2))
    s.wire((4.5, 2), (5.2, 2))
    s.tag("GND", (5.2, 2))
    s.text((11, -1.6), "U1: +6 V and −6 V", "left")
    return s


def filters(front_end):
    s = Sheet(front_end, ("filters",))
    blocks = (("2", "U5A", "vm3", "V_m", "ADC_M", "V_m  PC2 (B: PC3)"),
              ("3", "U5B", "vo3", "V_out · 4", "ADC_O", "V_out  PC0 (B: PC1)"),
              ("4", "U6A", "iraw", "iraw", "ADC_I", "I_read  PB0 (B: PC4)"))
    for k, (row, amplifier, net, words, pin_net, pin) in enumerate(blocks):
        y = -7.2 * k
        s.tag(net, (0, y), "left", words)
        s.two(f"R{row}1", (0, y), (3.5, y))
        s.wire((3.5, y), (4.5, y))
        s.two(f"R{row}2", (4.5, y), (7.5, y))
        s.wire((7.5, y), (10, y))
        s.two(f"C{row}2", (8.5, y), (8.5, y - 2), side=-1)
        s.tag("GND", (8.5, y - 2))
        s.amplifier(amplifier, 10, y)
        s.wire((4, y), (4, y + 1.6), (6.5, y + 1.6))
        s.two(f"C{row}1", (6.5, y + 1.6), (9, y + 1.6))
        s.wire((9, y + 1.6), (13, y + 1.6), (13, y - 0.5))
        s.wire((12, y - 0.5), (14, y - 0.5))
        if row == "4":
            s.wire((13, y - 0.5), (13, y - 2.4), (9.5, y - 2.4), (9.5, y - 1), (10, y - 1))
        else:
            s.two(f"R{row}3", (4, y - 2.4), (4, y), side=-1)
            s.tag("VMID", (4, y - 2.4), "down")
            s.wire((13, y - 0.5), (13, y - 2.4), (12.8, y - 2.4))
            s.two(f"R{row}4", (12.8, y - 2.4), (9.8, y - 2.4))
            s.wire((9.8, y - 2.4), (9.5, y - 2.4))
            s.wire((9.5, y - 2.4), (9.5, y - 1), (10, y - 1))
            s.two(f"R{row}5", (9.5, y - 2.4), (9.5, y - 4.2))
            s.tag("GND", (9.5, y - 4.2))
        s.two(f"R{row}6", (14, y - 0.5), (17, y - 0.5))
        s.wire((17, y - 0.5), (19, y - 0.5))
        s.two(f"C{row}3", (18, y - 0.5), (18, y - 2.5))
        s.tag("GND", (18, y - 2.5))
        s.tag(pin_net, (19, y - 0.5), "right", pin)
    s.text((14, -18.5), "U5, U6: AVDD and ground", "left")
    return s


def supply(front_end):
    s = Sheet(front_end, ("supply",))
    s.tag("AVDD", (2, 9), "up", "AVDD  CN10-7")
    s.two("R51", (2, 9), (2, 6.5))
    s.two("R52", (2, 6.5), (2, 4))
    s.tag("GND", (2, 4))
    s.wire((2, 6.5), (7.2, 6.5))
    s.two("C51", (4.5, 6.5), (4.5, 4))
    s.tag("GND", (4.5, 4))
    s.amplifier("U6B", 7.2, 6.5)
    s.wire((9.2, 6), (10.7, 6))
    s.wire((9.7, 6), (9.7, 4.2), (6.7, 4.2), (6.7, 5.5), (7.2, 5.5))
    s.tag("VMID", (10.7, 6))
    s.two("C66", (14.5, 9), (14.5, 6.8))
    s.tag("AVDD", (14.5, 9), "up")
    s.tag("GND", (14.5, 6.8))
    s.text((0.5, 2.2), "each channel: R51, R52, C51, U6, C64, C65, C66;  both channels together: the rest", "left")
    # The rails.
    s.tag("+5V", (0, -1), "left", "+5 V  CN7-18")
    s.wire((0, -1), (4.5, -1))
    s.two("C61", (2, -1), (2, -3))
    s.tag("GND", (2, -3))
    s.box("U7", (4.5, -5), (8.5, 0), **{
        "in": ((4.5, -1), "IN"), "gnd": ((4.5, -4), "GND"), "out_p": ((8.5, -0.5), "OUT+"),
        "adj_p": ((8.5, -1.8), "ADJ+"), "adj_n": ((8.5, -3.2), "ADJ−"), "out_n": ((8.5, -4.5), "OUT−"),
    })
    s.wire((4.5, -4), (3.7, -4))
    s.tag("GND", (3.7, -4))
    s.wire((8.5, -0.5), (9.3, -0.5), (9.3, 0.8), (23.5, 0.8))
    s.wire((8.5, -4.5), (9.3, -4.5), (9.3, -5.8), (23.5, -5.8))
    s.two("R61", (11, 0.8), (11, -1.2))
    s.wire((8.5, -1.8), (10, -1.8), (10, -1.2), (11, -1.2))
    s.two("R62", (11, -1.2), (14, -1.2), side=-1)
    s.wire((14, -1.2), (14, -2.5))
    s.wire((8.5, -3.2), (10, -3.2), (10, -3.8), (11, -3.8))
    s.two("R63", (11, -5.8), (11, -3.8))
    s.two("R64", (11, -3.8), (14, -3.8))
    s.wire((14, -3.8), (14, -2.5), (22.6, -2.5))
    s.tag("GND", (22.6, -2.5))
    s.two("C62", (16, 0.8), (16, -2.5))
    s.two("C63", (16, -2.5), (16, -5.8))
    s.two("C64", (18.3, 0.8), (18.3, -2.5))
    s.two("C65", (18.3, -2.5), (18.3, -5.8))
    s.diode("D1A", (21.6, -2.5), (21.6, 0.8))
    s.diode("D1B", (21.6, -5.8), (21.6, -2.5))
    s.tag("+6V", (23.5, 0.8))
    s.tag("-6V", (23.5, -5.8), words="−6V")
    return s


def board(front_end, sheet, membrane, gate, device, load, load_capacitor, title):
    s = Sheet(front_end, (sheet,))
    s.text((-0.5, 10.2), title, "left", size=14)
    s.tag("U", (-1, 9), "left", "u: the source (K1), V_m (K2)")
    s.wire((-1, 9), (6.5, 9))
    s.two(membrane, (1.5, 9), (1.5, 4))
    s.thyristor(device, (5, 9), (5, 5.5))
    s.wire((6.5, 6.25), (6.5, 6.5))
    s.two(gate, (6.5, 9), (6.5, 6.5))
    s.wire((5, 5.5), (5, 4.5))
    s.wire((5, 5), (10.5, 5))
    s.tag("V", (10.5, 5), "right", "v: V_out (K3)")
    s.two(load, (5, 4.5), (5, 2.2), side=-1)
    s.tag("GND", (5, 2.2))
    s.tag("GND", (1.5, 4))
    if load_capacitor:
        s.wire((7.5, 5), (7.5, 4.5))
        s.two(load_capacitor, (7.5, 4.5), (7.5, 2.2))
        s.tag("GND", (7.5, 2.2))
    return s


def msn(front_end):
    return board(front_end, "msn", "C71", "R71", "T71", "R72", None, "MSN: the spiking neuron")


def mbn(front_end):
    return board(front_end, "mbn", "C81", "R81", "T81", "R82", "C82", "MBN: the bursting neuron")


SHEETS = (source, output, inputs, filters, supply, msn, mbn)


def main(arguments):
    """Writes the pictures, or with --check lists those that are not what the source gives. Returns the exit code."""
    front_end, stale = circuit.FrontEnd(), []
    for draw in SHEETS:
        path, text = HERE / f"{draw.__name__}.svg", draw(front_end).svg()
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
    if stale:
        print(f"not what front_end.yaml gives: {', '.join(stale)}; draw them again with docs/hardware/draw.py")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
