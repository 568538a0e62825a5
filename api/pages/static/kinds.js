// What waits for a second person, kind by kind: how it is called, what is seen of it, and what came of it.
//
// `body` gives null when something that has to be seen is missing: then nobody can approve it here.

import { matrixTable, measuresOf } from "./matrix.js";
import { around, element, isObject, isText, objectsOf, putFacts, putText, textsOf, timeOf } from "./text.js";
import { TOKEN, countsOf, tokenMark } from "./tokens.js";

const factsOf = (facts) => {
  const made = element("dl", "", "facts");
  putFacts(made, facts);
  return made;
};
const listOf = (texts, className) => around("ul", texts.map((it) => element("li", it)), className);

function sendBody(it) {
  const messages = objectsOf(it.messages);
  const whole = messages.length > 0 && messages.length === it.messages.length;
  if (!whole || !messages.every(({ role, content }) => isText(role) && isText(content))) return null;
  const redactions = isObject(it.redactions) ? it.redactions : {};
  const facts = factsOf({
    Label: it.label,
    Provider: `${it.provider}, ${it.kind_of_provider}`,
    Model: it.model,
    Contract: `version ${it.contract_version}`,
    Application: it.application,
    Purpose: it.purpose,
    Replaced: countsOf(redactions) || "nothing had to be replaced",
    Length: `${Number(it.characters).toLocaleString("en")} characters`,
    Documents: textsOf(it.documents).join(", "),
    "SHA-256": it.prompt_hash,
  });
  return [
    facts,
    element("h3", "What would be sent"),
    element("p", "These exact words, and nothing else. Marked words stand for what was taken out.", "note"),
    ...messages.flatMap(messageOf),
  ];
}

function messageOf({ role, content }) {
  const text = element("pre", "");
  text.dir = "auto";
  text.tabIndex = 0;
  text.setAttribute("role", "group");
  text.setAttribute("aria-label", `Message of the role ${role}`);
  putText(text, content, TOKEN, tokenMark);
  return [element("p", role, "role"), text];
}

function policyBody(it) {
  const edits = objectsOf(it.edits);
  if (edits.length === 0 || edits.length !== it.edits.length || !edits.every(({ op }) => isText(op))) return null;
  const items = edits.map(({ op, ...fields }) => {
    const facts = Object.entries(fields).map(([name, value]) => [name, valueOf(value)]);
    return around("li", [element("p", op, "op"), factsOf(Object.fromEntries(facts))], "edit");
  });
  return [element("h3", items.length === 1 ? "The change" : `${items.length} changes`), around("ol", items, "edits")];
}

function valueOf(value) {
  if (value === null) return "none";
  if (Array.isArray(value)) return value.map(valueOf).join(", ") || "none";
  return isObject(value) ? JSON.stringify(value) : String(value);
}

function matrixBody(it) {
  if (!isObject(it.matrix) || !isObject(it.matrix.classes)) return null;
  const whole = around("details", [
    element("summary", "The whole matrix as it would be"),
    element("p", measuresOf(it.matrix), "note"),
    matrixTable(it.matrix),
  ], "whole");
  return [element("h3", "What differs"), listOf(textsOf(it.reasons), "differences"), whole];
}

function liftBody(it) {
  if (!isText(it.stopped_by)) return null;
  return [factsOf({ Stopped: it.target, By: it.stopped_by, At: timeOf(it.stopped_at), Because: it.stopped_for })];
}

export const KINDS = {
  __proto__: null,
  send: {
    title: (it) => `Send to ${it.provider}`,
    body: sendBody,
    sure: "These words are then sent once, when who asked gets the answer.",
    approved: (it) => `Approved. ${it.asked_by} can get the answer now, once.`,
    rejected: "Rejected. Nothing is sent.",
  },
  policy: {
    title: () => "Change the policy",
    body: policyBody,
    sure: "It holds from the next request on.",
    approved: (it, came) => `Approved. It holds from epoch ${came.epoch} on.`,
    rejected: "Rejected. The policy stays as it is.",
  },
  matrix: {
    title: () => "Change the matrix",
    body: matrixBody,
    sure: "It holds from the next request on.",
    approved: (it, came) => `Approved. Version ${came.version} of the matrix holds.`,
    rejected: "Rejected. The matrix stays as it is.",
  },
  "lift-stop": {
    title: (it) => `Start ${it.target} again`,
    body: liftBody,
    sure: "It is started at once.",
    approved: (it) => `Approved. ${it.target} is started again.`,
    rejected: "Rejected. The stop stays in force.",
  },
};
