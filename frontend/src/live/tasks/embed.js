// An encoder without a head: how alike two texts are, each read by itself, or the vector of one.
import { side } from "../record.js";
import { Tape } from "../tape.js";
import { frameText } from "./framed.js";

const POOLINGS = {
  first: (rows) => rows[0],
  last: (rows) => rows.at(-1),
  max: (rows) => rows[0].map((_, at) => Math.max(...rows.map((row) => row[at]))),
  mean: (rows) => rows[0].map((_, at) => rows.reduce((sum, row) => sum + row[at], 0) / rows.length),
  mean_sqrt_len: (rows) => rows[0].map((_, at) => rows.reduce((sum, row) => sum + row[at], 0) / Math.sqrt(rows.length)),
  weighted_mean: (rows) => rows[0].map((_, at) => rows.reduce((sum, row, n) => sum + (n + 1) * row[at], 0) / ((rows.length * (rows.length + 1)) / 2)),
};

export class Embedder {
  constructor(network, { reader, settings }) {
    Object.assign(this, { network, reader, settings });
  }

  read(text, { second, changes }) {
    const texts = second === null ? [text] : [text, second];
    const tapes = texts.map(() => new Tape(changes));
    let words = 0;
    const framed = texts.map((each) => {
      const made = frameText(this.reader, this.settings, each, { masks: true, hidden: (changes.hidden ?? []).map((word) => word - words) });
      words += made.source.surface.length;
      return made;
    });
    const vectors = framed.map(({ ids }, at) => this.vector(this.network.hidden(ids, null, tapes[at]), ids.length));
    const similarity = cosine(vectors[0], vectors.at(-1));
    return {
      source: bothSides(framed.map(({ source }) => source)), segments: second === null ? null : framed.flatMap(({ ids }, at) => ids.map(() => at)), unit: "cosine",
      tensors: joined(tapes.map(({ records }) => records), framed.map(({ ids }) => ids.length)), lines: second === null ? tapes[0].lines : new Map(), vector: vectors[0],
      answer: { outcome: { text, ...(second === null ? {} : { second, similarity }) } },
    };
  }

  vector(hidden, size) {
    const width = hidden.length / size;
    const rows = Array.from({ length: size }, (_, at) => Float64Array.from(hidden.subarray(at * width, (at + 1) * width)));
    const pooled = Float64Array.from(this.settings.pooling.split("+").flatMap((name) => [...POOLINGS[name](rows)]));
    const length = this.settings.normalised ? Math.max(Math.hypot(...pooled), 1e-12) : 1;
    return pooled.map((value) => value / length);
  }
}

function cosine(a, b) {
  const dot = a.reduce((sum, value, at) => sum + value * b[at], 0);
  return dot / (Math.max(Math.hypot(...a), 1e-8) * Math.max(Math.hypot(...b), 1e-8));
}

/** Both texts one after the other, words of the second counted on. */
function bothSides([first, second]) {
  if (!second) return first;
  const shift = first.surface.length;
  return side([...first.pieces, ...second.pieces], [...first.words, ...second.words.map((word) => (word >= 0 ? word + shift : word))], [...first.surface, ...second.surface]);
}

/** The tensors of both texts end to end; no text attends to the other, and scores are left out. */
function joined([first, second], sizes) {
  if (!second) return first;
  const made = new Map();
  const total = sizes[0] + sizes[1];
  for (const [name, a] of first) {
    const b = second.get(name);
    const heads = a.shape.length > 2 ? a.shape[0] : 1;
    if (name.endsWith(".weights")) {
      const data = new Float32Array(heads * total * total);
      [a, b].forEach(({ data: own }, which) => {
        const [size, from] = [sizes[which], which * sizes[0]];
        for (let at = 0; at < own.length; at++) {
          const [head, row, column] = [Math.floor(at / (size * size)), Math.floor(at / size) % size, at % size];
          data[(head * total + from + row) * total + from + column] = own[at];
        }
      });
      made.set(name, { data, shape: [heads, total, total] });
    } else if (!name.endsWith(".scores")) {
      const width = a.shape.at(-1);
      const parts = Array.from({ length: heads }, (_, head) => [a, b].map(({ data }, which) => data.subarray(head * sizes[which] * width, (head + 1) * sizes[which] * width)));
      made.set(name, { data: Float32Array.from(parts.flat().flatMap((part) => [...part])), shape: [...(a.shape.length > 2 ? [heads] : []), total, width] });
    }
  }
  return made;
}
