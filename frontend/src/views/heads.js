// Many heads: the grid of layers × heads on one scale, in the order asked for; their average,
// maximum and rollout; one head enlarged; and a head switched off.
import { html } from "htm/preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ceiling } from "../colour.js";
import { drawThumb } from "../draw.js";
import { Figure, Lazy, MatrixFigure } from "../figure.js";
import { collecting } from "../paper.js";
import { axisOf, shown } from "../fold.js";
import { Links } from "../links.js";
import { Scale } from "../matrix.js";
import { later } from "../queue.js";
import { useSettings } from "../settings.js";
import { gather, headsOf, useTensor, useTensors } from "../tensor.js";
import { number, t, tx } from "../texts.js";
import { Choice, moveTo } from "../words.js";
import { SwitchOff } from "./switch.js";
import { BITS, Explains, Faithfulness, Strongest, fileName, layerName, names } from "./parts.js";

/** The record's attentions that belong in one grid, such as the decoder's to the source. */
export function groupsOfHeads(record) {
  const groups = new Map();
  for (const attention of record.attentions) {
    if (attention.part !== "self" && !(attention.part === "cross" && attention.heads > 1)) continue;
    const key = attention.name.replace(/\.?layer\.\d+/, "");
    groups.set(key, [...(groups.get(key) ?? []), attention]);
  }
  return [...groups.values()];
}

export const titleOf = ({ part, rows }) =>
  t(part === "cross" ? "heads.cross" : rows === "source" ? "heads.self" : "heads.written");

const ORDERS = {
  layer: (a, b) => a.at - b.at,
  entropy: (a, b) => a.entropy - b.entropy,
  role: (a, b) => ROLES.indexOf(a.role) - ROLES.indexOf(b.role) || a.entropy - b.entropy,
  importance: (a, b) => (b.importance ?? -Infinity) - (a.importance ?? -Infinity),
};
const ROLES = ["previous", "next", "same", "first", "special", "syntax-like", "sharp", "broad", "mixed"];

/** Every head of a group with what the record says about it, in the order chosen. */
function ordered(attentions, order) {
  return headsOf(attentions).map(({ attention, head }, at) => ({
    attention, head, at,
    entropy: (attention.summary?.entropy?.[head] ?? 0) * BITS, // the record keeps nats
    role: attention.summary?.roles?.[head] ?? "mixed",
    importance: attention.summary?.importance?.[head] ?? null,
  })).sort(ORDERS[order]);
}

export function Heads({ record, attentions, view, live }) {
  const [order, setOrder] = useState("layer");
  const [chosen, setChosen] = useState(0);
  const heads = ordered(attentions, order);
  if (heads.length < 2) return html`<${Enlarged} record=${record} head=${heads[0]} view=${view} live=${live}/>`;
  const picked = heads.find((head) => head.at === chosen) ?? heads[0];
  const orders = Object.keys(ORDERS).filter((key) => key !== "importance" || heads.some((head) => head.importance !== null));
  return html`<div class="choices"><${Choice} label=${t("heads.order")} value=${order} options=${orders.map((key) => [key, t(`order.${key}`)])} onChange=${setOrder}/></div>
    <${Grid} ...${{ record, heads, order, view, chosen, setChosen }}/>
    <div class="legend"><${Scale} kind="weight" top=${topOf(record, attentions)}/><span>${t("heads.scale")}</span></div>
    <p class="hint">${t("heads.caption")}</p>
    <${Enlarged} record=${record} head=${picked} view=${view} live=${live}/>
    <${Lazy} height=${360}><${Together} record=${record} attentions=${attentions} view=${view}/><//>`;
}

/**
 * The upper end of the grid's one scale. It falls with the length of the text, since weights that
 * are shared by many words are small; it is not the largest weight, so that no layer must be read
 * before the others can be drawn.
 */
const topOf = (record, [{ columns }]) => Math.min(ceiling([10 / Math.max(axisOf(record, columns).pieces.length, 1)]), 1);

/** One stop for the Tab key; arrows move over the heads. */
function Grid({ record, heads, order, view, chosen, setChosen }) {
  const grid = useRef();
  const across = order === "layer" ? heads[0].attention.heads : Math.min(12, heads.length);
  const pressed = (event, at) => {
    const rows = { ArrowDown: across, ArrowUp: -across };
    const next = event.key in rows ? Math.min(Math.max(at + rows[event.key], 0), heads.length - 1) : moveTo(event.key, at, heads.length);
    if (next === null) return;
    event.preventDefault();
    grid.current.querySelectorAll("button")[next].focus();
    setChosen(heads[next].at);
  };
  const stop = Math.max(heads.findIndex((head) => head.at === chosen), 0);
  return html`<div class="heads" role="toolbar" aria-label=${t("heads.title")} ref=${grid} style=${{ "--across": across }}>
    ${heads.map((head, at) => html`<${Thumb} key=${head.at} ...${{ record, head, view, order }} chosen=${head.at === chosen} tab=${at === stop ? 0 : -1}
      onChoose=${() => setChosen(head.at)} onKeyDown=${(event) => pressed(event, at)}/>`)}</div>`;
}

const label = ({ attention, head }) => t("heads.name", { layer: layerName(attention.name), head: head + 1 });

function told(head, order) {
  if (order === "entropy") return t("heads.bits", { value: number(head.entropy, 1) });
  if (order === "importance") return head.importance === null ? "–" : number(head.importance, 2);
  return t(`role.${head.role}`);
}

function Thumb({ record, head, view, order, chosen, tab, onChoose, onKeyDown }) {
  const button = useRef();
  const [near, setNear] = useState(false);
  useEffect(() => {
    const watch = new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) setNear(true); }, { rootMargin: "200px" });
    watch.observe(button.current);
    return () => watch.disconnect();
  }, []);
  const place = /layer\.(\d+)/.exec(head.attention.name);
  const seen = `${place ? `${Number(place[1]) + 1}·` : ""}${head.head + 1} ${told(head, order)}`;
  return html`<button type="button" ref=${button} aria-pressed=${chosen} tabindex=${tab} onClick=${onChoose} onKeyDown=${onKeyDown}
    aria-label=${`${seen}: ${label(head)}, ${t(`role.${head.role}`)}, ${t("heads.bits", { value: number(head.entropy, 1) })}`}>
    ${near ? html`<${Pixels} ...${{ record, head, view }}/>` : html`<canvas></canvas>`}
    <small>${place ? `${Number(place[1]) + 1}·${head.head + 1}` : head.head + 1} <span>${told(head, order)}</span></small></button>`;
}

/** The picture of a head, drawn when a frame has time for it. */
function Pixels({ record, head, view }) {
  const canvas = useRef();
  const { drawn } = useSettings();
  const tensor = useTensor(record, head.attention.tensor);
  const top = topOf(record, [head.attention]);
  useEffect(() => {
    if (!tensor) return undefined;
    return later(() => {
      const { matrix } = shown(record, tensor.matrix(head.head), [head.attention.rows, head.attention.columns], view);
      if (canvas.current && matrix.rows && matrix.columns) drawThumb(canvas.current, matrix, { kind: "weight", top });
    });
  }, [tensor, head.at, view, drawn, record]);
  return html`<canvas ref=${canvas}></canvas>`;
}

/** One head, as a matrix and as lines between words, with what it is worth to the prediction. */
function Enlarged({ record, head, view, live }) {
  const { attention } = head;
  const tensor = useTensor(record, attention.tensor);
  if (!tensor) return html`<p class="hint">${t("loading")}</p>`;
  const part = shown(record, tensor.matrix(head.head), [attention.rows, attention.columns], view);
  const [rows, columns] = [names(part.rows), names(part.columns)];
  const scale = { kind: "weight", top: ceiling(part.matrix.data) };
  const [file, title] = [fileName(record, attention.name, String(head.head + 1)), label(head)];
  return html`<${MatrixFigure} title=${title} file=${file} matrix=${part.matrix} rows=${rows} columns=${columns} scale=${scale}
      boundary=${boundaryOf(record, attention, part)} corner=${t("links.query")}
      caption=${html`${t("heads.one", { role: t(`role.${head.role}`), entropy: number(head.entropy, 2) })} <${Strongest} ...${part}/>`}
      aside=${html`<${Faithfulness} record=${record} name=${attention.name}/><${Explains}/>${live && html`<${SwitchOff} ...${{ record, attention, live }} head=${head.head}/>`}`}/>
    <${Lazy} height=${220}><${Figure} title=${t("heads.lines", { head: title })} level=${5} file=${`${file}-lines`} caption=${t("links.caption")}
      table=${() => ({ head: [t("links.query"), t("links.key"), t("unit.weight")], rows: rows.flatMap((row, r) => columns.map((column, c) => [row, column, part.matrix.data[r * columns.length + c]])) })}>
      <${Links} matrix=${part.matrix} rows=${rows} columns=${columns} scale=${scale} label=${t("heads.lines", { head: title })}/><//><//>`;
}

/** Where the second sentence of a pair begins, in the groups drawn. */
export function boundaryOf(record, attention, { rows, columns }) {
  if (!record.segments || attention.rows !== "source") return undefined;
  const first = (groups) => groups.findIndex((group) => record.segments[group.members[0]] === 1);
  const [row, column] = [first(rows), first(columns)];
  return row > 0 || column > 0 ? { row, column } : undefined;
}

/** Average, maximum and rollout over all heads, side by side. */
function Together({ record, attentions, view }) {
  const axes = [attentions[0].rows, attentions[0].columns];
  const mean = useGathered(record, attentions, "mean");
  const most = useGathered(record, attentions, "max");
  const name = axes[0] === "source" && axes[1] === "source" ? record.rollout : null;
  const rollout = useTensor(record, name);
  const parts = [["mean", mean], ["max", most], ["rollout", rollout?.matrix()]].filter(([, matrix]) => matrix);
  return html`<h4>${t("together.title")}</h4><div class=${`multiples ${parts.length > 2 ? "three" : ""}`}>${parts.map(([key, matrix]) => {
    // A maximum over heads is no distribution: its rows are not made to sum to 1.
    const part = shown(record, matrix, axes, view, key === "max" ? "max" : "weights");
    return html`<${MatrixFigure} key=${key} title=${t(`together.${key}`)} level=${5} file=${fileName(record, key)} caption=${t(`together.${key}Caption`)}
      matrix=${part.matrix} rows=${names(part.rows)} columns=${names(part.columns)} largest=${22} scale=${{ kind: "weight", top: ceiling(part.matrix.data) }}/>`;
  })}</div>`;
}

const heads = (tensors) => tensors.flatMap((tensor) => Array.from({ length: tensor.heads }, (_, at) => tensor.matrix(at)));

/** Mean or maximum over the heads of some layers, one head a task so that nothing stalls. */
export function useGathered(record, attentions, how) {
  const tensors = useTensors(record, attentions.map((attention) => attention.tensor));
  const [made, setMade] = useState(() => (collecting() && tensors ? heads(tensors).reduce((sum, matrix, _, all) => gather(sum, matrix, all.length, how), null) : null));
  const key = attentions.map((attention) => attention.name).join();
  useEffect(() => {
    if (!tensors) return undefined;
    const all = tensors.flatMap((tensor) => Array.from({ length: tensor.heads }, (_, at) => [tensor, at]));
    let [sum, at, take] = [null, 0, () => {}];
    const next = () => {
      sum = gather(sum, all[at][0].matrix(all[at][1]), all.length, how);
      at += 1;
      if (at < all.length) take = later(next);
      else setMade(sum);
    };
    take = later(next);
    return () => take();
  }, [record, key, tensors !== null, how]);
  return made;
}
