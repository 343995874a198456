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

/** A colour or the typeface by its name in the styles. */
export const variable = (name) => (onPaper ? PAPER[name]
  : getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || PAPER[name]);
