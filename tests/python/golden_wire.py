#!/usr/bin/env python3
"""Makes the golden vectors of the wire from the tables of protocols/wire.md, and from nothing else.

It shares no code with the C++ encoder, so that two readings of one page have to agree.

    golden_wire.py            writes tests/data/wire/golden.json
    golden_wire.py --check    fails when that file is not what the tables give
"""

import json
import pathlib
import random
import re
import struct
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "protocols" / "wire.md"
GOLDEN = ROOT / "tests" / "data" / "wire" / "golden.json"

# Type of the page -> (struct format, lowest, highest).
NUMBERS = {
    "u8": ("<B", 0, 2**8 - 1),
    "u16": ("<H", 0, 2**16 - 1),
    "u32": ("<I", 0, 2**32 - 1),
    "i32": ("<i", -(2**31), 2**31 - 1),
    "i64": ("<q", -(2**63), 2**63 - 1),
    "sample": ("<q", -(2**63), 2**63 - 1),
    "ticks": ("<q", -(2**63), 2**63 - 1),
    "adc": ("<H", 0, 2**16 - 1),
    "fine": ("<i", -(2**31), 2**31 - 1),
}


class Page:
    """The tables of wire.md: messages {name: (type, fields)}, records {name: fields}, enums {name: values}."""

    def __init__(self, text):
        self.messages, self.records, self.enums = {}, {}, {}
        rows = None
        for line in text.splitlines():
            if match := re.fullmatch(r"#### `(\w+)` 0x([0-9A-F]{2})", line):
                rows = []
                self.messages[match[1]] = (int(match[2], 16), rows)
            elif match := re.fullmatch(r"#### record `(\w+)`", line):
                rows = self.records.setdefault(match[1], [])
            elif match := re.fullmatch(r"#### enum `(\w+)`", line):
                rows = self.enums.setdefault(match[1], [])
            elif line.startswith("#"):
                rows = None
            elif rows is not None and (match := re.match(r"\| \d+ \| `(\w+)` \| `([^`]+)` \|", line)):
                rows.append((match[1], match[2]))
            elif rows is not None and (match := re.match(r"\| (\d+) \| `(\w+)` \|", line)):
                rows.append(int(match[1]))

    def encode(self, kind, value):
        if kind in NUMBERS:
            return struct.pack(NUMBERS[kind][0], value)
        if kind == "f64":
            return struct.pack("<d", value)
        if kind in self.enums:
            return struct.pack("<B", value)
        if kind in self.records:
            return self.encode_fields(self.records[kind], value)
        if match := re.fullmatch(r"char\[(\d+)\]", kind):
            return value.encode("ascii").ljust(int(match[1]), b"\0")
        if match := re.fullmatch(r"(\w+)\[\d+\]", kind):
            return b"".join(self.encode(match[1], item) for item in value)
        if match := re.fullmatch(r"list<(\w+), \d+>", kind):
            return bytes([len(value)]) + b"".join(self.encode(match[1], item) for item in value)
        raise ValueError(f"no such type on the page: {kind}")

    def encode_fields(self, fields, values):
        return b"".join(self.encode(kind, values[name]) for name, kind in fields)

    def value(self, kind, choose):
        """A value of a type; choose(lowest, highest) picks a number, choose.length(N) a length."""
        if kind in NUMBERS:
            return choose(*NUMBERS[kind][1:])
        if kind == "f64":
            return choose(-(2**52), 2**52) / 1024.0
        if kind in self.enums:
            return choose(min(self.enums[kind]), max(self.enums[kind]))
        if kind in self.records:
            return {name: self.value(inner, choose) for name, inner in self.records[kind]}
        if match := re.fullmatch(r"char\[(\d+)\]", kind):
            return "".join(chr(choose(ord("A"), ord("z"))) for _ in range(choose.length(int(match[1]))))
        if match := re.fullmatch(r"(\w+)\[(\d+)\]", kind):
            return [self.value(match[1], choose) for _ in range(int(match[2]))]
        if match := re.fullmatch(r"list<(\w+), (\d+)>", kind):
            return [self.value(match[1], choose) for _ in range(choose.length(int(match[2])))]
        raise ValueError(f"no such type on the page: {kind}")


class Lowest:
    """Zeros where zero is allowed, empty lists, empty text: payloads full of zero bytes."""

    def __call__(self, lowest, highest):
        return max(lowest, 0)

    def length(self, most):
        return 0


class Highest:
    """The highest number everywhere and full lists: the longest payloads, few zero bytes."""

    def __call__(self, lowest, highest):
        return highest

    def length(self, most):
        return most


class Anything:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def __call__(self, lowest, highest):
        return self.random.randint(lowest, highest)

    def length(self, most):
        return self.random.randint(0, most)


def crc16(data):
    """CRC-16/CCITT-FALSE, bit by bit."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021) & 0xFFFF if crc & 0x8000 else crc << 1
    return crc


def cobs(body):
    """Section 2 of the page, byte by byte."""
    out, run = bytearray(), bytearray()
    for byte in body:
        if byte == 0:
            out += bytes([len(run) + 1]) + run
            run.clear()
        else:
            run.append(byte)
            if len(run) == 254:
                out += b"\xff" + run
                run.clear()
    return bytes(out + bytes([len(run) + 1]) + run)


def frame(kind, sequence, payload):
    body = bytes([kind, sequence]) + payload
    return cobs(body + struct.pack("<H", crc16(body))) + b"\0"


def schema_text(page):
    """The text whose CRC-32 is the schema hash (section 4 of the page)."""

    def of(kind):
        if kind in page.enums:
            return "e8"
        if kind in page.records:
            return fields_of(page.records[kind])
        if match := re.fullmatch(r"char\[(\d+)\]", kind):
            return f"array{match[1]}c8"
        if match := re.fullmatch(r"(\w+)\[(\d+)\]", kind):
            return f"array{match[2]}{of(match[1])}"
        if match := re.fullmatch(r"list<(\w+), (\d+)>", kind):
            return f"list{match[2]}{of(match[1])}"
        return {"sample": "sample64", "ticks": "ticks64", "adc": "u16", "fine": "i32"}.get(kind, kind)

    def fields_of(fields):
        return "{" + "".join(f"{name}:{of(kind)};" for name, kind in fields) + "}"

    return "".join(f"{name}={kind}{fields_of(fields)}" for name, (kind, fields) in page.messages.items())


def make(page):
    assert crc16(b"123456789") == 0x29B1
    vectors = []
    for number, (name, (kind, fields)) in enumerate(page.messages.items()):
        choices = (("lowest", Lowest()), ("highest", Highest()), ("mixed", Anything(1000 + number)))
        for sequence, (case, choose) in zip((0, 255, number + 1), choices):
            values = {field: page.value(inner, choose) for field, inner in fields}
            payload = page.encode_fields(fields, values)
            vectors.append(
                {
                    "message": name,
                    "case": case,
                    "type": kind,
                    "sequence": sequence,
                    "fields": values,
                    "payload": payload.hex(),
                    "frame": frame(kind, sequence, payload).hex(),
                }
            )
    lines = ",\n".join(json.dumps(vector, separators=(",", ":")) for vector in vectors)
    schema = zlib.crc32(schema_text(page).encode("ascii"))
    return f'{{"schema_hash":{schema},"vectors":[\n{lines}\n]}}\n'


def main():
    text = make(Page(PAGE.read_text(encoding="utf-8")))
    if sys.argv[1:] == ["--check"]:
        if GOLDEN.read_text(encoding="utf-8") != text:
            sys.exit(f"{GOLDEN.relative_to(ROOT)} is not what {PAGE.relative_to(ROOT)} gives; run {sys.argv[0]}")
    elif not sys.argv[1:]:
        GOLDEN.write_text(text, encoding="utf-8")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
