// The whole page: its head, a form where a server listens, and each record's views.
import { html } from "htm/preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { saveHtml } from "./export.js";
import { Form } from "./form.js";
import { server } from "./live.js";
import { Record } from "./record.js";
import { change, useSettings } from "./settings.js";
import { Present } from "./present.js";
import { labelOf, said, t } from "./texts.js";
import { Compare, Overview, groupsOf, pairsOf } from "./views/compare.js";
import { fileName } from "./views/parts.js";
import { Suspicion } from "./views/suspicion.js";
import { Choice } from "./words.js";

export function App({ boot, first }) {
  const settings = useSettings();
  const [records, setRecords] = useState(first);
  const [about, setAbout] = useState(null);
  const [error, setError] = useState(boot.error ?? null);
  const live = useMemo(() => (boot.live ? server(boot.api ?? "/api") : null), []);
  useEffect(() => {
    if (live) live.model().then(setAbout, (problem) => setError(problem.message));
    // A tensor that the server no longer keeps: the reader is told why a figure stays away.
    window.addEventListener("munmaek:lost", (event) => setError(event.detail));
  }, []);
  const add = (made) => setRecords((before) => [...made, ...before.filter((record) => !made.some((each) => each.id === record.id))]);
  if (boot.only) return html`<main>${records.map((record) => html`<${Record} key=${record.id} record=${record} only=${boot.only}/>`)}</main>`;
  const title = boot.title ?? document.title.replace(/ · munmaek$/, "");
  return html`<header class="page"><div><h1>${title}</h1><p class="hint">${t("page.about")}</p></div><${Tools} settings=${settings} records=${records} boot=${boot}/></header>
    <main>
      ${error && html`<p class="error" role="alert">${said(error)}</p>`}
      ${live && html`<${Form} live=${live} about=${about} empty=${!records.length} onRecords=${add} onError=${setError}/>`}
      ${live && about?.pairs > 0 && html`<nav class="parts" aria-label=${t("page.parts")}><a href="#suspicion">${t("suspicion.title")}</a></nav>`}
      <${Views} records=${records} live=${live && !boot.frozen ? live : null}/>
      ${!records.length && !live && html`<p>${t("page.empty")}</p>`}
      ${live && about?.pairs > 0 && html`<${Suspicion} live=${live}/>`}
    </main>
    <footer class="hint">munmaek (문맥, “context”)</footer>`;
}

/** Every record, after what two models make of one sentence. */
export function Views({ records, live }) {
  return html`${groupsOf(records).map((same) => html`<section key=${`all-${same[0].text}`} class="record"><h2 dir="auto">${same[0].text}</h2><${Overview} records=${same} view=${{ from: 0, size: 128 }}/></section>`)}
    ${pairsOf(records).map((pair) => html`<section key=${`${pair[0].id}|${pair[1].id}`} class="record"><h2 dir="auto">${pair[0].text}</h2><p class="hint">${t("compare.title", { a: labelOf(pair[0].label), b: labelOf(pair[1].label) })}</p>
      <${Compare} pair=${pair} view=${{ from: 0, size: 128 }}/></section>`)}
    ${records.map((record) => html`<${Record} key=${record.id} record=${record} live=${live}/>`)}`;
}

/** Lines of the training text that records hold. */
const lines = (records) => new Set(records.flatMap((record) => record.ngram?.tokens?.flatMap((token) => (token.lines ?? []).map((line) => line.number)) ?? [])).size;

function Tools({ settings, records, boot }) {
  const [error, setError] = useState(null);
  const saved = () => saveHtml(records[0] ? fileName(records[0], "look") : "munmaek", records, boot).then(() => setError(null), (problem) => setError(problem.message));
  return html`<div class="page-tools"><${Choice} label=${t("page.language")} value=${settings.language} options=${[["en", "English"], ["ko", "한국어"]]} onChange=${(language) => change({ language })}/>
    <${Choice} label=${t("page.theme")} value=${settings.theme} options=${["auto", "light", "dark"].map((key) => [key, t(`theme.${key}`)])} onChange=${(theme) => change({ theme })}/>
    ${records.length > 0 && html`<${Present} records=${records}/><button type="button" onClick=${saved}>${t("page.save")}</button>`}
    ${lines(records) > 0 && html`<p class="hint">${t("page.holds", { count: lines(records) })}</p>`}
    ${error && html`<p class="error" role="alert">${said(error)}</p>`}</div>`;
}
