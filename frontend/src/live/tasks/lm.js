// A language model on one sentence: it reads <s> and the tokens, and predicts each and </s>.
import { chosenLogprobs, greatest, logSoftmax, logSumExp, rowOf } from "../maths.js";
import { side } from "../record.js";
import { Tape } from "../tape.js";
import { composed, wordsOf } from "../text/characters.js";

const NEXT = 8; // continuations told for each context of an n-gram model

/** The text as pieces with their words, and the sides of a record. */
function sentence({ reader }, text, hidden = []) {
  const pieces = reader.subwords(text).filter(({ word }) => !hidden.includes(word));
  const ids = [...pieces.map(({ id }) => id), reader.eos];
  const [names, words, surface] = [reader.shown(ids.slice(0, -1)), pieces.map(({ word }) => word), wordsOf(composed(text))];
  return {
    ids,
    source: side([reader.token(reader.bos), ...names], [-1, ...words], surface),
    output: side([...names, reader.token(reader.eos)], [...words, -1], surface),
  };
}

const outcome = (text, logprobs) => ({ text, logprob: logprobs.reduce((sum, value) => sum + value, 0) });

const LIKELIEST = 8; // tokens told in the place of each that was predicted

/** The likeliest tokens of each row of scores [N, V], as [token, probability]. */
export function likeliest(scores, rows, names) {
  return Array.from({ length: rows }, (_, at) => {
    const row = rowOf(scores, at, scores.length / rows);
    const total = logSumExp(row);
    return greatest(row, LIKELIEST).map((id) => [names.token(id), Math.exp(row[id] - total)]);
  });
}

/** A network that predicts the next token. */
export class NeuralLanguageModel {
  constructor(network, { reader, settings }) {
    Object.assign(this, { network, reader, settings });
  }

  read(text, { changes }) {
    const { ids, source, output } = sentence(this, text, changes.hidden);
    const tape = new Tape(changes);
    const { hidden } = this.network.forward([this.settings.first, ...ids.slice(0, -1)], this.network.begin(), tape);
    const logits = this.network.logits(hidden, ids.length);
    const logprobs = chosenLogprobs(logits, ids);
    return { source, output, logprobs, causal: true, tensors: tape.records, lines: tape.lines, next: likeliest(logits, ids.length, this.reader), answer: { outcome: outcome(text, logprobs) } };
  }

  begin() {
    return { state: this.network.begin(), token: this.settings.first };
  }

  /** The natural-log probabilities of the next token [V], and what goes on after one. */
  next({ state, token }) {
    const { hidden, state: after } = this.network.forward([token], state, new Tape({ keep: false }));
    return { logprobs: logSoftmax(this.network.logits(hidden, 1)), advance: (next) => ({ state: after, token: next }) };
  }
}

/** A chain of counted n-grams. */
export class CountedLanguageModel {
  constructor(chain, { reader, settings }) {
    Object.assign(this, { chain, reader, settings });
  }

  read(text, { changes }) {
    const { ids, source, output } = sentence(this, text, changes.hidden);
    this.chain.without(changes.counts ?? []);
    const names = [source.pieces[0], ...output.pieces];
    let context = this.chain.begin();
    const tokens = ids.map((id, at) => {
      const { order, logprob, backoffs } = this.chain.explain(context, id);
      const found = this.told(id, at, { order, logprob, backoffs, context, names });
      context = this.chain.advance(context, id);
      return found;
    });
    const logprobs = tokens.map(({ logprob }) => logprob);
    return { source, output, logprobs, causal: true, tensors: new Map(), answer: { outcome: outcome(text, logprobs), ngram: { order: this.chain.order, tokens } } };
  }

  /** One token as a record has it; `names` are <s> and all tokens as they are shown. */
  told(id, at, { order, logprob, backoffs, context, names }) {
    const before = (count) => names.slice(at + 1 - count, at + 1);
    const likely = this.chain.following(context, NEXT + (this.reader.inBytes ? 256 : 0));
    return {
      piece: names[at + 1], order, context: before(order - 1).join(" "), logprob, unknown: id === this.reader.unk,
      gram: [...context.slice(context.length - (order - 1)), id],
      backoffs: backoffs.map((each) => ({ context: before(each.context.length).join(" "), logprob: each.logprob })),
      next: likely.filter(([each]) => !this.reader.isPart(each)).slice(0, NEXT).map(([each, chance]) => [this.reader.token(each), chance]),
      orders: this.chain.orders([...context, id], (ids) => this.reader.shown(ids)),
      lines: [], count: null,
    };
  }

  begin() {
    return { context: this.chain.begin() };
  }

  next({ context }) {
    return { logprobs: this.chain.distribution(context), advance: (next) => ({ context: this.chain.advance(context, next) }) };
  }
}

/** The likeliest next tokens after a text, as [token, probability]. */
export function following(model, text, count) {
  const { reader } = model;
  let at = model.begin();
  for (const id of reader.encode(text)) at = model.next(at).advance(id);
  const { logprobs } = model.next(at);
  const kept = logprobs.map((value, id) => (reader.isPart(id) ? -Infinity : value));
  return greatest(kept, count).map((id) => [reader.token(id), Math.exp(kept[id])]);
}
