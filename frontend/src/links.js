// Weights as lines between two lines of words, read horizontally as Korean is: queries above, what
// they look at below. One word at a time stands out; which one follows the pointer or the Tab key.
import { html } from "htm/preact";
import { useRef, useState } from "preact/hooks";
import { colourOf } from "./colour.js";
import { FONT, shorten, textWidth } from "./layout.js";
import { t, number } from "./texts.js";
import { moveTo } from "./words.js";

const HEIGHT = 170;
const FOOT = 22;
const MOST = 1200; // lines at once: more is a grey surface, and slow; the matrix and the file have all
const FAINTEST = 0.08; // share of the largest weight below which a line only adds grey

const spans = (names) => names.map((name) => Math.max(textWidth(shorten(name)) + 16, 26));

const sum = (values) => values.reduce((total, value) => total + value, 0);

/** The middle of each word when the line is spread over `width`, so that both lines end together. */
function placed(names, width) {
  const own = spans(names);
  const gap = (width - sum(own)) / Math.max(names.length, 1);
  let x = 6;
  return own.map((each) => {
    const middle = x + (each + gap) / 2;
    x += each + gap;
    return { middle };
  });
}

/**
 * Props: matrix, rows, columns (names), scale, label, links [{row, column, kind}] drawn over,
 * picked {side, at} and onPick({side, at}) where words are clicked to link them.
 */
export function Links({ matrix, rows, columns, scale, label, links = [], picked, onPick }) {
  const [focus, setFocus] = useState(null);
  const across = Math.max(sum(spans(rows)), sum(spans(columns)));
  const [above, below] = [placed(rows, across), placed(columns, across)];
  const width = across + 12;
  const floor = scale.top * FAINTEST;
  const at = (row, column) => matrix.data[row * matrix.columns + column];
  const lit = focus ?? picked;
  const touches = (row, column) => !lit || (lit.side === "row" ? row === lit.at : column === lit.at);
  const lines = [];
  for (let r = 0; r < rows.length; r++) {
    for (let c = 0; c < columns.length; c++) {
      if (at(r, c) >= floor && touches(r, c)) lines.push([r, c, at(r, c)]);
    }
  }
  lines.sort((a, b) => a[2] - b[2]); // the heaviest is drawn last, on top
  lines.splice(0, lines.length - MOST);
  const curve = (r, c) => {
    const [from, to] = [above[r].middle, below[c].middle];
    return `M${from.toFixed(1)} ${FOOT + 4}C${from.toFixed(1)} ${HEIGHT / 2} ${to.toFixed(1)} ${HEIGHT / 2} ${to.toFixed(1)} ${HEIGHT - FOOT - 4}`;
  };
  return html`<div class="scroll" tabindex="-1"><svg class="links" role="group" aria-label=${label} width=${width} height=${HEIGHT} viewBox=${`0 0 ${width} ${HEIGHT}`}
      onPointerLeave=${() => setFocus(null)}>
    ${lines.map(([r, c, value]) => html`<path class="link" d=${curve(r, c)} fill="none" stroke=${colourOf(value, scale)}
      stroke-width=${(0.8 + 4 * Math.min(value / scale.top, 1)).toFixed(2)}><title>${rows[r]} ← ${columns[c]} ${number(value, 3)}</title></path>`)}
    ${links.map(({ row, column, kind }) => above[row] && below[column] && html`<path class=${`gold ${kind}`} d=${curve(row, column)} fill="none"/>`)}
    <${Side} side="row" names=${rows} places=${above} y=${FOOT - 6} ...${{ lit, setFocus, picked, onPick }}/>
    <${Side} side="column" names=${columns} places=${below} y=${HEIGHT - 6} ...${{ lit, setFocus, picked, onPick }}/>
  </svg></div>`;
}

function Side({ side, names, places, y, lit, setFocus, picked, onPick }) {
  const group = useRef();
  const [stop, setStop] = useState(0);
  const pressed = (event, at) => {
    const next = moveTo(event.key, at, names.length);
    if (next !== null) {
      event.preventDefault();
      setStop(next);
      group.current.children[next].focus();
    } else if (onPick && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      onPick({ side, at });
    }
  };
  const here = (at) => ({ side, at });
  return html`<g ref=${group} role="group" aria-label=${t(side === "row" ? "links.queries" : "links.keys")}>
    ${names.map((name, at) => html`<text class=${`${lit?.side === side && lit.at === at ? "strong hot" : ""} ${picked?.side === side && picked.at === at ? "picked" : ""}`}
      x=${places[at].middle} y=${y} text-anchor="middle" font-size=${FONT} role="button" tabindex=${at === stop ? 0 : -1}
      aria-pressed=${picked?.side === side && picked.at === at}
      onPointerEnter=${() => setFocus(here(at))} onFocus=${() => { setStop(at); setFocus(here(at)); }} onBlur=${() => setFocus(null)}
      onClick=${() => onPick?.(here(at))} onKeyDown=${(event) => pressed(event, at)}>${shorten(name)}</text>`)}</g>`;
}
