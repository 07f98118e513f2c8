// Axes: how far they reach, where they are cut, and what stands beside the cuts.
import type uPlot from "uplot";
import { whole } from "./words";

export interface Axis {
  label: string;
  range: [number, number];
  log?: boolean;
  /** Values rise downwards. */
  downwards?: boolean;
}

/** Places and texts of an axis, as uPlot has chosen them. */
export function ticks(u: uPlot, k: number): [number, string][] {
  const axis = u.axes[k] as unknown as { _splits?: (number | null)[]; _values?: (string | null)[] };
  const pairs: [number, string][] = [];
  (axis._splits ?? []).forEach((split, at) => {
    const text = axis._values?.[at];
    if (split !== null && split !== undefined) pairs.push([split, text ?? ""]);
  });
  return pairs;
}

/** Room for the texts of a vertical axis. */
export function yWidth(_: uPlot, texts: string[] | null): number {
  const longest = Math.max(4, ...(texts ?? []).map((text) => text?.length ?? 0));
  return 14 + 7 * longest;
}

/** A logarithmic axis is cut at 1, 2, 3 ... times each power of ten, wherever it begins. */
export function splits(axis: Axis): Partial<uPlot.Axis> {
  if (!axis.log) return {};
  return {
    filter: (_, values) => values,
    splits: (_u, _k, low, high) => {
      const all: number[] = [];
      for (let decade = Math.floor(Math.log10(low)); decade <= Math.log10(high); ++decade) {
        for (let lead = 1; lead <= 9; ++lead) {
          const value = Number(`${lead}e${decade}`);
          if (value >= low && value <= high) all.push(value);
        }
      }
      return all;
    },
  };
}

/** Texts of ticks: as many decimals as tell them apart. */
export function tickTexts(values: number[]): string[] {
  const finite = values.filter((v) => v !== null && Number.isFinite(v));
  const step = finite.length > 1 ? Math.abs(finite[1]! - finite[0]!) : 1;
  let decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  if (Math.abs(step * Math.pow(10, decimals) - Math.round(step * Math.pow(10, decimals))) > 1e-6) ++decimals;
  return values.map((v) => (v === null ? "" : v.toFixed(Math.min(decimals, 9)).replace("-", "−")));
}

/** Of a logarithmic axis: powers of ten first, then 2 and 5 of each, then the others, as far as they have room. */
export function logTexts(values: number[], place: (value: number) => number, room: number): string[] {
  const taken: number[] = [];
  const texts = values.map(() => "");
  const lead = (value: number) => Math.round(value / Math.pow(10, Math.floor(Math.log10(value) + 1e-9)));
  for (const leads of [[1], [2, 5], [3, 4, 6, 7, 8, 9]]) {
    values.forEach((value, k) => {
      if (value === null || !(value > 0) || !leads.includes(lead(value))) return;
      const at = place(value);
      if (taken.some((other) => Math.abs(other - at) < room)) return;
      taken.push(at);
      texts[k] = plain(value);
    });
  }
  return texts;
}

function plain(value: number): string {
  const rounded = Number(value.toPrecision(2));
  if (rounded >= 1e7 || rounded < 1e-4) return rounded.toExponential(0).replace("-", "−");
  return rounded >= 1e4 ? whole(rounded) : String(rounded);
}

/** [least, greatest] with some room; never empty. */
export function span(values: Iterable<number>, room = 0.05, floor?: number): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return [0, 1];
  if (low === high) {
    const around = 0.1 * Math.abs(high) || 1;
    return [floor !== undefined ? Math.max(floor, low - around) : low - around, high + around];
  }
  const width = high - low;
  const begin = low - room * width;
  return [floor !== undefined ? Math.min(low, Math.max(floor, begin)) : begin, high + room * width];
}

/** The same for a logarithmic axis; values below or at zero do not count. */
export function logSpan(values: Iterable<number>, room = 0.06): [number, number] {
  const logs: number[] = [];
  for (const value of values) if (value > 0) logs.push(Math.log(value));
  const [low, high] = span(logs, room);
  return [Math.exp(low), Math.exp(high)];
}
