// What the model said, and how well it saw each word coming.
import { html } from "htm/preact";
import { Bars, Strip } from "../bars.js";
import { Figure } from "../figure.js";
import { number, t, tx } from "../texts.js";
import { BITS, fileName, largest, surprisal, word } from "./parts.js";

export function Outcome({ record }) {
  const { outcome = {}, probabilities } = record;
  if (record.written) {
    const made = outcome.translation ?? record.target ?? record.output?.surface?.join(" ");
    const own = !record.beam?.hypotheses?.length || record.beam.hypotheses[0].text === made;
    return html`<p class="outcome">${tx(own ? "outcome.translation" : "outcome.given", { text: word(made) })}
      ${typeof outcome.logprob === "number" && html` <span class="hint">${t("outcome.logprob", { value: number(outcome.logprob, 2) })}</span>`}</p>`;
  }
  if (record.logprobs?.length) {
    const total = record.logprobs.reduce((sum, value) => sum + value, 0);
    return html`<p class="outcome">${tx("outcome.score", { value: number(total, 2), bits: number(-total * BITS / record.logprobs.length, 2) })}</p>`;
  }
  if (typeof outcome.similarity === "number") return html`<p class="outcome">${tx("outcome.similarity", { value: word(number(outcome.similarity, 3)), unit: t(`unit.${record.unit}`) })}</p>`;
  if (outcome.entities) return html`<${Entities} entities=${outcome.entities}/>`;
  if (typeof outcome.value === "number") return html`<p class="outcome">${tx("outcome.value", { value: word(number(outcome.value, 3)) })}</p>`;
  return probabilities?.length ? html`<${Labels} record=${record}/>` : null;
}

function Entities({ entities }) {
  if (!entities.length) return html`<p class="outcome">${t("outcome.noEntities")}</p>`;
  const told = entities.map(({ text, label, probability }, at) => html`${at ? ", " : ""}<b dir="auto">${text}</b> ${label} (${number(probability, 2)})`);
  return html`<p class="outcome">${tx("outcome.entities", { entities: told })}</p>`;
}

function Labels({ record }) {
  const ranked = [...record.probabilities].sort((a, b) => b[1] - a[1]).slice(0, 12);
  return html`<${Figure} title=${t("labels.title")} file=${fileName(record, "labels")}
    caption=${tx("labels.caption", { label: word(ranked[0][0]), value: number(ranked[0][1], 3) })}
    table=${() => ({ head: [t("labels.label"), t("unit.probability")], rows: record.probabilities })}>
    <${Bars} names=${ranked.map(([name]) => name)} values=${ranked.map(([, value]) => value)} top=${1} hot=${0} label=${t("labels.title")}/><//>`;
}

export function Surprisal({ record, view }) {
  if (!record.logprobs?.length) return null;
  const kept = surprisal(record, view);
  const bits = kept.map((each) => each.bits);
  const worst = largest(bits);
  return html`<${Figure} title=${t("surprisal.title")} file=${fileName(record, "surprisal")}
    caption=${tx("surprisal.caption", { word: word(kept[worst].name), bits: number(bits[worst], 1) })}
    table=${() => ({ head: [t("word"), t("unit.bits")], rows: kept.map((each) => [each.name, each.bits]) })}>
    <${Strip} names=${kept.map((each) => each.name)} values=${bits} hot=${worst} unit=${t("unit.bits")} label=${t("surprisal.title")}/><//>`;
}

/** What changed between two records of one text: after a head was switched off, or a word masked. */
export function Change({ before, after }) {
  const value = ({ outcome }) => [outcome?.value, outcome?.similarity].filter((each) => typeof each === "number").map((each) => number(each, 3))[0];
  const said = (record) => value(record) ?? record.outcome?.translation ?? record.filled?.[0]?.text ?? record.probabilities?.toSorted((a, b) => b[1] - a[1])[0]?.[0];
  const [was, is] = [said(before), said(after)];
  const rows = changed(before, after);
  return html`<div class="change" role="status">
    ${was !== undefined && html`<p>${was === is ? tx("change.same", { text: word(is) }) : tx("change.text", { was: word(was), is: word(is) })}</p>`}
    ${rows && html`<${Figure} title=${t("change.title")} level=${5} file=${fileName(before, "change")} caption=${t(rows.caption)}
      table=${() => ({ head: ["", t("change.before"), t("change.after"), t("change.difference")], rows: rows.names.map((name, at) => [name, rows.was[at], rows.is[at], rows.is[at] - rows.was[at]]) })}>
      <${Bars} names=${rows.names} values=${rows.names.map((_, at) => rows.is[at] - rows.was[at])} signed label=${t("change.title")} hot=${largest(rows.names.map((_, at) => Math.abs(rows.is[at] - rows.was[at])))}/><//>`}
  </div>`;
}

function changed(before, after) {
  const pair = before.filled?.length && after.filled?.length
    ? [before.filled[0].candidates, after.filled[0].candidates]
    : before.probabilities?.length ? [before.probabilities, after.probabilities] : null;
  if (pair) {
    const [was, is] = pair.map((list) => new Map(list));
    const all = [...new Set([...was.keys(), ...is.keys()])].slice(0, 12);
    return { names: all, was: all.map((name) => was.get(name) ?? 0), is: all.map((name) => is.get(name) ?? 0), caption: "change.probability" };
  }
  const view = { fold: true, specials: true, from: 0, size: 60 };
  const [was, is] = [surprisal(before, view), surprisal(after, view)];
  // Another translation has other words: their surprisals are not to be set against each other.
  if (!was.length || was.length !== is.length || was.some((each, at) => each.name !== is[at].name)) return null;
  return { names: was.map((each) => each.name), was: was.map((each) => each.bits), is: is.map((each) => each.bits), caption: "change.surprisal" };
}
