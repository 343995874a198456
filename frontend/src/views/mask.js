// Masked words: what fills each gap; with a server, click a word to mask it.
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import { Bars } from "../bars.js";
import { Figure } from "../figure.js";
import { t, tx } from "../texts.js";
import { Words } from "../words.js";
import { fileName, word } from "./parts.js";

export function Mask({ record, live }) {
  const [answer, setAnswer] = useState({});
  useEffect(() => setAnswer({}), [record.id, record.text]);
  const surface = record.source.surface;
  const choose = async (at) => {
    setAnswer({ at, busy: true });
    try {
      setAnswer({ at, record: await live.again(record, { mask: at }) });
    } catch (error) {
      setAnswer({ at, error: error.message });
    }
  };
  const shown = answer.record ?? record;
  return html`${live ? html`<h4>${t("mask.choose")}</h4><${Words} names=${surface} chosen=${answer.at ?? -1} onChoose=${choose} label=${t("mask.choose")}/>`
    : html`<p class="hint">${t("mask.static")}</p>`}
    ${answer.busy && html`<p class="hint" role="status">${t("loading")}</p>`}
    ${answer.error && html`<p class="error" role="alert">${answer.error}</p>`}
    <div class="multiples" aria-live="polite">${(shown.filled ?? []).map((gap, at) => html`<${Gap} key=${at} record=${shown} gap=${gap} was=${answer.record ? surface[answer.at] : undefined}/>`)}</div>`;
}

function Gap({ record, gap, was }) {
  const { position, text, candidates } = gap;
  const name = t("mask.gap", { n: position + 1 });
  return html`<${Figure} title=${name} file=${fileName(record, "mask", String(position + 1))}
    caption=${html`${tx("mask.caption", { text: word(text) })} ${was !== undefined && tx("mask.was", { word: word(was) })}`}
    table=${() => ({ head: [t("word"), t("unit.probability")], rows: candidates })}>
    <${Bars} names=${candidates.map(([each]) => each)} values=${candidates.map(([, value]) => value)} hot=${Math.max(candidates.findIndex(([each]) => each === was), 0)} label=${name} width=${440}/><//>`;
}
