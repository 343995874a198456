// Tokens and positions as vectors, and the scores of tokens: `munmaek.nn.embeddings`.
import { each } from "../maths.js";
import { Refused } from "../refused.js";
import { linear } from "../weights.js";

/** √D · E[ids], or E[ids] unless `scaled`: [T, D]. */
export function embed(table, ids, scaled = true) {
  const scale = scaled ? Math.fround(Math.sqrt(table.columns)) : 1;
  const out = new Float32Array(ids.length * table.columns);
  ids.forEach((id, at) => out.set(table.row(id), at * table.columns));
  return scale === 1 ? out : each(out, (value) => value * scale);
}

/** Adds PE of the positions from `start` on to [T, D]: sines and cosines, or a learned table. */
export function addPositions(values, width, start, table) {
  const rows = values.length / width;
  const rates = Float64Array.from({ length: width }, (_, at) => 10000 ** (-(at - (at % 2)) / width));
  if (table && start + rows > table.rows) throw new Refused("positions", { wanted: start + rows, capacity: table.rows });
  for (let row = 0; row < rows; row++) {
    const learned = table?.row(start + row);
    for (let at = 0; at < width; at++) {
      const angle = (start + row) * rates[at];
      values[row * width + at] += learned ? learned[at] : Math.fround(at % 2 ? Math.cos(angle) : Math.sin(angle));
    }
  }
  return values;
}

/** Scores h Wᵀ + b of every token, W the embedding's where `output.weight` is none: [N, V]. */
export const scores = (tensors, hidden, rows, embedding, name = "output") =>
  linear(hidden, rows, tensors[`${name}.weight`] ?? embedding, tensors[`${name}.bias`]);
