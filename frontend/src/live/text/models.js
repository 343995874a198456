// From a run of characters to its tokens, as the models of the tokenizers library find them. Each
// gives [id, from, to] over the run's characters.
import { utf8 } from "./characters.js";

const byteToken = (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;

/** The ids of a text's bytes, or null where the vocabulary lacks one. */
function bytesIn(vocabulary, text) {
  const ids = utf8(text).map((byte) => vocabulary.get(byteToken(byte)));
  return ids.every((id) => id !== undefined) ? ids : null;
}

class WordLevel {
  constructor({ vocab, unk_token: unknown }) {
    this.vocabulary = new Map(Object.entries(vocab));
    this.unknown = this.vocabulary.get(unknown);
  }

  tokens(characters) {
    return [[this.vocabulary.get(characters.join("")) ?? this.unknown, 0, characters.length]];
  }
}

/** Sennrich et al. 2016: of all pairs that stand side by side the one learned first is joined, again and again. */
class Bpe {
  constructor({ vocab, merges, unk_token: unknown, byte_fallback: bytes }) {
    this.vocabulary = new Map(Object.entries(vocab));
    this.unknown = this.vocabulary.get(unknown);
    this.bytes = bytes;
    this.ranks = new Map(merges.map((pair, rank) => [(Array.isArray(pair) ? pair : pair.split(" ")).join(" "), rank]));
    this.names = new Map([...this.vocabulary].map(([token, id]) => [id, token]));
  }

  tokens(characters) {
    const parts = characters.flatMap((character, at) => this.spelled(character, at));
    if (!this.ranks.size) return parts.map(({ id, from, to }) => [id, from, to]);
    return this.merged(parts);
  }

  spelled(character, at) {
    const own = this.vocabulary.get(character);
    if (own !== undefined) return [{ id: own, name: character, from: at, to: at + 1 }];
    const bytes = this.bytes ? bytesIn(this.vocabulary, character) : null;
    return (bytes ?? [this.unknown]).map((id) => ({ id, name: null, from: at, to: at + 1 }));
  }

  rank(left, right) {
    return left?.name != null && right?.name != null ? this.ranks.get(`${left.name} ${right.name}`) : undefined;
  }

  merged(parts) {
    while (parts.length > 1) {
      let [best, at] = [Infinity, -1];
      for (let n = 0; n + 1 < parts.length; n++) {
        const rank = this.rank(parts[n], parts[n + 1]);
        if (rank < best) [best, at] = [rank, n];
      }
      if (at < 0) break;
      const [left, right] = [parts[at], parts[at + 1]];
      const name = left.name + right.name;
      parts.splice(at, 2, { id: this.vocabulary.get(name), name, from: left.from, to: right.to });
    }
    return parts.map(({ id, from, to }) => [id, from, to]);
  }
}

const PENALTY = 10; // nats that an unknown character costs beyond the least likely subword

/** Kudo 2018: the likeliest of all ways to cut, by Viterbi. */
class Unigram {
  constructor({ vocab, unk_id: unknown, byte_fallback: bytes }) {
    Object.assign(this, { unknown, bytes, scores: vocab.map(([, score]) => score) });
    this.vocabulary = new Map(vocab.map(([token], id) => [token, id]));
    this.least = this.scores.reduce((least, score) => Math.min(least, score), Infinity) - PENALTY;
    this.root = new Map();
    for (const [token, id] of this.vocabulary) {
      let node = this.root;
      for (const character of token) {
        if (!node.has(character)) node.set(character, new Map());
        node = node.get(character);
      }
      node.id = id;
    }
  }

  tokens(characters) {
    const size = characters.length;
    const [scores, starts, ids] = [new Float64Array(size + 1), new Int32Array(size + 1).fill(-1), new Int32Array(size + 1)];
    const offer = (from, to, id, score) => {
      if (starts[to] >= 0 && !(scores[from] + score > scores[to])) return;
      [scores[to], starts[to], ids[to]] = [scores[from] + score, from, id];
    };
    for (let from = 0; from < size; from++) {
      let [node, alone] = [this.root, false];
      for (let to = from; to < size && (node = node.get(characters[to])); to++) {
        if (node.id === undefined) continue;
        offer(from, to + 1, node.id, this.scores[node.id]);
        if (to === from) alone = true;
      }
      if (!alone) offer(from, from + 1, this.unknown, this.least);
    }
    const found = [];
    for (let to = size; to > 0; to = starts[to]) {
      const last = found[0];
      if (ids[to] === this.unknown && last?.[0] === this.unknown) last[1] = starts[to];
      else found.unshift([ids[to], starts[to], to]);
    }
    return found.flatMap((token) => this.fallen(characters, token));
  }

  fallen(characters, [id, from, to]) {
    const bytes = id === this.unknown && this.bytes ? bytesIn(this.vocabulary, characters.slice(from, to).join("")) : null;
    return bytes ? bytes.map((byte) => [byte, from, to]) : [[id, from, to]];
  }
}

/** Schuster & Nakajima 2012: the longest known beginning, then the longest that goes on from it. */
class WordPiece {
  constructor({ vocab, unk_token: unknown, continuing_subword_prefix: prefix, max_input_chars_per_word: most }) {
    this.vocabulary = new Map(Object.entries(vocab));
    Object.assign(this, { prefix, most, unknown: this.vocabulary.get(unknown) });
  }

  tokens(characters) {
    const found = [];
    if (characters.length > this.most) return [[this.unknown, 0, characters.length]];
    for (let from = 0; from < characters.length;) {
      const longest = this.longest(characters, from, characters.length, from > 0);
      if (!longest) return [[this.unknown, 0, characters.length]];
      found.push(longest);
      from = longest[2];
    }
    return found;
  }

  longest(characters, from, end, continued) {
    for (let to = end; to > from; to--) {
      const id = this.vocabulary.get((continued ? this.prefix : "") + characters.slice(from, to).join(""));
      if (id !== undefined) return [id, from, to];
    }
    return null;
  }
}

const MODELS = { WordLevel, BPE: Bpe, Unigram, WordPiece };

export const modelOf = (described) => new MODELS[described.type](described);
