// What the reader chose for the whole page: language and theme. Everything that is drawn listens.
import { useEffect, useState } from "preact/hooks";

const LANGUAGES = ["en", "ko"];
const KEY = "munmaek.viewer";

/** Storage is refused in sandboxed frames, such as a notebook's; the choice then lasts the visit. */
function stored() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

const preferred = () => ((navigator.languages ?? [navigator.language])[0]?.startsWith("ko") ? "ko" : "en");

const page = document.documentElement;
// A report is written in one language, and follows the system.
const settings = "written" in page.dataset
  ? { language: page.lang, theme: page.dataset.theme ?? "auto" }
  : { language: preferred(), theme: "auto", ...stored() };
if (!LANGUAGES.includes(settings.language)) settings.language = "en";
const listeners = new Set();
const dark = matchMedia("(prefers-color-scheme: dark)");

export const language = () => settings.language;

let printing = false;

export const isPrinting = () => printing;

function apply() {
  page.lang = settings.language;
  const theme = printing ? "light" : settings.theme;
  if (theme === "auto") delete page.dataset.theme;
  else page.dataset.theme = theme;
}

// Paper is light: what has been drawn in the dark is drawn anew for it.
for (const [event, now] of [["beforeprint", true], ["afterprint", false]]) {
  window.addEventListener(event, () => {
    printing = now;
    apply();
    listeners.forEach((listener) => listener());
  });
}

export function change(values) {
  Object.assign(settings, values);
  apply();
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch { /* see stored() */ }
  listeners.forEach((listener) => listener());
}

/** The settings, and a new rendering whenever they or the system's own theme change. */
export function useSettings() {
  const [, redraw] = useState(0);
  useEffect(() => {
    const listener = () => redraw((n) => n + 1);
    listeners.add(listener);
    dark.addEventListener("change", listener);
    return () => { listeners.delete(listener); dark.removeEventListener("change", listener); };
  }, []);
  return { ...settings, printing, drawn: page.dataset.theme ?? (dark.matches ? "dark" : "light") };
}

apply();
