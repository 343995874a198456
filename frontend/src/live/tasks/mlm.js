// An encoder with a head for masked words: the token in every place, and what may fill each mask.
import { greatest, logSoftmax, rowOf } from "../maths.js";
import { Tape } from "../tape.js";
import { frameText } from "./framed.js";

const CANDIDATES = 8; // told for each mask
const MARK = "▁";

export class MaskedModel {
  constructor(network, { reader, settings }) {
    Object.assign(this, { network, reader, settings });
  }

  read(text, { second, changes }) {
    const mask = this.reader.mask;
    const framed = frameText(this.reader, this.settings, text, { second, masks: true, hidden: changes.hidden, mask });
    const tape = new Tape(changes);
    const logits = this.network.logits(this.network.hidden(framed.ids, framed.types, tape), framed.ids.length);
    const size = logits.length / framed.ids.length;
    const masked = framed.ids.flatMap((id, at) => (id === mask ? [at] : []));
    const filled = this.filled(framed, masked.map((at) => logSoftmax(rowOf(logits, at, size))), second === null ? [text] : [text, second]);
    return { source: framed.source, segments: framed.segments, tensors: tape.records, lines: tape.lines, answer: { filled, outcome: { text, filled } } };
  }

  /** What may stand behind each mask, and the text with the likeliest in its place. */
  filled(framed, behind, texts) {
    const special = new Set([this.reader.pad, this.reader.unk, this.reader.bos, this.reader.eos, this.reader.mask]);
    const ranked = behind.map((logprobs) => {
      const open = logprobs.map((value, id) => (special.has(id) || !this.reader.isWhole(id) ? -Infinity : value));
      return greatest(open, CANDIDATES).map((id) => [id, this.reader.alone(id), Math.exp(open[id])]);
    });
    const spaced = texts.flatMap((text) => this.spaced(text));
    const text = this.joined(framed, ranked.map(([[id]]) => id), spaced);
    return ranked.map((row, position) => ({ position, candidates: row.map(([, name, chance]) => [name, chance]), text }));
  }

  /** For each mask whether it stands for the space before it too. */
  spaced(text) {
    const characters = Array.from(this.reader.composed(text));
    return this.reader.subwords(text, { masks: true }).filter(({ id }) => id === this.reader.mask).map(({ start }) => characters[start] === " ");
  }

  joined(framed, fills, spaced) {
    const parts = [[], []];
    let next = 0;
    framed.rows.forEach(({ word, segment }, at) => {
      const part = parts[framed.segments ? segment : 0];
      let id = framed.ids[at];
      if (id === this.reader.mask) {
        id = fills[next];
        const space = this.reader.names.indexOf(MARK);
        if (spaced[next] && !this.reader.token(id).startsWith(MARK) && space >= 0) part.push(space);
        next += 1;
      }
      if (word >= 0) part.push(id);
    });
    return parts.slice(0, framed.segments ? 2 : 1).map((ids) => this.reader.decode(ids)).join(" ");
  }
}
