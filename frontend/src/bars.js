// Bars: lying ones for probabilities, standing ones over the words of a text. Both are SVG.
import { html } from "htm/preact";
import { useRef } from "preact/hooks";
import { FONT, shorten, textWidth } from "./layout.js";
import { useRoom } from "./matrix.js";
import { number } from "./texts.js";

const ROW = 22;
const VALUE = 62;

/**
 * Lying bars. Props: names, values (null leaves the bar out), label, digits, hot (index), top (the
 * value of a whole bar), signed where bars go both ways from the middle.
 */
export function Bars({ names, values, label, digits = 3, hot = -1, top, signed = false, width = 560 }) {
  const box = useRef();
  const room = Math.min(useRoom(box, width), width);
  const left = Math.min(Math.max(0, ...names.map((name) => textWidth(shorten(name, 24)))) + 10, room / 2);
  const span = Math.max(room - left - VALUE, 40);
  const most = top ?? Math.max(1e-9, ...values.map((value) => Math.abs(value ?? 0)));
  const [zero, unit] = signed ? [left + span / 2, span / 2 / most] : [left, span / most];
  const bar = (name, at) => {
    const value = values[at];
    const size = Math.abs(value ?? 0) * unit;
    return html`<g><title>${name}: ${number(value, digits + 2)}</title>
      <text x=${left - 8} y=${at * ROW + 15} text-anchor="end" class=${at === hot ? "strong" : ""}>${shorten(name, 24)}</text>
      ${value !== null && html`<rect class=${at === hot ? "bar hot" : "bar"} x=${value < 0 ? zero - size : zero} y=${at * ROW + 4} width=${Math.max(size, 0.5)} height=${ROW - 8}/>`}
      <text x=${room} y=${at * ROW + 15} text-anchor="end" class="tick">${number(value, digits)}</text></g>`;
  };
  return html`<div ref=${box} class="scroll"><svg role="img" aria-label=${label} width=${room} height=${names.length * ROW}
    viewBox=${`0 0 ${room} ${names.length * ROW}`}>${signed && html`<line class="grid" x1=${zero} x2=${zero} y1="0" y2=${names.length * ROW}/>`}
    ${names.map(bar)}</svg></div>`;
}

const TALL = 56;
const LINE = TALL + 46;

/** Where each word of a text stands when lines break at `room`. */
function broken(names, room) {
  let [x, line] = [0, 0];
  const places = names.map((name) => {
    const width = Math.max(textWidth(shorten(name)), 30) + 12;
    if (x > 0 && x + width > room) [x, line] = [0, line + 1];
    const place = { x, line, width };
    x += width;
    return place;
  });
  return { places, lines: line + 1 };
}

/** Standing bars over words. Props: names, values (null where there is none), label, unit, hot. */
export function Strip({ names, values, label, unit, digits = 1, hot = -1, top }) {
  const box = useRef();
  const room = useRoom(box);
  const { places, lines } = broken(names, room);
  const most = top ?? Math.max(1e-9, ...values.map((value) => value ?? 0));
  const height = lines * LINE;
  return html`<div ref=${box}><svg role="img" aria-label=${label} width=${room} height=${height} viewBox=${`0 0 ${room} ${height}`}>
    ${names.map((name, at) => {
      const { x, line, width } = places[at];
      const [value, middle, foot] = [values[at], x + width / 2, line * LINE + TALL + 18];
      const size = Math.max((value ?? 0) / most, 0) * TALL;
      return html`<g><title>${name}: ${number(value, digits + 2)} ${unit}</title>
        ${value !== null && html`<rect class=${at === hot ? "bar hot" : "bar"} x=${x + 4} y=${foot - size} width=${width - 8} height=${Math.max(size, 0.5)}/>
        <text x=${middle} y=${foot - size - 4} text-anchor="middle" class="tick">${number(value, digits)}</text>`}
        <line class="grid" x1=${x + 2} x2=${x + width - 2} y1=${foot} y2=${foot}/>
        <text x=${middle} y=${foot + FONT + 4} text-anchor="middle" class=${at === hot ? "strong" : ""}>${shorten(name)}</text></g>`;
    })}</svg></div>`;
}
