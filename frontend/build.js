// Builds the page's script and style into the Python package: `npm run build`.
// With --check nothing is written; the committed files must be what the source gives.
import { build } from "esbuild";
import { readFileSync, mkdirSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { basename, join } from "node:path";

const here = fileURLToPath(new URL(".", import.meta.url));
const target = join(here, "../src/munmaek/web/static");
const LIMIT = 80_000; // bytes of a page's script and style together, compressed

// What files of figures have of the styles: the colours of paper, and the rules of SVG with them.
const styles = ["base", "viewer"].map((name) => readFileSync(join(here, `src/${name}.css`), "utf8")).join("\n");
const colours = Object.fromEntries([.../:root \{([^}]*)\}/.exec(styles)[1].matchAll(/--([\w-]+):\s*([^;]+);/g)].map(([, name, value]) => [name, value]));
const rules = [...styles.matchAll(/^svg(?! \{)[^:{]*\{[^}]*\}/gm)].map(([rule]) => rule.replace(/var\(--([\w-]+)\)/g, (_, name) => colours[name])).join("\n");
const paper = {
  name: "paper",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^styles:paper$/ }, ({ path }) => ({ path, namespace: "styles" }));
    onLoad({ filter: /.*/, namespace: "styles" }, () => ({ contents: JSON.stringify({ colours, rules }), loader: "json" }));
  },
};

const { outputFiles } = await build({
  plugins: [paper],
  absWorkingDir: here,
  entryPoints: { viewer: "src/main.js", "viewer.style": "src/viewer.css", report: "src/report.js", files: "src/files.js", "report.style": "src/report.css" },
  entryNames: "[name]",
  outdir: target,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  write: false,
});

const check = process.argv.includes("--check");
const compressed = { viewer: 0, report: 0, files: 0 };
mkdirSync(target, { recursive: true });
for (const { path, text: built } of outputFiles) {
  const text = built.replaceAll("<!--", "<\\!--"); // the same string, and no beginning of a comment
  const name = basename(path).replace(".style", "");
  // Both stand inside the page: nothing in them may end their element.
  if ((name.endsWith(".js") ? /<\/script|<!--/i : /<\//).test(text)) throw new Error(`${name} holds markup that would end its element`);
  compressed[name.split(".")[0]] += gzipSync(text, { level: 9 }).length;
  const file = join(target, name);
  if (!check) writeFileSync(file, text);
  else if (readFileSync(file, "utf8") !== text) {
    console.error(`${file} is not what frontend/src gives; run 'npm run build' in frontend/`);
    process.exitCode = 1;
  }
}
console.log(`${JSON.stringify(compressed)} bytes compressed, limit ${LIMIT}`);
if (Math.max(...Object.values(compressed)) > LIMIT) process.exitCode = 1;
