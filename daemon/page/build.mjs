// Bundles the page into a C++ source: node build.mjs NODE_MODULES OUT.cpp
import { createRequire } from "node:module";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const [modules, out] = process.argv.slice(2);
const { buildSync } = createRequire(join(resolve(modules), "here.js"))("esbuild");

/** The text that esbuild makes of one entry. */
function bundle(entry) {
  const result = buildSync({
    entryPoints: [entry],
    bundle: true,
    write: false,
    minify: true,
    format: "iife",
    target: ["chrome100", "firefox100", "safari15"],
    charset: "ascii",
    legalComments: "inline",
    nodePaths: [resolve(modules)],
    logLevel: "warning",
  });
  return result.outputFiles[0].text;
}

/** A C++ literal; in pieces, for no compiler has to take a long one. */
function literal(text) {
  const pieces = text.match(/[^]{1,12000}/g) ?? [];
  return pieces.map((piece) => `R"page(${piece})page"`).join("\n    ");
}

// An end of a script inside of it would end it in the page.
const program = bundle("src/report.ts").replace(/<\/script/gi, "<\\/script");
const style = bundle("src/report.css");
mkdirSync(dirname(out), { recursive: true });
writeFileSync(
  out,
  `#include "daemon/page/page.hpp"

namespace thyrode::page {

std::string_view report_program() {
  return ${literal(program)};
}
std::string_view report_style() {
  return ${literal(style)};
}

}  // namespace thyrode::page
`,
);
