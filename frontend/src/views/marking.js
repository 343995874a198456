// Answering back: links marked sure, possible or forbidden, on the matrix or between the words.
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import { ceiling } from "../colour.js";
import { Figure, MatrixFigure } from "../figure.js";
import { shown } from "../fold.js";
import { Links } from "../links.js";
import { useTensor } from "../tensor.js";
import { said as translated, t, tx } from "../texts.js";
import { alignmentOf, cellsOf, has } from "./alignment.js";
import { fileName, names } from "./parts.js";

export const KINDS = ["sure", "possible", "forbidden"];
const KEYS = { s: "sure", p: "possible", f: "forbidden", x: null, Delete: null, Backspace: null };

/** `links` with the link [source, target] made `kind`, or taken away where that is null. */
export function marked(links, link, kind) {
  return Object.fromEntries(KINDS.map((each) => {
    const others = (links[each] ?? []).filter((other) => other[0] !== link[0] || other[1] !== link[1]);
    return [each, each === kind ? [...others, link] : others];
  }));
}

export const kindOf = (links, link) => KINDS.find((kind) => has(links[kind], link)) ?? null;

/** None, sure, possible, forbidden, none: what the next click makes of a link. */
export const following = (kind) => [...KINDS, null][(KINDS.indexOf(kind) + 1) % 4];

const started = (record) => ({ sure: [], possible: [], forbidden: [], ...record.gold });

export function Marking({ record, index, live, onSaved }) {
  const [links, setLinks] = useState(started(record));
  const [picked, setPicked] = useState(null);
  const [said, setSaid] = useState({});
  useEffect(() => { setLinks(started(record)); setPicked(null); setSaid({}); }, [record.id]);
  const attention = alignmentOf(record);
  const tensor = useTensor(record, attention?.tensor);
  if (!attention) return html`<p class="hint">${t("marking.none")}</p>`;
  if (!tensor) return html`<p class="hint">${t("loading")}</p>`;
  const drawn = shown(record, tensor.matrix(), [attention.rows, attention.columns], { fold: true, specials: false, from: 0, size: 512 });
  const linkAt = ({ row, column }) => [drawn.columns[column].word, drawn.rows[row].word];
  const mark = (link, kind) => { setLinks((before) => marked(before, link, kind)); setSaid({}); };
  const onCell = (cell, key) => {
    const link = linkAt(cell);
    if (key === "click" || key === "Enter" || key === " ") mark(link, following(kindOf(links, link)));
    else if (key in KEYS) mark(link, KEYS[key]);
    else return false;
    return true;
  };
  const onPick = (now) => {
    if (!picked || picked.side === now.side) { setPicked(picked?.at === now.at && picked.side === now.side ? null : now); return; }
    const cell = { row: now.side === "row" ? now.at : picked.at, column: now.side === "row" ? picked.at : now.at };
    mark(linkAt(cell), following(kindOf(links, linkAt(cell))));
    setPicked(null);
  };
  const save = async () => {
    setSaid({ busy: true });
    try {
      const where = Number.isInteger(index) ? { index } : { source: record.text, target: record.target ?? record.output.surface.join(" ") };
      const { count } = await live.mark({ ...where, ...links });
      setSaid(KINDS.some((kind) => links[kind].length) ? { count } : { count, removed: true });
      onSaved?.(count);
    } catch (error) {
      setSaid({ error: error.message });
    }
  };
  const cells = cellsOf(links, drawn.rows, drawn.columns);
  const scale = { kind: "weight", top: ceiling(drawn.matrix.data) };
  const told = (cell) => {
    const kind = kindOf(links, linkAt(cell));
    return `${drawn.rows[cell.row].name} ← ${drawn.columns[cell.column].name}  ${drawn.matrix.data[cell.row * drawn.matrix.columns + cell.column].toFixed(3)}${kind ? `  ${t(`mark.${kind}`)}` : ""}`;
  };
  return html`<${MatrixFigure} title=${t("marking.title")} file=${fileName(record, "marks")} caption=${t("marking.caption")} matrix=${drawn.matrix}
      rows=${names(drawn.rows)} columns=${names(drawn.columns)} links=${cells} scale=${scale} onCell=${onCell} told=${told} largest=${34}/>
    <${Figure} title=${t("marking.links")} level=${5} file=${fileName(record, "marked-links")} caption=${t("marking.linksCaption")} table=${() => linkTable(links, drawn)}>
      <${Links} matrix=${drawn.matrix} rows=${names(drawn.rows)} columns=${names(drawn.columns)} links=${cells} scale=${scale} label=${t("marking.links")} picked=${picked} onPick=${onPick}/><//>
    <p class="keys">${KINDS.map((kind) => html`<span><i class=${`swatch ${kind}`}></i>${t(`mark.${kind}`)} <kbd>${kind[0]}</kbd></span>`)}<span>${t("mark.none")} <kbd>x</kbd></span></p>
    <div class="choices"><button type="button" class="main" disabled=${said.busy} onClick=${save}>${t("marking.save")}</button>
      <span role="status">${said.count !== undefined && (said.removed ? t("marking.removed", { count: said.count }) : tx("marking.saved", { count: said.count }))}</span>
      ${said.error && html`<span class="error" role="alert">${translated(said.error)}</span>`}</div>`;
}

const linkTable = (links, { rows, columns }) => ({
  head: [t("links.key"), t("links.query"), t("marking.kind")],
  rows: KINDS.flatMap((kind) => links[kind].map(([s, d]) => [
    columns.find((group) => group.word === s)?.name ?? s, rows.find((group) => group.word === d)?.name ?? d, t(`mark.${kind}`)])),
});
