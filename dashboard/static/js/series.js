// The points that are drawn, in order of event time, in arrays that never grow: the newest half as they came, the past
// ever coarser, with the lowest and highest of each stretch of time, so that no spike of it vanishes.

export const KEPT = 20000;

export class Series {
  /** `columns` values a point, the score being the last of them. */
  constructor(columns, kept = KEPT) {
    this.kept = kept;
    this.n = 0;
    this.t = new Float64Array(kept);
    this.columns = Array.from({ length: columns }, () => new Float32Array(kept));
  }

  /** Take points in as the stream gives them: `t`, one list a metric in `v`, scores in `s` (null: not scored). */
  append({ t, v, s }) {
    const score = this.columns.length - 1;
    let sorted = true;
    for (let i = 0; i < t.length; i++) {
      if (this.n === this.kept) {
        if (!sorted) this.#sort();
        sorted = true;
        this.#fade();
      }
      const at = this.n++;
      if (at > 0 && t[i] < this.t[at - 1]) sorted = false;
      this.t[at] = t[i];
      for (let c = 0; c < score; c++) this.columns[c][at] = v[c][i];
      this.columns[score][at] = s[i] === null ? NaN : s[i];
    }
    if (!sorted) this.#sort();
  }

  get first() { return this.t[0]; }
  get last() { return this.t[this.n - 1]; }

  /** Index of the first point at or after an instant. */
  index(ms) {
    let low = 0;
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
    const before = Math.max(0, after - 1);
    return ms - this.t[before] < this.t[after] - ms ? before : after;
  }

  /** Thin the older half to a quarter: of equal stretches of time the lowest and highest of each column. */
  #fade() {
    const half = this.n >> 1;
    const stretches = Math.max(1, Math.floor(this.kept / 4 / (2 * this.columns.length)));
    const wide = (this.t[half - 1] - this.t[0]) / stretches || 1;
    const keep = new Set();
    for (let from = 0, to; from < half; from = to) {
      const end = this.t[from] + wide;
      for (to = from + 1; to < half && this.t[to] < end; to++);
      for (const column of this.columns) {
        let low = from, high = from;
        for (let i = from; i < to; i++) {
          if (column[i] < column[low]) low = i;
          if (column[i] > column[high]) high = i;
        }
        keep.add(low).add(high);
      }
    }
    const order = [...keep].sort((a, b) => a - b);
    const left = order.length + this.n - half;
    for (const array of [this.t, ...this.columns]) {
      order.forEach((from, to) => { array[to] = array[from]; });
      array.copyWithin(order.length, half, this.n);
    }
    this.n = left;
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
