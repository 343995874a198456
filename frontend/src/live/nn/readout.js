// From a decoder's state to what scores the next token: `munmaek.nn.readout`.
import { beside } from "../maths.js";
import { linear } from "../weights.js";

/** max of the two halves of W [s; y; c] + b, row by row. */
export function maxout(tensors, name, rows, ...parts) {
  const both = linear(beside(rows, ...parts), rows, tensors[`${name}.linear.weight`], tensors[`${name}.linear.bias`]);
  const size = both.length / rows / 2;
  const out = new Float32Array(rows * size);
  for (let row = 0; row < rows; row++) {
    const from = 2 * row * size;
    for (let at = 0; at < size; at++) out[row * size + at] = Math.max(both[from + at], both[from + size + at]);
  }
  return out;
}

/** The same vector in each of N rows. */
export function repeated(vector, rows) {
  const out = new Float32Array(rows * vector.length);
  for (let row = 0; row < rows; row++) out.set(vector, row * vector.length);
  return out;
}
