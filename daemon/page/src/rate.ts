// f(I), with what was fitted to it.
import { logSpan, span } from "./axes";
import {
  belongs,
  bordersOf,
  type Curve,
  drawBorders,
  drawRow,
  headroom,
  legLegend,
  nameBorders,
  type Pick,
  type Placed,
  sampled,
  transitionLegend,
} from "./curve";
import { table } from "./dom";
import type { Content, View } from "./figure";
import type { LegendEntry } from "./legend";
import type { Pen } from "./pen";
import type { Fit, LifFit, Recording, Row } from "./recording";
import type { Palette } from "./theme";
import { count, estimate, fixed, labelWords, number, stepName } from "./words";

/** Hz; NaN where the rates leave the time constant open: a neuron without a leak, of which the LIF says nothing. */
export function lifRate(fit: LifFit, current: number): number {
  if (fit.tau_ms === null) return NaN;
  if (current <= fit.rheobase_ua) return 0;
  const period_ms = (fit.refractory_ms ?? 0) + fit.tau_ms * Math.log(current / (current - fit.rheobase_ua));
  return 1000 / period_ms;
}
/** d ln f/dI of the same. */
export function lifBeta(fit: LifFit, current: number): number {
  const f = lifRate(fit, current);
  if (!(f > 0) || fit.tau_ms === null) return NaN;
  return (f * fit.tau_ms * 1e-3 * fit.rheobase_ua) / (current * (current - fit.rheobase_ua));
}

const silent = (row: Row) => row.frequency_hz === null;
const hollow = (row: Row) => row.status !== "ok";

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
  if (!fit) {
    const needed = "it needs regular steps of a sweep at four currents";
    return `${told}No fit of the leaky integrate-and-fire neuron (LIF): ${needed}.`;
  }
  const ideal = !inSight
    ? "The line of the ideal integrate-and-fire neuron, which has no leak, lies above the picture."
    : "The ideal integrate-and-fire neuron has no leak: f rises in proportion to I, as the LIF tends to.";
  return (
    told +
    `The LIF was fitted over ${number(fit.range_ua[0])} to ${number(fit.range_ua[1])} µA` +
    `${fit.accepted ? "" : " and does not describe these rates (not accepted)"}. ${ideal}`
  );
}

/** What was fitted to a curve, as far as it is drawn. */
interface Fitted {
  lif: LifFit | null;
  line: Fit["upper_line"];
  /** Of the ideal integrate-and-fire neuron, Hz/µA; null where it lies outside of the picture. */
  ideal: number | null;
}

function legendOf(curve: Curve, fitted: Fitted, borders: boolean): LegendEntry[] {
  const legend = legLegend(curve.rows);
  if (curve.rows.some(hollow)) {
    const text = "hollow: silent, or not as precise as asked";
    legend.push({ text, color: (p) => p.ink, look: "circle", hollow: true });
  }
  if (fitted.lif) {
    const text = `LIF fit${fitted.lif.accepted ? "" : " (not accepted)"}`;
    legend.push({ text, color: (p) => p.ink, look: "line" });
  }
  if (fitted.ideal !== null) legend.push({ text: "ideal integrate-and-fire", color: (p) => p.muted, look: "dashed" });
  if (fitted.line) legend.push({ text: "straight line, upper half", color: (p) => p.legs[2]!, look: "dotted" });
  if (borders) legend.push(transitionLegend);
  return legend;
}

function drawFits(pen: Pen, view: View, palette: Palette, { lif, line, ideal }: Fitted): void {
  if (lif) {
    // Beyond the currents that it was fitted to it is only a comparison.
    const rate = (current: number) => lifRate(lif, current);
    pen.line(sampled(view, lif.rheobase_ua, Infinity, rate), { color: palette.ink, width: 1 });
    pen.line(sampled(view, lif.range_ua[0], lif.range_ua[1], rate), { color: palette.ink, width: 2.2 });
  }
  if (ideal !== null) {
    const path = sampled(view, 0, Infinity, (current) => ideal * current);
    pen.line(path, { color: palette.muted, width: 1.6, dash: [6, 4] });
  }
  if (line && line.slope_hz_per_ua !== null && line.intercept_ua !== null) {
    const { slope_hz_per_ua: slope, intercept_ua: zero, range_ua: range } = line;
    const path = sampled(view, range[0], range[1], (current) => slope * (current - zero));
    pen.line(path, { color: palette.legs[2]!, width: 1.8, dash: [2, 3] });
  }
}

/** From a little below zero, or on a logarithmic axis around the rates, with room for the names of transitions. */
function rateRange(rows: Row[], log: boolean, borders: boolean): [number, number] {
  const known = (values: (number | null)[]) => values.filter((f): f is number => f !== null);
  if (log) {
    const rates = known(rows.map((row) => row.frequency_hz));
    return headroom(logSpan(rates.length > 0 ? rates : [0.1, 10], 0.08), borders);
  }
  const most = Math.max(1e-9, ...known(rows.flatMap((row) => [row.frequency_hz, row.frequency_hz_high])));
  return [-0.03 * most, most * (borders ? 1.25 : 1.1)];
}

export function rateContent(recording: Recording, curve: Curve, log: boolean, pick: Pick): Content {
  const { fit } = recording.raw.result;
  const borders = bordersOf(fit.transitions.filter((t) => belongs(t, curve)));
  const x = span(curve.rows.map((row) => row.current_ua));
  const y = rateRange(curve.rows, log, borders.length > 0);
  const lif = curve.fitted ? fit.lif : null;
  const slope = lif?.ideal_slope_hz_per_ua ?? null;
  const ideal = slope !== null && slope * Math.max(x[0], 0) < y[1] ? slope : null;
  const fitted = { lif, line: curve.fitted ? fit.upper_line : null, ideal };
  // Without a rate at zero, or at the end of a logarithmic axis, which has no zero.
  const lowest = log ? y[0] : 0;
  const placed = (row: Row): Placed => ({
    x: row.current_ua,
    value: row.frequency_hz ?? lowest,
    low: row.frequency_hz_low === null ? null : Math.max(row.frequency_hz_low, log ? lowest : 0),
    high: row.frequency_hz_high,
  });
  return {
    x: { label: "Current I (µA)", range: x },
    y: { label: "Rate f (Hz)", range: y, log },
    legend: legendOf(curve, fitted, borders.length > 0),
    points: curve.rows.map((row) => ({
      x: row.current_ua,
      y: placed(row).value,
      text: rateText(row, recording),
      pick: () => pick(row.row),
    })),
    summary: rateSummary(curve, lif, ideal !== null),
    table: () => rateTable(curve),
    draw(pen, view, palette) {
      drawBorders(pen, view, palette, borders);
      drawFits(pen, view, palette, fitted);
      for (const row of curve.rows) drawRow(pen, view, palette, curve.rows.length, row, placed(row), !hollow(row));
      nameBorders(pen, view, palette, borders);
    },
  };
}
