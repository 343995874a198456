// What the reader changes by hand: words hidden, n-grams set to nothing, weights of attention set.
import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { t } from "../../texts.js";
import { isChanged } from "../bench.js";
import { Weights } from "./weights.js";

const MOST = 128; // words to choose from

/** Props: before, after (null where nothing is changed), hand, onChange(values). */
export function Hand({ before, after, hand, onChange }) {
  const words = before.source.surface;
  const hide = (at) => onChange({ hidden: hand.hidden.includes(at) ? hand.hidden.filter((each) => each !== at) : [...hand.hidden, at], given: {} });
  const [open, setOpen] = useState(false);
  return html`<details class="hand" onToggle=${(event) => setOpen(event.currentTarget.open)}><summary>${t("live.hand")}</summary>
    ${open && html`<h3>${t("live.hide")}</h3>
    <${Toggles} names=${words.slice(0, MOST)} on=${(at) => hand.hidden.includes(at)} label=${t("live.hide")} onToggle=${hide}/>
    ${before.ngram && html`<${Counts} record=${before} hand=${hand} onChange=${onChange}/>`}
    ${before.attentions.length > 0 && html`<${Weights} record=${after ?? before} hand=${hand} onChange=${onChange}/>`}
    ${isChanged(hand) && html`<p><button type="button" onClick=${() => onChange({ off: [], given: {}, hidden: [], counts: [] })}>${t("live.undo")}</button></p>`}`}
  </details>`;
}

/** Buttons that are on or off, each by itself. */
function Toggles({ names, on, label, onToggle }) {
  return html`<div class="words" role="group" aria-label=${label}>${names.map((name, at) =>
    html`<button type="button" dir="auto" aria-pressed=${on(at)} onClick=${() => onToggle(at)}>${name}</button>`)}</div>`;
}

/** The n-grams that predicted the sentence, each of which can be taken out of the model. */
function Counts({ record, hand, onChange }) {
  const matched = record.ngram.tokens.filter(({ order }) => order > 1).map(({ gram, context, piece }) => ({ gram, name: `${context} ${piece}` }));
  const grams = [...new Map([...hand.counts, ...matched].map((each) => [each.gram.join(), each])).values()];
  const isOff = ({ gram }) => hand.counts.some((each) => each.gram.join() === gram.join());
  const toggle = (at) => onChange({ counts: isOff(grams[at]) ? hand.counts.filter((each) => each.gram.join() !== grams[at].gram.join()) : [...hand.counts, grams[at]] });
  if (!grams.length) return null;
  return html`<h3>${t("live.counts")}</h3><p class="hint">${t("live.countsHow")}</p>
    <${Toggles} names=${grams.map(({ name }) => name)} on=${(at) => isOff(grams[at])} label=${t("live.counts")} onToggle=${toggle}/>`;
}
