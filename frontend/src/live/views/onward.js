// What a language model would write next: its likeliest tokens, and text drawn from it.
import { html } from "htm/preact";
import { useMemo, useState } from "preact/hooks";
import { Bars } from "../../bars.js";
import { number, t } from "../../texts.js";

const SHOWN = 12;
const LENGTH = 40; // tokens drawn at once

export function Onward(props) {
  const [open, setOpen] = useState(false);
  return html`<details class="next" onToggle=${(event) => setOpen(event.currentTarget.open)}><summary>${t("live.onward")}</summary>${open && html`<${Next} ...${props}/>`}</details>`;
}

function Next({ model, text, hand }) {
  const [temperature, setTemperature] = useState(1);
  const [made, setMade] = useState(null);
  const next = useMemo(() => model.next(text, SHOWN), [model, text, JSON.stringify(hand)]);
  const warm = temperature === 0 ? next.map(([name], at) => [name, at === 0 ? 1 : 0]) : powers(next, temperature);
  return html`<div class="choices"><label class="choice">${t("live.temperature")} <input type="range" min="0" max="2" step="0.05" value=${temperature} onInput=${(event) => setTemperature(Number(event.currentTarget.value))}/> <output>${number(temperature, 2)}</output></label>
      <button type="button" onClick=${() => setMade(model.generate(text, { temperature, most: LENGTH }))}>${t("live.write")}</button></div>
    ${made !== null && html`<p class="outcome" dir="auto" role="status">${made}</p>`}
    <h3>${t("form.next")}</h3><p class="hint">${t("live.nextHow")}</p>
    <${Bars} names=${warm.map(([name]) => name)} values=${warm.map(([, chance]) => chance)} label=${t("form.next")} width=${420}/>`;
}

/** p^(1/temperature), scaled so that the likeliest tokens that are shown keep their sum. */
function powers(next, temperature) {
  const raised = next.map(([name, chance]) => [name, chance ** (1 / temperature)]);
  const [was, is] = [next, raised].map((list) => list.reduce((sum, [, chance]) => sum + chance, 0));
  return raised.map(([name, chance]) => [name, is > 0 ? (chance * was) / is : 0]);
}
