// The points that are drawn, in order of event time, in arrays that stay below twice the limit.

export const KEPT = 20000;

export class Series {
  /** `columns` values a point, the score being the last of them. */
  constructor(columns, kept = KEPT) {
    this.kept = kept;
    this.n = 0;
    this.t = new Float64Array(2 * kept);
    this.columns = Array.from({ length: columns }, () => new Float32Array(2 * kept));
  }

  /** Take points in as the stream gives them: `t`, one list a metric in `v`, scores in `s` (null: not scored). */
  append({ t, v, s }) {
    const score = this.columns.length - 1;
    let sorted = true;
    for (let i = 0; i < t.length; i++) {
      if (this.n === 2 * this.kept) this.#compact();
      const at = this.n++;
      if (at > 0 && t[i] < this.t[at - 1]) sorted = false;
      this.t[at] = t[i];
      for (let c = 0; c < score; c++) this.columns[c][at] = v[c][i];
      this.columns[score][at] = s[i] === null ? NaN : s[i];
    }
    if (!sorted) this.#sort();
  }

  get first() { return this.t[this.begin]; }
  get last() { return this.t[this.n - 1]; }
  /** Index of the oldest point that counts. */
  get begin() { return Math.max(0, this.n - this.kept); }

  /** Index of the first point at or after an instant. */
  index(ms) {
    let low = this.begin;
    let high = this.n;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.t[middle] < ms) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Index of the point nearest to an instant; -1 where there is none. */
  nearest(ms) {
    if (this.n === 0) return -1;
    const after = Math.min(this.index(ms), this.n - 1);
    const before = Math.max(this.begin, after - 1);
    return ms - this.t[before] < this.t[after] - ms ? before : after;
  }

  #compact() {
    const from = this.n - this.kept;
    this.t.copyWithin(0, from, this.n);
    for (const column of this.columns) column.copyWithin(0, from, this.n);
    this.n = this.kept;
  }

  #sort() {
    const order = Uint32Array.from({ length: this.n }, (_, i) => i).sort((a, b) => this.t[a] - this.t[b]);
    this.t.set(Float64Array.from(order, (i) => this.t[i]));
    for (const column of this.columns) column.set(Float32Array.from(order, (i) => column[i]));
  }
}

/** The lowest and highest value of a column between two indices; null where there is none. */
export function extent(column, from, to) {
  let low = Infinity;
  let high = -Infinity;
  for (let i = from; i < to; i++) {
    const value = column[i];
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}
