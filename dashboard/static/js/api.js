// The API, and the stream under it. A page that lost its connection says where it was and is given the rest.
import { state, take, tell } from "./state.js";

const BASE = "/api/v1";
const SILENCE_MS = 8000; // the server says something every second
let source = null;
let lastId = "";
let heardAt = 0;

/** Ask; the answer as JSON. Throws an Error with the server's own line, its `status` beside it. */
export async function ask(path, { method = "GET", body } = {}) {
  const headers = { "x-lab-page": "1" };
  if (body !== undefined) headers["content-type"] = "application/json";
  const answer = await fetch(BASE + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const told = await answer.json().catch(() => ({}));
  const detail = typeof told.detail === "string" ? told.detail : `the server answered ${answer.status}`;
  throw Object.assign(new Error(detail), { status: answer.status });
}

/** Follow the key that is shown, from the beginning of what is kept or, `after` an interruption, from where it was. */
export function follow(after = false) {
  source?.close();
  if (!after) lastId = "";
  const query = new URLSearchParams();
  if (state.key !== null) query.set("key", state.key);
  if (lastId) query.set("after", lastId);
  source = new EventSource(`${BASE}/stream?${query}`);
  heardAt = performance.now();
  source.onmessage = (event) => {
    lastId = event.lastEventId;
    heardAt = performance.now();
    connected("live");
    take(JSON.parse(event.data));
  };
  source.onerror = () => lost();
}

async function lost() {
  connected("lost");
  if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
  try {
    await ask("/pipeline");
  } catch (error) {
    if (error.status === 401) {
      tell("token");
      return;
    }
  }
  setTimeout(() => follow(true), 2000);
}

/** After sleep a connection may look alive and be none. */
export function watch() {
  setInterval(() => {
    if (source && state.connection === "live" && performance.now() - heardAt > SILENCE_MS) {
      connected("lost");
      follow(true);
    }
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && state.connection === "lost") follow(true);
  });
}

function connected(what) {
  if (state.connection === what) return;
  state.connection = what;
  if (what === "lost") state.lostAt = Date.now();
  tell("connection");
}
