// Every figure of records or of a report as texts, for the command line: the drawing is the page's.
import "./stand.js";
import { h } from "preact";
import { viewer } from "../../src/munmaek/text/catalogue.json";
import { Views } from "./app.js";
import { csvText } from "./csv.js";
import { figuresOf, plain, svgFile } from "./paper.js";
import { reported } from "./reported.js";
import { change } from "./settings.js";
import { know } from "./texts.js";

know(viewer);

const files = (node) => JSON.stringify(figuresOf(node).map((figure) => ({
  name: figure.file, title: figure.title ?? "", caption: plain(figure.caption), svg: svgFile(figure), csv: csvText(figure.table()),
})));

globalThis.munmaekRecords = (text, language) => {
  change({ language });
  return files(h(Views, { records: JSON.parse(text), live: null }));
};

globalThis.munmaekReport = (text, language) => {
  change({ language });
  return files(JSON.parse(text).map(reported));
};
