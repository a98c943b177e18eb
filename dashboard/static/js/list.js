// The list beside the charts.
import { byId, h, put, words } from "./dom.js";
import { entry } from "./card.js";
import { count } from "./format.js";
import { on, shownAnomalies, state } from "./state.js";
import { waitingText } from "./waiting.js";

const SHOWN = 150;
const FILTERS = {
  all: { text: "All", keep: () => true },
  open: { text: "To judge", keep: (one) => !one.verdict },
  judged: { text: "Judged", keep: (one) => one.verdict },
};
let filter = "all";
let typing = false;
let waits = false;

/** Build once; keeps itself up to date. */
export function list() {
  const buttons = Object.entries(FILTERS).map(([name, { text }]) =>
    h("button", { type: "button", "data-filter": name, onclick: () => { filter = name; show(); } }, text));
  put(byId("side-filter"), ...buttons);
  on("anomalies", soon);
  on("selected", () => { show(); bringIntoView(); });
  on("metrics", show);
  on("view", show);
  on("pipeline", () => { if (state.anomalies.size === 0) show(); });
  byId("side-list").addEventListener("focusin", (event) => { typing = event.target.tagName === "INPUT"; });
  byId("side-list").addEventListener("focusout", () => { typing = false; });
  show();
}

/** What the list shows, in its order. */
export const listed = () => shownAnomalies().filter((one) => FILTERS[filter].keep(one) || one.id === state.selected);

/** Show at the next frame, once, however many came. */
function soon() {
  if (waits) return;
  waits = true;
  requestAnimationFrame(() => { waits = false; show(); });
}

function show() {
  if (state.view !== "live" || typing) return;
  const found = listed();
  for (const button of byId("side-filter").children) button.setAttribute("aria-pressed", String(button.dataset.filter === filter));
  byId("side-count").textContent = state.anomalies.size ? count(found.length) : "";
  const focused = document.activeElement?.closest?.(".anomaly")?.dataset.id;
  const entries = found.slice(0, SHOWN).map(entry);
  const more = found.length > SHOWN ? h("li", { class: "nothing" }, h("a", { href: "#/anomalies" }, `${count(found.length - SHOWN)} more`)) : null;
  const all = found.length > 4 ? h("li", { class: "all-of-them" }, h("a", { href: "#/anomalies" }, `All ${count(found.length)} anomalies`)) : null;
  put(byId("side-list"), ...(entries.length ? [...entries, more, all] : [nothing()]));
  if (focused && document.activeElement === document.body) byId("side-list").querySelector(`[data-id="${focused}"] > button`)?.focus({ preventScroll: true });
}

function nothing() {
  if (filter !== "all" && state.anomalies.size) return h("li", { class: "nothing" }, h("b", {}, filter === "open" ? "All judged" : "Nothing judged yet"), filter === "open" ? "Nothing is left to say." : "Open an anomaly and press t or f.");
  const text = waitingText();
  if (text) return h("li", { class: "nothing" }, h("b", {}, text.title), words(text.body));
  return h("li", { class: "nothing" }, h("b", {}, "Nothing strange so far"), "What the detector finds appears here within a second.");
}

function bringIntoView() {
  byId("side-list").querySelector(".anomaly.open")?.scrollIntoView({ block: "nearest" });
}
