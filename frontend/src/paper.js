// Figures as files: SVG that needs nothing beside itself, drawn from what the page draws.
import { h } from "preact";
import { renderToString } from "preact-render-to-string";
import { escapeXml, printable } from "./draw.js";
import { FACE, FONT } from "./layout.js";
import { asOnPaper, rules, variable } from "./palette.js";

let found = null; // where figures are collected instead of shown

export const collecting = () => found !== null;

export const collect = (figure) => found.push(figure);

/** The figures of what `node` shows, in their order. */
export function figuresOf(node) {
  found = [];
  try {
    renderToString(node);
    return found;
  } finally {
    found = null;
  }
}

/** A copy of nodes that is free of the page that the first ones stand in. */
function fresh(node) {
  if (Array.isArray(node)) return node.map(fresh);
  if (!node?.type) return node;
  const { children, ...props } = node.props;
  return children === undefined ? h(node.type, props) : h(node.type, props, fresh(children));
}

/** The text of nodes, without their markup. */
export const plain = (node) => renderToString(h("p", null, fresh(node ?? "")))
  .replace(/<[^>]*>/g, "").replaceAll("&lt;", "<").replaceAll("&quot;", '"').replaceAll("&amp;", "&").replace(/\s+/g, " ").trim();

const SVG = /<svg((?:\s+[\w:-]+(?:="[^"]*")?)*)\s*>([\s\S]*)<\/svg>/;
const TAG = /<([\w:-]+)((?:\s+[\w:-]+(?:="[^"]*")?)*)\s*(\/?)>/g;
const EDGE = 12; // paper around a figure
// A typeface with Hangul may lack a sign that numbers need: they are set in one for Latin letters.
const KOREAN = /"(?:Apple SD Gothic Neo|Malgun Gothic|Noto Sans (?:CJK )?KR)", |NanumGothic, /g;
const TEXT = /<text((?:\s+[\w:-]+="[^"]*")*)>([^<\u1100-\u11ff\u2e80-\uffff]*)<\/text>/g;

/** Markup of a page as XML: an attribute without a value is left out. */
const strict = (text) => printable(text.replace(TAG, (_, name, given, end) =>
  `<${name}${(given.match(/\s+[\w:-]+="[^"]*"/g) ?? []).filter((each) => !each.includes("tabindex")).join("")}${end}>`));

/** The SVG that nodes hold, as a file of its own. */
export function svgFile({ title, caption, nodes, svg }) {
  return asOnPaper(() => {
    const [, attributes, inner] = SVG.exec(svg?.() ?? renderToString(fresh(nodes)));
    const [width, height] = ["width", "height"].map((side) => Math.ceil(Number(new RegExp(`\\s${side}="([\\d.]+)"`).exec(attributes)[1])) + 2 * EDGE);
    const named = /\sclass="[^"]*"/.exec(attributes)?.[0] ?? "";
    const said = `<title>${escapeXml(title ?? "")}</title><desc>${escapeXml(plain(caption))}</desc>`;
    const latin = escapeXml(FACE.replace(KOREAN, "").replace("sans-serif", '"Liberation Sans", "DejaVu Sans", sans-serif'));
    return `<svg xmlns="http://www.w3.org/2000/svg"${named} width="${width}" height="${height}" viewBox="${-EDGE} ${-EDGE} ${width} ${height}" ` +
      `font-family="${escapeXml(FACE)}" font-size="${FONT}">${said}<style>${rules}</style>` +
      `<rect x="${-EDGE}" y="${-EDGE}" width="${width}" height="${height}" fill="${variable("paper")}"/>` +
      `${strict(inner).replace(TEXT, (_, given, text) => `<text${given} font-family="${latin}">${text}</text>`)}</svg>`;
  });
}
