#!/usr/bin/env python3
"""Compares the register table of the flash image with a description of the chip that others have made.

    check_registers.py [FOLDER]

Every register of firmware/boards/nucleo_f446re/registers.hpp must stand in the SVD file of the STM32F446 (package
cmsis-svd) with the same address and the same value after reset, every field with the same place and width. That file
leaves out what belongs to the processor and not to the chip; this is compared with the file of another maker's
Cortex-M4. Where the two differ and the reference manual decides, the difference stands in DIFFERENCES with its reason;
one that no longer occurs is an error too.
"""

import importlib.util
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "firmware/boards/nucleo_f446re/registers.hpp"

REGISTER = re.compile(r"^inline constexpr Register (\w+?)_(\w+)\{(0x[0-9A-F]{8}), (0x[0-9A-F]{8})\};")
FIELD = re.compile(r"^inline constexpr Field (\w+)\{(\d+), (\d+)\};")

CHIP = "STMicro/STM32F446x.svd"
PROCESSOR = "Freescale/MK60F15.svd"
PROCESSOR_PERIPHERALS = ("SystemControl", "SysTick")

# Names of ours that the files spell otherwise.
PERIPHERALS = {"ADC": "C_ADC", "SCB": "SystemControl", "FPU": "SystemControl", "STK": "SysTick"}
REGISTERS = {
    ("STK", "CTRL"): "CSR",
    ("STK", "LOAD"): "RVR",
    ("STK", "VAL"): "CVR",
    ("TIM5", "CCMR1"): ("CCMR1_Output", "CCMR1_Input"),
}
PARTS = {"CP": ("CP10", "CP11")}

# What the manuals decide against the file: (name, what) -> reason.
DIFFERENCES = {
    ("TIM2_ARR", "reset"): "RM0390 17.4.12: 0xFFFFFFFF, of the timers with 16 bits 0xFFFF",
    ("TIM3_ARR", "reset"): "RM0390 17.4.12: 0xFFFFFFFF, of the timers with 16 bits 0xFFFF",
    ("TIM6_ARR", "reset"): "RM0390 19.4.8: 0xFFFF",
    ("FLASH_ACR_LATENCY", "place"): "RM0390 3.8.1: four bits, for up to 15 wait states",
    ("RCC_PLLCFGR_PLLR", "field"): "RM0390 6.3.2: bits 30 to 28, which the file leaves out",
    ("SCB_AIRCR", "reset"): "PM0214 4.4.5: reads 0xFA05 in its upper half",
    ("STK_CTRL", "reset"): "PM0214 4.5.1: 0; the clock of that other chip cannot be chosen",
}


def number(text):
    """Hexadecimal numbers with 0x, or with zeros before them; else decimal ones."""
    return int(text, 16 if text[:2].lower() == "0x" or len(text) == 8 else 10)


class Chip:
    """The peripherals of an SVD file: {peripheral: {register: (address, reset, {field: (shift, width)})}}."""

    def __init__(self, path):
        self.peripherals = {}
        tree = ElementTree.parse(path)
        self.elements = {p.findtext("name"): p for p in tree.iter("peripheral")}
        for name in self.elements:
            self.peripherals[name] = self.registers_of(name)

    def registers_of(self, name):
        element = self.elements[name]
        base = number(element.findtext("baseAddress"))
        described = element if element.find("registers") is not None else self.elements[element.get("derivedFrom")]
        registers = {}
        for register in described.iter("register"):
            fields = {
                f.findtext("name"): (number(f.findtext("bitOffset")), number(f.findtext("bitWidth")))
                for f in register.iter("field")
            }
            address = base + number(register.findtext("addressOffset"))
            registers[register.findtext("name")] = (address, number(register.findtext("resetValue")), fields)
        return registers


def read_table(text):
    """The registers and the fields of our table; a line that begins like one and is none is an error."""
    registers, fields = [], []
    for line_number, line in enumerate(text.splitlines(), 1):
        if line.startswith("inline constexpr Register "):
            match = REGISTER.match(line)
            if not match:
                sys.exit(f"{TABLE.name}:{line_number}: not of the form that is compared: {line}")
            registers.append((match[1], match[2], number(match[3]), number(match[4])))
        elif line.startswith("inline constexpr Field "):
            match = FIELD.match(line)
            if not match:
                sys.exit(f"{TABLE.name}:{line_number}: not of the form that is compared: {line}")
            fields.append((match[1], int(match[2]), int(match[3])))
    return registers, fields


def find(chip, peripheral, register):
    """Address, reset value and fields; of a register with two views, the fields of both."""
    named = chip.peripherals.get(PERIPHERALS.get(peripheral, peripheral), {})
    views = REGISTERS.get((peripheral, register), register)
    if isinstance(views, str):
        return named.get(views)
    found = [named[view] for view in views]
    fields = {key: place for view in found for key, place in view[2].items()}
    return found[0][0], found[0][1], fields


def compare_registers(chip, registers):
    for peripheral, register, address, reset in registers:
        found = find(chip, peripheral, register)
        name = f"{peripheral}_{register}"
        if found is None:
            yield name, "register", "not described"
            continue
        if found[0] != address:
            yield name, "address", f"{address:#010x}, described {found[0]:#010x}"
        if found[1] != reset:
            yield name, "reset", f"{reset:#010x}, described {found[1]:#010x}"


def owners(field, registers):
    """The registers that a field belongs to, and its own name. DMA_SxCR_EN is one of every stream."""
    if match := re.fullmatch(r"DMA_Sx(\w+?)_(\w+)", field):
        return [(p, r) for p, r, _, _ in registers if re.fullmatch(rf"S\d{match[1]}", r)], match[2]
    found = [(p, r) for p, r, _, _ in registers if field.startswith(f"{p}_{r}_")]
    return found, field[len("_".join(found[0])) + 1 :] if found else field


def compare_fields(chip, registers, fields):
    for field, shift, width in fields:
        belongs, own = owners(field, registers)
        if not belongs:
            yield field, "field", "belongs to no register of the table"
        for peripheral, register in belongs:
            described = find(chip, peripheral, register)
            if described is None:
                continue  # told already
            place = pieces(described[2], own)
            if place is None:
                yield field, "field", f"not described in {peripheral}_{register}"
            elif place != (shift, width):
                yield field, "place", f"{(shift, width)}, described {place} in {peripheral}_{register}"


def pieces(described, name):
    """The place of a field; of one that is described bit by bit (PLLM0, PLLM1 ...), of all of them."""
    if name in described:
        return described[name]
    if name in PARTS and all(part in described for part in PARTS[name]):
        first, last = described[PARTS[name][0]], described[PARTS[name][-1]]
        return first[0], last[0] + last[1] - first[0]
    bits = sorted(v[0] for k, v in described.items() if re.fullmatch(rf"{name}\d", k) and v[1] == 1)
    if not bits or bits != list(range(bits[0], bits[0] + len(bits))):
        return None
    return bits[0], len(bits)


def main():
    if len(sys.argv) > 1:
        folder = Path(sys.argv[1])
    else:
        package = importlib.util.find_spec("cmsis_svd")
        folder = Path(package.submodule_search_locations[0]) / "data"
    registers, fields = read_table(TABLE.read_text(encoding="utf-8"))
    if len(registers) < 50 or len(fields) < 50:
        sys.exit(f"{TABLE.name}: only {len(registers)} registers and {len(fields)} fields were read")
    chip = Chip(folder / CHIP)
    processor = Chip(folder / PROCESSOR)
    for name in PROCESSOR_PERIPHERALS:
        chip.peripherals[name] = processor.peripherals[name]
    known, bad = dict(DIFFERENCES), 0
    for name, what, text in [*compare_registers(chip, registers), *compare_fields(chip, registers, fields)]:
        if known.pop((name, what), None) is None:
            bad += 1
            print(f"{name}: {what}: {text}")
    for (name, what), reason in known.items():
        bad += 1
        print(f"{name}: {what}: no longer differs ({reason})")
    print(f"{len(registers)} registers, {len(fields)} fields, {len(DIFFERENCES)} known differences, {bad} errors")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
