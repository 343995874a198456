// Which sentences to look at first, by what makes their attention doubtful; each opens for marking.
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import { number, said, t, tx } from "../texts.js";
import { Choice } from "../words.js";
import { Guide } from "./guide.js";
import { Correcting } from "./correcting.js";

const PAGE = 20;
const PAUSE = 1500; // milliseconds between two looks at a list that still grows
const BY = ["entropy", "coverage", "disagreement"];

export function Suspicion({ live }) {
  const [by, setBy] = useState("entropy");
  const [from, setFrom] = useState(0);
  const [list, setList] = useState({ rows: [], total: 0 });
  const [open, setOpen] = useState(null);
  const [marks, setMarks] = useState(null);
  const [error, setError] = useState(null);
  const failed = (problem) => setError(problem.message);
  const load = () => live.suspicious(by, from, PAGE).then((found) => { setList(found); setError(null); }, failed);
  useEffect(() => { load(); }, [by, from]);
  // The server reads its sentences in the background; the list grows until it has seen them all.
  const working = list.done !== undefined && list.done < list.total;
  useEffect(() => {
    if (!working) return undefined;
    const timer = setTimeout(load, PAUSE);
    return () => clearTimeout(timer);
  }, [list]);
  useEffect(() => { live.marks().then(setMarks, failed); }, []);
  const show = (index) => live.pair(index).then((record) => setOpen({ index, record }), failed);
  const saved = (count) => { setMarks({ ...marks, count }); load(); };
  return html`<section aria-labelledby="suspicion"><h2 id="suspicion">${t("suspicion.title")}</h2>
    <p>${t("suspicion.caption")}</p>
    ${marks && html`<p class="hint">${tx("suspicion.marks", { count: marks.count, path: html`<code>${marks.path}</code>` })} <a href=${live.pharaoh} download="marks.pharaoh">Pharaoh</a></p>`}
    ${error && html`<p class="error" role="alert">${said(error)}</p>`}
    <div class="choices"><${Choice} label=${t("suspicion.by")} value=${by} options=${BY.map((key) => [key, t(`suspicion.${key}`)])} onChange=${(value) => { setBy(value); setFrom(0); }}/></div>
    ${working && html`<p class="hint" role="status">${t("suspicion.working", { done: list.done, total: list.total })}</p>`}
    <div class="scroll" tabindex="0" role="region" aria-label=${t("suspicion.title")}><table class="list"><thead><tr><th scope="col">${t("translate.source")}</th><th scope="col">${t("suspicion.target")}</th>
      ${BY.map((key) => html`<th scope="col" class="num" aria-sort=${key === by ? (key === "coverage" ? "ascending" : "descending") : undefined}>${t(`suspicion.${key}`)}</th>`)}<th scope="col">${t("suspicion.marked")}</th></tr></thead>
      <tbody>${list.rows.map((row) => html`<tr key=${row.index} class=${open?.index === row.index ? "open" : ""}>
        <td class="wrap" dir="auto"><button type="button" class="plain" aria-pressed=${open?.index === row.index} onClick=${() => show(row.index)}>${row.source}</button></td>
        <td class="wrap" dir="auto">${row.target}</td>
        ${BY.map((key) => html`<td class=${`num ${key === by ? "best" : ""}`}>${number(row[key], 2)}</td>`)}<td>${row.marked ? "✓" : ""}</td></tr>
        ${open?.index === row.index && html`<tr key=${`${row.index}-open`} class="panel"><td colspan=${BY.length + 3}><div class="marking"><h3 dir="auto">${open.record.text}</h3><${Correcting} record=${open.record} index=${open.index} live=${live} onSaved=${saved}/></div></td></tr>`}`)}</tbody></table></div>
    <p class="choices"><button type="button" disabled=${from === 0} onClick=${() => setFrom(Math.max(from - PAGE, 0))}>${t("suspicion.before")}</button>
      <span>${t("suspicion.range", { from: Math.min(from + 1, list.total), to: Math.min(from + PAGE, list.total), total: list.total })}</span>
      <button type="button" disabled=${from + PAGE >= list.total} onClick=${() => setFrom(from + PAGE)}>${t("suspicion.after")}</button></p>
    <${Guide} live=${live} count=${marks?.count ?? 0}/>
  </section>`;
}
