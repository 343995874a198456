// A record of what a model computed, in the form that the viewer draws: `munmaek.look.capture`,
// `munmaek.look.attentions` and `munmaek.look.roles`. Tensors are {shape, values}.
import { rowOf } from "./maths.js";
import { noticeOf } from "./refused.js";

const VERSION = 2;
const STEPS = ["queries", "keys", "values", "scores", "context"];
const [ALL, FEW, LONGEST] = [16, 8, 48]; // numbers of a vector that are shown whole, of a wider one, tokens of a text: `munmaek.look.steps`
const LOWEST = -65504;
const AXES = { row: 2, column: 2, pair: 3, score: 2, all: 2 };
const [POSITIONAL, SPECIAL, BROAD, SHARP] = [0.4, 0.5, 0.8, 0.5];

export const side = (pieces, words, surface) => ({ pieces, words, special: words.map((word) => word < 0), surface });

/**
 * A record of `read`: source, output, written, logprobs, unit, causal, segments, tensors (a Map of
 * {data, shape}) and answer, the fields that the task fills.
 */
export function recordOf(model, text, read, off) {
  const attentions = attentionsOf(read);
  const tensors = {};
  const keep = (name, { data, shape }) => { tensors[name] = { shape, values: data }; };
  for (const each of attentions) {
    keep(each.tensor, weightsOf(read, each.tensor));
    for (const name of Object.values(each.stepper ?? {})) keep(name, read.tensors.get(name));
  }
  const gates = gatesOf(read);
  for (const { names } of gates) for (const name of Object.values(names)) keep(name, read.tensors.get(name));
  for (const [name, tensor] of read.tensors) if (name.startsWith("beam.")) keep(name, tensor);
  const rolled = rollout(attentions.filter((each) => each.part === "self" && each.rows === "source").map((each) => weightsOf(read, each.tensor)));
  if (rolled) keep("rollout", rolled);
  const alike = similarity(read);
  if (alike) keep("similarity", alike);
  const long = Math.max(...[read.source, read.output, read.written].map((each) => each?.pieces.length ?? 0)) > LONGEST;
  const steps = long ? [] : stepsOf(read, tensors);
  return {
    munmaek_record: VERSION, model: model.name, label: model.label, task: model.task, stage: model.stage, text,
    target: null, source: read.source, output: read.output ?? null, written: read.written ?? null,
    logprobs: read.logprobs ?? [], unit: read.unit ?? "nats", attentions, rollout: rolled ? "rollout" : null, gold: null,
    measures: { ...(alike ? { similarity: "similarity" } : {}), ...read.measures }, gates, ngram: null, beam: null, filled: [], probabilities: [],
    tags: [], steps, next: read.next ?? [], segments: read.segments ?? null,
    notices: [...(read.notices ?? []), ...(long && read.lines?.size ? [noticeOf("steps", { longest: LONGEST })] : [])], off: off ?? [], outcome: {}, tensors, ...read.answer,
  };
}

// Attentions

function attentionsOf(read) {
  const names = [...read.tensors.keys()].filter((name) => name.endsWith(".weights"));
  const found = names.map((name) => attentionOf(read, name));
  if (read.tensors.has("alignment") && !found.some((each) => each.part === "align")) found.push(attentionOf(read, "alignment"));
  return found;
}

/** The weights of an attention, [H, R, C]. */
function weightsOf(read, name) {
  const { data, shape } = read.tensors.get(name);
  return { data, shape: [...Array(3 - shape.length).fill(1), ...shape] };
}

const partOf = (name) => ["self", "cross", "pool"].find((part) => part === name.split(".").at(-1)) ?? "align";

function axesOf(name) {
  if (name.endsWith("pool")) return ["text", "source"];
  if (name.endsWith(".cross") || partOf(name) === "align") return ["output", "source"];
  return name.startsWith("decoder") ? ["written", "written"] : ["source", "source"];
}

function attentionOf(read, tensor) {
  const name = tensor.replace(/\.weights$/, "");
  const [rows, columns] = axesOf(name);
  const weights = weightsOf(read, tensor);
  const steps = Object.fromEntries(STEPS.map((step) => [step, `${name}.${step}`]));
  return {
    name, part: partOf(name), layer: Number(/layer\.(\d+)/.exec(name)?.[1] ?? 0), heads: weights.shape[0], tensor, rows, columns,
    causal: rows === columns && (Boolean(read.causal) || rows === "written"),
    reading: rows === "output" && columns === "source" ? "output-step" : null,
    stepper: Object.values(steps).every((each) => read.tensors.has(each)) ? steps : null,
    summary: summaryOf(read, weights, rows, columns),
  };
}

const wordsOn = (read, axis) => read[axis]?.words ?? [0];

function summaryOf(read, { data, shape: [heads, rows, columns] }, rowAxis, columnAxis) {
  let counted = wordsOn(read, rowAxis).map((word) => word >= 0);
  if (!counted.some(Boolean)) counted = counted.map(() => true);
  const special = wordsOn(read, columnAxis).map((word) => word < 0);
  const every = Array.from({ length: heads }, (_, head) => headOf(data.subarray(head * rows * columns, (head + 1) * rows * columns), columns, counted));
  return {
    entropy: every.map((head) => mean(head.chosen.map(entropy))),
    roles: every.map((head) => roleOf(head, special, rowAxis === columnAxis)),
    importance: every.map(() => null),
    special: every.map((head) => mean(head.chosen.map((row) => mass(row, special)))),
  };
}

function headOf(data, columns, counted) {
  const places = counted.flatMap((is, at) => (is ? [at] : []));
  return { places, columns, chosen: places.map((at) => rowOf(data, at, columns)) };
}

const mean = (values) => (values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : 0);
const mass = (row, special) => row.reduce((sum, value, at) => sum + (special[at] ? value : 0), 0);
const entropy = (row) => row.reduce((sum, value) => sum - (value > 0 ? value * Math.log(value) : 0), 0);
const most = (row) => row.reduce((best, value, at) => (value > row[best] ? at : best), 0);

/** The first rule that holds; they stand in `munmaek.look.roles`. */
function roleOf(head, special, oneSide) {
  const { chosen } = head;
  if (!chosen.length || !head.columns) return "mixed";
  if (mean(chosen.map((row) => mass(row, special))) >= SPECIAL) return "special";
  const near = oneSide ? positional(head) : null;
  if (near || mean(chosen.map((row) => row[0])) >= POSITIONAL) return near ?? "first";
  const even = mean(chosen.map((row) => Math.log(Math.max(row.filter((value) => value > 0).length, 1))));
  if (even > 0 && mean(chosen.map(entropy)) >= BROAD * even) return "broad";
  const strongest = mean(chosen.map((row) => Math.max(...row)));
  if (oneSide) return strongest >= POSITIONAL && syntaxLike(head) ? "syntax-like" : "mixed";
  return strongest >= SHARP ? "sharp" : "mixed";
}

function positional({ chosen, places, columns }) {
  const at = (distance) => mean(chosen.flatMap((row, n) => (places[n] + distance >= 0 && places[n] + distance < columns ? [row[places[n] + distance]] : [])));
  const found = [["previous", at(-1)], ["next", at(1)], ["same", at(0)]];
  const [name, value] = found.reduce((best, each) => (each[1] > best[1] ? each : best));
  return value >= POSITIONAL ? name : null;
}

function syntaxLike({ chosen, places }) {
  const best = chosen.map(most);
  const counts = new Map();
  for (const column of best) counts.set(column, (counts.get(column) ?? 0) + 1);
  const distant = mean(best.map((column, n) => (Math.abs(column - places[n]) >= 2 ? 1 : 0)));
  return distant >= 0.5 && Math.max(...counts.values()) / best.length <= 0.5;
}

// Derivations

/** Every part's derivation; its numbers are put among `tensors`, where they are made when asked for. */
function stepsOf(read, tensors) {
  return [...(read.lines ?? [])].map(([name, lines]) => {
    const [rows, columns] = stepAxes(name);
    return { name, rows, columns, lines: lines.map((line) => lineOf(line, read, tensors)) };
  });
}

function lineOf({ what, symbol, formula, tensor, each, shape: own, make }, read, tensors) {
  const { data, shape: known } = own ? { shape: own } : read.tensors.get(tensor);
  const shape = tensor.endsWith(".weights") && known.length === 2 ? [1, ...known] : known;
  const last = each === "score" ? 0 : shape.at(-1);
  const few = last > ALL ? FEW : last;
  const name = few < last ? `${tensor}.first` : tensor;
  const width = last ? few : shape.at(-1);
  const high = each === "all" && shape.length > 1 && shape.at(-2) > ALL ? FEW : shape.at(-2);
  const kept = shape.length > 1 ? [...shape.slice(0, -2), high, width] : [width];
  let made = null;
  if (!(name in tensors)) {
    tensors[name] = { shape: kept, get values() { return (made ??= cutTo(data ?? make(), shape, kept)); } };
  }
  return { what, symbol, formula, tensor: name, each, heads: shape.length > AXES[each], width: last };
}

/** The first numbers of each vector, and of a weight the first vectors; none below what files can hold. */
function cutTo(data, shape, kept) {
  const [high, wide] = shape.length > 1 ? shape.slice(-2) : [1, shape[0]];
  const [rows, columns] = kept.length > 1 ? kept.slice(-2) : [1, kept[0]];
  const area = rows * columns;
  return Float32Array.from({ length: kept.reduce((product, size) => product * size, 1) }, (_, at) => {
    const [block, inner] = [Math.floor(at / area), at % area];
    return Math.max(data[(block * high + Math.floor(inner / columns)) * wide + (inner % columns)], LOWEST);
  });
}

function stepAxes(name) {
  const last = name.split(".").at(-1);
  if (last === "pool") return ["text", "source"];
  if (last.endsWith("attention") || last === "cross") return ["output", "source"];
  return name.startsWith("decoder") ? ["written", "written"] : ["source", "source"];
}

// What else is drawn

function gatesOf(read) {
  const layers = new Map();
  for (const name of read.tensors.keys()) {
    const found = /^(.*)\.gates\.([^.]+)$/.exec(name);
    if (found) layers.set(found[1], { ...layers.get(found[1]), [found[2]]: name });
  }
  return [...layers].map(([layer, names]) => ({ layer, names, rows: layer.startsWith("decoder") ? "output" : "source" }));
}

/** Attention followed through all layers, residual connections counted as half (Abnar & Zuidema 2020). */
function rollout(layers) {
  if (layers.length < 2) return null;
  const size = layers[0].shape[1];
  let total = Float64Array.from({ length: size * size }, (_, at) => (at % (size + 1) === 0 ? 1 : 0));
  for (const { data, shape: [heads] } of layers) {
    const both = Float64Array.from({ length: size * size }, (_, at) => {
      let sum = 0;
      for (let head = 0; head < heads; head++) sum += data[head * size * size + at];
      return 0.5 * (sum / heads + (at % (size + 1) === 0 ? 1 : 0));
    });
    total = product(both, total, size);
  }
  return { data: Float32Array.from(total), shape: [size, size] };
}

function product(first, second, size) {
  const out = new Float64Array(size * size);
  for (let r = 0; r < size; r++) for (let n = 0; n < size; n++) {
    const value = first[r * size + n];
    if (value) for (let c = 0; c < size; c++) out[r * size + c] += value * second[n * size + c];
  }
  return out;
}

/** The cosine of every two hidden states of the last layer that reads the source. */
function similarity(read) {
  const names = [...read.tensors.keys()].filter((name) => name.endsWith("hidden") && !name.startsWith("decoder"));
  if (!names.length) return null;
  const layer = names.at(-1).replace(/(\.(forward|backward))?\.hidden$/, "");
  const parts = names.filter((name) => name.startsWith(`${layer}.`)).map((name) => read.tensors.get(name));
  const size = parts[0].shape[0];
  if (size !== read.source.pieces.length) return null;
  const states = Array.from({ length: size }, (_, at) => {
    const state = parts.flatMap(({ data, shape }) => [...rowOf(data, at, shape[1])]);
    const length = Math.max(Math.hypot(...state), 1e-12);
    return state.map((value) => value / length);
  });
  const data = new Float32Array(size * size);
  states.forEach((a, r) => states.forEach((b, c) => {
    let sum = 0;
    for (let at = 0; at < a.length; at++) sum += a[at] * b[at];
    data[r * size + c] = Math.min(Math.max(sum, -1), 1);
  }));
  return { data, shape: [size, size] };
}
