// A plot: uPlot does the axes, the scales and the pointer, a Pen what is drawn. Every page uses this one.
import uPlot from "uplot";
import { type Axis, logTexts, splits, ticks, tickTexts, yWidth } from "./axes";
import { download, h } from "./dom";
import { drawKey, drawLegend, type LegendEntry } from "./legend";
import { CanvasPen, type Pen, SvgPen } from "./pen";
import { light, type Palette, type Theme } from "./theme";

/** Where values stand on the paper, in CSS pixels. */
export interface View {
  x(value: number): number;
  y(value: number): number;
  left: number;
  top: number;
  width: number;
  height: number;
  /** What is in sight. */
  from: number;
  until: number;
  low: number;
  high: number;
}

/** A value of the plot that can be reached with the keyboard and the pointer. */
export interface Point {
  x: number;
  y: number;
  text: string;
  /** What Enter or a click on it does. */
  pick?: () => void;
}

export interface Content {
  x: Axis;
  y: Axis;
  draw(pen: Pen, view: View, palette: Palette): void;
  legend?: LegendEntry[];
  points?: Point[];
  /** Said instead of a plot. */
  empty?: string;
  /** What the plot says, in a sentence, under it and to those who do not see it. */
  summary: string;
  /** The numbers behind it. */
  table?: () => HTMLTableElement;
  /** What is in sight at first, along x. */
  start?: [number, number];
  /** What is told of a place that is no point. */
  tell?: (x: number, y: number) => string;
  /** What changes with what is in sight. */
  onView?: (from: number, until: number) => void;
}

export interface Frame {
  id: string;
  title: string;
  height: number;
  /** Another one stands beside it. */
  half: boolean;
  /** Begin of the name of a downloaded file. */
  file: string;
}

type Sides = { left: number; right: number; top: number; bottom: number };
const padding: Sides = { left: 62, right: 14, top: 10, bottom: 46 };

let pictures = 0;

export class Figure {
  readonly root: HTMLElement;
  private readonly plot: HTMLElement;
  private readonly legend: HTMLElement;
  private readonly caption: HTMLElement;
  private readonly readout: HTMLElement;
  private readonly empty: HTMLElement;
  private readonly tools: HTMLElement;
  private readonly numbers: HTMLDetailsElement;
  private readonly paper: HTMLElement;
  private content: Content | null = null;
  private chart: uPlot | null = null;
  private cursor = -1;
  private view: { x: [number, number]; y: [number, number] } = { x: [0, 1], y: [0, 1] };

  constructor(
    private readonly frame: Frame,
    private readonly theme: Theme,
  ) {
    const button = (text: string, title: string, act: () => void) =>
      h("button", { type: "button", title, "aria-label": `${title}: ${frame.title}`, onclick: act }, text);
    this.tools = h(
      "div",
      { class: "tools" },
      button("+", "Zoom in", () => this.zoom(0.5)),
      button("−", "Zoom out", () => this.zoom(2)),
      button("Whole", "Show the whole range", () => this.reset()),
      button("SVG", "Download as SVG", () => this.saveSvg()),
      button("PNG", "Download as PNG", () => void this.savePng()),
    );
    this.plot = h("div", {
      class: "plot",
      tabindex: 0,
      role: "group",
      "aria-roledescription": "plot",
      "aria-describedby": `${frame.id}-summary plot-keys`,
      onkeydown: (event) => this.key(event as KeyboardEvent),
    });
    this.plot.setAttribute("aria-label", frame.title);
    this.plot.style.height = `${frame.height}px`;
    this.legend = h("div", { class: "legend", "aria-hidden": "true" });
    this.caption = h("p", { class: "caption", id: `${frame.id}-summary` });
    this.readout = h("p", { class: "readout", "aria-live": "polite" });
    this.empty = h("p", { class: "empty" });
    this.numbers = h("details", { class: "numbers", ontoggle: () => this.fillTable() });
    this.paper = h("div", { class: "paper", "aria-hidden": "true" });
    this.root = h(
      "figure",
      { id: frame.id, "data-figure": frame.id },
      h("div", { class: "figure-head" }, h("h3", {}, frame.title), this.tools),
      this.empty,
      this.plot,
      this.paper,
      this.legend,
      this.readout,
      h("figcaption", {}, this.caption),
      this.numbers,
    );
    theme.onChange(() => this.redraw());
    new ResizeObserver(() => this.resize()).observe(this.plot);
  }

  /** Shows other content in the same place. @param keep  what is in sight stays */
  show(content: Content, keep = false): void {
    const before = this.view;
    this.content = content;
    this.cursor = -1;
    this.readout.textContent = "";
    this.caption.textContent = content.summary;
    const nothing = content.empty !== undefined;
    this.empty.textContent = content.empty ?? "";
    this.empty.hidden = !nothing;
    for (const part of [this.plot, this.legend, this.readout, this.tools, this.paper]) part.hidden = nothing;
    this.numbers.hidden = nothing || !content.table;
    this.numbers.replaceChildren(h("summary", {}, `Numbers of “${this.frame.title}”`));
    this.fillTable();
    this.chart?.destroy();
    this.chart = null;
    this.legend.replaceChildren(...(content.legend ?? []).map((entry) => this.entry(entry)));
    if (nothing) return;
    this.view = keep ? before : { x: content.start ?? content.x.range, y: content.y.range };
    this.build();
  }

  get range(): [number, number] {
    return this.view.x;
  }
  /** Brings a stretch of x into sight. */
  look(from: number, until: number): void {
    if (!this.content) return;
    const { x } = this.content;
    const [low, high] = x.range;
    const span = Math.min(until - from, high - low);
    const begin = Math.min(Math.max(from, low), high - span);
    this.set([begin, x.log ? Math.min(until, high) : begin + span], this.view.y);
  }

  // ------------------------------------------------------------------ the plot on the screen

  private build(): void {
    const content = this.content!;
    const width = this.plot.clientWidth;
    if (width < 40) return;
    const axis = (label: string, size: uPlot.Axis.Size, space: number): uPlot.Axis => ({
      label,
      labelSize: 20,
      labelFont: "12px system-ui, 'DejaVu Sans', sans-serif",
      font: "11.5px system-ui, 'DejaVu Sans', sans-serif",
      size,
      space,
      stroke: () => this.theme.palette.ink,
      grid: { stroke: () => this.theme.palette.grid, width: 1 },
      ticks: { stroke: () => this.theme.palette.grid, width: 1, size: 4 },
    });
    const scale = (of: Axis, which: "x" | "y"): uPlot.Scale => ({
      time: false,
      auto: false,
      distr: of.log ? 3 : 1,
      dir: of.downwards ? -1 : 1,
      range: () => this.view[which],
    });
    const label = (u: uPlot, values: number[], k: number): string[] => {
      const which = k === 0 ? "x" : "y";
      if (content[which].downwards) return tickTexts(values).map((text, at) => (values[at]! < -1e-9 ? "" : text));
      if (!content[which].log) return tickTexts(values);
      return logTexts(values, (value) => u.valToPos(value, which), k === 0 ? 44 : 18);
    };
    this.chart = new uPlot(
      {
        width,
        height: this.frame.height,
        pxAlign: 0,
        padding: [padding.top, padding.right, 0, 0],
        legend: { show: false },
        scales: { x: scale(content.x, "x"), y: scale(content.y, "y") },
        axes: [
          { ...axis(content.x.label, 26, 60), values: (u, v) => label(u, v, 0), ...splits(content.x) },
          { ...axis(content.y.label, yWidth, 34), values: (u, v) => label(u, v, 1), ...splits(content.y) },
        ],
        series: [{}, { show: false }],
        cursor: {
          drag: { x: true, y: true, uni: 24, setScale: false },
          points: { show: false },
          bind: { dblclick: () => () => (this.reset(), null) },
        },
        hooks: {
          draw: [(u) => this.draw(u)],
          setSelect: [(u) => this.select(u)],
          setCursor: [(u) => this.hover(u)],
        },
      },
      [content.x.range, content.y.range],
      this.plot,
    );
    this.chart.over.addEventListener("click", () => this.click());
    content.onView?.(...this.view.x);
  }

  private geometry(u: uPlot): View {
    const ratio = uPlot.pxRatio;
    const { left, top, width, height } = u.bbox;
    const [from, until] = this.view.x;
    const [low, high] = this.view.y;
    return {
      x: (value) => u.valToPos(value, "x", true) / ratio,
      y: (value) => u.valToPos(value, "y", true) / ratio,
      left: left / ratio,
      top: top / ratio,
      width: width / ratio,
      height: height / ratio,
      from,
      until,
      low,
      high,
    };
  }

  private draw(u: uPlot): void {
    const { ctx } = u;
    ctx.save();
    ctx.scale(uPlot.pxRatio, uPlot.pxRatio);
    this.strokes(new CanvasPen(ctx), this.geometry(u), this.theme.palette);
    ctx.restore();
  }

  /** Everything inside the axes, and the point that is looked at. */
  private strokes(pen: Pen, view: View, palette: Palette): void {
    const content = this.content!;
    pen.inside(view.left, view.top - 2, view.width + 1, view.height + 4, () => {
      content.draw(pen, view, palette);
      const point = content.points?.[this.cursor];
      if (point) pen.mark("circle", view.x(point.x), view.y(point.y), 8, palette.select, "none");
    });
    pen.line([view.left, view.top, view.left, view.top + view.height, view.left + view.width, view.top + view.height], {
      color: palette.muted,
    });
  }

  private redraw(): void {
    if (!this.chart) return;
    this.chart.redraw(false, true);
    this.legend.replaceChildren(...(this.content?.legend ?? []).map((entry) => this.entry(entry)));
  }

  private resize(): void {
    if (!this.content || this.content.empty !== undefined || this.plot.clientWidth < 40) return;
    if (!this.chart) this.build();
    else this.chart.setSize({ width: this.plot.clientWidth, height: this.frame.height });
  }

  private entry(entry: LegendEntry): HTMLElement {
    const pen = new SvgPen(24, 14, "key");
    drawKey(pen, entry, this.theme.palette, 12, 7);
    const picture = h("img", { alt: "", src: `data:image/svg+xml,${encodeURIComponent(pen.document(""))}` });
    return h("span", {}, picture, entry.text);
  }

  private fillTable(): void {
    if (!this.numbers.open || !this.content?.table || this.numbers.querySelector("table")) return;
    this.numbers.append(h("div", { class: "scroll", tabindex: 0 }, this.content.table()));
  }

  // ------------------------------------------------------------------ pointer and keys

  private select(u: uPlot): void {
    const { left, top, width, height } = u.select;
    if (width < 4 && height < 4) return;
    const whole = (size: number, all: number) => size < 4 || size >= all - 1;
    const over = u.over;
    const x: [number, number] = whole(width, over.clientWidth)
      ? this.view.x
      : [u.posToVal(left, "x"), u.posToVal(left + width, "x")];
    const ends = [u.posToVal(top + height, "y"), u.posToVal(top, "y")];
    const y: [number, number] = whole(height, over.clientHeight) ? this.view.y : [Math.min(...ends), Math.max(...ends)];
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.set(x, y);
  }

  private hover(u: uPlot): void {
    const { left, top } = u.cursor;
    if (left === undefined || top === undefined || left < 0 || top < 0) return;
    const content = this.content!;
    const points = content.points ?? [];
    let nearest = -1;
    let least = 20;
    points.forEach((point, k) => {
      const distance = Math.hypot(u.valToPos(point.x, "x") - left, u.valToPos(point.y, "y") - top);
      if (distance < least) {
        least = distance;
        nearest = k;
      }
    });
    if (nearest >= 0) this.point(nearest);
    else if (content.tell) this.readout.textContent = content.tell(u.posToVal(left, "x"), u.posToVal(top, "y"));
  }

  private point(k: number): void {
    const point = this.content?.points?.[k];
    if (!point) return;
    this.readout.textContent = point.text + (point.pick ? " (Enter or a click shows this step)" : "");
    if (k === this.cursor) return;
    this.cursor = k;
    this.chart?.redraw(false, false);
  }

  private click(): void {
    const point = this.content?.points?.[this.cursor];
    const u = this.chart;
    if (!point?.pick || !u) return;
    const { left, top } = u.cursor;
    if (left === undefined || top === undefined) return;
    if (Math.hypot(u.valToPos(point.x, "x") - left, u.valToPos(point.y, "y") - top) < 20) point.pick();
  }

  private key(event: KeyboardEvent): void {
    if (event.target !== this.plot || event.ctrlKey || event.metaKey || event.altKey) return;
    const points = this.content?.points ?? [];
    const along = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (event.key === "+" || event.key === "=") this.zoom(0.5);
    else if (event.key === "-") this.zoom(2);
    else if (event.key === "0" || event.key === "Home") this.reset();
    else if (along !== 0 && points.length > 0 && !event.shiftKey) this.step(along);
    else if (along !== 0) this.pan(0.2 * along);
    else if (event.key === "Enter" && points[this.cursor]?.pick) points[this.cursor]!.pick!();
    else return;
    event.preventDefault();
  }

  /** To the next point, which comes into sight. */
  private step(along: number): void {
    const points = this.content!.points!;
    const next = this.cursor < 0 ? (along > 0 ? 0 : points.length - 1) : this.cursor + along;
    const k = Math.min(Math.max(next, 0), points.length - 1);
    const { x } = points[k]!;
    const [from, until] = this.view.x;
    if (x < from || x > until) this.look(x - 0.5 * (until - from), x + 0.5 * (until - from));
    this.point(k);
  }

  private zoom(factor: number): void {
    if (!this.content) return;
    const { x } = this.content;
    const to = (value: number) => (x.log ? Math.log(value) : value);
    const back = (value: number) => (x.log ? Math.exp(value) : value);
    const [low, high] = x.range.map(to) as [number, number];
    const [from, until] = this.view.x.map(to) as [number, number];
    const point = this.content.points?.[this.cursor];
    const inside = point && to(point.x) >= from && to(point.x) <= until;
    const middle = inside ? to(point.x) : 0.5 * (from + until);
    const span = Math.min((until - from) * factor, high - low);
    if (span < (high - low) * 1e-7) return;
    const begin = Math.min(Math.max(middle - 0.5 * span, low), high - span);
    const whole = span >= (high - low) * 0.999;
    this.set([back(begin), back(begin + span)], whole ? this.content.y.range : this.view.y);
  }

  private pan(share: number): void {
    const [from, until] = this.view.x;
    const shift = share * (until - from);
    this.look(from + shift, until + shift);
  }

  reset(): void {
    if (this.content) this.set(this.content.x.range, this.content.y.range);
  }

  private set(x: [number, number], y: [number, number]): void {
    this.view = { x, y };
    const u = this.chart;
    if (!u) return;
    u.batch(() => {
      u.setScale("x", { min: x[0], max: x[1] });
      u.setScale("y", { min: y[0], max: y[1] });
    });
    this.root.dataset["view"] = x.join(" ");
    this.content?.onView?.(...x);
  }

  // ------------------------------------------------------------------ on paper and in files

  /** The picture as it stands, with title, axes and legend, or null if there is none. */
  svg(palette: Palette, title = true): string | null {
    const u = this.chart;
    const content = this.content;
    if (!u || !content) return null;
    const head = title ? 26 : 0;
    const legend = content.legend ?? [];
    const measure = new SvgPen(u.width, 0, "measure");
    const foot = legend.length > 0 ? drawLegend(measure, legend, palette, 0, 0, u.width - padding.left) + 6 : 0;
    const pen = new SvgPen(u.width, u.height + head + foot, `picture${pictures++}`);
    const inner = this.geometry(u);
    const view: View = { ...inner, top: inner.top + head, y: (value) => inner.y(value) + head };
    pen.rect(0, 0, pen.width, pen.height, palette.ground);
    if (title) pen.text(this.frame.title, inner.left, 14, { color: palette.ink, size: 14, bold: true });
    this.drawAxes(pen, u, view, palette);
    this.strokes(pen, view, palette);
    if (foot > 0) drawLegend(pen, legend, palette, padding.left, u.height + head + 10, u.width - padding.left);
    return pen.document(`${this.frame.title}. ${content.summary}`);
  }

  private drawAxes(pen: Pen, u: uPlot, view: View, palette: Palette): void {
    const content = this.content!;
    const below = view.top + view.height;
    for (const [x, text] of ticks(u, 0)) {
      const at = view.x(x);
      pen.line([at, view.top, at, below], { color: palette.grid });
      pen.text(text, at, below + 6, { color: palette.ink, size: 11.5, align: "center", baseline: "top" });
    }
    for (const [y, text] of ticks(u, 1)) {
      const at = view.y(y);
      pen.line([view.left, at, view.left + view.width, at], { color: palette.grid });
      pen.text(text, view.left - 6, at, { color: palette.ink, size: 11.5, align: "end" });
    }
    pen.text(content.x.label, view.left + 0.5 * view.width, below + 34, { color: palette.ink, align: "center" });
    pen.text(content.y.label, 12, view.top + 0.5 * view.height, { color: palette.ink, align: "center", turned: true });
  }

  private fileName(ending: string): string {
    return `${this.frame.file}-${this.frame.id}.${ending}`;
  }
  private saveSvg(): void {
    const svg = this.svg(this.theme.palette);
    if (svg) download(this.fileName("svg"), new Blob([svg], { type: "image/svg+xml" }));
  }
  private async savePng(): Promise<void> {
    const svg = this.svg(this.theme.palette);
    if (!svg) return;
    const image = new Image();
    image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
    await image.decode();
    const canvas = h("canvas", { width: image.width * 2, height: image.height * 2 });
    canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => blob && download(this.fileName("png"), blob), "image/png");
  }

  /** Lines of a vector picture take the place of the screen's, laid out for the width of a page. */
  toPaper(): void {
    const u = this.chart;
    const { width, height } = u ?? { width: 0, height: 0 };
    u?.batch(() => u.setSize({ width: this.frame.half ? 440 : 800, height: 270 }));
    const svg = this.svg(light, false);
    u?.batch(() => u.setSize({ width, height }));
    const image = svg ? h("img", { alt: "", src: `data:image/svg+xml,${encodeURIComponent(svg)}` }) : null;
    this.paper.replaceChildren(...(image ? [image] : []));
  }
}
