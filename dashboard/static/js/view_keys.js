// Keys: found by name, in an order, a hundred at a time; a click shows the series of one.
import { ask } from "./api.js";
import { byId, h, put } from "./dom.js";
import { ago, count, instant, utc } from "./format.js";
import { on, state, tell } from "./state.js";

const EVERY_MS = 3000;
const wanted = { search: "", order: "anomalies" };
let body = null;
let note = null;

/** Show the series of one key, or (null) of all. */
export function chooseKey(key) {
  state.key = key;
  state.zoom = null;
  tell("key");
}

/** Build once; asks while its view is on. */
export function keysView() {
  body = h("tbody");
  note = h("span", { class: "count" });
  const orders = [["anomalies", "Most anomalies"], ["recent", "Latest record"], ["records", "Most records"], ["name", "Name"]];
  put(byId("view-keys"),
    h("div", { class: "page-head" }, h("h1", {}, "Keys ", note),
      h("input", { class: "field", type: "search", placeholder: "Part of a key", "aria-label": "Search keys", oninput: (event) => { wanted.search = event.target.value; load(); } }),
      h("select", { class: "field", "aria-label": "Order", onchange: (event) => { wanted.order = event.target.value; load(); } }, orders.map(([value, text]) => h("option", { value }, text)))),
    h("div", { class: "sheet" }, h("table", {},
      h("thead", {}, h("tr", {}, h("th", {}, "Key"), h("th", {}, "Partition"), h("th", { class: "number" }, "Records seen"), h("th", { class: "number" }, "Anomalies"), h("th", {}, "Newest record, event time"))),
      body)));
  on("view", () => state.view === "keys" && load());
  setInterval(() => { if (state.view === "keys" && !document.hidden) load(); }, EVERY_MS);
}

async function load() {
  const query = new URLSearchParams(wanted);
  const answer = await ask(`/keys?${query}`).catch(() => null);
  if (!answer) return;
  const more = answer.matching - answer.keys.length;
  note.textContent = `${count(answer.matching)}${more > 0 ? `, the first ${answer.keys.length} are shown` : ""}${answer.forgotten ? `; ${count(answer.forgotten)} not heard of for long were let go` : ""}`;
  const focused = document.activeElement?.dataset?.key;
  put(body, ...answer.keys.map(row));
  if (focused !== undefined) body.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  if (!answer.keys.length) put(body, h("tr", {}, h("td", { colspan: 5 }, wanted.search ? "No key contains that." : "No records yet.")));
}

function row(one) {
  return h("tr", { class: "choosable", onclick: () => open(one.key) },
    h("td", {}, h("button", { type: "button", "data-key": one.key }, one.key || "(no key)")),
    h("td", {}, String(one.partition)),
    h("td", { class: "number" }, count(one.records)),
    h("td", { class: "number" }, one.anomalies ? h("span", { class: "tag HIGH" }, count(one.anomalies)) : "0"),
    h("td", { title: `${utc(one.last_ms)}; ${ago(one.last_ms, Date.now())}` }, instant(one.last_ms)));
}

function open(key) {
  chooseKey(key);
  location.hash = `#/live?key=${encodeURIComponent(key)}`;
}
