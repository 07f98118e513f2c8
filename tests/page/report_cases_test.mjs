// Pages of runs that are not like others: silent, unfinished, hostile, in two channels, on a map.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import {
  assertNoEmptyFigure,
  assertNoNonsense,
  folder,
  join,
  paint,
  read,
  record,
  recordAndKill,
  report,
  shown,
  thyrode,
  withPage,
} from "./support.mjs";

const list = (name, currents, more = "record: {trace: 25 kS/s}") => `schema: thyrode.experiment/1
name: ${name}
plan: list
current: [${currents}]
dwell: {stop_when: {ci_rel_f: 5 %}, max: 5 s}
${more}
`;

test("a run without a spike is told in words", async () => {
  const path = record("silent", list("silent", "10 uA", "record: {trace: off}"));
  await withPage(report(path), {}, async (page) => {
    assert.deepEqual(await assertNoEmptyFigure(page), ["fi", "trace"]);
    await assertNoNonsense(page);
    assert.match(await page.locator("#short").innerText(), /no step fired/);
    assert.match(await page.locator("#trace-summary").innerText(), /trace was not recorded/);
    assert.equal(await page.locator("#steps tbody tr").count(), 1);
  });
});

test("a run with one step has its page", async () => {
  const path = record("one", list("one", "45.3 uA"));
  await withPage(report(path), {}, async (page) => {
    assert.deepEqual(await assertNoEmptyFigure(page), ["fi", "trace", "raster", "isi", "return", "pairs"]);
    await assertNoNonsense(page);
    await page.getByRole("button", { name: "Step after" }).click();
    assert.equal(await page.locator("#step-view").getAttribute("data-row"), "0");
  });
});

test("two channels have a curve each, and the companion says how it keeps step", async () => {
  const path = record(
    "pair",
    list("pair", "45.3 uA, 60 uA", "companions: [{channel: B}]\nrecord: {trace: 25 kS/s}"),
    "--device",
    "sim:two-msn-inhibitory",
  );
  await withPage(report(path), {}, async (page) => {
    await assertNoEmptyFigure(page);
    assert.deepEqual(await page.locator("#curve option").allInnerTexts(), ["channel A", "channel B"]);
    const { steps } = shown(path);
    const companion = steps.findIndex((step) => step.relation !== null);
    await page.locator("#step").selectOption({ index: companion });
    assert.match(await page.locator("#step-view h3").first().innerText(), /channel B/);
    assert.ok((await page.locator(".step-facts").innerText()).includes(steps[companion].relation));
    await page.locator("#curve").selectOption({ index: 1 });
    await assertNoEmptyFigure(page);
    await assertNoNonsense(page);
  });
});

test("the page and the terminal say the same of beta_n, and of which conditions the fits are", async () => {
  const path = record(
    "conditions",
    `schema: thyrode.experiment/1
name: conditions
plan: sequence
parts:
  - {name: fast, plan: sweep, neuron: {tau_L: 0.3 ms}, current: {start: 20 uA, stop: 140 uA, points: 9}}
  - {name: slow, plan: list, neuron: {tau_L: 0.5 ms}, current: [60 uA]}
dwell: {stop_when: {ci_rel_f: 10 %}, max: 2 s}
record: {trace: off}
`,
    "--device",
    "sim:mbn",
  );
  const terminal = thyrode("show", path);
  await withPage(report(path), {}, async (page) => {
    const text = await page.locator("#short").innerText();
    assert.match(terminal, /these +of tau_L 300 us alone/);
    assert.match(text, /of tau_L = 0\.3 ms alone/);
    const [, edge] = terminal.match(/firing begins .*?([\d.]+) uA/);
    assert.match(text, new RegExp(`Firing begins\\s.*${edge} µA`));
    if (/largest beta_n none/.test(terminal)) assert.match(text, /β_n\s+none above zero/);
    else assert.match(text, new RegExp(`β_n\\s.* at ${terminal.match(/largest beta_n .* at ([\d.]+) uA/)[1]} µA`));
    await assertNoNonsense(page);
  });
});

test("of beta_n measured in pairs the largest counts too", async () => {
  const path = record(
    "pairs",
    `schema: thyrode.experiment/1
name: pairs
plan: beta_n
current: [60 uA]
offset: 1 uA
targets: {ci_rel_beta: 20 %}
max_pairs: 10
dwell: {stop_when: {ci_rel_f: 4 %}, max: 15 s}
record: {trace: off}
`,
  );
  const [direct] = shown(path).direct_beta;
  assert.ok(direct.beta_n_per_ua_low > 0);
  await withPage(report(path), {}, async (page) => {
    const text = await page.locator("#short").innerText();
    assert.match(text, /Largest compressibility β_n\s+[\d.]+ .* at 60\.000 µA, measured in pairs/);
  });
});

test("the segments of a free list look alike, and the page opens in the middle of those that fire", async () => {
  const path = record(
    "free",
    `schema: thyrode.experiment/1
name: free
plan: steps
segments:
  - {hold: 0 uA, for: 500 ms}
  - {hold: 45.3 uA, for: 2 s}
  - {step: 60 uA}
  - {ramp: 90 uA, for: 2 s}
  - {hold: 60 uA, for: 2 s}
dwell: {stop_when: {ci_rel_f: 5 %}, max: 5 s}
record: {trace: off}
`,
  );
  const { steps } = shown(path);
  assert.deepEqual([...new Set(steps.map((step) => step.leg))], [0, 1, 2, 3, 4]);
  await withPage(report(path), {}, async (page) => {
    const legend = await page.locator("#fi .legend").innerText();
    assert.equal(legend.match(/steps without a direction/g).length, 1, legend);
    const colours = await paint(page, "fi");
    assert.equal(colours["213,94,0"] ?? 0, 0, "the colour of a second direction");
    const firing = steps.map((step, k) => (step.n_spikes > 2 ? k : -1)).filter((k) => k >= 0);
    assert.ok(firing.length > 2);
    const opened = Number(await page.locator("#step-view").getAttribute("data-row"));
    assert.equal(opened, firing[firing.length >> 1]);
    const fired = steps.filter((step) => step.frequency_hz !== null).length;
    assert.match(await page.locator("#short").innerText(), new RegExp(`${fired} of 5 steps kept firing`));
    await assertNoNonsense(page);
  });
});

test("the verdict on the order of spikes names the limits that it has used", async () => {
  await withPage(join(folder, "one.html"), {}, async (page) => {
    const { pairs } = JSON.parse(await page.locator("#data").textContent()).details[0];
    assert.notEqual(pairs.featureless, null);
    const verdict = pairs.featureless ? "No bin leaves its limits" : "Bins leave their limits";
    const summary = await page.locator("#pairs-summary").innerText();
    assert.match(summary, new RegExp(`${verdict}, which are the dotted lines lowered by`));
  });
});

test("an unfinished run has a red box and what there is", async () => {
  const part = await recordAndKill("part", list("part", "90 uA, 60 uA, 45.3 uA"));
  const path = report(part);
  assert.equal(path, join(folder, "part.html"));
  await withPage(path, {}, async (page) => {
    assert.match(await page.locator("#integrity").getAttribute("class"), /\bbad\b/);
    assert.match(await page.locator("#integrity").innerText(), /✗ Not complete.*not finished/s);
    assert.equal(await page.locator("#steps tbody tr").count(), shown(part).steps.length);
    await assertNoEmptyFigure(page);
    await assertNoNonsense(page);
  });
  thyrode("recover", part);
  await withPage(report(join(folder, "part.nwb")), {}, async (page) => {
    assert.match(await page.locator("#integrity").innerText(), /✗ Not complete.*program died/s);
    await assertNoEmptyFigure(page);
  });
});

test("a recording with a gap has a red box, and shows where the data are missing", async () => {
  const path = join(folder, "sample.nwb");
  execFileSync(process.env.THYRODE_SAMPLE, [path]);
  const { integrity, steps } = shown(path);
  await withPage(report(path), {}, async (page) => {
    const box = page.locator("#integrity");
    assert.match(await box.getAttribute("class"), /\bbad\b/);
    const text = await box.innerText();
    assert.match(text, /✗ Not complete: data are missing/);
    assert.ok(text.includes(`${integrity.gaps} gaps, ${integrity.lost_frames} lost frames`), text);
    assert.ok(text.includes(`${integrity.late_decisions} decisions came too late`), text);
    // The fourth part of the third step of either channel.
    await page.locator("#step").selectOption({ index: steps.findIndex((step) => step.index === 2) });
    await page.getByRole("button", { name: "Show the whole range: Trace around spikes" }).click();
    const gap = (await paint(page, "trace"))["240,184,184"];
    assert.ok(gap > 1000, `${gap} pixels of the gap`);
    assert.ok((await paint(page, "raster"))["240,184,184"] > 20);
    assert.match(await page.locator("#raster-summary").innerText(), /data were lost/);
  });
});

test("a phase map is drawn with its measured points and can be read as a table", async () => {
  const path = record(
    "map",
    `schema: thyrode.experiment/1
name: map
plan: phase_map
current: {start: 24 uA, stop: 136 uA, resolution: 28 uA}
tau_L: {start: 0.05 ms, stop: 0.6 ms, resolution: 137.5 us}
coarse: 5
dwell: {stop_when: {ci_rel_f: 20 %}, max: 1 s, f_min: 5 Hz}
record: {trace: off}
`,
    "--device",
    "sim:mbn",
  );
  const { map } = shown(path);
  await withPage(report(path), {}, async (page) => {
    const painted = await assertNoEmptyFigure(page);
    assert.ok(painted.includes("map"));
    // Onset, end and fits would be of one row of the map.
    assert.doesNotMatch(await page.locator("#short").innerText(), /Firing begins|LIF|β_n/);
    await page.locator("#map .plot").focus();
    await page.keyboard.press("ArrowRight");
    assert.match(await page.locator("#map .readout").innerText(), /^Step 0: .* µA, tau_L = .* ms: /);
    await page.keyboard.press("Enter");
    assert.equal(await page.locator("#step-view").getAttribute("data-row"), "0");
    await page.locator("#map details summary").click();
    await page.locator("#map tbody").waitFor();
    const rows = await page
      .locator("#map tbody tr")
      .evaluateAll((all) => all.map((row) => [...row.querySelectorAll("td")].map((cell) => cell.innerText)));
    const words = map.grid.map((row) => row.map((label) => (label === null ? "?" : map.labels[label])));
    assert.deepEqual(rows, words.reverse());
    await assertNoNonsense(page);
  });
});

test("texts of the file stay texts", async () => {
  const evil = "</script><script>window.evil = 1</script><!-- <img src=x onerror='window.evil = 2'> ]]> \\u003c";
  const path = record("evil", `# ${evil}\n${list("evil", "45.3 uA")}`, "--device", "sim:msn");
  const html = report(path);
  const text = read(html);
  assert.equal(text.toLowerCase().split("</script>").length, 3, "a script of data and one of the program, no more");
  await withPage(html, {}, async (page) => {
    assert.equal(await page.evaluate(() => window.evil), undefined);
    await page.getByText("Experiment (YAML)").click();
    assert.ok((await page.locator("pre").first().innerText()).includes(evil));
  });
});

test("run --report writes the page beside the recording and says where", () => {
  const experiment = join(folder, "with.yaml");
  record("with", list("with", "45.3 uA"));
  const out = join(folder, "again.nwb");
  const told = thyrode("run", experiment, "--out", out, "--report");
  assert.match(told, new RegExp(`report +${join(folder, "again.html")}`));
  assert.match(read(join(folder, "again.html")), /^<!doctype html>/);
});

test("a page that cannot be written is told, with what to do", () => {
  const path = join(folder, "again.nwb");
  assert.throws(
    () => thyrode("report", path, "--out", join(folder, "nowhere", "page.html")),
    (error) => error.status === 1 && /cannot be written.*--out/.test(error.stderr),
  );
  assert.throws(
    () => thyrode("report", path, "--out", path),
    (error) => error.status === 2 && /recording itself/.test(error.stderr),
  );
});

test("what lies beside the page is not written through, and a page that fails leaves nothing", () => {
  const inner = join(folder, "beside");
  mkdirSync(join(inner, "taken.html"), { recursive: true });
  writeFileSync(join(inner, "mine"), "mine");
  symlinkSync(join(inner, "mine"), join(inner, "page.html.new"));
  symlinkSync(join(inner, "mine"), join(inner, "linked.html"));
  const recording = join(folder, "again.nwb");
  for (const name of ["page.html", "linked.html"]) {
    thyrode("report", recording, "--out", join(inner, name));
    assert.match(read(join(inner, name)), /^<!doctype html>/);
  }
  assert.equal(read(join(inner, "mine")), "mine");
  assert.throws(() => thyrode("report", recording, "--out", join(inner, "taken.html")), /cannot be written/);
  assert.deepEqual(readdirSync(inner).sort(), ["linked.html", "mine", "page.html", "page.html.new", "taken.html"]);
});
