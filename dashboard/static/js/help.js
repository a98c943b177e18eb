// The first visit explains itself in place; `?` tells the keys; a token is asked for where one is needed.
import { ask, follow } from "./api.js";
import { byId, h, put } from "./dom.js";
import { on, state } from "./state.js";

const NOTES = [
  ["strip", "1", "The pipeline.", "Above: records flow from left to right. A box with an amber edge waits for something and says for what.", { top: "4px", left: "330px" }],
  ["charts", "2", "The series.", "As they arrive, in event time. ▲ ◆ ● mark anomalies: high, medium, low. Shaded stretches are labelled; drag to look closer.", { top: "190px", left: "100px" }],
  ["side", "3", "What is strange, and why.", "Open one, then say whether it was worth an alarm: t or f. The verdict goes to a topic of its own.", { top: "120px", right: "30px" }],
];
const KEYS = [["j  k", "next, previous anomaly"], ["t  f", "true alarm, false alarm; again: taken back"], ["space", "pause, go on"], ["/", "search keys"], ["1 … 5", "the views"], ["Esc", "close the card, whole span, all keys"], ["d", "light or dark"], ["?", "this help"]];

/** Build once. */
export function help() {
  const dialog = byId("help-dialog");
  put(dialog, h("h2", { id: "help-title" }, "How to read this"),
    ...NOTES.map(([, , title, text]) => h("p", {}, h("b", {}, `${title} `), text)),
    h("p", {}, "The dotted line is the usual value for the hour of the day, from the training data. Times are local; hover for UTC."),
    h("dl", {}, ...KEYS.flatMap(([key, text]) => [h("dt", {}, ...key.split("  ").flatMap((one) => [h("kbd", {}, one), " "])), h("dd", {}, text)])),
    h("div", { class: "row" }, h("button", { class: "button", type: "button", onclick: notes }, "Show the notes again"), h("button", { class: "button main", type: "button", onclick: () => dialog.close() }, "Close")));
  byId("help").addEventListener("click", () => dialog.showModal());
  on("token", askForToken);
  if (!localStorage.getItem("lab-notes-seen")) setTimeout(notes, 900);
}

function notes() {
  byId("help-dialog").close();
  dismiss();
  if (state.view !== "live") return;
  for (const [, number, title, text, place] of NOTES) {
    byId("view-live").append(h("div", { class: "hint", role: "note", style: place }, h("span", {}, h("b", {}, `${number}  ${title} `), text), h("button", { type: "button", onclick: dismiss }, "Got it")));
  }
}

function dismiss() {
  for (const hint of document.querySelectorAll(".hint")) hint.remove();
  localStorage.setItem("lab-notes-seen", "1");
}

function askForToken() {
  const dialog = byId("token-dialog");
  if (dialog.open) return;
  const input = h("input", { class: "field", type: "password", autocomplete: "current-password", "aria-label": "Token", required: true });
  const error = h("p", { class: "error", role: "alert" });
  const send = async (event) => {
    event.preventDefault();
    try {
      await ask("/session", { method: "POST", body: { token: input.value } });
      dialog.close();
      follow();
    } catch (problem) {
      error.textContent = problem.message;
    }
  };
  put(dialog, h("h2", { id: "token-title" }, "A token is needed"), h("p", {}, "This page can be reached by others, so it asks who you are. The token is what DASHBOARD_TOKEN was set to."),
    h("form", { onsubmit: send }, input, error, h("div", { class: "row" }, h("button", { class: "button main", type: "submit" }, "Open the page"))));
  dialog.showModal();
}
