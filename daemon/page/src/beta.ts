// β_n against the current, with its band.
import { logSpan, span } from "./axes";
import {
  belongs,
  bordersOf,
  colourOf,
  type Curve,
  drawBorders,
  drawInterval,
  drawRow,
  headroom,
  legLegend,
  legsOf,
  nameBorders,
  type Pick,
  type Placed,
  sampled,
  transitionLegend,
} from "./curve";
import { table } from "./dom";
import type { Content, Point, View } from "./figure";
import type { LegendEntry } from "./legend";
import type { Pen } from "./pen";
import { lifBeta } from "./rate";
import type { DirectBeta, LifFit, Precursor, Recording, Row } from "./recording";
import type { Palette } from "./theme";
import { betaWords, count, estimate, fixed, number, stepName } from "./words";

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
      else if (row.beta_status === "jump" || row.frequency_hz === null) {
        if (open.length > 0) all.push(open);
        open = [];
      }
    }
    if (open.length > 0) all.push(open);
  }
  return all;
}

/** What is known of β_n on a curve. */
interface Known {
  rows: Row[];
  direct: DirectBeta[];
  lif: LifFit | null;
  precursors: Precursor[];
}

function knownOf(recording: Recording, curve: Curve): Known {
  const { fit, direct_beta: direct } = recording.raw.result;
  return {
    rows: curve.rows.filter((row) => row.beta_n_per_ua !== null),
    direct: ((curve.fitted ? direct : null) ?? []).filter((d) => d.beta_n_per_ua !== null),
    lif: curve.fitted && fit.lif?.accepted ? fit.lif : null,
    precursors: fit.precursors.filter((p) => belongs(p, curve)),
  };
}

function legendOf(known: Known, borders: boolean): LegendEntry[] {
  const legend = legLegend(known.rows);
  if (known.rows.length > 0) legend.push({ text: "95 % band", color: (p) => p.envelope, look: "patch" });
  if (known.direct.length > 0) legend.push({ text: "measured in pairs", color: (p) => p.ink, look: "diamond" });
  if (known.lif) legend.push({ text: "of the LIF fit", color: (p) => p.ink, look: "line" });
  legend.push({ text: "ideal integrate-and-fire, 1/I", color: (p) => p.muted, look: "dashed" });
  if (known.precursors.length > 0) {
    legend.push({ text: "stands out (precursor)", color: (p) => p.select, look: "square", hollow: true });
  }
  if (borders) legend.push(transitionLegend);
  return legend;
}

/** Around the values and zero. A band that is much wider than many values would flatten them, and is cut. */
function betaRange(known: Known): [number, number] {
  const all = [...known.rows, ...known.direct];
  const values = all.map((row) => row.beta_n_per_ua!);
  const [low, high] = values.length < 4 ? [-Infinity, Infinity] : span(values, 0.35);
  const ends = all.flatMap((row) => [row.beta_n_per_ua_low, row.beta_n_per_ua_high]);
  return span([0, ...values, ...ends.filter((end): end is number => end !== null && end >= low && end <= high)], 0.08);
}

function pointsOf(recording: Recording, known: Known, pick: Pick): Point[] {
  const value = (of: Row | DirectBeta) =>
    `${fixed(of.current_ua, 3)} µA, β_n = ` +
    estimate(of.beta_n_per_ua, of.beta_n_per_ua_low, of.beta_n_per_ua_high, "1/µA");
  return [
    ...known.rows.map((row) => ({
      x: row.current_ua,
      y: row.beta_n_per_ua!,
      text: `${stepName(row, recording.label(row.channel))}: ${value(row)}`,
      pick: () => pick(row.row),
    })),
    ...known.direct.map((direct) => ({
      x: direct.current_ua,
      y: direct.beta_n_per_ua!,
      text: `Measured in ${count(direct.pairs, "pair")}: ${value(direct)}`,
    })),
  ];
}

function drawBand(pen: Pen, view: View, palette: Palette, path: Row[], placed: (row: Row) => Placed): void {
  const at = path.map(placed);
  const upper = at.flatMap((p) => [view.x(p.x), view.y(p.high ?? p.value)]);
  const lower = at.reverse().flatMap((p) => [view.x(p.x), view.y(p.low ?? p.value)]);
  pen.area([...upper, ...lower], colourOf(path[0]!, palette), 0.22);
}

function drawReferences(pen: Pen, view: View, palette: Palette, lif: LifFit | null): void {
  const ideal = sampled(view, Math.max(view.from, 1e-9), Infinity, (current) => 1 / current);
  pen.line(ideal, { color: palette.muted, width: 1.6, dash: [6, 4] });
  if (!lif) return;
  const path = sampled(view, lif.rheobase_ua + 1e-3, Infinity, (current) => lifBeta(lif, current));
  pen.line(path, { color: palette.ink, width: 1.2 });
}

export function betaContent(recording: Recording, curve: Curve, log: boolean, pick: Pick): Content {
  const known = knownOf(recording, curve);
  const x = { label: "Current I (µA)", range: span(curve.rows.map((row) => row.current_ua)) };
  const label = "Compressibility β_n (1/µA)";
  const missing = curve.rows.filter((row) => row.beta_n_per_ua === null);
  const summary = betaSummary(known.rows, missing);
  const values = [...known.rows, ...known.direct].map((row) => row.beta_n_per_ua!);
  if (values.length === 0) {
    const empty =
      "β_n is not known at any step of this curve: it needs five firing steps on a branch, close to each other.";
    return { x, y: { label, range: [0, 1] }, summary, empty, draw: () => undefined };
  }
  const borders = bordersOf(recording.raw.result.fit.transitions.filter((t) => belongs(t, curve)));
  const positive = values.filter((value) => value > 0);
  const useLog = log && positive.length > 0;
  const range = useLog ? headroom(logSpan(positive, 0.1), borders.length > 0) : betaRange(known);
  // The end of a bar may lie below a logarithmic axis; a value that does has no place on it.
  const has = (row: Row | DirectBeta) => !useLog || row.beta_n_per_ua! > 0;
  const shown = { ...known, rows: known.rows.filter(has), direct: known.direct.filter(has) };
  const hidden = values.length - shown.rows.length - shown.direct.length;
  const end = (value: number | null) => (value !== null && useLog ? Math.max(value, range[0]) : value);
  const placed = (row: Row | DirectBeta): Placed => ({
    x: row.current_ua,
    value: row.beta_n_per_ua!,
    low: end(row.beta_n_per_ua_low),
    high: end(row.beta_n_per_ua_high),
  });
  const paths = stretches(curve).map((path) => path.filter(has));
  return {
    x,
    y: { label, range, log: useLog },
    legend: legendOf(known, borders.length > 0),
    summary: summary + (hidden > 0 ? ` ${count(hidden, "value")} at or below zero: not on a logarithmic axis.` : ""),
    points: pointsOf(recording, shown, pick),
    table: () => betaTable(known.rows),
    draw(pen, view, palette) {
      drawBorders(pen, view, palette, borders);
      for (const path of paths) if (path.length > 0) drawBand(pen, view, palette, path, placed);
      drawReferences(pen, view, palette, known.lif);
      for (const path of paths) {
        const line = path.map(placed).flatMap((p) => [view.x(p.x), view.y(p.value)]);
        if (path.length > 0) pen.line(line, { color: colourOf(path[0]!, palette), width: 1 });
        for (const row of path) drawRow(pen, view, palette, curve.rows.length, row, placed(row));
      }
      for (const direct of shown.direct.map(placed)) {
        drawInterval(pen, view, shown.direct.length, direct, palette.ink);
        pen.mark("diamond", view.x(direct.x), view.y(direct.value), 4.5, palette.ink, palette.ink);
      }
      for (const p of known.precursors) {
        pen.mark("square", view.x(p.current_ua), view.y(p.beta_n_per_ua), 8, palette.select, "none");
      }
      nameBorders(pen, view, palette, borders);
    },
  };
}
