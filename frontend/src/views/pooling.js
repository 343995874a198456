// Attention that weighs the words of a text once, for its label.
import { html } from "htm/preact";
import { Strip } from "../bars.js";
import { Figure } from "../figure.js";
import { shown } from "../fold.js";
import { useTensor } from "../tensor.js";
import { number, t, tx } from "../texts.js";
import { Explains, Faithfulness, fileName, largest, names, word } from "./parts.js";

export function Pooling({ record, view }) {
  return record.attentions.filter((each) => each.part === "pool").map((attention) => html`<${Pool} key=${attention.name} ...${{ record, attention, view }}/>`);
}

function Pool({ record, attention, view }) {
  const tensor = useTensor(record, attention.tensor);
  if (!tensor) return null;
  const { matrix, columns } = shown(record, tensor.matrix(), ["text", attention.columns], view);
  const values = Array.from(matrix.data.subarray(0, matrix.columns));
  if (!values.length) return null;
  const heaviest = largest(values);
  return html`<${Figure} title=${t("pooling.title")} file=${fileName(record, "pooling")} aside=${html`<${Faithfulness} record=${record} name=${attention.name}/><${Explains}/>`}
    caption=${tx("pooling.caption", { word: word(columns[heaviest].name), value: number(values[heaviest], 2) })}
    table=${() => ({ head: [t("word"), t("unit.weight")], rows: columns.map((column, at) => [column.name, values[at]]) })}>
    <${Strip} names=${names(columns)} values=${values} digits=${2} hot=${heaviest} unit="" label=${t("pooling.title")}/><//>`;
}
