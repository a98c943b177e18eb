// Why there is nothing to see yet, and how long that will take: never an empty picture without a reason.
import { count, span } from "./format.js";
import { state } from "./state.js";

/** What is missing, as `{title, body, short, done}`; null when nothing is. `done` is a share, where it is known. */
export function waitingText() {
  const { pipeline } = state;
  if (!pipeline) return { title: "Waiting for the broker", body: "Nothing has answered yet. `lab up` starts the servers, `lab demo --keep` shows everything.", short: "no answer yet" };
  const trouble = pipeline.troubles[0];
  if (trouble && pipeline.records === 0) return { title: "Something does not answer", body: trouble.what, short: "does not answer" };
  const { waiting } = pipeline;
  if (waiting === null) return state.series.n === 0 ? keyText() : null;
  if (waiting.state === "topics") return { title: "Waiting for the topics", body: "The topic of the metrics is not there yet. `lab topics` makes it.", short: "no topic yet" };
  if (waiting.state === "records") return { title: "Waiting for records", body: `The topic is there and empty. \`lab produce --rate 20/s\` replays a data set.`, short: "waiting for records" };
  if (waiting.state === "consumers") return { title: "Nobody scores", body: `The group ${pipeline.group} has no member. \`lab predict\` starts one.`, short: "no consumer" };
  return modelText(waiting);
}

function modelText({ have, need, about_s: about }) {
  if (need === null) return { title: "Waiting for a model", body: `${count(have)} records so far. \`lab train\` makes one of them.`, short: "no model yet" };
  if (have >= need) return { title: "Waiting for a model", body: `All ${count(need)} training records are there; the training has yet to announce the model.`, short: "model is being trained", done: 1 };
  const time = about === null ? "" : `, about ${span(about)}`;
  return { title: "Waiting for a model", body: `${count(have)} of ${count(need)} training records${time}.`, short: `${count(have)} of ${count(need)} records${time}`, done: have / need };
}

function keyText() {
  if (state.key === null) return { title: "Reading the topic", body: "The newest records are on their way.", short: "reading" };
  return { title: `Nothing of ${state.key}`, body: "This key has sent nothing that is kept here. Escape shows all keys.", short: "nothing of this key" };
}
