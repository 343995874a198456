// The colours of the page, and those of paper with the rules by which figures are drawn: a file is
// light and whole in itself, whatever theme the page is in. Both are taken from
// the styles when the pages are built.
import { colours as PAPER, rules } from "styles:paper";

export { rules };

let onPaper = false;

/** What `draw` returns when it draws in the colours of paper. */
export function asOnPaper(draw) {
  const before = onPaper;
  onPaper = true;
  try {
    return draw();
  } finally {
    onPaper = before;
  }
}

const kept = new Map();
const dark = matchMedia("(prefers-color-scheme: dark)");

/** Names the colours that are drawn in now: those of a theme, or of paper. */
export const inks = () => (onPaper ? "paper" : document.documentElement.dataset.theme ?? String(dark.matches));

/** A colour or the typeface by its name in the styles; asked for once in each theme, since the browser computes all styles for an answer. */
export function variable(name) {
  if (onPaper) return PAPER[name];
  const root = document.documentElement;
  const key = `${inks()} ${name}`;
  if (!kept.has(key)) kept.set(key, getComputedStyle(root).getPropertyValue(`--${name}`).trim() || PAPER[name]);
  return kept.get(key);
}
