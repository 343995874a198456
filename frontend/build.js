// Builds the page's script and style into the Python package: `npm run build`.
// With --check nothing is written; the committed files must be what the source gives.
import { build } from "esbuild";
import { readFileSync, mkdirSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { basename, join } from "node:path";

const here = fileURLToPath(new URL(".", import.meta.url));
const target = join(here, "../src/munmaek/web/static");
const LIMITS = { viewer: 100_000, report: 80_000, files: 80_000, living: 150_000, engine: 40_000, old: 1_000 }; // bytes of a page's script and style together, compressed

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

// Messages with an address are the command line's; a page holds no address, so that all can see that it loads nothing.
const messages = {
  name: "messages",
  setup({ onLoad }) {
    onLoad({ filter: /messages\.json$/ }, ({ path }) => {
      const said = Object.entries(JSON.parse(readFileSync(path, "utf8"))).filter((pair) => !pair.join().includes("://"));
      return { contents: JSON.stringify(Object.fromEntries(said)), loader: "json" };
    });
  },
};

const shared = {
  plugins: [paper, messages],
  absWorkingDir: here,
  loader: { ".wasm": "binary" },
  outdir: target,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  write: false,
};
const pages = await build({
  ...shared,
  entryPoints: { viewer: "src/main.js", "viewer.style": "src/viewer.css", report: "src/report.js", files: "src/files.js", living: "src/live/main.js", "living.style": "src/live/living.css", "report.style": "src/report.css" },
  entryNames: "[name]",
});
// What computes, alone: for pages of others, and for tests without a browser.
const engine = await build({ ...shared, entryPoints: { engine: "src/live/engine.js" }, globalName: "munmaekLive" });
// What an old browser can read, so that it is told what it lacks.
const old = await build({ ...shared, entryPoints: { old: "src/live/old.js" }, format: undefined, target: "es5" });
const outputFiles = [...pages.outputFiles, ...engine.outputFiles, ...old.outputFiles];

const check = process.argv.includes("--check");
const compressed = Object.fromEntries(Object.keys(LIMITS).map((name) => [name, 0]));
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
console.log(`${JSON.stringify(compressed)} bytes compressed, limits ${JSON.stringify(LIMITS)}`);
if (Object.entries(LIMITS).some(([name, limit]) => compressed[name] > limit)) process.exitCode = 1;
