// Derivations line by line: `munmaek.nn.steps` and the lines of `munmaek.nn.attention`. The numbers of
// a line are made when a figure asks for them, so that a key costs nothing for what nobody looks at.
// Letters: T steps or tokens, D width, H heads, K width of a head.
import { linear } from "../weights.js";

/** The numbers of a matrix, without what fills its rows up. */
export function flat(matrix) {
  const out = new Float32Array(matrix.rows * matrix.columns);
  for (let row = 0; row < matrix.rows; row++) out.set(matrix.row(row), row * matrix.columns);
  return out;
}

/** Writes a weight or a bias, where there is one; true where there is. */
export function parameter(tape, what, symbol, given) {
  if (!given) return false;
  if (given.columns) tape.note(what, symbol, "", "all", [given.rows, given.columns], () => flat(given));
  else tape.note(what, symbol, "", "all", [given.length], () => given);
  return true;
}

/** W and b of a linear layer, and what it makes of a vector: [T, M] from `make`. */
export function linearLine(tape, { weight, bias }, what, [symbol, letter, read, other], shape, make, made = (formula) => formula) {
  parameter(tape, "weight", letter, weight);
  const formula = parameter(tape, "bias", other, bias) ? `${letter} ${read} + ${other}` : `${letter} ${read}`;
  tape.note(what, symbol, made(formula), "row", shape, make);
}

/** γ and β of a layer normalization, and what it makes of the vector called `read`. */
export function normLine(tape, weight, bias, symbol, read, values) {
  parameter(tape, "scale", "γ", weight);
  parameter(tape, "bias", "β", bias);
  tape.note("normed", symbol, `LayerNorm(${read})`, "row", [values.length / weight.length, weight.length], () => values);
}

/** A row of vectors [T, D] that is given or was computed. */
export const rowLine = (tape, what, symbol, formula, values, steps) => tape.note(what, symbol, formula, "row", [steps, values.length / steps], () => values);

/** The state before each step: `first`, then all but the last; from the right where `backward`. */
function before(first, states, steps, backward) {
  const width = first.length;
  const out = new Float32Array(states.length);
  if (backward) {
    out.set(states.subarray(width));
    out.set(first, (steps - 1) * width);
  } else {
    out.set(first);
    out.set(states.subarray(0, (steps - 1) * width), width);
  }
  return out;
}
export { before as statesBefore };

/**
 * Every step of a layer of `cell`. `reads` are {what, symbol, letter, vectors, weight}, `state` the one
 * before the first step, `named` what the tape recorded.
 */
export function cellLines(tape, cell, reads, bias, state, [inner, others], named, { steps, backward = false }) {
  if (!tape.keep) return;
  const width = inner.columns;
  for (const { what, symbol, vectors } of reads) rowLine(tape, what, symbol, "", vectors, steps);
  const hidden = () => before(state[0], named.hidden, steps, backward);
  tape.note("before", "h_{t−1}", "", "row", [steps, width], hidden);
  if (cell.states > 1) tape.note("cellBefore", "c_{t−1}", "", "row", [steps, width], () => before(state[1], named.cell, steps, backward));
  cell.parts.forEach((letter, at) => {
    const [low, high] = letter ? [`_${letter}`, `^${letter}`] : ["", ""];
    const [from, to] = [at * width, (at + 1) * width];
    const weights = reads.map(({ weight }) => weight.part(from, to));
    reads.forEach((each, n) => parameter(tape, "weight", `${each.letter}${low}`, weights[n]));
    parameter(tape, "bias", `b${low}`, bias.subarray(from, to));
    const read = reads.map((each) => `${each.letter}${low} ${each.symbol}`).join(" + ");
    tape.note("projected", `a${high}_t`, `${read} + b${low}`, "row", [steps, width], () => reads.reduce((total, { vectors }, n) => {
      const made = linear(vectors, steps, weights[n], n ? null : bias.subarray(from, to));
      return total ? total.map((value, place) => value + made[place]) : made;
    }, null));
    parameter(tape, "weight", `U${low}`, inner.part(from, to));
    parameter(tape, "bias", `b'${low}`, others.subarray(from, to));
    tape.note("recurrent", `u${high}_t`, `U${low} h_{t−1} + b'${low}`, "row", [steps, width], () => linear(hidden(), steps, inner.part(from, to), others.subarray(from, to)));
  });
  for (const [what, symbol, formula, name] of cell.equations) tape.line(what, symbol, formula, name, "row");
}

const PARTS = [["query", "q_t", "queries", "row"], ["key", "k_s", "keys", "column"], ["value", "v_s", "values", "column"]];

/** Each head's context from what asks and what is asked; `weights` and `biases` are W^Q, W^K and W^V of all heads. */
export function attentionLines(tape, weights, biases, reads, heads, turned) {
  PARTS.forEach(([what, symbol, name, each], at) => {
    const [letter, weight, bias] = [name[0].toUpperCase(), weights[at], biases[at]];
    const width = weight.rows / heads;
    tape.note(`weight.${what}`, `W^${letter}`, "", "all", [heads, width, weight.columns], () => flat(weight));
    let formula = `W^${letter} ${reads[at]}`;
    if (bias) {
      tape.note("bias", `b^${letter}`, "", "all", [heads, 1, width], () => bias);
      formula += ` + b^${letter}`;
    }
    tape.line(what, symbol, turned && what !== "value" ? `R (${formula})` : formula, name, each);
  });
  tape.line("score", "e_{ts}", "q_t · k_s / √K", "scores", "score");
  tape.line("softmax", "α_{ts}", "softmax_s(e_{ts})", "weights", "score");
  tape.line("context", "c_t", "Σ_s α_{ts} v_s", "context", "row");
}

/** How the contexts of all heads become one vector: concatenation, then W^O. */
export function joinedLines(tape, { weight, bias }, context, change, rows) {
  rowLine(tape, "concatenated", "z_t", "[c_t of head 1; …; c_t of head H]", context, rows);
  parameter(tape, "weight.output", "W^O", weight);
  rowLine(tape, "attended", "o_t", parameter(tape, "bias", "b^O", bias) ? "W^O z_t + b^O" : "W^O z_t", change, rows);
}

/** What a stack reads: tokens, their places, and the sum `x` of both. */
export function embeddedLines(tape, tokens, x, rows) {
  rowLine(tape, "token", "E(w_t)", "", tokens, rows);
  tape.note("position", "PE(t)", "", "row", [rows, x.length / rows], () => x.map((value, at) => value - tokens[at]));
  rowLine(tape, "input", "x_t", "E(w_t) + PE(t)", x, rows);
}
