// Text as a list of its code points, bytes of UTF-8, and the ends of words.

const LONE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/** The text that is read: in NFC; half of a surrogate pair, which no text can hold, becomes "?". */
export const composed = (text) => text.replace(LONE, "?").normalize("NFC");

/** The bytes of a text. */
export function utf8(text) {
  const bytes = [];
  for (const character of text) {
    const point = character.codePointAt(0);
    if (point < 0x80) bytes.push(point);
    else {
      const more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
      bytes.push([0xc0, 0xe0, 0xf0][more - 1] | (point >> (6 * more)));
      for (let left = more - 1; left >= 0; left--) bytes.push(0x80 | ((point >> (6 * left)) & 0x3f));
    }
  }
  return bytes;
}

/** How many bytes the character has that begins with this one; 0 where none does. */
export const lengthOf = (lead) => (lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0);

/** The character that bytes spell, from `at` on: [character, bytes], or null. */
export function characterAt(bytes, at) {
  const length = lengthOf(bytes[at]);
  if (!length || at + length > bytes.length) return null;
  let point = length === 1 ? bytes[at] : bytes[at] & (0x7f >> length);
  for (let n = 1; n < length; n++) {
    if ((bytes[at + n] & 0xc0) !== 0x80) return null;
    point = (point << 6) | (bytes[at + n] & 0x3f);
  }
  const least = [0, 0, 0x80, 0x800, 0x10000][length];
  return point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000) ? null : [String.fromCodePoint(point), length];
}

const BLANK = /[\t-\r ]/;

/** The words between ASCII white space. */
export const wordsOf = (text) => text.match(/[^\t-\r ]+/g) ?? [];

/** The word of each code point: white space belongs to the word after it, or at the end to the last. */
export function wordPlaces(characters) {
  let [index, blank] = [-1, true];
  const places = characters.map((character) => {
    const space = BLANK.test(character);
    if (blank && !space) index += 1;
    blank = space;
    return index + (space ? 1 : 0);
  });
  return places.map((place) => Math.min(place, Math.max(index, 0)));
}
