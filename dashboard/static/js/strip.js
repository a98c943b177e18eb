// The pipeline in one line, alive: rate, lag, who holds what, what came of it; and, when something waits, why.
import { byId, h, put, svg } from "./dom.js";
import { count, plural, rate, span } from "./format.js";
import { now, on, state } from "./state.js";
import { waitingText } from "./waiting.js";

const NAMES = ["Producer", "Topic metrics", "Prediction", "Anomalies", "Model", "Dead letters"];

/** Build once; keeps itself up to date. */
export function strip() {
  on("pipeline", show);
  on("model", show);
  on("anomalies", show);
  show();
}

function show() {
  const { pipeline, model } = state;
  const waiting = waitingText();
  byId("strip").classList.toggle("with-alerts", Boolean(pipeline?.alerts));
  put(byId("strip"), ...(pipeline ? [
    producer(pipeline), flow(pipeline.rate), topic(pipeline), flow(pipeline.scored_rate), prediction(pipeline, waiting),
    flow(pipeline.anomalies ? Math.min(pipeline.scored_rate, 1) : 0), anomalies(pipeline), alerts(pipeline.alerts), champion(model, pipeline, waiting), letters(pipeline),
  ] : NAMES.flatMap((name, i) => [node("", name, "–"), i < 3 ? flow(0) : null])));
}

function node(css, name, value, ...sub) {
  return h("a", { class: `node ${css}`, href: "#/pipeline" }, h("span", { class: "name" }, name), h("span", { class: "value" }, value), ...sub);
}

const line = (text) => h("span", { class: "sub", title: text }, text);

function flow(speed) {
  const pace = speed > 0 ? Math.max(0.5, 2.6 - 0.45 * Math.log10(1 + speed)) : 0;
  return h("div", { class: `flow${pace ? " moves" : ""}`, "aria-hidden": "true", style: { "--pace": `${pace.toFixed(2)}s` } }, h("i"), h("i"), h("i"));
}

function producer(pipeline) {
  const quiet = pipeline.quiet_s !== null;
  const text = quiet ? `quiet for ${span(pipeline.quiet_s)}` : `${count(pipeline.records)} records`;
  return node(`first${quiet ? " waits" : ""}`, "Producer", rate(pipeline.rate), line(text), spark(pipeline.rates));
}

function spark(rates) {
  const top = 1.5 * Math.max(...rates, 1e-9);
  const points = rates.map((one, i) => `${(100 * i) / Math.max(1, rates.length - 1)} ${(24 - (22 * one) / top).toFixed(1)}`);
  if (points.length < 2 || top < 1e-6) return null;
  return svg("svg", { class: "spark", viewBox: "0 0 100 25", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("path", { class: "area", d: `M${points.join("L")}L100 25L0 25Z` }), svg("path", { class: "line", d: `M${points.join("L")}` }));
}

function topic(pipeline) {
  const lag = pipeline.lag;
  const late = lag !== null && pipeline.lag_s !== null && pipeline.lag_s > 5;
  const text = lag === null ? "nobody reads it yet" : `lag ${count(lag)}${lag > 0 && pipeline.lag_s >= 1 ? `, ${span(pipeline.lag_s)}` : ""}`;
  return node(late ? "waits" : "", "Topic metrics", plural(pipeline.partitions.length, "partition"), line(text));
}

function prediction(pipeline, waiting) {
  const none = pipeline.members.length === 0;
  const held = pipeline.members.map((member) => h("span", { class: "member", title: member.name },
    ...(member.partitions.length ? member.partitions.map((number) => cell(pipeline, number)) : [h("span", { class: "nobody", title: "more members than partitions" }, "spare")])));
  const free = pipeline.partitions.filter((one) => one.holder === null);
  const cells = none ? line(waiting?.short || "no consumer") : h("span", { class: "cells by-member" }, ...held, free.length ? h("span", { class: "nobody" }, `${free.length} free`) : null);
  const value = none ? ["nobody"] : [plural(pipeline.members.length, "consumer"), " ", h("small", {}, rate(pipeline.scored_rate))];
  return node(none ? "waits" : "", "Prediction", h("span", {}, ...value), cells);
}

function cell(pipeline, number) {
  const lag = pipeline.partitions.find((one) => one.partition === number)?.lag ?? 0;
  return h("span", { class: lag > 1000 ? "behind" : "", title: `partition ${number}, lag ${count(lag)}` }, `p${number}`);
}

function anomalies(pipeline) {
  return node("", "Anomalies", count(pipeline.anomalies), line(pipeline.open_anomalies ? `${count(pipeline.open_anomalies)} to judge` : pipeline.anomalies ? "all judged" : "none so far"));
}

/** Where somebody is told: open incidents, and whether those who are to know do. */
function alerts(found) {
  if (!found) return null;
  const nobody = found.consumers === 0;
  const text = nobody ? "nobody tells of them" : found.untold ? `${count(found.untold)} not told yet` : found.open ? "all told" : "all is quiet";
  return node(nobody || found.untold ? "waits" : "", "Alerts", `${count(found.open)} open`, line(text));
}

function champion(model, pipeline, waiting) {
  if (!model) return node(pipeline.waiting?.state === "model" ? "waits" : "", "Model", "none yet", line(waiting?.done === undefined ? waiting?.short || "" : `${Math.floor(100 * waiting.done)} % of its records`));
  const age = `announced ${span(Math.max(0, (now() - model.announced_ms) / 1000))} ago`;
  return node(model.readable ? "" : "waits", "Model", h("span", { title: model.version }, shortVersion(model.version)), line(model.readable ? age : "not in reach of the page"));
}

/** Enough of a version to tell one from the next: what stands behind its instant, or its end. */
export function shortVersion(version) {
  const mark = /^\d{8}T\d{6}Z-(\w+)$/.exec(version)?.[1];
  return mark || (version.length > 13 ? `…${version.slice(-12)}` : version);
}

function letters(pipeline) {
  const bad = pipeline.dead_letters > 0;
  return node(bad ? "bad" : "", "Dead letters", count(pipeline.dead_letters), line(bad ? "not sent back" : pipeline.dead_letters_total ? "all sent back" : "none"));
}
