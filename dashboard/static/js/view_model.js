// The champion: what it is, how it did on the test part, the plot, the manifest, and who was champion before.
import { ask } from "./api.js";
import { byId, h, put } from "./dom.js";
import { count, instant, span, utc } from "./format.js";
import { on, state } from "./state.js";

/** Build once; asks when its view comes on and when the model changes. */
export function modelView() {
  on("view", () => state.view === "model" && load());
  on("model", () => state.view === "model" && load());
}

async function load() {
  const answer = await ask("/model").catch(() => null);
  const box = byId("view-model");
  if (!answer?.champion) {
    put(box, h("div", { class: "page-head" }, h("h1", {}, "Model")), h("div", { class: "nothing" }, h("b", {}, "No model yet"), "The training consumer announces one as soon as it has read its part of the records."));
    return;
  }
  const { champion, manifest, evaluation, announced } = answer;
  put(box,
    h("div", { class: "page-head" }, h("h1", {}, champion.name, " ", h("span", { class: "count mono" }, champion.version))),
    champion.readable ? null : h("div", { class: "nothing" }, h("b", {}, "The bundle is not in reach of the page"), champion.why),
    h("div", { class: "grid" }, ...figures(champion, evaluation)),
    champion.has_plot ? plot(champion) : h("div", { class: "sheet" }, h("p", { class: "pad" }, "The evaluation plot is drawn when the test part has been seen.")),
    h("div", { class: "grid" },
      h("section", { class: "sheet" }, h("h2", {}, "What it was trained on"), h("dl", { class: "definition pad" }, ...facts(champion, manifest))),
      evaluation?.windows ? windows(evaluation) : null),
    manifest ? h("details", { class: "sheet" }, h("summary", {}, "Manifest"), h("pre", { tabindex: 0 }, JSON.stringify(manifest, null, 2))) : null,
    history(announced));
}

function figure(name, value, note) {
  return h("dl", { class: "sheet figure" }, h("dt", {}, name), h("dd", {}, value, h("small", {}, note)));
}

function figures(champion, evaluation) {
  const found = [figure("Threshold", champion.threshold?.toFixed(3) ?? "–", `highest score in training ${champion.top_score?.toFixed(3) ?? "–"}`)];
  if (!evaluation) return found;
  found.push(figure("Alarms on the test part", count(evaluation.alerts), `${(100 * evaluation.alert_rate).toFixed(1)} % of ${count(evaluation.rows)} records`));
  if (evaluation.windows) {
    found.push(figure("Labelled windows found", `${evaluation.found} of ${evaluation.windows.length}`, evaluation.median_delay_s === null ? "none found" : `median delay ${span(evaluation.median_delay_s)}`));
    found.push(figure("Alarms outside them", count(evaluation.false_alarms), "false alarms, if the labels are complete"));
  }
  return found;
}

function plot(champion) {
  const source = `/api/v1/model/evaluation.png?version=${encodeURIComponent(champion.version)}`;
  return h("figure", { class: "sheet", style: { margin: "16px auto 0", padding: "12px" } },
    h("a", { href: source, target: "_blank", rel: "noopener" }, h("img", { class: "plot-image", src: source, alt: "Evaluation: one panel a metric over the test part, alarms as red lines, labelled windows shaded" })));
}

function facts(champion, manifest) {
  const rows = [
    ["Announced", h("span", { title: utc(champion.announced_ms) }, instant(champion.announced_ms))],
    ["Records", champion.training_rows === null ? "–" : count(champion.training_rows)],
    ["Event time", champion.trained_from_ms === null ? "–" : h("span", { title: `${utc(champion.trained_from_ms)} to ${utc(champion.trained_to_ms)}` }, `${instant(champion.trained_from_ms)} to ${instant(champion.trained_to_ms)}`)],
    ["Features", champion.features.join(", ") || "–"],
    ...Object.entries(manifest?.parameters || {}).map(([name, value]) => [name, String(value)]),
  ];
  return rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
}

function windows(evaluation) {
  return h("section", { class: "sheet" }, h("h2", {}, "Labelled windows of the test part"), h("table", {},
    h("thead", {}, h("tr", {}, ["Metric", "From", "To", "Found"].map((text) => h("th", {}, text)))),
    h("tbody", {}, evaluation.windows.map((one) => h("tr", {},
      h("td", {}, one.metric), h("td", { title: utc(one.start_ms) }, instant(one.start_ms)), h("td", { title: utc(one.end_ms) }, instant(one.end_ms)),
      h("td", {}, one.found ? h("span", { class: "tag true" }, `after ${span(one.delay_s)}`) : h("span", { class: "tag false" }, "missed")))))));
}

function history(announced) {
  return h("section", { class: "sheet" }, h("h2", {}, "Announcements"), h("table", {},
    h("thead", {}, h("tr", {}, ["When", "Role", "Name", "Version"].map((text) => h("th", {}, text)))),
    h("tbody", {}, announced.map((one) => h("tr", {}, h("td", { title: utc(one.timestamp) }, instant(one.timestamp)), h("td", {}, one.role.toLowerCase()), h("td", {}, one.name), h("td", { class: "mono" }, one.version))))));
}
