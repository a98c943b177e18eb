// One shape a severity, the same on the charts and in the list: triangle high, diamond medium, circle low.
import { svg } from "./dom.js";

const PATHS = { HIGH: "M10 3.200 17 15.800H3Z", MEDIUM: "M10 2.500 16.500 10 10 17.500 3.500 10Z" };

/** The shape for the list; hollow and crossed once it was called a false alarm. */
export function glyph(anomaly) {
  const dismissed = anomaly.verdict?.verdict === "FALSE_ALARM";
  const path = PATHS[anomaly.severity];
  return svg("svg", { viewBox: "0 0 20 20", class: `glyph${dismissed ? " false" : ""}`, "aria-hidden": "true" },
    path ? svg("path", { d: path }) : svg("circle", { cx: 10, cy: 10, r: 5.2 }),
    dismissed ? svg("line", { x1: 3.500, y1: 17, x2: 16.500, y2: 3 }) : null);
}

/** The same shape on a canvas, `size` pixels across. */
export function drawGlyph(context, anomaly, x, y, size, colours) {
  const r = size / 2;
  const dismissed = anomaly.verdict?.verdict === "FALSE_ALARM";
  context.beginPath();
  if (anomaly.severity === "HIGH") {
    context.moveTo(x, y - r);
    context.lineTo(x + r, y + 0.8 * r);
    context.lineTo(x - r, y + 0.8 * r);
    context.closePath();
  } else if (anomaly.severity === "MEDIUM") {
    context.moveTo(x, y - r);
    context.lineTo(x + 0.9 * r, y);
    context.lineTo(x, y + r);
    context.lineTo(x - 0.9 * r, y);
    context.closePath();
  } else {
    context.arc(x, y, 0.75 * r, 0, 2 * Math.PI);
  }
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  if (dismissed) {
    context.fillStyle = colours.surface;
    context.strokeStyle = colours.faint;
    context.fill();
    context.stroke();
    context.beginPath();
    context.moveTo(x - r, y + r);
    context.lineTo(x + r, y - r);
    context.stroke();
  } else {
    context.fillStyle = colours.alarm;
    context.strokeStyle = colours.surface;
    context.fill();
    context.stroke();
  }
}
