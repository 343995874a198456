// The steps of a tokenizer.json of the tokenizers library that munmaek's own tokenizers have: text
// to runs between borders, and tokens back to text. A text is a list of its characters, each with
// the place in the text that it came from; a run is [from, to) of that list.
import { characterAt } from "./characters.js";
import { isMark } from "./marks.js";

/** A regular expression of Oniguruma, as far as these files have them, for JavaScript. */
const expression = (source) => new RegExp(source.replaceAll("(?m:.)", "[\\s\\S]").replace(/\\x\{([0-9a-f]+)\}/g, "\\u{$1}").replaceAll("\\A", "^"), "gu");

const patternOf = ({ Regex, String: literal }) => (Regex === undefined ? new RegExp(literal.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "gu") : expression(Regex));

// Normalizers: {characters, places} to the same.

const NORMALIZERS = {
  Sequence: ({ normalizers }) => {
    const steps = normalizers.map(normalizer);
    return (text) => steps.reduce((before, step) => step(before), text);
  },
  NFC: () => (text) => text, // texts are in NFC when they come here
  NFD: () => ({ characters, places }) => {
    const parts = characters.map((character) => Array.from(character.normalize("NFD")));
    return { characters: Array.from(characters.join("").normalize("NFD")), places: parts.flatMap((part, at) => part.map(() => places[at])) };
  },
  Replace: ({ pattern, content }) => {
    const literal = pattern.String;
    return ({ characters, places }) => ({ characters: characters.map((character) => (character === literal ? content : character)), places });
  },
};

const normalizer = (step) => (step === null ? (text) => text : NORMALIZERS[step.type](step));

// Borders: the runs of a text to shorter ones.

const BORDERS = {
  Sequence: ({ pretokenizers }) => {
    const steps = pretokenizers.map(borders);
    return (characters, runs) => steps.reduce((before, step) => step(characters, before), runs);
  },
  Split: ({ pattern, behavior }) => {
    const sought = patternOf(pattern);
    return (characters, runs) => runs.flatMap((run) => split(characters, run, sought, behavior === "Isolated"));
  },
  Metaspace: ({ replacement }) => (characters, runs) => runs.flatMap(([from, to]) => {
    const starts = [from];
    for (let at = from; at < to; at++) {
      if (characters[at] === " ") characters[at] = replacement;
      if (characters[at] === replacement && at > from) starts.push(at);
    }
    return starts.map((start, n) => [start, starts[n + 1] ?? to]);
  }),
  Punctuation: ({ behavior }) => (characters, runs) => runs.flatMap(([from, to]) => {
    const starts = [from];
    for (let at = from + 1; at < to; at++) {
      const [before, here] = [isMark(characters[at - 1]), isMark(characters[at])];
      if (before !== here || (here && behavior === "Isolated")) starts.push(at);
    }
    return starts.map((start, n) => [start, starts[n + 1] ?? to]);
  }),
};

const borders = (step) => (step === null ? (_, runs) => runs : BORDERS[step.type](step));

/** A run cut at what is sought, which stays as a run of its own where it is `isolated`. */
function split(characters, [from, to], sought, isolated) {
  const text = characters.slice(from, to).join("");
  const places = new Map([[text.length, to]]); // from UTF-16 to characters
  for (let at = from, place = 0; at < to; place += characters[at].length, at++) places.set(place, at);
  const found = [];
  let done = from;
  for (const match of text.matchAll(sought)) {
    const [start, end] = [places.get(match.index), places.get(match.index + match[0].length)];
    found.push([done, start], isolated ? [start, end] : [end, end]);
    done = end;
  }
  found.push([done, to]);
  return found.filter(([start, end]) => end > start);
}

// Decoders: tokens to tokens; what is left at the end is joined.

const BYTE = /^<0x([0-9A-F]{2})>$/;

const DECODERS = {
  Sequence: ({ decoders }) => {
    const steps = decoders.map(decoder);
    return (tokens) => steps.reduce((before, step) => step(before), tokens);
  },
  ByteFallback: () => (tokens) => {
    const out = [];
    let bytes = [];
    const flush = () => {
      for (let at = 0; at < bytes.length;) {
        const found = characterAt(bytes, at);
        if (found) out.push(found[0]);
        at += found ? found[1] : 1;
      }
      bytes = [];
    };
    for (const token of tokens) {
      const byte = BYTE.exec(token);
      if (byte) bytes.push(parseInt(byte[1], 16));
      else {
        flush();
        out.push(token);
      }
    }
    flush();
    return out;
  },
  Fuse: () => (tokens) => [tokens.join("")],
  Replace: ({ pattern, content }) => {
    const sought = patternOf(pattern);
    return (tokens) => tokens.map((token) => token.replace(sought, () => content));
  },
};

const decoder = (step) => (step === null ? (tokens) => [tokens.join(" ")] : DECODERS[step.type](step));

/** The steps of a tokenizer.json around its model. */
export const stepsOf = (file) => ({ normalize: normalizer(file.normalizer), cut: borders(file.pre_tokenizer), join: decoder(file.decoder) });
