// What figures draw with. The same strokes go to the screen (canvas) and to paper and files (SVG).

export interface Stroke {
  color: string;
  width?: number;
  dash?: number[];
  alpha?: number;
}
export type Shape = "circle" | "up" | "down" | "square" | "diamond" | "tick";
export interface TextStyle {
  color: string;
  size?: number;
  align?: "start" | "center" | "end";
  baseline?: "top" | "middle" | "bottom";
  turned?: boolean;
  bold?: boolean;
}

/** Coordinates are CSS pixels; a path is x0, y0, x1, y1 ..., and NaN lifts the pen. */
export interface Pen {
  line(path: ArrayLike<number>, stroke: Stroke): void;
  area(path: ArrayLike<number>, color: string, alpha?: number): void;
  rect(x: number, y: number, width: number, height: number, color: string, alpha?: number): void;
  mark(shape: Shape, x: number, y: number, size: number, color: string, fill: string): void;
  text(text: string, x: number, y: number, style: TextStyle): void;
  /** Draws inside a rectangle only. */
  inside(x: number, y: number, width: number, height: number, body: () => void): void;
}

export const font = "system-ui, 'DejaVu Sans', 'Segoe UI', sans-serif";

/** Corners of a mark, as a closed path. */
function corners(shape: Shape, x: number, y: number, s: number): number[] {
  switch (shape) {
    case "up":
      return [x, y - s * 1.15, x + s, y + s * 0.75, x - s, y + s * 0.75];
    case "down":
      return [x, y + s * 1.15, x + s, y - s * 0.75, x - s, y - s * 0.75];
    case "square":
      return [
        x - s * 0.85,
        y - s * 0.85,
        x + s * 0.85,
        y - s * 0.85,
        x + s * 0.85,
        y + s * 0.85,
        x - s * 0.85,
        y + s * 0.85,
      ];
    default:
      return [x, y - s * 1.2, x + s * 1.2, y, x, y + s * 1.2, x - s * 1.2, y];
  }
}

export class CanvasPen implements Pen {
  constructor(private readonly context: CanvasRenderingContext2D) {}

  line(path: ArrayLike<number>, stroke: Stroke): void {
    const c = this.context;
    c.save();
    c.globalAlpha = stroke.alpha ?? 1;
    c.strokeStyle = stroke.color;
    c.lineWidth = stroke.width ?? 1;
    c.lineJoin = "round";
    c.setLineDash(stroke.dash ?? []);
    this.trace(path);
    c.stroke();
    c.restore();
  }
  area(path: ArrayLike<number>, color: string, alpha = 1): void {
    const c = this.context;
    c.save();
    c.globalAlpha = alpha;
    c.fillStyle = color;
    this.trace(path);
    c.fill();
    c.restore();
  }
  rect(x: number, y: number, width: number, height: number, color: string, alpha = 1): void {
    const c = this.context;
    c.save();
    c.globalAlpha = alpha;
    c.fillStyle = color;
    c.fillRect(x, y, width, height);
    c.restore();
  }
  mark(shape: Shape, x: number, y: number, size: number, color: string, fill: string): void {
    const c = this.context;
    c.save();
    c.strokeStyle = color;
    c.fillStyle = fill;
    c.lineWidth = 1.4;
    if (shape === "tick") {
      this.trace([x, y - size, x, y + size]);
    } else if (shape === "circle") {
      c.beginPath();
      c.arc(x, y, size, 0, 2 * Math.PI);
    } else {
      this.trace(corners(shape, x, y, size));
      c.closePath();
    }
    if (shape !== "tick" && fill !== "none") c.fill();
    c.stroke();
    c.restore();
  }
  text(text: string, x: number, y: number, style: TextStyle): void {
    const c = this.context;
    c.save();
    c.translate(x, y);
    if (style.turned) c.rotate(-Math.PI / 2);
    c.fillStyle = style.color;
    c.font = `${style.bold ? "600 " : ""}${style.size ?? 12}px ${font}`;
    c.textAlign = style.align ?? "start";
    c.textBaseline = style.baseline ?? "middle";
    c.fillText(text, 0, 0);
    c.restore();
  }
  inside(x: number, y: number, width: number, height: number, body: () => void): void {
    const c = this.context;
    c.save();
    c.beginPath();
    c.rect(x, y, width, height);
    c.clip();
    body();
    c.restore();
  }

  private trace(path: ArrayLike<number>): void {
    const c = this.context;
    c.beginPath();
    let down = false;
    for (let k = 0; k + 1 < path.length; k += 2) {
      const x = path[k]!;
      const y = path[k + 1]!;
      if (!Number.isFinite(x) || !Number.isFinite(y)) down = false;
      else if (down) c.lineTo(x, y);
      else {
        c.moveTo(x, y);
        down = true;
      }
    }
  }
}

const round = (value: number) => String(Math.round(value * 100) / 100);

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!);
}

export class SvgPen implements Pen {
  private body = "";
  private clips = 0;

  /** @param name  different for each picture of a page */
  constructor(
    readonly width: number,
    readonly height: number,
    private readonly name: string,
  ) {}

  line(path: ArrayLike<number>, stroke: Stroke): void {
    const dash = stroke.dash?.length ? ` stroke-dasharray="${stroke.dash.join(" ")}"` : "";
    const alpha = stroke.alpha !== undefined ? ` stroke-opacity="${stroke.alpha}"` : "";
    this.body +=
      `<path d="${this.trace(path)}" fill="none" stroke="${stroke.color}" stroke-width="${stroke.width ?? 1}"` +
      ` stroke-linejoin="round"${dash}${alpha}/>`;
  }
  area(path: ArrayLike<number>, color: string, alpha = 1): void {
    this.body += `<path d="${this.trace(path)}Z" fill="${color}" fill-opacity="${alpha}"/>`;
  }
  rect(x: number, y: number, width: number, height: number, color: string, alpha = 1): void {
    this.body +=
      `<rect x="${round(x)}" y="${round(y)}" width="${round(Math.max(0, width))}"` +
      ` height="${round(Math.max(0, height))}" fill="${color}" fill-opacity="${alpha}"/>`;
  }
  mark(shape: Shape, x: number, y: number, size: number, color: string, fill: string): void {
    const look = `stroke="${color}" stroke-width="1.4"`;
    if (shape === "tick") {
      this.body += `<path d="${this.trace([x, y - size, x, y + size])}" ${look}/>`;
    } else if (shape === "circle") {
      this.body += `<circle cx="${round(x)}" cy="${round(y)}" r="${round(size)}" fill="${fill}" ${look}/>`;
    } else {
      this.body += `<path d="${this.trace(corners(shape, x, y, size))}Z" fill="${fill}" ${look}/>`;
    }
  }
  text(text: string, x: number, y: number, style: TextStyle): void {
    const anchor = { start: "start", center: "middle", end: "end" }[style.align ?? "start"];
    const shift = { top: 0.8, middle: 0.35, bottom: -0.2 }[style.baseline ?? "middle"];
    const size = style.size ?? 12;
    const turn = style.turned ? ` transform="rotate(-90 ${round(x)} ${round(y)})"` : "";
    this.body +=
      `<text x="${round(x)}" y="${round(y + shift * size)}" text-anchor="${anchor}"` +
      ` font-size="${size}"${style.bold ? ' font-weight="600"' : ""} fill="${style.color}"${turn}>` +
      `${escaped(text)}</text>`;
  }
  inside(x: number, y: number, width: number, height: number, body: () => void): void {
    const id = `${this.name}-clip${this.clips++}`;
    this.body +=
      `<clipPath id="${id}"><rect x="${round(x)}" y="${round(y)}" width="${round(width)}"` +
      ` height="${round(height)}"/></clipPath><g clip-path="url(#${id})">`;
    body();
    this.body += "</g>";
  }

  /** The picture as a document. */
  document(title: string): string {
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" width="${this.width}" height="${this.height}"` +
      ` viewBox="0 0 ${this.width} ${this.height}" font-family="${escaped(font)}" role="img">` +
      `<title>${escaped(title)}</title>${this.body}</svg>`
    );
  }

  private trace(path: ArrayLike<number>): string {
    let text = "";
    let down = false;
    for (let k = 0; k + 1 < path.length; k += 2) {
      const x = path[k]!;
      const y = path[k + 1]!;
      if (!Number.isFinite(x) || !Number.isFinite(y)) {
        down = false;
        continue;
      }
      text += `${down ? "L" : "M"}${round(x)} ${round(y)}`;
      down = true;
    }
    return text;
  }
}
