// The phase map: which pattern at which current and which second parameter.
import { table } from "./dom";
import type { Content } from "./figure";
import type { LabelMap, Row } from "./recording";
import { labelColours } from "./theme";
import { condition, count, fixed, labelWords, number, short } from "./words";

/** Borders between values, half way. */
function edges(values: number[]): number[] {
  const between = values.slice(1).map((value, k) => 0.5 * (value + values[k]!));
  const first = values.length > 1 ? values[0]! - 0.5 * (values[1]! - values[0]!) : values[0]! - 0.5;
  const n = values.length;
  const last = n > 1 ? values[n - 1]! + 0.5 * (values[n - 1]! - values[n - 2]!) : values[0]! + 0.5;
  return [first, ...between, last];
}

function measured(map: LabelMap): [number, number][] {
  const seen = new Set<string>();
  for (const { columns, rows } of map.cells) {
    for (const column of columns) for (const row of rows) seen.add(`${column} ${row}`);
  }
  return [...seen].map((key) => key.split(" ").map(Number) as [number, number]);
}

/** @param rows  measured for it @param pick  shows one */
export function mapContent(map: LabelMap, rows: Row[], pick: (row: number) => void): Content {
  const values = map.values.map((value) => condition(map.parameter, value)[0]);
  const unit = condition(map.parameter, 1)[1];
  const xs = edges(map.currents_ua);
  const ys = edges(values);
  const points = measured(map);
  const used = new Set(map.grid.flat());
  const name = (label: number | null) => (label === null ? null : map.labels[label]!);
  const present = map.labels.filter((_, k) => used.has(k));
  const at = (value: number, borders: number[]) => borders.findIndex((edge) => edge > value) - 1;
  return {
    x: { label: "Current I (µA)", range: [xs[0]!, xs[xs.length - 1]!] },
    y: { label: `${map.parameter}${unit && ` (${unit})`}`, range: [ys[0]!, ys[ys.length - 1]!] },
    legend: [
      ...present.map((label) => ({
        text: `${label}: ${labelWords[label] ?? label}`,
        color: () => labelColours[label] ?? "#ffffff",
        look: "patch" as const,
      })),
      { text: "measured here", color: (p) => p.ink, look: "circle" },
    ],
    summary:
      `${map.currents_ua.length} currents × ${map.values.length} values of ${map.parameter}. ` +
      `${count(map.measured_points, "point")} were measured (${count(map.measurements, "measurement")}); the others ` +
      `have the pattern of the measured corners around them.${used.has(null) ? " White: not known." : ""}`,
    points: rows
      .filter((row) => row.conditions[map.parameter] !== undefined)
      .map((row) => {
        const value = condition(map.parameter, row.conditions[map.parameter]!)[0];
        return {
          x: row.current_ua,
          y: value,
          text:
            `Step ${row.index}: ${fixed(row.current_ua, 3)} µA, ${map.parameter} = ${short(value)} ${unit}: ` +
            (labelWords[row.label] ?? row.label),
          pick: () => pick(row.row),
        };
      }),
    tell: (x, y) => {
      const label = name(map.grid[at(y, ys)]?.[at(x, xs)] ?? null);
      const told = label ? (labelWords[label] ?? label) : "not known";
      return `${number(x)} µA, ${map.parameter} = ${number(y)} ${unit}: ${told}`;
    },
    table: () =>
      table(
        "Patterns of the map",
        [`${map.parameter}${unit && ` (${unit})`}`, ...map.currents_ua.map((i) => `${number(i)} µA`)],
        map.grid.map((row, k) => [number(values[k]!), ...row.map((label) => name(label) ?? "?")]).reverse(),
      ),
    draw(pen, view) {
      map.grid.forEach((row, r) => {
        row.forEach((label, c) => {
          const word = name(label);
          if (word === null) return;
          const [left, right] = [view.x(xs[c]!), view.x(xs[c + 1]!)];
          const [top, bottom] = [view.y(ys[r + 1]!), view.y(ys[r]!)];
          pen.rect(left, top, right - left + 0.6, bottom - top + 0.6, labelColours[word] ?? "#ffffff");
        });
      });
      for (const [c, r] of points) {
        pen.mark("circle", view.x(map.currents_ua[c]!), view.y(values[r]!), 1.1, "#000000", "#000000");
      }
    },
  };
}
