// The page reads what the program has packed: the same texts as in tests/unit/report/pack_test.cpp.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { before, test } from "node:test";

let Unpacker;
before(async () => {
  const { transformSync } = createRequire(join(process.env.THYRODE_PAGE_BUILD, "here.js"))("esbuild");
  const { code } = transformSync(readFileSync("daemon/page/src/unpack.ts", "utf8"), { loader: "ts", format: "esm" });
  ({ Unpacker } = await import(`data:text/javascript,${encodeURIComponent(code)}`));
});

test("whole numbers, the lowest bits first", () => {
  const numbers = new Unpacker("AawCfw==");
  assert.deepEqual([numbers.next(), numbers.next(), numbers.next()], [1, 300, 127]);
  assert.ok(numbers.done);
});

test("near numbers as differences, and one that is missing", () => {
  const numbers = new Unpacker("0Q8CAAE=");
  assert.deepEqual(
    [0, 0, 0, 0].map(() => numbers.nextNear()),
    [1000, 999, NaN, 999],
  );
  assert.ok(numbers.done);
});

test("a text of nothing is at its end", () => {
  assert.ok(new Unpacker("").done);
});
