// Attention between two sentences: the alignment matrix, gold links over it, how spread each row is
// and how much each source word received, both ways of reading it, and every hypothesis of the beam.
import { html } from "htm/preact";
import { Bars } from "../bars.js";
import { ceiling } from "../colour.js";
import { Figure, Lazy, MatrixFigure } from "../figure.js";
import { axisOf, byColumn, shown } from "../fold.js";
import { Links } from "../links.js";
import { useTensor } from "../tensor.js";
import { number, t, tx } from "../texts.js";
import { readApart } from "./pairs.js";
import { Explains, Faithfulness, Strongest, fileName, largest, names, word } from "./parts.js";

/** The attention that says which word came from which: the model's own, or its first to the source. */
export const alignmentOf = (record) =>
  record.attentions.find((each) => each.part === "align") ??
  record.attentions.find((each) => each.part === "cross" && each.heads === 1);

/** Gold links as cells of a drawn matrix, whose rows and columns carry word indices. */
export function cellsOf(links, rows, columns) {
  if (!links) return [];
  const [row, column] = [rows, columns].map((groups) => new Map(groups.map((group, at) => [group.word, at])));
  return ["possible", "sure", "forbidden"].flatMap((kind) => (links[kind] ?? [])
    .filter(([s, d]) => column.has(s) && row.has(d) && !(kind === "possible" && has(links.sure, [s, d])))
    .map(([s, d]) => ({ row: row.get(d), column: column.get(s), kind })));
}

export const has = (links, [s, d]) => (links ?? []).some((link) => link[0] === s && link[1] === d);

export function Alignment({ record, view, live }) {
  const attention = alignmentOf(record);
  const tensor = useTensor(record, attention?.tensor);
  if (!attention) {
    return record.written ? html`<p class="outcome">${t("alignment.none")}</p>` : null;
  }
  if (!tensor) return html`<p class="hint">${t("loading")}</p>`;
  const axes = [attention.rows, attention.columns];
  const output = shown(record, tensor.matrix(), axes, view);
  // The gold is between words: over pieces there is nothing to lay it on.
  const gold = view.fold ? cellsOf(record.gold, output.rows, output.columns) : [];
  const top = ceiling(output.matrix.data);
  return html`${live?.correct && html`<p><a href=${`#record-${record.id}-correct`}>${t("alignment.correct")}</a></p>`}<${MatrixFigure} title=${t("alignment.output")} file=${fileName(record, "alignment")} corner=${t("alignment.corner")}
      caption=${html`${t("alignment.outputCaption")} <${Strongest} ...${output}/>${record.gold ? ` ${t("alignment.gold")}` : ""}${aerText(record)}`}
      matrix=${output.matrix} rows=${names(output.rows)} columns=${names(output.columns)} links=${gold} scale=${{ kind: "weight", top }}
      aside=${html`<${Faithfulness} record=${record} name=${attention.name}/><${Explains}/>`}/>
    <${Figure} title=${t("links.title")} file=${fileName(record, "links")} caption=${t("links.caption")} table=${() => linkTable(output)}>
      <${Links} matrix=${output.matrix} rows=${names(output.rows)} columns=${names(output.columns)} links=${gold} scale=${{ kind: "weight", top }} label=${t("links.title")}/><//>
    <div class="multiples"><${Spread} record=${record} output=${output}/><${Coverage} record=${record} output=${output}/></div>
    <${Lazy} height=${420}><div class="multiples"><${InputStep} record=${record} tensor=${tensor} attention=${attention} view=${view}/>
      <${BySource} record=${record} output=${output}/></div><//>`;
}

const aerText = ({ measures }) => (typeof measures?.aer === "number" ? ` ${t("alignment.aer", { value: number(measures.aer, 2) })}` : "");

const linkTable = ({ matrix, rows, columns }) => ({
  head: [t("links.query"), t("links.key"), t("unit.weight")],
  rows: rows.flatMap((row, r) => columns.map((column, c) => [row.name, column.name, matrix.data[r * matrix.columns + c]])),
});

const entropyOf = (part) => -part.reduce((sum, p) => sum + (p > 0 ? p * Math.log2(p) : 0), 0);

const rowsOf = ({ matrix }) => Array.from({ length: matrix.rows }, (_, r) => matrix.data.subarray(r * matrix.columns, (r + 1) * matrix.columns));

function Spread({ record, output }) {
  if (!output.rows.length) return null;
  const values = rowsOf(output).map(entropyOf);
  const widest = largest(values);
  return html`<${Figure} title=${t("entropy.title")} file=${fileName(record, "entropy")}
    caption=${tx("entropy.caption", { word: word(output.rows[widest].name), value: number(values[widest], 2), most: number(Math.log2(output.columns.length), 1) })}
    table=${() => ({ head: [t("word"), t("unit.bits")], rows: output.rows.map((row, at) => [row.name, values[at]]) })}>
    <${Bars} names=${names(output.rows)} values=${values} hot=${widest} digits=${2} label=${t("entropy.title")} width=${440}/><//>`;
}

function Coverage({ record, output }) {
  if (!output.columns.length) return null;
  const values = output.columns.map((_, c) => rowsOf(output).reduce((sum, row) => sum + row[c], 0));
  const least = largest(values.map((value) => -value));
  return html`<${Figure} title=${t("coverage.title")} file=${fileName(record, "coverage")}
    caption=${tx("coverage.caption", { word: word(output.columns[least].name), value: number(values[least], 2) })}
    table=${() => ({ head: [t("word"), t("unit.weight")], rows: output.columns.map((column, at) => [column.name, values[at]]) })}>
    <${Bars} names=${names(output.columns)} values=${values} hot=${least} digits=${2} label=${t("coverage.title")} width=${440}/><//>`;
}

/** The same weights, each row named by the word that the decoder had just read instead of wrote. */
function InputStep({ record, tensor, attention, view }) {
  if (attention.rows !== "output" || attention.reading === "input-step" || tensor.shape.at(-2) < 2) return null;
  const whole = tensor.matrix();
  const next = { rows: whole.rows - 1, columns: whole.columns, data: whole.data.subarray(whole.columns) };
  const input = shown(record, next, ["output", attention.columns], view);
  return html`<${MatrixFigure} title=${t("alignment.input")} file=${fileName(record, "input-step")} corner=${t("alignment.corner")}
    caption=${html`${t("alignment.inputCaption")} ${typeof record.measures?.aer_input_step === "number" ? t("alignment.aer", { value: number(record.measures.aer_input_step, 2) }) : ""}`} matrix=${input.matrix} rows=${names(input.rows)} columns=${names(input.columns)}
    links=${view.fold ? cellsOf(record.gold, input.rows, input.columns) : []} scale=${{ kind: "weight", top: ceiling(input.matrix.data) }}/>`;
}

/** Turned round: for each source word, which words of the output looked at it. */
function BySource({ record, output }) {
  const matrix = byColumn(output.matrix);
  return html`<${MatrixFigure} title=${t("alignment.source")} file=${fileName(record, "by-source")} caption=${t("alignment.sourceCaption")}
    matrix=${matrix} rows=${names(output.columns)} columns=${names(output.rows)} arrow="→" scale=${{ kind: "weight", top: ceiling(matrix.data) }}/>`;
}

/** What the prediction owes to each word read, for models with and without attention. */
export function SourceInfluence({ record, view }) {
  const tensor = useTensor(record, record.measures?.source_influence);
  if (!tensor) return null;
  const words = (axis) => ({ pieces: record[axis].surface, words: record[axis].surface.map((_, at) => at), surface: record[axis].surface });
  const rowAxis = record.output ? words("output") : words("source");
  const axes = { ...record, rows: tensor.shape[0] === 1 ? axisOf(record, "text") : rowAxis, columns: words("source") };
  const { matrix, rows, columns } = shown(axes, tensor.matrix(), ["rows", "columns"], view, "mean");
  const { unit = "nats" } = record;
  const kind = unit === "nats" ? "title" : unit === "value" ? "value" : readApart(record) ? "similar" : "turn";
  const title = t(`sourceInfluence.${kind}`);
  const file = fileName(record, "source-influence");
  if (tensor.shape[0] === 1 && columns.length > 1) {
    const values = Array.from(matrix.data);
    return html`<${Figure} title=${title} file=${file} caption=${t(kind === "title" ? "sourceInfluence.label" : `sourceInfluence.${kind}Caption`)} table=${() => ({ head: [t("word"), t(`unit.${unit}`)], rows: columns.map((column, at) => [column.name, values[at]]) })}>
      <${Bars} names=${names(columns)} values=${values} signed digits=${kind === "title" ? 2 : 3} hot=${largest(values)} label=${title}/><//>`;
  }
  return html`<${MatrixFigure} title=${title} file=${file} caption=${t(`sourceInfluence.${record.written ? "caption" : record.tags?.length ? "tags" : "words"}`)}
    matrix=${matrix} rows=${names(rows)} columns=${names(columns)} scale=${scaleOf(matrix)}/>`;
}

const scaleOf = (matrix) => ({ kind: matrix.data.some((value) => value < 0) ? "difference" : "weight", top: ceiling(matrix.data) });

/** The alignment of every hypothesis that the beam kept, side by side on one scale. */
export function Hypotheses({ record, view }) {
  const kept = (record.beam?.hypotheses ?? []).filter((each) => each.tensor);
  if (kept.length < 2) return null;
  return html`<h4>${t("hypotheses.title")}</h4><div class="multiples">
    ${kept.map((hypothesis, at) => html`<${Lazy} key=${at}><${Hypothesis} record=${record} hypothesis=${hypothesis} at=${at} view=${view}/><//>`)}</div>
    <p class="hint">${t("hypotheses.caption")}</p>`;
}

function Hypothesis({ record, hypothesis, at, view }) {
  const tensor = useTensor(record, hypothesis.tensor);
  if (!tensor) return null;
  const { pieces, words, text } = hypothesis;
  const own = { pieces, words: words ?? pieces.map((_, n) => n), special: pieces.map((piece) => /^<\/?s>$/.test(piece)), surface: words ? text.split(/\s+/) : pieces };
  const drawn = shown({ ...record, own, source: axisOf(record, "source") }, tensor.matrix(), ["own", "source"], view);
  return html`<${MatrixFigure} title=${`${at + 1}. ${text}`} level=${5} file=${fileName(record, "hypothesis", String(at + 1))}
    caption=${t("hypotheses.score", { logprob: number(hypothesis.logprob, 2), score: number(hypothesis.score, 2) })}
    matrix=${drawn.matrix} rows=${names(drawn.rows)} columns=${names(drawn.columns)} largest=${22} scale=${{ kind: "weight", top: 1 }}/>`;
}
