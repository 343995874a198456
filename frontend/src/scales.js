// Where numbers stand on an axis and how they are written there; no part of it touches the page.

const THIN = "\u2009"; // groups thousands

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

/** A power of ten: 10⁻⁵. */
const powerText = (power) => `10${String(power).replace(/[-\d]/g, (sign) => RAISED[sign])}`;

/** A number in as few digits as tell it: 0.25, 12, 1 204. */
export const shortest = (value) => String(Number(value.toPrecision(12))).replace(/\B(?=(\d{3})+$)/g, THIN);

/** Round numbers from at most `low` to at least `high`, about `count` steps. */
export function niceTicks(low, high, count = 4) {
  const span = high > low ? high - low : Math.abs(high) || 1;
  const unit = 10 ** Math.floor(Math.log10(span / count));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * unit).find((each) => each >= (span / count) * 0.999);
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  return Array.from({ length: last - first + 1 }, (_, at) => (first + at) * step);
}

/** Ends of an axis as powers of ten: whole decades, or a half where that wastes less. */
export function decades(least, most) {
  const low = Math.floor(2 * Math.log10(least)) / 2;
  const high = Math.ceil(2 * Math.log10(most)) / 2;
  return [low, high > low ? high : low + 1];
}

/** What to mark between two powers of ten, as [value, text]. */
export function levels(low, high) {
  const [first, last] = [Math.ceil(low - 1), Math.floor(high)];
  const skip = Math.max(1, Math.ceil((last - first + 1) / 7));
  // Within two decades, powers of ten alone would leave most of the axis unmarked.
  const factors = high - low <= 2 ? [1, 2, 5] : [1];
  const found = [];
  for (let power = last; power >= first; power -= skip) {
    for (const factor of factors) {
      const at = power + Math.log10(factor);
      if (at < low - 1e-9 || at > high + 1e-9) continue;
      const plain = power >= -2 && power <= 6;
      const raised = factor === 1 ? powerText(power) : `${factor}·${powerText(power)}`;
      found.push([factor * 10 ** power, plain ? shortest(factor * 10 ** power) : raised]);
    }
  }
  return found;
}

/**
 * Positions at least `gap` apart, each as near to the wanted one as that allows. Those that collide
 * move apart together around their mean. All stay within `low` and `high` where there is room.
 */
export function spread(wanted, gap, low, high) {
  const order = wanted.map((_, at) => at).sort((a, b) => wanted[a] - wanted[b]);
  const groups = []; // of [centre, members]
  for (const at of order) {
    groups.push([Math.min(Math.max(wanted[at], low), high), 1]);
    while (groups.length > 1) {
      const [[before, some], [after, more]] = groups.slice(-2);
      if (after - before >= (gap * (some + more)) / 2 - 1e-9) break;
      const half = (gap * (some + more - 1)) / 2;
      const mean = (before * some + after * more) / (some + more);
      groups.splice(-2, 2, [Math.max(low + half, Math.min(high - half, mean)), some + more]);
    }
  }
  const placed = groups.flatMap(([centre, size]) => Array.from({ length: size }, (_, at) => centre + gap * (at - (size - 1) / 2)));
  const result = [];
  order.forEach((at, place) => { result[at] = placed[place]; });
  return result;
}
