// Figures and pages as files. Nothing is sent anywhere: a file is made in the page and saved.
import { fetchBytes } from "./tensor.js";
import { csvText } from "./csv.js";

function save(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** With a mark by which spreadsheets know UTF-8. */
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

/**
 * SVG on a sheet of its size, printed: the browser writes PDF with lines and letters as such. While
 * it prints, the page is hidden, and the sheet's name is what the browser proposes.
 */
export function savePdf(name, svg) {
  const [, width, height] = /width="([\d.]+)" height="([\d.]+)"/.exec(svg);
  const [sheet, style, title] = [document.createElement("div"), document.createElement("style"), document.title];
  sheet.className = "sheet";
  sheet.innerHTML = svg;
  style.textContent = `@page { size: ${width}px ${height}px; margin: 0; }`;
  document.body.append(sheet, style);
  document.documentElement.dataset.sheet = "";
  document.title = name;
  window.addEventListener("afterprint", () => {
    sheet.remove();
    style.remove();
    delete document.documentElement.dataset.sheet;
    document.title = title;
  }, { once: true });
  window.print();
}

function base64Of(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

/** A record with every tensor in it, also those that the server had kept back. */
export async function whole(record) {
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

