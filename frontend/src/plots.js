// Lines through numbers: curves on one pair of axes, small multiples, and sparks for table cells.
// A series is {label, points: [[x, y]], band: [[low, high]] or nothing, hints: [text] or nothing}.
import { html } from "htm/preact";
import { useRef } from "preact/hooks";
import { textWidth } from "./layout.js";
import { useRoom } from "./matrix.js";
import { decades, levels, niceTicks, shortest, spread } from "./scales.js";

const path = (points) => points.map(([x, y], at) => `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

/** One line with its dots, and the interval around it where the line is the one spoken of. */
function Series({ series: { label, points, band, hints }, place, hot }) {
  const placed = points.map(place);
  const around = band && hot && [...points.map(([x], at) => place([x, band[at][1]])), ...points.map(([x], at) => place([x, band[at][0]])).reverse()];
  return html`<g class=${hot ? "hot" : ""}>${around && html`<path class="band" d=${path(around)}/>`}
    <path class=${hot ? "line hot" : "line"} d=${path(placed)}/>
    ${placed.map(([x, y], at) => html`<circle class=${hot ? "dot hot" : "dot"} cx=${x.toFixed(1)} cy=${y.toFixed(1)} r=${hot ? 3.2 : 2.4}>
      <title>${hints?.[at] ?? `${label}\n${shortest(points[at][0])}: ${shortest(Number(points[at][1].toPrecision(4)))}`.trim()}</title></circle>`)}</g>`;
}

const Level = ({ y, text, left, right }) => html`<line class="grid" x1=${left} x2=${right} y1=${y} y2=${y}/>
  <text class="tick" x=${left - 8} y=${y + 4} text-anchor="end">${text}</text>`;

/**
 * Lines on one pair of axes, each named at its end. Props: series, hot (the label of the accented
 * one), label, labelX, labelY, doubling (x by its logarithm), linear (y from 0, else by its
 * logarithm, where a y that is not positive has no place and is left out).
 */
export function Lines({ series, hot, label, labelX, labelY, doubling, linear, width: most = 500, height = 300 }) {
  const box = useRef();
  const width = Math.min(useRoom(box, most), most);
  return html`<div ref=${box}>${width > 0 && html`<${Axes} ...${{ series, hot, label, labelX, labelY, doubling, linear, width, height }}/>`}</div>`;
}

function Axes({ series, hot, label, labelX, labelY, doubling, linear, width, height }) {
  const drawn = series.map((each) => ({ ...each, points: each.points.filter(([, y]) => linear || y > 0) })).filter((each) => each.points.length);
  if (!drawn.length) return null;
  const [xs, ys] = [0, 1].map((side) => drawn.flatMap((each) => each.points.map((point) => point[side])));
  const marked = linear ? niceTicks(0, Math.max(...ys, 1e-12)).map((value) => [value, shortest(value)]) : levels(...decades(Math.min(...ys), Math.max(...ys)));
  const [low, high] = linear ? [0, marked.at(-1)[0]] : decades(Math.min(...ys), Math.max(...ys));
  const left = 16 + Math.max(...marked.map(([, text]) => textWidth(text, 11)));
  const [right, upper, lower] = [width - Math.max(...drawn.map((each) => textWidth(each.label))) - 16, 30, height - 44];
  const across = doubling ? Math.log2 : Number;
  const [start, end] = [across(Math.min(...xs)), across(Math.max(...xs))];
  const place = ([x, y]) => [
    left + 8 + ((across(x) - start) / Math.max(end - start, 1e-9)) * (right - left - 14),
    lower - (((linear ? y : Math.log10(y)) - low) / (high - low)) * (lower - upper),
  ];
  const accented = (each) => drawn.length === 1 || each.label === hot;
  const ends = drawn.map((each) => place(each.points.at(-1)));
  const heights = spread(ends.map(([, y]) => y), 15, upper, lower);
  return html`<svg role="img" aria-label=${label ?? labelY} width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`}>
    <text class="axis" x="0" y="12">${labelY}</text>
    ${marked.map(([value, text]) => html`<${Level} y=${place([xs[0], value])[1]} ...${{ text, left, right }}/>`)}
    ${ticksOf(xs, (x) => place([x, ys[0]])[0]).map((x) => html`<text class="tick" x=${place([x, ys[0]])[0]} y=${lower + 18} text-anchor="middle">${shortest(x)}</text>`)}
    <text class="axis" x=${(left + right) / 2} y=${height - 6} text-anchor="middle">${labelX}</text>
    ${[...drawn].sort((a, b) => accented(a) - accented(b)).map((each) => html`<${Series} series=${each} place=${place} hot=${accented(each)}/>`)}
    ${drawn.map((each, at) => each.label && html`<g>
      ${(Math.abs(heights[at] - ends[at][1]) > 2 || right - ends[at][0] > 8) && html`<path class="leader" d=${path([[ends[at][0] + 4, ends[at][1]], [right + 4, heights[at]]])}/>`}
      <text class=${`name ${accented(each) ? "hot strong" : ""}`} x=${right + 8} y=${heights[at] + 4}>${each.label}</text></g>`)}</svg>`;
}

/**
 * A dot for each row [name, x, y], and the line on which y is x. Props: rows, label, labelX, labelY.
 */
export function Points({ rows, label, labelX, labelY, width: most = 420, height = 360 }) {
  const box = useRef();
  const width = Math.min(useRoom(box, most), most);
  return html`<div ref=${box}>${width > 0 && html`<${Cloud} ...${{ rows, label, labelX, labelY, width, height }}/>`}</div>`;
}

function Cloud({ rows, label, labelX, labelY, width, height }) {
  const [xs, ys] = [1, 2].map((side) => rows.map((row) => row[side]));
  const [wide, tall] = [xs, ys].map((each) => niceTicks(Math.min(...each), Math.max(...each)));
  const [left, right, upper, lower] = [16 + Math.max(...tall.map((each) => textWidth(shortest(each), 11))), width - 12, 30, height - 44];
  const across = (x) => left + 8 + ((x - wide[0]) / Math.max(wide.at(-1) - wide[0], 1e-9)) * (right - left - 14);
  const up = (y) => lower - ((y - tall[0]) / Math.max(tall.at(-1) - tall[0], 1e-9)) * (lower - upper);
  const [start, end] = [Math.max(wide[0], tall[0]), Math.min(wide.at(-1), tall.at(-1))];
  return html`<svg role="img" aria-label=${label} width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`}>
    <text class="axis" x="0" y="12">${labelY}</text>
    ${tall.map((value) => html`<${Level} y=${up(value)} text=${shortest(value)} ...${{ left, right }}/>`)}
    ${wide.map((value) => html`<text class="tick" x=${across(value)} y=${lower + 18} text-anchor="middle">${shortest(value)}</text>`)}
    <text class="axis" x=${(left + right) / 2} y=${height - 6} text-anchor="middle">${labelX}</text>
    ${start < end && html`<path class="ghost" d=${path([[across(start), up(start)], [across(end), up(end)]])}/>`}
    ${rows.map(([name, x, y]) => html`<circle class="dot" cx=${across(x).toFixed(1)} cy=${up(y).toFixed(1)} r="2"><title>${`${name} ${shortest(x)}: ${shortest(y)}`.trim()}</title></circle>`)}</svg>`;
}

/** The x to write below: those of the data, less those that would touch another. */
function ticksOf(xs, place) {
  const kept = [];
  let room = Infinity;
  for (const x of [...new Set(xs)].sort((a, b) => b - a)) {
    const half = textWidth(shortest(x), 11) / 2 + 3;
    if (place(x) + half >= room) continue;
    kept.push(x);
    room = place(x) - half;
  }
  return kept;
}

const [WIDE, TALL, GAP] = [320, 200, 30];

/**
 * A panel for each series, which is accented there with its interval, while the others stand faint
 * behind it. Props: series over whole x from 0, ticks (the text below each x), least (what the top
 * of y stands for at least), label, labelX.
 */
export function Multiples({ series, ticks, least, label, labelX }) {
  const box = useRef();
  const room = useRoom(box);
  const across = Math.max(1, Math.min(series.length, Math.floor((room + GAP) / (WIDE + GAP))));
  const highest = niceTicks(0, Math.max(least, ...series.flatMap((each) => [...(each.band ?? []).map(([, high]) => high), ...each.points.map(([, y]) => y)])));
  const wide = Math.min(WIDE, Math.max(room, 200));
  const [width, height] = [across * (wide + GAP) - GAP, Math.ceil(series.length / across) * (TALL + 20)]; // the last 20 name the axis
  return html`<div ref=${box}><svg role="img" aria-label=${label} width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`}>
    ${series.map((each, at) => html`<g transform=${`translate(${(at % across) * (wide + GAP)} ${Math.floor(at / across) * (TALL + 20)})`}>
      <${Panel} series=${each} ghosts=${series.filter((other) => other !== each)} levels=${highest} wide=${wide} ticks=${ticks}/></g>`)}
    <text class="axis" x="0" y=${height - 6}>${labelX}</text></svg></div>`;
}

function Panel({ series, ghosts, levels: highest, wide, ticks }) {
  const [left, right, upper, lower] = [30, wide - 14, 40, TALL - 22];
  const place = ([x, y]) => [
    left + 10 + (ticks.length > 1 ? x / (ticks.length - 1) : 0.5) * (right - left - 20),
    lower - (y / highest.at(-1)) * (lower - upper),
  ];
  const last = series.points.length - 1;
  return html`<text class="strong" x="0" y="14">${series.label}</text>
    ${highest.map((value) => html`<${Level} y=${place([0, value])[1]} text=${shortest(value)} left=${left + 2} right=${right}/>`)}
    ${ticks.map((text, x) => html`<text class="tick" x=${place([x, 0])[0]} y=${TALL - 6} text-anchor="middle">${text}</text>`)}
    ${ghosts.map((ghost) => html`<path class="ghost" d=${path(ghost.points.map(place))}/>`)}
    <${Series} series=${series} place=${place} hot/>
    ${[...new Set([0, last])].map((at) => {
      const [x, y] = series.points[at];
      const [across, up] = place([x, series.band?.[at][1] ?? y]);
      return html`<text class="hot strong value" x=${across + (at ? 4 : -4)} y=${up - 8} text-anchor=${at ? "end" : "start"}>${y >= 1000 ? shortest(Math.round(y)) : y.toFixed(1)}</text>`;
    })}`;
}

/** A small line of its own scale, such as loss over steps. Props: points, label. */
export function Spark({ points, label, width = 90, height = 22 }) {
  const [xs, ys] = [0, 1].map((side) => points.map((point) => point[side]));
  const [wide, tall] = [xs, ys].map((each) => Math.max(Math.max(...each) - Math.min(...each), 1e-9));
  const placed = points.map(([x, y]) => [2 + ((x - Math.min(...xs)) / wide) * (width - 6), 3 + ((Math.max(...ys) - y) / tall) * (height - 6)]);
  const [x, y] = placed.at(-1);
  return html`<svg role="img" aria-label=${label} width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`}>
    <title>${label}</title><path class="line" d=${path(placed)}/><circle class="dot" cx=${x} cy=${y} r="2"/></svg>`;
}
