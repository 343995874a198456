// The stage seq2seq: `munmaek.models.seq2seq`. The context is one fixed vector c.
import { beside, each } from "../maths.js";
import { product } from "../nn/attention.js";
import { embed, scores } from "../nn/embeddings.js";
import { Recurrent, select } from "../nn/recurrent.js";
import { maxout, repeated } from "../nn/readout.js";

export class FixedVectorTranslator {
  constructor(tensors, config) {
    Object.assign(this, { tensors, config, encoder: new Recurrent(tensors, "encoder", config.cell), decoder: new Recurrent(tensors, "decoder", config.cell) });
    [this.reading, this.writing] = ["source", "target"].map((which) => tensors[`${which}_embedding.table.weight`]);
  }

  encode(ids, tape) {
    const inner = tape.scope("encoder");
    const inputs = embed(this.reading, ids);
    inner.record("embedding", inputs, [ids.length, this.reading.columns]);
    const { after } = this.encoder.read(inputs, ids.length, this.encoder.begin(1), inner, this.config.reverse_source);
    const top = after.at(-1)[0];
    const context = this.config.bridge === "copy" ? top : each(product(this.tensors, "context")(top, 1), Math.tanh);
    tape.record("context", context, [context.length]);
    return { size: ids.length, context, initial: this.config.bridge === "copy" ? after : this.bridged(context, after) };
  }

  /** s_0 of each layer, made from c. */
  bridged(context, after) {
    const width = context.length;
    const made = after[0].map((_, part) => each(product(this.tensors, `bridge.${part}`)(context, 1), Math.tanh));
    return after.map((_, layer) => made.map((all) => all.slice(layer * width, (layer + 1) * width)));
  }

  begin({ initial }) {
    return initial;
  }

  /** The token, and c beside it where it is seen at every step. */
  seen(context, ids) {
    const tokens = embed(this.writing, ids);
    return this.config.context_at_every_step ? [tokens, repeated(context, ids.length)] : [tokens];
  }

  decode({ context, initial }, ids, tape) {
    const inner = tape.scope("decoder");
    const seen = this.seen(context, ids);
    inner.record("embedding", seen[0], [ids.length, this.writing.columns]);
    const { outputs } = this.decoder.read(beside(ids.length, ...seen), ids.length, initial, inner);
    return { hidden: this.predicting(outputs, seen, ids.length), alignment: null };
  }

  step({ context }, state, tokens) {
    const seen = this.seen(context, tokens);
    const { outputs, after } = this.decoder.step(beside(tokens.length, ...seen), state);
    return { hidden: this.predicting(outputs, seen, tokens.length), state: after, attention: null };
  }

  select(state, rows) {
    return select(state, rows, this.decoder.width);
  }

  predicting(states, seen, rows) {
    if (this.config.readout === "maxout") return maxout(this.tensors, "readout", rows, states, ...seen);
    return this.tensors["readout.weight"] ? product(this.tensors, "readout")(states, rows) : states;
  }

  logits(hidden, rows) {
    return scores(this.tensors, hidden, rows, this.writing);
  }
}
