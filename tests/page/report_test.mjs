// The page of a sweep: its numbers are those of the file, and everything on it can be used.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { before, test } from "node:test";
import {
  amount,
  assertNoEmptyFigure,
  assertNoNonsense,
  folder,
  join,
  paint,
  read,
  record,
  report,
  shown,
  thyrode,
  withPage,
} from "./support.mjs";

const sweep = `schema: thyrode.experiment/1
name: sweep
plan: sweep
current: {start: 28 uA, stop: 60 uA, points: 9}
direction: both
dwell: {stop_when: {ci_rel_f: 3 %}, max: 20 s}
record: {trace: 25 kS/s}
`;

let recording_path;
let page_path;
let document_;
before(() => {
  recording_path = record("sweep", sweep);
  page_path = report(recording_path);
  document_ = shown(recording_path);
});

const at = (body) => () => withPage(page_path, {}, body);

/** The value in a text that a person reads. */
const value = (text) => Number(text.replace("−", "-").replace(/\u202f/g, ""));
/** Equal as far as the text has digits. */
function assertReads(text, exact, what) {
  const digits = text.replace(/^[−0.]*/, "").replace(/\D/g, "").length;
  const off = Math.abs(value(text) - exact);
  assert.ok(off <= Math.abs(exact) * 10 ** -(digits - 1), `${what}: the page says ${text}, the file ${exact}`);
  assert.ok(digits >= 3, `${what}: ${text} has too few digits`);
}

test(
  "every plot of a sweep is drawn, and nothing is asked of the network",
  at(async (page) => {
    const painted = await assertNoEmptyFigure(page);
    assert.deepEqual(painted, ["fi", "beta", "trace", "raster", "isi", "return", "pairs"]);
    await assertNoNonsense(page);
  }),
);

test(
  "the table says what the file says",
  at(async (page) => {
    const rows = await page
      .locator("#steps table tbody tr")
      .evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.innerText)));
    assert.equal(rows.length, document_.steps.length);
    document_.steps.forEach((step, k) => {
      const [index, current, rate, interval, cv, spikes, , status, label, beta] = rows[k];
      assert.equal(index, String(step.index));
      assert.ok(Math.abs(value(current) - step.current_ua) <= 0.0005, current);
      assert.equal(spikes, String(step.n_spikes));
      assert.equal(status, step.status.replace("_", " "));
      assert.equal(label, step.label);
      if (step.frequency_hz === null) assert.equal(rate, "–");
      else assertReads(rate, step.frequency_hz, `f of step ${k}`);
      if (step.cv !== null) assertReads(cv, step.cv, `CV of step ${k}`);
      if (step.frequency_hz_low) assertReads(interval.split(" to ")[0], step.frequency_hz_low, `low of step ${k}`);
      if (step.frequency_hz_high) assertReads(interval.split(" to ")[1], step.frequency_hz_high, `high of step ${k}`);
      if (step.beta_n_per_ua !== null) assertReads(beta, step.beta_n_per_ua, `beta_n of step ${k}`);
      else assert.equal(beta, step.beta_status.replace("_", " "));
    });
  }),
);

test(
  "the data in the page are the doubles of the file",
  at(async (page) => {
    const { result } = JSON.parse(await page.locator("#data").textContent());
    const { keys, rows, features } = result.steps;
    const names = features.map(([name]) => name);
    const steps = rows.map((row) => {
      const step = Object.fromEntries(keys.map((key, k) => [key, row[k]]));
      step.features = Object.fromEntries(names.map((name, k) => [name, step.features[k]]));
      return step;
    });
    assert.deepEqual(steps, document_.steps);
    assert.deepEqual(result.fit, document_.fit);
    assert.deepEqual(result.integrity, document_.integrity);
  }),
);

test(
  "the box of a whole recording is green and says so",
  at(async (page) => {
    const box = page.locator("#integrity");
    assert.match(await box.getAttribute("class"), /\bgood\b/);
    assert.match(await box.innerText(), /✓ Complete/);
    const samples = (await box.innerText()).match(/([\d\u202f]+) samples/)[1];
    assert.equal(value(samples), document_.integrity.samples);
  }),
);

test(
  "the fit is told with its numbers",
  at(async (page) => {
    const text = await page.locator("#short").innerText();
    const { lif } = document_.fit;
    assertReads(text.match(/Rheobase ([\d.]+)/)[1], lif.rheobase_ua, "rheobase");
    assertReads(text.match(/time constant ([\d.]+)/)[1], lif.tau_ms, "time constant");
  }),
);

test(
  "the largest beta_n is one whose sign is known",
  at(async (page) => {
    const text = await page.locator("#short").innerText();
    const known = document_.steps.filter((step) => (step.beta_n_per_ua_low ?? 0) > 0);
    const largest = known.reduce((best, step) => (step.beta_n_per_ua > best.beta_n_per_ua ? step : best));
    const [, told, current] = text.match(/Largest compressibility β_n\s+([\d.]+) .* at ([\d.]+) µA/);
    assertReads(told, largest.beta_n_per_ua, "largest beta_n");
    assert.equal(value(current), Number(largest.current_ua.toFixed(3)));
    assert.doesNotMatch(text, /alone/);
  }),
);

test("a larger beta_n whose interval reaches zero is not the largest", async () => {
  const [before_, data, after_] = read(page_path).split(/(?<=<script[^>]*id="data"[^>]*>)([^]*?)(?=<\/script>)/);
  const changed = JSON.parse(data);
  const { keys, rows } = changed.result.steps;
  const row = rows.find((values) => values[keys.indexOf("beta_n_per_ua")] !== null);
  const uncertain = { beta_n_per_ua: 7, beta_n_per_ua_low: -1, beta_n_per_ua_high: 15 };
  for (const [key, number] of Object.entries(uncertain)) row[keys.indexOf(key)] = number;
  const path = join(folder, "uncertain.html");
  writeFileSync(path, before_ + JSON.stringify(changed).replaceAll("<", "\\u003c") + after_);
  await withPage(path, {}, async (page) => {
    const text = await page.locator("#short").innerText();
    assert.match(text, /Largest compressibility β_n\s+[\d.]+ \[/);
    assert.doesNotMatch(text, /Largest compressibility β_n\s+7\.000/);
  });
});

test(
  "a step shows the spikes of the file, and the histogram counts their intervals",
  at(async (page) => {
    const firing = document_.steps.findIndex((step) => step.n_spikes > 20);
    await page.locator("#step").selectOption({ index: firing });
    assert.equal(await page.locator("#step-view").getAttribute("data-row"), String(firing));
    const { n_spikes: spikes } = document_.steps[firing];
    assert.match(await page.locator("#raster-summary").innerText(), new RegExp(`^${spikes} spikes`));
    assert.match(await page.locator("#isi-summary").innerText(), new RegExp(`^${spikes - 1} intervals`));
    assert.match(await page.locator("#return-summary").innerText(), new RegExp(`^${spikes - 2} pairs`));
  }),
);

const view = async (page, id) => (await page.locator(`#${id}`).getAttribute("data-view"))?.split(" ").map(Number);

test(
  "buttons and keys zoom, and the whole comes back",
  at(async (page) => {
    await page.getByRole("button", { name: "Zoom in: Trace around spikes" }).click();
    const [from, until] = await view(page, "trace");
    const before_ = amount(await paint(page, "trace"));
    await page.locator("#trace .plot").focus();
    await page.keyboard.press("+");
    const nearer = await view(page, "trace");
    assert.ok(Math.abs((nearer[1] - nearer[0]) / (until - from) - 0.5) < 1e-6);
    assert.ok(nearer[0] >= from && nearer[1] <= until);
    await page.keyboard.press("ArrowRight");
    const moved = await view(page, "trace");
    assert.ok(moved[0] > nearer[0]);
    await page.keyboard.press("0");
    const whole = await view(page, "trace");
    assert.equal(whole[0], 0);
    const row = Number(await page.locator("#step-view").getAttribute("data-row"));
    assert.ok(Math.abs(whole[1] - document_.steps[row].duration_s) < 1e-9);
    assert.notEqual(amount(await paint(page, "trace")), before_);
  }),
);

test(
  "a drag of the pointer zooms, and a double click ends it",
  at(async (page) => {
    const over = page.locator("#fi .u-over");
    await over.scrollIntoViewIfNeeded();
    const box = await over.boundingBox();
    await page.mouse.move(box.x + 0.25 * box.width, box.y + 0.5 * box.height);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.75 * box.width, box.y + 0.5 * box.height, { steps: 4 });
    await page.mouse.up();
    const [from, until] = await view(page, "fi");
    // Far from every point, which a click would choose.
    await over.dblclick({ position: { x: 12, y: 40 } });
    const [low, high] = await view(page, "fi");
    assert.ok(Math.abs((until - from) / (high - low) - 0.5) < 0.02, `${from} to ${until} of ${low} to ${high}`);
  }),
);

test(
  "the keyboard goes from point to point and shows the step of one",
  at(async (page) => {
    await page.locator("#fi .plot").focus();
    for (let k = 0; k < 4; ++k) await page.keyboard.press("ArrowRight");
    const told = await page.locator("#fi .readout").innerText();
    assert.match(told, /^Step 3: /);
    assert.ok(told.includes(`${document_.steps[3].current_ua.toFixed(3)} µA`), told);
    await page.keyboard.press("Enter");
    assert.equal(await page.locator("#step-view").getAttribute("data-row"), "3");
    await page.keyboard.press("]");
    assert.equal(await page.locator("#step-view").getAttribute("data-row"), "4");
    await page.keyboard.press("[");
    assert.equal(await page.locator("#step-view").getAttribute("data-row"), "3");
  }),
);

test(
  "the trace goes to any spike by its number",
  at(async (page) => {
    const firing = document_.steps.findIndex((step) => step.n_spikes > 20);
    await page.locator("#step").selectOption({ index: firing });
    await page.locator("#spike").fill("7");
    await page.locator("#spike").press("Enter");
    assert.match(await page.locator("#trace .choices .readout").innerText(), /^Spike 7 of \d+ at [\d.]+ s$/);
    await page.getByRole("button", { name: "Zoom to one spike" }).click();
    const [from, until] = await view(page, "trace");
    const second = Number((await page.locator("#trace .choices .readout").innerText()).match(/at ([\d.]+) s/)[1]);
    assert.ok(from < second && second < until);
    // A spike is a line that goes up and down, not a block.
    assert.ok(amount(await paint(page, "trace")) > 200);
  }),
);

test("the theme changes what is drawn, and follows the system", async () => {
  await withPage(page_path, { colorScheme: "dark" }, async (page) => {
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(await ground(), "rgb(21, 25, 30)");
    const dark = await paint(page, "fi");
    await page.locator("#theme").selectOption("light");
    assert.equal(await ground(), "rgb(255, 255, 255)");
    const light = await paint(page, "fi");
    assert.ok(light["0,114,178"] > 20, "blue of the light theme");
    assert.ok(dark["86,180,233"] > 20, "blue of the dark theme");
    assert.equal(light["86,180,233"] ?? 0, 0);
  });
});

test(
  "both directions and the fits are in the picture, each in its look",
  at(async (page) => {
    const colours = await paint(page, "fi");
    assert.ok(colours["0,114,178"] > 20, "current going up");
    assert.ok(colours["213,94,0"] > 20, "current going down");
    assert.ok(colours["27,31,36"] > 20, "LIF");
    const legend = await page.locator("#fi .legend").innerText();
    for (const text of ["current going up", "current going down", "LIF fit", "ideal integrate-and-fire"]) {
      assert.ok(legend.includes(text), text);
    }
  }),
);

test("the terminal draws the same curve", () => {
  const told = thyrode("show", recording_path);
  assert.match(told, /\n +f \[Hz\] .*\^ current up.*\n[^]*\n +\+-+\n +28 +44 +60 uA\n/);
});

test(
  "figures are downloaded as SVG and as PNG",
  at(async (page) => {
    for (const [kind, begin] of [
      ["SVG", "<svg xmlns"],
      ["PNG", "\x89PNG"],
    ]) {
      const [file] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: `Download as ${kind}: Rate f against current I` }).click(),
      ]);
      assert.equal(file.suggestedFilename(), `sweep-fi.${kind.toLowerCase()}`);
      const text = (await import("node:fs")).readFileSync(await file.path(), "latin1");
      assert.equal(text.slice(0, begin.length), begin);
      if (kind === "SVG") {
        assert.ok(text.includes("Current I (") && text.includes("Rate f (Hz)"), "axes");
        assert.ok(text.split("<path").length > document_.steps.length, "marks");
        assert.doesNotMatch(text, /NaN|undefined/);
      } else {
        assert.ok(text.length > 10000);
      }
    }
  }),
);

test(
  "the table is downloaded with every digit",
  at(async (page) => {
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Table as CSV" }).click(),
    ]);
    const [head, ...lines] = read(await file.path())
      .trim()
      .split("\n")
      .map((line) => line.split(","));
    assert.equal(lines.length, document_.steps.length);
    const column = head.indexOf("frequency_hz");
    document_.steps.forEach((step, k) => {
      assert.equal(lines[k][column] === "" ? null : Number(lines[k][column]), step.frequency_hz);
    });
  }),
);

test("paper gets lines instead of pixels, on a light ground", async () => {
  await withPage(page_path, { colorScheme: "dark" }, async (page) => {
    await page.emulateMedia({ media: "print" });
    await page.waitForFunction(() => document.querySelectorAll(".paper img").length >= 7);
    for (const picture of await page.locator(".paper img").all()) {
      assert.ok(await picture.evaluate((image) => image.decode().then(() => image.naturalWidth > 100)));
    }
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
    assert.equal(await page.locator(".plot").first().isVisible(), false);
    assert.ok((await page.pdf({ format: "A4" })).length > 20000);
  });
});

test("nothing is wider than the window, on a desk and on a telephone", async () => {
  for (const width of [1280, 820, 390]) {
    await withPage(page_path, { viewport: { width, height: 800 } }, async (page) => {
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
      await assertNoEmptyFigure(page);
    });
  }
});

test(
  "everything has a name, and Tab reaches every control",
  at(async (page) => {
    assert.equal(await page.locator("h1").count(), 1);
    const nameless = await page.evaluate(() => {
      const all = [...document.querySelectorAll("button, select, input, summary, .plot, section")];
      const named = (e) =>
        e.getAttribute("aria-label") || e.labels?.length || e.textContent.trim() || e.getAttribute("aria-labelledby");
      return all.filter((e) => !named(e)).map((e) => e.outerHTML.slice(0, 80));
    });
    assert.deepEqual(nameless, []);
    const unreachable = await page.evaluate(
      () =>
        [...document.querySelectorAll("button, select, input, .plot")].filter((e) => e.offsetParent && e.tabIndex < 0)
          .length,
    );
    assert.equal(unreachable, 0);
    await page.keyboard.press("Tab");
    const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.equal(ring, "solid");
    // Behind each plot stand its numbers.
    for (const details of await page.locator("figure details.numbers").all()) {
      await details.locator("summary").click();
      await details.locator("tbody").waitFor();
      assert.ok((await details.locator("tbody tr").count()) > 0);
    }
  }),
);
