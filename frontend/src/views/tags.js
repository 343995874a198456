// The labels of a sentence's words: each under its word, and of one that is chosen what else it
// might be and which words decide it.
import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { Bars } from "../bars.js";
import { Figure } from "../figure.js";
import { useTensor } from "../tensor.js";
import { number, t, tx } from "../texts.js";
import { Words } from "../words.js";
import { fileName, largest, word } from "./parts.js";

const NONE = "O"; // the label of a word that belongs to nothing

export function Tags({ record }) {
  const { tags } = record;
  const [chosen, setChosen] = useState(Math.max(tags.findIndex((each) => each.label !== NONE), 0));
  const tag = tags[chosen] ?? tags[0];
  const names = tags.map(({ word: name, label }) => html`${name}<small class=${label === NONE ? "" : "named"}>${label}</small>`);
  return html`<h4>${t("tags.choose")}</h4><${Words} names=${names} chosen=${chosen} onChoose=${setChosen} label=${t("tags.choose")}/>
    <div class="multiples"><${Figure} title=${t("tags.title", { word: tag.word })} file=${fileName(record, "labels", tag.word)}
      caption=${tx("labels.caption", { label: word(tag.label), value: number(tag.probability, 3) })}
      table=${() => ({ head: [t("labels.label"), t("unit.probability")], rows: tag.candidates })}>
      <${Bars} names=${tag.candidates.map(([label]) => label)} values=${tag.candidates.map(([, value]) => value)} top=${1} hot=${0} label=${t("labels.title")} width=${440}/><//>
      <${Deciding} record=${record} at=${chosen} tag=${tag}/></div>`;
}

/** What each word of the sentence is worth to the label of one of them. */
function Deciding({ record, at, tag }) {
  const tensor = useTensor(record, record.measures?.source_influence);
  if (!tensor || at >= tensor.shape[0]) return null;
  const { columns, data } = tensor.matrix();
  const names = record.source.surface;
  const values = Array.from(data.subarray(at * columns, (at + 1) * columns));
  const title = t("tags.deciding", { label: tag.label, word: tag.word });
  return html`<${Figure} title=${title} file=${fileName(record, "deciding", tag.word)} caption=${t("tags.decidingCaption")}
    table=${() => ({ head: [t("word"), t("unit.nats")], rows: names.map((name, n) => [name, values[n]]) })}>
    <${Bars} names=${names} values=${values} signed digits=${2} hot=${largest(values)} label=${title} width=${440}/><//>`;
}
