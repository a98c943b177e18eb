// A line through any number of points: of each pixel column its first, lowest, highest and last value, so that no
// spike vanishes and no more is drawn than can be seen.

/**
 * Draw `column` of `series` from index `from` to `to`; `x` and `y` map instant and value to pixels.
 * A stretch without points longer than `gap` milliseconds is left open.
 */
export function trace(context, series, column, from, to, x, y, gap) {
  context.beginPath();
  let pixel = NaN;
  let first = 0, low = 0, high = 0, last = 0;
  let lastTime = -Infinity;
  let open = false;
  const flush = () => {
    if (Number.isNaN(pixel)) return;
    if (open) context.lineTo(pixel, y(first));
    else context.moveTo(pixel, y(first));
    open = true;
    if (low !== first) context.lineTo(pixel, y(low));
    if (high !== low) context.lineTo(pixel, y(high));
    if (last !== high) context.lineTo(pixel, y(last));
  };
  for (let i = from; i < to; i++) {
    const value = column[i];
    if (Number.isNaN(value)) continue;
    const time = series.t[i];
    const at = Math.round(x(time) * 2) / 2;
    if (at === pixel && time - lastTime <= gap) {
      if (value < low) low = value;
      if (value > high) high = value;
      last = value;
    } else {
      flush();
      if (time - lastTime > gap) open = false;
      pixel = at;
      first = low = high = last = value;
    }
    lastTime = time;
  }
  flush();
  context.stroke();
}
