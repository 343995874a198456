// A row of words to choose from: one stop for the Tab key, arrows within.
import { html } from "htm/preact";
import { useRef } from "preact/hooks";

const MOVES = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** The index that an arrow key, Home or End leads to, or null. */
export function moveTo(key, at, length) {
  if (key === "Home") return 0;
  if (key === "End") return length - 1;
  return key in MOVES ? Math.min(Math.max(at + MOVES[key], 0), length - 1) : null;
}

/** Props: names, chosen (index or -1), onChoose(index), label, off(index) for words that cannot be. */
export function Words({ names, chosen, onChoose, label, off }) {
  const row = useRef();
  const stop = Math.max(chosen, 0);
  const pressed = (event, at) => {
    const next = moveTo(event.key, at, names.length);
    if (next === null) return;
    event.preventDefault();
    row.current.children[next].focus();
    onChoose(next);
  };
  return html`<div class="words" role="toolbar" aria-label=${label} ref=${row}>
    ${names.map((name, at) => html`<button type="button" dir="auto" aria-pressed=${at === chosen}
      disabled=${off?.(at) ?? false} tabindex=${at === stop ? 0 : -1} aria-label=${typeof name === "string" && !name.trim() ? JSON.stringify(name) : undefined}
      onClick=${() => onChoose(at)} onKeyDown=${(event) => pressed(event, at)}>${name}</button>`)}
  </div>`;
}

/** A labelled list of options. Props: label, value, options [[value, text]], onChange(value). */
export function Choice({ label, value, options, onChange }) {
  return html`<label class="choice">${label} <select value=${value} onChange=${(event) => onChange(event.currentTarget.value)}>
    ${options.map(([key, text]) => html`<option value=${key} selected=${key === value}>${text}</option>`)}</select></label>`;
}

export function Check({ label, checked, onChange }) {
  return html`<label class="choice"><input type="checkbox" checked=${checked}
    onChange=${(event) => onChange(event.currentTarget.checked)}/> ${label}</label>`;
}
