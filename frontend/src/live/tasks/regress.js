// A regressor on one text or a pair: its number.
import { Tape } from "../tape.js";
import { frameText } from "./framed.js";

export class Regressor {
  constructor(network, { reader, settings }) {
    Object.assign(this, { network, reader, settings });
  }

  read(text, { second, changes }) {
    const framed = frameText(this.reader, this.settings, text, { second, hidden: changes.hidden });
    const tape = new Tape(changes);
    const { low, high } = this.settings;
    const value = low + (high - low) * this.network.forward(framed.ids, tape, framed.types)[0];
    return {
      source: framed.source, segments: framed.segments, unit: "value", tensors: tape.records, lines: tape.lines,
      answer: { outcome: { text, ...(second === null ? {} : { second }), value } },
    };
  }
}
