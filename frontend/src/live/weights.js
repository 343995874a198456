// The numbers of a model as they stand in the page, and products with its matrices. Matrices lie
// in the memory of a WebAssembly kernel, in rows of a multiple of four numbers; where a page may
// not run one, the same products are plain JavaScript.
import { halfTable } from "../halves.js";
import fused from "./kernel.fused.wasm";
import plain from "./kernel.wasm";

const FOUR = (count) => (count + 3) & ~3;
const EIGHT = (count) => (count + 7) & ~7;
const SCRATCH = 1 << 20; // numbers of inputs and outputs that a product holds at once, at least one row
const PAGE = 65536;

const CODE = (() => {
  const table = new Uint8Array(128);
  for (const [at, letter] of Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/").entries()) table[letter.charCodeAt(0)] = at;
  return table;
})();

/** The bytes that base64 text stands for. */
export function bytesOf(text) {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  for (let at = 0, to = 0; at < text.length; at += 4) {
    const four = (CODE[text.charCodeAt(at)] << 18) | (CODE[text.charCodeAt(at + 1)] << 12) | (CODE[text.charCodeAt(at + 2) & 127] << 6) | CODE[text.charCodeAt(at + 3) & 127];
    bytes[to++] = four >> 16;
    if (to < bytes.length) bytes[to++] = four >> 8;
    if (to < bytes.length) bytes[to++] = four;
  }
  return bytes;
}

/** Numbers of each precision, row by row, into a typed array; those of int8 without their scales. */
const VALUES = {
  int8(view, { at }, start, out) {
    for (let row = 0; row < out.rows; row++) {
      for (let column = 0; column < out.columns; column++) out.data[start + row * out.stride + column] = view.getInt8(at + row * out.columns + column);
    }
  },
  float16(view, { at }, start, out) {
    const table = halfTable();
    for (let row = 0, from = at; row < out.rows; row++) {
      for (let column = 0; column < out.columns; column++, from += 2) out.data[start + row * out.stride + column] = table[view.getUint16(from, true)];
    }
  },
  float32(view, { at }, start, out) {
    for (let row = 0, from = at; row < out.rows; row++) {
      for (let column = 0; column < out.columns; column++, from += 4) out.data[start + row * out.stride + column] = view.getFloat32(from, true);
    }
  },
};

const sizeOf = (shape) => shape.reduce((product, size) => product * size, 1);

/**
 * A matrix of `rows` by `columns`; row r begins at `start + r * stride` of `data`. Where it has
 * `scales`, its numbers are bytes, each row of which is meant times its own scale.
 */
class Matrix {
  constructor(rows, columns, room, start, scales = null) {
    Object.assign(this, { rows, columns, room, start, scales, stride: scales ? EIGHT(columns) : FOUR(columns) });
  }

  get data() {
    return this.scales ? this.room.bytes : this.room.numbers;
  }

  /** Bytes of memory that it takes, with rows up to a multiple of four. */
  get size() {
    return FOUR(this.rows) * this.stride * (this.scales ? 1 : 4);
  }

  row(at) {
    const from = this.start + at * this.stride;
    if (!this.scales) return this.data.subarray(from, from + this.columns);
    const out = new Float32Array(this.columns);
    for (let n = 0; n < out.length; n++) out[n] = this.data[from + n] * this.scales[at];
    return out;
  }

  /** Rows `from` to before `to`, where they lie. */
  part(from, to) {
    return new Matrix(to - from, this.columns, this.room, this.start + from * this.stride, this.scales?.subarray(from, to));
  }
}

/** What multiplies, in the fastest form that this browser runs; null where a page may run none. */
function kernel() {
  for (const code of [fused, plain]) {
    try {
      return new WebAssembly.Instance(new WebAssembly.Module(code)).exports;
    } catch { /* the next, or plain JavaScript */ }
  }
  return null;
}

/** The memory of one model: its matrices, and behind them what a product reads and writes. */
class Room {
  constructor(bytes, widest) {
    this.scratch = bytes / 4;
    this.size = Math.max(SCRATCH, widest);
    this.run = kernel();
    this.run?.memory.grow(Math.ceil((bytes + 4 * this.size) / PAGE));
    const memory = this.run?.memory.buffer ?? new ArrayBuffer(bytes + 4 * this.size);
    this.numbers = new Float32Array(memory);
    this.bytes = new Int8Array(memory);
  }
}

/** The tensors of a model by name: matrices as `Matrix`, all else as typed arrays. */
export function tensorsOf({ tensors, data }) {
  const bytes = bytesOf(data);
  const view = new DataView(bytes.buffer);
  const matrices = Object.entries(tensors).filter(([, { shape, type }]) => shape.length === 2 && type in VALUES);
  let total = 0;
  const [made, placed] = [{}, new Map()];
  for (const [name, packed] of matrices) {
    if (!placed.has(packed.at)) { // one tensor may have two names, such as an embedding that is shared
      const scales = packed.type === "int8" ? Float32Array.from({ length: packed.shape[0] }, (_, row) => view.getFloat32(packed.scales + 4 * row, true)) : null;
      const matrix = new Matrix(...packed.shape, null, total / (scales ? 1 : 4), scales);
      total += (matrix.size + 15) & ~15;
      placed.set(packed.at, matrix);
    }
    made[name] = placed.get(packed.at);
  }
  const memory = new Room(total, 8 * Math.max(8, ...matrices.map(([, { shape }]) => FOUR(shape[0]) + EIGHT(shape[1]))));
  for (const [name, packed] of matrices) {
    made[name].room = memory;
    VALUES[packed.type](view, packed, made[name].start, made[name]);
  }
  for (const [name, packed] of Object.entries(tensors)) made[name] ??= vector(bytes, view, packed);
  return made;
}

function vector(bytes, view, packed) {
  const size = sizeOf(packed.shape);
  if (packed.type === "int32") return new Int32Array(bytes.buffer.slice(packed.at, packed.at + 4 * size));
  const data = new Float32Array(size);
  VALUES[packed.type](view, packed, 0, { rows: 1, columns: size, stride: size, data });
  return data;
}

/** y = x · wᵀ + b of `rows` rows of x, as a new array of [rows, w.rows]. */
export function linear(x, rows, weight, bias) {
  const { rows: m, scales } = weight;
  const out = new Float32Array(rows * m);
  if (weight.room.run) byKernel(x, rows, weight, out);
  else plainly(x, rows, weight, out);
  if (scales && bias) for (let row = 0, to = 0; row < rows; row++) for (let at = 0; at < m; at++, to++) out[to] = out[to] * scales[at] + bias[at];
  else if (scales) for (let row = 0, to = 0; row < rows; row++) for (let at = 0; at < m; at++, to++) out[to] *= scales[at];
  else if (bias) for (let row = 0, to = 0; row < rows; row++) for (let at = 0; at < m; at++, to++) out[to] += bias[at];
  return out;
}

function byKernel(x, rows, { room, start, stride, rows: m, columns: k, scales }, out) {
  const { numbers, scratch, size, run } = room;
  const [wide, place] = [FOUR(m), scales ? start : 4 * start];
  const most = Math.max(1, Math.floor(size / (stride + wide)));
  for (let from = 0; from < rows; from += most) {
    const count = Math.min(most, rows - from);
    const results = scratch + count * stride;
    for (let row = 0; row < count; row++) {
      const to = scratch + row * stride;
      numbers.set(x.subarray((from + row) * k, (from + row + 1) * k), to);
      numbers.fill(0, to + k, to + stride);
    }
    (scales ? run.products8 : run.products)(4 * scratch, place, 4 * results, count, wide, stride);
    for (let row = 0; row < count; row++) out.set(numbers.subarray(results + row * wide, results + row * wide + m), (from + row) * m);
  }
}

/** The same without a kernel: four rows of x at a time, so that a weight is read once for them. */
export function plainly(x, rows, { data, start, stride, rows: m, columns: k }, out) {
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    const [a, b, c, d] = [row * k, (row + 1) * k, (row + 2) * k, (row + 3) * k];
    for (let at = 0; at < m; at++) {
      const from = start + at * stride;
      let [first, second, third, fourth] = [0, 0, 0, 0];
      for (let n = 0; n < k; n++) {
        const value = data[from + n];
        first += value * x[a + n];
        second += value * x[b + n];
        third += value * x[c + n];
        fourth += value * x[d + n];
      }
      out[row * m + at] = first;
      out[(row + 1) * m + at] = second;
      out[(row + 2) * m + at] = third;
      out[(row + 3) * m + at] = fourth;
    }
  }
  for (; row < rows; row++) {
    for (let at = 0; at < m; at++) {
      const from = start + at * stride;
      let sum = 0;
      for (let n = 0; n < k; n++) sum += data[from + n] * x[row * k + n];
      out[row * m + at] = sum;
    }
  }
}
