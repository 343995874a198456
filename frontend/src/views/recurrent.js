// The recurrent network: how alike its states are, how open its gates, how far back a word reaches.
import { html } from "htm/preact";
import { ceiling } from "../colour.js";
import { Figure, Lazy, MatrixFigure } from "../figure.js";
import { shown } from "../fold.js";
import { useTensor, useTensors } from "../tensor.js";
import { number, t, tx } from "../texts.js";
import { Lines } from "../plots.js";
import { fileName, layerName, names } from "./parts.js";

export function Similarity({ record, view }) {
  const tensor = useTensor(record, record.measures?.similarity);
  if (!tensor) return null;
  const axis = record.measures.similarity_rows ?? "source";
  const { matrix, rows, columns } = shown(record, tensor.matrix(), [axis, axis], view, "mean");
  return html`<${MatrixFigure} title=${t("similarity.title")} file=${fileName(record, "similarity")} caption=${t("similarity.caption")}
    matrix=${matrix} rows=${names(rows)} columns=${names(columns)} arrow="·" scale=${{ kind: "difference", top: 1 }}/>`;
}

export function Influence({ record }) {
  const measured = record.measures?.influence;
  if (!measured || measured.length < 2) return null;
  const [first, last] = [measured[0], measured.at(-1)];
  return html`<${Figure} title=${t("influence.title")} file=${fileName(record, "influence")}
    caption=${tx("influence.caption", { first: number(first.value, 4), last: number(last.value, 4), distance: last.distance })}
    table=${() => ({ head: [t("influence.distance"), t("influence.value")], rows: measured.map(({ distance, value }) => [distance, value]) })}>
    <${Lines} series=${[{ label: "", points: measured.map(({ distance, value }) => [distance, value]) }]} label=${t("influence.title")}
      labelX=${t("influence.distance")} labelY=${t("influence.value")} linear width=${560} height=${200}/><//>`;
}

export function Gates({ record, view }) {
  return (record.gates ?? []).map((layer) => html`<${Lazy} height=${420} key=${layer.layer}><${Layer} record=${record} layer=${layer} view=${view}/><//>`);
}

function Layer({ record, layer, view }) {
  const gates = Object.entries(layer.names);
  const tensors = useTensors(record, gates.map(([, name]) => name));
  if (!tensors) return null;
  const order = byOpenness(tensors[0].matrix());
  return html`<h4>${t("gates.title", { layer: layerName(layer.layer) })}</h4>
    <div class="stacked">${gates.map(([gate], at) =>
      html`<${Gate} key=${gate} record=${record} layer=${layer} gate=${gate} tensor=${tensors[at]} order=${order} view=${view}/>`)}</div>
    <p class="hint">${t("gates.caption", { gate: t(`gate.${gates[0][0]}`) })}</p>`;
}

function Gate({ record, layer, gate, tensor, order, view }) {
  const values = permuted(tensor.matrix(), order);
  const units = { pieces: order.map((unit) => t("gates.unit", { unit })), words: order, special: [] };
  const axes = { ...record, units };
  const { matrix, rows, columns } = shown(axes, values, [layer.rows, "units"], { ...view, fold: false, specials: true, all: true }, "mean");
  // A state of tanh lies within −1 and 1; a gate within 0 and 1.
  const signed = matrix.data.some((value) => value < 0);
  return html`<${MatrixFigure} title=${t(`gate.${gate}`)} level=${5} file=${fileName(record, layer.layer, gate)} matrix=${matrix} rows=${names(rows)}
    columns=${names(columns)} bare arrow="·" largest=${16} scale=${{ kind: signed ? "difference" : "weight", top: signed ? ceiling(matrix.data) : 1 }}/>`;
}

/** Units from the most open to the most closed, so that the picture shows groups, not noise. */
function byOpenness({ rows, columns, data }) {
  const mean = new Float64Array(columns);
  for (let at = 0; at < data.length; at++) mean[at % columns] += data[at] / rows;
  return Array.from(mean.keys()).sort((a, b) => mean[b] - mean[a]);
}

function permuted({ rows, columns, data }, order) {
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) order.forEach((unit, c) => { out[r * columns + c] = data[r * columns + unit]; });
  return { rows, columns, data: out };
}
