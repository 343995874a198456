// A sentence for the model, and, for models that count or predict words, what may come next.
import { html } from "htm/preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Bars } from "./bars.js";
import { t } from "./texts.js";
import { Choice } from "./words.js";

const PAUSE = 150; // milliseconds after the last key before the next words are asked for

export function Form({ live, about, empty, onRecords, onError }) {
  const [text, setText] = useState("");
  const [second, setSecond] = useState("");
  const [model, setModel] = useState(null);
  const [busy, setBusy] = useState(false);
  const models = about?.models ?? [];
  const chosen = models.find((each) => each.id === model) ?? models[0];
  // What a second text is to a model; `pairs` is true where it must have one, null where it may.
  const role = (each) => (each.target ? "target" : each.pairs === false ? null : "pair");
  const ask = async (sentence, second) => {
    setBusy(true);
    try {
      // With several models every one of them reads the sentence, so that they can be compared.
      const asked = model === "*" ? models : [chosen];
      const made = [];
      for (const each of asked) made.push(await live.record({ model: each.id, text: sentence, ...(second && role(each) && { [role(each)]: second }) }));
      onError(null);
      onRecords(made);
    } catch (error) {
      onError(error.message);
    }
    setBusy(false);
  };
  useEffect(() => { if (chosen && empty && about.example) { const other = about.example_pair ?? ""; setText(about.example); setSecond(other); ask(about.example, other); } }, [about]);
  const options = [...models.map((each) => [each.id, each.name ?? each.label]), ...(models.length > 1 ? [["*", t("form.all")]] : [])];
  return html`<form class="ask" onSubmit=${(event) => { event.preventDefault(); ask(text, second); }}>
      <label>${t("form.text")}<input dir="auto" value=${text} required onInput=${(event) => setText(event.currentTarget.value)}/></label>
      ${chosen && role(chosen) && html`<label>${t(chosen.pairs ? "form.second" : `form.${role(chosen)}`)}<input dir="auto" required=${chosen.pairs === true} value=${second} onInput=${(event) => setSecond(event.currentTarget.value)}/></label>`}
      ${models.length > 1 && html`<${Choice} label=${t("form.model")} value=${model ?? chosen.id} options=${options} onChange=${setModel}/>`}
      <button class="main" disabled=${busy || !chosen}>${t("form.look")}</button>
      ${busy && html`<span class="hint" role="status">${t("loading")}</span>`}
    </form>
    ${chosen?.next && html`<${Next} live=${live} model=${chosen.id} text=${text}/>`}`;
}

/** The likeliest next words after what is typed so far. */
function Next({ live, model, text }) {
  const [next, setNext] = useState([]);
  const latest = useRef(0);
  useEffect(() => {
    const turn = ++latest.current;
    const timer = setTimeout(() => live.next(model, text).then(
      (answer) => { if (turn === latest.current) setNext(answer.next ?? []); },
      () => setNext([]), // an unfinished word may be refused; the bars are an extra
    ), PAUSE);
    return () => clearTimeout(timer);
  }, [model, text]);
  if (!next.length) return null;
  return html`<details class="next" open><summary>${t("form.next")}</summary>
    <${Bars} names=${next.map(([word]) => word)} values=${next.map(([, value]) => value)} label=${t("form.next")} width=${420}/></details>`;
}
