// A classifier on one text or a pair: the probability of each label.
import { logSoftmax, logSumExp } from "../maths.js";
import { Tape } from "../tape.js";
import { frameText } from "./framed.js";

const asked = (text, second) => (second === null ? { text } : { text, second });

const logSigmoid = (value) => (value < 0 ? value - Math.log1p(Math.exp(value)) : -Math.log1p(Math.exp(-value)));

/** What both kinds of classifier say of the log-probability of each label. */
function told(framed, { labels }, logprobs, text, second) {
  const chances = Object.fromEntries(labels.map((label, at) => [label, Math.exp(logprobs[at])]));
  const ranked = labels.map((label, at) => [label, Math.exp(logprobs[at])]).sort((a, b) => b[1] - a[1]);
  return {
    source: framed.source, segments: framed.segments, tensors: new Map(), logprobs: [], labels: logprobs,
    answer: { probabilities: ranked, outcome: { ...asked(text, second), label: ranked[0][0], probabilities: chances } },
  };
}

export class NeuralClassifier {
  constructor(network, { reader, settings }) {
    Object.assign(this, { network, reader, settings });
  }

  read(text, { second, changes }) {
    const framed = frameText(this.reader, this.settings, text, { second, hidden: changes.hidden });
    const tape = new Tape(changes);
    const scores = Float64Array.from(this.network.forward(framed.ids, tape, framed.types), (score) => score / this.settings.temperature);
    const logprobs = this.settings.several ? scores.map(logSigmoid) : logSoftmax(scores);
    return { ...told(framed, this.settings, logprobs, text, second), tensors: tape.records, lines: tape.lines };
  }
}

/** Bayes' rule over one chain for each label; a frame is not counted. */
export class CountedClassifier {
  constructor(model, { reader, settings }) {
    Object.assign(this, { model, reader, settings });
  }

  read(text, { second, changes }) {
    const framed = frameText(this.reader, this.settings, text, { second, hidden: changes.hidden });
    for (const chain of this.model.chains) chain.without(changes.counts ?? []);
    const found = this.model.logprobs(framed.ids.slice(1, -1)).map((value) => value / this.settings.temperature);
    const total = logSumExp(found);
    return told(framed, this.settings, found.map((value) => value - total), text, second);
  }
}
