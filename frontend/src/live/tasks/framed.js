// A text, or a pair, in the frame that a network reads: `munmaek.tasks.framed`, `munmaek.text.frames`.
import { side } from "../record.js";
import { composed, wordsOf } from "../text/characters.js";

const SPECIAL = -1; // the content of a slot that is a special token; else 0 or 1, which text

/** The tokens of each text that a row of at most `limit` has room for: of a pair the longer one is cut first. */
function kept(sizes, slots, { limit, frame }) {
  const room = limit - (slots.length - sizes.length);
  const short = Math.min(...sizes);
  let most = [room];
  if (sizes.length === 2) {
    let [less, more] = [short, Math.max(short, room - short)];
    if (less + more > room) [less, more] = [Math.floor(room / 2), room - Math.floor(room / 2)];
    most = sizes[0] > sizes[1] ? [more, less] : [less, more];
  }
  return sizes.map((size, at) => {
    const count = Math.min(size, most[at]);
    return frame.cut_left ? [size - count, size] : [0, count];
  });
}

/**
 * One row of a network's input: ids, the word of each (−1 special), its segment, and the side of a
 * record. Words that are `hidden` are left out, or stand behind `mask` where one is given.
 */
export function frameText(reader, framing, text, { second = null, masks = false, hidden = [], mask = null } = {}) {
  const texts = second === null ? [text] : [text, second];
  const read = texts.map((each) => reader.subwords(each, { masks }));
  const slots = second === null ? framing.frame.single : framing.frame.pair;
  const spans = kept(read.map((each) => each.length), slots, framing);
  const surfaces = texts.map((each) => wordsOf(composed(each)));
  const row = slots.flatMap(([content, token, segment]) => (content === SPECIAL
    ? [{ id: token, word: -1, segment }]
    : read[content].slice(...spans[content]).map(({ id, word }) => ({ id, word: word + content * surfaces[0].length, segment }))));
  return rowOfTokens(reader, row, surfaces.flat(), { hidden, mask, paired: second !== null, segmented: framing.segments });
}

/** The same of tokens that are framed already. */
export function rowOfTokens(reader, row, surface, { hidden = [], mask = null, paired = false, segmented = false } = {}) {
  const gone = new Set(hidden);
  const left = mask === null ? row.filter(({ word }) => !gone.has(word)) : row.map((each) => (gone.has(each.word) ? { ...each, id: mask } : each));
  const ids = left.map(({ id }) => id);
  const segments = left.map(({ segment }) => segment);
  return {
    ids, words: left.map(({ word }) => word), rows: left, segments: paired ? segments : null, types: paired && segmented ? segments : null,
    source: side(reader.shown(ids), left.map(({ word }) => word), surface),
  };
}
