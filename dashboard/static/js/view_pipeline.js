// The pipeline, drawn: producer, partitions, who holds each, what comes out; and the figures behind it.
import { ask } from "./api.js";
import { byId, h, put, svg, words } from "./dom.js";
import { ago, count, plural, rate, span } from "./format.js";
import { now, on, state } from "./state.js";
import { shortVersion } from "./strip.js";
import { waitingText } from "./waiting.js";

const ROW = 50;
const BOX = 38;
let letters = [];
let incidents = [];

/** Build once; draws itself while its view is on. */
export function pipelineView() {
  on("pipeline", show);
  on("view", () => { if (state.view === "pipeline") load(); show(); });
  setInterval(() => { if (state.view === "pipeline" && !document.hidden) load(); }, 5000);
}

async function load() {
  const [dead, told] = await Promise.all([ask("/dead-letters"), ask("/incidents")].map((one) => one.catch(() => null)));
  letters = dead?.letters ?? letters;
  incidents = told?.incidents ?? incidents;
  show();
}

function show() {
  if (state.view !== "pipeline") return;
  const { pipeline } = state;
  const box = byId("view-pipeline");
  if (!pipeline) {
    put(box, h("div", { class: "nothing" }, h("b", {}, "Waiting for the broker"), "Nothing has answered yet."));
    return;
  }
  const waiting = waitingText();
  const scroll = box.scrollTop;
  put(box,
    h("div", { class: "page-head" }, h("h1", {}, "Pipeline"), waiting ? h("p", {}, h("b", {}, `${waiting.title}. `), words(waiting.body)) : null),
    h("section", { class: "sheet" }, h("div", { class: "diagram-scroll pad" }, diagram(pipeline))),
    h("section", { class: "sheet" }, h("h2", {}, `Records a second, last ${span(Math.max(2, pipeline.rates.length * 2))}`), h("div", { class: "pad" }, rates(pipeline.rates))),
    partitions(pipeline),
    history(pipeline.history),
    alerts(pipeline.alerts),
    deadLetters(pipeline),
    pipeline.troubles.length ? h("section", { class: "sheet" }, h("h2", {}, "What does not answer"), h("ul", { class: "pad" }, pipeline.troubles.map((one) => h("li", {}, `${one.where}: ${one.what} (for ${span((now() - one.since_ms) / 1000)})`)))) : null);
  box.scrollTop = scroll;
}

function diagram(pipeline) {
  const rows = pipeline.partitions.length;
  const height = Math.max(220, rows * ROW + 70);
  const middle = height / 2 + 12;
  const top = middle - (rows * ROW) / 2;
  const lane = (i) => top + i * ROW + ROW / 2;
  const members = placed(pipeline, lane);
  const parts = [producerBox(pipeline, middle)];
  pipeline.partitions.forEach((one, i) => {
    parts.push(link(176, middle, 262, lane(i), one.rate), partitionBox(one, lane(i)));
    const holder = members.find((member) => member.partitions.includes(one.partition));
    if (holder) parts.push(link(452, lane(i), 540, holder.y, one.rate));
  });
  for (const member of members) {
    parts.push(memberBox(member, pipeline), link(740, member.y, 830, middle - 46, member.partitions.length ? Math.min(1, pipeline.scored_rate) : 0), link(740, member.y, 830, middle + 52, 0));
  }
  if (!members.length) parts.push(svg("rect", { class: "box waits", x: 540, y: middle - 30, width: 200, height: 60, rx: 9 }), text(640, middle - 3, "nobody scores", "big", "middle"), text(640, middle + 17, `group ${pipeline.group}`, "small", "middle"));
  parts.push(outputs(pipeline, middle), heading(262, "topic metrics"), heading(540, `group ${pipeline.group}, ${pipeline.group_state}`), heading(12, "producer"), heading(830, "what comes out"), modelNote(height));
  return svg("svg", { class: "diagram", viewBox: `0 0 1010 ${height + 34}`, role: "img", "aria-label": summary(pipeline) }, ...parts.flat());
}

function placed(pipeline, lane) {
  const order = new Map(pipeline.partitions.map((one, i) => [one.partition, i]));
  const middleOf = (member) => member.partitions.reduce((sum, number) => sum + lane(order.get(number) ?? 0), 0) / member.partitions.length;
  const found = pipeline.members.map((member) => ({ ...member, y: member.partitions.length ? middleOf(member) : Infinity }));
  found.sort((a, b) => a.y - b.y);
  found.forEach((member, i) => {
    const least = i ? found[i - 1].y + ROW : 0;
    member.y = Math.max(member.y === Infinity ? lane(pipeline.partitions.length) : member.y, least);
  });
  return found;
}

const text = (x, y, content, css = "", anchor = "start") => svg("text", { x, y, class: css, "text-anchor": anchor }, content);
const heading = (x, content) => text(x, 18, content, "faint");

function link(x1, y1, x2, y2, speed) {
  const bend = (x1 + x2) / 2;
  const d = `M${x1} ${y1}C${bend} ${y1} ${bend} ${y2} ${x2} ${y2}`;
  const pace = Math.max(0.5, 2.4 - 0.45 * Math.log10(1 + speed));
  return [svg("path", { class: `link${speed > 0 ? "" : " none"}`, d }), speed > 0 ? svg("path", { class: "pulse", d, style: { "--pace": `${pace.toFixed(2)}s` } }) : null];
}

function producerBox(pipeline, y) {
  return [svg("rect", { class: `box${pipeline.quiet_s === null ? "" : " waits"}`, x: 12, y: y - 34, width: 164, height: 68, rx: 9 }),
    text(26, y - 6, rate(pipeline.rate), "big"),
    text(26, y + 16, pipeline.quiet_s === null ? `${count(pipeline.records)} records` : `quiet for ${span(pipeline.quiet_s)}`, "small")];
}

function partitionBox(one, y) {
  const late = Math.min(1, (one.lag ?? 0) / 10000);
  return [svg("rect", { class: "box", x: 262, y: y - BOX / 2, width: 190, height: BOX, rx: 8 }),
    svg("rect", { class: "lag", x: 262, y: y + BOX / 2 - 4, width: (190 * late).toFixed(1), height: 4, rx: 2 }),
    text(274, y + 4.5, `p${one.partition}`, "mono"), text(440, y + 4.5, one.lag === null ? `${rate(one.rate)}` : `${rate(one.rate)} · lag ${count(one.lag)}`, "small", "end")];
}

function memberBox(member, pipeline) {
  const held = member.partitions.map((number) => `p${number}`).join(" ");
  return [svg("rect", { class: `box${member.partitions.length ? "" : " waits"}`, x: 540, y: member.y - BOX / 2 - 2, width: 200, height: BOX + 4, rx: 8 }),
    text(552, member.y - 2, member.name.slice(0, 24), ""), text(552, member.y + 14, held || `spare: ${pipeline.partitions.length} partitions are taken`, "faint")];
}

function outputs(pipeline, middle) {
  return [svg("rect", { class: "box", x: 830, y: middle - 80, width: 168, height: 66, rx: 9 }),
    text(844, middle - 52, plural(pipeline.anomalies, "anomaly", "anomalies"), "big"), text(844, middle - 31, `${count(pipeline.open_anomalies)} to judge`, "small"),
    svg("rect", { class: `box${pipeline.dead_letters ? " waits" : ""}`, x: 830, y: middle + 20, width: 168, height: 66, rx: 9 }),
    text(844, middle + 48, plural(pipeline.dead_letters, "dead letter"), "big"), text(844, middle + 69, pipeline.dead_letters ? "not sent back yet" : "none waits", "small")];
}

function modelNote(height) {
  const { model } = state;
  return text(640, height + 20, model ? `model ${shortVersion(model.version)}, announced ${ago(model.announced_ms, now())}` : "no model yet", "small", "middle");
}

const summary = (pipeline) => `${rate(pipeline.rate)} into ${plural(pipeline.partitions.length, "partition")}, held by ${plural(pipeline.members.length, "consumer")}, lag ${pipeline.lag ?? "unknown"}, ${plural(pipeline.anomalies, "anomaly", "anomalies")}`;

function rates(found) {
  const top = Math.max(...found, 1);
  const points = found.map((one, i) => `${((1000 * i) / Math.max(1, found.length - 1)).toFixed(1)} ${(112 - (100 * one) / top).toFixed(1)}`);
  if (points.length < 2) return h("p", { class: "count" }, "one moment");
  return h("div", {}, svg("svg", { class: "rates", viewBox: "0 0 1000 116", preserveAspectRatio: "none", role: "img", "aria-label": `highest ${rate(top)}, now ${rate(found.at(-1))}` },
    svg("path", { class: "area", d: `M0 116L${points.join("L")}L1000 116Z` }), svg("path", { class: "line", d: `M${points.join("L")}` })),
    h("p", { class: "count" }, `highest ${rate(top)}, now ${rate(found.at(-1))}`));
}

function partitions(pipeline) {
  return h("section", { class: "sheet" }, h("h2", {}, "Partitions"), h("table", {},
    h("thead", {}, h("tr", {}, h("th", {}, "Partition"), h("th", {}, "Held by"), ...["Coming in", "End", "Committed", "Lag"].map((name) => h("th", { class: "number" }, name)))),
    h("tbody", {}, pipeline.partitions.map((one) => h("tr", {}, h("td", { class: "mono" }, `p${one.partition}`), h("td", {}, one.holder ?? "nobody"),
      ...[rate(one.rate), count(one.end), one.committed === null ? "–" : count(one.committed), one.lag === null ? "–" : count(one.lag)].map((cell) => h("td", { class: "number" }, cell)))))));
}

/** Where the history is on: every event kept in Cassandra. */
function history(kept) {
  if (!kept) return null;
  return h("section", { class: "sheet" }, h("h2", {}, "History in Cassandra"), h("p", { class: "pad" },
    `Group ${kept.group}, ${plural(kept.members.length, "consumer")}: ${rate(kept.rate)} come, ${rate(kept.stored_rate)} are stored and committed, lag ${count(kept.lag)}.${checked(kept)}`));
}

/** How large a share is checked, where not every event is: under load the rest is shed, and stored all the same. */
function checked({ checked: share }) {
  if (share === null || share >= 1) return "";
  return ` ${(share * 100).toPrecision(2)} % of them are checked; the others are stored alone.`;
}

/** Where people are told: each incident, and which channel knows what of it. */
function alerts(found) {
  if (!found || !incidents.length) return null;
  return h("section", { class: "sheet" }, h("h2", {}, "Incidents"),
    found.consumers ? null : h("p", { class: "pad" }, "No alerts consumer runs: nobody is told of anything new. ", h("span", { class: "mono" }, "lab alerts"), " starts one."),
    h("table", {}, h("thead", {}, h("tr", {}, ["State", "Key", "What", "Last", "Told"].map((name) => h("th", {}, name)))),
      h("tbody", {}, incidents.map((one) => h("tr", {}, h("td", {}, h("b", {}, `${one.state.toLowerCase()}, ${one.severity.toLowerCase()}`)), h("td", { class: "mono" }, one.key ?? (one.kind === "STORM" ? "storm" : "–")),
        h("td", {}, h("a", { href: `#/anomalies/${one.peak_id}` }, one.kind === "STORM" ? `${count(one.total)} incidents held back` : `${plural(one.total, "anomaly", "anomalies")}: ${one.reason}`)),
        h("td", {}, ago(one.last_ms, now())), h("td", {}, one.held_back ? "held back" : one.told.map((each) => `${each.channel}: ${each.phase.toLowerCase()}`).join(", ") || "the log"))))));
}

function deadLetters(pipeline) {
  const causes = Object.entries(pipeline.dead_letters_by_error);
  if (!causes.length) return null;
  return h("section", { class: "sheet" }, h("h2", {}, "Dead letters "), h("p", { class: "pad count" }, causes.map(([error, number]) => `${count(number)} ${error}`).join(", "), ". ", h("span", { class: "mono" }, "lab dlq replay"), " sends them back once the cause is mended."),
    h("table", {}, h("thead", {}, h("tr", {}, ["Record", "When", "Why", "Size"].map((name) => h("th", {}, name)))),
      h("tbody", {}, letters.map((one) => h("tr", {}, h("td", { class: "mono" }, one.address), h("td", {}, ago(one.died_ms, now())), h("td", {}, h("b", {}, one.error), ` ${one.reason}`), h("td", {}, `${count(one.size_bytes)} B`))))));
}
