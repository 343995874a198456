// The run that learns from the marks, its control without them, and what came of it.
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import { number, said, t } from "../texts.js";

const PAUSE = 1000; // milliseconds between two looks at a running training
const BUSY = ["running", "stopping"];

export function Guide({ live, count }) {
  const [steps, setSteps] = useState(600);
  const [run, setRun] = useState({ state: "idle" });
  const [error, setError] = useState(null);
  const look = () => live.guided().then((now) => { setRun(now); setError(null); }, (problem) => setError(problem.message));
  useEffect(() => { look(); }, []);
  useEffect(() => {
    if (!BUSY.includes(run.state)) return undefined;
    const timer = setTimeout(look, PAUSE);
    return () => clearTimeout(timer);
  }, [run]);
  const start = () => live.guide(steps).then(() => setRun({ state: "running", stage: "guided", done: 0, total: steps }), (problem) => setError(problem.message));
  return html`<section class="guide" aria-labelledby="guide"><h3 id="guide">${t("guide.title")}</h3>
    <p>${t("guide.caption")}</p>
    <div class="choices"><label class="choice">${t("guide.steps")} <input type="number" min="1" max="100000" value=${steps} onInput=${(event) => setSteps(Number(event.currentTarget.value))}/></label>
      <button type="button" class="main" disabled=${BUSY.includes(run.state) || !count || !(steps > 0)} onClick=${start}>${t("guide.start")}</button>
      ${!count && html`<span class="hint">${t("guide.noMarks")}</span>`}</div>
    ${run.state === "running" && html`<p role="status"><progress aria-label=${t("guide.title")} max=${run.total || 1} value=${run.done ?? 0}></progress> ${run.stage ? t(`guide.${run.stage}`) : ""} ${number(run.done ?? 0, 0)} / ${number(run.total ?? 0, 0)}
      <button type="button" onClick=${() => live.cancel().then(setRun, (problem) => setError(problem.message))}>${t("guide.cancel")}</button></p>`}
    ${run.state === "stopping" && html`<p role="status">${t("guide.stopping")}</p>`}
    ${(error || run.state === "failed") && html`<p class="error" role="alert">${said(error ?? run.error) ?? t("guide.failed")}</p>`}
    ${run.report && html`<${Report} report=${run.report}/>`}</section>`;
}

const PARTS = ["before", "guided", "control"];

const OUTCOMES = {
  improved: "guide.improved",
  "improved, but translation is worse": "guide.worse",
  "not improved": "guide.notImproved",
};

function Report({ report }) {
  const measured = (part, name, digits) => {
    const score = report[part]?.[name];
    return score ? html`<td class="num">${number(score.value, digits)}</td><td class="ci">${number(score.low, digits)} – ${number(score.high, digits)}</td>` : html`<td class="num">–</td><td></td>`;
  };
  return html`<div role="status"><table class="list"><caption class="hint">${t("guide.report")}</caption>
    <thead><tr><th></th><th scope="col" class="num">${t("metric.aer")}</th><th scope="col">95 %</th><th scope="col" class="num">BLEU</th><th scope="col">95 %</th></tr></thead>
    <tbody>${PARTS.map((part) => html`<tr><th scope="row">${t(`guide.${part}Row`)}</th>${measured(part, "aer", 3)}${measured(part, "bleu", 1)}</tr>`)}</tbody></table>
    <p class="outcome"><b>${t(OUTCOMES[report.outcome] ?? "guide.told")}</b></p>
    <p class="hint">${said(report.verdict)}${report.split && ` (${said(report.split)})`}</p></div>`;
}
