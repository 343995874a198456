// The local server's answers. Only the machine's own address is ever asked.

const TRIES = 10; // times that a busy server is asked again

/** The server's answer; where it is busy, that of a later try. */
async function ask(address, options, left = TRIES) {
  const response = await fetch(address, options);
  if (response.status !== 503 || left === 0) return answerOf(response);
  const seconds = Number(response.headers.get("retry-after")) || 1;
  await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  return ask(address, options, left - 1);
}

async function answerOf(response) {
  const text = await response.text();
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Error(`${response.status} ${response.statusText}`);
  }
  if (!response.ok) throw new Error(body.error ?? `${response.status} ${response.statusText}`);
  return body;
}

/** The second sentence of a pair, from the words that its pieces make up. */
export function secondOf({ segments, source }) {
  if (!segments?.includes(1)) return null;
  const words = new Set(source.words.filter((word, at) => word >= 0 && segments[at] === 1));
  return source.surface.filter((_, at) => words.has(at)).join(" ") || null;
}

/** The server under `base`, such as `/api`. Every method throws an Error of one line. */
export function server(base) {
  const get = (path) => ask(`${base}${path}`);
  const post = (path, body) => ask(`${base}${path}`, {
    method: "POST",
    // The header is one that a foreign page cannot send without asking first.
    headers: { "content-type": "application/json", "x-munmaek": "1" },
    body: JSON.stringify(body),
  });
  const remove = (path) => ask(`${base}${path}`, { method: "DELETE", headers: { "x-munmaek": "1" } });
  const record = (asked) => post("/records", { target: null, pair: null, mask: null, off: [], beam: 5, ...asked });
  const models = get("/model");
  models.catch(() => {}); // whoever asks for it hears of the failure
  return {
    model: () => models,
    record,
    /** The same sentence through the same model, with `changes`. */
    async again(before, changes) {
      const { models: known } = await models;
      const model = (known.find((each) => each.name === before.model && each.label === before.label) ?? known[0]).id;
      return record({ model, text: before.text, target: before.target, pair: secondOf(before), ...changes });
    },
    next: (model, text) => get(`/next?model=${encodeURIComponent(model)}&text=${encodeURIComponent(text)}`),
    suspicious: (by, from, count) => get(`/suspicious?by=${by}&from=${from}&count=${count}`),
    pair: (index) => get(`/pairs/${index}`),
    marks: () => get("/marks"),
    mark: (links) => post("/marks", links),
    correct: (source, target) => post("/corrections", { source, target }),
    guide: (steps) => post("/guide", { steps }),
    guided: () => get("/guide"),
    cancel: () => remove("/guide"),
    pharaoh: `${base}/marks.pharaoh`,
  };
}
