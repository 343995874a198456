// A matrix to point at and to walk with the arrow keys, with its scale and the value read out.
import { html } from "htm/preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { cellAt, drawBase, drawOver, matrixSvg, prepareOver } from "./draw.js";
import { layOut } from "./layout.js";
import { useSettings } from "./settings.js";
import { t, number } from "./texts.js";

/** Width that `element` has for its content, kept current. */
export function useRoom(ref, first = 960) {
  const [room, setRoom] = useState(first);
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([entry]) => setRoom(Math.floor(entry.contentRect.width)));
    setRoom(Math.floor(ref.current.clientWidth));
    watch.observe(ref.current);
    return () => watch.disconnect();
  }, []);
  return room;
}

/** Pixels that a figure may take across in a file. */
export const FILE = 960;

/** What is drawn of a matrix with its layout in `room` pixels. */
export function specOf({ matrix, rows, columns, scale, links, boundary, largest, bare }, room) {
  const plan = layOut(rows, columns, { room, largest, bare, smallest: columns.length > 128 ? 3 : 6 });
  return { matrix, rows, columns, scale, plan, links, boundary };
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function step(cell, key, rows, columns) {
  const { row, column } = cell ?? { row: 0, column: -1 };
  if (key === "Home") return { row, column: 0 };
  if (key === "End") return { row, column: columns - 1 };
  if (!cell) return { row: 0, column: 0 };
  const [down, right] = STEPS[key];
  return {
    row: Math.min(Math.max(row + down, 0), rows - 1),
    column: Math.min(Math.max(column + right, 0), columns - 1),
  };
}

/**
 * Props: matrix, rows and columns (names), scale {kind, top}, label (what it is, for the ear),
 * arrow (between a row's and a column's name), links and boundary (see draw.js), onCell(cell, key)
 * for clicks and letters, largest (cell). Paper has it as SVG, as wide as it is.
 */
export function Matrix(props) {
  const { matrix, rows, columns, scale, label, arrow = "←", links, boundary, onCell } = props;
  const { drawn, printing } = useSettings();
  const [box, base, over, output] = [useRef(), useRef(), useRef(), useRef()];
  const room = useRoom(box);
  const state = useRef({ cell: null });
  const spec = specOf(props, room);
  const { plan } = spec;
  state.current.spec = spec;
  state.current.told = props.told;

  useLayoutEffect(() => { drawBase(base.current, spec); }, [matrix, rows, columns, room, drawn, scale.top, links, boundary]);
  useLayoutEffect(() => {
    if (state.current.cell) point(state.current.cell);
  }, [rows, columns, room, drawn]);

  const point = (cell) => {
    const { cell: before, spec: now } = state.current;
    state.current.cell = cell;
    if (cell || before) drawOver(prepareOver(over.current, now.plan), now, cell); // most are never pointed at
    output.current.textContent = cell ? state.current.told?.(cell) ?? read(now, cell, arrow) : "";
  };
  const under = (event) => {
    const area = over.current.getBoundingClientRect();
    return cellAt(state.current.spec, event.clientX - area.left, event.clientY - area.top);
  };
  const moved = (event) => {
    const [cell, before] = [under(event), state.current.cell];
    if (cell?.row !== before?.row || cell?.column !== before?.column) point(cell);
  };
  const pressed = (event) => {
    if (event.key in STEPS || event.key === "Home" || event.key === "End") {
      event.preventDefault();
      point(step(state.current.cell, event.key, rows.length, columns.length));
      keepInSight(box.current, state.current.spec.plan, state.current.cell);
    } else if (event.key === "Escape") point(null);
    else if (onCell && state.current.cell && !event.ctrlKey && !event.metaKey && !event.altKey) {
      if (onCell(state.current.cell, event.key)) event.preventDefault();
    }
  };
  return html`<div class="matrix">
    <div class="scroll" ref=${box}>
      <div class="stack" role="application" aria-roledescription=${t("matrix.role")} tabindex="0"
        aria-label=${`${label}. ${t(onCell ? "matrix.markKeys" : "matrix.keys")}`}
        style=${{ width: `${plan.width}px`, height: `${plan.height}px` }}
        onPointerMove=${moved} onPointerLeave=${() => point(null)} onKeyDown=${pressed}
        onBlur=${() => point(null)}
        onClick=${(event) => { const cell = under(event); if (cell && onCell) onCell(cell, "click"); }}>
        <canvas ref=${base}></canvas><canvas ref=${over} class="over"></canvas>
      </div>
      ${printing && html`<div class="printed" dangerouslySetInnerHTML=${{ __html: matrixSvg(specOf(props, FILE)) }}></div>`}
    </div>
    <div class="legend"><${Scale} ...${scale}/><output ref=${output} aria-live="polite"></output></div>
  </div>`;
}

const read = ({ matrix, rows, columns }, { row, column }, arrow) =>
  `${rows[row]} ${arrow} ${columns[column]}  ${number(matrix.data[row * matrix.columns + column], 3)}`;

/** Scrolls a wide matrix so that the cell walked to can be seen. */
function keepInSight(box, plan, { column }) {
  const x = plan.left + column * plan.cell.width;
  if (x < box.scrollLeft + plan.left) box.scrollLeft = x - plan.left;
  else if (x + plan.cell.width > box.scrollLeft + box.clientWidth) box.scrollLeft = x + plan.cell.width - box.clientWidth;
}

/** The colour scale with its ends written. */
export function Scale({ kind, top }) {
  return html`<span class=${`scale ${kind}`}>${kind === "difference" ? `−${top}` : "0"}<i></i>${top}</span>`;
}

/** The numbers of a matrix as a table, rows named in the first column. */
export const matrixTable = (rows, columns, matrix, corner = "") => ({
  head: [corner, ...columns],
  rows: rows.map((name, r) => [name, ...Array.from(matrix.data.subarray(r * matrix.columns, (r + 1) * matrix.columns))]),
});

export { matrixSvg };
