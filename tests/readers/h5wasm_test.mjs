// A recording as h5wasm reads it, which is what opens one in a browser.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

const folder = mkdtempSync(join(tmpdir(), "thyrode-h5wasm-"));
let file;
before(async () => {
  const module = join(process.env.THYRODE_READER_MODULES, "h5wasm/dist/node/hdf5_hl.js");
  const { default: h5wasm } = await import(pathToFileURL(module));
  await h5wasm.ready;
  const path = join(folder, "sample.nwb");
  execFileSync(process.env.THYRODE_SAMPLE, [path]);
  file = new h5wasm.File(path, "r");
});
after(() => {
  file?.close();
  rmSync(folder, { recursive: true });
});

const value = (path) => file.get(path).value;
const attribute = (path, name) => file.get(path).attrs[name].value;

test("the trace has its values, its unit and its scale", () => {
  const data = "acquisition/V_out_A/data";
  assert.equal(file.get(data).shape[0], 10000);
  assert.equal(attribute(data, "unit"), "volts");
  assert.equal(attribute(data, "conversion"), 1e-3);
  // The first sum of the sample is 10 times code (5000 * 7) % 4096.
  const volts = value(data)[0] * 1e-3;
  const code = volts / attribute(data, "adc_scale") + attribute(data, "adc_zero");
  assert.ok(Math.abs(code - ((5000 * 7) % 4096)) < 1e-3, `${code}`);
});

test("spike times are seconds, one train a channel", () => {
  const times = value("units/spike_times");
  const ends = Array.from(value("units/spike_times_index"), Number);
  assert.equal(ends.length, 2);
  assert.equal(times.length, ends[1]);
  assert.ok(Math.abs(times[0] - 1234 / 64e6) < 1e-12, `${times[0]}`);
  assert.equal(attribute("units/spike_times", "unit"), "seconds");
});

test("the step table has its columns with their units", () => {
  const steps = "processing/icephys/steps";
  const currents = value(`${steps}/current_ua`);
  assert.equal(currents.length, 8);
  assert.ok(Math.abs(currents[0] - (34 + 1 / 3)) < 1e-12);
  assert.equal(attribute(`${steps}/current_ua`, "unit"), "microamperes");
  assert.equal(attribute(`${steps}/frequency_hz`, "unit"), "hertz");
  assert.equal(value(`${steps}/status`)[0], "ok");
});
