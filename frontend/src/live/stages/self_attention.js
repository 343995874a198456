// The stage self_attention: `munmaek.models.self_attention`. One head, one layer, nothing stacked.
import { ACTIVATIONS, each, layerNorm, meanRow, sum } from "../maths.js";
import { SelfAttention, product } from "../nn/attention.js";
import { addPositions, embed, scores } from "../nn/embeddings.js";
import { embeddedLines, normLine, rowLine } from "../nn/lines.js";
import { linear } from "../weights.js";

class Context {
  constructor(tensors) {
    Object.assign(this, { tensors, embedding: tensors["context.tokens.table.weight"], attention: new SelfAttention(tensors, "context.attention", 1) });
  }

  /** h_t of ids that follow `past`, and the new past. */
  read(ids, past, causal, tape) {
    const width = this.embedding.columns;
    const tokens = embed(this.embedding, ids);
    tape.record("embedding", tokens, [ids.length, width]);
    const [inner, weight, bias] = [tape.scope("self"), ...["weight", "bias"].map((part) => this.tensors[`context.norm.${part}`])];
    const x = addPositions(tokens.slice(), width, past?.keys.length ?? 0);
    embeddedLines(inner, tokens, x, ids.length);
    const { change, seen } = this.attention.read(x, ids.length, { past, causal }, inner);
    const total = sum(x, change);
    const hidden = layerNorm(total, weight, bias);
    rowLine(inner, "residual", "r_t", "x_t + c_t", total, ids.length);
    normLine(inner, weight, bias, "h_t", "r_t", hidden);
    return { hidden, seen };
  }
}

/** LayerNorm(GELU(W h + b)). */
const readout = (tensors, hidden, rows) =>
  layerNorm(each(product(tensors, "readout.dense")(hidden, rows), ACTIVATIONS.gelu), tensors["readout.norm.weight"], tensors["readout.norm.bias"]);

export class SelfAttentionLanguage {
  constructor(tensors) {
    Object.assign(this, { tensors, context: new Context(tensors) });
  }

  begin() {
    return null;
  }

  forward(ids, state, tape) {
    const { hidden, seen } = this.context.read(ids, state, true, tape);
    return { hidden: readout(this.tensors, hidden, ids.length), state: seen };
  }

  logits(hidden, rows) {
    return scores(this.tensors, hidden, rows, this.context.embedding);
  }
}

export class SelfAttentionClassifier {
  constructor(tensors) {
    Object.assign(this, { tensors, context: new Context(tensors) });
  }

  forward(ids, tape) {
    const { hidden } = this.context.read(ids, null, false, tape);
    const pooled = readout(this.tensors, meanRow(hidden, this.context.embedding.columns), 1);
    return linear(pooled, 1, this.tensors["output.weight"], this.tensors["output.bias"]);
  }
}
