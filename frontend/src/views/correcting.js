// A translation and its links, corrected where they are read: what is kept is trained on.
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import { said, t } from "../texts.js";
import { Marking } from "./marking.js";

/** Props: record, index (of a listed pair), live, onSaved(count of marks). */
export function Correcting({ record, index, live, onSaved }) {
  const [shown, setShown] = useState(record);
  const [target, setTarget] = useState(record.target ?? "");
  const [state, setState] = useState({});
  useEffect(() => { setShown(record); setTarget(record.target ?? ""); setState({}); }, [record.id]);
  const correct = async (event) => {
    event.preventDefault();
    setState({ busy: true });
    try {
      const { count, record: made } = await live.correct(record.text, target);
      setShown(made);
      setState({ count });
    } catch (error) {
      setState({ error: error.message });
    }
  };
  const changed = target.trim() !== (shown.target ?? "").trim();
  return html`<form class="ask" onSubmit=${correct}>
      <label>${t("correct.target")}<input dir="auto" value=${target} required onInput=${(event) => setTarget(event.currentTarget.value)}/></label>
      <button disabled=${state.busy || !changed || !target.trim()}>${t("correct.save")}</button>
      <span role="status">${state.count !== undefined && t("correct.saved", { count: state.count })}</span>
      ${state.error && html`<span class="error" role="alert">${said(state.error)}</span>`}
    </form>
    <p class="hint">${t("correct.caption")}</p>
    <${Marking} record=${shown} index=${shown === record ? index : undefined} live=${live} onSaved=${onSaved}/>`;
}
