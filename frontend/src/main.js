// The page's beginning: reads what stands in it, draws, and says when the first drawing is done.
import { html, render } from "htm/preact";
import { viewer } from "../../src/munmaek/text/catalogue.json";
import { App } from "./app.js";
import { know } from "./texts.js";

const given = (id, fallback) => {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : fallback;
};

performance.mark("munmaek:start");
know(viewer);
const boot = given("boot", {});
render(html`<${App} boot=${boot} first=${given("records", [])}/>`, document.getElementById("app"));

// Two frames later the browser has painted what was drawn at once.
requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("munmaek:drawn")));
