// Two sentences read as one: how much each head looks within its sentence and across to the other.
import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { ceiling } from "../colour.js";
import { MatrixFigure } from "../figure.js";
import { shown } from "../fold.js";
import { useTensor, useTensors } from "../tensor.js";
import { t } from "../texts.js";
import { Choice } from "../words.js";
import { useGathered } from "./heads.js";
import { fileName, names } from "./parts.js";

const WAYS = [[0, 1], [1, 0], [0, 0], [1, 1]];
const LETTERS = "AB";
const way = ([from, to]) => `${LETTERS[from]}→${LETTERS[to]}`;

/** Two texts of which each was read by itself, and only what came of them was compared. */
export const readApart = ({ outcome }) => typeof outcome?.similarity === "number";

/** Which words of the one text are like which of the other: the cosine of their states. */
export function Likeness({ record, view }) {
  const tensor = useTensor(record, record.measures.similarity);
  if (!tensor) return html`<p class="hint">${t("loading")}</p>`;
  const cut = block(shown(record, tensor.matrix(), ["source", "source"], view, "mean"), record.segments, [0, 1]);
  return html`<${MatrixFigure} title=${t("likeness.title")} file=${fileName(record, "likeness")} caption=${t("likeness.caption")} arrow="·"
    matrix=${cut.matrix} rows=${names(cut.rows)} columns=${names(cut.columns)} scale=${{ kind: "difference", top: 1 }}/>`;
}

export function Pairs({ record, view }) {
  const [chosen, setChosen] = useState("0");
  const attentions = record.segments ? record.attentions.filter((each) => each.part === "self" && each.rows === "source") : [];
  if (!attentions.length || !record.segments.includes(1)) return null;
  return html`<${Blocks} ...${{ record, attentions, view, setChosen }} ways=${WAYS[Number(chosen)]} chosen=${chosen}/>
    <${Across} record=${record} attentions=${attentions}/>`;
}

/** The mean over all heads, cut to one sentence's look at the other. */
function Blocks({ record, attentions, view, ways, chosen, setChosen }) {
  const mean = useGathered(record, attentions, "mean");
  if (!mean) return html`<p class="hint">${t("loading")}</p>`;
  const part = shown(record, mean, ["source", "source"], view);
  const cut = block(part, record.segments, ways);
  return html`<div class="choices"><${Choice} label=${t("pairs.choose")} value=${chosen} options=${WAYS.map((each, at) => [String(at), way(each)])} onChange=${setChosen}/></div>
    <${MatrixFigure} title=${t("pairs.title", { way: way(ways) })} file=${fileName(record, "pair", way(ways))} caption=${t("pairs.caption")}
      matrix=${cut.matrix} rows=${names(cut.rows)} columns=${names(cut.columns)} scale=${{ kind: "weight", top: ceiling(cut.matrix.data) }}/>`;
}

function block({ matrix, rows, columns }, segments, [from, to]) {
  const of = (groups, which) => groups.map((group, at) => ({ ...group, at })).filter((group) => segments[group.members[0]] === which);
  const [r, c] = [of(rows, from), of(columns, to)];
  const data = Float32Array.from(r.flatMap((row) => c.map((column) => matrix.data[row.at * matrix.columns + column.at])));
  return { matrix: { rows: r.length, columns: c.length, data }, rows: r, columns: c };
}

/** The share of A's weight that goes to B, for every head: layers down, heads across. */
function Across({ record, attentions }) {
  const tensors = useTensors(record, attentions.map((each) => each.tensor));
  if (!tensors) return null;
  const columns = Math.max(...attentions.map((each) => each.heads));
  const data = new Float32Array(attentions.length * columns);
  tensors.forEach((tensor, r) => { for (let c = 0; c < attentions[r].heads; c++) data[r * columns + c] = share(tensor.matrix(c), record.segments); });
  const matrix = { rows: attentions.length, columns, data };
  return html`<${MatrixFigure} title=${t("pairs.across")} file=${fileName(record, "across")} caption=${t("pairs.acrossCaption")} matrix=${matrix}
    rows=${attentions.map((_, at) => t("layer.number", { n: at + 1 }))} columns=${Array.from({ length: columns }, (_, at) => String(at + 1))} arrow="·" scale=${{ kind: "weight", top: ceiling(data) }}/>`;
}

function share({ rows, columns, data }, segments) {
  let [sum, count] = [0, 0];
  for (let r = 0; r < rows; r++) {
    if (segments[r] !== 0) continue;
    count += 1;
    for (let c = 0; c < columns; c++) if (segments[c] === 1) sum += data[r * columns + c];
  }
  return count ? sum / count : 0;
}
