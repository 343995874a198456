// The colours of the page, and those of paper with the rules by which figures are drawn: a file is
// light and whole in itself, whatever theme the page is in. Both are read from the styles.
import base from "./base.css" with { type: "text" };
import viewer from "./viewer.css" with { type: "text" };

const PAPER = Object.fromEntries(
  [.../:root \{([^}]*)\}/.exec(base)[1].matchAll(/--([\w-]+):\s*([^;]+);/g)].map(([, name, value]) => [name, value]));

const filled = (text) => text.replace(/var\(--([\w-]+)\)/g, (_, name) => PAPER[name]);

/** The rules of figures for a style element of their own. */
export const rules = filled([...`${base}\n${viewer}`.matchAll(/^svg(?! \{)[^:{]*\{[^}]*\}/gm)].map(([rule]) => rule).join("\n"));

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
