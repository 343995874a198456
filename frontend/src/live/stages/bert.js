// The stage bert: `munmaek.models.bert`. Letters: T tokens, D hidden size.
import { ACTIVATIONS, columnsOf, each, layerNorm, meanRow, rowOf, sum } from "../maths.js";
import { SelfAttention, forwardLines, partOf, product, rotary } from "../nn/attention.js";
import { embed, scores } from "../nn/embeddings.js";
import { normLine, rowLine } from "../nn/lines.js";

const POOLED = { bert: Math.tanh, roberta: Math.tanh, electra: ACTIVATIONS.gelu, distilbert: ACTIVATIONS.relu };

class Layer {
  constructor(tensors, name, config) {
    Object.assign(this, { tensors, name, config, attention: new SelfAttention(tensors, `${name}.attention`, config.num_attention_heads) });
  }

  norm(which, x) {
    return layerNorm(x, this.tensors[`${this.name}.${which}.weight`], this.tensors[`${this.name}.${which}.bias`], this.config.layer_norm_eps);
  }

  forward(x, rows, tape) {
    const [intermediate, output] = ["intermediate", "output"].map((name) => `${this.name}.${name}`);
    const read = product(this.tensors, intermediate)(x, rows);
    const between = this.activated(read, read.length / rows);
    const out = product(this.tensors, output)(between, rows);
    forwardLines(tape, partOf(this.tensors, intermediate), partOf(this.tensors, output), between, out, rows, (formula) => (this.config.gated ? `act⊙(${formula})` : `act(${formula})`));
    return out;
  }

  activated(inner, width) {
    const change = ACTIVATIONS[this.config.hidden_act];
    if (!this.config.gated) return each(inner, change);
    const [gate, value] = [columnsOf(inner, width, 0, width / 2), columnsOf(inner, width, width / 2, width)];
    return gate.map((each, at) => change(each) * value[at]);
  }

  read(x, rows, turned, tape) {
    const [inner, fed] = [tape.scope("self"), tape.scope("feed_forward")];
    const attend = (y) => this.attention.read(y, rows, { turned }, inner).change;
    const between = this.around(x, attend, "attention_norm", inner, "o_t");
    return this.around(between, (y) => this.forward(y, rows, fed), "output_norm", fed, "f_t");
  }

  /** A sublayer in its frame. */
  around(x, change, which, tape, symbol) {
    const [first, weight, bias] = [this.config.norm_first, ...["weight", "bias"].map((part) => this.tensors[`${this.name}.${which}.${part}`])];
    const rows = x.length / this.config.hidden_size;
    const entered = first ? this.norm(which, x) : x;
    rowLine(tape, first ? "residual" : "input", first ? "r_t" : "x_t", "", x, rows);
    if (first) normLine(tape, weight, bias, "x_t", "r_t", entered);
    const total = sum(x, change(entered));
    rowLine(tape, "residual", "r'_t", `${first ? "r_t" : "x_t"} + ${symbol}`, total, rows);
    if (first) return total;
    const normed = this.norm(which, total);
    normLine(tape, weight, bias, "y_t", "r'_t", normed);
    return normed;
  }
}

/** From token ids to a vector for each token that knows both of its sides. */
class Encoder {
  constructor(tensors, config) {
    Object.assign(this, { tensors, config, layers: [], words: tensors["encoder.word_embeddings.weight"] });
    while (tensors[`encoder.layers.${this.layers.length}.attention.qkv.weight`]) this.layers.push(new Layer(tensors, `encoder.layers.${this.layers.length}`, config));
  }

  norm(which, x) {
    const weight = this.tensors[`encoder.${which}.weight`];
    return weight ? layerNorm(x, weight, this.tensors[`encoder.${which}.bias`], this.config.layer_norm_eps) : x;
  }

  embed(ids, types, tape) {
    const words = embed(this.words, ids, false);
    const [x, width, rows, inner] = [words.slice(), this.words.columns, ids.length, tape.scope("embedded")];
    tape.record("embedding", words, [rows, width]);
    const [positions, segments] = ["position_embeddings.table", "type_embeddings"].map((name) => this.tensors[`encoder.${name}.weight`]);
    ids.forEach((_, at) => {
      const added = [positions?.row(at + this.config.position_offset), segments?.row(types?.[at] ?? 0)].filter(Boolean);
      for (const vector of added) for (let n = 0; n < width; n++) x[at * width + n] += vector[n];
    });
    rowLine(inner, "token", "E(w_t)", "", words, rows);
    if (positions || segments) {
      inner.note("place", "P_t", "", "row", [rows, width], () => x.map((value, at) => value - words[at]));
      rowLine(inner, "input", "e_t", "E(w_t) + P_t", x, rows);
    }
    const which = this.config.norm_first ? "embedding_norm" : "norm";
    const normed = this.norm(which, x);
    if (this.tensors[`encoder.${which}.weight`]) normLine(inner, this.tensors[`encoder.${which}.weight`], this.tensors[`encoder.${which}.bias`], "n_t", "e_t", normed);
    const made = this.tensors["encoder.projection.weight"] ? product(this.tensors, "encoder.projection")(normed, rows) : normed;
    rowLine(inner, "input", "x_t", "", made, rows);
    return made;
  }

  /** The last layer's vectors [T, D]. */
  read(ids, types, tape) {
    const { num_attention_heads: heads, hidden_size: size, positions } = this.config;
    const turned = positions === "rotary" ? rotary(0, heads, size / heads) : undefined;
    let x = this.embed(ids, types, tape);
    this.layers.forEach((layer, at) => {
      const scope = tape.scope(`layer.${at}`);
      x = layer.read(x, ids.length, turned, scope);
      scope.record("hidden", x, [ids.length, size]);
    });
    return this.config.norm_first ? this.norm("norm", x) : x;
  }
}

class OnEncoder {
  constructor(tensors, config) {
    Object.assign(this, { tensors, config, encoder: new Encoder(tensors, config) });
  }

  hidden(ids, types, tape) {
    return this.encoder.read(ids, types, tape);
  }
}

export class BertClassifier extends OnEncoder {
  /** The scores of each label, from the first token's vector or the mean of all. */
  forward(ids, tape, types) {
    const [hidden, size] = [this.hidden(ids, types, tape), this.config.hidden_size];
    const vector = this.config.classifier_pooling === "mean" ? meanRow(hidden, size) : rowOf(hidden, 0, size);
    const pooled = each(product(this.tensors, "pooler")(vector, 1), POOLED[this.config.family]);
    return product(this.tensors, "classifier")(pooled, 1);
  }
}

export class BertTagger extends OnEncoder {
  /** The scores of each label at each token [T, C]. */
  forward(ids, tape) {
    return product(this.tensors, "classifier")(this.hidden(ids, null, tape), ids.length);
  }
}

export class BertMasked extends OnEncoder {
  /** The scores of the token in each place. */
  logits(hidden, rows) {
    const follows = ["bert", "distilbert"].includes(this.config.family);
    const change = ACTIVATIONS[follows ? this.config.hidden_act : "gelu"];
    const read = layerNorm(each(product(this.tensors, "head.dense")(hidden, rows), change), this.tensors["head.norm.weight"], this.tensors["head.norm.bias"], this.config.layer_norm_eps);
    return scores(this.tensors, read, rows, this.encoder.words);
  }
}

export class BertBase extends OnEncoder {}
