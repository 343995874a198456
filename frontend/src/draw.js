// A matrix on a canvas, and the same as SVG for export. The base is drawn once; what follows the
// pointer goes to a second canvas above it, so that a hover never touches the cells.
import { colourOf, pixels, stepOf } from "./colour.js";
import { FACE, FONT, shorten } from "./layout.js";
import { variable } from "./palette.js";

/** Where the middle of a cell is. */
const centre = (plan, row, column) => [
  plan.left + (column + 0.5) * plan.cell.width,
  plan.above + (row + 0.5) * plan.cell.height,
];

/** Context of a canvas that has been sized for the screen's pixels. */
function sized(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  const context = canvas.getContext("2d");
  if (canvas.width === across && canvas.height === down && canvas.style.width === `${width}px`) {
    context.clearRect(0, 0, width, height); // another size would take new memory
    return context;
  }
  canvas.width = across;
  canvas.height = down;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

const small = document.createElement("canvas"); // one for all matrices, drawn one after the other

/** The cells alone, as a small canvas of one pixel a cell. */
function cells(matrix, scale) {
  small.width = Math.max(matrix.columns, 1);
  small.height = Math.max(matrix.rows, 1);
  if (matrix.rows && matrix.columns) small.getContext("2d").putImageData(pixels(matrix, scale), 0, 0);
  return small;
}

export function drawBase(canvas, spec) {
  const { matrix, plan, scale } = spec;
  const context = sized(canvas, plan.width, plan.height);
  const { width, height } = plan.cell;
  context.imageSmoothingEnabled = false;
  context.drawImage(cells(matrix, scale), plan.left, plan.above, matrix.columns * width, matrix.rows * height);
  if (Math.min(width, height) >= 7) gaps(context, spec);
  boundaries(context, spec);
  labels(context, spec);
  for (const link of spec.links ?? []) mark(context, plan, link);
}

/** Thin lines of paper between cells, which make them countable. */
function gaps(context, { matrix, plan }) {
  context.fillStyle = variable("paper");
  const { left, above, cell } = plan;
  for (let c = 0; c <= matrix.columns; c++) {
    context.fillRect(left + c * cell.width - 0.5, above, 1, matrix.rows * cell.height);
  }
  for (let r = 0; r <= matrix.rows; r++) {
    context.fillRect(left, above + r * cell.height - 0.5, matrix.columns * cell.width, 1);
  }
}

/** Where the second sentence of a pair begins. */
function boundaries(context, { matrix, plan, boundary }) {
  if (!boundary) return;
  context.fillStyle = variable("ink");
  const { left, above, cell } = plan;
  if (boundary.column) context.fillRect(left + boundary.column * cell.width - 1, above, 2, matrix.rows * cell.height);
  if (boundary.row) context.fillRect(left, above + boundary.row * cell.height - 1, matrix.columns * cell.width, 2);
}

function labels(context, { plan, rows, columns }) {
  context.fillStyle = variable("ink");
  rows.forEach((name, at) => { if (at % plan.every === 0) rowLabel(context, plan, name, at); });
  if (!plan.bare) columns.forEach((name, at) => { if (at % plan.everyColumn === 0) columnLabel(context, plan, name, at); });
}

function rowLabel(context, plan, name, at, weight = 400) {
  context.font = `${weight} ${FONT}px ${FACE}`;
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.fillText(shorten(name), plan.left - 6, centre(plan, at, 0)[1]);
}

function columnLabel(context, plan, name, at, weight = 400) {
  context.font = `${weight} ${FONT}px ${FACE}`;
  context.textAlign = plan.slant ? "left" : "center";
  context.textBaseline = plan.slant ? "middle" : "alphabetic";
  context.save();
  context.translate(centre(plan, 0, at)[0], plan.above - (plan.slant ? 5 : 6));
  context.rotate((-plan.slant * Math.PI) / 180);
  context.fillText(shorten(name), 0, 0);
  context.restore();
}

/** The outline of one link: sure is solid, possible dashed, forbidden crossed out. */
function mark(context, plan, { row, column, kind }) {
  const { width, height } = plan.cell;
  const inset = Math.min(2, width / 6);
  const [x, y] = [plan.left + column * width + inset, plan.above + row * height + inset];
  const [w, h] = [width - 2 * inset, height - 2 * inset];
  for (const [colour, line] of [["paper", 4], ["ink", 1.8]]) {
    context.strokeStyle = variable(colour);
    context.lineWidth = line;
    context.setLineDash(kind === "possible" ? [4, 3] : []);
    context.beginPath();
    if (kind === "forbidden") {
      context.moveTo(x, y); context.lineTo(x + w, y + h);
      context.moveTo(x + w, y); context.lineTo(x, y + h);
    } else context.rect(x, y, w, h);
    context.stroke();
  }
  context.setLineDash([]);
}

/** Sizes the layer that `drawOver` draws to; call once a layout. */
export const prepareOver = (canvas, plan) => sized(canvas, plan.width, plan.height);

/** The cell pointed at, and its two words; `over` keeps what to wipe from the time before. */
export function drawOver(context, { plan, rows, columns }, cell) {
  context.clearRect(0, 0, plan.width, plan.height);
  if (!cell) return;
  const { left, above } = plan;
  const { width, height } = plan.cell;
  context.fillStyle = variable("band");
  context.fillRect(left, above + cell.row * height, columns.length * width, height);
  context.fillRect(left + cell.column * width, above, width, rows.length * height);
  context.strokeStyle = variable("accent");
  context.lineWidth = 2;
  context.strokeRect(left + cell.column * width, above + cell.row * height, width, height);
  context.fillStyle = variable("paper");
  context.fillRect(0, above + (cell.row + 0.5) * height - FONT * 0.8, left - 3, FONT * 1.6);
  context.fillStyle = variable("accent");
  rowLabel(context, plan, rows[cell.row], cell.row, 600);
  if (!plan.bare) columnLabel(context, plan, columns[cell.column], cell.column, 600);
}

/** The cell under a point of the canvas, or null. */
export function cellAt({ plan, rows, columns }, x, y) {
  const column = Math.floor((x - plan.left) / plan.cell.width);
  const row = Math.floor((y - plan.above) / plan.cell.height);
  return row >= 0 && column >= 0 && row < rows.length && column < columns.length ? { row, column } : null;
}

/** A head in small, of which the eye takes in the pattern: no labels, one pixel a cell. */
export function drawThumb(canvas, matrix, scale) {
  canvas.width = matrix.columns;
  canvas.height = matrix.rows;
  canvas.classList.toggle("few", matrix.columns < 64); // cells stay cells where there is room for them
  canvas.getContext("2d").putImageData(pixels(matrix, scale), 0, 0);
}

/** Without the control characters that XML does not allow at all, not even escaped. */
export const printable = (text) => text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd");

export const escapeXml = (text) => printable(String(text)).replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

let valued = false;

/** What `draw` returns when matrices have their values in the cells. */
export function withValues(draw) {
  valued = true;
  try {
    return draw();
  } finally {
    valued = false;
  }
}

const ROOM = 20; // pixels across that a value needs

/** The values of a matrix, in cells with room for them. */
function values({ matrix, plan, scale }) {
  const { width, height } = plan.cell;
  if (!valued || Math.min(width, height) < ROOM) return "";
  const texts = Array.from(matrix.data, (value, at) => {
    const [x, y] = centre(plan, Math.floor(at / matrix.columns), at % matrix.columns);
    const dark = Math.abs(stepOf(value, scale) - (scale.kind === "difference" ? 128 : 0)) > (scale.kind === "difference" ? 70 : 130);
    const text = Math.abs(value) >= 10 ? value.toFixed(0) : value.toFixed(Math.abs(value) < 1 ? 2 : 1).replace(/^(-?)0\./, "$1.");
    return `<text x="${x.toFixed(1)}" y="${(y + 3.5).toFixed(1)}" text-anchor="middle" style="font-size:${width < 26 ? 8 : 10}px;fill:${variable(dark ? "paper" : "ink")}">${text.replace("-", "−")}</text>`;
  });
  return texts.join("");
}

/** The matrix as SVG: one path for each step of the scale, so that it stays small. */
export function matrixSvg(spec) {
  const { matrix, plan, rows, columns, scale } = spec;
  const text = (x, y, name, more) =>
    `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escapeXml(shorten(name))}</text>`;
  const words = [
    ...rows.map((name, at) => text(plan.left - 6, centre(plan, at, 0)[1] + FONT * 0.35, name, 'text-anchor="end"')),
    ...(plan.bare ? [] : columns).map((name, at) => {
      const [x, y] = [centre(plan, 0, at)[0], plan.above - 6];
      return text(x, y, name, plan.slant ? `transform="rotate(-${plan.slant} ${x.toFixed(1)} ${y.toFixed(1)})"` : 'text-anchor="middle"');
    }),
  ];
  const links = (spec.links ?? []).map(({ row, column, kind }) => {
    const [x, y] = [plan.left + column * plan.cell.width, plan.above + row * plan.cell.height];
    const [w, h] = [plan.cell.width, plan.cell.height];
    return kind === "forbidden"
      ? `<path d="M${x} ${y}l${w} ${h}m0 ${-h}l${-w} ${h}" fill="none" stroke="${variable("ink")}" stroke-width="1.8"/>`
      : `<rect x="${x + 2}" y="${y + 2}" width="${w - 4}" height="${h - 4}" fill="none" stroke="${variable("ink")}" stroke-width="1.8"${kind === "possible" ? ' stroke-dasharray="4 3"' : ""}/>`;
  });
  return svgDocument(plan.width, plan.height, `${paths(matrix, plan, scale)}<g fill="${variable("ink")}">${words.join("")}</g>${values(spec)}${links.join("")}`);
}

function paths(matrix, plan, scale) {
  const levels = new Map();
  for (let r = 0; r < matrix.rows; r++) {
    for (let c = 0; c < matrix.columns; c++) {
      const value = matrix.data[r * matrix.columns + c];
      const step = stepOf(value, scale);
      if (!levels.has(step)) levels.set(step, { colour: colourOf(value, scale), cells: [] });
      levels.get(step).cells.push(`M${c} ${r}h1v1h-1z`);
    }
  }
  const inner = [...levels.values()].map(({ colour, cells: outline }) => `<path fill="${colour}" d="${outline.join("")}"/>`);
  return `<g transform="translate(${plan.left} ${plan.above}) scale(${plan.cell.width} ${plan.cell.height})">${inner.join("")}</g>`;
}

const svgDocument = (width, height, inner) =>
  `<svg width="${Math.ceil(width)}" height="${Math.ceil(height)}" ` +
  `viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}">${inner}</svg>`;
