// The page: builds its parts, follows the stream, and shows the view that the address names.
import { follow, watch } from "./api.js";
import { charts } from "./charts.js";
import { fetchAnomaly } from "./card.js";
import { byId, h, put } from "./dom.js";
import { span } from "./format.js";
import { help } from "./help.js";
import { keyboard } from "./keyboard.js";
import { keybox } from "./keybox.js";
import { list } from "./list.js";
import { on, select, state, tell } from "./state.js";
import { strip } from "./strip.js";
import { anomaliesView } from "./view_anomalies.js";
import { chooseKey, keysView } from "./view_keys.js";
import { modelView } from "./view_model.js";
import { pipelineView } from "./view_pipeline.js";

const VIEWS = ["live", "anomalies", "keys", "model", "pipeline"];

/** `#/anomalies/<id>`, `#/live?key=…`: view, anomaly and key that the address names. */
function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, id] = path.split("/");
  return { view: VIEWS.includes(view) ? view : "live", id: id || null, key: new URLSearchParams(query || "").get("key") };
}

async function show() {
  const { view, id, key } = route();
  state.view = view;
  for (const name of VIEWS) byId(`view-${name}`).hidden = name !== view;
  for (const tab of document.querySelectorAll(".tabs a")) {
    if (tab.dataset.view === view) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  byId("strip").hidden = view === "pipeline";
  document.title = view === "live" ? "Anomaly lab" : `${view[0].toUpperCase()}${view.slice(1)} · Anomaly lab`;
  if (view === "live" && key !== state.key) chooseKey(key);
  if (id) {
    if (!state.anomalies.has(id)) await fetchAnomaly(id).catch(() => null);
    select(id);
  }
  tell("view");
}

function pause() {
  state.paused = !state.paused;
  tell("paused");
}

function liveButton() {
  const button = byId("live");
  button.addEventListener("click", pause);
  const update = () => {
    const what = state.connection === "live" && state.paused ? "paused" : state.connection;
    button.dataset.state = what;
    button.setAttribute("aria-pressed", String(state.paused));
    button.lastElementChild.textContent = { live: "live", paused: "paused", lost: "no connection", connecting: "connecting" }[what];
  };
  on("connection", update);
  on("paused", update);
  update();
}

function banner() {
  const box = byId("banner");
  const update = () => {
    const lines = [];
    if (state.connection === "lost") lines.push(["The connection is lost", `for ${span(Math.round((Date.now() - state.lostAt) / 1000))}. What came before stays; the rest is made good as soon as the page answers again.`]);
    for (const one of state.pipeline?.troubles || []) lines.push([{ broker: "Kafka does not answer", records: "Records cannot be followed", findings: "Anomalies cannot be followed" }[one.where] || one.where, one.what]);
    if (state.problem) lines.push(["Not done", state.problem]);
    box.hidden = lines.length === 0;
    box.classList.toggle("bad", state.connection === "lost" || Boolean(state.problem));
    const texts = lines.map(([title, text]) => `${title}: ${text}`).join("\n");
    if (box.dataset.texts !== texts) {
      box.dataset.texts = texts;
      put(box, ...lines.map(([title, text]) => h("p", {}, h("strong", {}, `${title}: `), text)));
    }
  };
  for (const topic of ["connection", "pipeline"]) on(topic, update);
  on("problem", () => {
    update();
    setTimeout(() => { state.problem = null; update(); }, 6000);
  });
  setInterval(() => { if (state.connection === "lost") update(); }, 1000);
}

function tools() {
  byId("span").addEventListener("change", (event) => {
    state.span = Number(event.target.value);
    state.zoom = null;
    localStorage.setItem("lab-span", event.target.value);
    tell("span");
  });
  const span = localStorage.getItem("lab-span");
  if (span !== null) {
    byId("span").value = span;
    state.span = Number(byId("span").value);
  }
  byId("theme").addEventListener("click", () => dispatchEvent(new Event("lab-theme-toggle")));
  keybox((key) => {
    chooseKey(key);
    location.hash = key === null ? "#/live" : `#/live?key=${encodeURIComponent(key)}`;
  });
}

strip();
charts();
list();
anomaliesView();
keysView();
modelView();
pipelineView();
liveButton();
banner();
tools();
help();
keyboard(pause);
on("key", () => follow());
state.key = route().key;
addEventListener("hashchange", show);
show();
tell("key");
watch();
