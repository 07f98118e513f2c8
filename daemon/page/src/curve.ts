// What the curves of a run have in common: which rows belong on one, how legs look, and where transitions lie.
import type { View } from "./figure";
import type { LegendEntry } from "./legend";
import type { Pen, Shape } from "./pen";
import type { Group, Row, Transition } from "./recording";
import type { Palette } from "./theme";
import { legName } from "./words";

/** Rows that belong on one curve. */
export interface Curve {
  channel: number;
  conditions: Record<string, number>;
  rows: Row[];
  /** The fit of the run is of the first row's channel and conditions. */
  fitted: boolean;
}

const sameConditions = (a: Record<string, number>, b: Record<string, number>) =>
  JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());

export function belongs(group: Group, curve: Curve): boolean {
  return group.channel === curve.channel && sameConditions(group.conditions, curve.conditions);
}

export function curvesOf(rows: Row[]): Curve[] {
  const curves: Curve[] = [];
  for (const row of rows) {
    const known = curves.find((curve) => belongs(row, curve));
    if (known) known.rows.push(row);
    else curves.push({ channel: row.channel, conditions: row.conditions, rows: [row], fitted: curves.length === 0 });
  }
  return curves;
}

export type Pick = (row: number) => void;

// ------------------------------------------------------------------ looks

function shapeOf(row: Row): Shape {
  return row.direction === "up" ? "up" : row.direction === "down" ? "down" : "circle";
}
/** The first leg shows behind the second where both measured the same. */
function sizeOf(row: Row, rows: number): number {
  const size = row.look === 0 ? 4 : 2.8;
  return rows > 800 ? 0.5 * size : size;
}
export function colourOf(row: Row, palette: Palette): string {
  return palette.legs[row.look % palette.legs.length]!;
}

export function legsOf(rows: Row[]): Row[] {
  const legs = new Map<number, Row>();
  for (const row of rows) if (!legs.has(row.leg)) legs.set(row.leg, row);
  return [...legs.values()].sort((a, b) => a.leg - b.leg);
}

export function legLegend(rows: Row[]): LegendEntry[] {
  const legs = legsOf(rows);
  const different = legs.filter((row, k) => legs.findIndex((other) => other.look === row.look) === k);
  return different.map((row) => ({
    text: row.part === null ? legName(row.leg, row.direction) : `${row.part}: ${legName(row.leg % 2, row.direction)}`,
    color: (palette) => colourOf(row, palette),
    look: shapeOf(row),
  }));
}

/** A value with the ends of its interval, in the places where they are drawn. */
export interface Placed {
  x: number;
  value: number;
  low: number | null;
  high: number | null;
}

/** @param rows  of the curve: bars of very many would hide it */
export function drawInterval(pen: Pen, view: View, rows: number, placed: Placed, color: string): void {
  if (placed.low === null || placed.high === null) return;
  const [at, top, bottom] = [view.x(placed.x), view.y(placed.high), view.y(placed.low)];
  const caps = [NaN, NaN, at - 4, top, at + 4, top, NaN, NaN, at - 4, bottom, at + 4, bottom];
  pen.line([at, top, at, bottom, ...(rows > 300 ? [] : caps)], {
    color,
    width: 1.5,
    alpha: Math.max(0.05, Math.min(1, 300 / rows)),
  });
}

/** The mark and the interval of a row. @param filled  hollow otherwise */
export function drawRow(
  pen: Pen,
  view: View,
  palette: Palette,
  rows: number,
  row: Row,
  at: Placed,
  filled = true,
): void {
  const color = colourOf(row, palette);
  drawInterval(pen, view, rows, at, color);
  const fill = filled ? color : palette.ground;
  pen.mark(shapeOf(row), view.x(at.x), view.y(at.value), sizeOf(row, rows), color, fill);
}

/** Brackets of transitions, those of several legs that are the same only once. */
export interface Border {
  low: number;
  high: number;
  text: string;
}
export function bordersOf(transitions: Transition[]): Border[] {
  const borders: Border[] = [];
  for (const t of transitions) {
    const [low, high] = t.bracket_ua;
    const text = t.below === t.above ? `jump in ${t.below}` : `${t.below} → ${t.above}`;
    const same = borders.find((b) => b.text === text && Math.abs(b.low - low) + Math.abs(b.high - high) < 0.01);
    if (!same) borders.push({ low, high, text });
  }
  return borders.sort((a, b) => a.low - b.low);
}

/** Room above the values for the names of the transitions, on a logarithmic axis. */
export function headroom([low, high]: [number, number], borders: boolean): [number, number] {
  return [low, borders ? high * Math.pow(high / low, 0.15) : high];
}

export function drawBorders(pen: Pen, view: View, palette: Palette, borders: Border[]): void {
  for (const border of borders) {
    const from = view.x(border.low);
    const until = view.x(border.high);
    // A bracket narrower than a line is drawn as one.
    const width = Math.max(until - from, 2);
    pen.rect(0.5 * (from + until) - 0.5 * width, view.top, width, view.height, palette.transition);
  }
}

/** Names above each other where they would overlap; none where they are too many to be read. */
export function nameBorders(pen: Pen, view: View, palette: Palette, borders: Border[]): void {
  const inSight = borders.filter((b) => b.high >= view.from && b.low <= view.until);
  if (inSight.length > 10) return;
  const ends: number[] = [];
  for (const border of inSight) {
    const width = border.text.length * 6.2 + 8;
    const middle = view.x(0.5 * (border.low + border.high));
    const left = Math.min(Math.max(middle - 0.5 * width, view.left + 2), view.left + view.width - width);
    let line = ends.findIndex((end) => end < left);
    if (line < 0) line = ends.length;
    ends[line] = left + width;
    pen.text(border.text, left + 0.5 * width, view.top + 10 + 14 * line, {
      color: palette.ink,
      size: 11,
      align: "center",
    });
  }
}

export const transitionLegend: LegendEntry = {
  text: "a transition lies in here",
  color: (palette) => palette.transition,
  look: "patch",
};

/** Points of a function, close enough for a smooth line. */
export function sampled(view: View, from: number, until: number, f: (x: number) => number): number[] {
  const path: number[] = [];
  const low = Math.max(from, view.from);
  const high = Math.min(until, view.until);
  const steps = Math.ceil(view.width);
  for (let k = 0; k <= steps && high > low; ++k) {
    const x = low + ((high - low) * k) / steps;
    path.push(view.x(x), view.y(f(x)));
  }
  return path;
}
