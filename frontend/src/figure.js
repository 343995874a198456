// The frame of every figure: title, sentence under it, its numbers as a table, and its files.
import { html } from "htm/preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { saveCsv, savePdf, savePng, saveSvg } from "./export.js";
import { FILE, Matrix, matrixSvg, matrixTable, specOf } from "./matrix.js";
import { collect, collecting, svgFile } from "./paper.js";
import { later } from "./queue.js";
import { isPrinting } from "./settings.js";
import { t, number } from "./texts.js";

const TABLE = 60; // rows and columns of a table that are written out; the file has them all

/**
 * Props: title, caption (one sentence, as nodes), table() -> {head, rows}, svg() -> text where the
 * figure is no SVG of the page, file (its name), aside (what stands beside the figure), children.
 */
export function Figure({ title, caption, table, svg, file, aside, level = 4, children }) {
  const name = file ?? title;
  if (collecting()) {
    collect({ title, caption, table, svg, file: name, nodes: children });
    return null;
  }
  const drawn = () => svgFile({ title, caption, svg, nodes: children });
  const heading = title && html`<${`h${level}`}>${title}<//>`;
  return html`<figure class="fig" aria-label=${title}>
    ${heading}
    <div class="drawn">${children}</div>
    ${caption && html`<figcaption>${caption}</figcaption>`}
    ${aside}
    <div class="tools">
      <${Numbers} table=${table}/>
      <span class="files" role="group" aria-label=${`${t("figure.save")}: ${title}`}>
        <button type="button" onClick=${() => saveSvg(name, drawn())}>SVG</button>
        <button type="button" onClick=${() => savePng(name, drawn())}>PNG</button>
        <button type="button" onClick=${() => savePdf(name, drawn())}>PDF</button>
        <button type="button" onClick=${() => saveCsv(name, table())}>CSV</button>
      </span>
    </div>
  </figure>`;
}

/** The table behind a figure, made when it is opened. */
function Numbers({ table }) {
  const [open, setOpen] = useState(false);
  return html`<details onToggle=${(event) => setOpen(event.currentTarget.open)}>
    <summary>${t("figure.table")}</summary>${open && html`<${Table} ...${table()}/>`}
  </details>`;
}

export function Table({ head, rows, wrap }) {
  const cut = rows.length > TABLE || head.length > TABLE + 1;
  const cell = (value) => (typeof value === "number"
    ? html`<td class="num">${number(value, Number.isInteger(value) ? 0 : Math.abs(value) < 0.001 ? 7 : 3)}</td>`
    : html`<td dir="auto" class=${wrap ? "wrap" : ""}>${value}</td>`);
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${t("figure.table")}><table>
    <thead><tr>${head.slice(0, TABLE + 1).map((name, at) =>
      html`<th scope="col" class=${typeof rows[0]?.[at] === "number" ? "num" : ""}>${name}</th>`)}</tr></thead>
    <tbody>${rows.slice(0, TABLE).map(([first, ...rest]) => html`<tr>
      <th scope="row" dir="auto">${typeof first === "number" ? number(first, 0) : first}</th>${rest.slice(0, TABLE).map(cell)}</tr>`)}
    </tbody></table>${cut && html`<p class="hint">${t("figure.cut", { count: TABLE })}</p>`}</div>`;
}

const PAUSE = 300; // milliseconds without another change after which all that is out of sight is drawn

/**
 * What is drawn in `place`, a ref: `drawn` while it is on the screen, and while it is not, what was
 * there before, until the reader comes to it or pauses. So a key costs what can be seen.
 */
export function useKept(place, drawn) {
  const [, again] = useState(0);
  const state = useRef({ near: true, asked: false, kept: null }).current;
  const behind = !state.near && !state.asked && state.kept !== null && !collecting() && !isPrinting();
  if (!behind) Object.assign(state, { kept: drawn, asked: false });
  state.behind = behind;
  useEffect(() => {
    const draw = () => { state.asked = true; again((n) => n + 1); };
    const watch = new IntersectionObserver(([entry]) => {
      state.near = entry.isIntersecting;
      if (state.near && state.behind) draw();
    });
    watch.observe(place.current);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    if (!behind) return undefined;
    let takeBack = () => {};
    const waiting = setTimeout(() => { takeBack = later(() => { state.asked = true; again((n) => n + 1); }); }, PAUSE);
    return () => { clearTimeout(waiting); takeBack(); };
  });
  return state.kept;
}

/** A matrix in its frame: what most views are made of. */
export function MatrixFigure({ title, caption, file, aside, level, ...matrix }) {
  const { rows, columns, matrix: values } = matrix;
  return html`<${Figure} ...${{ title, caption, file, aside, level }}
    svg=${() => matrixSvg(specOf(matrix, FILE))} table=${() => matrixTable(rows, columns, values, matrix.corner)}>
    <${Matrix} ...${matrix} label=${title}/>
  <//>`;
}

/**
 * Children that are drawn when they come near the window: a page of many layers opens at once.
 * `height` keeps the scroll bar honest before that. Printing draws everything.
 */
const EAGER = 24; // places that are drawn without being near: a small page is whole, also for a screenshot
let places = 0;

export function Lazy({ height = 300, children }) {
  const place = useRef();
  const [near, setNear] = useState(collecting() || isPrinting());
  useEffect(() => {
    if (near) return undefined;
    const show = () => setNear(true);
    const takeBack = places++ < EAGER ? later(show) : () => {};
    const watch = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && show(), { rootMargin: "300px" });
    watch.observe(place.current);
    window.addEventListener("beforeprint", show);
    return () => { takeBack(); watch.disconnect(); window.removeEventListener("beforeprint", show); };
  }, [near]);
  return near ? children : html`<div ref=${place} class="waiting" style=${{ minHeight: `${height}px` }}></div>`;
}
