// The panels over one time axis: what they show, one cursor over all of them, dragging over a stretch to look closer.
import { byId, h, put, svg, words } from "./dom.js";
import { clock, instant, utc, value } from "./format.js";
import { GUTTER, Panel, RIGHT, palette, sized } from "./panel.js";
import { timeTicks } from "./scale.js";
import { now, on, select, shownAnomalies, state, tell } from "./state.js";
import { waitingText } from "./waiting.js";

const HIT = 14; // pixels around a mark
const DRAG = 8; // fewer is a click
const GAPS = 30; // a stretch of so many mean distances without a point is left open

let panels = [];
let axis = null;
let head = null;
let empty = null;
let drag = null;
let queued = false;
let colours = null;
let frozen = null; // the span that was shown when the picture was paused

/** Build once; draws itself from then on. */
export function charts() {
  on("metrics", build);
  on("points", draw);
  on("anomalies", draw);
  on("selected", bringIntoView);
  on("model", draw);
  on("pipeline", showEmpty);
  on("view", draw);
  on("span", draw);
  on("paused", () => {
    frozen = state.paused ? domain() : null;
    draw();
  });
  addEventListener("lab-theme", () => { colours = null; draw(); });
  new ResizeObserver(draw).observe(byId("charts"));
  build();
}

/** Show everything of the chosen span again. */
export function wholeSpan() {
  state.zoom = null;
  tell("span");
}

function build() {
  const box = byId("charts");
  head = h("div", { class: "chart-head" });
  empty = h("div", { class: "empty", hidden: true });
  panels = [];
  const rows = state.metrics.map((metric, column) => row(metric.name, column, metric));
  if (state.metrics.length) rows.push(row("score", state.metrics.length, null));
  const time = h("canvas", { "aria-hidden": "true" });
  axis = h("div", { class: "axis" }, time);
  put(box, head, ...rows, axis, empty);
  for (const canvas of box.querySelectorAll(".plot canvas")) listen(canvas);
  draw();
}

function row(name, column, metric) {
  const canvas = h("canvas", { role: "img", "aria-label": `${name} over time` });
  const panel = new Panel(canvas, column, metric ? metric.name : null);
  panel.reading = h("span", { class: "reading" });
  panel.about = h("span", { class: "about" });
  panels.push(panel);
  const title = metric ? name : "Score";
  return h("section", { class: `panel${metric ? "" : " score"}` },
    h("header", {}, h("h3", {}, title), panel.reading, panel.about),
    h("div", { class: "plot" }, canvas));
}

/** Draw at the next frame, once, however often it is asked for. */
export function draw() {
  if (queued) return;
  queued = true;
  requestAnimationFrame(() => {
    queued = false;
    if (state.view === "live" && !document.hidden) render();
  });
}

/** The instants at both ends. */
export function domain() {
  if (state.zoom) return state.zoom;
  if (frozen) return frozen;
  const { series } = state;
  if (series.n === 0) return [now() - 60000, now()];
  const last = Math.max(series.last, series.first + 1000);
  const first = state.span ? last - state.span : series.first;
  return [first, last + (last - first) * 0.008];
}

/** Draw now. */
export function render() {
  colours ||= palette();
  showEmpty();
  const [from, to] = domain();
  const { series } = state;
  const anomalies = shownAnomalies().filter((one) => one.at_ms >= from && one.at_ms <= to);
  const chosen = state.anomalies.get(state.selected);
  if (chosen) anomalies.push(...anomalies.splice(anomalies.indexOf(chosen), anomalies.includes(chosen) ? 1 : 0)); // on top
  const gap = series.n > 1 ? (GAPS * (series.last - series.first)) / Math.min(series.n, series.kept) : Infinity;
  const common = { series, from, to, anomalies, selected: state.selected, cursor: state.cursor, gap, dragged: drag?.from ?? null };
  const everywhere = united(state.metrics.flatMap((one) => one.windows));
  for (const panel of panels) {
    const metric = state.metrics.find((one) => one.name === panel.metric);
    panel.draw({
      ...common,
      unit: metric?.unit || "",
      windows: metric ? metric.windows : everywhere,
      usual: metric && state.model?.usual[metric.name],
      threshold: metric ? null : state.model?.threshold ?? null,
    }, colours);
    read(panel, metric);
  }
  drawAxis(from, to);
  drawHead(from, to);
}

/** Windows that overlap, as one. */
function united(windows) {
  const found = [];
  for (const [start, end] of [...windows].sort((a, b) => a[0] - b[0])) {
    const last = found.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else found.push([start, end]);
  }
  return found;
}

function read(panel, metric) {
  const { series } = state;
  const past = state.cursor !== null;
  const index = past ? series.nearest(state.cursor) : series.n - 1;
  const seen = index < 0 ? NaN : series.columns[panel.column][index];
  panel.reading.textContent = metric ? value(seen, metric.unit) : Number.isNaN(seen) ? "–" : seen.toFixed(3);
  panel.reading.classList.toggle("past", past);
  panel.about.textContent = metric ? usualText(metric, index) : scoreText(seen);
}

function usualText(metric, index) {
  const usual = state.model?.usual[metric.name];
  if (!usual || index < 0) return "";
  const hour = new Date(state.series.t[index]).getUTCHours();
  return `usual for ${String(hour).padStart(2, "0")}:00 UTC ${value(usual.median[hour], metric.unit)}`;
}

function scoreText(seen) {
  const threshold = state.model?.threshold;
  if (threshold === undefined || threshold === null) return state.model ? `no scores: ${state.model.why}` : "no model yet";
  const over = seen > threshold ? "above" : "below";
  return Number.isNaN(seen) ? `threshold ${threshold.toFixed(3)}` : `${over} the threshold of ${threshold.toFixed(3)}`;
}

function drawHead(from, to) {
  const what = state.key === null ? `All keys${state.pipeline?.keys ? ` (${state.pipeline.keys})` : ""}` : state.key;
  const looked = state.pipeline?.looked_at ?? 1;
  const sampled = looked < 0.999 ? h("span", { class: "tag LOW", title: "More records come than the page looks at" }, `samples: ${(looked * 100).toPrecision(2)} % of the records`) : null;
  const at = state.cursor ?? state.series.last;
  put(head,
    h("span", { class: "what", title: what }, what), sampled, legend(),
    state.zoom ? h("button", { type: "button", onclick: wholeSpan }, "Whole span (Esc)") : null,
    h("span", { class: "when" }, ...(state.series.n && Number.isFinite(at)
      ? [h("b", { title: utc(at) }, to - from < 7200000 ? `${instant(at)}${clock(at).slice(-3)}` : instant(at)), ` · ${utc(at).slice(11, 16)} UTC`] : [])));
}

function legend() {
  const line = (css, dash) => svg("svg", { viewBox: "0 0 16 12" }, svg("line", { x1: 0, x2: 16, y1: 6, y2: 6, "stroke-width": 2, stroke: `var(${css})`, "stroke-dasharray": dash }));
  return h("span", { class: "legend", "aria-hidden": "true" },
    h("span", {}, line("--series"), "observed"),
    state.model?.readable ? h("span", {}, line("--usual", "2 2"), "usual") : null,
    state.metrics.some((one) => one.windows.length) ? h("span", {}, svg("svg", { viewBox: "0 0 16 12" },
      svg("rect", { width: 16, height: 12, fill: "var(--window-fill)" }), svg("rect", { width: 16, height: 2, fill: "var(--window)" })), "labelled") : null,
    h("span", {}, svg("svg", { viewBox: "0 0 16 12" }, svg("path", { d: "M8 1 14 11H2Z", fill: "var(--alarm)" })), "anomaly"));
}

function drawAxis(from, to) {
  const { context, width } = sized(axis.firstChild);
  const plot = width - GUTTER - RIGHT;
  context.font = colours.font;
  context.textBaseline = "middle";
  context.textAlign = "center";
  for (const { at, text, strong } of timeTicks(from, to, Math.max(2, plot / 92))) {
    const x = GUTTER + ((at - from) / (to - from)) * plot;
    if (x > width - 24 || x < GUTTER + 4) continue;
    context.fillStyle = colours.line;
    context.fillRect(Math.round(x), 0, 1, 4);
    context.fillStyle = colours.text;
    context.font = strong ? `600 ${colours.font}` : colours.font;
    context.fillText(text, x, 13);
  }
}

function showEmpty() {
  if (!empty) return;
  const text = waitingText();
  const nothing = state.series.n === 0 && text !== null;
  empty.hidden = !nothing;
  for (const section of byId("charts").querySelectorAll(".panel, .axis")) section.hidden = nothing;
  if (nothing) put(empty, h("h3", {}, text.title), h("p", {}, words(text.body)),
    text.done === undefined ? null : h("div", { class: "progress", role: "progressbar", "aria-valuenow": Math.round(100 * text.done) }, h("i", { style: { width: `${100 * text.done}%` } })));
}

function listen(canvas) {
  const time = (event) => {
    const [from, to] = domain();
    const box = canvas.getBoundingClientRect();
    return from + ((event.clientX - box.left - GUTTER) / (box.width - GUTTER - RIGHT)) * (to - from);
  };
  canvas.addEventListener("pointermove", (event) => {
    state.cursor = Math.max(domain()[0], Math.min(domain()[1], time(event)));
    if (drag && event.pointerType === "mouse" && Math.abs(event.clientX - drag.x) > DRAG) drag.from = drag.start;
    canvas.style.cursor = hit(canvas, event) ? "pointer" : "crosshair";
    draw();
  });
  canvas.addEventListener("pointerleave", () => { state.cursor = null; drag = null; draw(); });
  canvas.addEventListener("pointerdown", (event) => { drag = { x: event.clientX, start: time(event), from: null }; });
  canvas.addEventListener("pointerup", (event) => {
    if (drag && drag.from !== null) {
      const ends = [drag.from, time(event)].sort((a, b) => a - b);
      if (ends[1] - ends[0] > 1000) state.zoom = ends;
      tell("span");
    } else {
      const mark = hit(canvas, event);
      if (mark) select(mark.id);
    }
    drag = null;
    draw();
  });
  canvas.addEventListener("dblclick", wholeSpan);
}

function hit(canvas, event) {
  const panel = panels.find((one) => one.canvas === canvas);
  const box = canvas.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const near = panel.marks.filter((mark) => Math.abs(mark.x - x) < HIT && Math.abs(mark.y - y) < HIT);
  return near.sort((a, b) => Math.hypot(a.x - x, a.y - y) - Math.hypot(b.x - x, b.y - y))[0];
}

/** Move the stretch that is shown so that the selected anomaly is in it. */
function bringIntoView() {
  const chosen = state.anomalies.get(state.selected);
  if (chosen) {
    const [from, to] = domain();
    if (chosen.at_ms < from || chosen.at_ms > to) {
      const half = (to - from) / 2;
      state.zoom = [chosen.at_ms - half, chosen.at_ms + half];
      tell("span");
    }
  }
  draw();
}

/** For tests and the curious: where an anomaly is drawn, in pixels of the page. */
export function placeOf(id) {
  for (const panel of panels) {
    const mark = panel.marks.find((one) => one.id === id);
    if (mark) {
      const box = panel.canvas.getBoundingClientRect();
      return { x: box.left + mark.x, y: box.top + mark.y };
    }
  }
  return null;
}
