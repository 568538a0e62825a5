// What went wrong, and what to do about it.

import { copyOf, isText } from "./text.js";

const BY_CODE = {
  __proto__: null,
  stopped: "This was stopped on purpose, and two people have to start it again. An administrator knows why.",
  "application-refused": "You are not among those who may ask through this application. Ask who answers for it.",
  "request-changed": "Ask the question again: what would be sent now waits for an approval of its own.",
  "no-such-request": "It is not known any more. Ask the question again.",
  "request-ended": "Ask the question again: it then waits for an approval of its own.",
};

/** Say what can be done, given problem details. */
export function adviceFor({ status, code, wait }) {
  if (code === undefined && status === undefined) return "Check that you are connected, then ask again.";
  if (Object.hasOwn(BY_CODE, code)) return BY_CODE[code];
  if (status === 429) return `You have asked a lot in a short time. ${again(wait)}`;
  if (status === 404) return "The conversation has ended. Ask again to begin a new one.";
  if (status === 409) return "Something changed while you asked. Ask again.";
  if (status === 410) return "It is over. Ask the question again to begin anew.";
  if (status === 403) return "If you need this for your work, ask an administrator and name the code below.";
  if (status >= 500) return "Ask again in a minute. An administrator can look this up by the code below.";
  return "Change the question, then ask again.";
}

function again(seconds) {
  if (!(seconds > 0)) return "Wait a little, then ask again.";
  const from = new Date(Date.now() + seconds * 1000);
  const far = seconds > 12 * 3600 ? { dateStyle: "medium", timeStyle: "short" } : { timeStyle: "medium" };
  return `Wait a little: you can ask again at ${from.toLocaleString("en-GB", far)}.`;
}

/** Show a problem at the end of a place; `retry`, if it is given, is what its button does. */
export function showProblem(place, problem, retry, { advice = adviceFor(problem), name = "Ask again" } = {}) {
  const [box, part] = copyOf("problem");
  part("title").textContent = isText(problem.title) ? problem.title : "The question could not be answered";
  part("detail").textContent = isText(problem.detail) ? problem.detail : "";
  part("advice").textContent = advice;
  part("code").textContent = [problem.code, problem.status].filter((it) => it !== undefined).join(" · ");
  part("again").textContent = name;
  part("again").hidden = retry === undefined;
  if (retry) part("again").addEventListener("click", retry);
  place.append(box);
}
