// The conversation: a question, what comes of it, and one's own requests that wait.

import { showEmergency } from "./emergency.js";
import { showProblem } from "./problem.js";
import { showReply } from "./reply.js";
import { refused } from "./service.js";
import { converse } from "./stream.js";
import { byId, copyOf, isText } from "./text.js";
import { forgetRequests, look, openRequests, putStanding, showRequest } from "./waiting.js";

const LIMIT = Number(document.body.dataset.limit);
const STOPPED = "Stopped before the end. If the prompt had left by then, the audit trail says so.";
const NO_QUESTION = "A question of an earlier day";

const [empty, turns, requests, requestList] = ["empty", "turns", "requests", "request-list"].map(byId);
const [askForm, question, counter, notice, send, stop] =
  ["ask", "question", "counter", "notice", "send", "stop"].map(byId);

let conversation = null;
let running = null; // the AbortController of the question under way

function setRunning(run) {
  running = run;
  send.hidden = run !== null;
  stop.hidden = run === null;
}

function newTurn(text) {
  const [turn, part] = copyOf("turn");
  part("question").textContent = text;
  turns.append(turn);
  empty.hidden = true;
  turn.scrollIntoView({ block: "start" });
  return [turn, part];
}

/** Ask a question and show everything that comes of it, below what is there. */
async function ask(text) {
  const [turn, part] = newTurn(text);
  const run = new AbortController();
  setRunning(run);
  part("answer").setAttribute("aria-busy", "true"); // read out once it is whole, not letter by letter
  await converse(conversation === null ? { question: text } : { question: text, conversation }, run.signal, {
    stage: (stage) => (part("stage").textContent = stage === "searching" ? "Searching what you may read…" : "Working…"),
    delta: (piece) => part("answer").append(isText(piece) ? piece : ""),
    done: (reply) => {
      conversation = reply.conversation;
      showReply(part, reply);
      if (reply.outcome === "waiting") look(waitIn(part, reply.request, reply.route.rule, text));
    },
    problem: (problem) => {
      if (run.signal.aborted) return;
      if (problem.status === 401) {
        question.value ||= text;
        return refused(problem);
      }
      if (problem.status === 404) conversation = null;
      part("answer").replaceChildren(); // half an answer may say the opposite of the whole
      showProblem(turn.querySelector(".said"), problem, () => running === null && ask(text));
    },
  });
  if (turn.isConnected) showEmergency();
  part("answer").removeAttribute("aria-busy");
  part("stage").textContent = run.signal.aborted ? STOPPED : "";
  if (running === run) setRunning(null);
}

/** Show a request in its turn, and its answer in place of it. */
function waitIn(part, id, why, text) {
  return showRequest(part("waiting"), id, why, {
    ...turnOf(() => part),
    anew: () => running === null && ask(text),
  });
}

/** Say what becomes of a run that gets an answer: it shows in the turn that `partOf` gives once there is one. */
function turnOf(partOf) {
  let run = null;
  return {
    start: () => {
      if (running !== null) return null;
      setRunning((run = new AbortController()));
      return run.signal;
    },
    end: () => void (running === run && setRunning(null)),
    reply: (reply) => {
      const part = partOf();
      conversation = reply.conversation;
      showReply(part, reply);
      part("question").focus({ preventScroll: true }); // its button is gone; the keyboard goes on from here
    },
  };
}

/** List the requests that wait from earlier, if there are any. */
async function showRequests() {
  for (const standing of await openRequests()) {
    const [item, itemPart] = copyOf("request");
    const text = isText(standing.question) && standing.question ? standing.question : NO_QUESTION;
    itemPart("question").textContent = text;
    const asked = turnOf(() => newTurn(text)[1]);
    const gone = () => {
      item.remove();
      requests.hidden = requestList.children.length === 0;
    };
    const it = showRequest(itemPart("waiting"), standing.request, null, {
      ...asked,
      reply: (reply) => {
        gone();
        asked.reply(reply);
      },
      anew: () => {
        if (running !== null) return;
        gone();
        if (text === NO_QUESTION) question.focus();
        else ask(text);
      },
    });
    putStanding(it, standing);
    requestList.append(item);
  }
  requests.hidden = requestList.children.length === 0;
}

/** Begin: somebody has signed in. */
export function begin() {
  showCount();
  showRequests();
}

export const show = () => undefined;
export const focus = () => question.focus();

/** Forget everything; what was typed and not sent stays only for the same reader. */
export function forget({ keep }) {
  running?.abort();
  setRunning(null);
  conversation = null;
  forgetRequests();
  turns.replaceChildren();
  requestList.replaceChildren();
  requests.hidden = true;
  notice.textContent = "";
  if (!keep) question.value = "";
  empty.hidden = false;
}

function showCount() {
  const length = [...question.value.trim()].length; // code points, as the service counts
  const [have, may] = [length, LIMIT].map((number) => number.toLocaleString("en"));
  counter.textContent = length > LIMIT * 0.8 ? `${have} of ${may}` : "";
  counter.classList.toggle("over", length > LIMIT);
  notice.textContent = length > LIMIT ? `The question is too long: ${may} characters are the most.` : "";
  return length;
}

askForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const length = showCount();
  question.focus();
  if (length === 0) notice.textContent = "Type a question first.";
  else if (running !== null) notice.textContent = "Wait for the answer, or stop it.";
  else if (length <= LIMIT) {
    ask(question.value.trim());
    question.value = "";
    showCount();
  }
});

question.addEventListener("input", showCount);
question.addEventListener("keydown", (event) => {
  // While an input method composes a word, Enter picks the word.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  askForm.requestSubmit();
});
stop.addEventListener("click", () => {
  running?.abort();
  question.focus();
});
