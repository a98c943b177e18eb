// Numbers and instants as a person reads them: units, few digits, local time with UTC beside it.

const PREFIXES = ["", "k", "M", "G", "T", "P"];

/** `3.2 MB`, `41 %`, `0.0123`: a value in its unit. */
export function value(number, unit = "") {
  if (number === null || number === undefined || Number.isNaN(number)) return "–";
  if (unit === "%") return `${digits(number)} %`;
  const size = Math.abs(number);
  const letter = unit === "bytes" ? "B" : unit;
  if (size >= 1000) {
    const step = Math.min(PREFIXES.length - 1, Math.floor(Math.log10(size) / 3));
    return `${digits(number / 1000 ** step)} ${PREFIXES[step]}${letter}`;
  }
  return letter ? `${digits(number)} ${letter}` : digits(number);
}

/** Three digits that count: 0.0123, 1.23, 12.3, 123. */
export function digits(number) {
  const size = Math.abs(number);
  if (size === 0) return "0";
  if (size >= 100) return Math.round(number).toLocaleString();
  if (size < 1e-4) return number.toExponential(1);
  return String(Number(number.toPrecision(3)));
}

/** Whole numbers with separators. */
export const count = (number) => Math.round(number).toLocaleString();

/** `one key`, `12 keys`. */
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** A rate: `25.0/s`, `1,024/s`, `0.4/s`. */
export function rate(number) {
  if (number === 0) return "0/s";
  return number >= 100 ? `${count(number)}/s` : `${number >= 10 ? number.toFixed(0) : number.toFixed(1)}/s`;
}

/** `40 s`, `12 min`, `3 h`, `2 d`. */
export function span(seconds) {
  const steps = [[86400, "d"], [3600, "h"], [60, "min"]];
  for (const [size, name] of steps) if (seconds >= 1.5 * size) return `${Math.round(seconds / size)} ${name}`;
  return seconds >= 9.5 || Number.isInteger(seconds) ? `${Math.round(seconds)} s` : `${seconds.toFixed(1)} s`;
}

const LOCAL = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const SECONDS = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** Local date and time, to the minute. */
export const instant = (ms) => LOCAL.format(ms);

/** Local time of day, to the second. */
export const clock = (ms) => SECONDS.format(ms);

/** The same instant in UTC, whole. */
export const utc = (ms) => `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** `2 min ago`. */
export const ago = (ms, now) => (now - ms < 1500 ? "just now" : `${span((now - ms) / 1000)} ago`);

export const SEVERITY = { HIGH: "high", MEDIUM: "medium", LOW: "low" };
export const VERDICT = { TRUE_ALARM: "true alarm", FALSE_ALARM: "false alarm" };
