// Weights of attention that the reader sets: a line dragged from a word to the one that it is to
// look at, or a slider for each word.
import { html } from "htm/preact";
import { useRef, useState } from "preact/hooks";
import { axisOf } from "../../fold.js";
import { FONT, shorten, textWidth } from "../../layout.js";
import { useTensor } from "../../tensor.js";
import { number, t } from "../../texts.js";
import { layerName } from "../../views/parts.js";
import { Choice, Words } from "../../words.js";

const MOST = 64; // words of a row that can be set
const BLANK = "␣"; // a piece of nothing but white space
const HEIGHT = 150;
const FOOT = 22;

const nameOf = ({ name, part }) => [t(`live.part.${part}`), /layer\./.test(name) ? layerName(name) : null].filter(Boolean).join(", ");

/** Props: record, hand, onChange(values). */
export function Weights({ record, hand, onChange }) {
  const [chosen, setChosen] = useState({ attention: 0, head: 0, row: 1 });
  const attention = record.attentions[Math.min(chosen.attention, record.attentions.length - 1)];
  const tensor = useTensor(record, attention.tensor);
  if (!tensor) return null;
  const head = Math.min(chosen.head, attention.heads - 1);
  const matrix = tensor.matrix(head);
  const row = Math.min(chosen.row, matrix.rows - 1);
  const [rows, columns] = [attention.rows, attention.columns].map((axis) => axisOf(record, axis).pieces.map((piece) => (piece.trim() ? piece : BLANK)));
  const from = row * matrix.columns;
  const weights = matrix.data.subarray(from, from + Math.min(matrix.columns, MOST));
  const set = (at, column, value) => {
    const kept = (hand.given[attention.name] ?? []).filter(([h, r, c]) => h !== head || r !== at || c !== column);
    onChange({ given: { ...hand.given, [attention.name]: [...kept, [head, at, column, value]] } });
  };
  const pick = (values) => setChosen({ ...chosen, ...values });
  return html`<h3>${t("live.weights")}</h3><p class="hint">${t("live.weightsHow")}</p>
    <div class="choices">
      ${record.attentions.length > 1 && html`<${Choice} label=${t("live.attention")} value=${String(chosen.attention)} options=${record.attentions.map((each, at) => [String(at), nameOf(each)])} onChange=${(value) => pick({ attention: Number(value), head: 0 })}/>`}
      ${attention.heads > 1 && html`<${Choice} label=${t("heads.head")} value=${String(head)} options=${Array.from({ length: attention.heads }, (_, at) => [String(at), String(at + 1)])} onChange=${(value) => pick({ head: Number(value) })}/>`}
    </div>
    <${Dragged} rows=${rows.slice(0, MOST)} columns=${columns.slice(0, MOST)} matrix=${matrix} row=${row} onPick=${(at) => pick({ row: at })} onDrag=${(at, column) => { pick({ row: at }); set(at, column, 1); }}/>
    ${rows.length > 1 && html`<${Words} names=${rows.slice(0, MOST)} chosen=${row} onChoose=${(at) => pick({ row: at })} label=${t("live.row")}/>`}
    <div class="sliders">${Array.from(weights, (weight, at) => html`<label key=${at}><span dir="auto">${shorten(columns[at] ?? "", 14)}</span>
      <input type="range" min="0" max="1" step="0.01" value=${weight} onChange=${(event) => set(row, at, Number(event.currentTarget.value))}/><output>${number(weight, 2)}</output></label>`)}</div>`;
}

const placed = (names) => names.reduce(({ places, x }, name) => {
  const width = Math.max(textWidth(shorten(name, 12)) + 18, 28);
  return { places: [...places, x + width / 2], x: x + width };
}, { places: [], x: 8 });

/** Two lines of words; a line drawn with the pointer from the upper to the lower one sets a weight to 1. */
function Dragged({ rows, columns, matrix, row, onPick, onDrag }) {
  const drawing = useRef();
  const [drag, setDrag] = useState(null);
  const [above, below] = [placed(rows), placed(columns)];
  const width = Math.max(above.x, below.x) + 8;
  const at = (event) => {
    const box = drawing.current.getBoundingClientRect();
    return { x: ((event.clientX - box.left) * width) / box.width, y: ((event.clientY - box.top) * HEIGHT) / box.height };
  };
  const nearest = (places, x) => places.reduce((best, place, n) => (Math.abs(place - x) < Math.abs(places[best] - x) ? n : best), 0);
  const begin = (n) => (event) => {
    drawing.current.setPointerCapture?.(event.pointerId);
    onPick(n);
    setDrag({ row: n, ...at(event) });
  };
  const end = (event) => {
    if (!drag) return;
    const { x, y } = at(event);
    setDrag(null);
    if (y > HEIGHT / 2) onDrag(drag.row, nearest(below.places, x));
  };
  const line = (from, x, y) => `M${from} ${FOOT + 4}L${x} ${y}`;
  return html`<div class="scroll"><svg class="links drag" ref=${drawing} role="img" aria-label=${t("live.weights")} width=${width} height=${HEIGHT} viewBox=${`0 0 ${width} ${HEIGHT}`}
      onPointerMove=${(event) => drag && setDrag({ ...drag, ...at(event) })} onPointerUp=${end} onPointerCancel=${() => setDrag(null)}>
    ${below.places.map((place, column) => {
      const weight = matrix.data[row * matrix.columns + column] ?? 0;
      return weight > 0.005 && html`<path class="link" d=${line(above.places[row] ?? 0, place, HEIGHT - FOOT - 4)} stroke="currentColor" stroke-opacity=${(0.15 + 0.85 * weight).toFixed(2)} stroke-width=${(0.8 + 4 * weight).toFixed(2)}><title>${number(weight, 3)}</title></path>`;
    })}
    ${drag && html`<path class="link" d=${line(above.places[drag.row], drag.x, drag.y)} stroke="currentColor" stroke-dasharray="4 3" stroke-width="2"/>`}
    ${rows.map((name, n) => html`<text x=${above.places[n]} y=${FOOT - 6} text-anchor="middle" font-size=${FONT} class=${n === row ? "strong hot" : ""} onPointerDown=${begin(n)}>${shorten(name, 12)}</text>`)}
    ${columns.map((name, n) => html`<text x=${below.places[n]} y=${HEIGHT - 6} text-anchor="middle" font-size=${FONT}>${shorten(name, 12)}</text>`)}
  </svg></div>`;
}
