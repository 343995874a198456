// The report's figures, drawn by what draws the viewer's.
import { html } from "htm/preact";
import { Figure, MatrixFigure } from "./figure.js";
import { Lines, Multiples, Points, Spark } from "./plots.js";

/** Rows [label, y, …] under a head [name, x, …] as series; what is no number is left out. */
const seriesOf = ({ head, rows, bands, hints }, across) => rows.map(([label, ...values], row) => {
  const at = values.flatMap((value, column) => (value === null ? [] : [column]));
  const kept = (from) => from?.[row] && at.map((column) => from[row][column]);
  return { label, points: at.map((column) => [across(head[column + 1], column), values[column]]), band: kept(bands), hints: kept(hints) };
}).filter((each) => each.points.length);

const drawings = {
  lines: (given) => html`<${Lines} ...${given} label=${given.title} series=${seriesOf(given, Number)}/>`,
  points: (given) => html`<${Points} ...${given} label=${given.title}/>`,
  multiples: (given) => html`<${Multiples} label=${given.title} least=${given.least} labelX=${given.head[0]} ticks=${given.head.slice(1)} series=${seriesOf(given, (_, column) => column)}/>`,
};

/** Letters and digits alone, as a file's name has them. */
const fileOf = (title) => title.replace(/[^\p{L}\p{N}.-]+/gu, "-");

function matrix({ title, caption, head, rows, gold }) {
  const values = { rows: rows.length, columns: head.length - 1, data: Float32Array.from(rows.flatMap((row) => row.slice(1)), (value) => value ?? NaN) };
  const links = gold.map(([column, row]) => ({ row, column, kind: "sure" }));
  return html`<${MatrixFigure} title=${title} caption=${caption} file=${fileOf(title)} level=${3} rows=${rows.map(([word]) => word)} columns=${head.slice(1)} matrix=${values} links=${links} scale=${{ kind: "weight", top: 1 }}/>`;
}

/** A figure of the report as nodes. */
export function reported(given) {
  if (given.kind === "spark") return html`<${Spark} points=${given.points} label=${given.label}/>`;
  if (given.kind === "matrix") return matrix(given);
  return html`<${Figure} title=${given.title} caption=${given.caption} file=${fileOf(given.title)} level=${3} table=${() => given}>${drawings[given.kind](given)}<//>`;
}
