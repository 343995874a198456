// The beam as a tree: what was tried at each step, what was kept, and what was finished.
import { html } from "htm/preact";
import { Figure } from "../figure.js";
import { shorten, textWidth } from "../layout.js";
import { number, t, tx } from "../texts.js";
import { fileName, word } from "./parts.js";

const ROW = 24;

/**
 * The row of every node: within its step, those that were kept first, each group by its score. A
 * beam of five is so a lattice of five rows, with what was given up below, however long the text.
 */
export function placed(nodes) {
  const steps = new Map();
  for (const node of nodes) steps.set(node.step, [...(steps.get(node.step) ?? []), node]);
  const standing = (node) => (node.kept || node.finished ? 0 : 1);
  const rows = new Map();
  let most = 0;
  for (const level of steps.values()) {
    level.sort((a, b) => standing(a) - standing(b) || b.logprob - a.logprob);
    level.forEach((node, row) => rows.set(node.id, row));
    most = Math.max(most, level.length);
  }
  return { rows, most };
}

export function BeamTree({ record }) {
  const nodes = record.beam?.nodes ?? [];
  if (!nodes.length) return null;
  const { rows, most } = placed(nodes);
  const first = Math.min(...nodes.map((node) => node.step));
  const steps = Math.max(...nodes.map((node) => node.step)) - first + 1;
  const widths = Array.from({ length: steps }, (_, step) =>
    Math.max(0, ...nodes.filter((node) => node.step - first === step).map((node) => textWidth(shorten(node.piece, 12)) + (node.finished ? 34 : 0))) + 44);
  const starts = widths.reduce((sums, width) => [...sums, sums.at(-1) + width], [8]);
  const x = (node) => starts[node.step - first];
  const y = (node) => rows.get(node.id) * ROW + 16;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const won = winner(nodes, byId);
  const width = starts.at(-1);
  const height = most * ROW + 8;
  const best = record.beam.hypotheses?.[0];
  const order = (node) => (won.has(node.id) ? 2 : node.kept || node.finished ? 1 : 0);
  const drawn = [...nodes].sort((a, b) => order(a) - order(b)); // the path that won lies on top
  return html`<${Figure} title=${t("beam.title")} file=${fileName(record, "beam")} table=${() => table(nodes, byId)}
    caption=${best ? tx("beam.caption", { text: word(best.text), count: nodes.length }) : t("beam.title")}>
    <div class="scroll" tabindex="0" role="region" aria-label=${t("beam.title")}><svg role="img" aria-label=${t("beam.title")} width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`}>
      ${drawn.map((node) => byId.has(node.parent) && edge(byId.get(node.parent), node, { x, y, won }))}
      ${drawn.map((node) => html`<g class=${classOf(node, won)}><title>${`${path(node, byId)}  ${number(node.logprob, 3)}`}</title>
        <circle cx=${x(node)} cy=${y(node)} r=${node.finished ? 4.5 : 3} class=${node.finished ? "goal" : "dot"}/>
        <text x=${x(node) + 8} y=${y(node) + 4}>${shorten(node.piece, 12)}</text>
        ${node.finished && html`<text class="tick" x=${x(node) + 12 + textWidth(shorten(node.piece, 12))} y=${y(node) + 4}>${number(node.score ?? node.logprob, 2)}</text>`}</g>`)}
    </svg></div><//>`;
}

/** The best finished hypothesis: its nodes, from the last to the first. */
function winner(nodes, byId) {
  const finished = nodes.filter((node) => node.finished);
  const pool = finished.length ? finished : nodes;
  const rank = (node) => (typeof node.rank === "number" ? -node.rank : node.score ?? node.logprob);
  let node = pool.reduce((best, each) => (rank(each) > rank(best) ? each : best));
  const ids = new Set();
  for (; node && !ids.has(node.id); node = byId.get(node.parent)) ids.add(node.id);
  return ids;
}

const classOf = (node, won) => (won.has(node.id) ? "won" : node.kept || node.finished ? "kept" : "pruned");

function edge(from, to, { x, y, won }) {
  const start = x(from) + 8 + textWidth(shorten(from.piece, 12)) * (won.has(from.id) ? 1.08 : 1) + 4; // bold is wider
  const middle = (start + x(to)) / 2;
  return html`<path class=${`edge ${classOf(to, won)}`} fill="none" d=${`M${start} ${y(from)}C${middle} ${y(from)} ${middle} ${y(to)} ${x(to) - 5} ${y(to)}`}/>`;
}

function path(node, byId) {
  const pieces = [];
  const seen = new Set();
  for (let at = node; at && !seen.has(at.id); at = byId.get(at.parent)) {
    seen.add(at.id);
    pieces.unshift(at.piece);
  }
  return pieces.join(" ");
}

const table = (nodes, byId) => ({
  head: [t("beam.step"), t("beam.path"), t("outcome.nats"), t("beam.score"), t("beam.fate")],
  rows: nodes.map((node) => [node.step, path(node, byId), node.logprob, node.score ?? null,
    t(node.finished ? "beam.finished" : node.kept ? "beam.kept" : "beam.pruned")]),
});
