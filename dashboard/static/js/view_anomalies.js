// All anomalies that are kept, searched and filtered; the same entries as beside the charts.
import { byId, h, put } from "./dom.js";
import { entry, fetchAnomaly } from "./card.js";
import { count } from "./format.js";
import { on, state } from "./state.js";

const SHOWN = 300;
const wanted = { search: "", severity: "", said: "" };
let listBox = null;
let note = null;
let typing = false;

/** Build once; shows itself when its view is on. */
export function anomaliesView() {
  const choose = (name, label, options) => h("label", {}, h("span", { class: "hidden" }, label),
    h("select", { class: "field", onchange: (event) => { wanted[name] = event.target.value; show(); } },
      options.map(([value, text]) => h("option", { value }, text))));
  listBox = h("ol", { class: "anomalies" });
  note = h("span", { class: "count" });
  put(byId("view-anomalies"),
    h("div", { class: "page-head" }, h("h1", {}, "Anomalies ", note),
      h("input", { class: "field", type: "search", placeholder: "Key or reason", "aria-label": "Search in key and reason", oninput: (event) => { wanted.search = event.target.value.toLowerCase(); show(); } }),
      choose("severity", "Severity", [["", "Any severity"], ["HIGH", "High ▲"], ["MEDIUM", "Medium ◆"], ["LOW", "Low ●"]]),
      choose("said", "Verdict", [["", "Judged or not"], ["open", "To judge"], ["TRUE_ALARM", "True alarms"], ["FALSE_ALARM", "False alarms"]])),
    listBox);
  listBox.addEventListener("focusin", (event) => { typing = event.target.tagName === "INPUT"; });
  listBox.addEventListener("focusout", () => { typing = false; });
  on("anomalies", show);
  on("selected", show);
  on("view", async () => {
    if (state.view === "anomalies" && state.selected && !state.anomalies.has(state.selected)) await fetchAnomaly(state.selected).catch(() => null);
    show();
    listBox.querySelector(".open")?.scrollIntoView({ block: "center" });
  });
}

/** What the view shows, in its order. */
export function found() {
  const all = [...state.anomalies.values()].filter((one) =>
    (!wanted.severity || one.severity === wanted.severity)
    && (!wanted.said || (wanted.said === "open" ? !one.verdict : one.verdict?.verdict === wanted.said))
    && `${one.key} ${one.reason}`.toLowerCase().includes(wanted.search) || one.id === state.selected);
  return all.sort((a, b) => b.at_ms - a.at_ms || (a.id < b.id ? 1 : -1));
}

function show() {
  if (state.view !== "anomalies" || typing) return;
  const all = found();
  note.textContent = count(all.length);
  put(listBox, ...(all.length ? all.slice(0, SHOWN).map(entry) : [h("li", { class: "nothing" }, h("b", {}, "Nothing matches"), "Another search or filter may.")]));
}
