// Tokenizers that munmaek trained: `munmaek.text.tokenizers`, `munmaek.text.places` and how tokens
// are shown, `munmaek.text.spelling`.
import { characterAt, composed, lengthOf, utf8, wordPlaces } from "./characters.js";
import { modelOf } from "./models.js";
import { stepsOf } from "./pipeline.js";

const [PAD, UNK, BOS, EOS, MASK] = [0, 1, 2, 3, 4];
const UNSEEN = new Set([PAD, BOS, EOS, MASK]);
const FIRST_BYTE = 5;
const BYTES = 256;
const MARK = "▁";
const STAND_IN = "\u{f2581}";
const BLANKS = /[\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const MASKS = ["<mask>", "[MASK]"];

const isByte = (id) => id >= FIRST_BYTE && id < FIRST_BYTE + BYTES;

export class Tokenizer {
  constructor({ kind, rules, file }) {
    Object.assign(this, { kind, ...rules, ...stepsOf(file), model: modelOf(file.model) });
    [this.pad, this.unk, this.bos, this.eos, this.mask] = [PAD, UNK, BOS, EOS, MASK];
    this.names = [];
    for (const [token, id] of this.model.vocabulary) this.names[id] = token;
  }

  get size() {
    return this.names.length;
  }

  token(id) {
    return this.names[id];
  }

  composed(text) {
    return composed(text);
  }

  /** The tokens of a text, as {id, start, end, word}: places of code points, and the word of each. */
  subwords(text, { masks = false } = {}) {
    const characters = Array.from(composed(text));
    const words = wordPlaces(characters);
    return this.located(characters, masks).map(([id, start, end]) => ({ id, start, end, word: words[start] }));
  }

  encode(text) {
    return this.subwords(text).map(({ id }) => id);
  }

  located(characters, masks) {
    const found = [];
    let masked = false;
    for (const [start, end, special] of this.spans(characters, masks)) {
      if (special !== null) found.push([special, start, end]);
      else if (masked && this.continues) found.push(...this.continued(characters, start, end));
      else found.push(...this.plain(characters, start, end));
      masked = special !== null;
    }
    return found;
  }

  /** The text cut at masks, which take the white space before them. */
  spans(characters, masks) {
    const spans = [];
    let done = 0;
    for (let at = 0; masks && at < characters.length; at++) {
      const literal = MASKS.find((each) => characters[at] === each[0] && characters.slice(at, at + each.length).join("") === each);
      if (!literal) continue;
      let start = at;
      while (this.spaced && start > done && BLANKS.test(characters[start - 1])) start--;
      if (start > done) spans.push([done, start, null]);
      spans.push([start, at + literal.length, MASK]);
      done = at + literal.length;
      at = done - 1;
    }
    if (done < characters.length) spans.push([done, characters.length, null]);
    return spans;
  }

  plain(characters, start, end) {
    const text = this.normalize({ characters: characters.slice(start, end), places: Array.from({ length: end - start }, (_, at) => start + at) });
    const runs = text.characters.length ? this.cut(text.characters, [[0, text.characters.length]]) : [];
    const found = runs.flatMap(([from, to]) => this.model.tokens(text.characters.slice(from, to)).map(
      ([id, first, last]) => [this.kept(id), text.places[from + first], text.places[from + last - 1] + 1]));
    return this.inBytes ? bytesLocated(characters, found) : found;
  }

  /** A word of the text that is written like a special token is unknown. */
  kept(id) {
    return UNSEEN.has(id) ? UNK : id;
  }

  /** What goes on from a mask within a word, in subwords that continue one. */
  continued(characters, start, end) {
    const found = [];
    let border = start;
    while (border < end && border - start < this.longest && /[\p{L}\p{N}_]/u.test(characters[border])) border++;
    let place = start;
    while (place < border) {
      const longest = this.model.longest(characters, place, border, true);
      if (!longest) break;
      found.push(longest);
      place = longest[2];
    }
    return place < end ? [...found, ...this.plain(characters, place, end)] : found;
  }

  /** The NFC text of ids; an unknown token is shown, other special ones and broken bytes are left out. */
  decode(ids) {
    return this.join(ids.filter((id) => !UNSEEN.has(id)).map((id) => this.names[id])).join("").normalize("NFC");
  }

  /** Tokens as people read them: three bytes of 글 are 글(1/3), 글(2/3) and 글(3/3). */
  shown(ids) {
    const names = ids.map((id) => this.names[id]);
    if (!this.inBytes) return names;
    for (let begin = 0; begin < ids.length;) {
      let end = begin;
      while (end < ids.length && isByte(ids[end])) end++;
      names.splice(begin, end - begin, ...readable(ids.slice(begin, end).map((id) => id - FIRST_BYTE)));
      begin = end + 1;
    }
    return names;
  }

  /** Whether a token is a character or more by itself: bytes of ASCII are. */
  isWhole(id) {
    return !this.isPart(id) || id - FIRST_BYTE < 0x80;
  }

  /** A token as people read it, without others beside it. */
  alone(id) {
    return this.shown([id])[0];
  }

  /** Whether a token is a byte of a character, which says nothing alone. */
  isPart(id) {
    return this.inBytes && isByte(id);
  }
}

/** Names of tokens of bytes that follow one another; a letter that does not end is "…". */
function readable(bytes) {
  const names = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes[at] > 0xf0 ? 1 : Math.max(lengthOf(bytes[at]), 1); // letters to read end with plane 3
    const found = bytes[at] > 0xf0 ? null : characterAt(bytes, at);
    const count = Math.min(length, bytes.length - at);
    const letter = found ? found[0] : "…";
    for (let part = 1; part <= count; part++) {
      const name = count > 1 ? `${letter}(${part}/${length})` : letter;
      names.push(name === " " ? MARK : name);
    }
    at += count;
  }
  return names;
}

const byteCount = (character) => utf8(character === MARK ? STAND_IN : character ?? "").length;

/** Each byte with the place of its own character; unigram gives those of a whole run. */
function bytesLocated(characters, located) {
  let [runEnd, place, left] = [-1, 0, 0];
  return located.map(([id, start, end]) => {
    if (!isByte(id)) {
      runEnd = -1;
      return [id, start, end];
    }
    if (runEnd !== end) {
      [runEnd, place] = [end, start];
      left = byteCount(characters[place]);
    } else if (left === 0 && place + 1 < end) {
      place += 1;
      left = byteCount(characters[place]);
    }
    if (left > 0) left -= 1;
    return [id, place, place + 1];
  });
}
