// The figures of one step: intervals, return map, order, raster.
import { table } from "./dom";
import { logSpan, span } from "./axes";
import { type Content, type View } from "./figure";
import type { Pen } from "./pen";
import type { Detail } from "./recording";
import type { Palette } from "./theme";
import { count, duration, number } from "./words";

const empty = (x: string, y: string, why: string): Content => ({
  x: { label: x, range: [0, 1] },
  y: { label: y, range: [0, 1] },
  empty: why,
  summary: "",
  draw: () => undefined,
});

/** The unit in which a time is easily read. */
function timeUnit(seconds: number): { factor: number; unit: string } {
  if (seconds < 2e-3) return { factor: 1e6, unit: "µs" };
  if (seconds < 2) return { factor: 1e3, unit: "ms" };
  return { factor: 1, unit: "s" };
}

const wide = (low: number, high: number) => low > 0 && high / low > 15;

// ------------------------------------------------------------------ intervals

type Bin = NonNullable<Detail["isi"]>[number];

/** Neighbouring bins together until there are few enough to see. */
function joined(bins: Bin[], ratio: number, most: number): Bin[] {
  if (bins.length === 0) return bins;
  const bucket = (bin: Bin) => Math.round(Math.log(bin.high_s / 1e-6) / Math.log(ratio)) - 1;
  const first = bucket(bins[0]!);
  const size = Math.ceil((bucket(bins[bins.length - 1]!) - first + 1) / most);
  const all = new Map<number, Bin>();
  for (const bin of bins) {
    const k = Math.floor((bucket(bin) - first) / size);
    const known = all.get(k);
    const low = 1e-6 * Math.pow(ratio, first + k * size);
    if (known) known.count += bin.count;
    else all.set(k, { low_s: low, high_s: low * Math.pow(ratio, size), count: bin.count });
  }
  return [...all.values()];
}

export function intervalContent(detail: Detail, ratio: number): Content {
  const [x, y] = ["Interval between spikes", "Intervals in a bin"];
  if (!detail.isi || detail.isi.length === 0) {
    return empty(x, y, "No interval between spikes was counted in this step.");
  }
  const bins = joined(detail.isi, ratio, 120);
  const total = bins.reduce((sum, bin) => sum + bin.count, 0);
  const low = bins[0]!.low_s;
  const high = bins[bins.length - 1]!.high_s;
  const log = wide(low, high);
  const { factor, unit } = timeUnit(log ? Math.sqrt(low * high) : high);
  const most = Math.max(...bins.map((bin) => bin.count));
  const width = Math.round((bins[0]!.high_s / bins[0]!.low_s - 1) * 100);
  const range: [number, number] = log
    ? logSpan([low * factor, high * factor], 0.05)
    : span([low * factor, high * factor], Math.max(0.1, 0.6 - 0.05 * bins.length), 0);
  return {
    x: { label: `${x} (${unit})`, range, log },
    y: { label: y, range: [0, most * 1.08] },
    summary:
      `${count(total, "interval")} from ${duration(low)} to ${duration(high)}. ` +
      `Each bin is ${width} % of its interval wide.`,
    points: bins.map((bin) => ({
      x: 0.5 * (bin.low_s + bin.high_s) * factor,
      y: bin.count,
      text: `${count(bin.count, "interval")} of ${duration(bin.low_s, 4)} to ${duration(bin.high_s, 4)}`,
    })),
    table: () =>
      table(
        "Intervals between spikes",
        ["from (ms)", "to (ms)", "intervals"],
        bins.map((bin) => [number(bin.low_s * 1e3), number(bin.high_s * 1e3), String(bin.count)]),
      ),
    draw(pen: Pen, view: View, palette: Palette) {
      const base = view.y(0);
      for (const bin of bins) {
        const left = view.x(bin.low_s * factor);
        const right = view.x(bin.high_s * factor);
        const top = view.y(bin.count);
        pen.rect(left, top, Math.max(1, right - left - 0.5), base - top, palette.trace);
      }
    },
  };
}

// ------------------------------------------------------------------ return map

/** Intervals that follow each other; none reaches over a gap in the data. */
function neighbours(detail: Detail): [number, number][] {
  const { spikes_s: spikes, gaps, settling } = detail;
  const broken = (from: number, until: number) => gaps.some(([a, b]) => b > from && a < until);
  const pairs: [number, number][] = [];
  for (let k = settling + 2; k < spikes.length; ++k) {
    const [a, b, c] = [spikes[k - 2]!, spikes[k - 1]!, spikes[k]!];
    if (!broken(a, c)) pairs.push([b - a, c - b]);
  }
  return pairs;
}

export function returnContent(detail: Detail): Content {
  const [x, y] = ["Interval n", "Interval n + 1"];
  const pairs = neighbours(detail);
  if (pairs.length === 0) return empty(x, y, "A return map needs three spikes in a row, and this step has fewer.");
  const all = pairs.flat();
  const low = Math.min(...all.slice(0, 100000));
  const high = all.reduce((a, b) => Math.max(a, b), 0);
  const log = wide(low, high);
  const { factor, unit } = timeUnit(log ? Math.sqrt(low * high) : high);
  const scaled = pairs.map(([a, b]) => [a * factor, b * factor] as [number, number]);
  const range = log ? logSpan(scaled.flat(), 0.05) : span(scaled.flat(), 0.08, 0);
  const held = detail.spikes_s.length < detail.total ? ` (of the first ${count(detail.spikes_s.length, "spike")})` : "";
  return {
    x: { label: `${x} (${unit})`, range, log },
    y: { label: `${y} (${unit})`, range, log },
    summary: `${count(pairs.length, "pair")} of neighbouring intervals${held}. On the dashed line both are the same.`,
    tell: (a, b) => `${number(a)} ${unit}, then ${number(b)} ${unit}`,
    table: () =>
      table(
        "Neighbouring intervals",
        ["interval n (ms)", "interval n + 1 (ms)"],
        pairs.slice(0, 500).map(([a, b]) => [number(a * 1e3, 5), number(b * 1e3, 5)]),
      ),
    draw(pen, view, palette) {
      const ends = [range[0], range[1]].flatMap((v) => [view.x(v), view.y(v)]);
      pen.line(ends, { color: palette.muted, width: 1.2, dash: [5, 4] });
      const size = pairs.length > 2000 ? 1 : pairs.length > 300 ? 1.6 : 2.2;
      for (const [a, b] of scaled) {
        const [px, py] = [view.x(a), view.y(b)];
        if (px < view.left - 3 || px > view.left + view.width + 3) continue;
        pen.rect(px - size, py - size, 2 * size, 2 * size, palette.trace, pairs.length > 300 ? 0.6 : 0.9);
      }
    },
  };
}

// ------------------------------------------------------------------ g_n

export function pairsContent(detail: Detail): Content {
  const [x, y] = ["Lag", "g_n (spikes in a bin)"];
  const { pairs } = detail;
  if (!pairs) return empty(x, y, "The recording has no correlation of this step: it had too few spikes.");
  const g = pairs.counts.map((n) => n / pairs.spikes);
  const window = pairs.bin_s * pairs.counts.length;
  const { factor, unit } = timeUnit(window);
  const [low, high] = pairs.poisson_band95;
  const [lowest, highest] = pairs.poisson_band95_all_bins;
  // At long lags of a short train the drawn lines, which are level, lie above these limits.
  const own = "which are the dotted lines lowered by what the ends of the step and gaps take from a bin at its lag";
  const verdict =
    pairs.featureless === null
      ? ""
      : pairs.featureless
        ? `No bin leaves its limits, ${own}: no order is seen.`
        : `Bins leave their limits, ${own}: the spikes know of each other.`;
  const clipped = pairs.window_clipped
    ? " More spikes fell into the window than could be counted: the values are too low."
    : "";
  const bins = g.map((value, k) => ({ from: k * pairs.bin_s * factor, until: (k + 1) * pairs.bin_s * factor, value }));
  return {
    x: { label: `${x} (${unit})`, range: [0, window * factor] },
    y: { label: y, range: [0, Math.max(...g, highest) * 1.08 || 1] },
    summary:
      `How often another spike follows after each lag, ${pairs.counts.length} bins of ${duration(pairs.bin_s)}, ` +
      `${count(pairs.spikes, "spike")}. At lags that are short against the step, the grey band holds a bin of ` +
      `a train without memory (Poisson) in 95 % of cases, the dotted lines all bins together. ${verdict}${clipped}`,
    legend: [
      { text: "g_n", color: (p) => p.trace, look: "line" },
      { text: "Poisson level", color: (p) => p.muted, look: "dashed" },
      { text: "95 % of one bin", color: (p) => p.band, look: "patch" },
      { text: "95 % of all bins", color: (p) => p.muted, look: "dotted" },
    ],
    tell: (lag) => {
      const bin = bins[Math.floor(lag / (pairs.bin_s * factor))];
      return bin ? `lag ${number(bin.from)} to ${number(bin.until)} ${unit}: g_n = ${number(bin.value)}` : "";
    },
    table: () =>
      table(
        "Correlation of spikes by lag",
        ["lag from (ms)", "to (ms)", "pairs", "g_n"],
        g.map((value, k) => [
          number(k * pairs.bin_s * 1e3),
          number((k + 1) * pairs.bin_s * 1e3),
          String(pairs.counts[k]),
          number(value),
        ]),
      ),
    draw(pen, view, palette) {
      const right = view.left + view.width;
      pen.rect(view.left, view.y(high), view.width, view.y(low) - view.y(high), palette.band);
      pen.line([view.left, view.y(pairs.poisson_level), right, view.y(pairs.poisson_level)], {
        color: palette.muted,
        dash: [6, 4],
        width: 1.4,
      });
      for (const edge of [lowest, highest]) {
        pen.line([view.left, view.y(edge), right, view.y(edge)], { color: palette.muted, dash: [2, 3], width: 1.2 });
      }
      const path = bins.flatMap((bin) => [view.x(bin.from), view.y(bin.value), view.x(bin.until), view.y(bin.value)]);
      pen.line(path, { color: palette.trace, width: 1.6 });
    },
  };
}

// ------------------------------------------------------------------ raster

export function rasterContent(detail: Detail, length_s: number): Content {
  const { spikes_s: spikes, gaps, settling, total } = detail;
  const y = "Begin of the line (s)";
  if (spikes.length === 0) return empty("Time in the line (ms)", y, "No spike in this step.");
  const shown = spikes.length < total ? spikes[spikes.length - 1]! : length_s;
  const lines = Math.min(30, Math.max(1, Math.ceil(spikes.length / 12)));
  const each = shown / lines;
  const { factor, unit } = timeUnit(each);
  const held =
    spikes.length < total
      ? ` The page holds the first ${count(spikes.length, "spike")} of ${count(total, "spike")}.`
      : "";
  return {
    x: { label: `Time in the line (${unit})`, range: [0, each * factor] },
    // Time runs downwards, as one reads.
    y: { label: y, range: [-0.7 * each, shown - 0.3 * each], downwards: true },
    summary:
      `${count(spikes.length, "spike")} in ${duration(shown)}, read like a text: ${count(lines, "line")} of ` +
      `${duration(each)}.${gaps.length > 0 ? " Red: data were lost." : ""}${held}`,
    tell: (a, b) => {
      const line = Math.min(Math.max(Math.round(b / each), 0), lines - 1);
      return `${number(line * each + a / factor, 5)} s after the begin of the step`;
    },
    table: () =>
      table(
        "Times of spikes",
        ["spike", "time in the step (s)"],
        Array.from(spikes.slice(0, 2000), (time, k) => [String(k + 1), time.toFixed(6)]),
      ),
    draw(pen, view, palette) {
      const height = Math.max(2, Math.min(9, (0.36 * view.height) / lines));
      const place = (time: number): [number, number] => {
        const line = Math.min(Math.floor(time / each), lines - 1);
        return [view.x((time - line * each) * factor), view.y(line * each)];
      };
      for (const [from, until] of gaps) {
        for (let line = Math.max(0, Math.floor(from / each)); line < lines && line * each < until; ++line) {
          const left = view.x(Math.max(0, from - line * each) * factor);
          const right = view.x(Math.min(each, until - line * each) * factor);
          pen.rect(left, view.y(line * each) - height, Math.max(2, right - left), 2 * height, palette.gap);
        }
      }
      const counted: number[] = [];
      const before: number[] = [];
      spikes.forEach((time, k) => {
        const [px, py] = place(time);
        (k < settling ? before : counted).push(px, py - height, px, py + height, NaN, NaN);
      });
      pen.line(before, { color: palette.muted, width: 1 });
      pen.line(counted, { color: palette.ink, width: 1.2 });
    },
  };
}
