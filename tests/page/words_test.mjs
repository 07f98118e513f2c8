// The page means by a word what README.md and the terminal mean by it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { before, test } from "node:test";

let words;
before(async () => {
  const { transformSync } = createRequire(join(process.env.THYRODE_PAGE_BUILD, "here.js"))("esbuild");
  const { code } = transformSync(readFileSync("daemon/page/src/words.ts", "utf8"), { loader: "ts", format: "esm" });
  words = await import(`data:text/javascript,${encodeURIComponent(code)}`);
});

/** The rows of README's table whose first column has this title: [words, text]. */
function readmeTable(title) {
  const [, table] = readFileSync("README.md", "utf8").split(new RegExp(`^\\| ${title} \\|.*\\n\\| --- .*\\n`, "m"));
  const lines = table.split(/\n(?!\|)/)[0].split("\n");
  return lines.map((line) => {
    const [, first, text] = line.split("|");
    return [[...first.matchAll(/`(\w+)`/g)].map((match) => match[1]), text];
  });
}

test("every status and every label of README.md has its words, and no other has", () => {
  const named = (title) => readmeTable(title).flatMap(([names]) => names);
  assert.deepEqual(Object.keys(words.statusWords).sort(), named("status").sort());
  assert.deepEqual(Object.keys(words.labelWords).sort(), named("label").sort());
});

test("the words of a status say what README.md says", () => {
  const readme = Object.fromEntries(readmeTable("status").map(([[name], text]) => [name, text]));
  const both = {
    ok: [/as precise/],
    upper_bound: [/silen/],
    undetermined: [/no interval from its scatter/, /fewer than five spikes/, /ten equal groups/, /companion/],
    drifting: [/three extensions/, /last half/, /in no fit/],
    saturated: [/converter was at an end of its range/],
    aliased: [/least_peak/, /lost between samples/],
    interrupted: [/in no bracket and no fit/],
  };
  for (const [name, patterns] of Object.entries(both)) {
    for (const pattern of patterns) {
      assert.match(readme[name], pattern, `README of ${name}`);
      assert.match(words.statusWords[name], pattern, name);
    }
  }
});

test("only tau_L and R_L have a unit; what only an operator knows is the bare number", () => {
  assert.equal(words.conditionText({ tau_L: 3e-4 }), "tau_L = 0.3 ms");
  assert.equal(words.conditionText({ R_L: 300 }), "R_L = 300 Ω");
  assert.equal(words.conditionText({ Rate: 2, C_drive: 5e-3, tau: 7 }), "Rate = 2, C_drive = 0.005, tau = 7");
});
