// The stage ngram: `munmaek.models.ngram` over the tables of `munmaek.ngram.tables`. A node is an
// n-gram; context c is continued by the nodes first[c] up to first[c + 1], in rising order of their
// last words. N-grams that the reader set to nothing are out of the tables, as pruning leaves them.
import { greatest, logSumExp } from "../maths.js";

export class Chain {
  constructor(tensors, config, sizes, prefix = "") {
    const named = (name) => tensors[prefix + name];
    Object.assign(this, { starts: named("starts"), words: named("words"), first: named("first"), logprobs: named("logprobs"), backoffs: named("backoffs") });
    Object.assign(this, { order: config.order, ...sizes });
    this.vocabulary = this.starts[1];
    this.without([]);
  }

  /** Take n-grams, as lists of ids, out of the tables; each time from the whole ones. */
  without(grams) {
    this.gone = new Set();
    this.owed = new Map();
    const found = grams.map((gram) => this.node(gram)).filter((node) => node >= this.vocabulary);
    for (const node of found) this.gone.add(node);
    for (const gram of grams) this.weigh(gram.slice(0, -1));
  }

  /** The backoff weight by which what follows a context sums to 1 again (Stolcke 1998, eq. 3). */
  weigh(context) {
    const node = this.node(context);
    if (node < 0 || node >= this.backoffs.length) return;
    let [left, shorter] = [1, 1];
    for (let at = this.first[node]; at < this.first[node + 1]; at++) {
      if (this.gone.has(at)) continue;
      left -= Math.exp(this.logprobs[at]);
      shorter -= Math.exp(this.logprob(context.slice(1), this.words[at]));
    }
    if (left > 1e-9 && shorter > 1e-9) this.owed.set(node, Math.log(left / shorter));
  }

  /** The node of an n-gram, −1 where it is not in the tables. */
  node(gram) {
    let node = gram.length ? gram[0] : -1;
    for (let at = 1; at < gram.length && node >= 0; at++) node = this.child(node, gram[at]);
    return node;
  }

  child(node, word) {
    if (node >= this.backoffs.length) return -1;
    let [low, high] = [this.first[node], this.first[node + 1]];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.words[middle] < word) low = middle + 1;
      else high = middle;
    }
    return low < this.first[node + 1] && this.words[low] === word && !this.gone.has(low) ? low : -1;
  }

  backoff(node) {
    return this.owed.get(node) ?? this.backoffs[node];
  }

  begin() {
    return this.order === 1 ? [] : [this.bos];
  }

  advance(context, token) {
    return this.order === 1 ? [] : [...context, token].slice(1 - this.order);
  }

  /** How a token's probability after a context comes about: the n-gram that matched, each backoff paid. */
  explain(context, token) {
    const backoffs = [];
    for (let from = 0; ; from++) {
      const words = context.slice(from);
      const node = words.length ? this.node([...words, token]) : token;
      if (node >= 0) {
        const logprob = backoffs.reduce((sum, each) => sum + each.logprob, this.logprobs[node]);
        return { order: words.length + 1, logprob, backoffs };
      }
      const known = this.node(words);
      if (known >= 0 && known < this.backoffs.length) backoffs.push({ context: words, logprob: this.backoff(known) });
    }
  }

  /**
   * How the probability of the last token of `gram` comes about, the shortest first:
   * `munmaek.tasks.lm.orders`. Counts are not among the tables.
   */
  orders(gram, names) {
    let lower = 0;
    return gram.map((_, at) => {
      const from = gram.length - 1 - at;
      const [node, known] = [this.node(gram.slice(from)), this.node(gram.slice(from, -1))];
      const seen = node >= 0 && Number.isFinite(this.logprobs[node]);
      const backoff = known >= 0 && known < this.backoffs.length ? Math.exp(this.backoff(known)) : 1;
      const probability = seen ? Math.exp(this.logprobs[node]) : backoff * lower;
      const parts = at && (this.interpolated || !seen) ? { backoff, lower, own: seen ? Math.max(probability - backoff * lower, 0) : 0 } : {};
      lower = probability;
      return { ngram: names(gram.slice(from)), seen, probability, ...parts };
    });
  }

  logprob(context, token) {
    return this.explain(context, token).logprob;
  }

  /** The natural-log probability of every token after a context: [V]. */
  distribution(context) {
    const out = Float64Array.from(this.logprobs.subarray(0, this.vocabulary));
    for (let from = context.length - 1; from >= 0; from--) {
      const node = this.node(context.slice(from));
      if (node < 0 || node >= this.backoffs.length) continue;
      const owed = this.backoff(node);
      for (let at = 0; at < out.length; at++) out[at] += owed;
      for (let at = this.first[node]; at < this.first[node + 1]; at++) if (!this.gone.has(at)) out[this.words[at]] = this.logprobs[at];
    }
    return out;
  }

  /** The likeliest tokens after a context, as [id, probability]. */
  following(context, count) {
    const all = this.distribution(context);
    return greatest(all, count).map((id) => [id, Math.exp(all[id])]);
  }

  score(ids) {
    let context = this.begin();
    return ids.map((id) => {
      const { logprob } = this.explain(context, id);
      context = this.advance(context, id);
      return logprob;
    });
  }
}

export class NgramClassifier {
  constructor(tensors, config, sizes) {
    this.prior = tensors.prior;
    this.chains = Array.from(this.prior, (_, label) => new Chain(tensors, config, sizes, `${label}.`));
  }

  /** Natural logs of p(label | tokens): [C]; a text that no label makes possible says nothing. */
  logprobs(ids) {
    const joint = this.chains.map((chain, label) => chain.score([...ids, chain.eos]).reduce((sum, value) => sum + value, this.prior[label]));
    const kept = joint.some(Number.isFinite) ? joint : [...this.prior];
    const total = logSumExp(kept);
    return kept.map((value) => value - total);
  }
}
