"""The parts of front_end.yaml as Python and as a netlist for ngspice."""

import pathlib
import re

import yaml

HERE = pathlib.Path(__file__).resolve().parent
CHANNEL = ("source", "output", "inputs", "filters", "supply")  # the sheets of one channel that ngspice solves
SUFFIXES = {"p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "meg": 1e6, "": 1.0}
TWO_PINS = {"R": "Ω", "C": "F"}


def number(text):
    """'8.25k' -> 8250.0. Raises ValueError: not a number with one of the suffixes of ngspice."""
    match = re.fullmatch(r"([0-9.]+)(meg|[pnumk]?)", str(text))
    if match is None:
        raise ValueError(f"'{text}' is not a value; wanted is a number and one of {', '.join(SUFFIXES)}")
    return float(match[1]) * SUFFIXES[match[2]]


def printed(name, part):
    """'8.25 kΩ' for people."""
    match = re.fullmatch(r"([0-9.]+)(meg|[pnumk]?)", str(part["value"]))
    prefix = {"meg": "M", "u": "µ"}.get(match[2], match[2])
    return f"{match[1]} {prefix}{TWO_PINS[name[0]]}"


def node(net):
    """The name of a net in the netlist."""
    return {"GND": "0"}.get(net, net.lower().replace("+", "p").replace("-", "n"))


class FrontEnd:
    """kinds: name -> what the maker says of it; parts: name -> sheet, pins and value."""

    def __init__(self, path=HERE / "front_end.yaml"):
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
        self.kinds, self.parts = told["kinds"], told["parts"]

    def sheet(self, name):
        return {key: part for key, part in self.parts.items() if part["sheet"] == name}

    def pins(self, name):
        """Pin name -> net."""
        part = self.parts[name]
        names = self.kinds[part["kind"]]["pins"] if "kind" in part else ("1", "2")
        if len(names) != len(part["pins"]):
            raise ValueError(f"{name} has {len(part['pins'])} nets for {len(names)} pins")
        return dict(zip(names, part["pins"]))

    def netlist(self, sheets=CHANNEL, values=None, figures=None):
        """The lines of the parts of some sheets, with the models.

        values: part -> ohms or farads in place of its own; figures: part or kind -> {figure: value} likewise.
        """
        values, figures = values or {}, figures or {}
        unknown = (set(values) | set(figures)) - set(self.parts) - set(self.kinds)
        if unknown:
            raise ValueError(f"there is no part {', '.join(sorted(unknown))}")
        lines = [(HERE / "models.cir").read_text(encoding="utf-8")]
        for name, part in self.parts.items():
            if part["sheet"] not in sheets:
                continue
            nodes = " ".join(node(net) for net in part["pins"])
            if "value" in part:
                count = part.get("each", 1)
                value = values.get(name, number(part["value"])) * (count if name[0] == "C" else 1)
                lines.append(f"{name} {nodes} {value:.9g}")
                continue
            kind = self.kinds[part["kind"]]
            if kind["subcircuit"] is None:
                continue
            given = {**kind["figures"], **figures.get(part["kind"], {}), **figures.get(name, {})}
            told = " ".join(f"{key}={value}" for key, value in given.items())
            lines.append(f"X{name} {nodes} {kind['subcircuit']} {told}")
        return "\n".join(lines)
