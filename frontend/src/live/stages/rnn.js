// The stage rnn: `munmaek.models.rnn`. Letters: T tokens, D width of what predicts, V vocabulary.
import { logSoftmax, meanRow, rowOf, softmax, each } from "../maths.js";
import { embed, scores } from "../nn/embeddings.js";
import { Bidirectional, Recurrent } from "../nn/recurrent.js";
import { linear } from "../weights.js";

export class RnnLanguage {
  constructor(tensors, config) {
    Object.assign(this, { tensors, config, embedding: tensors["embedding.table.weight"] });
    this.recurrent = new Recurrent(tensors, "recurrent", config.cell);
  }

  begin() {
    return this.recurrent.begin(1);
  }

  /** What predicts the token after each of `ids` [T, D], and the state after them. */
  forward(ids, state, tape) {
    const inputs = embed(this.embedding, ids, this.config.scaled_embeddings);
    tape.record("embedding", inputs, [ids.length, this.embedding.columns]);
    const { outputs, after } = this.recurrent.read(inputs, ids.length, state, tape);
    const project = this.tensors["project.weight"];
    return { hidden: project ? linear(outputs, ids.length, project, this.tensors["project.bias"]) : outputs, state: after };
  }

  /** The scores of every token after each row of [N, D]: [N, V]. */
  logits(hidden, rows) {
    return this.tensors["output.clusters"] ? adaptive(this.tensors, hidden, rows, this.embedding) : scores(this.tensors, hidden, rows, this.embedding);
  }
}

/** Grave et al. 2017: frequent tokens directly, rare ones through their cluster. */
function adaptive(tensors, hidden, rows, embedding) {
  const [clusters, bias, own] = ["clusters", "bias", "weight"].map((name) => tensors[`output.${name}`]);
  const edges = [...tensors["output.edges"]];
  const [vocabulary, first] = [bias.length, edges[0]];
  const frequent = linear(hidden, rows, own ?? embedding.part(0, first), bias.subarray(0, first));
  const rare = linear(hidden, rows, clusters, tensors["output.cluster_bias"]);
  const out = new Float32Array(rows * vocabulary);
  const tails = edges.slice(0, -1).map((from, at) => tailOf(tensors, hidden, rows, { at, from, to: edges[at + 1], bias, embedding, tied: !own }));
  for (let row = 0; row < rows; row++) {
    const head = logSoftmax([...rowOf(frequent, row, first), ...rowOf(rare, row, clusters.rows)]);
    out.set(head.subarray(0, first), row * vocabulary);
    tails.forEach((tail, at) => {
      const size = edges[at + 1] - edges[at];
      out.set(logSoftmax(rowOf(tail, row, size)).map((value) => value + head[first + at]), row * vocabulary + edges[at]);
    });
  }
  return out;
}

function tailOf(tensors, hidden, rows, { at, from, to, bias, embedding, tied }) {
  const own = bias.subarray(from, to);
  if (tied) return linear(hidden, rows, embedding.part(from, to), own);
  const narrow = linear(hidden, rows, tensors[`output.tails.${at}.0.weight`]);
  return linear(narrow, rows, tensors[`output.tails.${at}.1.weight`], own);
}

export class RnnClassifier {
  constructor(tensors, config) {
    Object.assign(this, { tensors, config, embedding: tensors["embedding.table.weight"] });
    const Stack = config.bidirectional ? Bidirectional : Recurrent;
    this.recurrent = new Stack(tensors, "recurrent", config.cell);
  }

  /** The scores of each label: [C]. */
  forward(ids, tape) {
    const inputs = embed(this.embedding, ids, this.config.scaled_embeddings);
    tape.record("embedding", inputs, [ids.length, this.embedding.columns]);
    const { outputs, last } = this.read(inputs, ids.length, tape);
    return linear(this.pooled(outputs, last, ids.length, tape), 1, this.tensors["head.1.weight"], this.tensors["head.1.bias"]);
  }

  read(inputs, steps, tape) {
    if (this.config.bidirectional) return this.recurrent.read(inputs, steps, tape);
    const { outputs } = this.recurrent.read(inputs, steps, this.recurrent.begin(1), tape);
    return { outputs, last: rowOf(outputs, steps - 1, this.recurrent.width) };
  }

  pooled(outputs, last, steps, tape) {
    const width = this.recurrent.width;
    const ways = {
      last: () => last,
      mean: () => meanRow(outputs, width),
      max: () => Float32Array.from({ length: width }, (_, at) => Math.max(...Array.from({ length: steps }, (_, row) => outputs[row * width + at]))),
      concat: () => Float32Array.from([...last, ...ways.max(), ...ways.mean()]),
      attention: () => this.attended(outputs, steps, width, tape),
    };
    return ways[this.config.pooling]();
  }

  attended(outputs, steps, width, tape) {
    const keys = each(linear(outputs, steps, this.tensors["pooling.key.weight"], this.tensors["pooling.key.bias"]), Math.tanh);
    return pooledBy(softmax(linear(keys, steps, this.tensors["pooling.query.weight"])), outputs, width, tape);
  }
}

/** Σ_t a_t h_t by weights that the reader may have changed. */
export function pooledBy(weights, outputs, width, tape) {
  tape.scope("pool").set(weights, 0, 0);
  tape.record("pool.weights", weights, [weights.length]);
  const out = new Float32Array(width);
  weights.forEach((weight, row) => { for (let at = 0; at < width; at++) out[at] += weight * outputs[row * width + at]; });
  return out;
}
