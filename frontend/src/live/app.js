// The living page: a sentence that the reader types, what each model makes of it, and what the
// reader changes by hand.
import { html } from "htm/preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { useKept } from "../figure.js";
import { Record } from "../record.js";
import { change, useSettings } from "../settings.js";
import { t } from "../texts.js";
import { Compare, pairsOf } from "../views/compare.js";
import { Change } from "../views/prediction.js";
import { Check, Choice } from "../words.js";
import { changesOf, isChanged } from "./bench.js";
import { Hand } from "./views/hand.js";
import { Onward } from "./views/onward.js";

const NOTHING = { off: [], given: {}, hidden: [], counts: [] };

export function Living({ boot, bench }) {
  const settings = useSettings();
  const [text, read, setText] = useTyped(boot.example);
  const [second, readSecond, setSecond] = useTyped(boot.second ?? "");
  const [shown, setShown] = useState(bench.models.map(() => true));
  const [beam, setBeam] = useState(5);
  const first = bench.models[0];
  const paired = bench.models.some(({ accepts }) => accepts.pairs !== false || accepts.target);
  const searches = bench.models.some(({ accepts }) => accepts.target);
  const chosen = bench.models.flatMap((_, at) => (shown[at] ? [at] : []));
  const several = bench.models.length > 1;
  return html`<${Head} boot=${boot} settings=${settings}/>
    <main>
      <form class="ask" onSubmit=${(event) => event.preventDefault()}>
        <label>${t("form.text")}<textarea dir="auto" rows="2" value=${text} onInput=${(event) => setText(event.currentTarget.value)}></textarea></label>
        ${paired && html`<label>${t(first.accepts.target ? "form.target" : first.accepts.pairs ? "form.second" : "form.pair")}<input dir="auto" value=${second} onInput=${(event) => setSecond(event.currentTarget.value)}/></label>`}
        ${searches && html`<${Choice} label=${t("live.beam")} value=${String(beam)} options=${["1", "2", "3", "5", "8"].map((size) => [size, size === "1" ? t("live.greedy") : size])} onChange=${(size) => setBeam(Number(size))}/>`}
        ${several && html`<span class="choices" role="group" aria-label=${t("form.model")}>${bench.models.map((model, at) => html`<${Check} label=${nameOf(model, bench.models)} checked=${shown[at]} onChange=${(on) => setShown(shown.map((was, n) => (n === at ? on : was)))}/>`)}</span>`}
      </form>
      <${Models} ...${{ bench, chosen, beam }} text=${read} second=${readSecond}/>
    </main>
    <footer class="hint">munmaek (문맥, “context”)</footer>`;
}

const SLOW = 60; // milliseconds of computing from which on the models wait for a pause in typing
const PAUSE = 200;
let took = 0; // milliseconds of the last computing

/** What is typed, what of it is read by now, and what takes another key. */
function useTyped(first) {
  const [typed, setTyped] = useState(first);
  const [read, setRead] = useState(first);
  const waiting = useRef();
  return [typed, read, (value) => {
    setTyped(value);
    clearTimeout(waiting.current);
    waiting.current = setTimeout(() => setRead(value), took > SLOW ? PAUSE : 0);
  }];
}

const nameOf = (model, models) => (models.every((other) => other === model || other.label !== model.label) ? model.label : `${model.label} · ${model.name}`);

function Head({ boot, settings }) {
  return html`<header class="page"><div><h1>${boot.title}</h1><p class="hint">${t("live.about")}</p></div>
    <div class="page-tools"><${Choice} label=${t("page.language")} value=${settings.language} options=${[["en", "English"], ["ko", "한국어"]]} onChange=${(language) => change({ language })}/>
    <${Choice} label=${t("page.theme")} value=${settings.theme} options=${["auto", "light", "dark"].map((key) => [key, t(`theme.${key}`)])} onChange=${(theme) => change({ theme })}/></div></header>`;
}

/** Every chosen model on the sentence, and what two of them make of it. */
function Models({ bench, chosen, text, second, beam }) {
  const [hands, setHands] = useState(bench.models.map(() => NOTHING));
  const { language } = useSettings();
  const asked = useRef("");
  // Words and weights that were changed are those of one sentence.
  const key = JSON.stringify([text, second]);
  const kept = asked.current === key ? hands : hands.map(({ counts }) => ({ ...NOTHING, counts }));
  const read = useMemo(() => timed(() => chosen.map((at) => {
    const [options, hand] = [optionsOf(bench.models[at], second, beam), kept[at]];
    try {
      const before = bench.record(at, text, options);
      const after = isChanged(hand) ? bench.record(at, text, { ...options, changes: changesOf(hand) }) : null;
      return { at, before, after };
    } catch (error) {
      return { at, error: error.message };
    }
  })), [key, beam, chosen.join(), JSON.stringify(kept), language]);
  const hand = (at) => (values) => {
    asked.current = key;
    setHands(kept.map((each, n) => (n === at ? { ...each, ...values } : each)));
  };
  const records = read.flatMap(({ before, after }) => (before ? [after ?? before] : []));
  return html`${pairsOf(records).map((pair) => html`<${Beside} key=${`${pair[0].id}|${pair[1].id}`} pair=${pair}/>`)}
    ${read.map(({ at, before, after, error }) => html`<div key=${at}>${error ? html`<p class="error" role="alert">${bench.models.length > 1 && `${bench.models[at].label}: `}${error}</p>`
      : html`<${Record} record=${after ?? before} live=${bench} above=${html`<${Hand} ...${{ before, after }} hand=${kept[at]} onChange=${hand(at)}/>
          ${after && html`<${Change} before=${before} after=${after}/>`}
          ${bench.models[at].accepts.continues && html`<${Onward} model=${bench.models[at]} text=${text} hand=${kept[at]}/>`}`}/>`}</div>`)}`;
}

const WINDOW = { from: 0, size: 128 };

/** Two models on the sentence. */
function Beside({ pair }) {
  const place = useRef();
  const drawn = useKept(place, html`<${Compare} pair=${pair} view=${WINDOW}/>`);
  return html`<section class="record" ref=${place}><h2 dir="auto">${pair[0].text.slice(0, 400)}</h2>
    <p class="hint">${t("compare.title", { a: pair[0].label, b: pair[1].label })}</p>${drawn}</section>`;
}

function timed(compute) {
  const began = performance.now();
  const made = compute();
  took = performance.now() - began;
  performance.measure("munmaek:computed", { start: began });
  return made;
}

/** What a model is asked besides the sentence: a second text or a translation, and how wide to search. */
function optionsOf({ accepts }, second, beam) {
  const given = second.trim() ? second : null;
  return accepts.target ? { target: given, beam } : { second: accepts.pairs === false ? null : given };
}
