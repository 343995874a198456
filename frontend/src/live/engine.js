// A model of munmaek that computes where it is read: `load` of what `munmaek look --live` wrote.
import { greatest, softmax } from "./maths.js";
import { recordOf } from "./record.js";
import { Refused, noticeOf } from "./refused.js";
import { LINEAGE } from "./stages/index.js";
import { following } from "./tasks/lm.js";
import { composed } from "./text/characters.js";
import { isMark } from "./text/marks.js";
import { Tokenizer } from "./text/tokenizer.js";
import { linear, tensorsOf } from "./weights.js";

const VERSION = 1;
const TOKENS_MOST = 512; // of a text that is looked at, as `munmaek.look.capture` has it

/**
 * A model that reads texts. `predict` gives what `--json` of munmaek's commands says, `record` all
 * that was computed on the way, `next` the likeliest next tokens, `tokens` the pieces of a text.
 * `changes` are by hand: heads `off` {scope: [head]}, weights `given` {name: [[head, row, column,
 * value]]}, words `hidden` [index], n-grams set to nothing in `counts` [[id]].
 */
class Model {
  constructor(weights) {
    const { name, label, task, stage, accepts } = weights;
    Object.assign(this, { name, label, task, stage, accepts });
    this.reader = new Tokenizer(weights.reader);
    this.writer = weights.writer ? new Tokenizer(weights.writer) : null;
    const { config, settings } = weights;
    this.inner = LINEAGE[stage][task](tensorsOf(weights), { config, settings, reader: this.reader, writer: this.writer });
  }

  /** The tokens of a text, as people read them. */
  tokens(text) {
    return this.reader.shown(this.reader.encode(text));
  }

  /** The model's answer to a text. */
  predict(text, options = {}) {
    return this.read(text, options).answer.outcome;
  }

  /** What the model computed on a text, which munmaek's figures draw. */
  record(text, options = {}) {
    const { off = {} } = options.changes ?? {};
    const read = this.read(text, options);
    return recordOf(this, read.text, read, Object.entries(off).flatMap(([name, heads]) => heads.map((head) => [name, head])));
  }

  read(text, { second = null, changes = {}, ...options }) {
    const given = this.fitted(composed(text));
    if (!given.text.trim()) throw new Refused(text.trim() ? "first" : "empty");
    const read = this.inner.read(given.text, { second: second === null ? null : composed(second), changes, ...options });
    return { ...read, text: given.text, notices: [...given.notices, ...(read.notices ?? [])] };
  }

  /** The beginning of a text, in whole words, that figures and the model can hold. */
  fitted(text) {
    const limit = Math.min(TOKENS_MOST, this.accepts.limit ?? TOKENS_MOST) - this.accepts.special;
    const pieces = this.reader.subwords(text, { masks: this.accepts.masks });
    if (pieces.length <= limit) return { text, notices: [] };
    const characters = Array.from(text);
    const end = pieces.find(({ word }) => word === pieces[limit].word).start;
    const kept = characters.slice(0, end).join("").trimEnd() || characters.slice(0, pieces[limit].start).join("");
    return { text: kept, notices: [noticeOf("cut", { total: pieces.length, limit })] };
  }

  /** The likeliest next tokens after a text, as [token, probability]. */
  next(text, count = 12) {
    return following(this.inner, composed(text), count);
  }

  /** Tokens drawn one after the other behind a text; `random` gives numbers within 0 and 1. */
  generate(text, { temperature = 1, most = 40, random = Math.random } = {}) {
    let at = this.inner.begin();
    for (const id of this.reader.encode(text)) at = this.inner.next(at).advance(id);
    const made = [];
    while (made.length < most) {
      const { logprobs, advance } = this.inner.next(at);
      const id = drawn(logprobs, temperature, random);
      if (id === this.reader.eos) break;
      made.push(id);
      at = advance(id);
    }
    return this.reader.decode([...this.reader.encode(text), ...made]);
  }
}

/** The likeliest token at temperature 0; else one drawn from p^(1/temperature). */
function drawn(logprobs, temperature, random) {
  if (temperature === 0) return greatest(logprobs, 1)[0];
  const chances = softmax(logprobs.map((value) => value / temperature));
  let left = random() * chances.reduce((sum, value) => sum + value, 0);
  for (let id = 0; id < chances.length; id++) if ((left -= chances[id]) < 0) return id;
  return greatest(logprobs, 1)[0];
}

// For tests and measurements, part by part.
export { Tokenizer, isMark, linear, tensorsOf };

/** The model of what was written for it. */
export function load(weights) {
  const { munmaek_live: given, stage, task } = weights;
  if (given !== VERSION) throw new Refused("version", { given, known: VERSION });
  if (!LINEAGE[stage]?.[task]) throw new Refused("unknown", { stage, task });
  return new Model(weights);
}
