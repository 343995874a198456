// Makes src/live/kernel.wasm and kernel.fused.wasm: `npm run kernel`; with --check nothing is written.
//
// Matrix products y[n, m] = x[n, k] · w[m, k]ᵀ, of float32 and of int8 weights, which are made
// float32 in registers: a quarter of the memory is read for them. m is a multiple of 4, k of 4, with
// int8 of 8. Each weight is read once for all rows of x, four of which are multiplied at a time.
import { readFileSync, writeFileSync } from "node:fs";
import wabt from "wabt";

const range = (count) => Array.from({ length: count }, (_, at) => at);
const get = (name) => `(local.get $${name})`;
const set = (name, value) => `(local.set $${name} ${value})`;
const add = (name, bytes) => set(name, `(i32.add ${get(name)} (i32.const ${bytes}))`);
const ZERO = "(v128.const i32x4 0 0 0 0)";

/** Four weights of each of `columns` rows of w into $w0, $w1, …: `part` 0, or of int8 0 and 1 of a step. */
const KINDS = {
  float32: { width: 4, bytes: 16, load: (columns) => [range(columns).map((c) => set(`w${c}`, `(v128.load ${get(`b${c}`)})`))] },
  int8: {
    width: 8, bytes: 8,
    load: (columns) => ["low", "high"].map((half) => range(columns).map((c) => [
      half === "low" ? set(`e${c}`, `(v128.load8x8_s ${get(`b${c}`)})`) : "",
      set(`w${c}`, `(f32x4.convert_i32x4_s (i32x4.extend_${half}_i16x8_s ${get(`e${c}`)}))`),
    ].join(" "))),
  },
};

/** `rows` rows of x from $i on by `columns` rows of w from $j on. */
function tile(rows, columns, { width, bytes, load, add: sums }) {
  const each = (make) => range(rows).flatMap((r) => range(columns).map((c) => make(r, c)));
  const products = (at) => range(rows).flatMap((r) => [
    set("q", `(v128.load offset=${16 * at} ${get(`a${r}`)})`),
    ...range(columns).map((c) => set(`s${r}${c}`, sums(get(`s${r}${c}`), get("q"), get(`w${c}`)))),
  ]);
  const sum = (name) => range(4).map((lane) => `(f32x4.extract_lane ${lane} ${get(name)})`).reduce((a, b) => `(f32.add ${a} ${b})`);
  return [
    ...range(rows).map((r) => set(`a${r}`, r ? `(i32.add ${get(`a${r - 1}`)} ${get("row")})` : `(i32.add ${get("x")} (i32.mul ${get("i")} ${get("row")}))`)),
    ...range(columns).map((c) => set(`b${c}`, c ? `(i32.add ${get(`b${c - 1}`)} ${get("wide")})` : `(i32.add ${get("w")} (i32.mul ${get("j")} ${get("wide")}))`)),
    set("end", `(i32.add ${get("b0")} ${get("wide")})`),
    ...each((r, c) => set(`s${r}${c}`, ZERO)),
    `(loop $inner${rows}${columns}`,
    ...load(columns).flatMap((weights, at) => [...weights, ...products(at)]),
    ...range(rows).map((r) => add(`a${r}`, 4 * width)),
    ...range(columns).map((c) => add(`b${c}`, bytes)),
    `(br_if $inner${rows}${columns} (i32.lt_u ${get("b0")} ${get("end")})))`,
    set("out", `(i32.add ${get("y")} (i32.shl (i32.add (i32.mul ${get("i")} ${get("m")}) ${get("j")}) (i32.const 2)))`),
    ...range(rows).flatMap((r) => [
      ...range(columns).map((c) => `(f32.store offset=${4 * c} ${get("out")} ${sum(`s${r}${c}`)})`),
      r + 1 < rows ? set("out", `(i32.add ${get("out")} (i32.shl ${get("m")} (i32.const 2)))`) : "",
    ]),
  ].join("\n");
}

function product(name, kind) {
  const alone = `(if (i32.eq ${get("n")} (i32.const 1)) (then (loop $one
    ${tile(1, 4, kind)}
    ${add("j", 4)} (br_if $one (i32.lt_s ${get("j")} ${get("m")}))) (return)))`;
  const left = [5, 4, 3, 2, 1].map((rows) => `(if (i32.eq (i32.sub ${get("n")} ${get("i")}) (i32.const ${rows})) (then ${tile(rows, 2, kind)}))`);
  return `(func (export "${name}") (param $x i32) (param $w i32) (param $y i32) (param $n i32) (param $m i32) (param $k i32)
    (local $i i32) (local $j i32) (local $out i32) (local $row i32) (local $wide i32) (local $end i32) (local $q v128)
    ${range(5).map((at) => `(local $a${at} i32) (local $b${at} i32) (local $w${at} v128) (local $e${at} v128)`).join(" ")}
    ${range(5).flatMap((r) => range(4).map((c) => `(local $s${r}${c} v128)`)).join(" ")}
    ${set("row", `(i32.shl ${get("k")} (i32.const 2))`)}
    ${set("wide", `(i32.mul ${get("k")} (i32.const ${kind.bytes / kind.width}))`)}
    ${alone}
    (loop $columns
      ${set("i", "(i32.const 0)")}
      (block $few (loop $rows
        (br_if $few (i32.ge_s (i32.add ${get("i")} (i32.const 5)) ${get("n")}))
        ${tile(4, 2, kind)}
        ${add("i", 4)} (br $rows)))
      ${left.join("\n")}
      ${add("j", 2)} (br_if $columns (i32.lt_s ${get("j")} ${get("m")}))))`;
}

const sums = {
  "kernel.wasm": (sum, x, w) => `(f32x4.add ${sum} (f32x4.mul ${x} ${w}))`,
  "kernel.fused.wasm": (sum, x, w) => `(f32x4.relaxed_madd ${x} ${w} ${sum})`, // one rounding, in browsers that have it
};
const { parseWat } = await wabt();
for (const [name, add] of Object.entries(sums)) {
  const exports = Object.entries({ products: KINDS.float32, products8: KINDS.int8 }).map(([each, kind]) => product(each, { ...kind, add }));
  const source = `(module (memory (export "memory") 1) ${exports.join(" ")})`;
  const target = new URL(`src/live/${name}`, import.meta.url);
  const { buffer } = parseWat(name, source, { simd: true, relaxed_simd: true }).toBinary({});
  if (!process.argv.includes("--check")) writeFileSync(target, buffer);
  else if (!readFileSync(target).equals(Buffer.from(buffer))) {
    console.error(`${name} is not what kernel.js gives; run 'npm run kernel' in frontend/`);
    process.exitCode = 1;
  }
}
