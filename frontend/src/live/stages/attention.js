// The stage attention: `munmaek.models.attention`. Letters: S source tokens, T target tokens, B rows
// that are written at once, H width of the decoder's state, A of the alignment layer.
import { beside, columnsOf, each, rowOf, sigmoid, softmax } from "../maths.js";
import { product } from "../nn/attention.js";
import { embed, scores } from "../nn/embeddings.js";
import { cellLines, flat, parameter, rowLine, statesBefore } from "../nn/lines.js";
import { maxout } from "../nn/readout.js";
import { Bidirectional, CELLS, Recurrent, select } from "../nn/recurrent.js";
import { linear } from "../weights.js";
import { pooledBy } from "./rnn.js";

const dot = (a, b) => {
  let total = 0;
  for (let at = 0; at < a.length; at++) total += a[at] * b[at];
  return total;
};

const reversed = (values, rows) => beside(rows, values).map((_, at) => {
  const width = values.length / rows;
  return values[(rows - 1 - Math.floor(at / width)) * width + (at % width)];
});

/** Each token's state [S, D], and the state where reading ends, layer by layer. */
class Encoder {
  constructor(tensors, config) {
    this.config = config;
    this.stack = new (config.bidirectional ? Bidirectional : Recurrent)(tensors, "encoder", config.cell);
  }

  read(inputs, size, tape) {
    const [turned, stack] = [this.config.reverse_source, this.stack];
    const [given, inner] = turned ? [reversed(inputs, size), tape.turned()] : [inputs, tape];
    const found = this.config.bidirectional ? stack.read(given, size, inner) : stack.read(given, size, stack.begin(1), inner);
    const last = this.config.bidirectional ? [found.ends[1]] : found.after;
    return { states: turned ? reversed(found.outputs, size) : found.outputs, last };
  }
}

const FAR = 150; // beyond which e^{2x} of two numbers has no product in doubles

const raised = (values) => (values.every((value) => Math.abs(value) < FAR) ? Float64Array.from(values, (value) => Math.exp(2 * value)) : null);

/** e_ij of one query and every key of `memory`: `munmaek.models.attention.scores`. */
function scorer(energy, name) {
  if (name === "none") return () => () => 0;
  if (name === "dot" || name === "general") return (asking, { keys }) => (at) => dot(asking, rowOf(keys, at, asking.length));
  return (asking, { keys, powers }) => {
    const width = asking.length;
    const own = powers && raised(asking);
    if (!own) return (at) => energy.reduce((total, value, n) => total + value * Math.tanh(asking[n] + keys[at * width + n]), 0);
    // tanh(a + b) = 1 − 2 / (e^{2a} e^{2b} + 1), so that no pair needs an exponential of its own
    return (at) => {
      let total = 0;
      for (let n = 0, key = at * width; n < width; n++, key++) total += energy[n] * (1 - 2 / (own[n] * powers[key] + 1));
      return total;
    };
  };
}

export class AttentionTranslator {
  constructor(tensors, config) {
    const learned = config.weighting === "learned" ? config.score : "none";
    Object.assign(this, { tensors, config, encoder: new Encoder(tensors, config), score: scorer(tensors["decoder.score.energy"], learned), learned });
    [this.reading, this.writing] = ["source", "target"].map((which) => tensors[`${which}_embedding.table.weight`]);
    this.additive = config.score === "additive";
    this.fed = !this.additive && config.input_feeding;
    this.cell = CELLS[this.additive ? "gru" : config.cell];
    if (tensors["decoder.recurrent.stack.0.fused.weight_hh_l0"]) this.recurrent = new Recurrent(tensors, "decoder.recurrent", config.cell);
    if (tensors["decoder.above.stack.0.fused.weight_hh_l0"]) this.above = new Recurrent(tensors, "decoder.above", config.cell);
  }

  encode(ids, tape) {
    const inner = tape.scope("encoder");
    const [size, inputs] = [ids.length, embed(this.reading, ids)];
    inner.record("embedding", inputs, [size, this.reading.columns]);
    const { states, last } = this.encoder.read(inputs, size, inner);
    const key = this.tensors["decoder.score.key.weight"];
    const keys = key && this.learned !== "none" ? linear(states, size, key) : states;
    const end = this.config.reverse_source ? 0 : size - 1;
    const hidden = this.config.weighting === "last" ? (at) => at !== end : () => false;
    const powers = this.tensors["decoder.score.energy"] && this.learned !== "none" ? raised(keys) : null;
    return { size, states, keys, powers, hidden, open: this.config.weighting === "last" ? 1 : size, initial: this.bridged(last) };
  }

  /** s_0 of every layer. */
  bridged(last) {
    if (!this.tensors["initial.weight"]) return last;
    const made = each(product(this.tensors, "initial")(last.at(-1)[0], 1), Math.tanh);
    const { layers, hidden } = this.config;
    return Array.from({ length: layers }, (_, layer) => Array.from({ length: this.cell.states }, (_, part) => made.slice((part * layers + layer) * hidden, (part * layers + layer + 1) * hidden)));
  }

  begin({ initial }) {
    return { layers: initial, fed: this.fed ? new Float32Array(this.config.hidden) : null, steps: 0 };
  }

  /** One more token of B rows: what predicts the next, the state after, weights, and all on the way. */
  next(memory, state, tokens, tape) {
    const rows = tokens.length;
    const read = embed(this.writing, tokens);
    const made = this.additive ? this.bahdanau(memory, state, read, rows, tape) : this.luong(memory, state, read, rows, tape);
    const { outputs, ...rest } = made;
    const project = this.tensors["project.weight"];
    return { ...rest, outputs, read, hidden: project ? linear(outputs, rows, project, this.tensors["project.bias"]) : outputs };
  }

  /** The cell's next state from a token and a vector beside it. */
  celled(read, context, before, rows) {
    const inputs = product(this.tensors, "decoder.cell.token")(read, rows);
    const more = linear(context, rows, this.tensors["decoder.cell.context.weight"]);
    for (let at = 0; at < inputs.length; at++) inputs[at] += more[at];
    return this.cell.step(inputs, product(this.tensors, "decoder.cell.recurrent")(before[0], rows), before, this.config.hidden);
  }

  bahdanau(memory, state, read, rows, tape) {
    const looked = this.look(memory, state.layers[0][0], state.steps, rows, tape);
    const { after, named } = this.celled(read, looked.context, state.layers[0], rows);
    const outputs = maxout(this.tensors, "decoder.readout", rows, after[0], read, looked.context);
    return { outputs, state: { layers: [after], fed: null, steps: state.steps + 1 }, looked, named: prefixed("decoder.", named) };
  }

  luong(memory, state, read, rows, tape) {
    let [layers, named, top] = [[], {}, null];
    if (this.fed) {
      const first = this.celled(read, state.fed, state.layers[0], rows);
      [layers, named, top] = [[first.after], prefixed("decoder.", first.named), first.after[0]];
      if (this.above) {
        const more = stepped(this.above, top, state.layers.slice(1), "decoder.above.");
        [layers, named, top] = [[...layers, ...more.after], { ...named, ...more.named }, more.outputs];
      }
    } else {
      const more = stepped(this.recurrent, read, state.layers, "decoder.");
      [layers, named, top] = [more.after, more.named, more.outputs];
    }
    const looked = this.look(memory, top, state.steps, rows, tape);
    const outputs = each(linear(beside(rows, looked.context, top), rows, this.tensors["decoder.combine.weight"]), Math.tanh);
    return { outputs, state: { layers, fed: this.fed ? outputs : null, steps: state.steps + 1 }, looked, named };
  }

  /** c_i of the states that ask, with scores and weights [B, S]. */
  look(memory, asking, steps, rows, tape) {
    const { size, states } = memory;
    const query = this.tensors["decoder.score.query.weight"];
    const asked = query && this.learned !== "none" ? linear(asking, rows, query) : asking;
    const width = states.length / size;
    const made = Array.from({ length: rows }, (_, row) => {
      const own = rowOf(asked, row, asked.length / rows);
      const window = this.window(memory, rowOf(asking, row, asking.length / rows), steps);
      const score = this.score(own, memory);
      const scored = Float32Array.from({ length: size }, (_, at) => (memory.hidden(at) || window.far(at) ? -Infinity : score(at)));
      const shown = window.falling ? scored.map((value, at) => value + window.share(at)) : scored;
      const weights = tape.from(steps).scope("attention").set(softmax(shown), 0, 0);
      const used = window.falling ? softmax(scored).map((value, at) => value * Math.exp(window.share(at))) : weights;
      const context = new Float32Array(width);
      for (let at = 0; at < size; at++) if (used[at]) for (let n = 0, from = at * width; n < width; n++, from++) context[n] += used[at] * states[from];
      return { shown, weights, context, centre: window.centre };
    });
    return { context: joined(made.map((each) => each.context)), scores: joined(made.map((each) => each.shown)), weights: made.map((each) => each.weights), centre: made[0].centre === null ? null : Float32Array.from(made, (each) => each.centre) };
  }

  /** Where local attention looks: around a place that moves on, or one that is predicted. */
  window({ size, open }, asking, steps) {
    const { span, window: reach } = this.config;
    if (this.additive || span === "global") return { centre: null, falling: false, far: () => false };
    const falling = span === "local-p";
    const centre = falling
      ? open * sigmoid(dot(each(linear(asking, 1, this.tensors["decoder.centre.query.weight"]), Math.tanh), this.tensors["decoder.centre.energy"]))
      : Math.min(steps, open - 1);
    return { centre, falling, size, far: (at) => Math.abs(at - centre) > reach, share: (at) => -((at - centre) ** 2) / (2 * (reach / 2) ** 2) };
  }

  decode(memory, ids, tape) {
    let state = this.begin(memory);
    const steps = ids.map((id) => {
      const made = this.next(memory, state, [id], tape);
      state = made.state;
      return made;
    });
    tape.scope("decoder").record("embedding", joined(steps.map(({ read }) => read)), [ids.length, this.writing.columns]);
    const alignment = joined(steps.map(({ looked }) => looked.weights[0]));
    const rows = (name, values) => tape.record(name, joined(values), [ids.length, values[0].length]);
    rows("attention.scores", steps.map(({ looked }) => looked.scores));
    rows("attention.weights", steps.map(({ looked }) => looked.weights[0]));
    if (steps[0].looked.centre) tape.record("attention.centre", joined(steps.map(({ looked }) => looked.centre)), [ids.length]);
    for (const name of Object.keys(steps[0].named)) rows(name, steps.map(({ named }) => named[name]));
    if (tape.keep) this.lines(memory, steps, tape);
    return { hidden: joined(steps.map(({ hidden }) => hidden)), alignment };
  }

  /** The derivation of all steps: `munmaek.models.attention.decoders`. */
  lines(memory, steps, tape) {
    const [count, inner] = [steps.length, tape.scope("attention")];
    const all = (of) => joined(steps.map(of));
    const [read, outputs, contexts] = [all((each) => each.read), all((each) => each.outputs), all(({ looked }) => looked.context)];
    const recorded = (prefix, cell) => Object.fromEntries(cell.equations.map(([, , , name]) => [name, tape.records.get(`${prefix}${name}`).data]));
    const own = (beside) => {
      const [token, context, recurrent] = ["token", "context", "recurrent"].map((name) => ["weight", "bias"].map((part) => this.tensors[`decoder.cell.${name}.${part}`]));
      const reads = [{ what: "token", symbol: "y_{t−1}", letter: "W", vectors: read, weight: token[0] }, { ...beside, letter: "C", weight: context[0] }];
      cellLines(tape.scope("decoder"), this.cell, reads, token[1], memory.initial[0], recurrent, recorded("decoder.", this.cell), { steps: count });
    };
    if (this.additive) {
      const after = tape.records.get("decoder.hidden").data;
      this.lookingLines(inner, memory, ["s_{i−1}", statesBefore(memory.initial[0][0], after, count)], contexts, count);
      own({ what: "context", symbol: "c_i", vectors: contexts });
      rowLine(inner, "after", "s_i", "GRU(s_{i−1}; y_{i−1}, c_i)", after, count);
      rowLine(inner, "readout", "t_i", "maxout(s_i, y_{i−1}, c_i)", outputs, count);
      return;
    }
    if (this.fed) own({ what: "fed", symbol: "h̃_{t−1}", vectors: statesBefore(new Float32Array(this.config.hidden), outputs, count) });
    else this.recurrent.layers.forEach((layer, at) => layer.lines(tape.scope(`decoder.layer.${at}`), at ? tape.records.get(`decoder.layer.${at - 1}.hidden`).data : read, memory.initial[at], recorded(`decoder.layer.${at}.`, layer.cell), { steps: count }));
    const top = this.fed ? (this.above ? `decoder.above.layer.${this.above.layers.length - 1}` : "decoder") : `decoder.layer.${this.recurrent.layers.length - 1}`;
    this.lookingLines(inner, memory, ["s_i", tape.records.get(`${top}.hidden`).data], contexts, count);
    const weight = this.tensors["decoder.combine.weight"];
    const wide = contexts.length / count;
    const part = (from, to) => () => columnsOf(flat(weight), weight.columns, from, to);
    inner.note("weight", "W_c", "", "all", [weight.rows, wide], part(0, wide));
    inner.note("weight", "W_s", "", "all", [weight.rows, weight.columns - wide], part(wide, weight.columns));
    rowLine(inner, "readout", "h̃_i", "tanh(W_c c_i + W_s s_i)", outputs, count);
  }

  /** From the states that ask to the context: `munmaek.models.attention.scores.looking_lines`. */
  lookingLines(tape, { size, states, keys }, [symbol, asking], contexts, count) {
    const [width, wide] = [states.length / size, keys.length / size];
    rowLine(tape, "decoderState", symbol, "", asking, count);
    tape.note("encoderState", "h_j", "", "column", [size, width], () => states);
    const [query, key, energy] = ["query.weight", "key.weight", "energy"].map((name) => this.tensors[`decoder.score.${name}`]);
    if (energy && this.learned !== "none") {
      const asked = linear(asking, count, query);
      parameter(tape, "weight", "W_a", query);
      rowLine(tape, "query", "q_i", `W_a ${symbol}`, asked, count);
      parameter(tape, "weight", "U_a", key);
      tape.note("key", "k_j", "U_a h_j", "column", [size, wide], () => keys);
      tape.note("energy", "t_{ij}", "tanh(q_i + k_j)", "pair", [count, size, wide], () => pairs(count, size, wide, (row, at, n) => Math.tanh(asked[row * wide + n] + keys[at * wide + n])));
      parameter(tape, "weight", "v", energy);
    } else if (this.learned === "general") {
      parameter(tape, "weight", "W_a", key);
      tape.note("key", "k_j", "W_a h_j", "column", [size, wide], () => keys);
    }
    const formulas = { general: `${symbol} · k_j`, dot: `${symbol} · h_j`, none: "0" };
    tape.line("score", "e_{ij}", formulas[this.learned] ?? "v · t_{ij}", "scores", "score");
    tape.line("softmax", "α_{ij}", "softmax_j(e_{ij})", "weights", "score");
    const { data: weights } = tape.records.get("attention.weights");
    tape.note("weighted", "α_{ij} h_j", "", "pair", [count, size, width], () => pairs(count, size, width, (row, at, n) => weights[row * size + at] * states[at * width + n]));
    rowLine(tape, "context", "c_i", "Σ_j α_{ij} h_j", contexts, count);
  }

  step(memory, state, tokens, tape) {
    const { hidden, state: after, looked } = this.next(memory, state, tokens, tape);
    return { hidden, state: after, attention: looked.weights };
  }

  select({ layers, fed, steps }, rows) {
    const width = this.config.hidden;
    return { layers: select(layers, rows, width), fed: fed && joined(rows.map((row) => rowOf(fed, row, width))), steps };
  }

  logits(hidden, rows) {
    return scores(this.tensors, hidden, rows, this.writing);
  }
}

/** A number for each row, column and place in a vector: [R, C, K]. */
const pairs = (rows, columns, width, value) => Float32Array.from({ length: rows * columns * width }, (_, at) => value(Math.floor(at / (columns * width)), Math.floor(at / width) % columns, at % width));

const prefixed = (prefix, named) => Object.fromEntries(Object.entries(named).map(([name, values]) => [prefix + name, values]));

/** A stack's step, with every gate under its layer's name. */
function stepped(stack, inputs, state, prefix) {
  let [outputs, named] = [inputs, {}];
  const after = stack.layers.map((layer, at) => {
    const made = layer.step(outputs, state[at]);
    named = { ...named, ...prefixed(`${prefix}layer.${at}.`, made.named) };
    outputs = made.after[0];
    return made.after;
  });
  return { outputs, after, named };
}

function joined(parts) {
  const out = new Float32Array(parts.reduce((total, part) => total + part.length, 0));
  parts.reduce((at, part) => {
    out.set(part, at);
    return at + part.length;
  }, 0);
  return out;
}

export class AttentionClassifier {
  constructor(tensors, config) {
    Object.assign(this, { tensors, encoder: new Encoder(tensors, config), embedding: tensors["embedding.table.weight"] });
  }

  forward(ids, tape) {
    const [size, inputs] = [ids.length, embed(this.embedding, ids)];
    tape.record("embedding", inputs, [size, this.embedding.columns]);
    const { states } = this.encoder.read(inputs, size, tape.scope("encoder"));
    const keys = each(product(this.tensors, "pooling.linear")(states, size), Math.tanh);
    const energy = this.tensors["pooling.energy"];
    const scored = Float32Array.from({ length: size }, (_, at) => dot(rowOf(keys, at, energy.length), energy));
    const weights = softmax(scored);
    const pooled = pooledBy(weights, states, states.length / size, tape);
    if (tape.keep) this.lines(tape.scope("pool"), { states, keys, scored, weights, pooled, size, energy });
    return product(this.tensors, "head.1")(pooled, 1);
  }
  /** The derivation of the pooling: `munmaek.models.attention.scores.AttentionPooling`. */
  lines(tape, { states, keys, scored, weights, pooled, size, energy }) {
    const width = pooled.length;
    tape.note("encoderState", "h_t", "", "column", [size, width], () => states);
    parameter(tape, "weight", "W", this.tensors["pooling.linear.weight"]);
    parameter(tape, "bias", "b", this.tensors["pooling.linear.bias"]);
    tape.note("energy", "u_t", "tanh(W h_t + b)", "column", [size, energy.length], () => keys);
    parameter(tape, "weight", "v", energy);
    tape.note("score", "e_t", "v · u_t", "score", [1, size], () => scored);
    tape.note("softmax", "α_t", "softmax_t(e_t)", "score", [1, size], () => weights);
    tape.note("weighted", "α_t h_t", "", "pair", [1, size, width], () => pairs(1, size, width, (_, at, n) => weights[at] * states[at * width + n]));
    rowLine(tape, "context", "c", "Σ_t α_t h_t", pooled, 1);
  }
}
