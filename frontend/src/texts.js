// Texts in the reader's language, and numbers as the page writes them.
import { figures } from "../../src/munmaek/text/catalogue.json";
import messages from "../../src/munmaek/text/messages.json";
import { language } from "./settings.js";

const CATALOGUE = { ...figures };
const PLACE = /\{(\w+)\}/;

/** Adds a part of the catalogue: what a page shows besides figures. */
export const know = (entries) => Object.assign(CATALOGUE, entries);

function pattern(key) {
  const entry = CATALOGUE[key];
  // A name that a newer record brings, such as a gate's: its own last part says more than nothing.
  if (!entry) return key.split(".").pop();
  return entry[language() === "ko" ? 1 : 0];
}

/** The text `key` with `{name}` replaced, as a string. */
export const t = (key, values = {}) => pattern(key).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));

/** The text `key` with `{name}` replaced by nodes, as an array of nodes. */
export function tx(key, values) {
  return pattern(key).split(/(\{\w+\})/).map((part) => {
    const name = PLACE.exec(part)?.[1];
    return name ? values[name] : part;
  });
}

let patterns = null;

/** Messages as patterns; made when a line is asked for, so that pages without any do not hold them. */
const known = () => (patterns ??= Object.entries(messages).sort(([one], [other]) => other.length - one.length).map(([english, korean]) => {
  const names = [...english.matchAll(/\{(\w+)\}/g)].map((found) => found[1]);
  const parts = english.split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return [new RegExp(`^${parts.join("([^]+?)")}$`), names, korean];
}));

/** A line that a program wrote, such as a notice or an error, in the reader's language where it is known. */
export function said(text) {
  if (language() !== "ko" || typeof text !== "string") return text;
  for (const [pattern, names, korean] of known()) {
    const found = pattern.exec(text);
    if (found) return korean.replace(/\{(\w+)\}/g, (_, name) => found[names.indexOf(name) + 1]);
  }
  return text;
}

/** What people call a model, in the reader's language where the name is one of ours. */
export const labelOf = (label) => (CATALOGUE[`label.${label}`] ? t(`label.${label}`) : label);

/** A number with a true minus sign; a dash where there is none. */
export function number(value, digits) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}
