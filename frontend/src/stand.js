// What figures ask of a browser where there is none, for the engine of the command line: a page in
// the light, texts as wide as those of common typefaces, and bytes from base64.
const nothing = () => {};
const page = { dataset: { written: "" }, lang: "en" };
const context = {
  font: "",
  measureText(text) {
    const size = Number(/([\d.]+)px/.exec(this.font)?.[1] ?? 12.5);
    return { width: size * [...text].reduce((sum, letter) => sum + share(letter), 0) };
  },
};

/** The width of a letter in shares of the typeface's size. */
function share(letter) {
  if (letter.codePointAt(0) >= 0x1100) return 0.96;
  if (/\p{M}/u.test(letter)) return 0;
  if (/[ijl.,:;'|!\s]/.test(letter)) return 0.32;
  return /[mwMW@]/.test(letter) ? 0.95 : /[A-Z]/.test(letter) ? 0.7 : 0.62;
}

function atob(text) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const values = new Uint8Array(128);
  [...letters].forEach((letter, at) => { values[letter.charCodeAt(0)] = at; });
  const parts = [];
  for (let at = 0; at < text.length; at += 4) {
    const bits = [0, 1, 2, 3].reduce((sum, n) => (sum << 6) | values[text.charCodeAt(at + n) & 127], 0);
    parts.push(String.fromCharCode((bits >> 16) & 255, (bits >> 8) & 255, bits & 255));
  }
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return parts.join("").slice(0, parts.length * 3 - padding);
}

Object.assign(globalThis, {
  atob,
  document: { documentElement: page, hidden: false, createElement: () => ({ getContext: () => context }) },
  getComputedStyle: () => ({ getPropertyValue: () => "" }),
  matchMedia: () => ({ matches: false, addEventListener: nothing, removeEventListener: nothing }),
  window: { addEventListener: nothing, removeEventListener: nothing, devicePixelRatio: 1 },
});
