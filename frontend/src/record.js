// One sentence through one model: the controls that all its figures share, and its views.
import { html } from "htm/preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Lazy, useKept } from "./figure.js";
import { secondOf } from "./live.js";
import { labelOf, number, said, t } from "./texts.js";
import { Check } from "./words.js";
import { Alignment, Hypotheses, SourceInfluence, alignmentOf } from "./views/alignment.js";
import { BeamTree } from "./views/beam.js";
import { Derivation } from "./views/derivation.js";
import { Heads, groupsOfHeads, titleOf } from "./views/heads.js";
import { Correcting } from "./views/correcting.js";
import { Mask } from "./views/mask.js";
import { Ngram } from "./views/ngram.js";
import { Likeness, Pairs, readApart } from "./views/pairs.js";
import { Pooling } from "./views/pooling.js";
import { Outcome, Surprisal } from "./views/prediction.js";
import { Gates, Influence, Similarity } from "./views/recurrent.js";
import { Stepper } from "./views/stepper.js";
import { Tags } from "./views/tags.js";

const WINDOW = 128; // words drawn at once where a text has more than LONG
const LONG = 512;

/** The parts of a record's page in reading order: [key, title, content, height before it is drawn]. */
function parts(record, view, live) {
  const has = (...names) => names.some((name) => record.measures?.[name]);
  const all = [
    ["ngram", record.ngram && t("part.ngram"), () => html`<${Ngram} record=${record} view=${view}/>`, 700],
    ["surprisal", record.logprobs?.length && t("part.surprisal"), () => html`<${Surprisal} record=${record} view=${view}/>`, 220],
    ["tags", record.tags?.length && t("part.tags"), () => html`<${Tags} record=${record}/>`, 420],
    ["mask", record.outcome?.filled && t("part.mask"), () => html`<${Mask} record=${record} live=${live}/>`, 300],
    ["pooling", record.attentions.some((each) => each.part === "pool") && t("part.pooling"), () => html`<${Pooling} record=${record} view=${view}/>`, 240],
    ["beam", record.beam?.nodes?.length && t("part.beam"), () => html`<${BeamTree} record=${record}/>`, 400],
    ["alignment", (alignmentOf(record) || record.written) && t("part.alignment"), () => html`<${Alignment} record=${record} view=${view} live=${live}/>`, 900],
    ["correct", live?.correct && record.written && t("part.correct"), () => html`<${Correcting} record=${record} live=${live}/>`, 500],
    ["hypotheses", record.beam?.hypotheses?.filter((each) => each.tensor).length > 1 && t("part.hypotheses"), () => html`<${Hypotheses} record=${record} view=${view}/>`, 400],
    ["source-influence", has("source_influence") && t("part.sourceInfluence"), () => html`<${SourceInfluence} record=${record} view=${view}/>`, 360],
    ["steps", record.steps?.length && t("part.steps"), () => html`<${Derivation} record=${record} view=${view}/>`, 900],
    ["stepper", record.attentions.some((each) => each.stepper) && t("part.stepper"), () => html`<${Stepper} record=${record} view=${view}/>`, 500],
    ...groupsOfHeads(record).map((group) => [`heads-${group[0].name}`, titleOf(group[0]), () => html`<${Heads} record=${record} attentions=${group} view=${view} live=${live}/>`, 1200]),
    ["likeness", readApart(record) && has("similarity") && t("part.pairs"), () => html`<${Likeness} record=${record} view=${view}/>`, 400],
    ["pairs", record.segments?.includes(1) && !readApart(record) && t("part.pairs"), () => html`<${Pairs} record=${record} view=${view}/>`, 500],
    ["similarity", has("similarity") && t("part.similarity"), () => html`<${Similarity} record=${record} view=${view}/>`, 400],
    ["influence", record.measures?.influence?.length > 1 && t("part.influence"), () => html`<${Influence} record=${record}/>`, 260],
    ["gates", record.gates?.length && t("part.gates"), () => html`<${Gates} record=${record} view=${view}/>`, 600],
  ];
  return all.filter(([, title]) => title);
}

/** The keys of all parts that a page can have, those of heads without their attention. */
export const shownOnly = (only) => (key) => !only || key === only || (only === "heads" && key.startsWith("heads-"));

/** Props: record, live (what answers further questions), above (nodes before the figures), only (a part's key). */
export function Record({ record, live, above, only }) {
  const [chosen, setChosen] = useState({ fold: true, specials: false, from: 0 });
  const length = Math.max(record.source.pieces.length, record.output?.pieces.length ?? 0);
  const long = length > LONG;
  // One object for as long as nothing changes, so that figures know that they need not redraw.
  const view = useMemo(() => ({ ...chosen, size: long ? WINDOW : LONG }), [chosen, long]);
  const set = (values) => setChosen({ ...chosen, ...values });
  const shown = parts(record, view, live).filter(([key]) => shownOnly(only)(key));
  const id = `record-${record.id}`;
  const sections = shown.map(([key, name, content, height]) => html`<${Part} key=${key} id=${`${id}-${key}`} ...${{ name, content, height }}/>`);
  if (only) return html`<article class="record alone" aria-label=${record.text}>${sections}${!shown.length && html`<p class="hint">${t("page.noPart", { part: only })}</p>`}</article>`;
  return html`<article class="record" aria-labelledby=${id}>
    <h2 id=${id} dir="auto">${cut(record.text)}</h2>
    ${secondOf(record) && html`<p class="second" dir="auto">${cut(secondOf(record))}</p>`}
    <p class="hint">${labelOf(record.label)} · ${t(`asked.${record.task}`)} · <code>${record.model}</code></p>
    ${(record.notices ?? []).map((notice) => html`<p class="notice" role="note">${said(notice)}</p>`)}
    <${Outcome} record=${record}/>
    ${above}
    <div class="choices bar"><${Check} label=${t("view.fold")} checked=${view.fold} onChange=${(fold) => set({ fold })}/>
      <${Check} label=${t("view.specials")} checked=${view.specials} onChange=${(specials) => set({ specials })}/>
      <details class="how"><summary>${t("view.how")}</summary><p>${t("view.explained")}</p></details></div>
    ${long && html`<${Window} length=${length} view=${view} onChange=${(from) => set({ from })}/>`}
    ${shown.length > 2 && html`<nav class="parts" aria-label=${t("page.parts")}>${shown.map(([key, name]) => html`<a href=${`#${id}-${key}`}>${name}</a>`)}</nav>`}
    ${sections}
  </article>`;
}

function Part({ id, name, content, height }) {
  const place = useRef();
  const drawn = useKept(place, html`<${Lazy} height=${height}><${Drawn} content=${content}/><//>`);
  return html`<section class="part" id=${id} ref=${place}><h3>${name}</h3>${drawn}</section>`;
}

/** A component, so that the views of a part that is not near are not even made. */
const Drawn = ({ content }) => content();

const cut = (text) => (text.length > 400 ? `${text.slice(0, 400)}…` : text);

/** Too long to draw whole: a window over the words that the reader moves. */
function Window({ length, view, onChange }) {
  const last = Math.max(length - view.size, 0);
  const [from, setFrom] = useState(view.from);
  useEffect(() => {
    const timer = setTimeout(() => { if (from !== view.from) onChange(from); }, 120);
    return () => clearTimeout(timer);
  }, [from]);
  return html`<div class="notice" role="note"><p>${t("window.notice", { length: number(length, 0), size: view.size })}</p>
    <label class="choice">${t("window.from")} <input type="range" min="0" max=${last} value=${from} onInput=${(event) => setFrom(Number(event.currentTarget.value))}/>
    <output>${number(from + 1, 0)} – ${number(Math.min(from + view.size, length), 0)}</output></label></div>`;
}
