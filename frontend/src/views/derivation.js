// A part of the network line by line, every number written: attention, a recurrent cell, a layer.
// What is drawn stands in the record as `steps`: each line has a symbol, what it is computed by and
// a tensor; this file knows no stage. Numbers of a line for one row are `valuesOf`.
import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { Bars } from "../bars.js";
import { ceiling, colourOf } from "../colour.js";
import { Figure } from "../figure.js";
import { axisOf } from "../fold.js";
import { shorten, textWidth } from "../layout.js";
import { useSettings } from "../settings.js";
import { useTensors } from "../tensor.js";
import { number, t, tx } from "../texts.js";
import { Check, Choice, Words } from "../words.js";
import { fileName, layerName, word } from "./parts.js";

const LOWEST = -65000; // what stands for minus infinity

/** The name of a part for people: attention, layer 1, encoder, layer 1, forward. */
export function partName(name) {
  const last = name.split(".").at(-1);
  const kind = ["attention", "self", "cross", "pool", "embedded", "feed_forward", "last"].includes(last) ? t(`steps.part.${last}`) : t(name === "decoder" ? "steps.part.decoder" : "steps.part.cell");
  const place = /layer\.|encoder|decoder/.test(name) && name !== "decoder" ? layerName(name) : "";
  return place && place !== name ? `${place}: ${kind}` : kind;
}

/** The matrix of a line for one row: {names of its rows, matrix}; weights have no row. */
export function valuesOf({ line, tensor, head, row, columns }) {
  const [high, wide] = line.each === "score" ? [1, tensor.shape.at(-1)] : [tensor.shape.at(-2) ?? 1, tensor.shape.at(-1)];
  const at = line.heads ? head : 0;
  if (line.each === "row") return { names: [""], matrix: rowOf(tensor.matrix(at), row) };
  if (line.each === "column") return { names: columns.slice(0, high), matrix: tensor.matrix(at) };
  if (line.each === "pair") return { names: columns.slice(0, high), matrix: tensor.matrix(row) };
  if (line.each === "score") {
    const one = rowOf(tensor.matrix(at), row);
    return { names: columns.slice(0, wide), matrix: { rows: wide, columns: 1, data: one.data } };
  }
  return { names: Array.from({ length: high }, () => ""), matrix: tensor.matrix(at) };
}

const rowOf = (matrix, row) => ({ rows: 1, columns: matrix.columns, data: matrix.data.subarray(row * matrix.columns, (row + 1) * matrix.columns) });

export function Derivation({ record, view }) {
  const [chosen, setChosen] = useState({ part: null, head: 0, row: null, weights: true });
  const part = record.steps.find((each) => each.name === chosen.part) ?? record.steps.find((each) => each.name === "attention") ?? record.steps[0];
  const tensors = useTensors(record, part.lines.map((line) => line.tensor));
  if (!tensors || tensors.some((each) => !each)) return null;
  const rows = axisOf(record, part.rows).pieces;
  const columns = axisOf(record, part.columns).pieces;
  const heads = Math.max(1, ...part.lines.map((line, at) => (line.heads ? tensors[at].shape.at(-3) : 1)));
  const head = Math.min(chosen.head, heads - 1);
  const row = Math.min(chosen.row ?? (part.rows === "output" ? 0 : 1), rows.length - 1);
  const set = (values) => setChosen({ ...chosen, ...values });
  const lines = part.lines.map((line, at) => ({ line, ...valuesOf({ line, tensor: tensors[at], head, row, columns }) }))
    .filter(({ line }) => chosen.weights || line.each !== "all");
  const cut = part.lines.filter((line, at) => line.width > tensors[at].shape.at(-1) && line.each !== "score");
  return html`<div class="choices">
      ${record.steps.length > 1 && html`<${Choice} label=${t("steps.part")} value=${part.name} options=${record.steps.map((each) => [each.name, partName(each.name)])} onChange=${(name) => set({ part: name, head: 0, row: null })}/>`}
      ${heads > 1 && html`<${Choice} label=${t("heads.head")} value=${String(head)} options=${Array.from({ length: heads }, (_, at) => [String(at), String(at + 1)])} onChange=${(value) => set({ head: Number(value) })}/>`}
      <${Check} label=${t("steps.weights")} checked=${chosen.weights} onChange=${(weights) => set({ weights })}/>
    </div>
    ${rows.length > 1 && html`<h4>${t(part.rows === "output" ? "steps.chooseOutput" : "steps.choose")}</h4>
    <${Words} names=${rows} chosen=${row} onChoose=${(at) => set({ row: at })} label=${t("steps.choose")}/>`}
    <${Lines} ...${{ record, part, lines, head, heads }} name=${rows[row]}/>
    ${cut.length > 0 && html`<p class="hint">${t("steps.cut", { shown: tensors[part.lines.indexOf(cut[0])].shape.at(-1), all: cut[0].width })}</p>`}
    <${Next} record=${record} part=${part} row=${row}/>`;
}

/** The likeliest tokens in the place of an output, which the last vector leads to. */
function Next({ record, part, row }) {
  const next = record.next?.[row];
  if (!next?.length || part.rows === "text" || (part.rows === "source" && record.next.length !== record.source.pieces.length)) return null;
  const given = record.output.pieces[row];
  return html`<${Figure} title=${t("steps.next")} file=${fileName(record, "next", given)} caption=${tx("steps.nextCaption", { word: word(next[0][0]), share: number(next[0][1], 3) })}
    table=${() => ({ head: [t("word"), t("unit.probability")], rows: next })}>
    <${Bars} names=${next.map(([name]) => name)} values=${next.map(([, value]) => value)} hot=${next.findIndex(([name]) => name === given)} label=${t("steps.next")} width=${420}/><//>`;
}

const CELL = { width: 48, height: 22 };
const BAR = 110;

function Lines({ record, part, lines, name, head, heads }) {
  useSettings(); // colours follow the theme
  const left = Math.max(...lines.map(({ line }) => Math.max(textWidth(written(line)), textWidth(t(`steps.${line.what}`), 11)))) + 18;
  const names = Math.max(0, ...lines.flatMap((each) => each.names.map((each) => textWidth(shorten(each, 14)))));
  const begin = left + names + 10;
  const widest = Math.max(...lines.map(({ matrix }) => (matrix.columns === 1 ? CELL.width + BAR + 10 : matrix.columns * CELL.width)));
  const width = begin + widest + 4;
  let y = 4;
  const placed = lines.map((each) => {
    const here = { ...each, y };
    y += Math.max(each.matrix.rows * CELL.height, 34) + 12;
    return here;
  });
  const title = t("steps.title", { part: partName(part.name), word: name ?? "" });
  return html`<${Figure} title=${title} file=${fileName(record, "steps", part.name, name ?? "")} caption=${t(heads > 1 ? "steps.captionHead" : "steps.caption", { head: head + 1, word: name ?? "" })} table=${() => table(lines)}>
    <div class="scroll" tabindex="0" role="region" aria-label=${title}><svg class="steps" role="img" aria-label=${title} width=${width} height=${y} viewBox=${`0 0 ${width} ${y}`}>
      ${placed.map(({ line, names: of, matrix, y: top }, at) => html`<g key=${at}>
        <text x="0" y=${top + 15} class=${line.each === "all" ? "" : "strong"}>${symbols(written(line))}</text>
        <text x="0" y=${top + 30} class="tick">${t(`steps.${line.what}`)}</text>
        ${of.map((each, n) => each && html`<text x=${begin - 8} y=${top + n * CELL.height + 15} text-anchor="end">${shorten(each, 14)}</text>`)}
        <${Cells} matrix=${matrix} x=${begin} y=${top} share=${line.what === "softmax"}/></g>`)}
    </svg></div><//>`;
}

const written = ({ symbol, formula }) => (formula ? `${symbol} = ${formula}` : symbol);

/** `W_a s_{i−1}` with its signs below and above the line. */
export function symbols(text) {
  const parts = text.split(/([_^](?:\{[^}]*\}|[^\s\]}]))/).filter(Boolean);
  let height = 0;
  return parts.map((part) => {
    const moved = part[0] === "_" ? 3.5 : part[0] === "^" ? -4.5 : 0;
    const inner = moved ? part.slice(1).replace(/[{}]/g, "") : part;
    const dy = moved - height;
    height = moved;
    return html`<tspan dy=${dy} font-size=${moved ? 9 : FULL}>${inner}</tspan>`;
  });
}

const FULL = 12.5;

/** A matrix as coloured cells with their numbers; one column of shares has bars. */
function Cells({ matrix, x, y, share }) {
  const finite = Array.from(matrix.data).filter((value) => value > LOWEST);
  const scale = { kind: "difference", top: ceiling(finite) };
  return Array.from(matrix.data, (value, at) => {
    const [row, column] = [Math.floor(at / matrix.columns), at % matrix.columns];
    const [left, top] = [x + column * CELL.width, y + row * CELL.height];
    const low = value <= LOWEST;
    return html`<g key=${at}><rect x=${left} y=${top} width=${CELL.width - 1} height=${CELL.height - 1} fill=${colourOf(low ? 0 : value, scale)} fill-opacity="0.4"/>
      <text class="number" x=${left + CELL.width - 7} y=${top + 15} text-anchor="end">${low ? "−∞" : number(value, share ? 3 : 2)}</text>
      ${share && html`<rect class="bar hot" x=${left + CELL.width + 6} y=${top + 4} width=${Math.max(value * BAR, 0.5)} height="14"/>`}</g>`;
  });
}

const table = (lines) => {
  const most = Math.max(...lines.map(({ matrix }) => matrix.columns));
  return {
    head: [t("steps.symbol"), t("steps.formula"), t("steps.what"), t("word"), ...Array.from({ length: most }, (_, n) => String(n + 1))],
    rows: lines.flatMap(({ line, names, matrix }) => Array.from({ length: matrix.rows }, (_, row) => [
      line.symbol, line.formula, t(`steps.${line.what}`), names[row] ?? "",
      ...Array.from({ length: most }, (_, n) => (n >= matrix.columns ? "" : matrix.data[row * matrix.columns + n] <= LOWEST ? "−∞" : matrix.data[row * matrix.columns + n])),
    ])),
  };
};
