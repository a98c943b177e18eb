// One panel: a line over time with its labelled windows, what is usual, the anomalies, and the cursor.
import { extent } from "./series.js";
import { drawGlyph } from "./glyph.js";
import { ticks } from "./scale.js";
import { trace } from "./trace.js";
import { value as inUnit } from "./format.js";

export const GUTTER = 58; // pixels left of the plot, for the values
export const RIGHT = 14;
const HOUR = 3600000;
const GLYPH = 13;
const APART = 9; // pixels between two marks

/** The colours of the theme that is on. */
export function palette() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  return {
    series: colour("--series"), usual: colour("--usual"), alarm: colour("--alarm"), surface: colour("--surface"),
    line: colour("--line"), text: colour("--ink-3"), faint: colour("--ink-3"), accent: colour("--accent"),
    window: colour("--window"), windowFill: colour("--window-fill"), font: `11px ${colour("--font")}`,
  };
}

/** A canvas of the size it has on the screen, sharp on any screen. */
export function sized(canvas) {
  const ratio = devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** Of marks that would lie on each other the strongest; the selected one always. */
function apart(marks, selected) {
  const kept = [];
  const strength = (mark) => (mark.id === selected ? 2 : mark.anomaly.score);
  for (const mark of [...marks].sort((a, b) => strength(b) - strength(a))) {
    if (!kept.some((one) => Math.abs(one.x - mark.x) < APART && Math.abs(one.y - mark.y) < APART)) kept.push(mark);
  }
  return kept.reverse();
}

export class Panel {
  /**
   * `column` is the place in the series; `metric` is null for the scores. `marks` is filled at each drawing: where
   * each anomaly is on this panel.
   */
  constructor(canvas, column, metric) {
    Object.assign(this, { canvas, column, metric, marks: [] });
  }

  /** Draw. `scene` has: series, from, to (instants), anomalies, selected, cursor, usual, threshold, unit, windows. */
  draw(scene, colours) {
    const { context, width, height } = sized(this.canvas);
    if (width < GUTTER + 40 || height < 30) return;
    const { series, from, to } = scene;
    const first = Math.max(0, series.index(from) - 1);
    const last = Math.min(series.n, series.index(to) + 1);
    const column = series.columns[this.column];
    const [low, high] = this.#domain(scene, extent(column, first, last));
    const plot = { left: GUTTER, right: width - RIGHT, top: 9, bottom: height - 7 };
    const x = (ms) => plot.left + ((ms - from) / (to - from)) * (plot.right - plot.left);
    const y = (one) => plot.bottom - ((one - low) / (high - low)) * (plot.bottom - plot.top);
    this.y = y;
    this.#grid(context, colours, plot, low, high, y, scene.unit);
    context.save();
    context.beginPath();
    context.rect(plot.left - 1, 0, plot.right - plot.left + 2, height);
    context.clip();
    this.#windows(context, colours, scene.windows, x, plot);
    if (scene.usual) this.#usual(context, colours, scene, x, y);
    if (scene.threshold !== null) this.#threshold(context, colours, scene.threshold, plot, y);
    this.#lines(context, colours, scene, x, plot);
    context.strokeStyle = colours.series;
    context.lineWidth = 1.4;
    context.lineJoin = "round";
    trace(context, series, column, first, last, x, y, scene.gap);
    context.restore();
    this.#anomalies(context, colours, scene, x, y, plot);
    if (scene.cursor !== null) this.#cursor(context, colours, scene, x, y, plot, column);
  }

  #domain(scene, found) {
    let [low, high] = found || [0, 1];
    if (this.metric === null) {
      low = Math.min(low, scene.threshold ?? low);
      high = Math.max(high, scene.threshold ?? high);
      const pad = Math.max(0.02, (high - low) * 0.12);
      return [Math.max(0, low - pad), Math.min(1, high + pad)];
    }
    for (const anomaly of scene.anomalies) {
      const seen = anomaly.evidence.find((one) => one.metric === this.metric)?.observed;
      if (seen !== undefined) [low, high] = [Math.min(low, seen), Math.max(high, seen)];
    }
    if (low >= 0 && low < 0.5 * high) low = 0;
    const pad = (high - low || Math.abs(high) || 1) * 0.08;
    return [low === 0 ? 0 : low - pad, high + pad];
  }

  #grid(context, colours, plot, low, high, y, unit) {
    context.font = colours.font;
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.lineWidth = 1;
    for (const tick of ticks(low, high, (plot.bottom - plot.top) / 38)) {
      const at = Math.round(y(tick)) + 0.5;
      context.strokeStyle = colours.line;
      context.beginPath();
      context.moveTo(plot.left, at);
      context.lineTo(plot.right, at);
      context.stroke();
      context.fillStyle = colours.text;
      context.fillText(this.metric === null ? String(Number(tick.toFixed(3))) : inUnit(tick, unit), plot.left - 8, at);
    }
  }

  #windows(context, colours, windows, x, plot) {
    for (const [start, end] of windows) {
      const left = x(start);
      const wide = Math.max(2, x(end) - left);
      if (left > plot.right || left + wide < plot.left) continue;
      context.fillStyle = colours.windowFill;
      context.fillRect(left, 0, wide, plot.bottom + 7);
      context.strokeStyle = colours.window;
      context.lineWidth = 2;
      context.beginPath(); // a bar along the top, so that it is told apart without its colour
      context.moveTo(left, 1);
      context.lineTo(left + wide, 1);
      context.stroke();
    }
  }

  #usual(context, colours, { usual, from, to }, x, y) {
    context.strokeStyle = colours.usual;
    context.lineWidth = 1;
    context.setLineDash([2, 3]);
    context.beginPath();
    const step = HOUR * Math.max(1, Math.ceil((to - from) / HOUR / 700));
    for (let at = Math.floor(from / HOUR) * HOUR; at <= to; at += step) {
      const level = y(usual.median[(Math.floor(at / HOUR) % 24 + 24) % 24]);
      context.lineTo(x(at), level);
      context.lineTo(x(at + step), level);
    }
    context.stroke();
    context.setLineDash([]);
  }

  #threshold(context, colours, threshold, plot, y) {
    const at = Math.round(y(threshold)) + 0.5;
    context.strokeStyle = colours.alarm;
    context.lineWidth = 1.2;
    context.setLineDash([6, 4]);
    context.beginPath();
    context.moveTo(plot.left, at);
    context.lineTo(plot.right, at);
    context.stroke();
    context.setLineDash([]);
    context.font = colours.font;
    context.textAlign = "left";
    context.textBaseline = "bottom";
    context.fillStyle = colours.alarm;
    context.fillText("threshold", plot.left + 4, at - 2);
  }

  /** A hair line for each anomaly, on every panel: what happens at one instant lines up. */
  #lines(context, colours, scene, x, plot) {
    context.lineWidth = 1;
    const taken = new Set();
    for (const anomaly of [...scene.anomalies].reverse()) { // the chosen one is the last
      const column = Math.round(x(anomaly.at_ms) / 2);
      if (taken.has(column)) continue;
      taken.add(column);
      const chosen = anomaly.id === scene.selected;
      context.globalAlpha = chosen ? 1 : 0.3;
      context.strokeStyle = chosen ? colours.accent : colours.alarm;
      if (anomaly.verdict?.verdict === "FALSE_ALARM" && !chosen) context.strokeStyle = colours.faint;
      const at = Math.round(x(anomaly.at_ms)) + 0.5;
      context.beginPath();
      context.moveTo(at, 0);
      context.lineTo(at, plot.bottom + 7);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  #anomalies(context, colours, scene, x, y, plot) {
    this.marks = [];
    for (const anomaly of scene.anomalies) {
      const level = this.metric === null ? anomaly.score : this.#level(anomaly);
      if (level === null) continue;
      const at = x(anomaly.at_ms);
      if (at < plot.left - 2 || at > plot.right + 2) continue;
      const height = Math.max(plot.top - 1, Math.min(plot.bottom, y(level)));
      if (anomaly.id === scene.selected) this.#ring(context, colours, at, height);
      this.marks.push({ x: at, y: height, id: anomaly.id, anomaly });
    }
    for (const mark of apart(this.marks, scene.selected)) drawGlyph(context, mark.anomaly, mark.x, mark.y, GLYPH, colours);
  }

  #ring(context, colours, x, y) {
    context.strokeStyle = colours.accent;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x, y, GLYPH * 0.85, 0, 2 * Math.PI);
    context.stroke();
  }

  /** The observed value where this metric has a part in the alarm. */
  #level(anomaly) {
    const top = Math.max(...anomaly.evidence.map((one) => one.contribution));
    const mine = anomaly.evidence.find((one) => one.metric === this.metric);
    const has = mine && (mine.direction !== "USUAL" || (top > 0 && mine.contribution >= 0.34) || top === 0);
    return has ? mine.observed : null;
  }

  #cursor(context, colours, scene, x, y, plot, column) {
    const at = Math.round(x(scene.cursor)) + 0.5;
    if (at < plot.left || at > plot.right) return;
    context.strokeStyle = colours.text;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(at, 0);
    context.lineTo(at, plot.bottom + 7);
    context.stroke();
    if (scene.dragged !== null) {
      context.fillStyle = colours.accent;
      context.globalAlpha = 0.14;
      context.fillRect(x(scene.dragged), 0, at - x(scene.dragged), plot.bottom + 7);
      context.globalAlpha = 1;
    }
    const index = scene.series.nearest(scene.cursor);
    if (index < 0 || Number.isNaN(column[index])) return;
    context.fillStyle = colours.series;
    context.strokeStyle = colours.surface;
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(x(scene.series.t[index]), y(column[index]), 3.6, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
}
