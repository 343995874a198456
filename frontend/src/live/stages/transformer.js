// The stage transformer: `munmaek.models.transformer`. Letters: T tokens, S source tokens, D width,
// B hypotheses held at once.
import { layerNorm, meanRow, rowOf, sum } from "../maths.js";
import { CrossAttention, SelfAttention, feedForward } from "../nn/attention.js";
import { addPositions, embed, scores } from "../nn/embeddings.js";
import { embeddedLines, normLine, rowLine } from "../nn/lines.js";
import { linear } from "../weights.js";

/** The frame of a sublayer: where the norm and the sum stand. */
function residual(tensors, name, first) {
  const [weight, bias] = ["weight", "bias"].map((part) => tensors[`${name}.norm.${part}`]);
  const norm = (x) => layerNorm(x, weight, bias);
  return {
    enter(x, tape) {
      const entered = first ? norm(x) : x;
      rowLine(tape, first ? "residual" : "input", first ? "r_t" : "x_t", "", x, x.length / weight.length);
      if (first) normLine(tape, weight, bias, "x_t", "r_t", entered);
      return entered;
    },
    leave(x, change, tape, symbol = "o_t") {
      const total = sum(x, change);
      rowLine(tape, "residual", "r'_t", `${first ? "r_t" : "x_t"} + ${symbol}`, total, x.length / weight.length);
      if (first) return total;
      const normed = norm(total);
      normLine(tape, weight, bias, "y_t", "r'_t", normed);
      return normed;
    },
  };
}

class Layer {
  constructor(tensors, name, config) {
    this.attention = new SelfAttention(tensors, `${name}.attention`, config.heads);
    this.around = residual(tensors, `${name}.attention_residual`, config.norm_first);
    this.forward = feedForward(tensors, [`${name}.feed_forward.inner`, `${name}.feed_forward.outer`], (x) => Math.max(x, 0));
    this.last = residual(tensors, `${name}.feed_forward_residual`, config.norm_first);
    if (!tensors[`${name}.cross.query.weight`]) return;
    this.cross = new CrossAttention(tensors, `${name}.cross`, config.heads);
    this.aside = residual(tensors, `${name}.cross_residual`, config.norm_first);
  }

  /** The layer's vectors of N rows; `itself` attends among them, `source` is what they look back at. */
  read(x, rows, itself, source, tape) {
    const [inner, outer, fed] = ["self", "cross", "feed_forward"].map((name) => tape.scope(name));
    const { change, seen } = itself(this.around.enter(x, inner));
    let out = this.around.leave(x, change, inner);
    let weights = null;
    if (this.cross) {
      const found = source(this.cross, this.aside.enter(out, outer));
      out = this.aside.leave(out, found.change, outer);
      weights = found.weights;
    }
    out = this.last.leave(out, this.forward(this.last.enter(out, fed), rows, fed), fed, "f_t");
    tape.record("hidden", out, [rows, out.length / rows]);
    return { out, seen, weights };
  }
}

class Stack {
  constructor(tensors, name, config) {
    Object.assign(this, { tensors, name, embedding: tensors[`${name}.embedding.tokens.table.weight`], learned: tensors[`${name}.embedding.positions.table.weight`], layers: [] });
    while (tensors[`${name}.layers.${this.layers.length}.attention.qkv.weight`]) this.layers.push(new Layer(tensors, `${name}.layers.${this.layers.length}`, config));
  }

  get width() {
    return this.embedding.columns;
  }

  embed(ids, start, tape) {
    const tokens = embed(this.embedding, ids);
    tape.record("embedding", tokens, [ids.length, this.width]);
    const x = addPositions(tokens.slice(), this.width, start, this.learned);
    embeddedLines(tape.scope("embedded"), tokens, x, ids.length);
    return x;
  }

  norm(x, tape) {
    const [weight, bias] = ["weight", "bias"].map((part) => this.tensors[`${this.name}.norm.${part}`]);
    if (!weight) return x;
    const normed = layerNorm(x, weight, bias);
    rowLine(tape.scope("last"), "residual", "r_t", "", x, x.length / weight.length);
    normLine(tape.scope("last"), weight, bias, "z_t", "r_t", normed);
    return normed;
  }

  /** The last layer's vectors of a whole row, and each layer's keys and values and weights on `source`. */
  read(ids, { state = null, causal = false, source = null }, tape) {
    let x = this.embed(ids, state?.[0].keys.length ?? 0, tape);
    const [seen, looked] = [[], []];
    this.layers.forEach((layer, at) => {
      const scope = tape.scope(`layer.${at}`);
      const made = layer.read(x, ids.length, (y) => layer.attention.read(y, ids.length, { past: state?.[at], causal }, scope.scope("self")),
        (cross, y) => cross.read(y, ids.length, source[at], scope.scope("cross")), scope);
      x = made.out;
      seen.push(made.seen);
      looked.push(made.weights);
    });
    return { hidden: this.norm(x, tape), state: seen, looked };
  }

  /** The same of one more token of B rows, each after its own past: state[layer][row]. */
  step(tokens, state, source, tape) {
    const length = state[0][0].keys.length;
    let x = new Float32Array(tokens.length * this.width);
    tokens.forEach((token, row) => x.set(this.embed([token], length, tape), row * this.width));
    const [seen, looked] = [[], []];
    this.layers.forEach((layer, at) => {
      const scope = tape.from(length).scope(`layer.${at}`);
      const made = layer.read(x, tokens.length, (y) => layer.attention.step(y, state[at], scope.scope("self")),
        (cross, y) => this.lookBack(cross, y, source[at], scope.scope("cross")), scope);
      x = made.out;
      seen.push(made.seen);
      looked.push(made.weights);
    });
    return { hidden: this.norm(x, tape), state: seen, looked };
  }

  /** Each row by itself, since a weight that is set by hand is one of its step. */
  lookBack(cross, y, source, tape) {
    const rows = y.length / this.width;
    const found = Array.from({ length: rows }, (_, row) => cross.read(rowOf(y, row, this.width), 1, source, tape));
    const change = new Float32Array(y.length);
    found.forEach((each, row) => change.set(each.change, row * this.width));
    return { change, weights: found.map((each) => each.weights) };
  }
}

export class TransformerLanguage {
  constructor(tensors, config) {
    Object.assign(this, { tensors, stack: new Stack(tensors, "stack", config) });
  }

  begin() {
    return null;
  }

  forward(ids, state, tape) {
    return this.stack.read(ids, { state, causal: true }, tape);
  }

  logits(hidden, rows) {
    return scores(this.tensors, hidden, rows, this.stack.embedding);
  }
}

export class TransformerClassifier {
  constructor(tensors, config) {
    Object.assign(this, { tensors, stack: new Stack(tensors, "stack", config) });
  }

  forward(ids, tape) {
    const { hidden } = this.stack.read(ids, {}, tape);
    return linear(meanRow(hidden, this.stack.width), 1, this.tensors["output.weight"], this.tensors["output.bias"]);
  }
}

export class TransformerTranslator {
  constructor(tensors, config) {
    Object.assign(this, { tensors, config, encoder: new Stack(tensors, "encoder", config), decoder: new Stack(tensors, "decoder", config) });
  }

  /** Each decoder layer's keys and values of the source. */
  encode(ids, tape) {
    const { hidden } = this.encoder.read(ids, {}, tape.scope("encoder"));
    return { size: ids.length, states: hidden, source: this.decoder.layers.map((layer) => layer.cross.remember(hidden, ids.length)) };
  }

  /** What predicts the token after each of `ids` [T, D], and the alignment [T, S]. */
  decode({ source, size, states }, ids, tape) {
    const inner = tape.scope("decoder");
    source.forEach((_, at) => inner.scope(`layer.${at}.cross`).note("encoderState", "h_s", "", "column", [size, states.length / size], () => states));
    const { hidden, looked } = this.decoder.read(ids, { causal: true, source }, inner);
    const alignment = this.aligned(looked[this.alignmentLayer], ids.length, size);
    return { hidden, alignment };
  }

  begin() {
    return this.decoder.layers.map(() => [{ keys: [], values: [] }]);
  }

  step({ source, size }, state, tokens, tape) {
    const made = this.decoder.step(tokens, state, source, tape.scope("decoder"));
    return { hidden: made.hidden, state: made.state, attention: made.looked[this.alignmentLayer].map((weights) => this.aligned(weights, 1, size)) };
  }

  select(state, rows) {
    return state.map((layer) => rows.map((row) => layer[row]));
  }

  logits(hidden, rows) {
    return scores(this.tensors, hidden, rows, this.decoder.embedding);
  }

  get alignmentLayer() {
    const [depth, layer] = [this.decoder.layers.length, this.config.alignment_layer];
    return layer === null ? Math.max(depth - 2, 0) : (layer + depth) % depth;
  }

  /** The head that is the alignment, or the mean of all: [T, S] of [H, T, S]. */
  aligned(weights, rows, size) {
    const [area, head] = [rows * size, this.config.alignment_head];
    const heads = weights.length / area;
    return Float32Array.from({ length: area }, (_, at) => {
      if (head !== null) return weights[head * area + at];
      let total = 0;
      for (let each = 0; each < heads; each++) total += weights[each * area + at];
      return total / heads;
    });
  }
}
