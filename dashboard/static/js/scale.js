// Ticks: round numbers on the value axis, round local times on the time axis.

/** Round steps between two values, about `wanted` of them. */
export function ticks(low, high, wanted) {
  const raw = (high - low) / Math.max(1, wanted);
  if (!(raw > 0) || !Number.isFinite(raw)) return [low];
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].find((one) => one * power >= raw) * power;
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(k * step);
  return found;
}

const MINUTE = 60000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const STEPS = [1000, 5000, 15000, 30000, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR,
  DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY, 364 * DAY];
const format = (options) => new Intl.DateTimeFormat(undefined, { hourCycle: "h23", ...options });
const FORMATS = {
  second: format({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
  minute: format({ hour: "2-digit", minute: "2-digit" }),
  day: format({ month: "short", day: "numeric" }),
};

/** Instants for the axis with their texts, about `wanted` of them; a new day says which. */
export function timeTicks(from, to, wanted) {
  const step = STEPS.find((one) => (to - from) / one <= wanted) || STEPS.at(-1);
  const zone = new Date(from).getTimezoneOffset() * MINUTE;
  const found = [];
  for (let at = Math.ceil((from - zone) / step) * step + zone; at <= to; at += step) {
    const midnight = (at - zone) % DAY === 0;
    const kind = step >= DAY || midnight ? "day" : step < MINUTE ? "second" : "minute";
    found.push({ at, text: FORMATS[kind].format(at), strong: midnight && step < DAY });
  }
  return found;
}
