// What waits for a second person: the queue, what each thing is to the letter, and the decision.

import { KINDS } from "./kinds.js";
import { adviceFor, showProblem } from "./problem.js";
import { call } from "./service.js";
import { ageOf, byId, copyOf, element, isId, isText, labelBadge, objectsOf, putFacts, say, textsOf, timeOf } from "./text.js";

const [title, queue, state, problems] = ["approvals-title", "queue", "approvals-state", "approvals-problems"].map(byId);
const UNSEEN = "This page cannot show all of it, so it cannot be decided here. Use ntk approve.";

let user = null; // who has signed in
let turn = 0; // of all looks, the last one is shown

async function load() {
  const mine = ++turn;
  const [me, got] = await Promise.all([call("/api/v1/me"), call("/api/v1/approvals")]);
  if (got === null || mine !== turn) return;
  user = me?.value?.user ?? null;
  problems.replaceChildren();
  queue.replaceChildren();
  if (!got.value) {
    say(state, "");
    return showProblem(problems, got.problem, load, { name: "Look again" });
  }
  const items = objectsOf(got.value.items).filter((it) => isId(it.approval));
  queue.append(...items.map(itemOf));
  const mineToDecide = items.filter((it) => it.asked_by !== user).length;
  say(state, items.length === 0 ? "Nothing waits for you." : countOf(mineToDecide, items.length - mineToDecide));
}

function countOf(decide, own) {
  const first = decide === 0 ? "Nothing waits for your decision" : `${decide} to decide on, the oldest first`;
  return own === 0 ? `${first}.` : `${first}. ${own} that you have asked for yourself.`;
}

function itemOf(it) {
  const [item, part] = copyOf("waits");
  part("title").textContent = Object.hasOwn(KINDS, it.kind) ? KINDS[it.kind].title(it) : String(it.kind);
  if (isText(it.label)) part("label").append(labelBadge(it.label, "span"));
  part("who").textContent = `${it.asked_by === user ? "you" : it.asked_by}, ${ageOf(Number(it.age_seconds))}`;
  part("reason").textContent = isText(it.reason) ? it.reason : "";
  const details = item.querySelector("details");
  details.addEventListener("toggle", () => details.open && open(it, item, part));
  return item;
}

/** Show what waits, as the service gives it at this moment. */
async function open(listed, item, part) {
  if (item.dataset.state === "decided" || item.dataset.state === "opening") return;
  item.dataset.state = "opening";
  const got = await call(`/api/v1/approvals/${listed.approval}`);
  if (got === null || !item.isConnected) return;
  item.dataset.state = "open";
  part("problems").replaceChildren();
  part("decide").hidden = part("confirm").hidden = true;
  if (!got.value) return showProblem(part("problems"), got.problem, undefined, { advice: decidedAlready(got.problem) });
  const it = got.value;
  putFacts(part("facts"), {
    "Asked by": it.asked_by,
    Asked: timeOf(it.asked_at),
    "Waits until": timeOf(it.expires_at),
    Why: it.reason,
    "Why it takes two": it.kind === "matrix" ? "" : textsOf(it.reasons).join("; "),
  });
  const kind = it.kind === listed.kind && Object.hasOwn(KINDS, it.kind) ? KINDS[it.kind] : null;
  const body = kind?.body(it) ?? null;
  part("body").replaceChildren(...(body ?? []));
  if (it.state !== "waiting") say(part("outcome"), `It does not wait any more: ${it.state}.`);
  else if (body === null) say(part("outcome"), UNSEEN);
  else if (it.asked_by === user) say(part("outcome"), "You have asked for it yourself: somebody else decides.");
  else decidable(it, kind, item, part);
}

function decidable(it, kind, item, part) {
  const [decide, confirm] = [part("decide"), part("confirm")];
  let verb = null;

  function choose(chosen) {
    verb = chosen;
    decide.hidden = true;
    confirm.hidden = false;
    const question = verb === "approve" ? `Approve exactly this? ${kind.sure}` : "Reject it? Who asked has to ask anew.";
    part("sure").textContent = question;
    confirm.setAttribute("aria-label", question);
    part("yes").textContent = verb === "approve" ? "Yes, approve" : "Yes, reject";
    part("back").focus(); // not on the yes: Enter pressed twice must not decide
  }
  function goBack() {
    const from = verb;
    verb = null;
    confirm.hidden = true;
    decide.hidden = false;
    part(from).focus();
  }

  decide.hidden = false;
  part("approve").onclick = () => choose("approve");
  part("reject").onclick = () => choose("reject");
  part("back").onclick = goBack;
  confirm.onkeydown = (event) => {
    if (event.key === "Escape") goBack(); // gives nothing back: a false would keep Enter from its button
  };
  part("yes").onclick = () => {
    if (verb === null) return; // it is under way
    const decided = verb;
    verb = null;
    settle(it, kind, decided, item, part);
  };
}

async function settle(it, kind, verb, item, part) {
  const place = verb === "approve" ? `/api/v1/approvals/${it.approval}/approve` : `/api/v1/approvals/${it.approval}/reject`;
  const got = await call(place, { method: "POST" });
  if (got === null || !item.isConnected) return;
  part("confirm").hidden = true;
  part("problems").replaceChildren();
  if (got.value) {
    item.dataset.state = "decided";
    say(part("outcome"), verb === "approve" ? kind.approved(it, got.value) : kind.rejected);
    part("done").replaceChildren(element("span", verb === "approve" ? "Approved" : "Rejected", `verdict ${verb === "approve" ? "yes" : "no"}`));
  } else {
    showProblem(part("problems"), got.problem, undefined, { advice: decidedAlready(got.problem) });
    part("decide").hidden = got.problem.status === 404;
  }
  item.querySelector("summary").focus();
}

function decidedAlready(problem) {
  if (problem.status === 404) return "Somebody else may have decided, or its time is over. Look at the list again.";
  if (problem.status === 403 || problem.status === 409) return "Nothing was done. Look at it again.";
  return adviceFor(problem).replace("ask again", "try again").replace("Ask again", "Try again");
}

export const begin = () => undefined;
export const show = () => void load();
export const focus = () => title.focus();

export function forget() {
  turn += 1;
  user = null;
  queue.replaceChildren();
  problems.replaceChildren();
  say(state, "");
}

byId("approvals-again").addEventListener("click", load);
