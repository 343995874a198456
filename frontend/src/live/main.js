// A living page's beginning: reads the models that stand in it, and draws what they compute.
import { html, render } from "htm/preact";
import { living, viewer } from "../../../src/munmaek/text/catalogue.json";
import { know } from "../texts.js";
import { Living } from "./app.js";
import { bench } from "./bench.js";

performance.mark("munmaek:start");
know({ ...viewer, ...living });
const given = (id) => JSON.parse(document.getElementById(id).textContent);
const boot = given("boot");
const page = document.getElementById("app");
try {
  const models = bench(boot.models.map(given));
  page.replaceChildren(); // the figures as they were, for readers without a script
  render(html`<${Living} boot=${boot} bench=${models}/>`, page);
} catch (error) {
  document.getElementById("old").textContent = error.message;
}

// Two frames later the browser has painted what was drawn at once.
requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("munmaek:drawn")));
