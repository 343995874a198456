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

const settings = { language: preferred(), theme: "auto", ...stored() };
if (!LANGUAGES.includes(settings.language)) settings.language = "en";
const listeners = new Set();

export const language = () => settings.language;

function apply() {
  const root = document.documentElement;
  root.lang = settings.language;
  if (settings.theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = settings.theme;
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
    const dark = matchMedia("(prefers-color-scheme: dark)");
    listeners.add(listener);
    dark.addEventListener("change", listener);
    return () => { listeners.delete(listener); dark.removeEventListener("change", listener); };
  }, []);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  return { ...settings, drawn: settings.theme === "auto" ? (dark ? "dark" : "light") : settings.theme };
}

apply();
