"""docs/hardware.md and its schematics are what the parts give: pictures byte for byte, numbers to 3 %."""

import copy
import math
import re
import unittest

import bench
import tables

import draw  # docs/hardware, on the path through bench
import sheet

PREFIXES = {"p": 1e-12, "n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6}
FIRMWARE_PINS = ("PA4", "PA5", "PC0", "PC1", "PC2", "PC3", "PB0", "PC4", "PC6", "PC8")


def numbers(cell):
    """The numbers of a cell in SI units."""
    found = re.findall(r"([-+−±]?\d+(?:\.\d+)?)(?: ([pnµmkM]?)(?=[AVΩsCH]))?", cell)
    return [float(value.lstrip("±").replace("−", "-")) * PREFIXES[prefix] for value, prefix in found]


def same(one, other):
    """Whether two cells say the same, numbers to 3 % or to 0.1 where they are small numbers without a unit."""
    a, b = numbers(one), numbers(other)
    bare = [re.sub(r"[-+−±]?\d+(\.\d+)?( [pnµmkM](?=[AVΩsCH]))?", "#", cell) for cell in (one, other)]
    if len(a) != len(b):
        return False
    close = all(abs(x - y) <= max(0.03 * abs(x), 0.0 if abs(x) < 1e-2 else 0.05) for x, y in zip(a, b))
    return close and bare[0].replace(" ", "") == bare[1].replace(" ", "")


def cells(text):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


class Schematics(unittest.TestCase):
    def test_are_what_the_parts_give(self):
        for one in draw.SHEETS:
            with self.subTest(sheet=one.__name__):
                committed = (draw.HERE / f"{one.__name__}.svg").read_text(encoding="utf-8")
                self.assertTrue(committed == one(bench.FRONT_END).svg(), "draw it again with docs/hardware/draw.py")

    def test_show_every_part(self):
        shown = [name for one in draw.SHEETS for name, _ in one(bench.FRONT_END).pins]
        self.assertEqual(set(shown), set(bench.FRONT_END.parts))

    def test_are_refused_where_a_wire_joins_two_nets(self):
        wrong = draw.output(bench.FRONT_END)
        wrong.wire((0, 9), (0, 2.3))
        self.assertIn("one wire joins the nets RUN, n2", wrong.complaints())

    def test_are_refused_where_a_wire_is_missing(self):
        wrong = draw.source(bench.FRONT_END)
        wrong.wires = [wire for wire in wrong.wires if wire != ((12.5, 9), (14, 9))]
        self.assertTrue(any("src" in complaint for complaint in wrong.complaints()))

    def test_are_refused_where_a_part_hangs_elsewhere(self):
        moved = copy.deepcopy(bench.FRONT_END)
        moved.parts["R9"]["pins"] = ["gate", "+3V3"]
        with self.assertRaises(ValueError):
            draw.output(moved).svg()

    def test_take_a_wire_that_only_crosses_for_no_connection(self):
        self.assertTrue(sheet.inside((1, 0), ((0, 0), (2, 0))))
        self.assertFalse(sheet.inside((0, 0), ((0, 0), (2, 0))))
        self.assertEqual(draw.inputs(bench.FRONT_END).complaints(), [])


class Page(unittest.TestCase):
    def setUp(self):
        self.page = tables.PAGE.read_text(encoding="utf-8")

    def test_holds_every_table(self):
        self.assertEqual(set(tables.blocks(self.page)), set(tables.TABLES))

    def test_says_what_the_bench_solves(self):
        for name, written in tables.blocks(self.page).items():
            solved = tables.TABLES[name]()
            with self.subTest(table=name):
                self.assertEqual(len(cells(written)), len(cells(solved)), "write it again with tests/analog/tables.py")
                for old, new in zip(cells(written), cells(solved)):
                    self.assertTrue(len(old) == len(new) and all(map(same, old, new)), f"{old} is now {new}")

    def test_compares_numbers_and_units(self):
        self.assertTrue(same("157 MΩ", "158 MΩ"))
        self.assertFalse(same("157 MΩ", "157 kΩ"))
        self.assertFalse(same("157 MΩ", "150 MΩ"))
        self.assertFalse(same("8.70 nA", "9.20 nA"))

    def test_and_the_firmware_mean_the_same_pins(self):
        firmware = (bench.ROOT / "docs/firmware.md").read_text(encoding="utf-8")
        drawn = "".join((draw.HERE / f"{one.__name__}.svg").read_text(encoding="utf-8") for one in draw.SHEETS)
        roles = {}
        for line in firmware.splitlines():
            columns = [cell.strip() for cell in line.strip("|").split("|")]
            if columns[0] in FIRMWARE_PINS:
                roles[columns[0]] = columns[2]
        self.assertEqual(set(roles), set(FIRMWARE_PINS))
        for pin, words in (("PA4", "command A"), ("PA5", "command B"), ("PC0", "V_out A"), ("PC1", "V_out B"),
                           ("PC2", "V_m A"), ("PC3", "V_m B"), ("PB0", "I_read A"), ("PC4", "I_read B"),
                           ("PC8", "output switch A"), ("PC6", "output switch B")):
            self.assertIn(words, roles[pin])
            self.assertIn(pin, drawn)
            self.assertIn(f"| {pin} |", self.page)

    def test_and_the_emulated_front_end_have_the_same_scales(self):
        header = (bench.ROOT / "firmware/boards/native/front_end.hpp").read_text(encoding="utf-8")
        constants = {}
        for name, told in re.findall(r"static constexpr double (\w+) = ([0-9e./* -]+);", header):
            constants[name] = math.prod(map(float, told.split("/")[0].split("*")))
            for divisor in told.split("/")[1:]:
                constants[name] /= float(divisor)
        direct = bench.direct()
        self.assertAlmostEqual(constants["adc_full_scale"] / 4096 / bench.VOLTS_PER_CODE, 1.0)
        self.assertAlmostEqual(constants["amps_per_dac_code"] / bench.AMPS_PER_DAC_CODE, 1.0)
        read = constants["amps_per_read_code"] * direct["read_gain"] / bench.VOLTS_PER_CODE
        self.assertAlmostEqual(read, 1.0, delta=0.002)
        self.assertAlmostEqual(constants["v_out_gain"] / direct["output_gain"], 1.0, delta=0.001)
        self.assertAlmostEqual(constants["adc_zero"], direct["output_zero"], delta=1.0)
        self.assertAlmostEqual(constants["bipolar_zero"], direct["read_zero"], delta=1.0)

    def test_shows_every_schematic(self):
        for one in draw.SHEETS:
            self.assertIn(f"hardware/{one.__name__}.svg", self.page)


if __name__ == "__main__":
    unittest.main()
