// The n-gram: which context had been counted, what each step shorter cost, what may come next, and
// the lines of the training text behind a match.
import { html } from "htm/preact";
import { useRef, useState } from "preact/hooks";
import { Bars } from "../bars.js";
import { Figure } from "../figure.js";
import { shorten, textWidth } from "../layout.js";
import { useRoom } from "../matrix.js";
import { number, t, tx } from "../texts.js";
import { Words } from "../words.js";
import { BITS, fileName, largest, word } from "./parts.js";

const ROW = 26;

export function Ngram({ record, view }) {
  const [chosen, setChosen] = useState(null);
  if (!record.ngram) return null;
  const all = record.ngram.tokens;
  const tokens = all.slice(view.from, view.from + view.size);
  const at = Math.min(chosen ?? largest(tokens.map((token) => -token.logprob)), tokens.length - 1);
  const reach = Math.max(...all.map((token) => token.order));
  const rows = tokens.map((token, n) => ({ ...token, context: context(all, view.from + n, reach) }));
  return html`<${Figure} title=${t("ngram.title")} file=${fileName(record, "ngram")}
      caption=${t("ngram.caption")} table=${() => table(rows)}>
      <${Orders} rows=${rows} chosen=${at} label=${t("ngram.title")}/>
    <//>
    <h4>${t("ngram.choose")}</h4>
    <${Words} names=${tokens.map((token) => token.piece)} chosen=${at} onChoose=${setChosen} label=${t("ngram.choose")}/>
    <${Token} record=${record} token=${rows[at]}/>`;
}

/** The words before a token that the longest n-gram of the model could hold. */
const context = (tokens, at, reach) =>
  ["<s>", ...tokens.map((token) => token.piece)].slice(Math.max(at + 2 - reach, 0), at + 1);

const table = (rows) => ({
  head: [t("word"), t("ngram.order"), t("ngram.matched"), t("unit.probability"), t("unit.bits"), t("ngram.paid")],
  rows: rows.map(({ piece, order, context: words, logprob, backoffs }) =>
    [piece, order, matched(words, order).join(" "), Math.exp(logprob), -logprob * BITS, backoffs.map((each) => `${each.context} ×${number(Math.exp(each.logprob), 3)}`).join("; ")]),
});

const matched = (words, order) => (order > 1 ? words.slice(-(order - 1)) : []);

/** Each word with the context before it: what had been counted in ink, the rest faint. */
function Orders({ rows, chosen, label }) {
  const box = useRef();
  const room = useRoom(box);
  const widest = Math.max(0, ...rows.map(({ context: words }) => textWidth(words.map((each) => shorten(each, 10)).join("  "))));
  const middle = Math.min(widest + 12, room * 0.45);
  const wordRoom = Math.max(40, ...rows.map(({ piece }) => textWidth(shorten(piece)))) + 14;
  const [bar, paid] = [middle + wordRoom, Math.min(260, room * 0.24)];
  const span = Math.max(room - bar - paid - 70, 40);
  const most = Math.max(1e-9, ...rows.map(({ logprob }) => -logprob * BITS));
  const height = rows.length * ROW + 18;
  return html`<div ref=${box} class="scroll"><svg role="img" aria-label=${label} width=${room} height=${height} viewBox=${`0 0 ${room} ${height}`}>
    <text class="tick" x=${middle - 8} y="10" text-anchor="end">${t("ngram.before")}</text><text class="tick" x=${middle} y="10">${t("word")}</text>
    <text class="tick" x=${bar} y="10">${t("unit.bits")}</text><text class="tick" x=${room} y="10" text-anchor="end">${t("ngram.paid")}</text>
    ${rows.map(({ piece, order, context: words, logprob, backoffs }, at) => {
      const y = at * ROW + 32;
      const seen = words.length - matched(words, order).length;
      const bits = -logprob * BITS;
      return html`<g><title>${t("ngram.row", { word: piece, order, probability: number(Math.exp(logprob), 4) })}</title>
        <text x=${middle - 8} y=${y} text-anchor="end">${words.map((each, n) => html`<tspan class=${n < seen ? "faint" : ""}>${shorten(each, 10)}${"\u00a0\u00a0"}</tspan>`)}</text>
        <text x=${middle} y=${y} class="strong">${shorten(piece)}</text>
        <rect class=${at === chosen ? "bar hot" : "bar"} x=${bar} y=${y - 11} width=${Math.max((bits / most) * span, 0.5)} height="14"/>
        <text class="tick" x=${bar + (bits / most) * span + 6} y=${y}>${number(bits, 1)}</text>
        <text class="tick" x=${room} y=${y} text-anchor="end">${backoffs.map((each) => `×${number(Math.exp(each.logprob), 3)}`).join("  ") || "–"}</text></g>`;
    })}</svg></div>`;
}

/** One word: the price of every step shorter, what else may stand there, and where it was seen. */
function Token({ record, token }) {
  const { piece, order, logprob, backoffs, next = [], lines = [], count } = token;
  return html`${token.orders && html`<${Derived} record=${record} token=${token}/>`}<div class="columns">
    <section class="part"><h5>${t("ngram.price")}</h5>
      <table class="plain"><tbody>
        ${backoffs.map((each) => html`<tr><td dir="auto">${t("ngram.notSeen", { context: `${each.context} ${piece}` })}</td><td class="num">× ${number(Math.exp(each.logprob), 4)}</td></tr>`)}
        <tr><td dir="auto">${t("ngram.seen", { ngram: [...matched(token.context, order), piece].join(" ") })}</td><td class="num">× ${number(Math.exp(logprob - backoffs.reduce((sum, each) => sum + each.logprob, 0)), 4)}</td></tr>
        <tr class="sum"><th scope="row">${t("unit.probability")}</th><td class="num">${number(Math.exp(logprob), 5)}</td></tr>
      </tbody></table></section>
    ${next.length > 0 && html`<${Figure} title=${t("ngram.next")} level=${5} file=${fileName(record, piece, "next")}
      caption=${tx("ngram.nextCaption", { word: word(piece) })} table=${() => ({ head: [t("word"), t("unit.probability")], rows: next })}>
      <${Bars} names=${next.map(([name]) => name)} values=${next.map(([, value]) => value)} hot=${next.findIndex(([name]) => name === piece)} label=${t("ngram.next")} width=${380}/><//>`}
    ${(lines.length > 0 || count !== null && count !== undefined) && html`<section class="part"><h5>${t("ngram.lines")}</h5>
      ${typeof count === "number" && html`<p class="hint">${t("ngram.count", { count })}</p>`}
      <ol class="lines">${lines.map(({ number: line, text }) => html`<li value=${line} dir="auto">${text}</li>`)}</ol></section>`}
  </div>`;
}

const HEADS = ["count", "total", "discount", "own", "backoff", "lower", "probability"];

/** The probability of a token order by order: counts, what is taken from them, what is passed on. */
function Derived({ record, token }) {
  const { piece, orders } = token;
  const columns = HEADS.filter((key) => orders.some((each) => typeof each[key] === "number"));
  const shown = (each, key) => (typeof each[key] === "number" ? number(each[key], ["count", "total"].includes(key) ? 0 : 4) : "");
  const names = orders.map((each) => each.ngram.map((name) => shorten(name, 12)).join("  "));
  const left = Math.max(textWidth(t("ngram.ngram")), ...names.map((name) => textWidth(name))) + 20;
  const widths = columns.map((key) => Math.max(textWidth(t(`orders.${key}`), 11), textWidth(FORMULAS[key], 11), 56) + 18);
  const ends = widths.map((_, at) => left + widths.slice(0, at + 1).reduce((sum, each) => sum + each, 0));
  const [width, height] = [ends.at(-1) + 4, orders.length * 26 + 52];
  const title = t("orders.title", { word: piece });
  return html`<${Figure} title=${title} level=${5} file=${fileName(record, piece, "orders")} caption=${t(columns.includes("discount") ? "orders.caption" : "orders.captionPlain")}
    table=${() => ({ head: [t("ngram.ngram"), ...columns.map((key) => t(`orders.${key}`))], rows: orders.map((each) => [each.ngram.join(" "), ...columns.map((key) => each[key] ?? "")]) })}>
    <div class="scroll" tabindex="0" role="region" aria-label=${title}><svg role="img" aria-label=${title} width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`}>
      <text class="tick" x="0" y="12">${t("ngram.ngram")}</text>
      ${columns.map((key, at) => html`<g key=${key}><text class="tick" x=${ends[at]} y="12" text-anchor="end">${t(`orders.${key}`)}</text><text class="tick" x=${ends[at]} y="28" text-anchor="end">${FORMULAS[key]}</text></g>`)}
      ${orders.map((each, row) => html`<g key=${row} class=${each.seen ? "" : "masked"}><text x="0" y=${row * 26 + 54} class=${each.seen ? "strong" : ""}>${names[row]}</text>
        ${columns.map((key, at) => html`<text key=${key} class=${key === "probability" ? "number strong" : "number"} x=${ends[at]} y=${row * 26 + 54} text-anchor="end">${shown(each, key)}</text>`)}</g>`)}
    </svg></div><//>`;
}

const FORMULAS = { count: "c(h w)", total: "c(h ·)", discount: "D", own: "(c − D) / c(h ·)", backoff: "γ(h)", lower: "p(w | h′)", probability: "p(w | h)" };
