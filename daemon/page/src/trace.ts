// The trace of a step: the whole of it as the lowest and highest output of each piece, and at the full rate around
// spikes. What is drawn is never more than the screen can show.
import { span } from "./axes";
import { type Content, type View } from "./figure";
import { table } from "./dom";
import type { Pen } from "./pen";
import type { Detail, Piece } from "./recording";
import type { Palette } from "./theme";
import { count, duration, number } from "./words";

/** First index whose value is not below `value`; the array rises. */
export function lower(values: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

const endOf = (piece: Piece) => piece.from_s + piece.mv.length * piece.every_s;

/** Where the pieces leave something of a stretch to the levels. */
function uncovered(from: number, until: number, pieces: Piece[]): [number, number][] {
  const left: [number, number][] = [];
  let at = from;
  for (let k = lower(pieces.map(endOf), from); k < pieces.length && pieces[k]!.from_s < until; ++k) {
    if (pieces[k]!.from_s > at) left.push([at, pieces[k]!.from_s]);
    at = Math.max(at, endOf(pieces[k]!));
  }
  if (at < until) left.push([at, until]);
  return left;
}

function drawLevels(
  pen: Pen,
  view: View,
  palette: Palette,
  levels: NonNullable<Detail["levels"]>,
  pieces: Piece[],
): void {
  const { from_s: from, every_s: every, low_mv: low, high_mv: high } = levels;
  const first = Math.max(0, Math.floor((view.from - from) / every));
  const last = Math.min(low.length, Math.ceil((view.until - from) / every));
  for (let k = first; k < last; ++k) {
    if (Number.isNaN(low[k]!)) continue;
    const top = view.y(high[k]!);
    const height = Math.max(1, view.y(low[k]!) - top);
    for (const [begin, end] of uncovered(from + k * every, from + (k + 1) * every, pieces)) {
      const left = view.x(begin);
      pen.rect(left, top, Math.max(0.7, view.x(end) - left), height, palette.envelope);
    }
  }
}

/** A piece as a line; as lowest and highest of each column where it has more values than columns. */
function drawPiece(pen: Pen, view: View, palette: Palette, piece: Piece): void {
  const first = Math.max(0, Math.floor((view.from - piece.from_s) / piece.every_s) - 1);
  const last = Math.min(piece.mv.length, Math.ceil((view.until - piece.from_s) / piece.every_s) + 2);
  const perColumn = ((view.until - view.from) / piece.every_s / view.width) | 0;
  const path: number[] = [];
  const x = (k: number) => view.x(piece.from_s + k * piece.every_s);
  if (perColumn < 3) {
    for (let k = first; k < last; ++k) path.push(x(k), view.y(piece.mv[k]!));
  } else {
    for (let k = first; k < last; k += perColumn) {
      let low = Infinity;
      let high = -Infinity;
      for (let j = k; j < Math.min(k + perColumn, last); ++j) {
        const value = piece.mv[j]!;
        if (value < low) low = value;
        if (value > high) high = value;
      }
      path.push(x(k), low > high ? NaN : view.y(low), x(k), low > high ? NaN : view.y(high));
    }
  }
  pen.line(path, { color: palette.trace, width: 1.3 });
}

/** Is a moment inside a piece that the page holds? */
export function heldAt(detail: Detail, time: number): boolean {
  return detail.trace?.pieces.some((piece) => time >= piece.from_s && time < endOf(piece)) ?? false;
}

/** A stretch to begin with: a few intervals where the page has the trace at its full rate. */
export function firstLook(detail: Detail, length_s: number): [number, number] {
  const { spikes_s: spikes, trace } = detail;
  if (spikes.length < 3 || !trace) return [0, length_s];
  const longest = trace.pieces.reduce<Piece | null>(
    (best, piece) => (!best || piece.mv.length > best.mv.length ? piece : best),
    null,
  );
  const interval = (spikes[spikes.length - 1]! - spikes[0]!) / (spikes.length - 1);
  const middle = longest ? 0.5 * (longest.from_s + endOf(longest)) : spikes[spikes.length >> 1]!;
  const width = longest ? Math.min(endOf(longest) - longest.from_s, 6 * interval) : 6 * interval;
  return [Math.max(0, middle - 0.5 * width), Math.min(length_s, middle + 0.5 * width)];
}

function resolution(detail: Detail): string {
  const { trace, levels } = detail;
  const pieces = levels ? `the lowest and highest output of each ${duration(levels.every_s)}` : "nothing";
  if (!trace) return `The trace was not recorded: this is ${pieces}, as the instrument reports it.`;
  const rate = number(1e-3 / trace.every_s);
  if (trace.kept === trace.values) return `Every value of the trace, ${rate} kS/s.`;
  return (
    `Line: the trace at its full rate, ${rate} kS/s, in ${count(trace.pieces.length, "piece")} around spikes ` +
    `(${duration(trace.kept * trace.every_s)} of ${duration(trace.values * trace.every_s)}). ` +
    `Area: elsewhere, ${pieces}.`
  );
}

export function traceContent(detail: Detail, length_s: number, onView: (from: number, until: number) => void): Content {
  const { levels, trace, spikes_s: spikes, gaps } = detail;
  const axes = {
    x: { label: "Time in the step (s)", range: [0, length_s] as [number, number] },
    y: { label: "Output V_out (mV)", range: [0, 1] as [number, number] },
  };
  if (!levels && !trace) {
    return {
      ...axes,
      empty: "Neither the trace nor levels of this step are in the recording.",
      summary: "",
      draw: () => undefined,
    };
  }
  const extremes = [...(levels?.low_mv ?? []), ...(levels?.high_mv ?? [])];
  for (const piece of trace?.pieces ?? []) for (const value of piece.mv) extremes.push(value);
  axes.y.range = span(extremes, 0.1);
  const legend: Content["legend"] = [];
  if (trace) legend.push({ text: "full rate", color: (p) => p.trace, look: "line" });
  const whole = trace !== null && trace.kept === trace.values;
  if (levels && !whole) legend.push({ text: "lowest to highest", color: (p) => p.envelope, look: "patch" });
  if (spikes.length > 0) legend.push({ text: "spike", color: (p) => p.legs[1]!, look: "tick" });
  if (gaps.length > 0) legend.push({ text: "data lost", color: (p) => p.gap, look: "patch" });
  return {
    ...axes,
    legend,
    start: firstLook(detail, length_s),
    summary: resolution(detail),
    onView,
    tell: (x, y) => `${number(x, 6)} s, ${number(y)} mV`,
    table: () =>
      table(
        "Spikes of the step",
        ["spike", "time (s)", "at the full rate"],
        Array.from(spikes.slice(0, 2000), (time, k) => [
          String(k + 1),
          time.toFixed(6),
          heldAt(detail, time) ? "yes" : "no",
        ]),
      ),
    draw(pen, view, palette) {
      for (const [from, until] of gaps) {
        const left = view.x(from);
        pen.rect(left, view.top, Math.max(2, view.x(until) - left), view.height, palette.gap);
      }
      if (levels && !whole) drawLevels(pen, view, palette, levels, trace?.pieces ?? []);
      for (const piece of trace?.pieces ?? []) {
        if (piece.from_s < view.until && endOf(piece) > view.from) drawPiece(pen, view, palette, piece);
      }
      const first = lower(spikes, view.from);
      const last = lower(spikes, view.until);
      // More marks than columns would be a bar that tells nothing.
      if (last - first > view.width / 3) return;
      const marks: number[] = [];
      for (let k = first; k < last; ++k) {
        const x = view.x(spikes[k]!);
        marks.push(x, view.top, x, view.top + 7, NaN, NaN);
      }
      pen.line(marks, { color: palette.legs[1]!, width: 1.5 });
    },
  };
}
