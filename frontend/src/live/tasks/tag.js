// A tagger on one sentence: the label of every word, read from the word's first piece.
import { greatest, logSoftmax, rowOf } from "../maths.js";
import { Tape } from "../tape.js";
import { composed, wordsOf } from "../text/characters.js";
import { rowOfTokens } from "./framed.js";

const CANDIDATES = 5; // labels told for each word
const NONE = -1;
const OUTSIDE = "O";
const EDGES = /^([^\p{L}\p{N}_]*)(.*?)([^\p{L}\p{N}_]*)$/su;

export class Tagger {
  constructor(network, { reader, settings }) {
    Object.assign(this, { network, reader, settings });
  }

  read(text, { changes }) {
    const words = this.words(text);
    const joined = words.map(({ word }) => composed(word)).join(" ");
    const { rows, owners } = this.framed(joined, words);
    const framed = rowOfTokens(this.reader, rows, words.map(({ word }) => word), { hidden: changes.hidden, mask: this.reader.mask });
    const tape = new Tape(changes);
    const scores = this.network.forward(framed.ids, tape);
    const size = scores.length / framed.ids.length;
    const labelled = words.map(({ word }, at) => this.label(word, owners.indexOf(at), scores, size));
    const entities = this.entities(text, words, labelled);
    return {
      source: framed.source, tensors: tape.records, lines: tape.lines,
      answer: { tags: labelled, outcome: { text, words: labelled.map(({ word, label, probability }) => ({ word, label, probability })), entities } },
    };
  }

  /** The words of a plain text, with their places; marks at their ends stand apart where they did in training. */
  words(text) {
    const places = [];
    Array.from(text).forEach((character, at) => { for (let n = 0; n < character.length; n++) places.push(at); });
    places.push(Array.from(text).length);
    return [...text.matchAll(/[^\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g)].flatMap(({ 0: found, index }) => {
      const edges = this.settings.apart ? EDGES.exec(found) : null;
      const cuts = edges?.[2] ? [0, edges[1].length, edges[1].length + edges[2].length, found.length] : [0, found.length];
      const ends = cuts.filter((cut, at) => at === 0 || cut > cuts[at - 1]);
      return ends.slice(1).map((end, at) => ({ word: found.slice(ends[at], end), start: places[index + ends[at]], end: places[index + end] }));
    });
  }

  /** The framed row of a sentence, and for each token the word that begins there. */
  framed(text, words) {
    const characters = Array.from(text);
    const starts = words.reduce(({ all, at }, { word }) => ({ all: [...all, at], at: at + Array.from(composed(word)).length + 1 }), { all: [], at: 0 }).all;
    let seen = NONE;
    const pieces = this.reader.subwords(text).map(({ id, start, end, word }) => {
      const part = characters.slice(start, end).join("");
      const place = start + Array.from(part).length - Array.from(part.trimStart()).length;
      const own = part.trim() ? starts.filter((each) => each <= place).length - 1 : seen;
      const first = own > seen ? own : NONE;
      seen = Math.max(seen, own);
      return { id, word, segment: 0, first };
    });
    const { single } = this.settings.frame;
    const room = this.settings.limit - (single.length - 1);
    const kept = this.settings.frame.cut_left ? pieces.slice(Math.max(pieces.length - room, 0)) : pieces.slice(0, room);
    const rows = single.flatMap(([content, token]) => (content < 0 ? [{ id: token, word: -1, segment: 0, first: NONE }] : kept));
    return { rows, owners: rows.map(({ first }) => first) };
  }

  label(word, at, scores, size) {
    const { labels } = this.settings;
    if (at < 0) return { word, label: labels.includes(OUTSIDE) ? OUTSIDE : labels[0], probability: 0, candidates: [] };
    const logprobs = logSoftmax(rowOf(scores, at, size));
    const candidates = greatest(logprobs, CANDIDATES).map((place) => [labels[place], Math.exp(logprobs[place])]);
    return { word, label: candidates[0][0], probability: candidates[0][1], candidates };
  }

  /** The entities that the labels of the words make: `munmaek.metrics.tagging.spans`. */
  entities(text, words, labelled) {
    const characters = Array.from(text);
    return spansOf(labelled.map(({ label }) => label)).map(([label, first, end]) => {
      const [start, stop, own] = [words[first].start, words[end - 1].end, labelled.slice(first, end)];
      return { label, text: characters.slice(start, stop).join(""), start, end: stop, probability: own.reduce((sum, { probability }) => sum + probability, 0) / own.length };
    });
  }
}

const PREFIXES = { B: "B", I: "I", E: "E", S: "S", L: "E", U: "S", M: "I" };

/** A label's prefix and name. */
function partsOf(label) {
  if (label === OUTSIDE) return [OUTSIDE, ""];
  const dash = label.indexOf("-");
  const prefix = dash > 0 ? PREFIXES[label.slice(0, dash)] : undefined;
  return prefix ? [prefix, label.slice(dash + 1)] : ["I", label];
}

function spansOf(labels) {
  const out = [];
  let [before, name, start] = [OUTSIDE, "", 0];
  [...labels, OUTSIDE].forEach((label, place) => {
    const [prefix, current] = partsOf(label);
    if (before !== OUTSIDE && (["E", "S"].includes(before) || ["B", "S", OUTSIDE].includes(prefix) || current !== name)) {
      out.push([name, start, place]);
      before = OUTSIDE;
    }
    if (prefix !== OUTSIDE && before === OUTSIDE) start = place;
    [before, name] = [prefix, current];
  });
  return out;
}
