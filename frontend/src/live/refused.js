// Why a text or a model cannot be read, in one line.

export const SAID = {
  empty: () => "no text to look at; give a sentence",
  first: () => "the first word of the text alone is longer than what can be looked at",
  cut: ({ total, limit }) => `The text has ${total} tokens; what is shown is its beginning of at most ${limit}.`,
  steps: ({ longest }) => `The text is longer than ${longest} tokens; the steps of its computation are left out. A shorter text shows them.`,
  positions: ({ wanted, capacity }) => `a text of ${wanted} tokens is longer than the model's ${capacity} positions; shorten it`,
  version: ({ given, known }) => `version ${given} of a living model is not ${known}, the one read; write it again`,
  unknown: ({ stage, task }) => `a '${stage}' for '${task}' does not compute here`,
};

/** An error whose `code` says why, for a page that says it in the reader's language. */
export class Refused extends Error {
  constructor(code, values = {}) {
    super(SAID[code](values));
    Object.assign(this, { code, values });
  }
}

/** A line that the reader should see: English as a string, with its code and values for other languages. */
export const noticeOf = (code, values) => Object.assign(new String(SAID[code](values)), { code, values });
