// What a network writes down while it computes, under the names of `munmaek.nn.tape`, and what the
// reader changed by hand: heads switched off, and weights of attention set.

export class Tape {
  /**
   * `keep` writes down; `off` has heads by the scope of their attention; `given` has weights by
   * the name of their attention, as [head or null for all, row, column, value].
   */
  constructor({ keep = true, off = {}, given = {} } = {}, prefix = "", records = new Map(), lines = new Map()) {
    Object.assign(this, { keep, off, given, prefix, records, lines, first: 0, backward: false });
  }

  with(values) {
    return Object.assign(new Tape(this, this.prefix, this.records, this.lines), { first: this.first, backward: this.backward }, values);
  }

  scope(name) {
    return this.with({ prefix: `${this.prefix}${name}.` });
  }

  /** The same with rows that begin at `first`: a decoder's step. */
  from(first) {
    return this.with({ first });
  }

  /** The same for what reads a row from its last token to its first. */
  turned() {
    return this.with({ backward: !this.backward });
  }

  record(name, data, shape) {
    if (this.keep) this.records.set(this.prefix + name, { data: this.inOrder(data, shape), shape });
  }

  /** Rows in the text's order. */
  inOrder(data, shape) {
    const width = data.length / shape[0];
    return this.backward ? Float32Array.from(data, (_, at) => data[(shape[0] - 1 - Math.floor(at / width)) * width + (at % width)]) : data;
  }

  /** A line of this scope's derivation, whose numbers are the record `name`: `munmaek.nn.tape.Tape.line`. */
  line(what, symbol, formula, name, each) {
    if (this.keep) this.derivation().push({ what, symbol, formula, tensor: this.prefix + name, each });
  }

  /** A line of numbers of its own, in `shape`, which `make` gives when they are asked for. */
  note(what, symbol, formula, each, shape, make) {
    if (!this.keep) return;
    const found = this.derivation();
    found.push({ what, symbol, formula, tensor: `${this.prefix}steps.${found.length}`, each, shape, make: each === "all" ? make : () => this.inOrder(make(), shape) });
  }

  derivation() {
    if (!this.lines.has(this.here)) this.lines.set(this.here, []);
    return this.lines.get(this.here);
  }

  get here() {
    return this.prefix.replace(/\.$/, "");
  }

  /** Heads that are switched off here. */
  silent() {
    return this.off[this.here] ?? [];
  }

  /**
   * The weights of one row as the reader set them; what is left of the row keeps its proportions,
   * so that it still sums to 1.
   */
  set(weights, head, row) {
    for (const [only, at, column, value] of this.given[this.here] ?? []) {
      if ((only !== null && only !== head) || at !== row + this.first || column >= weights.length) continue;
      const rest = 1 - weights[column];
      for (let to = 0; to < weights.length; to++) {
        if (to !== column) weights[to] = rest > 1e-9 ? (weights[to] * (1 - value)) / rest : (1 - value) / Math.max(weights.length - 1, 1);
      }
      weights[column] = value;
    }
    return weights;
  }
}
