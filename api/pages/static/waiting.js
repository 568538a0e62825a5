// One's own requests that wait for a second person: how they stand, and the answer once one has agreed.

import { isReply } from "./reply.js";
import { BROKEN, call } from "./service.js";
import { showProblem } from "./problem.js";
import { copyOf, isId, isText, objectsOf, putFacts, say, timeOf } from "./text.js";

const EVERY = 30_000; // milliseconds between two looks of our own
const STATES = {
  __proto__: null,
  waiting: (until) => `Nobody has decided yet. It waits until ${until}.`,
  approved: (until) => `It is approved, and can be sent once, until ${until}.`,
  rejected: () => "A second person said no. Nothing was sent.",
  expired: () => "The time for it is over. Nothing was sent.",
  sent: () => "It was sent already: an approval is good for one answer.",
  changed: () => "Documents, rights or the contract have changed since it was approved. Nothing was sent.",
};
const GOES_ON = new Set(["waiting", "approved"]);

const boxes = new Map(); // of all requests that are shown and may still change, by id
let looking = 0; // the timer

/** Give the requests that one can still get an answer to and that are not shown yet, the newest first. */
export async function openRequests() {
  const got = await call("/api/v1/requests");
  return objectsOf(got?.value?.items).filter((it) => isId(it.request) && GOES_ON.has(it.state) && !boxes.has(it.request));
}

/**
 * Show how it stands with a request, at the end of a place, until it ends.
 *
 * `on.start` gives the signal of a run, `on.reply` takes the answer, `on.end` is called when the run is over, whatever
 * came of it, and `on.anew` asks the question again, once the request has ended without an answer.
 */
export function showRequest(place, id, why, on) {
  const [box, part] = copyOf("waiting");
  const it = { id, box, part, why, on, state: "", busy: false };
  part("get").addEventListener("click", () => (GOES_ON.has(it.state) || it.state === "" ? getAnswer(it) : on.anew()));
  boxes.set(id, it);
  place.append(box);
  clearInterval(looking);
  looking = setInterval(lookAtAll, EVERY);
  return it;
}

/** Forget all of them. */
export function forgetRequests() {
  clearInterval(looking);
  boxes.clear();
}

/** Put in how it stands. */
export function putStanding(it, standing) {
  const state = Object.hasOwn(STATES, standing.state) ? standing.state : "";
  it.state = state;
  if (standing.expires_at !== undefined) it.until = timeOf(standing.expires_at);
  say(it.part("state"), state ? STATES[state](it.until) : "It is not known how it stands with this request.");
  it.box.dataset.state = state;
  putFacts(it.part("facts"), { Why: it.why, Asked: isText(standing.asked_at) && timeOf(standing.asked_at) });
  const over = state !== "" && !GOES_ON.has(state);
  it.part("get").textContent = over ? "Ask again" : state === "approved" ? "Get the answer" : "Look again";
  it.part("get").className = state === "approved" ? "main" : "quiet";
  if (over) boxes.delete(it.id);
  if (boxes.size === 0) clearInterval(looking);
}

/** Ask how it stands. Gives whether that is known. */
export async function look(it) {
  const got = await call(`/api/v1/requests/${it.id}`);
  if (got === null) return false;
  it.part("problems").replaceChildren();
  if (got.value) putStanding(it, got.value);
  else showProblem(it.part("problems"), got.problem);
  return got.value !== undefined;
}

/** Look once more, and get the answer if somebody has agreed. */
async function getAnswer(it) {
  if (it.busy) return;
  it.busy = true;
  try {
    const known = await look(it);
    if (!known) return;
    const now = new Date().toLocaleTimeString("en-GB");
    say(it.part("looked"), it.state === "waiting" ? `Looked at ${now}.` : "");
    if (it.state === "approved") await fetchAnswer(it);
  } finally {
    it.busy = false;
  }
}

async function fetchAnswer(it) {
  const signal = it.on.start();
  if (signal === null) return say(it.part("looked"), "Another answer is under way: wait for it, or stop it.");
  const got = await call(`/api/v1/requests/${it.id}/answer`, { method: "POST", signal });
  it.on.end();
  if (got === null) return say(it.part("looked"), signal.aborted ? "Stopped before the end. Look again." : "");
  if (got.value && isReply(got.value)) {
    boxes.delete(it.id);
    it.box.remove();
    return it.on.reply(got.value);
  }
  const problem = got.problem ?? BROKEN;
  if (problem.code === "request-changed") return putStanding(it, { state: "changed" });
  if (problem.code === "request-ended" || problem.code === "still-waiting") return void look(it);
  showProblem(it.part("problems"), problem);
}

async function lookAtAll() {
  if (document.hidden || boxes.size === 0) return;
  const got = await call("/api/v1/requests");
  for (const standing of objectsOf(got?.value?.items)) {
    const it = boxes.get(standing.request);
    if (it && !it.busy) putStanding(it, standing);
  }
}
