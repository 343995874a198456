// Functions of rows of numbers. Letters: N rows, D width. Arrays are flat, the last axis fastest.

/** softmax of `values`, where those at −∞ get nothing; all nothing where all are. */
export function softmax(values) {
  let most = -Infinity;
  for (const value of values) if (value > most) most = value;
  const out = new Float32Array(values.length);
  if (most === -Infinity) return out;
  let total = 0;
  for (let at = 0; at < out.length; at++) total += out[at] = Math.exp(values[at] - most);
  for (let at = 0; at < out.length; at++) out[at] /= total;
  return out;
}

/** log Σ exp of `values`, in double precision. */
export function logSumExp(values) {
  let most = -Infinity;
  for (let at = 0; at < values.length; at++) if (values[at] > most) most = values[at];
  if (most === -Infinity) return -Infinity;
  let total = 0;
  for (let at = 0; at < values.length; at++) total += Math.exp(values[at] - most);
  return most + Math.log(total);
}

/** Natural-log probabilities of scores, as doubles. */
export function logSoftmax(values) {
  const total = logSumExp(values);
  return Float64Array.from(values, (value) => value - total);
}

/** The natural-log probability of each of `chosen` by its row of scores [N, V]. */
export function chosenLogprobs(scores, chosen) {
  const width = scores.length / chosen.length;
  return chosen.map((id, at) => {
    const row = rowOf(scores, at, width);
    return row[id] - logSumExp(row);
  });
}

export const sigmoid = (value) => 1 / (1 + Math.exp(-value));

const [FINE, FAR] = [64, 6]; // knots of a unit, and where erf is 1 to the last digit

/** erf by its series of positive terms, to the last digits of a double. */
function series(x) {
  let [term, sum] = [x, x];
  for (let n = 3; Math.abs(term) > 1e-17 * Math.abs(sum); n += 2) sum += term *= (2 * x * x) / n;
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const knots = Array.from({ length: FINE * FAR + 2 }, (_, at) => series(at / FINE));
const slopes = knots.map((_, at) => (2 / Math.sqrt(Math.PI)) * Math.exp(-((at / FINE) ** 2)) / FINE);

/** erf by cubics between knots, whose values and slopes are exact: within 1e-9. */
export function erf(x) {
  const size = Math.abs(x) * FINE;
  if (!(size < FINE * FAR)) return Math.sign(x);
  const at = Math.floor(size);
  const t = size - at;
  const [low, high] = [knots[at], knots[at + 1]];
  const value = low + t * (slopes[at] + t * (3 * (high - low) - 2 * slopes[at] - slopes[at + 1] + t * (2 * (low - high) + slopes[at] + slopes[at + 1])));
  return x < 0 ? -value : value;
}

const gelu = (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2));
const tanhGelu = (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const clip = (x, low, high) => Math.min(Math.max(x, low), high);
const softplus = (x) => (x > 20 ? x : Math.log1p(Math.exp(x)));

/** Functions by the names of `munmaek.models.bert.encoder.ACTIVATIONS`. */
export const ACTIVATIONS = {
  gelu,
  gelu_10: (x) => clip(gelu(x), -10, 10),
  gelu_accurate: tanhGelu,
  gelu_fast: tanhGelu,
  gelu_new: tanhGelu,
  gelu_python: gelu,
  gelu_python_tanh: tanhGelu,
  gelu_pytorch_tanh: tanhGelu,
  hardswish: (x) => (x * clip(x + 3, 0, 6)) / 6,
  laplace: (x) => 0.5 * (1 + erf((x - 0.707107) / (0.282095 * Math.SQRT2))),
  leaky_relu: (x) => (x < 0 ? 0.01 * x : x),
  linear: (x) => x,
  mish: (x) => x * Math.tanh(softplus(x)),
  quick_gelu: (x) => x * sigmoid(1.702 * x),
  relu: (x) => Math.max(x, 0),
  relu2: (x) => Math.max(x, 0) ** 2,
  relu6: (x) => clip(x, 0, 6),
  sigmoid,
  silu: (x) => x * sigmoid(x),
  swish: (x) => x * sigmoid(x),
  tanh: Math.tanh,
};

/** `change` of every number, in place. */
export function each(values, change) {
  for (let at = 0; at < values.length; at++) values[at] = change(values[at]);
  return values;
}

/** The sums of two arrays of one size. */
export function sum(first, second) {
  const out = new Float32Array(first.length);
  for (let at = 0; at < out.length; at++) out[at] = first[at] + second[at];
  return out;
}

/** LayerNorm of each row of [N, D]: (x − mean) / √(variance + ε), times weight, plus bias. */
export function layerNorm(values, weight, bias, epsilon = 1e-5) {
  const width = weight.length;
  const out = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += width) {
    let [mean, variance] = [0, 0];
    for (let at = 0; at < width; at++) mean += values[start + at];
    mean /= width;
    for (let at = 0; at < width; at++) variance += (values[start + at] - mean) ** 2;
    const scale = 1 / Math.sqrt(variance / width + epsilon);
    for (let at = 0; at < width; at++) out[start + at] = (values[start + at] - mean) * scale * weight[at] + (bias ? bias[at] : 0);
  }
  return out;
}

/** The mean of the rows of [N, D]: [D]. */
export function meanRow(values, width) {
  const out = new Float64Array(width);
  const rows = values.length / width;
  for (let at = 0; at < values.length; at++) out[at % width] += values[at] / rows;
  return Float32Array.from(out);
}

/** Row `at` of [N, D]. */
export const rowOf = (values, at, width) => values.subarray(at * width, (at + 1) * width);

/** The rows of several arrays side by side: [N, ΣD]. */
export function beside(rows, ...parts) {
  const widths = parts.map((part) => part.length / rows);
  const width = widths.reduce((total, each) => total + each, 0);
  const out = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    let to = row * width;
    parts.forEach((part, at) => {
      out.set(rowOf(part, row, widths[at]), to);
      to += widths[at];
    });
  }
  return out;
}

/** Columns `from` to before `to` of [N, D]. */
export function columnsOf(values, width, from, to) {
  const rows = values.length / width;
  const out = new Float32Array(rows * (to - from));
  for (let row = 0; row < rows; row++) out.set(values.subarray(row * width + from, row * width + to), row * (to - from));
  return out;
}

/** The rows of [N, D] in another order, or some of them. */
export function picked(values, width, order) {
  const out = new Float32Array(order.length * width);
  order.forEach((from, to) => out.set(rowOf(values, from, width), to * width));
  return out;
}

/** The places of the `count` greatest numbers, the greatest first, equal ones in their order. */
export function greatest(values, count) {
  const found = [];
  for (let at = 0; at < values.length; at++) {
    if (values[at] === -Infinity) continue;
    if (found.length === count && values[at] <= values[found[count - 1]]) continue;
    let place = found.length;
    while (place > 0 && values[found[place - 1]] < values[at]) place--;
    found.splice(place, 0, at);
    if (found.length > count) found.pop();
  }
  return found;
}
