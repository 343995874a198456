// Makes src/live/kernel.wasm of kernel.wat: `npm run kernel`; with --check nothing is written.
import { readFileSync, writeFileSync } from "node:fs";
import wabt from "wabt";

const [source, target] = ["wat", "wasm"].map((suffix) => new URL(`src/live/kernel.${suffix}`, import.meta.url));
const { buffer } = (await wabt()).parseWat("kernel.wat", readFileSync(source, "utf8"), { simd: true }).toBinary({});
if (!process.argv.includes("--check")) writeFileSync(target, buffer);
else if (!readFileSync(target).equals(Buffer.from(buffer))) {
  console.error("kernel.wasm is not what kernel.wat gives; run 'npm run kernel' in frontend/");
  process.exitCode = 1;
}
