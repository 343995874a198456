// The models of a living page behind the questions that the viewer's figures ask a server.
import { secondOf } from "../live.js";
import { t } from "../texts.js";
import { load } from "./engine.js";

/** Heads switched off, from `[attention, head]` pairs to what a tape takes. */
const byScope = (off) => off.reduce((scopes, [name, head]) => ({ ...scopes, [name]: [...(scopes[name] ?? []), head] }), {});

/** An error of the engine, in the reader's language. */
const told = (error) => (error.code ? new Error(t(`live.${error.code}`, error.values)) : error);

function opened(weights) {
  try {
    return load(weights);
  } catch (error) {
    throw told(error);
  }
}

/** Props: the JSON of each model. Every method throws an Error of one line. */
export function bench(weights) {
  const models = weights.map(opened);
  const record = (at, text, options = {}) => {
    try {
      const made = models[at].record(text, options);
      return { ...made, id: `live-${at}`, notices: made.notices.map((notice) => t(`live.${notice.code}`, notice.values)) };
    } catch (error) {
      throw told(error);
    }
  };
  const placeOf = (before) => models.findIndex((model) => model.name === before.model && model.label === before.label);
  return {
    models,
    record,
    /** The same sentence through the same model with heads off or a word hidden, for the figures. */
    async again(before, { off = [], mask = null }) {
      const changes = { off: byScope(off), ...(mask === null ? {} : { hidden: [mask] }) };
      return record(placeOf(before), before.text, { second: secondOf(before), target: before.given ?? null, changes });
    },
  };
}

/** Changes that differ from none. */
export const isChanged = ({ off = [], given = {}, hidden = [], counts = [] }) =>
  off.length > 0 || hidden.length > 0 || counts.length > 0 || Object.values(given).some((each) => each.length > 0);

/** What the engine takes of what the reader changed. */
export const changesOf = ({ off = [], counts = [], ...rest }) => ({ ...rest, off: byScope(off), counts: counts.map(({ gram }) => gram) });
