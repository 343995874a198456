// One scale for weights: from the card's colour to a deep accent in equal steps of OKLab
// (Ottosson 2020), so that equal differences look equally large, also to the colour-blind, since it
// is lightness that changes. Differences run through the card's colour to a blue on the other side.

import { inks, variable } from "./palette.js";

const STEPS = 256;

function labOf(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const value = parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const long = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const medium = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const short = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return [
    0.2104542553 * long + 0.793617785 * medium - 0.0040720468 * short,
    1.9779984951 * long - 2.428592205 * medium + 0.4505937099 * short,
    0.0259040371 * long + 0.7827717662 * medium - 0.808675766 * short,
  ];
}

function rgbOf([light, a, b]) {
  const long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const medium = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (light - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
    -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
    -0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short,
  ].map((value) => {
    const clipped = Math.min(Math.max(value, 0), 1);
    return Math.round(255 * (clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055));
  });
}

function ramp(first, last) {
  const [start, end] = [labOf(first), labOf(last)];
  return Array.from({ length: STEPS }, (_, step) =>
    rgbOf(start.map((value, at) => value + (step / (STEPS - 1)) * (end[at] - value))));
}

const made = new Map();
const named = (rgb) => `#${rgb.map((part) => part.toString(16).padStart(2, "0")).join("")}`;

/** The 256 colours of weights or of differences, in the theme that the page is in. */
function colours(kind) {
  const key = `${inks()} ${kind}`;
  if (!made.has(key)) {
    const [low, high, other] = ["card", "deep", "other"].map(variable);
    const up = ramp(low, high);
    const list = kind === "difference"
      ? [...ramp(low, other).filter((_, at) => at % 2 === 1).reverse(), ...up.filter((_, at) => at % 2 === 1)]
      : up;
    made.set(key, { named: list.map(named), packed: Uint32Array.from(list, ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0) });
  }
  return made.get(key);
}

/** Where `value` stands on the scale, 0 … 255. */
export function stepOf(value, { kind, top }) {
  const share = kind === "difference" ? (value / top + 1) / 2 : value / top;
  return Math.round(Math.min(Math.max(share, 0), 1) * (STEPS - 1));
}

/** `matrix` as pixels, one a cell. */
export function pixels(matrix, scale) {
  const image = new ImageData(matrix.columns, matrix.rows);
  const words = new Uint32Array(image.data.buffer);
  const { packed } = colours(scale.kind);
  const { data } = matrix;
  for (let at = 0; at < words.length; at++) words[at] = packed[stepOf(data[at], scale)];
  return image;
}

/** `#rrggbb` of a value. */
export const colourOf = (value, scale) => colours(scale.kind).named[stepOf(value, scale)];

/** The upper end of a scale: the next of 0.1, 0.2, 0.5, 1, 2, 5 … at or above every size. */
export function ceiling(...arrays) {
  let largest = 0;
  for (const array of arrays) for (const value of array) if (Math.abs(value) > largest) largest = Math.abs(value);
  for (let power = 0.1; ; power *= 10) {
    for (const step of [1, 2, 5]) if (largest <= step * power * 1.000001) return Number((step * power).toPrecision(2));
    if (power > 1e12) return largest;
  }
}
