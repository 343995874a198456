// Recurrent cells and stacks of layers: `munmaek.nn.cells` and `munmaek.nn.recurrent`. Letters:
// B rows held at once, T steps, H hidden width. A cell's state is one or two parts [B, H]: h, and
// an LSTM's cell; a stack's state is a list of these, one for each layer.
import { beside, picked, rowOf, sigmoid } from "../maths.js";
import { linear } from "../weights.js";
import { cellLines } from "./lines.js";

/** One step: from W x + b and U h + b′ [B, gates · H] and the state before, the state after and every gate. */
export const CELLS = {
  elman: {
    states: 1,
    parts: [""],
    equations: [["hidden", "h_t", "tanh(a_t + u_t)", "hidden"]],
    step(projected, recurrent) {
      const hidden = Float32Array.from(projected, (value, at) => Math.tanh(value + recurrent[at]));
      return { after: [hidden], named: { hidden } };
    },
  },
  gru: {
    states: 1,
    parts: ["r", "z", "n"],
    equations: [
      ["gate.reset", "r_t", "σ(a^r_t + u^r_t)", "gates.reset"],
      ["gate.update", "z_t", "σ(a^z_t + u^z_t)", "gates.update"],
      ["candidate", "n_t", "tanh(a^n_t + r_t ⊙ u^n_t)", "candidate"],
      ["hidden", "h_t", "(1 − z_t) ⊙ n_t + z_t ⊙ h_{t−1}", "hidden"],
    ],
    step(projected, recurrent, [before], width) {
      const [reset, update, candidate, hidden] = Array.from({ length: 4 }, () => new Float32Array(before.length));
      for (let at = 0; at < before.length; at++) {
        const from = Math.floor(at / width) * 3 * width + (at % width);
        reset[at] = sigmoid(projected[from] + recurrent[from]);
        update[at] = sigmoid(projected[from + width] + recurrent[from + width]);
        candidate[at] = Math.tanh(projected[from + 2 * width] + reset[at] * recurrent[from + 2 * width]);
        hidden[at] = candidate[at] + update[at] * (before[at] - candidate[at]);
      }
      return { after: [hidden], named: { "gates.reset": reset, "gates.update": update, candidate, hidden } };
    },
  },
  lstm: {
    states: 2,
    parts: ["i", "f", "g", "o"],
    equations: [
      ["gate.input", "i_t", "σ(a^i_t + u^i_t)", "gates.input"],
      ["gate.forget", "f_t", "σ(a^f_t + u^f_t)", "gates.forget"],
      ["candidate", "g_t", "tanh(a^g_t + u^g_t)", "candidate"],
      ["gate.output", "o_t", "σ(a^o_t + u^o_t)", "gates.output"],
      ["cell", "c_t", "f_t ⊙ c_{t−1} + i_t ⊙ g_t", "cell"],
      ["hidden", "h_t", "o_t ⊙ tanh(c_t)", "hidden"],
    ],
    step(projected, recurrent, [, memory], width) {
      const [input, forget, candidate, output, cell, hidden] = Array.from({ length: 6 }, () => new Float32Array(memory.length));
      for (let at = 0; at < memory.length; at++) {
        const from = Math.floor(at / width) * 4 * width + (at % width);
        input[at] = sigmoid(projected[from] + recurrent[from]);
        forget[at] = sigmoid(projected[from + width] + recurrent[from + width]);
        candidate[at] = Math.tanh(projected[from + 2 * width] + recurrent[from + 2 * width]);
        output[at] = sigmoid(projected[from + 3 * width] + recurrent[from + 3 * width]);
        cell[at] = forget[at] * memory[at] + input[at] * candidate[at];
        hidden[at] = output[at] * Math.tanh(cell[at]);
      }
      return { after: [hidden, cell], named: { "gates.input": input, "gates.forget": forget, candidate, "gates.output": output, cell, hidden } };
    },
  },
};

/** A cell with its weights W, U, b and b′. */
export class Layer {
  constructor(tensors, name, cell) {
    const [inputs, hidden, inputBias, hiddenBias] = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map((part) => tensors[`${name}.fused.${part}_l0`]);
    Object.assign(this, { cell: CELLS[cell], inputs, hidden, inputBias, hiddenBias, width: hidden.columns });
  }

  begin(rows) {
    return Array.from({ length: this.cell.states }, () => new Float32Array(rows * this.width));
  }

  /** One step of B rows. */
  step(inputs, before) {
    const rows = before[0].length / this.width;
    return this.next(linear(inputs, rows, this.inputs, this.inputBias), before);
  }

  next(projected, before) {
    const rows = before[0].length / this.width;
    return this.cell.step(projected, linear(before[0], rows, this.hidden, this.hiddenBias), before, this.width);
  }

  /** A whole row, step by step, from its last to its first where `backward`: states in its order. */
  read(inputs, steps, before, tape, backward = false) {
    const projected = linear(inputs, steps, this.inputs, this.inputBias);
    const named = {};
    let state = before;
    for (let step = 0; step < steps; step++) {
      const at = backward ? steps - 1 - step : step;
      const made = this.next(rowOf(projected, at, projected.length / steps), state);
      state = made.after;
      for (const [name, values] of Object.entries(made.named)) {
        named[name] ??= new Float32Array(steps * this.width);
        named[name].set(values, at * this.width);
      }
    }
    for (const [name, values] of Object.entries(named)) tape.record(name, values, [steps, this.width]);
    if (steps) this.lines(tape, inputs, before, named, { steps, backward });
    return { outputs: named.hidden ?? new Float32Array(0), after: state };
  }

  /** The derivation of all steps over `inputs` [T, I]. */
  lines(tape, inputs, before, named, how) {
    const reads = [{ what: "input", symbol: "x_t", letter: "W", vectors: inputs, weight: this.inputs }];
    cellLines(tape, this.cell, reads, this.inputBias, before, [this.hidden, this.hiddenBias], named, how);
  }
}

const layersOf = (tensors, name, cell) => {
  const found = [];
  while (tensors[`${name}.${found.length}.fused.weight_hh_l0`]) found.push(new Layer(tensors, `${name}.${found.length}`, cell));
  return found;
};

/** A stack that reads left to right. */
export class Recurrent {
  constructor(tensors, name, cell) {
    this.layers = layersOf(tensors, `${name}.stack`, cell);
    this.width = this.layers.at(-1).width;
  }

  begin(rows) {
    return this.layers.map((layer) => layer.begin(rows));
  }

  /** The top layer's outputs of a whole row [T, H], and every layer's state after it. */
  read(inputs, steps, state, tape, backward = false) {
    const after = [];
    let outputs = inputs;
    this.layers.forEach((layer, at) => {
      const read = layer.read(outputs, steps, state[at], tape.scope(`layer.${at}`), backward);
      outputs = read.outputs;
      after.push(read.after);
    });
    return { outputs, after };
  }

  /** One step of B rows: the top layer's outputs [B, H] and the state after. */
  step(inputs, state) {
    let outputs = inputs;
    const after = this.layers.map((layer, at) => {
      const { after: own } = layer.step(outputs, state[at]);
      outputs = own[0];
      return own;
    });
    return { outputs, after };
  }
}

/** A stack that reads a row both ways. */
export class Bidirectional {
  constructor(tensors, name, cell) {
    this.onward = layersOf(tensors, `${name}.forward_layers`, cell);
    this.backward = layersOf(tensors, `${name}.backward_layers`, cell);
    this.width = 2 * this.onward.at(-1).width;
  }

  /** Both directions' outputs [T, 2H], and the last output of each: [2H]. */
  read(inputs, steps, tape) {
    let [outputs, ends] = [inputs, null];
    this.onward.forEach((first, at) => {
      const [second, scope] = [this.backward[at], tape.scope(`layer.${at}`)];
      const there = first.read(outputs, steps, first.begin(1), scope.scope("forward"));
      const back = second.read(outputs, steps, second.begin(1), scope.scope("backward"), true);
      outputs = beside(steps, there.outputs, back.outputs);
      ends = [there.after, back.after];
    });
    return { outputs, last: beside(1, ends[0][0], ends[1][0]), ends };
  }
}

/** The state of a stack of that width which holds `rows` of this one. */
export const select = (state, rows, width) => state.map((parts) => parts.map((values) => picked(values, width, rows)));
