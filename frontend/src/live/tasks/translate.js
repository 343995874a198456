// A translator on one sentence and a translation of it: one search, one encoding, one decoding.
import { chosenLogprobs } from "../maths.js";
import { beamSearch } from "../decode/beam.js";
import { side } from "../record.js";
import { Tape } from "../tape.js";
import { likeliest } from "./lm.js";
import { composed, wordsOf } from "../text/characters.js";

const NODES_MOST = 1500; // of a search that are kept; a longer one loses what was dropped

/** The text that a search wrote, without spaces around it. */
const written = (writer, tokens) => writer.decode(tokens).replace(/^ +| +$/g, "");

export class Translator {
  constructor(network, { reader, writer, settings }) {
    Object.assign(this, { network, reader, writer, settings });
  }

  read(text, { target = null, beam = 5, changes }) {
    const pieces = this.reader.subwords(text).filter(({ word }) => !(changes.hidden ?? []).includes(word)).slice(0, this.settings.limit - 1);
    const ids = [...pieces.map(({ id }) => id), this.reader.eos];
    const tape = new Tape(changes);
    const memory = this.network.encode(ids, tape);
    const { outputs, nodes } = this.search(memory, ids.length, beam, changes);
    const chosen = target === null ? written(this.writer, outputs[0].tokens) : composed(target);
    const made = this.forced(memory, chosen, tape);
    const tensors = new Map(tape.records);
    if (made.alignment) tensors.set("alignment", { data: made.alignment, shape: [made.ids.length, ids.length] });
    outputs.forEach(({ attention, finished, tokens }, place) => {
      if (attention) tensors.set(`beam.${place}`, { data: Float32Array.from(attention.slice(0, tokens.length + Number(finished)).flatMap((row) => [...row])), shape: [tokens.length + Number(finished), ids.length] });
    });
    const source = side([...this.reader.shown(ids.slice(0, -1)), this.reader.token(this.reader.eos)], [...pieces.map(({ word }) => word), -1], wordsOf(composed(text)));
    const logprob = made.logprobs.reduce((sum, value) => sum + value, 0);
    return {
      source, output: made.output, written: made.written, logprobs: made.logprobs, tensors, lines: tape.lines, next: made.next,
      answer: { target: chosen, outcome: { source: text, translation: chosen, logprob }, beam: { size: beam, nodes: this.told(nodes), hypotheses: outputs.map((each, place) => this.hypothesis(each, place)) } },
    };
  }

  /** The log-probability of each token of a translation, with all that led to it on the tape. */
  forced(memory, target, tape) {
    const pieces = this.writer.subwords(target);
    const ids = [...pieces.map(({ id }) => id), this.writer.eos];
    const { hidden, alignment } = this.network.decode(memory, [this.writer.bos, ...ids.slice(0, -1)], tape);
    const logits = this.network.logits(hidden, ids.length);
    const logprobs = chosenLogprobs(logits, ids);
    const [names, words, surface] = [this.writer.shown(ids.slice(0, -1)), pieces.map(({ word }) => word), wordsOf(target)];
    return { ids, logprobs, alignment, next: likeliest(logits, ids.length, this.writer), output: side([...names, this.writer.token(this.writer.eos)], [...words, -1], surface), written: side(["<s>", ...names], [-1, ...words], surface) };
  }

  search(memory, size, beam, changes) {
    const tape = new Tape({ ...changes, keep: false });
    return beamSearch({
      begin: () => this.network.begin(memory),
      step: (state, tokens) => {
        const { hidden, ...rest } = this.network.step(memory, state, tokens, tape);
        return { ...rest, logits: this.network.logits(hidden, tokens.length) };
      },
      select: (state, rows) => this.network.select(state, rows),
      bos: this.writer.bos, eos: this.writer.eos, beam, longest: Math.floor(1.5 * size) + 20, closed: this.settings.closed,
    });
  }

  /** The nodes of a search as a record shows them. */
  told(nodes) {
    const parents = new Set(nodes.map(({ parent }) => parent));
    const all = nodes.map((node, id) => ({ ...node, id }));
    const kept = all.length > NODES_MOST ? all.filter((node) => node.kept || node.finished || parents.has(node.id)) : all;
    return kept.map(({ id, parent, logprob, total, step, kept: stays, finished, rank, ...node }) => ({ id, parent, piece: this.named(nodes, { ...node, parent }), logprob, score: total / (step + 1), step, kept: stays, finished, rank }));
  }

  /** A node's token; of bytes, with those before it that spell the same character. */
  named(nodes, node) {
    const ids = [node.token];
    let at = node;
    while (at.parent !== null && this.writer.isPart(ids[0])) {
      at = nodes[at.parent];
      ids.unshift(at.token);
    }
    return this.writer.shown(ids).at(-1);
  }

  hypothesis({ tokens, logprob, score, finished, attention }, place) {
    const words = tokens.map((_, end) => Math.max(wordsOf(this.writer.decode(tokens.slice(0, end + 1))).length - 1, 0));
    const ids = finished ? [...tokens, this.writer.eos] : tokens;
    return { text: written(this.writer, tokens), pieces: this.writer.shown(ids), words: finished ? [...words, -1] : words, logprob, score, finished, tensor: attention ? `beam.${place}` : null };
  }
}
