// The report of a recording: what stands where on the page.
import { betaContent } from "./beta";
import { type Curve, curvesOf } from "./curve";
import { download, h, table } from "./dom";
import { Figure } from "./figure";
import { mapContent } from "./map";
import { rateContent, wantsLog } from "./rate";
import { type DirectBeta, type LifFit, type RawRecording, Recording, type Row } from "./recording";
import { StepView } from "./step_view";
import { type Choice, Theme } from "./theme";
import { verdictOf } from "./verdict";
import {
  betaWords,
  condition,
  conditionText,
  count,
  duration,
  estimate,
  fixed,
  labelWords,
  number,
  short,
  statusWords,
  whole,
} from "./words";

const theme = new Theme();
const figures: Figure[] = [];
let recording: Recording;

function figure(id: string, title: string, height: number, half: boolean): Figure {
  const made = new Figure({ id, title, height, half, file: recording.raw.file.replace(/\.nwb(\.part)?$/, "") }, theme);
  figures.push(made);
  return made;
}

function section(id: string, title: string, ...children: (Node | null)[]): HTMLElement {
  const kept = children.filter((child): child is Node => child !== null);
  return h("section", { id, "aria-labelledby": `${id}-title` }, h("h2", { id: `${id}-title` }, title), ...kept);
}

// ------------------------------------------------------------------ head

function themeChoice(): HTMLElement {
  const select = h(
    "select",
    { id: "theme", onchange: () => theme.choose(select.value as Choice) },
    h("option", { value: "auto" }, "as the system"),
    h("option", { value: "light" }, "light"),
    h("option", { value: "dark" }, "dark"),
  );
  return h("label", { class: "choice" }, "Theme ", select);
}

function head(): HTMLElement {
  const { raw } = recording;
  const { device } = raw.result;
  const began = raw.origin.session_start ? ` on ${raw.origin.session_start.replace("T", " at ")}` : "";
  return h(
    "header",
    {},
    h(
      "div",
      {},
      h("h1", {}, raw.result.experiment || raw.file),
      h("p", { class: "subtitle" }, `${raw.file}: measured with ${device.uri} (board ${device.board})${began}`),
    ),
    h(
      "div",
      { class: "controls" },
      themeChoice(),
      h("button", { type: "button", onclick: () => print() }, "Print"),
      h("button", { type: "button", onclick: () => saveTable() }, "Table as CSV"),
    ),
  );
}

function verdictBox(): HTMLElement {
  const verdict = verdictOf(recording);
  return h(
    "section",
    { class: `verdict ${verdict.good ? "good" : "bad"}`, id: "integrity", "aria-labelledby": "integrity-title" },
    h("h2", { id: "integrity-title" }, `${verdict.good ? "✓" : "✗"} ${verdict.title}`),
    h("ul", {}, ...verdict.lines.map((line) => h("li", {}, line))),
  );
}

// ------------------------------------------------------------------ result in short

function between(low: number | null, high: number | null, open: string): string {
  if (low !== null && high !== null) return `between ${fixed(low, 3)} and ${fixed(high, 3)} µA`;
  if (high !== null) return `at or below ${fixed(high, 3)} µA: ${open}`;
  if (low !== null) return `at or above ${fixed(low, 3)} µA: ${open}`;
  return "not seen";
}

type Facts = [string, string][];

const varies = (of: (row: Row) => string) => new Set(recording.rows.map(of)).size > 1;

/** What the fits of a run are of, where it has more than that: the channel and the conditions of its first row. */
function fittedAlone(): string {
  const first = recording.rows[0]!;
  const channel = varies((row) => String(row.channel)) ? `channel ${recording.label(first.channel)}` : "";
  const conditions = varies((row) => conditionText(row.conditions))
    ? conditionText(first.conditions) || "no conditions"
    : "";
  return [channel, conditions].filter((text) => text !== "").join(", ");
}

/** What fires, where no sweep brackets it. */
function firingFact(): string {
  if (recording.rows.length === 0) return "no step has ended yet";
  const whole_ = recording.rows.filter((row) => row.status !== "interrupted");
  if (whole_.length === 0) return "no step was measured to its end";
  const firing = whole_.filter((row) => row.frequency_hz !== null).length;
  if (firing > 0) return `${whole(firing)} of ${count(whole_.length, "step")} kept firing`;
  return whole_.some((row) => row.n_spikes > 0) ? "no step kept firing" : "no step fired";
}

function lifFact(lif: LifFit): string {
  const verdict = lif.accepted ? "accepted" : "not accepted: the rates are not those of a LIF, or leave a bound open";
  return (
    `${verdict}. Rheobase ${estimate(lif.rheobase_ua, lif.rheobase_low_ua, lif.rheobase_high_ua, "µA")}, ` +
    `time constant ${estimate(lif.tau_ms, lif.tau_low_ms, lif.tau_high_ms, "ms")}, ` +
    `refractory time ${estimate(lif.refractory_ms, lif.refractory_low_ms, lif.refractory_high_ms, "ms", 3)}; ` +
    `χ² per degree of freedom ${number(lif.chi2_per_dof, 3)}`
  );
}

/** The largest β_n of which the sign is known, of the steps and of what was measured in pairs. */
function largestBetaFact(): string | null {
  const measured = [
    ...recording.rows.map((row) => ({ beta: row as Row | DirectBeta, direct: false })),
    ...(recording.raw.result.direct_beta ?? []).map((beta) => ({ beta: beta as Row | DirectBeta, direct: true })),
  ];
  const largest = measured
    .filter(({ beta }) => beta.beta_n_per_ua !== null && (beta.beta_n_per_ua_low ?? 0) > 0)
    .reduce<(typeof measured)[number] | null>(
      (best, one) => (best && best.beta.beta_n_per_ua! >= one.beta.beta_n_per_ua! ? best : one),
      null,
    );
  if (!largest) return null;
  const { beta, direct } = largest;
  const value = estimate(beta.beta_n_per_ua, beta.beta_n_per_ua_low, beta.beta_n_per_ua_high, "1/µA");
  return `${value} at ${fixed(beta.current_ua, 3)} µA${direct ? ", measured in pairs" : ""}`;
}

/** Where firing begins and ends and what was fitted; of a phase map nothing, for these are of one of its rows. */
function sweepFacts(): Facts {
  const { fit, map } = recording.raw.result;
  const firing: Facts = [["Firing", firingFact()]];
  if (map) return firing;
  const largest = largestBetaFact();
  const beta: Facts = largest === null ? [] : [["Largest compressibility β_n", largest]];
  if (fit.onset_high_ua === null || fit.end_low_ua === null) return [...firing, ...beta];
  const facts: Facts = [
    ["Firing begins", between(fit.onset_low_ua, fit.onset_high_ua, "no step below it was silent")],
    ["Firing ends", between(fit.end_low_ua, fit.end_high_ua, "no step above it was silent")],
  ];
  if (fit.lif) facts.push(["Leaky integrate-and-fire (LIF) fit", lifFact(fit.lif)]);
  const alone = fittedAlone();
  if (alone !== "") facts.push([fit.lif ? "These three are" : "Both are", `of ${alone} alone, where the run began`]);
  if (beta.length > 0) return [...facts, ...beta];
  return [...facts, ["Largest compressibility β_n", "none above zero: it needs five firing steps on a branch"]];
}

function shortResult(): HTMLElement {
  const { fit, targets } = recording.raw.result;
  const facts = sweepFacts();
  for (const beta of recording.raw.result.direct_beta ?? []) {
    if (beta.beta_n_per_ua === null) continue;
    const value = estimate(beta.beta_n_per_ua, beta.beta_n_per_ua_low, beta.beta_n_per_ua_high, "1/µA");
    const where = `${fixed(beta.current_ua, 3)} µA, ${count(beta.pairs, "pair")}`;
    facts.push(["β_n measured in pairs", `${value} at ${where}`]);
  }
  for (const loop of fit.loops.slice(0, 12)) {
    facts.push([
      `Hysteresis of ${loop.below} → ${loop.above}`,
      `${fixed(loop.width_ua, 3)} ± ${fixed(loop.half_range_ua, 3)} µA wide: ` +
        (loop.hysteretic
          ? "more than the brackets allow without hysteresis"
          : "no more than the brackets allow without hysteresis") +
        (loop.drift_separated ? "" : "; drift is not separated"),
    ]);
  }
  for (const p of fit.precursors.slice(0, 12)) {
    const reference = p.reference === "lif" ? "the LIF" : "its neighbours";
    facts.push([
      "Precursor",
      `β_n ${number(p.beta_n_per_ua)} 1/µA at ${fixed(p.current_ua, 3)} µA, ${number(p.deviations, 3)} standard ` +
        `deviations above the ${number(p.reference_per_ua)} of ${reference}`,
    ]);
  }
  for (const target of targets) {
    facts.push([
      target.met ? "Target met" : "Target NOT met",
      `${target.target}${target.reached && `: ${target.reached}`}`.replace(/\buA\b/g, "µA"),
    ]);
  }
  const lines = facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
  return section("short", "Result in short", h("dl", { class: "facts" }, ...lines));
}

function transitionTable(): HTMLElement | null {
  const { transitions } = recording.raw.result.fit;
  if (transitions.length === 0 || recording.raw.result.map) return null;
  const word = (label: string) => `${label} (${labelWords[label] ?? label})`;
  const named = (t: (typeof transitions)[number]) => [
    t.below === t.above ? `jump within ${word(t.below)}` : `${word(t.below)} → ${word(t.above)}`,
    `${fixed(t.bracket_ua[0], 3)} to ${fixed(t.bracket_ua[1], 3)}`,
    String(t.leg + 1),
    [recording.raw.signals.length > 1 ? `channel ${recording.label(t.channel)}` : "", conditionText(t.conditions)]
      .filter((text) => text !== "")
      .join(", ") || "–",
    t.jump && t.ln_ratio !== null ? `f changes by a factor ${number(Math.exp(t.ln_ratio), 3)}` : "–",
  ];
  return h(
    "details",
    { class: "numbers", id: "transitions" },
    h("summary", {}, `${count(transitions.length, "transition")} between patterns`),
    h(
      "div",
      { class: "scroll", tabindex: 0 },
      table(
        "Transitions",
        ["from → to, as the current rises", "between (µA)", "leg", "where", "jump"],
        transitions.map(named),
      ),
    ),
  );
}

// ------------------------------------------------------------------ curves

function curveName(curve: Curve): string {
  const channel = `channel ${recording.label(curve.channel)}`;
  const conditions = conditionText(curve.conditions);
  return conditions === "" ? channel : `${channel}, ${conditions}`;
}

function curves(pick: (row: number) => void): HTMLElement {
  const all = curvesOf(recording.rows);
  const rate = figure("fi", "Rate f against current I", 340, true);
  const beta = figure("beta", "Compressibility β_n against current I", 340, true);
  const select = h("select", { id: "curve", onchange: () => show() });
  all.forEach((curve, k) => select.append(h("option", { value: k }, curveName(curve))));
  const logRate = h("input", { type: "checkbox", id: "log-rate", onchange: () => show() });
  const logBeta = h("input", { type: "checkbox", id: "log-beta", onchange: () => show() });
  const show = () => {
    const curve = all[select.selectedIndex];
    if (!curve) return;
    rate.show(rateContent(recording, curve, logRate.checked, pick));
    beta.show(betaContent(recording, curve, logBeta.checked, pick));
  };
  const first = all[0];
  if (first) {
    logRate.checked = wantsLog(first.rows.map((row) => row.frequency_hz));
    logBeta.checked = wantsLog(first.rows.map((row) => row.beta_n_per_ua));
  }
  const choices = h(
    "div",
    { class: "choices" },
    all.length > 1 ? h("label", { class: "choice" }, "Curve of ", select) : null,
    h("label", { class: "choice" }, logRate, " logarithmic f"),
    h("label", { class: "choice" }, logBeta, " logarithmic β_n"),
  );
  onLayout.push(show);
  return section(
    "curves",
    "Activation and compressibility",
    choices,
    h("div", { class: "pair" }, rate.root, beta.root),
    transitionTable(),
  );
}

function phaseMap(pick: (row: number) => void): HTMLElement | null {
  const { map } = recording.raw.result;
  if (!map) return null;
  const drawn = figure("map", `Patterns over current and ${map.parameter}`, 420, false);
  onLayout.push(() => drawn.show(mapContent(map, recording.rows, pick)));
  return section("phase-map", "Phase map", drawn.root);
}

// ------------------------------------------------------------------ table and provenance

function rowCells(row: Row): [string, string][] {
  const cells: [string, string][] = [
    ["step", String(row.index)],
    ["I (µA)", fixed(row.current_ua, 3)],
    ["f (Hz)", number(row.frequency_hz, 5)],
    [
      "95 % (Hz)",
      row.frequency_hz_low === null ? "–" : `${number(row.frequency_hz_low)} to ${number(row.frequency_hz_high)}`,
    ],
    ["CV", number(row.cv, 3)],
    ["spikes", whole(row.n_spikes)],
    ["length", duration(row.duration_s)],
    ["status", row.status.replace("_", " ")],
    ["pattern", row.label],
    ["β_n (1/µA)", row.beta_n_per_ua === null ? row.beta_status.replace("_", " ") : number(row.beta_n_per_ua)],
  ];
  if (recording.raw.signals.length > 1) cells.splice(1, 0, ["channel", recording.label(row.channel)]);
  const names = new Set(recording.rows.flatMap((r) => Object.keys(r.conditions)));
  for (const name of names) {
    const si = row.conditions[name];
    const unit = condition(name, 1)[1];
    cells.splice(1, 0, [`${name}${unit && ` (${unit})`}`, si === undefined ? "–" : short(condition(name, si)[0])]);
  }
  if (recording.rows.some((r) => r.part !== null)) cells.splice(1, 0, ["part", row.part ?? "–"]);
  return cells;
}

function allSteps(pick: (row: number) => void): HTMLElement {
  const { rows } = recording;
  if (rows.length === 0) return section("steps", "All steps", h("p", {}, "No step has ended."));
  const head = rowCells(rows[0]!).map(([name]) => name);
  const body = rows.map((row) =>
    rowCells(row).map(([name, text]) =>
      name === "step"
        ? h("button", { type: "button", class: "link", title: "Show this step", onclick: () => pick(row.row) }, text)
        : name === "status" || name === "pattern"
          ? h(
              "span",
              { title: name === "status" ? (statusWords[row.status] ?? "") : (labelWords[row.label] ?? "") },
              text,
            )
          : text,
    ),
  );
  const words = (title: string, of: Record<string, string>, used: Set<string>) => {
    const told = Object.entries(of).filter(([word]) => used.has(word));
    return h(
      "p",
      { class: "caption" },
      `${title}: ${told.map(([word, text]) => `${word.replace("_", " ")}: ${text}`).join("; ")}.`,
    );
  };
  return section(
    "steps",
    "All steps",
    h(
      "div",
      { class: "scroll tall", tabindex: 0, role: "region", "aria-label": "All steps" },
      table("All steps", head, body),
    ),
    words("Status", statusWords, new Set(rows.map((row) => row.status))),
    words("Pattern", labelWords, new Set(rows.map((row) => row.label))),
    words("β_n", betaWords, new Set(rows.filter((row) => row.beta_n_per_ua === null).map((row) => row.beta_status))),
  );
}

/** Every number of the rows, as it stands in the recording. */
function saveTable(): void {
  const keys = recording.raw.result.steps.keys.filter(
    (key) => !["features", "conditions", "label_fractions"].includes(key),
  );
  const names = [...new Set(recording.rows.flatMap((row) => Object.keys(row.conditions)))];
  const quoted = (value: unknown) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  };
  const features = recording.features.map(([name]) => name);
  const lines = [[...keys, ...names, ...features].map(quoted).join(",")];
  for (const row of recording.rows) {
    const values = keys.map((key) => (row as unknown as Record<string, unknown>)[key]);
    const conditions = names.map((name) => row.conditions[name]);
    lines.push([...values, ...conditions, ...features.map((_, k) => row.features[k])].map(quoted).join(","));
  }
  download(`${recording.raw.file}.csv`, new Blob([lines.join("\n") + "\n"], { type: "text/csv" }));
}

function yaml(title: string, text: string): HTMLElement | null {
  if (text === "") return null;
  return h("details", {}, h("summary", {}, title), h("pre", { tabindex: 0 }, text));
}

function provenance(): HTMLElement {
  const { raw } = recording;
  const { device, seed } = raw.result;
  const facts: [string, string][] = [
    ["File", raw.file],
    ["Files of the run, each with the data of its own steps", raw.run_files.join(", ")],
    ["Command", raw.origin.command_line],
    ["Measured by", raw.origin.host_version],
    ["Computer", raw.origin.host_name],
    ["Began", raw.origin.session_start],
    ["Ended", raw.origin.finished || "not finished"],
    ["Device", device.uri],
    ["Board, firmware, serial number", `${device.board}, ${device.firmware}, ${device.serial || "none"}`],
    ["Sampling rate of the converter", `${number(raw.sample_rate_hz * 1e-3)} kS/s`],
    ["Time", raw.virtual_time ? "virtual: an emulated instrument, as fast as the computer" : "real"],
    ["Seed of everything random", String(seed)],
    [
      "Link",
      raw.link === null
        ? "not known: a run counts this until it ends by itself"
        : raw.link.bytes_up === 0
          ? ""
        : `${whole(raw.link.bytes_up)} bytes up, ${whole(raw.link.bytes_down)} bytes down, ` +
          `${count(raw.link.bad_frames, "damaged frame")}, ${count(raw.link.retransmits, "repeat")}`,
    ],
  ];
  const lines = facts
    .filter(([, value]) => value !== "")
    .flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
  return section(
    "provenance",
    "Provenance",
    h("dl", { class: "facts" }, ...lines),
    yaml("Experiment (YAML)", raw.experiment_yaml),
    yaml("Station (YAML)", raw.station_yaml),
    ...Object.entries(raw.experiment_files).map(([name, text]) => yaml(name, text)),
  );
}

// ------------------------------------------------------------------ the page

/** What needs the width of the page. */
const onLayout: (() => void)[] = [];

function print(): void {
  window.print();
}

function toPaper(): void {
  for (const one of figures) one.toPaper();
}

function start(): void {
  const source = document.getElementById("data")!;
  recording = new Recording(JSON.parse(source.textContent!) as RawRecording);
  const step = new StepView(recording, figure);
  const pick = (row: number) => step.select(row, true);
  const parts = [
    head(),
    verdictBox(),
    shortResult(),
    recording.rows.length > 0 ? curves(pick) : null,
    phaseMap(pick),
    recording.rows.length > 0 ? step.root : null,
    allSteps(pick),
    provenance(),
    h(
      "footer",
      {},
      h(
        "p",
        { id: "plot-keys" },
        "Keys on a plot: + and − zoom, 0 shows all, ← and → go from point to point (with Shift, or where there are " +
          "no points, they move the picture), Enter shows the step of a point. Anywhere: [ and ] go to the step " +
          "before and after.",
      ),
    ),
  ];
  const page = document.getElementById("report")!;
  page.append(h("main", {}, ...parts.filter((part): part is HTMLElement => part !== null)));
  for (const layout of onLayout) layout();
  step.start();
  addEventListener("beforeprint", toPaper);
  matchMedia("print").addEventListener("change", (event) => event.matches && toPaper());
  document.documentElement.dataset["ready"] = "yes";
}

start();
