// From what a model computes over pieces to what a reader asks about: words, without special tokens.
// Weights from pieces of one word add up (they share one unit of weight); the rows of one word's
// pieces are averaged (each is a distribution of its own). Hidden special tokens give their share
// back: what remains of a row is divided by its sum.

/** Pieces, words, special flags and written words along one axis of a matrix. */
export const axisOf = (record, which) => (which === "text" ? WHOLE : record[which] ?? record.source);

/** The one row of attention pooling: the text as a whole looks. */
const WHOLE = { pieces: [""], words: [0], special: [false], surface: [""] };

const count = (length) => Array.from({ length }, (_, at) => at);

/** Names and members of the groups that `axis` falls into: one a piece, or one a word. */
export function groupsOf(axis, length, { fold, specials }) {
  const groups = [];
  const byWord = new Map();
  for (const at of count(length)) {
    const word = axis.words[at] ?? -1;
    const hidden = word < 0 && (axis.special?.[at] ?? false);
    if (hidden && !specials) continue;
    if (!fold || word < 0) groups.push({ name: axis.pieces[at] ?? `#${at + 1}`, word, members: [at] });
    else if (byWord.has(word)) byWord.get(word).members.push(at);
    else {
      const group = { name: axis.surface?.[word] ?? axis.pieces[at], word, members: [at] };
      byWord.set(word, group);
      groups.push(group);
    }
  }
  return groups;
}

/**
 * `matrix` regrouped. `kind` "weights" sums over columns, averages over rows and gives hidden
 * columns' share back; "mean" averages over both, for similarities; "max" takes the largest.
 */
export function regroup(matrix, rows, columns, kind = "weights") {
  const data = new Float32Array(rows.length * columns.length);
  rows.forEach((row, r) => {
    columns.forEach((column, c) => {
      let [sum, most] = [0, 0];
      for (const i of row.members) {
        for (const j of column.members) {
          const value = matrix.data[i * matrix.columns + j];
          sum += value;
          if (value > most) most = value;
        }
      }
      data[r * columns.length + c] = kind === "max" ? most : sum / row.members.length / (kind === "mean" ? column.members.length : 1);
    });
    if (kind === "weights" && hides(columns, matrix.columns)) normalise(data, r, columns.length);
  });
  return { rows: rows.length, columns: columns.length, data };
}

const hides = (groups, length) => groups.reduce((sum, group) => sum + group.members.length, 0) < length;

function normalise(data, row, columns) {
  const part = data.subarray(row * columns, (row + 1) * columns);
  const sum = part.reduce((total, value) => total + value, 0);
  if (sum > 0) part.forEach((value, at) => { part[at] = value / sum; });
}

/** One value a group from one value a piece: `how` is "sum" (surprisal) or "mean". */
export function regroupVector(values, groups, how) {
  return groups.map(({ members }) => {
    const known = members.filter((at) => Number.isFinite(values[at]));
    if (!known.length) return null;
    const sum = known.reduce((total, at) => total + values[at], 0);
    return how === "mean" ? sum / known.length : sum;
  });
}

/**
 * The part of a matrix in a window of rows and columns, for texts too long to draw whole; with
 * `all` the columns are no words and stay.
 */
export function windowed(matrix, rows, columns, { from, size, all = false }) {
  const cut = (groups) => (groups.length > size ? groups.slice(from, from + size) : groups);
  const [r, c] = [cut(rows), all ? columns : cut(columns)];
  if (r.length === rows.length && c.length === columns.length) return { matrix, rows, columns };
  const first = { row: rows.length > size ? from : 0, column: columns.length > size && !all ? from : 0 };
  const data = new Float32Array(r.length * c.length);
  for (let at = 0; at < r.length; at++) {
    const start = (at + first.row) * matrix.columns + first.column;
    data.set(matrix.data.subarray(start, start + c.length), at * c.length);
  }
  return { matrix: { rows: r.length, columns: c.length, data }, rows: r, columns: c };
}

/** Transposed, each row divided by its sum: for every column of `matrix`, who looked at it. */
export function byColumn(matrix) {
  const data = new Float32Array(matrix.data.length);
  for (let r = 0; r < matrix.rows; r++) {
    for (let c = 0; c < matrix.columns; c++) data[c * matrix.rows + r] = matrix.data[r * matrix.columns + c];
  }
  const turned = { rows: matrix.columns, columns: matrix.rows, data };
  for (let r = 0; r < turned.rows; r++) normalise(data, r, turned.columns);
  return turned;
}

/** The one way figures use the above: regrouped and windowed as the record's controls say. */
export function shown(record, matrix, [rowAxis, columnAxis], view, kind = "weights") {
  const rows = groupsOf(axisOf(record, rowAxis), matrix.rows, view);
  const columns = groupsOf(axisOf(record, columnAxis), matrix.columns, view);
  return windowed(regroup(matrix, rows, columns, kind), rows, columns, view);
}
