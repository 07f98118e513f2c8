// The curves of a run: f(I) and β_n, with what was fitted to them.
import { table } from "./dom";
import { logSpan, span } from "./axes";
import { type Content, type Point, type View } from "./figure";
import type { LegendEntry } from "./legend";
import type { Pen, Shape } from "./pen";
import type { Group, LifFit, Recording, Row, Transition } from "./recording";
import type { Palette } from "./theme";
import { betaWords, count, estimate, fixed, labelWords, legName, number, stepName } from "./words";

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
  const size = row.leg === 0 ? 4 : 2.8;
  return rows > 800 ? 0.5 * size : size;
}
function colourOf(row: Row, palette: Palette): string {
  return palette.legs[row.leg % palette.legs.length]!;
}

function legsOf(rows: Row[]): Row[] {
  const legs = new Map<number, Row>();
  for (const row of rows) if (!legs.has(row.leg)) legs.set(row.leg, row);
  return [...legs.values()].sort((a, b) => a.leg - b.leg);
}

function legLegend(rows: Row[]): LegendEntry[] {
  return legsOf(rows).map((row) => ({
    text: row.part === null ? legName(row.leg, row.direction) : `${row.part}: ${legName(row.leg % 2, row.direction)}`,
    color: (palette) => colourOf(row, palette),
    look: shapeOf(row),
  }));
}

/** @param rows  of the curve: bars of very many would hide it */
function errorBar(pen: Pen, view: View, rows: number, x: number, low: number, high: number, color: string): void {
  const [at, top, bottom] = [view.x(x), view.y(high), view.y(low)];
  const caps = [NaN, NaN, at - 4, top, at + 4, top, NaN, NaN, at - 4, bottom, at + 4, bottom];
  pen.line([at, top, at, bottom, ...(rows > 300 ? [] : caps)], {
    color,
    width: 1.5,
    alpha: Math.max(0.05, Math.min(1, 300 / rows)),
  });
}

/** Brackets of transitions, those of several legs that are the same only once. */
interface Border {
  low: number;
  high: number;
  text: string;
}
function bordersOf(transitions: Transition[]): Border[] {
  const borders: Border[] = [];
  for (const t of transitions) {
    const [low, high] = t.bracket_ua;
    const text = t.below === t.above ? `jump in ${t.below}` : `${t.below} → ${t.above}`;
    const same = borders.find((b) => b.text === text && Math.abs(b.low - low) + Math.abs(b.high - high) < 0.01);
    if (!same) borders.push({ low, high, text });
  }
  return borders.sort((a, b) => a.low - b.low);
}

/** Room above the values for the names of the transitions. */
function headroom([low, high]: [number, number], borders: Border[]): [number, number] {
  return [low, borders.length > 0 ? high * Math.pow(high / low, 0.15) : high];
}

function drawBorders(pen: Pen, view: View, palette: Palette, borders: Border[]): void {
  for (const border of borders) {
    const from = view.x(border.low);
    const until = view.x(border.high);
    // A bracket narrower than a line is drawn as one.
    const width = Math.max(until - from, 2);
    pen.rect(0.5 * (from + until) - 0.5 * width, view.top, width, view.height, palette.transition);
  }
}

/** Names above each other where they would overlap; none where they are too many to be read. */
function nameBorders(pen: Pen, view: View, palette: Palette, borders: Border[]): void {
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

const transitionLegend: LegendEntry = {
  text: "a transition lies in here",
  color: (palette) => palette.transition,
  look: "patch",
};

/** Points of a function, close enough for a smooth line. */
function sampled(view: View, from: number, until: number, f: (x: number) => number): number[] {
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

// ------------------------------------------------------------------ f(I)

export function lifRate(fit: LifFit, current: number): number {
  if (current <= fit.rheobase_ua || fit.tau_ms === null) return 0;
  const period_ms = (fit.refractory_ms ?? 0) + fit.tau_ms * Math.log(current / (current - fit.rheobase_ua));
  return 1000 / period_ms;
}
/** d ln f/dI of the same. */
export function lifBeta(fit: LifFit, current: number): number {
  const f = lifRate(fit, current);
  if (f <= 0 || fit.tau_ms === null) return NaN;
  return (f * fit.tau_ms * 1e-3 * fit.rheobase_ua) / (current * (current - fit.rheobase_ua));
}

const silent = (row: Row) => row.frequency_hz === null;

function rateText(row: Row, recording: Recording): string {
  const name = stepName(row, recording.label(row.channel));
  const rate = silent(row)
    ? `no rate; it lies ${estimate(null, row.frequency_hz_low, row.frequency_hz_high, "Hz")}`
    : `f = ${estimate(row.frequency_hz, row.frequency_hz_low, row.frequency_hz_high, "Hz")}`;
  return `${name}: ${fixed(row.current_ua, 3)} µA, ${rate}, ${labelWords[row.label] ?? row.label}`;
}

function rateTable(curve: Curve): HTMLTableElement {
  return table(
    "Rate against current",
    ["step", "I (µA)", "f (Hz)", "95 % low (Hz)", "95 % high (Hz)", "status"],
    curve.rows.map((row) => [
      String(row.index),
      fixed(row.current_ua, 3),
      number(row.frequency_hz, 5),
      number(row.frequency_hz_low),
      number(row.frequency_hz_high),
      row.status.replace("_", " "),
    ]),
  );
}

export function wantsLog(values: (number | null)[]): boolean {
  const known = values.filter((v): v is number => v !== null);
  return known.length > 2 && Math.min(...known) > 0 && Math.max(...known) / Math.min(...known) > 40;
}

function rateSummary(curve: Curve, fit: LifFit | null, inSight: boolean): string {
  const rates = curve.rows.map((row) => row.frequency_hz).filter((f): f is number => f !== null);
  const currents = curve.rows.map((row) => row.current_ua);
  const range = `${number(Math.min(...currents))} to ${number(Math.max(...currents))} µA`;
  if (rates.length === 0) return `${count(curve.rows.length, "step")}, ${range}: none has a rate.`;
  const told =
    `${count(curve.rows.length, "step")}, ${range}; rates from ${number(Math.min(...rates))} to ` +
    `${number(Math.max(...rates))} Hz. Bars are 95 % intervals; where they are shorter than the mark they hide in it. `;
  if (!curve.fitted) return told + "The fits of a run are of its first channel and conditions.";
  if (!fit) return told + "No leaky integrate-and-fire (LIF) fit: it needs regular steps at four currents.";
  const ideal = !inSight
    ? "The line of the ideal integrate-and-fire neuron, which has no leak, lies above the picture."
    : "The ideal integrate-and-fire neuron has no leak: f rises in proportion to I, as the LIF tends to.";
  return (
    told +
    `The LIF was fitted over ${number(fit.range_ua[0])} to ${number(fit.range_ua[1])} µA` +
    `${fit.accepted ? "" : " and does not describe these rates (not accepted)"}. ${ideal}`
  );
}

export function rateContent(recording: Recording, curve: Curve, log: boolean, pick: Pick): Content {
  const { fit } = recording.raw.result;
  const lif = curve.fitted ? fit.lif : null;
  const line = curve.fitted ? fit.upper_line : null;
  const borders = bordersOf(fit.transitions.filter((t) => belongs(t, curve)));
  const rates = curve.rows.flatMap((row) =>
    silent(row) ? [row.frequency_hz_high] : [row.frequency_hz, row.frequency_hz_low, row.frequency_hz_high],
  );
  const known = rates.filter((f): f is number => f !== null);
  const measured = curve.rows.map((row) => row.frequency_hz).filter((f): f is number => f !== null);
  const yRange: [number, number] = log
    ? headroom(logSpan(measured.length > 0 ? measured : [0.1, 10], 0.08), borders)
    : [-0.03 * Math.max(...known, 1e-9), Math.max(...known, 1e-9) * (borders.length > 0 ? 1.25 : 1.1)];
  const floor = yRange[0];
  const heightOf = (row: Row) => (silent(row) ? (log ? floor : 0) : row.frequency_hz!);
  const points: Point[] = curve.rows.map((row) => ({
    x: row.current_ua,
    y: heightOf(row),
    text: rateText(row, recording),
    pick: () => pick(row.row),
  }));
  const range = span(curve.rows.map((row) => row.current_ua));
  const slope = lif?.ideal_slope_hz_per_ua ?? null;
  const inSight = slope !== null && slope * Math.max(range[0], 0) < yRange[1];
  const hollow = (row: Row) => row.status !== "ok";
  const legend = legLegend(curve.rows);
  if (curve.rows.some(hollow)) {
    legend.push({
      text: "hollow: silent, or not as precise as asked",
      color: (p) => p.ink,
      look: "circle",
      hollow: true,
    });
  }
  if (lif) {
    const text = `LIF fit${lif.accepted ? "" : " (not accepted)"}`;
    legend.push({ text, color: (p) => p.ink, look: "line" });
    if (inSight) legend.push({ text: "ideal integrate-and-fire", color: (p) => p.muted, look: "dashed" });
  }
  if (line) legend.push({ text: "straight line, upper half", color: (p) => p.legs[2]!, look: "dotted" });
  if (borders.length > 0) legend.push(transitionLegend);
  return {
    x: { label: "Current I (µA)", range },
    y: { label: "Rate f (Hz)", range: yRange, log },
    legend,
    points,
    summary: rateSummary(curve, lif, inSight),
    table: () => rateTable(curve),
    draw(pen, view, palette) {
      drawBorders(pen, view, palette, borders);
      if (lif) {
        // Beyond the currents that it was fitted to it is only a comparison.
        const inside = sampled(view, lif.range_ua[0], lif.range_ua[1], (i) => lifRate(lif, i));
        pen.line(
          sampled(view, lif.rheobase_ua, Infinity, (i) => lifRate(lif, i)),
          { color: palette.ink, width: 1 },
        );
        pen.line(inside, { color: palette.ink, width: 2.2 });
        if (inSight) {
          pen.line(
            sampled(view, 0, Infinity, (i) => slope * i),
            { color: palette.muted, width: 1.6, dash: [6, 4] },
          );
        }
      }
      if (line && line.slope_hz_per_ua !== null && line.intercept_ua !== null) {
        const { slope_hz_per_ua: rise, intercept_ua: zero, range_ua: fitted } = line;
        const path = sampled(view, fitted[0], fitted[1], (i) => rise * (i - zero));
        pen.line(path, { color: palette.legs[2]!, width: 1.8, dash: [2, 3] });
      }
      for (const row of curve.rows) {
        const color = colourOf(row, palette);
        if (row.frequency_hz_low !== null && row.frequency_hz_high !== null) {
          errorBar(
            pen,
            view,
            curve.rows.length,
            row.current_ua,
            log ? Math.max(row.frequency_hz_low, floor) : row.frequency_hz_low,
            row.frequency_hz_high,
            color,
          );
        }
        pen.mark(
          shapeOf(row),
          view.x(row.current_ua),
          view.y(heightOf(row)),
          sizeOf(row, curve.rows.length),
          color,
          hollow(row) ? palette.ground : color,
        );
      }
      nameBorders(pen, view, palette, borders);
    },
  };
}

// ------------------------------------------------------------------ β_n

function betaSummary(rows: Row[], missing: Row[]): string {
  const reasons = new Map<string, number>();
  for (const row of missing) reasons.set(row.beta_status, (reasons.get(row.beta_status) ?? 0) + 1);
  const told = [...reasons].map(([status, n]) => `${count(n, "step")}: ${betaWords[status] ?? status}`);
  const without = told.length > 0 ? ` Without a value: ${told.join("; ")}.` : "";
  return (
    `β_n = d ln f/dI, the compressibility: how much the logarithm of the rate rises for each µA. ` +
    (rows.length > 0 ? `${count(rows.length, "step")} with a value and its 95 % band.` : "") +
    without
  );
}

function betaTable(rows: Row[]): HTMLTableElement {
  return table(
    "Compressibility against current",
    ["step", "I (µA)", "β_n (1/µA)", "95 % low", "95 % high"],
    rows.map((row) => [
      String(row.index),
      fixed(row.current_ua, 3),
      number(row.beta_n_per_ua),
      number(row.beta_n_per_ua_low),
      number(row.beta_n_per_ua_high),
    ]),
  );
}

/** Steps of one leg without a step in between that has no value: a line and its band. */
function stretches(curve: Curve): Row[][] {
  const all: Row[][] = [];
  for (const leg of legsOf(curve.rows)) {
    const rows = curve.rows.filter((row) => row.leg === leg.leg).sort((a, b) => a.current_ua - b.current_ua);
    let open: Row[] = [];
    for (const row of rows) {
      if (row.beta_n_per_ua !== null) open.push(row);
      else if (row.beta_status === "jump" || silent(row)) {
        if (open.length > 0) all.push(open);
        open = [];
      }
    }
    if (open.length > 0) all.push(open);
  }
  return all;
}

export function betaContent(recording: Recording, curve: Curve, log: boolean, pick: Pick): Content {
  const { fit } = recording.raw.result;
  const direct = (curve.fitted ? recording.raw.result.direct_beta : null) ?? [];
  const rows = curve.rows.filter((row) => row.beta_n_per_ua !== null);
  const missing = curve.rows.filter((row) => row.beta_n_per_ua === null);
  const x = { label: "Current I (µA)", range: span(curve.rows.map((row) => row.current_ua)) };
  const label = "Compressibility β_n (1/µA)";
  const summary = betaSummary(rows, missing);
  const told = direct.filter((d) => d.beta_n_per_ua !== null);
  if (rows.length === 0 && told.length === 0) {
    return {
      x,
      y: { label, range: [0, 1] },
      summary,
      empty: "β_n is not known at any step of this curve: it needs five firing steps on a branch, close to each other.",
      draw: () => undefined,
    };
  }
  const lif = curve.fitted && fit.lif?.accepted ? fit.lif : null;
  const borders = bordersOf(fit.transitions.filter((t) => belongs(t, curve)));
  const precursors = fit.precursors.filter((p) => belongs(p, curve));
  const values = [...rows, ...told].map((row) => row.beta_n_per_ua!);
  // A band that is much wider than the values would flatten them.
  const spread = span(values, 0.35);
  const bounds = [...rows, ...told].flatMap((row) => [row.beta_n_per_ua_low, row.beta_n_per_ua_high]);
  const few = values.length < 4;
  const near = bounds.filter((b): b is number => b !== null && (few || (b >= spread[0] && b <= spread[1])));
  const positive = values.filter((v) => v > 0);
  const useLog = log && positive.length > 0;
  const yRange = useLog ? headroom(logSpan(positive, 0.1), borders) : span([0, ...values, ...near], 0.08);
  const legend = legLegend(rows);
  if (rows.length > 0) legend.push({ text: "95 % band", color: (p) => p.envelope, look: "patch" });
  if (told.length > 0) legend.push({ text: "measured in pairs", color: (p) => p.ink, look: "diamond" });
  if (lif) legend.push({ text: "of the LIF fit", color: (p) => p.ink, look: "line" });
  legend.push({ text: "ideal integrate-and-fire, 1/I", color: (p) => p.muted, look: "dashed" });
  if (precursors.length > 0)
    legend.push({ text: "stands out (precursor)", color: (p) => p.select, look: "square", hollow: true });
  if (borders.length > 0) legend.push(transitionLegend);
  const floor = yRange[0];
  // The end of a bar may lie below a logarithmic axis; a value that does has no place on it.
  const clip = (value: number | null) => (useLog ? Math.max(value ?? floor, floor) : (value ?? NaN));
  const shown = rows.filter((row) => !useLog || row.beta_n_per_ua! > 0);
  const hidden = rows.length - shown.length;
  const below = hidden > 0 ? ` ${count(hidden, "value")} at or below zero: not on a logarithmic axis.` : "";
  return {
    x,
    y: { label, range: yRange, log: useLog },
    legend,
    summary: summary + below,
    points: [
      ...shown.map((row) => ({
        x: row.current_ua,
        y: clip(row.beta_n_per_ua),
        text:
          `${stepName(row, recording.label(row.channel))}: ${fixed(row.current_ua, 3)} µA, β_n = ` +
          estimate(row.beta_n_per_ua, row.beta_n_per_ua_low, row.beta_n_per_ua_high, "1/µA"),
        pick: () => pick(row.row),
      })),
      ...told.map((d) => ({
        x: d.current_ua,
        y: clip(d.beta_n_per_ua),
        text:
          `Measured in ${count(d.pairs, "pair")} at ${fixed(d.current_ua, 3)} µA: β_n = ` +
          estimate(d.beta_n_per_ua, d.beta_n_per_ua_low, d.beta_n_per_ua_high, "1/µA"),
      })),
    ],
    table: () => betaTable(rows),
    draw(pen, view, palette) {
      drawBorders(pen, view, palette, borders);
      const paths = stretches(curve).map((path) => path.filter((row) => shown.includes(row)));
      for (const path of paths.filter((p) => p.length > 0)) {
        const upper = path.flatMap((row) => [
          view.x(row.current_ua),
          view.y(clip(row.beta_n_per_ua_high ?? row.beta_n_per_ua)),
        ]);
        const lower = [...path]
          .reverse()
          .flatMap((row) => [view.x(row.current_ua), view.y(clip(row.beta_n_per_ua_low ?? row.beta_n_per_ua))]);
        pen.area([...upper, ...lower], colourOf(path[0]!, palette), 0.22);
      }
      pen.line(
        sampled(view, Math.max(view.from, 1e-9), Infinity, (i) => 1 / i),
        { color: palette.muted, width: 1.6, dash: [6, 4] },
      );
      if (lif) {
        const from = lif.rheobase_ua + 1e-3;
        pen.line(
          sampled(view, from, Infinity, (i) => lifBeta(lif, i)),
          { color: palette.ink, width: 1.2 },
        );
      }
      for (const path of paths.filter((p) => p.length > 0)) {
        const line = path.flatMap((row) => [view.x(row.current_ua), view.y(clip(row.beta_n_per_ua))]);
        pen.line(line, { color: colourOf(path[0]!, palette), width: 1 });
        for (const row of path) {
          const color = colourOf(row, palette);
          if (row.beta_n_per_ua_low !== null && row.beta_n_per_ua_high !== null) {
            errorBar(
              pen,
              view,
              curve.rows.length,
              row.current_ua,
              clip(row.beta_n_per_ua_low),
              clip(row.beta_n_per_ua_high),
              color,
            );
          }
          pen.mark(
            shapeOf(row),
            view.x(row.current_ua),
            view.y(clip(row.beta_n_per_ua)),
            sizeOf(row, curve.rows.length),
            color,
            color,
          );
        }
      }
      for (const d of told) {
        if (d.beta_n_per_ua_low !== null && d.beta_n_per_ua_high !== null) {
          errorBar(
            pen,
            view,
            told.length,
            d.current_ua,
            clip(d.beta_n_per_ua_low),
            clip(d.beta_n_per_ua_high),
            palette.ink,
          );
        }
        pen.mark("diamond", view.x(d.current_ua), view.y(clip(d.beta_n_per_ua)), 4.5, palette.ink, palette.ink);
      }
      for (const p of precursors) {
        pen.mark("square", view.x(p.current_ua), view.y(clip(p.beta_n_per_ua)), 8, palette.select, "none");
      }
      nameBorders(pen, view, palette, borders);
    },
  };
}
