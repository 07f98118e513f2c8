"""A schematic sheet: symbols on a grid, wires, and a comparison of what is drawn with what the parts say.

schemdraw draws the symbols and writes the SVG. What touches what is worked out from the same coordinates, so that a
drawing that does not show the circuit of front_end.yaml is an error and not a picture.
"""

import re

import schemdraw
import schemdraw.elements as elm

import circuit

schemdraw.use("svg")
schemdraw.svgconfig.text = "text"

# Ink and paper follow the reader's theme, also where the picture stands in a page as an <img>.
STYLE = """<style>
svg { color: #1b1f24; background: #ffffff; --paper: #ffffff; }
@media (prefers-color-scheme: dark) { svg { color: #e2e6ea; background: #14181d; --paper: #14181d; } }
</style>"""
SUPPLY_PINS = ("v_p", "v_n")  # of amplifiers and switches: named under the drawing, not drawn


def near(a, b):
    return abs(a[0] - b[0]) < 1e-6 and abs(a[1] - b[1]) < 1e-6


def inside(point, segment):
    """Whether a point lies on a wire between its ends."""
    (x1, y1), (x2, y2) = segment
    if near(point, segment[0]) or near(point, segment[1]):
        return False
    cross = (x2 - x1) * (point[1] - y1) - (y2 - y1) * (point[0] - x1)
    along = (point[0] - x1) * (x2 - x1) + (point[1] - y1) * (y2 - y1)
    return abs(cross) < 1e-6 and 0.0 < along < (x2 - x1) ** 2 + (y2 - y1) ** 2


class Sheet:
    def __init__(self, front_end, names):
        self.front_end = front_end
        self.names = names
        self.drawing = schemdraw.Drawing(show=False, fontsize=12, font="sans-serif", lw=1.4, margin=1.2)
        self.pins, self.wires, self.tags = {}, [], []

    # ---------------------------------------------------------------- symbols

    def _line(self, *points, dashed=False):
        for a, b in zip(points, points[1:]):
            element = elm.Line().at(a).to(b)
            self.drawing += element.linestyle("--") if dashed else element

    def text(self, at, words, halign="center", valign="center", size=12):
        label = elm.Label().at(at).right()
        self.drawing += label.label(words, halign=halign, valign=valign, fontsize=size, loc="center")

    def _place(self, name, **pins):
        expected = set(self.front_end.pins(name))
        drawn = {pin: at for pin, at in pins.items()}
        missing = expected - set(drawn) - set(SUPPLY_PINS)
        if missing or set(drawn) - expected:
            extra = set(drawn) - expected
            raise ValueError(f"{name}: pins {sorted(missing)} are not drawn, {sorted(extra)} do not exist")
        for pin, at in drawn.items():
            self.pins[(name, pin)] = at

    def two(self, name, start, end, side=1):
        """A resistor or capacitor from its first to its second pin; side 1 puts the words above or to the right."""
        symbol = {"R": elm.ResistorIEC, "C": elm.Capacitor}[name[0]]()
        self.drawing += symbol.at(start).to(end)
        part = self.front_end.parts[name]
        value = circuit.printed(name, part) + (f" × {part['each']}" if "each" in part else "")
        x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        if abs(start[1] - end[1]) < 1e-6:
            self.text((x, y + side * 0.62), f"{name}  {value}")
        else:
            far = (0.35 if name[0] == "R" else 0.45) + (0.25 if side < 0 else 0.0)
            halign = "left" if side > 0 else "right"
            self.text((x + side * far, y + 0.22), name, halign)
            self.text((x + side * far, y - 0.28), value, halign)
        self._place(name, **{"1": start, "2": end})

    def diode(self, name, start, end):
        self.drawing += elm.Schottky().at(start).to(end)
        self.text(((start[0] + end[0]) / 2 + 0.5, (start[1] + end[1]) / 2), name, "left")
        self._place(name, a=start, k=end)

    def amplifier(self, name, x, y, mirrored=False):
        """A triangle whose + input is at (x, y), its - input one below, its output two to the right."""
        way = -1 if mirrored else 1
        tip = (x + 2 * way, y - 0.5)
        self._line((x, y + 0.6), (x, y - 1.6), tip, (x, y + 0.6))
        self.text((x + 0.35 * way, y), "+")
        self.text((x + 0.35 * way, y - 1), "−")
        self.text((x + 0.8 * way, y - 0.5), name)
        self._place(name, in_p=(x, y), in_n=(x, y - 1), out=tip)

    def box(self, name, lower, upper, **pins):
        """A rectangle; pins: name -> (place on its edge, word)."""
        (x1, y1), (x2, y2) = lower, upper
        self._line((x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1))
        kind = self.front_end.parts[name]["kind"]
        self.text(((x1 + x2) / 2, (y1 + y2) / 2 + 0.25), name)
        self.text(((x1 + x2) / 2, (y1 + y2) / 2 - 0.25), kind)
        for at, word in pins.values():
            dx = 0.15 if at[0] == x1 else -0.15 if at[0] == x2 else 0.0
            dy = 0.3 if at[1] == y1 else -0.3 if at[1] == y2 else 0.0
            self.text((at[0] + dx, at[1] + dy), word, "left" if dx > 0 else "right" if dx < 0 else "center", size=9)
        self._place(name, **{pin: at for pin, (at, _) in pins.items()})

    def relay(self, name, x, y):
        """A photo-MOS relay: contact from (x, y) to (x + 3, y), LED from (x, y - 2) to (x + 3, y - 2)."""
        self._line((x, y), (x + 0.9, y))
        self._line((x + 0.9, y), (x + 2.0, y + 0.6))
        self._line((x + 2.1, y), (x + 3, y))
        self.drawing += elm.LED().at((x, y - 2)).to((x + 3, y - 2))
        self._line((x + 0.2, y - 2.7), (x + 2.8, y - 2.7), (x + 2.8, y + 0.9), (x + 0.2, y + 0.9),
                   (x + 0.2, y - 2.7), dashed=True)
        self.text((x + 1.5, y + 1.2), f"{name}  {self.front_end.parts[name]['kind']}")
        self._place(name, a=(x, y), b=(x + 3, y), led_p=(x, y - 2), led_n=(x + 3, y - 2))

    def mosfet(self, name, x, y):
        """Gate at (x, y), drain at (x + 1, y + 1), source at (x + 1, y - 1)."""
        self._line((x, y), (x + 0.4, y))
        self._line((x + 0.4, y - 0.5), (x + 0.4, y + 0.5))
        self._line((x + 0.6, y - 0.6), (x + 0.6, y + 0.6))
        self._line((x + 0.6, y + 0.45), (x + 1, y + 0.45), (x + 1, y + 1))
        self._line((x + 0.6, y - 0.45), (x + 1, y - 0.45), (x + 1, y - 1))
        self.text((x + 1.2, y + 0.2), name, "left")
        self.text((x + 1.2, y - 0.3), self.front_end.parts[name]["kind"], "left")
        self._place(name, g=(x, y), d=(x + 1, y + 1), s=(x + 1, y - 1))

    def thyristor(self, name, start, end):
        """From anode down to cathode; the gate lies to the right of the cathode."""
        x, y = start[0], (start[1] + end[1]) / 2
        self._line(start, (x, y + 0.4))
        self._line((x - 0.45, y + 0.4), (x + 0.45, y + 0.4), (x, y - 0.35), (x - 0.45, y + 0.4))
        self._line((x - 0.45, y - 0.35), (x + 0.45, y - 0.35))
        self._line((x, y - 0.35), end)
        self._line((x, y - 0.35), (x + 0.65, y - 1.0), (x + 1.5, y - 1.0))
        self.text((x - 0.6, y + 0.25), name, "right")
        self.text((x - 0.6, y - 0.25), self.front_end.parts[name]["kind"], "right")
        self._place(name, a=start, k=end, g=(x + 1.5, y - 1.0))

    def wire(self, *points):
        self._line(*points)
        self.wires += list(zip(points, points[1:]))

    def tag(self, net, at, side="right", words=None):
        """Names the net at a point: ground and rails by their symbols, others by a word to the left or right."""
        if net == "GND":
            self.drawing += elm.Ground().at(at)
        else:
            self.drawing += elm.Dot(open=True).at(at)
            dx, dy = {"right": (0.25, 0), "left": (-0.25, 0), "up": (0, 0.4), "down": (0, -0.4)}[side]
            halign = {"right": "left", "left": "right"}.get(side, "center")
            self.text((at[0] + dx, at[1] + dy), words or net, halign)
        self.tags.append((net, at))

    # ---------------------------------------------------------------- what touches what

    def _groups(self):
        """Sets of pins and tags that the drawing joins."""
        points = [*self.pins.values(), *(at for _, at in self.tags), *(p for w in self.wires for p in w)]
        parent = list(range(len(points)))

        def root(k):
            while parent[k] != k:
                k = parent[k]
            return k

        def join(a, b):
            parent[root(a)] = root(b)

        first_wire = len(self.pins) + len(self.tags)
        for a in range(len(points)):
            for b in range(a):
                if near(points[a], points[b]):
                    join(a, b)
            for k, segment in enumerate(self.wires):
                if inside(points[a], segment):
                    join(a, first_wire + 2 * k)
        for k in range(len(self.wires)):
            join(first_wire + 2 * k, first_wire + 2 * k + 1)
        named = [*self.pins, *(("tag", net) for net, _ in self.tags)]
        groups = {}
        for k, name in enumerate(named):
            groups.setdefault(root(k), set()).add(name)
        return list(groups.values())

    def complaints(self):
        """Where the drawing differs from the parts; empty if it shows them."""
        wrong = []
        wanted = {name for sheet in self.names for name in self.front_end.sheet(sheet)}
        drawn = {name for name, _ in self.pins}
        wrong += [f"{name} is not drawn" for name in sorted(wanted - drawn)]
        wrong += [f"{name} belongs to another sheet" for name in sorted(drawn - wanted)]
        seen = {}
        for group in self._groups():
            nets = {self.front_end.pins(n)[pin] for n, pin in group if n != "tag"}
            nets |= {net for n, net in group if n == "tag"}
            if len(nets) > 1:
                wrong.append(f"one wire joins the nets {', '.join(sorted(nets))}")
            tagged = any(n == "tag" for n, _ in group)
            for net in nets:
                if net in seen and not (tagged and seen[net]):
                    wrong.append(f"the net {net} is drawn in two pieces without a name")
                seen[net] = tagged
        return wrong

    def _dots(self):
        """A dot where three or more ends meet, or an end meets the middle of a wire."""
        ends = [*self.pins.values(), *(p for w in self.wires for p in w)]
        for k, point in enumerate(ends):
            if any(near(point, other) for other in ends[:k]):
                continue
            count = sum(near(point, other) for other in ends) + 2 * sum(inside(point, w) for w in self.wires)
            if count >= 3:
                self.drawing += elm.Dot().at(point)

    def svg(self):
        """The picture. Raises ValueError where it does not show the parts."""
        wrong = self.complaints()
        if wrong:
            raise ValueError(f"sheet {', '.join(self.names)}: " + "; ".join(wrong))
        self._dots()
        text = self.drawing.get_imagedata("svg").decode("utf-8")
        text = re.sub(r"(stroke|fill):\s*black", r"\1:currentColor", text)
        text = text.replace('fill="black"', 'fill="currentColor"')
        text = re.sub(r"fill:\s*white", "fill:var(--paper)", text)
        return re.sub(r"(<svg[^>]*>)", rf"\1{STYLE}", text, count=1).rstrip() + "\n"
