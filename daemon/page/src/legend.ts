// Legends: what each mark, line and patch of a figure is.
import type { Pen, Shape } from "./pen";
import type { Palette } from "./theme";

export interface LegendEntry {
  text: string;
  color: (palette: Palette) => string;
  /** A mark, a line, or a patch. */
  look: Shape | "line" | "dashed" | "dotted" | "patch";
  hollow?: boolean;
}

/** The marks of a legend, one after the other, on as many lines as they need. @returns height */
export function drawLegend(
  pen: Pen,
  entries: LegendEntry[],
  palette: Palette,
  x: number,
  y: number,
  width: number,
): number {
  let at = x;
  let line = y;
  for (const entry of entries) {
    const length = 30 + entry.text.length * 6.6;
    if (at > x && at + length > x + width) {
      at = x;
      line += 18;
    }
    drawKey(pen, entry, palette, at + 10, line);
    pen.text(entry.text, at + 24, line, { color: palette.ink, size: 11.5 });
    at += length + 8;
  }
  return line - y + 18;
}

export function drawKey(pen: Pen, entry: LegendEntry, palette: Palette, x: number, y: number): void {
  const color = entry.color(palette);
  const dash = { line: [], dashed: [6, 4], dotted: [2, 3] }[entry.look as string];
  if (dash) pen.line([x - 10, y, x + 10, y], { color, width: 2, dash });
  else if (entry.look === "patch") {
    pen.rect(x - 9, y - 5, 18, 10, color);
    // A patch in the colour of the ground is seen by its border.
    pen.line([x - 9, y - 5, x + 9, y - 5, x + 9, y + 5, x - 9, y + 5, x - 9, y - 5], { color: palette.grid });
  } else pen.mark(entry.look as Shape, x, y, 4, color, entry.hollow ? palette.ground : color);
}
