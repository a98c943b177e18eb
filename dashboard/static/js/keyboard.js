// The keyboard: everything that a mouse does here.
import { wholeSpan } from "./charts.js";
import { byId } from "./dom.js";
import { listed } from "./list.js";
import { found } from "./view_anomalies.js";
import { chooseKey } from "./view_keys.js";
import { select, state } from "./state.js";
import { say } from "./verdicts.js";

const VIEWS = ["live", "anomalies", "keys", "model", "pipeline"];

/** Listen. `pause` is called for space. */
export function keyboard(pause) {
  const actions = {
    j: () => step(1), k: () => step(-1), ArrowDown: null, t: () => judge("TRUE_ALARM"), f: () => judge("FALSE_ALARM"), " ": pause,
    "/": () => byId("key").focus(), "?": () => byId("help-dialog").showModal(), d: () => dispatchEvent(new Event("lab-theme-toggle")), Escape: escape,
  };
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea, dialog[open]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " && event.target.closest?.("button, a, summary")) return;
    const view = VIEWS[Number(event.key) - 1];
    const action = view ? () => { location.hash = `#/${view}`; } : actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

function step(by) {
  const all = state.view === "anomalies" ? found() : listed();
  if (!all.length) return;
  const at = all.findIndex((one) => one.id === state.selected);
  select(all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, at + by))].id);
}

function judge(verdict) {
  const anomaly = state.anomalies.get(state.selected);
  if (anomaly) say(anomaly.id, anomaly.verdict?.verdict === verdict ? null : verdict);
}

function escape() {
  if (state.selected) select(null);
  else if (state.zoom) wholeSpan();
  else if (state.key !== null) chooseKey(null);
}
