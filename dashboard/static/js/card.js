// One anomaly: an entry of the list, and the card that it opens into: why, how much, what people said.
import { ask } from "./api.js";
import { h } from "./dom.js";
import { SEVERITY, VERDICT, ago, clock, count, instant, utc, value } from "./format.js";
import { glyph } from "./glyph.js";
import { now, select, state, unitOf } from "./state.js";
import { judge, say } from "./verdicts.js";

const likes = { id: null, answer: null }; // of the open card, so that drawing it again asks nothing again

/** The entry; opened where it is the selected one. */
export function entry(anomaly) {
  const open = state.selected === anomaly.id;
  const said = anomaly.verdict?.verdict;
  const css = ["anomaly", open && "open", said === "FALSE_ALARM" && "false", state.fresh.has(anomaly.id) && "new"];
  const head = h("button", { type: "button", "aria-expanded": String(open), onclick: () => select(open ? null : anomaly.id) },
    glyph(anomaly),
    h("span", { class: "reason" }, anomaly.reason),
    said ? h("span", { class: `tag ${said === "TRUE_ALARM" ? "true" : "false"}` }, VERDICT[said]) : h("span", { class: `tag ${anomaly.severity}` }, SEVERITY[anomaly.severity]),
    h("span", { class: "meta" },
      h("span", { title: utc(anomaly.at_ms) }, instant(anomaly.at_ms)),
      anomaly.key ? h("span", {}, anomaly.key) : null,
      h("span", {}, `score ${anomaly.score.toFixed(2)}`)));
  return h("li", { class: css.filter(Boolean).join(" "), "data-id": anomaly.id }, head, open ? card(anomaly) : null);
}

function card(anomaly) {
  return h("div", { class: "card" }, evidence(anomaly), score(anomaly), earlier(anomaly), verdicts(anomaly), said(anomaly), facts(anomaly));
}

function evidence(anomaly) {
  const rows = anomaly.evidence.map((one) => {
    const unit = unitOf(one.metric);
    const share = Math.round(one.contribution * 100);
    return h("tr", {},
      h("td", {}, one.metric),
      h("td", {}, `${value(one.observed, unit)} ${{ ABOVE: "▲", BELOW: "▼", USUAL: "" }[one.direction]}`),
      h("td", { title: range(one, unit) }, value(one.expected, unit)),
      h("td", { class: "share" }, h("div", { class: "bar" }, h("i", {}, h("b", { style: { width: `${share}%` } })), h("em", {}, `${share} %`))));
  });
  return h("table", {},
    h("thead", {}, h("tr", {}, ["metric", "observed", "usual", "share of alarm"].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, rows));
}

/** Where 98 % of the training data lay at that hour, where the record says it. */
function range({ low, high }, unit) {
  return low === null || high === null ? "the median at that hour" : `98 % of the training data at that hour: ${value(low, unit)} to ${value(high, unit)}`;
}

function score(anomaly) {
  const percent = (one) => `${(100 * one).toFixed(1)}%`;
  return h("div", { class: "score-line" },
    `Score ${anomaly.score.toFixed(3)}, threshold ${anomaly.threshold.toFixed(3)}${anomaly.one_in ? `; as high once in ${count(anomaly.one_in)} records` : ""}`,
    h("div", { class: "meter", "aria-hidden": "true" }, h("i", { style: { width: percent(anomaly.score) } }), h("s", { style: { left: percent(anomaly.threshold) } })));
}

/** Earlier ones like it, and what people said of them: asked for when the card opens, and shown when the answer is there. */
function earlier(anomaly) {
  const place = h("div", { class: "earlier" });
  if (likes.id !== anomaly.id) {
    likes.id = anomaly.id;
    likes.answer = ask(`/anomalies/${anomaly.id}/similar`);
  }
  likes.answer.then((found) => place.replaceChildren(...likeThis(found)), () => {}); // nothing is missing without it
  return place;
}

function likeThis(found) {
  if (!found.total) return ["No earlier one like it."];
  const verdict = [[found.true_alarms, "called true"], [found.false_alarms, "called false"]].filter(([many]) => many).map(([many, text]) => `${count(many)} ${text}`);
  const links = found.similar.map((one) => h("a", { href: `#/anomalies/${one.id}`, title: one.reason }, instant(one.at_ms)));
  return [`${count(found.total)} earlier like it${verdict.length ? ` (${verdict.join(", ")})` : ""}: `, ...links.flatMap((link, at) => (at ? [", ", link] : [link]))];
}

function verdicts(anomaly) {
  const button = (verdict, text, key) => {
    const pressed = anomaly.verdict?.verdict === verdict;
    return h("button", { type: "button", class: "verdict", "aria-pressed": String(pressed), "data-verdict": verdict, title: "Noted on the verdicts topic. Again: taken back.",
      onclick: () => say(anomaly.id, pressed ? null : verdict) }, text, h("kbd", { "aria-hidden": "true" }, key));
  };
  return h("div", { class: "verdicts", role: "group", "aria-label": "Was it worth an alarm?" },
    button("TRUE_ALARM", "True alarm", "t"), button("FALSE_ALARM", "False alarm", "f"));
}

function said(anomaly) {
  const verdict = anomaly.verdict;
  if (!verdict) return null;
  const by = verdict.by === "page" ? "" : ` by ${verdict.by}`;
  const line = h("p", { class: "said", role: "status" },
    `Noted${by} ${ago(verdict.at_ms, now())}. `,
    h("button", { type: "button", onclick: () => say(anomaly.id, null) }, "Undo"),
    verdict.why ? h("span", {}, ` “${verdict.why}”`) : null);
  const why = h("input", { "aria-label": "Why", placeholder: "Why? (optional)", maxlength: 500, value: verdict.why || "" });
  const name = h("input", { "aria-label": "Your name", placeholder: "Your name", maxlength: 80, value: judge.name, style: { flex: "0 1 110px" } });
  const save = (event) => {
    event.preventDefault();
    judge.name = name.value;
    say(anomaly.id, verdict.verdict, why.value.trim() || null);
  };
  return h("div", {}, line, h("form", { class: "why", onsubmit: save }, why, name, h("button", { class: "button", type: "submit", style: { height: "30px" } }, "Save")));
}

function facts(anomaly) {
  const link = `${location.origin}/#/anomalies/${anomaly.id}`;
  const copy = async (event) => {
    const button = event.currentTarget;
    await navigator.clipboard.writeText(link).catch(() => prompt("The link:", link));
    button.textContent = "Copied";
  };
  return h("div", { class: "facts" },
    h("span", {}, `${anomaly.detector}, model `, h("span", { class: "mono" }, anomaly.model_version)),
    h("span", { class: "mono", title: "topic/partition/offset of the record" }, anomaly.address),
    h("span", {}, `${clock(anomaly.at_ms)} · ${utc(anomaly.at_ms)}`),
    h("button", { type: "button", onclick: copy }, "Copy link"));
}

/** An anomaly that the page does not hold: asked for by its id. */
export async function fetchAnomaly(id) {
  const found = await ask(`/anomalies/${id}`);
  state.anomalies.set(id, found);
  return found;
}
