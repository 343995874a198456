// Scaled dot-product attention of many heads: `munmaek.nn.attention`. Letters: T positions that ask,
// S positions that are asked, H heads, K width of a head, D = H · K. Keys and values are lists of
// rows [D], so that what was read once is shared by all that goes on from it.
import { each, rowOf, softmax } from "../maths.js";
import { linear } from "../weights.js";
import { attentionLines, joinedLines, linearLine } from "./lines.js";

/** The rows of [N, D] as they lie. */
export const rowsOf = (values, width) => Array.from({ length: values.length / width }, (_, at) => rowOf(values, at, width));

/** Cosines and sines of positions, for heads of even width K: functions of [N, D] that turn it. */
export function rotary(start, heads, width) {
  const halves = width / 2;
  const rates = Float64Array.from({ length: halves }, (_, at) => 10000 ** (-(2 * at) / width));
  return (values) => {
    const out = new Float32Array(values.length);
    const size = heads * width;
    for (let at = 0; at < values.length; at++) {
      const [row, inner] = [Math.floor(at / size), at % width];
      const angle = (start + row) * rates[inner % halves];
      const other = inner < halves ? -values[at + halves] : values[at - halves];
      out[at] = values[at] * Math.cos(angle) + other * Math.sin(angle);
    }
    return out;
  };
}

/**
 * softmax(Q Kᵀ / √K) V: context [T, D], and the weights of each head [T · S]. `causal`: no position
 * sees one after it, the last stands at the last key.
 */
export function attend(queries, keys, values, { heads, causal = false }, tape) {
  const span = keys.length;
  const width = (keys[0]?.length ?? 0) / heads;
  const size = queries.length / (heads * width);
  const context = new Float32Array(size * heads * width);
  const [scores, weights] = [new Float32Array(heads * size * span), new Float32Array(heads * size * span)];
  const silent = tape.silent();
  for (let head = 0; head < heads; head++) {
    for (let t = 0; t < size; t++) {
      const [from, to] = [(head * size + t) * span, t * heads * width + head * width];
      const seen = causal ? span - size + t + 1 : span;
      const own = new Float32Array(span).fill(-Infinity);
      for (let s = 0; s < span; s++) {
        const key = keys[s];
        let dot = 0;
        for (let k = 0; k < width; k++) dot += queries[to + k] * key[head * width + k];
        scores[from + s] = dot / Math.sqrt(width);
        if (s < seen) own[s] = scores[from + s];
      }
      const chosen = tape.set(softmax(own), head, t);
      weights.set(chosen, from);
      if (silent.includes(head)) continue;
      for (let s = 0; s < span; s++) {
        const weight = chosen[s];
        if (weight) for (let k = 0; k < width; k++) context[to + k] += weight * values[s][head * width + k];
      }
    }
  }
  if (tape.keep) record(tape, { queries, keys, values, scores, weights, context }, [heads, size, span, width]);
  return { context, weights };
}

function record(tape, { queries, keys, values, scores, weights, context }, [heads, size, span, width]) {
  const byHead = (rows) => {
    const out = new Float32Array(heads * rows.length * width);
    for (let head = 0; head < heads; head++) rows.forEach((row, at) => out.set(row.subarray(head * width, (head + 1) * width), (head * rows.length + at) * width));
    return out;
  };
  const named = { queries: rowsOf(queries, heads * width), keys, values };
  for (const [name, rows] of Object.entries(named)) tape.record(name, byHead(rows), [heads, rows.length, width]);
  tape.record("scores", scores, [heads, size, span]);
  tape.record("weights", weights, [heads, size, span]);
  tape.record("context", byHead(rowsOf(context, heads * width)), [heads, size, width]);
}

const partOf = (tensors, name) => ({ weight: tensors[`${name}.weight`], bias: tensors[`${name}.bias`] });
const product = (tensors, name) => (x, rows) => linear(x, rows, tensors[`${name}.weight`], tensors[`${name}.bias`]);

/** MultiHead(x, x), its projections in one matrix `qkv`; without `output` what its heads give is the result. */
export class SelfAttention {
  constructor(tensors, name, heads) {
    const of = (part) => partOf(tensors, `${name}.${part}`);
    Object.assign(this, { heads, all: of("qkv"), last: of("output"), qkv: product(tensors, `${name}.qkv`) });
    this.output = this.last.weight ? product(tensors, `${name}.output`) : (x) => x;
  }

  /** Queries, keys and values of [N, D]; `turned` by positions where they are rotary. */
  parts(x, rows, turned = (values) => values) {
    const all = this.qkv(x, rows);
    const width = all.length / rows / 3;
    const part = (at) => {
      const out = new Float32Array(rows * width);
      for (let row = 0; row < rows; row++) out.set(all.subarray((3 * row + at) * width, (3 * row + at + 1) * width), row * width);
      return out;
    };
    return { queries: turned(part(0)), keys: rowsOf(turned(part(1)), width), values: rowsOf(part(2), width) };
  }

  /** The new vectors [T, D] of what follows `past`, and keys and values for going on. */
  read(x, rows, { past, causal = false, turned }, tape) {
    const { queries, keys, values } = this.parts(x, rows, turned);
    const seen = past ? { keys: [...past.keys, ...keys], values: [...past.values, ...values] } : { keys, values };
    const { context } = attend(queries, seen.keys, seen.values, { heads: this.heads, causal }, tape);
    const change = this.output(context, rows);
    if (tape.keep) {
      attentionLines(tape, ...blocks(this.all, 3), ["x_t", "x_s", "x_s"], this.heads, turned);
      if (this.last.weight) joinedLines(tape, this.last, context, change, rows);
    }
    return { change, seen };
  }

  /** The same of one more position of B rows, each after its own past. */
  step(x, pasts, tape) {
    const { queries, keys, values } = this.parts(x, pasts.length);
    const width = queries.length / pasts.length;
    const seen = pasts.map((past, row) => ({ keys: [...past.keys, keys[row]], values: [...past.values, values[row]] }));
    const context = new Float32Array(queries.length);
    seen.forEach((own, row) => context.set(attend(rowOf(queries, row, width), own.keys, own.values, { heads: this.heads }, tape).context, row * width));
    return { change: this.output(context, pasts.length), seen };
  }
}

/** The weights and the biases of `count` projections that lie in one matrix. */
function blocks({ weight, bias }, count) {
  const size = weight.rows / count;
  const places = Array.from({ length: count }, (_, at) => [at * size, (at + 1) * size]);
  return [places.map((place) => weight.part(...place)), places.map((place) => bias?.subarray(...place))];
}

/** MultiHead(x, y), y a memory whose keys and values are computed once. */
export class CrossAttention {
  constructor(tensors, name, heads) {
    const of = (part) => partOf(tensors, `${name}.${part}`);
    Object.assign(this, { heads, asking: of("query"), asked: of("key_value"), last: of("output"), query: product(tensors, `${name}.query`), both: product(tensors, `${name}.key_value`), output: product(tensors, `${name}.output`) });
  }

  remember(memory, rows) {
    const all = this.both(memory, rows);
    const width = all.length / rows / 2;
    const part = (at) => Array.from({ length: rows }, (_, row) => all.subarray((2 * row + at) * width, (2 * row + at + 1) * width));
    return { keys: part(0), values: part(1) };
  }

  /** The new vectors [N, D] and the weights of each head [H, N, S]. */
  read(x, rows, { keys, values }, tape) {
    const { context, weights } = attend(this.query(x, rows), keys, values, { heads: this.heads }, tape);
    const change = this.output(context, rows);
    if (tape.keep) {
      const [[first, own], [others, theirs]] = [blocks(this.asking, 1), blocks(this.asked, 2)];
      attentionLines(tape, [...first, ...others], [...own, ...theirs], ["x_t", "h_s", "h_s"], this.heads);
      joinedLines(tape, this.last, context, change, rows);
    }
    return { change, weights };
  }
}

/** W₂ f(W₁ x), position by position. */
export const feedForward = (tensors, [inner, outer], change) => (x, rows, tape) => {
  const between = each(product(tensors, inner)(x, rows), change);
  const out = product(tensors, outer)(between, rows);
  forwardLines(tape, partOf(tensors, inner), partOf(tensors, outer), between, out, rows, (formula) => `max(0, ${formula})`);
  return out;
};

/** The derivation of a feed-forward layer; `made` is what is done with what its first half gives. */
export function forwardLines(tape, inner, outer, between, out, rows, made) {
  linearLine(tape, inner, "inner", ["u_t", "W_1", "x_t", "b_1"], [rows, between.length / rows], () => between, made);
  linearLine(tape, outer, "feedForward", ["f_t", "W_2", "u_t", "b_2"], [rows, out.length / rows], () => out);
}

export { partOf, product };
