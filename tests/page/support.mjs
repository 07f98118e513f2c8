// A recording by the program under test, its page, and a browser that opens it.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before } from "node:test";
import { pathToFileURL } from "node:url";

const { chromium } = createRequire(join(process.env.THYRODE_PAGE_MODULES, "here.js"))("playwright-core");
export const program = process.env.THYRODE_PROGRAM;

/** An empty folder that goes with the tests of a file. */
export const folder = mkdtempSync(join(tmpdir(), "thyrode-page-"));

function findBrowser() {
  for (const place of process.env.PATH.split(delimiter)) {
    const path = join(place, "chromium");
    if (existsSync(path)) return path;
  }
  throw new Error("there is no chromium in PATH: on Debian, apt-get install chromium");
}

let browser;
before(async () => {
  // The sandbox of Chromium needs rights that a container, or root, does not have; the pages are our own.
  browser = await chromium.launch({ executablePath: findBrowser(), args: ["--no-sandbox"] });
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

export function thyrode(...args) {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 28 });
}

/** Writes an experiment and carries it out. @returns path of the recording */
export function record(name, yaml, ...options) {
  const experiment = join(folder, `${name}.yaml`);
  const out = join(folder, `${name}.nwb`);
  writeFileSync(experiment, yaml);
  thyrode("run", experiment, "--out", out, ...options);
  return out;
}

/** Begins a run, waits for its first row, and kills it. @returns path of what it left */
export function recordAndKill(name, yaml) {
  const experiment = join(folder, `${name}.yaml`);
  const out = join(folder, `${name}.nwb`);
  writeFileSync(experiment, yaml);
  const run = spawn(program, ["run", experiment, "--out", out, "--real-time", "--json"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  return new Promise((resolve) => {
    run.stdout.once("data", () => run.kill("SIGKILL"));
    run.once("close", () => resolve(`${out}.part`));
  });
}

/** What `show` says of a recording: the numbers that a page has to show. */
export const shown = (path) => JSON.parse(thyrode("show", path, "--json"));

/** Makes the page of a recording. @returns its path */
export function report(path) {
  return thyrode("report", path).trim();
}

/** Opens a page. Whatever the browser complains of, and every request for anything but the page, fails the test. */
export async function open(path, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    acceptDownloads: true,
    ...options,
  });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error.stack)));
  const url = pathToFileURL(path).href;
  page.on("request", (request) => {
    if (request.url() !== url && !/^(data|blob):/.test(request.url())) complaints.push(`asks for ${request.url()}`);
  });
  await page.goto(url);
  await page.waitForSelector("html[data-ready=yes]");
  return {
    page,
    async close() {
      await context.close();
      assert.deepEqual(complaints, []);
    },
  };
}

/** Opens a page for one test. */
export async function withPage(path, options, body) {
  const opened = await open(path, options);
  await body(opened.page);
  await opened.close();
}

/** Pixels inside the axes of a figure that are neither ground nor grid, in each of its colours. */
export function paint(page, id) {
  return page.locator(`#${id} canvas`).evaluate((canvas) => {
    const over = canvas.parentElement.querySelector(".u-over");
    const scale = canvas.width / canvas.clientWidth;
    const box = [over.offsetLeft, over.offsetTop, over.offsetWidth, over.offsetHeight].map((v) =>
      Math.floor(v * scale),
    );
    // Axes lie on the border.
    const copy = document.createElement("canvas");
    [copy.width, copy.height] = [canvas.width, canvas.height];
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.drawImage(canvas, 0, 0);
    const { data } = context.getImageData(box[0] + 3, box[1], box[2] - 4, box[3] - 3);
    const colours = {};
    for (let k = 0; k < data.length; k += 4) {
      if (data[k + 3] < 200) continue;
      const colour = `${data[k]},${data[k + 1]},${data[k + 2]}`;
      colours[colour] = (colours[colour] ?? 0) + 1;
    }
    for (const grid of ["227,230,234", "44,51,59"]) delete colours[grid];
    return colours;
  });
}

export function amount(colours) {
  return Object.values(colours).reduce((sum, pixels) => sum + pixels, 0);
}

/** Every figure has paint, or says in words why there is none. @returns ids of those that have */
export async function assertNoEmptyFigure(page) {
  const painted = [];
  for (const id of await page
    .locator("figure")
    .evaluateAll((all) => all.filter((f) => f.offsetParent).map((f) => f.id))) {
    if (await page.locator(`#${id} .plot`).isVisible()) {
      assert.ok(amount(await paint(page, id)) > 20, `${id} is empty`);
      painted.push(id);
    } else {
      assert.match(await page.locator(`#${id} .empty`).innerText(), /\w+ .*\./, `${id} says nothing`);
    }
  }
  return painted;
}

/** Nothing on the page is a number that is none. */
export async function assertNoNonsense(page) {
  const text = await page.locator("main").evaluate((main) => {
    for (const details of main.querySelectorAll("details")) details.open = true;
    return main.innerText;
  });
  assert.doesNotMatch(text, /\bNaN\b|\bInfinity\b|undefined\b(?! {2})|\[object|\bnull\b/);
}

export const read = (path) => readFileSync(path, "utf8");
export { join };
