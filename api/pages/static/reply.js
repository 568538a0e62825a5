// A reply of the service: whether it is whole, and how it is shown.

import { copyOf, element, isId, isObject, isText, isTextOrNull, labelBadge, putFacts, putText } from "./text.js";
import { TOKEN, TOKEN_OR_MARKER, countsOf, tokenMark } from "./tokens.js";

/** Say whether this is a whole reply. Half a reply might say that nothing left when something did. */
export function isReply(reply) {
  return (
    isObject(reply) && isObject(reply.route) && isObject(reply.redactions) && typeof reply.left === "boolean" &&
    [reply.answer, reply.label, reply.audit_id, reply.conversation].every(isText) &&
    [reply.route.rule, reply.route.decision].every(isText) &&
    [reply.route.provider, reply.route.model, reply.prompt, reply.understood_as].every(isTextOrNull) &&
    (reply.outcome === "waiting" ? isId(reply.request) && !reply.left : ["answered", "nothing"].includes(reply.outcome)) &&
    Array.isArray(reply.warnings) && reply.warnings.every(isText) && Array.isArray(reply.citations) &&
    reply.citations.every((it) => isObject(it) && Number.isInteger(it.number) && isText(it.title) && isText(it.excerpt))
  );
}

const UNTITLED = "A source without a title"; // a title may name somebody, and is then not told to everybody

function showCitation(citation) {
  const [item, part] = copyOf("citation");
  part("number").textContent = citation.number;
  part("title").textContent = citation.title || UNTITLED;
  part("preview").textContent = citation.excerpt;
  putText(part("excerpt"), citation.excerpt, TOKEN, tokenMark);
  const below = [citation.headings].flat().filter((heading) => isText(heading) && heading !== citation.title);
  const place = [...below, citation.date && `as of ${citation.date}`].filter(Boolean).join(" · ");
  part("where").textContent = `${place}${place && " · "}${citation.document}, characters ${citation.start} to ${citation.end}`;
  return item;
}

/** Make the [1] in an answer: a button that opens its source and takes the keyboard there. */
function markerOf(citation, item) {
  const marker = element("button", `[${citation.number}]`, "marker");
  marker.type = "button";
  marker.setAttribute("aria-label", `[${citation.number}] ${citation.title || UNTITLED}`);
  marker.addEventListener("click", () => {
    document.querySelectorAll(".source.lit").forEach((lit) => lit.classList.remove("lit"));
    item.classList.add("lit");
    item.querySelector("details").open = true;
    item.querySelector("summary").focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
  });
  return marker;
}

function routeOf({ left, outcome, route }) {
  if (left) return `Sent to ${route.provider ?? "an outside model"}`;
  if (outcome === "waiting") return "Waits for a second person; nothing left";
  if (route.decision !== "local") return "Nothing left";
  if (route.provider === null) return "Answered on this machine; nothing left";
  return `Answered by a model of our own, ${route.provider}; nothing left`;
}

function showBadges(place, reply) {
  const way = reply.left ? "went" : reply.outcome === "waiting" ? "waits" : "stayed";
  place.replaceChildren(labelBadge(reply.label), element("li", routeOf(reply), `badge ${way}`));
  place.hidden = false;
}

const FATES = {
  left: "These exact words were sent.",
  waiting: "These exact words would be sent once they are approved, and nothing else. Until then they stay here.",
  stayed: "This prompt was prepared and stayed here.",
};

function showWhatLeft(part, reply) {
  const fate = reply.left ? "left" : reply.outcome === "waiting" ? "waiting" : "stayed";
  const waits = fate === "waiting";
  const counts = countsOf(reply.redactions);
  const there = reply.route.provider ?? "an outside model";
  part("left").hidden = false;
  part("left").open = waits;
  part("left-title").textContent = waits ? "What would leave" : "What left";
  const replaced = counts ? `${counts} replaced` : "nothing had to be replaced";
  part("digest").textContent = fate === "stayed" ? "nothing" : waits ? `nothing yet; ${replaced}` : replaced;
  putFacts(part("facts"), {
    [waits ? "Would go to" : "Sent to"]: fate === "stayed" ? "nobody" : there,
    Model: reply.route.model,
    Rule: reply.route.rule,
    Replaced: counts || (reply.prompt === null ? null : "nothing"),
    "Audit record": reply.audit_id,
  });
  const note = `${FATES[fate]} Marked words stand for what was taken out.`;
  part("prompt-note").textContent = reply.prompt === null ? "No prompt was prepared." : note;
  part("prompt").hidden = reply.prompt === null;
  putText(part("prompt"), reply.prompt ?? "", TOKEN, tokenMark);
}

/** Show the whole reply. It is the authority: what was streamed before gives way to it. */
export function showReply(part, reply) {
  const items = new Map(reply.citations.map((citation) => [citation.number, [citation, showCitation(citation)]]));
  part("citations").replaceChildren(...[...items.values()].map(([, item]) => item));
  part("sources").hidden = items.size === 0;
  putText(part("answer"), reply.answer, TOKEN_OR_MARKER, (match) => {
    if (match[1] === undefined) return tokenMark(match);
    return items.has(Number(match[1])) ? markerOf(...items.get(Number(match[1]))) : null;
  });
  part("understood").textContent = reply.understood_as === null ? "" : `Understood as: ${reply.understood_as}`;
  part("understood").hidden = reply.understood_as === null;
  part("answer").classList.toggle("nothing", reply.outcome === "nothing");
  part("warnings").replaceChildren(...reply.warnings.map((warning) => element("li", warning)));
  part("warnings").hidden = reply.warnings.length === 0;
  showBadges(part("badges"), reply);
  showWhatLeft(part, reply);
}
