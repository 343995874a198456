// Presentation: one figure at a time, as large as the window, with the values in the cells of matrices;
// arrow keys turn the pages and Escape ends it. The figures are those that files are made of.
import { h } from "preact";
import { html } from "htm/preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Views } from "./app.js";
import { withValues } from "./draw.js";
import { whole } from "./export.js";
import { figuresOf, plain, svgFile } from "./paper.js";
import { said, t } from "./texts.js";

const TURNS = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };

export function Present({ records }) {
  const [shown, setShown] = useState(null);
  const [error, setError] = useState(null);
  const open = () => Promise.all(records.map(whole)).then((full) => {
    setShown(figuresOf(h(Views, { records: full, live: null })));
    setError(null);
  }, (problem) => setError(problem.message));
  return html`<button type="button" onClick=${open}>${t("page.present")}</button>
    ${error && html`<span class="error" role="alert">${said(error)}</span>`}
    ${shown && html`<${Slides} figures=${shown} onEnd=${() => setShown(null)}/>`}`;
}

function Slides({ figures, onEnd }) {
  const [at, setAt] = useState(0);
  const box = useRef();
  useEffect(() => { if (!box.current.open) box.current.showModal(); }, []);
  const turn = (step) => setAt((before) => Math.min(Math.max(before + step, 0), figures.length - 1));
  const pressed = (event) => {
    if (event.key === "Home") setAt(0);
    else if (event.key === "End") setAt(figures.length - 1);
    else if (event.key in TURNS && !(event.key === " " && event.target.tagName === "BUTTON")) turn(TURNS[event.key]);
    else return;
    event.preventDefault();
  };
  const figure = figures[at];
  const drawn = figure ? withValues(() => svgFile(figure)) : "";
  return html`<dialog class="slides" ref=${box} aria-label=${t("page.present")} onKeyDown=${pressed} onClose=${onEnd}>
    <h2 dir="auto">${figure?.title ?? ""}</h2>
    <div class="slide" dangerouslySetInnerHTML=${{ __html: drawn }}></div>
    <p class="said">${plain(figure?.caption)}</p>
    <div class="choices"><button type="button" disabled=${at === 0} onClick=${() => turn(-1)}>${t("present.before")}</button>
      <span role="status">${t("present.place", { at: at + 1, all: figures.length })}</span>
      <button type="button" disabled=${at >= figures.length - 1} onClick=${() => turn(1)}>${t("present.after")}</button>
      <button type="button" onClick=${() => box.current.close()}>${t("present.end")}</button></div>
  </dialog>`;
}
