// Tensors of a record: base64 in the page, or bytes of the local server that are fetched when a
// figure first asks for them. A matrix is {rows, columns, data: Float32Array}.
import { useEffect, useState } from "preact/hooks";
import { halfTable } from "./halves.js";

export function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

const RECENT = 32; // matrices kept decoded in each tensor: those on the screen

/**
 * A tensor over its raw little-endian bytes. Matrices are decoded one at a time when asked for:
 * a page of 144 heads over 512 tokens would else hold 150 MB of numbers that nobody looks at.
 */
export class Tensor {
  constructor({ shape, type, scale = 1, offset = 0, values }, bytes) {
    Object.assign(this, { shape, type, scale, offset, values, bytes });
    this.recent = new Map();
  }

  /** Matrix number `head`, of `size` values; bytes have a scale for all, or one for each head. */
  decode(head, size) {
    const { bytes } = this;
    if (this.values) return Float32Array.from(this.values.subarray(head * size, (head + 1) * size)); // computed in the page
    const [scale, offset] = [this.scale, this.offset].map((each) => (Array.isArray(each) ? each[head] : each));
    const start = head * size;
    const data = new Float32Array(size);
    if (this.type === "uint8") {
      for (let at = 0; at < size; at++) data[at] = offset + scale * bytes[start + at];
    } else {
      const table = halfTable();
      for (let at = 0, byte = 2 * start; at < size; at++, byte += 2) data[at] = table[bytes[byte] | (bytes[byte + 1] << 8)];
    }
    return data;
  }

  /** Matrix `at` of [H, R, C]; a tensor [R, C] or [C] is its only matrix. */
  matrix(at = 0) {
    if (!this.recent.has(at)) {
      const [rows, columns] = this.shape.length > 1 ? this.shape.slice(-2) : [1, this.shape[0]];
      if (this.recent.size >= RECENT) this.recent.delete(this.recent.keys().next().value);
      this.recent.set(at, { rows, columns, data: this.decode(at, rows * columns) });
    }
    return this.recent.get(at);
  }

  get heads() {
    return this.shape.length > 2 ? this.shape.at(-3) : 1;
  }
}

const decoded = new WeakMap();

/** A tensor that stands in the page, decoded at most once; null where it must be fetched. */
function inline(packed) {
  if (!decoded.has(packed) && (packed.values ?? packed.data) !== undefined) {
    decoded.set(packed, new Tensor(packed, packed.values ? null : bytesOf(packed.data)));
  }
  return decoded.get(packed) ?? null;
}

/** Raw bytes of a tensor that stays on the server. */
export async function fetchBytes(packed) {
  const answer = await fetch(packed.href);
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error ?? `${packed.href}: ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

const asked = new WeakMap();

/** A tensor from the server, asked for once however many figures wait for it; again after a failure. */
function remote(packed) {
  if (!asked.has(packed)) {
    const found = fetchBytes(packed).then((bytes) => {
      decoded.set(packed, new Tensor(packed, bytes));
      return decoded.get(packed);
    });
    found.catch(() => asked.delete(packed));
    asked.set(packed, found);
  }
  return asked.get(packed);
}

/** The tensors named, as an array, or null until all are there. Missing names give undefined. */
export function useTensors(record, names) {
  const packed = names.map((name) => (name ? record.tensors[name] : undefined));
  const ready = packed.map((each) => each && inline(each));
  const [, arrived] = useState(0);
  const waiting = packed.filter((each, at) => each && !ready[at]);
  useEffect(() => {
    if (!waiting.length) return undefined;
    let gone = false;
    Promise.all(waiting.map(remote)).then(
      () => gone || arrived((n) => n + 1),
      (error) => window.dispatchEvent(new CustomEvent("munmaek:lost", { detail: error.message })),
    );
    return () => { gone = true; };
  }, [record, names.join("\n"), waiting.length]);
  return waiting.length ? null : ready.map((each) => each ?? undefined);
}

/** One tensor, or null until it is there or where the record has none of that name. */
export function useTensor(record, name) {
  return useTensors(record, [name])?.[0] ?? null;
}

/** The names of `attentions`' heads, as {attention, head}, layer by layer. */
export const headsOf = (attentions) =>
  attentions.flatMap((attention) => Array.from({ length: attention.heads }, (_, head) => ({ attention, head })));

/** Adds `matrix` to a running mean or maximum over `count` matrices. */
export function gather(sum, matrix, count, how) {
  const data = sum?.data ?? new Float32Array(matrix.data.length);
  for (let at = 0; at < data.length; at++) {
    data[at] = how === "max" ? Math.max(data[at], matrix.data[at]) : data[at] + matrix.data[at] / count;
  }
  return { rows: matrix.rows, columns: matrix.columns, data };
}
