// From a decoder's state to what scores the next token: `munmaek.nn.readout`.
import { beside } from "../maths.js";
import { linear } from "../weights.js";

/** max of the two halves of W [s; y; c] + b, row by row. */
export function maxout(tensors, name, rows, ...parts) {
  const both = linear(beside(rows, ...parts), rows, tensors[`${name}.linear.weight`], tensors[`${name}.linear.bias`]);
  const size = both.length / rows / 2;
  return Float32Array.from({ length: rows * size }, (_, at) => {
    const from = Math.floor(at / size) * 2 * size + (at % size);
    return Math.max(both[from], both[from + size]);
  });
}

/** The same vector in each of N rows. */
export function repeated(vector, rows) {
  const out = new Float32Array(rows * vector.length);
  for (let row = 0; row < rows; row++) out.set(vector, row * vector.length);
  return out;
}
