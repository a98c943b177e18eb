// What this page knows, and who wants to hear of which change.
import { Series } from "./series.js";

export const ANOMALIES_KEPT = 2000;
const listeners = new Map();

export const state = {
  metrics: [],
  series: new Series(1),
  anomalies: new Map(), // by id
  pipeline: null,
  model: null,
  key: null, // null: all keys together
  selected: null, // id of the anomaly whose card is open
  span: 0, // milliseconds of event time that the charts show; 0: all
  zoom: null, // [from, to] once somebody dragged over a stretch
  cursor: null, // instant under the pointer
  view: "live",
  paused: false,
  connection: "connecting", // live, lost
  lostAt: 0,
  skew: 0, // this browser's clock minus the server's, in milliseconds
  fresh: new Set(), // ids that came while the page was open
};

/** Call `listener` after each change of `topic`. */
export function on(topic, listener) {
  if (!listeners.has(topic)) listeners.set(topic, []);
  listeners.get(topic).push(listener);
}

/** Tell that a topic changed. */
export function tell(...topics) {
  for (const topic of topics) for (const listener of listeners.get(topic) || []) listener();
}

/** The server's time. */
export const now = () => Date.now() - state.skew;

/** The unit of a metric. */
export const unitOf = (name) => state.metrics.find((one) => one.name === name)?.unit || "";

/** The anomalies of the key that is shown, the latest event first. */
export function shownAnomalies() {
  const all = [...state.anomalies.values()].filter((one) => state.key === null || one.key === state.key);
  return all.sort((a, b) => b.at_ms - a.at_ms || (a.id < b.id ? 1 : -1));
}

/** Open the card of an anomaly, or close it (null). */
export function select(id) {
  state.selected = id;
  tell("selected");
}

/** Take in one message of the stream. */
export function take(update) {
  state.skew = Date.now() - update.now_ms;
  if (update.reset) {
    state.anomalies.clear();
    state.fresh.clear();
  }
  if (update.metrics) {
    state.metrics = update.metrics;
    tell("metrics");
  }
  if (update.reset || update.metrics) state.series = new Series(state.metrics.length + 1);
  if (update.points && update.points.v.length === state.metrics.length) state.series.append(update.points);
  for (const anomaly of update.anomalies) {
    if (!update.reset && !state.anomalies.has(anomaly.id)) state.fresh.add(anomaly.id);
    state.anomalies.set(anomaly.id, anomaly);
  }
  for (const id of state.anomalies.keys()) {
    if (state.anomalies.size <= ANOMALIES_KEPT) break;
    state.anomalies.delete(id);
  }
  if (update.model) state.model = update.model;
  if (update.pipeline) state.pipeline = update.pipeline;
  if (update.points || update.reset) tell("points");
  if (update.anomalies.length || update.reset) tell("anomalies");
  if (update.model) tell("model");
  if (update.pipeline) tell("pipeline");
}
