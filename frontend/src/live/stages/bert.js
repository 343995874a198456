// The stage bert: `munmaek.models.bert`. Letters: T tokens, D hidden size.
import { ACTIVATIONS, columnsOf, each, layerNorm, meanRow, rowOf, sum } from "../maths.js";
import { SelfAttention, product, rotary } from "../nn/attention.js";
import { embed, scores } from "../nn/embeddings.js";

const POOLED = { bert: Math.tanh, roberta: Math.tanh, electra: ACTIVATIONS.gelu, distilbert: ACTIVATIONS.relu };

class Layer {
  constructor(tensors, name, config) {
    Object.assign(this, { tensors, name, config, attention: new SelfAttention(tensors, `${name}.attention`, config.num_attention_heads) });
  }

  norm(which, x) {
    return layerNorm(x, this.tensors[`${this.name}.${which}.weight`], this.tensors[`${this.name}.${which}.bias`], this.config.layer_norm_eps);
  }

  forward(x, rows) {
    const inner = product(this.tensors, `${this.name}.intermediate`)(x, rows);
    const outer = product(this.tensors, `${this.name}.output`);
    const change = ACTIVATIONS[this.config.hidden_act];
    if (!this.config.gated) return outer(each(inner, change), rows);
    const width = inner.length / rows;
    const [gate, value] = [columnsOf(inner, width, 0, width / 2), columnsOf(inner, width, width / 2, width)];
    return outer(gate.map((each, at) => change(each) * value[at]), rows);
  }

  read(x, rows, turned, tape) {
    const attend = (y) => this.attention.read(y, rows, { turned }, tape.scope("self")).change;
    if (this.config.norm_first) {
      const between = sum(x, attend(this.norm("attention_norm", x)));
      return sum(between, this.forward(this.norm("output_norm", between), rows));
    }
    const between = this.norm("attention_norm", sum(x, attend(x)));
    return this.norm("output_norm", sum(between, this.forward(between, rows)));
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
    const x = embed(this.words, ids, false);
    const width = this.words.columns;
    tape.record("embedding", x.slice(), [ids.length, width]);
    const [positions, segments] = ["position_embeddings.table", "type_embeddings"].map((name) => this.tensors[`encoder.${name}.weight`]);
    ids.forEach((_, at) => {
      const added = [positions?.row(at + this.config.position_offset), segments?.row(types?.[at] ?? 0)].filter(Boolean);
      for (const vector of added) for (let n = 0; n < width; n++) x[at * width + n] += vector[n];
    });
    const normed = this.norm(this.config.norm_first ? "embedding_norm" : "norm", x);
    return this.tensors["encoder.projection.weight"] ? product(this.tensors, "encoder.projection")(normed, ids.length) : normed;
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
