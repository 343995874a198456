// How wide words are, and where a matrix's cells and labels go, in CSS pixels.

import { variable } from "./palette.js";

export const FONT = 12.5;
export const FACE = variable("face");

const ruler = document.createElement("canvas").getContext("2d");
const widths = new Map();

export function textWidth(text, size = FONT) {
  const key = `${size}\n${text}`;
  if (!widths.has(key)) {
    ruler.font = `${size}px ${FACE}`;
    widths.set(key, ruler.measureText(text).width);
  }
  return widths.get(key);
}

const letters = globalThis.Intl?.Segmenter ? new Intl.Segmenter(undefined, { granularity: "grapheme" }) : null;

/** `text` cut to `limit` letters as a reader counts them: combining marks stay with their letter. */
export function shorten(text, limit = 16) {
  if (text.length <= limit) return text;
  const parts = letters ? Array.from(letters.segment(text), ({ segment }) => segment) : [...text];
  return parts.length <= limit ? text : `${parts.slice(0, limit - 1).join("")}…`;
}

const SMALLEST = 12; // a label needs this much room across its line
const FEW = 64; // rows that are made tall enough for every one to be named

/**
 * Cells and labels of a matrix in `room` pixels of width: {cell, left, above, slant, width, height,
 * every} where every n-th label is written and `slant` is 0, 45 or 90 degrees. `bare` leaves the
 * columns without names and makes them as thin as they must be, for the units of a layer.
 */
export function layOut(rows, columns, { room, largest = 28, smallest = 3, bare = false }) {
  const widest = (names) => names.reduce((most, name) => Math.max(most, textWidth(shorten(name))), 0);
  const left = widest(rows) + 10;
  if (bare) return thin(rows, columns, left, room);
  const widestColumn = widest(columns);
  const fit = (slant) => {
    const beyond = slant === 45 ? widestColumn * 0.71 + 6 : 4;
    const cell = Math.floor((room - left - beyond) / Math.max(columns.length, 1));
    return { slant, beyond, cell: Math.min(Math.max(cell, smallest), largest) };
  };
  const flat = { ...fit(0), cell: Math.min(Math.max(widestColumn + 8, 18), 64) };
  // Level labels read best, above all in Korean; they are used where they cost no scrolling.
  const level = left + flat.cell * columns.length + 4 <= room && flat.cell <= 56;
  const slanted = fit(45);
  const { slant, beyond, cell } = level ? flat : slanted.cell >= 17 ? slanted : fit(90);
  const above = slant === 0 ? FONT + 8 : widestColumn * (slant === 45 ? 0.71 : 1) + 14;
  const height = Math.min(rows.length > FEW ? cell : Math.max(cell, SMALLEST + 2), largest);
  return {
    slant, cell: { width: cell, height }, left, above,
    every: Math.max(1, Math.ceil(SMALLEST / height)),
    everyColumn: Math.max(1, Math.ceil(SMALLEST / cell)),
    width: Math.ceil(left + cell * columns.length + beyond) + 1,
    height: Math.ceil(above + height * rows.length) + 1,
  };
}

function thin(rows, columns, left, room) {
  const width = Math.min(Math.max((room - left - 2) / Math.max(columns.length, 1), 1), 12);
  const height = rows.length > 64 ? 6 : 16;
  return {
    slant: 0, cell: { width, height }, left, above: 2, bare: true,
    every: Math.ceil(SMALLEST / height), everyColumn: 1,
    width: Math.ceil(left + width * columns.length) + 2, height: height * rows.length + 4,
  };
}
