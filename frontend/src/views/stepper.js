// Self-attention for one word with the real numbers: its query against every key, divided by √d,
// masked, through softmax, times the values, and the sum that is the word's new context vector.
import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { ceiling, colourOf } from "../colour.js";
import { Figure } from "../figure.js";
import { axisOf } from "../fold.js";
import { shorten, textWidth } from "../layout.js";
import { useSettings } from "../settings.js";
import { useTensors } from "../tensor.js";
import { number, t, tx } from "../texts.js";
import { Choice, Words } from "../words.js";
import { fileName, largest, layerName, word } from "./parts.js";

const SHOWN = 32; // keys that are written out, the heaviest; the sum is over all

export function Stepper({ record, view }) {
  const able = record.attentions.filter((attention) => attention.stepper);
  const [chosen, setChosen] = useState({ attention: 0, head: 0, row: null });
  const attention = able[Math.min(chosen.attention, able.length - 1)];
  const parts = attention ? ["queries", "keys", "values"].map((part) => attention.stepper[part]) : [];
  const tensors = useTensors(record, [...parts, attention?.tensor]);
  if (!attention || !tensors) return null;
  const head = Math.min(chosen.head, attention.heads - 1);
  const rows = axisOf(record, attention.rows).pieces.slice(0, tensors[3].shape.at(-2));
  const row = Math.min(chosen.row ?? Math.min(view.from + 1, rows.length - 1), rows.length - 1);
  const steps = stepsOf(tensors.map((tensor) => tensor.matrix(head)), row, attention);
  const set = (values) => setChosen({ ...chosen, ...values });
  return html`<div class="choices">
      <${Choice} label=${t("heads.layer")} value=${String(chosen.attention)} options=${able.map((each, at) => [String(at), layerName(each.name)])} onChange=${(value) => set({ attention: Number(value), head: 0 })}/>
      <${Choice} label=${t("heads.head")} value=${String(head)} options=${Array.from({ length: attention.heads }, (_, at) => [String(at), String(at + 1)])} onChange=${(value) => set({ head: Number(value) })}/>
    </div>
    <h4>${t("stepper.choose")}</h4>
    <${Words} names=${rows.slice(view.from, view.from + view.size)} chosen=${row - view.from} onChoose=${(at) => set({ row: at + view.from })} label=${t("stepper.choose")}/>
    <${Steps} record=${record} steps=${steps} query=${rows[row]} keys=${axisOf(record, attention.columns).pieces} d=${steps.query.length}/>`;
}

/** The arithmetic of one row, from the queries, keys and values that the model computed. */
export function stepsOf([queries, keys, values, weights], row, attention) {
  const vector = (matrix, at) => matrix.data.subarray(at * matrix.columns, (at + 1) * matrix.columns);
  const query = vector(queries, row);
  const dots = Array.from({ length: keys.rows }, (_, at) => vector(keys, at).reduce((sum, value, n) => sum + value * query[n], 0));
  const scaled = dots.map((dot) => dot / Math.sqrt(query.length));
  const recorded = vector(weights, row);
  const masked = scaled.map((_, at) => (attention.causal ? at > row : recorded[at] === 0 && recorded.some((value) => value > 0) && hidden(scaled, at)));
  const most = Math.max(...scaled.filter((_, at) => !masked[at]));
  const raised = scaled.map((score, at) => (masked[at] ? 0 : Math.exp(score - most)));
  const total = raised.reduce((sum, value) => sum + value, 0);
  const soft = raised.map((value) => value / total);
  const sum = new Float32Array(values.columns);
  soft.forEach((weight, at) => vector(values, at).forEach((value, n) => { sum[n] += weight * value; }));
  return { query, keys: dots.map((_, at) => vector(keys, at)), values: dots.map((_, at) => vector(values, at)), dots, scaled, masked, soft, sum };
}

/** A weight of nothing for a score that softmax would have heard: the mask took it away. */
const hidden = (scaled, at) => scaled[at] > Math.max(...scaled) - 8;

const ROW = 26;
const COLUMNS = { number: 64, gap: 14 };

function Steps({ record, steps, query, keys, d }) {
  useSettings(); // colours follow the theme
  const order = steps.soft.map((_, at) => at);
  const cut = order.length > SHOWN ? new Set([...order].sort((a, b) => steps.soft[b] - steps.soft[a]).slice(0, SHOWN)) : null;
  const shown = order.filter((at) => !cut || cut.has(at));
  const vector = Math.min(Math.max(d * 5, 60), 170);
  const names = Math.max(textWidth(t("stepper.sum")), ...shown.map((at) => textWidth(shorten(keys[at] ?? ""))), 40) + 16;
  const x = { key: names, dot: names + vector + COLUMNS.gap };
  x.scaled = x.dot + COLUMNS.number; x.mask = x.scaled + COLUMNS.number; x.soft = x.mask + 72; x.value = x.soft + 130; x.end = x.value + Math.max(vector, textWidth(t("stepper.weighted"), 11)) + 6;
  const scales = {
    key: { kind: "difference", top: ceiling(steps.query, ...shown.map((at) => steps.keys[at])) },
    value: { kind: "difference", top: ceiling(...shown.map((at) => steps.values[at])) },
  };
  const height = (shown.length + 4) * ROW + 24;
  const foot = (shown.length + 2) * ROW + 40;
  const heads = [["key", "stepper.key"], ["dot", "stepper.dot"], ["scaled", "stepper.scaled"], ["mask", "stepper.mask"], ["soft", "stepper.softmax"], ["value", "stepper.weighted"]];
  return html`<${Figure} title=${t("stepper.title", { word: query })} file=${fileName(record, "stepper", query)} table=${() => table(steps, keys)}
      caption=${tx("stepper.caption", { word: word(query), key: word(keys[largest(steps.soft)]), weight: number(Math.max(...steps.soft), 3), root: number(Math.sqrt(d), 2), d })}>
    <div class="scroll" tabindex="0" role="region" aria-label=${t("stepper.title", { word: query })}><svg class="stepper" role="img" aria-label=${t("stepper.title", { word: query })} width=${x.end} height=${height} viewBox=${`0 0 ${x.end} ${height}`}>
      <text x=${names - 10} y="17" text-anchor="end" class="strong hot">${t("stepper.query", { word: shorten(query, 12) })}</text>
      <${Cells} vector=${steps.query} x=${x.key} y=${3} width=${vector} scale=${scales.key}/>
      ${heads.map(([at, key]) => html`<text class="tick" x=${at === "key" || at === "value" || at === "soft" ? x[at] : x[at] + COLUMNS.number - 18} text-anchor=${at === "key" || at === "value" || at === "soft" ? "start" : "end"} y=${ROW + 18}>${t(key)}</text>`)}
      ${shown.map((at, n) => html`<${KeyRow} key=${at} ...${{ steps, at, x, vector, scales }} name=${keys[at]} y=${(n + 2) * ROW}/>`)}
      <line class="grid" x1="0" x2=${x.end} y1=${foot - 26} y2=${foot - 26}/>
      <text x=${x.value - 12} y=${foot} text-anchor="end" class="strong hot">${t("stepper.sum")}</text>
      <${Cells} vector=${steps.sum} x=${x.value} y=${foot - 14} width=${vector} scale=${scales.value}/>
    </svg></div>${cut && html`<p class="hint">${t("stepper.cut", { shown: SHOWN, all: order.length })}</p>`}<//>`;
}

function KeyRow({ steps, at, name, y, x, vector, scales }) {
  const [weight, masked] = [steps.soft[at], steps.masked[at]];
  const right = (column) => x[column] + COLUMNS.number - 18;
  return html`<g class=${masked ? "masked" : ""}>
    <text x=${x.key - 10} y=${y + 17} text-anchor="end">${shorten(name ?? "")}</text>
    <${Cells} vector=${steps.keys[at]} x=${x.key} y=${y + 3} width=${vector} scale=${scales.key}/>
    <text class="number" x=${right("dot")} y=${y + 17} text-anchor="end">${number(steps.dots[at], 2)}</text>
    <text class="number" x=${right("scaled")} y=${y + 17} text-anchor="end">${number(steps.scaled[at], 2)}</text>
    <text class="number" x=${right("mask")} y=${y + 17} text-anchor="end">${masked ? "−∞" : ""}</text>
    <rect class="bar hot" x=${x.soft} y=${y + 6} width=${Math.max(weight * 70, 0.5)} height="14"/>
    <text class="number" x=${x.soft + 76} y=${y + 17}>${number(weight, 3)}</text>
    <g opacity=${0.12 + 0.88 * Math.sqrt(weight)}><${Cells} vector=${steps.values[at]} x=${x.value} y=${y + 3} width=${vector} scale=${scales.value}/></g></g>`;
}

/** A vector as a row of coloured cells. */
function Cells({ vector, x, y, width, scale }) {
  const side = width / vector.length;
  return html`<g>${Array.from(vector, (value, at) => html`<rect x=${(x + at * side).toFixed(2)} y=${y} width=${(side + 0.05).toFixed(2)} height="20" fill=${colourOf(value, scale)}><title>${number(value, 4)}</title></rect>`)}</g>`;
}

const table = (steps, keys) => ({
  head: [t("stepper.key"), "q·k", "q·k/√d", t("stepper.mask"), "softmax", ...Array.from(steps.sum, (_, n) => `w·v${n + 1}`)],
  rows: [
    ...steps.soft.map((weight, at) => [keys[at], steps.dots[at], steps.scaled[at], steps.masked[at] ? "−∞" : "", weight, ...Array.from(steps.values[at], (value) => weight * value)]),
    [t("stepper.sum"), null, null, "", 1, ...steps.sum],
  ],
});
