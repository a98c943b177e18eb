// The search box of keys in the header: type a part, choose with the arrows, Escape for all.
import { ask } from "./api.js";
import { byId, h, put } from "./dom.js";
import { count } from "./format.js";
import { on, state } from "./state.js";

const SHOWN = 12;
let shown = [];
let at = -1;
let asked = 0;

/** Build once. `choose` is told the key, or null for all. */
export function keybox(choose) {
  const input = byId("key");
  input.addEventListener("input", look);
  input.addEventListener("focus", () => { input.select(); look(); });
  input.addEventListener("blur", () => setTimeout(close, 150));
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      at = Math.max(0, Math.min(shown.length - 1, at + (event.key === "ArrowDown" ? 1 : -1)));
      mark();
    } else if (event.key === "Enter") {
      pick(shown[Math.max(0, at)] ?? null);
    } else if (event.key === "Escape") {
      pick(null);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const pick = (key) => {
    choose(key);
    input.blur();
  };
  input.addEventListener("search", () => { if (input.value === "" && state.key !== null) choose(null); });
  on("key", () => {
    input.value = state.key ?? "";
    input.parentElement.classList.toggle("chosen", state.key !== null);
  });
  byId("key-list").addEventListener("pointerdown", (event) => {
    const item = event.target.closest("[data-key]");
    if (item) pick(item.dataset.key === "" ? null : item.dataset.key);
  });
}

async function look() {
  const turn = ++asked;
  const input = byId("key");
  const search = input.value === state.key ? "" : input.value;
  const answer = await ask(`/keys?${new URLSearchParams({ search, limit: SHOWN })}`).catch(() => null);
  if (!answer || turn !== asked || document.activeElement !== input) return;
  shown = answer.keys.map((one) => one.key);
  at = search ? 0 : -1;
  const more = answer.matching - shown.length;
  put(byId("key-list"),
    search ? null : h("li", { role: "option", "data-key": "" }, "All keys"),
    ...answer.keys.map((one) => h("li", { role: "option", "data-key": one.key }, one.key, h("small", {}, one.anomalies ? `${count(one.anomalies)} ▲` : ""))),
    more > 0 ? h("li", { class: "note" }, `${count(more)} more; type more of the name`) : null,
    shown.length ? null : h("li", { class: "note" }, "No key contains that"));
  byId("key-list").hidden = false;
  input.setAttribute("aria-expanded", "true");
  mark();
}

function mark() {
  const key = shown[at];
  for (const item of byId("key-list").children) item.setAttribute("aria-selected", String(at >= 0 && item.dataset.key === key));
}

function close() {
  byId("key-list").hidden = true;
  byId("key").setAttribute("aria-expanded", "false");
  byId("key").value = state.key ?? "";
}
