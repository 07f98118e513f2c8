// Numbers with their units, and what the words of a recording mean.
import type { Row } from "./recording";

/** Digits enough to tell the values of a run apart: `digits` of them, never an exponent where people write none. */
export function number(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    return `${minus(mantissa!)} × 10${superscript(Number(exponent))}`;
  }
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return minus(value.toFixed(Math.min(decimals, 10)));
}

/** With so many decimals. */
export function fixed(value: number | null | undefined, decimals: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? (0).toFixed(decimals) : minus(text);
}

function minus(text: string): string {
  return text.replace("-", "−");
}

function superscript(value: number): string {
  const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  return [...String(value)].map((c) => (c === "-" ? "⁻" : digits[Number(c)]!)).join("");
}

export function count(value: number, one: string, many = one + "s"): string {
  return `${whole(value)} ${value === 1 ? one : many}`;
}

/** A whole number with thin spaces between groups of three. */
export function whole(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** A duration in the unit in which people say it. */
export function duration(seconds: number | null | undefined, digits = 3): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const size = Math.abs(seconds);
  if (size === 0) return "0 s";
  if (size < 1e-3) return `${number(seconds * 1e6, digits)} µs`;
  if (size < 1) return `${number(seconds * 1e3, digits)} ms`;
  if (size < 600) return `${number(seconds, digits)} s`;
  if (size < 7200) return `${number(seconds / 60, digits)} min`;
  return `${number(seconds / 3600, digits)} h`;
}

/** "15.26 [15.19, 15.32] Hz" */
export function estimate(
  value: number | null,
  low: number | null,
  high: number | null,
  unit: string,
  digits = 4,
): string {
  if (value === null && low === null && high === null) return "not known";
  if (value === null) return `between ${number(low, digits)} and ${number(high, digits)} ${unit}`;
  const around = low !== null && high !== null ? ` [${number(low, digits)}, ${number(high, digits)}]` : "";
  return `${number(value, digits)}${around} ${unit}`.trim();
}

export const statusWords: Record<string, string> = {
  ok: "the rate is as precise as was asked for",
  upper_bound: "silent, so only an upper bound of the rate is known",
  undetermined:
    "the rate has no interval from its scatter: fewer than five spikes (then the interval is that of a count), or " +
    "fewer than ten equal groups of intervals; with an interval, of a companion or of a step under way: not yet as " +
    "precise as was asked for",
  drifting: "the rate still changed after three extensions; it is that of the last half, and in no fit",
  timeout: "the rate is as precise as the longest time allowed, less than was asked for",
  saturated: "the rate may be wrong: the converter was at an end of its range",
  aliased: "the rate may be wrong: most spikes peak below detect.least_peak, so some were lost between samples",
  interrupted: "the step was cut short: it is in no bracket and no fit",
};

export const labelWords: Record<string, string> = {
  QH: "silent, output low",
  QD: "silent, switch stays closed",
  TS: "regular spiking",
  FS: "regular fast spiking",
  IB1: "bursting",
  IB2: "bursting between plateaus",
  irregular: "irregular spiking",
  soft: "neither regular nor irregular",
  mixed: "two patterns in one step",
  transient: "fired and fell silent",
  undetermined: "too few spikes or intervals, or one long silence: no pattern is told",
};

export const betaWords: Record<string, string> = {
  ok: "known",
  edge: "at the edge of a branch, where no slope can be told",
  jump: "f jumps here, so it has no slope",
  few_points: "too few points of the curve around it, or too far apart",
};

export function stepName(row: Row, channel: string): string {
  return row.relation === null ? `Step ${row.index}` : `Step ${row.index}, channel ${channel}`;
}

export function legName(leg: number, direction: string): string {
  if (direction === "up") return leg > 1 ? "current going up again" : "current going up";
  if (direction === "down") return "current going down";
  return "steps without a direction";
}

/** A condition in the unit in which people say it: [value, unit]. Of a name that only an operator knows, the number. */
export function condition(name: string, si: number): [number, string] {
  if (name === "tau_L") return [si * 1e3, "ms"];
  if (name === "R_L") return [si, "Ω"];
  return [si, ""];
}

/** A value that somebody has set: as it was written. */
export function short(value: number): string {
  return minus(String(Number(value.toPrecision(6))));
}

export function conditionText(conditions: Record<string, number>): string {
  return Object.entries(conditions)
    .map(([name, si]) => {
      const [value, unit] = condition(name, si);
      return `${name} = ${short(value)}${unit && " " + unit}`;
    })
    .join(", ");
}
