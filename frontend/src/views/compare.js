// Two models, or two checkpoints, on one sentence: side by side, and the difference.
import { html } from "htm/preact";
import { Bars } from "../bars.js";
import { ceiling } from "../colour.js";
import { Figure, Lazy, MatrixFigure } from "../figure.js";
import { shown } from "../fold.js";
import { labelOf, number, t, tx } from "../texts.js";
import { alignmentOf } from "./alignment.js";
import { groupsOfHeads, titleOf, useGathered } from "./heads.js";
import { fileName, largest, names, surprisal, word } from "./parts.js";

/** Records of one text by two models, first with second: what can be set side by side. */
export function pairsOf(records) {
  const byText = new Map();
  for (const record of records) byText.set(record.text, [...(byText.get(record.text) ?? []), record]);
  return [...byText.values()].flatMap((same) => {
    const others = same.filter((record) => record.model !== same[0].model || record.label !== same[0].label);
    return others.map((other) => [same[0], other]);
  });
}

/** Records of one text by three models or more. */
export function groupsOf(records) {
  const byText = new Map();
  for (const record of records) byText.set(record.text, [...(byText.get(record.text) ?? []), record]);
  return [...byText.values()].filter((same) => same.length > 2);
}

/** Several models on one sentence: the surprisal of each word under each of them. */
export function Overview({ records, view }) {
  const folded = { ...view, fold: true, specials: false };
  const able = records.filter((record) => record.logprobs?.length);
  const rows = able.map((record) => new Map(surprisal(record, folded).filter((each) => each.word >= 0).map((each) => [`${each.word} ${each.name}`, each])));
  const keys = [...(rows[0]?.keys() ?? [])].filter((key) => rows.every((row) => row.has(key)));
  if (able.length < 3 || !keys.length) return null;
  const data = Float32Array.from(rows.flatMap((row) => keys.map((key) => row.get(key).bits)));
  const named = able.map((record) => (able.filter((each) => each.label === record.label).length > 1 ? record.model : labelOf(record.label)));
  const sums = rows.map((row) => keys.reduce((sum, key) => sum + row.get(key).bits, 0));
  const best = largest(sums.map((value) => -value));
  return html`<${MatrixFigure} title=${t("compare.all", { count: able.length })} file=${fileName(able[0], "models")} matrix=${{ rows: able.length, columns: keys.length, data }}
    rows=${named} columns=${keys.map((key) => rows[0].get(key).name)} arrow="·" scale=${{ kind: "weight", top: ceiling(data) }}
    caption=${tx("compare.allCaption", { model: word(named[best]), bits: number(sums[best], 1) })}/>`;
}

const nameOf = (record, other) => (record.label === other.label ? record.model : labelOf(record.label));

export function Compare({ pair: [left, right], view }) {
  // Models cut words into other pieces; only words are common to both.
  const folded = { ...view, fold: true, specials: false };
  const titles = [nameOf(left, right), nameOf(right, left)];
  const groups = shared(left, right);
  return html`<${Bits} records=${[left, right]} titles=${titles} view=${folded}/>
    ${groups.map(([a, b, title]) => html`<${Lazy} key=${title} height=${380}><${Side} records=${[left, right]} groups=${[a, b]} ...${{ titles, title }} view=${folded}/><//>`)}
    ${!groups.length && html`<p class="hint">${t("compare.nothing")}</p>`}`;
}

/** Attentions of the same kind in both: alignments, and each kind of self-attention. */
function shared(left, right) {
  const found = [];
  const [a, b] = [alignmentOf(left), alignmentOf(right)];
  if (a && b) found.push([[a], [b], t("alignment.output")]);
  for (const group of groupsOfHeads(left)) {
    const same = groupsOfHeads(right).find(([first]) => first.part === group[0].part && first.rows === group[0].rows && first.columns === group[0].columns);
    if (same) found.push([group, same, titleOf(group[0])]);
  }
  return found;
}

function Side({ records, groups, titles, title, view }) {
  const parts = records.map((record, at) => {
    const mean = useGathered(record, groups[at], "mean");
    return mean && shown(record, mean, [groups[at][0].rows, groups[at][0].columns], view);
  });
  if (parts.some((part) => !part)) return html`<p class="hint">${t("loading")}</p>`;
  const top = ceiling(...parts.map((part) => part.matrix.data));
  const [a, b] = parts;
  const alike = [a.rows, a.columns].map(names).join("\n") === [b.rows, b.columns].map(names).join("\n");
  const both = parts.map((part, at) => html`<${MatrixFigure} title=${titles[at]} level=${5} file=${fileName(records[at], title)}
    caption=${t("compare.mean", { heads: groups[at].reduce((sum, each) => sum + each.heads, 0) })} matrix=${part.matrix} rows=${names(part.rows)} columns=${names(part.columns)}
    largest=${22} scale=${{ kind: "weight", top }}/>`);
  return html`<h4>${title}</h4><div class="multiples three">${both}${alike ? html`<${Difference} ...${{ a, b, titles, title }} record=${records[0]}/>` : html`<p class="hint">${t("compare.unlike")}</p>`}</div>`;
}

function Difference({ a, b, titles, title, record }) {
  const data = a.matrix.data.map((value, at) => b.matrix.data[at] - value);
  const matrix = { ...a.matrix, data };
  const at = largest(Array.from(data, Math.abs));
  const [row, column] = [a.rows[Math.floor(at / matrix.columns)], a.columns[at % matrix.columns]];
  return html`<${MatrixFigure} title=${t("compare.difference")} level=${5} file=${fileName(record, title, "difference")} matrix=${matrix} rows=${names(a.rows)} columns=${names(a.columns)}
    caption=${row && tx("compare.differenceCaption", { a: titles[0], b: titles[1], row: word(row.name), column: word(column.name), value: number(data[at], 2) })}
    largest=${22} scale=${{ kind: "difference", top: ceiling(data) }}/>`;
}

/** Surprisal of the same words under both. */
function Bits({ records, titles, view }) {
  const [a, b] = records.map((record) => (record.logprobs?.length ? surprisal(record, view) : []));
  const other = new Map(b.map((each, at) => [`${each.word}\n${each.name}`, b[at]]));
  const rows = a.filter((each) => each.word >= 0 && other.has(`${each.word}\n${each.name}`))
    .map((each) => [each.name, each.bits, other.get(`${each.word}\n${each.name}`).bits]);
  if (!rows.length) return null;
  const differences = rows.map(([, was, is]) => is - was);
  const total = differences.reduce((sum, value) => sum + value, 0);
  return html`<${Figure} title=${t("compare.bits")} file=${fileName(records[0], "difference-bits")}
    caption=${t(total > 0 ? "compare.bitsMore" : "compare.bitsLess", { a: titles[0], b: titles[1], value: number(Math.abs(total), 1) })}
    table=${() => ({ head: [t("word"), titles[0], titles[1], t("change.difference")], rows: rows.map((row, at) => [...row, differences[at]]) })}>
    <${Bars} names=${rows.map(([name]) => name)} values=${differences} signed digits=${1} hot=${largest(differences.map(Math.abs))} label=${t("compare.bits")}/><//>`;
}
