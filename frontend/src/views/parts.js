// What several views say in the same way.
import { html } from "htm/preact";
import { groupsOf, axisOf, regroupVector } from "../fold.js";
import { number, t, tx } from "../texts.js";

export const BITS = 1 / Math.LN2;

export const word = (name) => html`<b dir="auto">${name}</b>`;

/** The axis whose pieces the model predicted one after the other. */
export const predictedAxis = (record) => (record.output ? "output" : "source");

/** Log-probabilities laid over the pieces of their axis; a leading <s>, which nobody predicts, is null. */
export function predicted(record) {
  const axis = axisOf(record, predictedAxis(record));
  const ahead = axis.pieces.length - record.logprobs.length;
  return { axis, logprobs: axis.pieces.map((_, at) => record.logprobs[at - ahead] ?? null) };
}

/** Words (or pieces) with their surprisal in bits, as the record's controls say. */
export function surprisal(record, view) {
  const { axis, logprobs } = predicted(record);
  const every = groupsOf(axis, axis.pieces.length, { ...view, specials: true });
  const bits = regroupVector(logprobs.map((value) => (value === null ? NaN : -value * BITS)), every, "sum");
  // A special token that is predicted, such as the end of the sentence, costs bits and is shown.
  const kept = every.map((group, at) => ({ ...group, bits: bits[at] })).filter((each) => each.bits !== null);
  return kept.slice(view.from, view.from + view.size);
}

export const largest = (values) => values.reduce((best, value, at) => (value > values[best] ? at : best), 0);

/** How far the prediction falls when the words most attended are erased, against words at random. */
export function Faithfulness({ record, name }) {
  const measured = record.measures?.faithfulness?.[name];
  if (!measured) return html`<p class="faithful hint">${t("faithful.none")}</p>`;
  const { attended, random, k, unit = "nats" } = measured;
  const more = Math.abs(attended) > Math.abs(random) * 1.05;
  return html`<div class="faithful"><p class="hint">${t(unit === "nats" ? "faithful.title" : "faithful.value", { k })}</p><table>
      <tr><th scope="row">${t("faithful.attended")}</th><td class="num">${number(attended, 3)}</td><td>${t(`unit.${unit}`)}</td></tr>
      <tr><th scope="row">${t("faithful.random")}</th><td class="num">${number(random, 3)}</td><td>${t(`unit.${unit}`)}</td></tr>
    </table><p class="hint">${t(more ? "faithful.more" : "faithful.less")}</p></div>`;
}

/** What attention does and does not explain, with those who showed it. */
export function Explains() {
  return html`<details class="explains"><summary>${t("explains.short")}</summary>
    <p>${t("explains.long")}</p><ul>${["jain", "wiegreffe", "abnar"].map((key) => html`<li lang="en">${t(`source.${key}`)}</li>`)}</ul></details>`;
}

/** The strongest cell of a matrix, in words. */
export function Strongest({ matrix, rows, columns }) {
  if (!matrix.data.length) return null;
  const at = largest(matrix.data);
  const [row, column] = [Math.floor(at / matrix.columns), at % matrix.columns];
  return tx("attention.strongest", {
    row: word(rows[row].name ?? rows[row]), column: word(columns[column].name ?? columns[column]), value: number(matrix.data[at], 2),
  });
}

export const names = (groups) => groups.map((group) => group.name);

/** `encoder.layer.0.forward` as people count: layer 1. */
export function layerName(name) {
  const layer = /layer\.(\d+)/.exec(name);
  const side = /^(encoder|decoder)\b/.exec(name)?.[1];
  const way = /\.(forward|backward)\b/.exec(name)?.[1];
  return [side && t(`side.${side}`), layer && t("layer.number", { n: Number(layer[1]) + 1 }), way && t(`way.${way}`)]
    .filter(Boolean).join(", ") || name;
}

export const fileName = (record, ...parts) =>
  [record.model.split("/").pop(), record.text.slice(0, 24), ...parts].join(" ").replace(/[^\p{L}\p{N}.-]+/gu, "-").replace(/^-|-$/g, "");
