// A head switched off: the same sentence again without it, and what that changes.
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../texts.js";
import { Change } from "./prediction.js";

/** Props: record, attention, head, live (see live.js). Heads add up until they are switched on again. */
export function SwitchOff({ record, attention, head, live }) {
  const [off, setOff] = useState([]);
  const [answer, setAnswer] = useState({});
  useEffect(() => { setOff([]); setAnswer({}); }, [record.id, record.text]);
  const here = ([name, at]) => name === attention.name && at === head;
  const ask = async (heads) => {
    setOff(heads);
    setAnswer({ busy: heads.length > 0 });
    if (!heads.length) return;
    try {
      setAnswer({ record: await live.again(record, { off: heads }) });
    } catch (error) {
      setAnswer({ error: error.message });
    }
  };
  const isOff = off.some(here);
  const toggle = () => ask(isOff ? off.filter((each) => !here(each)) : [...off, [attention.name, head]]);
  return html`<div class="switch">
    <button type="button" aria-pressed=${isOff} onClick=${toggle}>${t(isOff ? "switch.on" : "switch.off")}</button>
    ${off.length > 0 && html` <span class="hint">${t("switch.count", { count: off.length })}</span>`}
    ${answer.busy && html`<p class="hint" role="status">${t("loading")}</p>`}
    ${answer.error && html`<p class="error" role="alert">${answer.error}</p>`}
    ${answer.record && html`<${Change} before=${record} after=${answer.record}/>`}
  </div>`;
}
