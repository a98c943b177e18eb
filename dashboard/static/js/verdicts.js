// Saying "true alarm" or "false alarm": shown at once, written to the topic, taken back as easily.
import { ask } from "./api.js";
import { now, state, tell } from "./state.js";

/** Who judges, as they named themselves on this device. */
export const judge = {
  get name() { return localStorage.getItem("lab-name") || ""; },
  set name(text) { localStorage.setItem("lab-name", text.trim().slice(0, 80)); },
};

/** Judge an anomaly; the same verdict again takes it back. Throws when the server did not take it. */
export async function say(id, verdict, why = null) {
  const anomaly = state.anomalies.get(id);
  if (!anomaly) return;
  const before = anomaly.verdict;
  const back = verdict === null;
  const by = judge.name || "page";
  show(id, back ? null : { verdict, by, at_ms: now(), why });
  try {
    const path = `/anomalies/${id}/verdict`;
    if (back) await ask(path, { method: "DELETE" });
    else await ask(path, { method: "PUT", body: { verdict, by, why } });
  } catch (error) {
    show(id, before);
    state.problem = `The verdict was not taken: ${error.message}`;
    tell("problem");
  }
}

function show(id, verdict) {
  const anomaly = state.anomalies.get(id);
  if (!anomaly) return;
  state.anomalies.set(id, { ...anomaly, verdict });
  tell("anomalies");
}
