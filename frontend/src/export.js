// Figures and pages as files. Nothing is sent anywhere: a file is made in the page and saved.
import { fetchBytes } from "./tensor.js";
import { printable, svgDocument } from "./draw.js";

function save(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** A table as comma-separated values (RFC 4180), with a mark by which spreadsheets know UTF-8. */
export function csvText({ head, rows }) {
  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

export const saveCsv = (name, table) =>
  save(`${name}.csv`, new Blob(["\ufeff", csvText(table)], { type: "text/csv;charset=utf-8" }));

export const saveSvg = (name, svg) => save(`${name}.svg`, new Blob([svg], { type: "image/svg+xml" }));

/** SVG as a PNG of twice its size, which prints well. */
export async function savePng(name, svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  const zoom = Math.min(2, 16_000 / Math.max(image.width, image.height));
  canvas.width = Math.round(image.width * zoom);
  canvas.height = Math.round(image.height * zoom);
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  save(`${name}.png`, await new Promise((resolve) => canvas.toBlob(resolve, "image/png")));
}

const STYLES = [
  "fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "opacity",
  "fill-opacity", "stroke-opacity", "font-size", "font-weight", "text-anchor", "paint-order", "dominant-baseline",
];

/** An SVG of the page as a file of its own: what the page's style says is written into it. */
export function standalone(svg) {
  const copy = svg.cloneNode(true);
  const [from, to] = [svg.querySelectorAll("*"), copy.querySelectorAll("*")];
  from.forEach((element, at) => {
    const style = getComputedStyle(element);
    for (const name of STYLES) {
      const value = style.getPropertyValue(name);
      if (value) to[at].setAttribute(name, value);
    }
    to[at].removeAttribute("class");
    to[at].removeAttribute("style");
    to[at].removeAttribute("tabindex");
  });
  const { width, height } = svg.viewBox.baseVal;
  const inner = Array.from(copy.childNodes, (node) => new XMLSerializer().serializeToString(node)).join("");
  return svgDocument(width, height, printable(inner));
}

function base64Of(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

/** A record with every tensor in it, also those that the server had kept back. */
async function whole(record) {
  const tensors = {};
  for (const [name, packed] of Object.entries(record.tensors)) {
    const { href, ...rest } = packed;
    tensors[name] = href ? { ...rest, data: base64Of(await fetchBytes(packed)) } : packed;
  }
  return { ...record, tensors };
}

/** JSON that may stand inside a script element whatever its strings hold. */
const inScript = (value) => JSON.stringify(value).replaceAll("<", "\\u003c");

/** This page with these records as one file that needs nothing beside itself and asks for nothing. */
export async function saveHtml(name, records, boot) {
  const style = document.getElementById("style").textContent;
  const script = document.getElementById("viewer").textContent;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(script));
  const policy = `default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; script-src 'sha256-${base64Of(new Uint8Array(digest))}'; base-uri 'none'`;
  const title = document.createElement("title");
  title.textContent = document.title;
  const full = await Promise.all(records.map(whole));
  const text = '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">' +
    `<meta http-equiv="Content-Security-Policy" content="${policy}">` +
    `<meta name="viewport" content="width=device-width, initial-scale=1">${title.outerHTML}\n` +
    `<style id="style">${style}</style></head>\n<body><div id="app"></div>\n` +
    `<script type="application/json" id="boot">${inScript({ ...boot, live: false })}</script>\n` +
    `<script type="application/json" id="records">${inScript(full)}</script>\n` +
    `<script id="viewer">${script}</script></body></html>\n`;
  save(`${name}.html`, new Blob([text], { type: "text/html" }));
}

