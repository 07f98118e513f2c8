// One step at a time: which one, what is known of it, and its figures.
import { h, table } from "./dom";
import { type Figure } from "./figure";
import type { Recording, Row } from "./recording";
import { intervalContent, pairsContent, rasterContent, returnContent } from "./step";
import { heldAt, lower, traceContent } from "./trace";
import { conditionText, count, duration, estimate, fixed, labelWords, number, statusWords, whole } from "./words";

type MakeFigure = (id: string, title: string, height: number, half: boolean) => Figure;

export class StepView {
  readonly root: HTMLElement;
  private readonly choice: HTMLSelectElement;
  private readonly title: HTMLElement;
  private readonly facts: HTMLElement;
  private readonly note: HTMLElement;
  private readonly plots: HTMLElement;
  private readonly trace: Figure;
  private readonly raster: Figure;
  private readonly intervals: Figure;
  private readonly returns: Figure;
  private readonly pairs: Figure;
  private readonly spike: HTMLInputElement;
  private readonly spikeNote: HTMLElement;
  private readonly spikeTools: HTMLElement;
  private row = 0;

  constructor(
    private readonly recording: Recording,
    figure: MakeFigure,
  ) {
    this.trace = figure("trace", "Trace around spikes", 280, false);
    this.raster = figure("raster", "Raster of the spikes", 280, true);
    this.intervals = figure("isi", "Histogram of the intervals", 280, true);
    this.returns = figure("return", "Return map of the intervals", 280, true);
    this.pairs = figure("pairs", "Correlation g_n of the spikes", 280, true);
    this.choice = h("select", { id: "step", onchange: () => this.select(this.choice.selectedIndex) });
    for (const row of recording.rows) this.choice.append(h("option", { value: row.row }, this.optionText(row)));
    this.title = h("h3", { class: "step-title", "aria-live": "polite", tabindex: -1 });
    this.facts = h("div", { class: "step-facts" });
    this.note = h("p", { class: "note" });
    this.spike = h("input", {
      type: "number",
      id: "spike",
      min: 1,
      step: 1,
      onchange: () => this.toSpike(Number(this.spike.value)),
    });
    this.spikeNote = h("span", { class: "readout", "aria-live": "polite" });
    this.spikeTools = this.makeSpikeTools();
    this.trace.root.querySelector(".figure-head")!.after(this.spikeTools);
    this.plots = h(
      "div",
      {},
      this.trace.root,
      h("div", { class: "pair" }, this.raster.root, this.intervals.root),
      h("div", { class: "pair" }, this.returns.root, this.pairs.root),
    );
    const button = (text: string, by: number) =>
      h("button", { type: "button", onclick: () => this.select(this.row + by) }, text);
    this.root = h(
      "section",
      { id: "step-view", "aria-labelledby": "step-view-title" },
      h("h2", { id: "step-view-title" }, "Step by step"),
      h(
        "div",
        { class: "choices" },
        button("◀ Step before", -1),
        h("label", { class: "choice" }, "Step ", this.choice),
        button("Step after ▶", 1),
      ),
      this.title,
      this.note,
      this.facts,
      this.plots,
    );
    document.addEventListener("keydown", (event) => {
      const typing = event.target instanceof HTMLInputElement && event.target.type !== "checkbox";
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "[") this.select(this.row - 1);
      if (event.key === "]") this.select(this.row + 1);
    });
  }

  /** Shows the step with the most to see: of those that fire and look like the first of them, the one in the middle. */
  start(): void {
    const all = this.recording.rows.filter((row) => row.n_spikes > 2 && this.recording.raw.details[row.row] != null);
    const firing = all.filter((row) => row.look === all[0]!.look);
    const first = firing[firing.length >> 1] ?? this.recording.rows[0];
    if (first) this.select(first.row);
  }

  /** @param scroll  brings it into sight, and moves the focus there */
  select(row: number, scroll = false): void {
    const { rows } = this.recording;
    if (rows.length === 0) return;
    this.row = Math.min(Math.max(row, 0), rows.length - 1);
    const chosen = rows[this.row]!;
    this.choice.selectedIndex = this.row;
    this.title.textContent = this.optionText(chosen);
    this.facts.replaceChildren(...this.factTables(chosen));
    this.showPlots(chosen);
    this.root.dataset["row"] = String(this.row);
    if (scroll) {
      this.root.scrollIntoView({ block: "start" });
      this.title.focus({ preventScroll: true });
    }
  }

  private optionText(row: Row): string {
    const two = this.recording.raw.signals.length > 1 || row.relation !== null;
    const where = two ? `, channel ${this.recording.label(row.channel)}` : "";
    const conditions = conditionText(row.conditions);
    const direction = row.direction === "none" ? "" : ` ${row.direction}`;
    return (
      `Step ${row.index}${where}: ${fixed(row.current_ua, 3)} µA${direction}${conditions && `, ${conditions}`}, ` +
      (row.frequency_hz !== null ? `${number(row.frequency_hz)} Hz` : (labelWords[row.label] ?? row.label))
    );
  }

  // ------------------------------------------------------------------ facts

  private factTables(row: Row): HTMLElement[] {
    const rate = estimate(row.frequency_hz, row.frequency_hz_low, row.frequency_hz_high, "Hz", 5);
    const main: [string, string][] = [
      ["Rate f, 95 % interval", rate],
      ["Pattern", `${row.label}: ${labelWords[row.label] ?? row.label}${row.vacancies ? ", with missing spikes" : ""}`],
      ["Status", `${row.status.replace("_", " ")}: ${statusWords[row.status] ?? row.status}`],
      ["Spikes", whole(row.n_spikes)],
      ["Length", duration(row.duration_s, 4)],
      ["CV of the intervals", number(row.cv, 4)],
    ];
    if (row.spikes_per_burst !== null) {
      main.push([
        "Rate of all spikes",
        estimate(row.spike_rate_hz, row.spike_rate_hz_low, row.spike_rate_hz_high, "Hz"),
      ]);
      main.push(["Spikes in a burst", number(row.spikes_per_burst)]);
    }
    if (row.beta_n_per_ua !== null) {
      main.push(["β_n", estimate(row.beta_n_per_ua, row.beta_n_per_ua_low, row.beta_n_per_ua_high, "1/µA")]);
      if (row.kappa !== null) main.push(["κ = I β_n", estimate(row.kappa, row.kappa_low, row.kappa_high, "")]);
      const noise = row.sigma_current_ua;
      if (noise !== null) main.push(["Noise of the current that would explain the CV", `${number(noise)} µA`]);
    }
    if (row.relation !== null) main.push(["To the channel of the plan", row.relation.replace(/_/g, " ")]);
    if (row.n_gaps > 0) main.push(["Gaps in the data", String(row.n_gaps)]);
    const fractions = Object.entries(row.label_fractions);
    if (fractions.length > 0) {
      main.push([
        "Shares of the time",
        fractions.map(([label, share]) => `${label} ${fixed(100 * share, 0)} %`).join(", "),
      ]);
    }
    const list = h(
      "dl",
      { class: "facts" },
      ...main.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
    );
    const features = this.recording.features
      .map(([name, description], k) => [name, description, row.features[k]] as const)
      .filter(([, , value]) => value !== null && value !== undefined)
      .map(([name, description, value]) => [name, number(value, 5), description]);
    if (features.length === 0) return [list];
    const more = h(
      "details",
      { class: "numbers" },
      h("summary", {}, `${count(features.length, "more number")} of this step`),
      h(
        "div",
        { class: "scroll", tabindex: 0 },
        table("More numbers", ["name in the file", "value", "what it is"], features),
      ),
    );
    return [list, more];
  }

  // ------------------------------------------------------------------ figures

  private showPlots(row: Row): void {
    const detail = this.recording.detail(row.row);
    this.plots.hidden = detail === null;
    this.note.hidden = detail !== null;
    if (!detail) {
      this.note.textContent = row.resumed_from
        ? `This step was recorded in an earlier file: its spikes and its trace are in ${row.resumed_from}.`
        : `This page holds the details of ${count(this.detailedSteps(), "step")} of ${this.recording.rows.length}, ` +
          "evenly spread; the recording has those of this step too.";
      return;
    }
    this.raster.show(rasterContent(detail, row.duration_s));
    this.intervals.show(intervalContent(detail, this.recording.raw.histogram_ratio));
    this.returns.show(returnContent(detail));
    this.pairs.show(pairsContent(detail));
    const spikes = detail.spikes_s.length;
    this.spikeTools.hidden = spikes === 0;
    this.spike.max = String(spikes);
    this.spikeNote.textContent = "";
    this.trace.show(traceContent(detail, row.duration_s, () => this.nameSpike()));
    this.nameSpike();
  }

  private detailedSteps(): number {
    return this.recording.raw.details.filter((detail) => detail !== null).length;
  }

  private makeSpikeTools(): HTMLElement {
    const button = (text: string, title: string, act: () => void) =>
      h("button", { type: "button", title, "aria-label": title, onclick: act }, text);
    return h(
      "div",
      { class: "choices small" },
      button("◀", "Spike before", () => this.toSpike(Number(this.spike.value) - 1)),
      h("label", { class: "choice" }, "Spike ", this.spike),
      button("▶", "Spike after", () => this.toSpike(Number(this.spike.value) + 1)),
      button("One spike", "Zoom to one spike", () => this.toSpike(Number(this.spike.value), this.spikeWidth())),
      button("Ten intervals", "Zoom to ten intervals", () =>
        this.toSpike(Number(this.spike.value), 10 * this.interval()),
      ),
      this.spikeNote,
    );
  }

  /** Mean interval of the step, s. */
  private interval(): number {
    const spikes = this.recording.detail(this.row)!.spikes_s;
    const several = spikes.length > 1;
    if (!several) return this.recording.rows[this.row]!.duration_s / 10;
    return (spikes[spikes.length - 1]! - spikes[0]!) / (spikes.length - 1);
  }

  /** How much time shows one spike with what comes before and after it, s. */
  private spikeWidth(): number {
    const width =
      this.recording.rows[this.row]!.features[
        this.recording.features.findIndex(([name]) => name === "width_longest_s")
      ];
    const most = 0.8 * this.interval();
    return width ? Math.min(14 * width, most) : most;
  }

  /** @param span_s  in sight around it; none: as much as there is now */
  private toSpike(number_: number, span_s?: number): void {
    const detail = this.recording.detail(this.row);
    if (!detail || detail.spikes_s.length === 0) return;
    const spikes = detail.spikes_s;
    const k = Math.min(Math.max(Math.round(number_) || 1, 1), spikes.length) - 1;
    const at = spikes[k]!;
    const [from, until] = this.trace.range;
    const width = span_s ?? Math.min(until - from, 40 * this.interval());
    // A single spike stands left of the middle: what follows it is longer than what comes before.
    this.trace.look(at - 0.4 * width, at + 0.6 * width);
    this.spike.value = String(k + 1);
    this.spikeNote.textContent =
      `Spike ${k + 1} of ${detail.total} at ${number(at, 6)} s` +
      (heldAt(detail, at) ? "" : "; this page has only its lowest and highest output, the recording has its trace");
  }

  /** The number of the spike in the middle of what is in sight. */
  private nameSpike(): void {
    const detail = this.recording.detail(this.row);
    if (!detail || detail.spikes_s.length === 0) return;
    const [from, until] = this.trace.range;
    const k = lower(detail.spikes_s, from + 0.4 * (until - from));
    this.spike.value = String(Math.min(k, detail.spikes_s.length - 1) + 1);
  }
}
