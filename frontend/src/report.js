// The report's figures. The page is whole without them: each stands in it as a table with what it
// means to show, and is drawn here in the table's place, by what draws the viewer's figures.
import { render } from "htm/preact";
import { reported } from "./reported.js";

for (const place of document.querySelectorAll("[data-figure]")) {
  const given = JSON.parse(place.dataset.figure);
  place.replaceChildren();
  render(reported(given), place);
}
