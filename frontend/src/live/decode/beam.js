// Beam search over one sentence, kept whole: `munmaek.decode.beam` and `munmaek.decode.tree`.
import { greatest, logSumExp, rowOf } from "../maths.js";

/** The likeliest next tokens of each row of scores [N, V]: [[token, logprob]], closed ones left out. */
function likeliest(logits, rows, count, closed) {
  const size = logits.length / rows;
  return Array.from({ length: rows }, (_, row) => {
    const scores = rowOf(logits, row, size);
    const total = logSumExp(scores);
    const open = scores.slice();
    for (const token of closed) open[token] = -Infinity;
    return greatest(open, count).map((token) => [token, scores[token] - total]);
  });
}

/** The best continuations of all prefixes, as many as there are places, ties by prefix and rank. */
function widened(found, sums, places) {
  const all = found.flatMap((own, parent) => own.map(([token, logprob]) => ({ parent, token, logprob, total: sums[parent] + logprob })));
  return all.map((each, at) => [each, at]).sort(([a, i], [b, j]) => b.total - a.total || i - j).slice(0, places).map(([each]) => each);
}

/**
 * The outputs of a search, best first, as {tokens, logprob, score, finished, attention}, and every
 * continuation that was weighed. Props: begin() and step(state, tokens) of a decoder that gives
 * {logits, state, attention}, select(state, rows), bos, eos, beam, longest, closed.
 */
export function beamSearch({ begin, step, select, bos, eos, beam, longest, closed }) {
  const [outputs, nodes] = [[], []];
  let places = beam;
  let held = [{ tokens: [], sum: 0, node: null, attention: [] }];
  let { logits, state, attention } = step(begin(), [bos]);
  for (let at = 1; held.length; at++) {
    held.forEach((one, row) => { one.attention = [...one.attention, attention?.[row] ?? null]; });
    const found = likeliest(logits, held.length, places + beam, closed);
    const sums = held.map(({ sum }) => sum);
    const kept = widened(found.map((own) => own.slice(0, places)), sums, places);
    const weighed = widened(found, sums, places + beam);
    const first = nodes.length;
    weighed.forEach(({ parent, token, logprob, total }, place) => nodes.push({ parent: held[parent].node, token, logprob, total, step: at - 1, kept: place < kept.length, finished: false, rank: null }));
    const going = [];
    kept.forEach(({ parent, token, total }, place) => {
      const before = held[parent];
      const made = { tokens: [...before.tokens, token], sum: total, node: first + place, attention: before.attention, parent };
      if (token !== eos && at < longest) {
        going.push(made);
        return;
      }
      nodes[first + place].finished = true;
      const finished = token === eos;
      outputs.push({ tokens: finished ? before.tokens : made.tokens, logprob: total, score: total / at, finished, attention: before.attention[0] ? before.attention : null, node: first + place });
      places -= 1;
    });
    const scores = outputs.filter(({ finished }) => finished).map(({ score }) => score).sort((a, b) => b - a);
    const bar = scores.length >= beam ? scores[beam - 1] : -Infinity;
    const open = going.length > 0 && places > 0 && going[0].sum / longest > bar;
    if (!open) for (const { node } of going) nodes[node].kept = false;
    held = open ? going : [];
    if (held.length) ({ logits, state, attention } = step(select(state, held.map(({ parent }) => parent)), held.map(({ tokens }) => tokens.at(-1))));
  }
  const ranked = outputs.map((each, at) => [each, at]).sort(([a, i], [b, j]) => Number(b.finished) - Number(a.finished) || b.score - a.score || i - j).slice(0, beam).map(([each]) => each);
  ranked.forEach(({ node }, rank) => { nodes[node].rank = rank; });
  return { outputs: ranked, nodes };
}

