// The chat page. Whatever comes from the service is put in as text and nothing else: this file has no innerHTML, and
// the page's Content-Security-Policy makes the browser refuse it should one ever slip in.

const LIMIT = Number(document.body.dataset.limit);
const EVENTS = new Set(["stage", "delta", "done", "error"]);
const LEVELS = new Set(["public", "internal", "confidential", "restricted"]);
const PENDING_LIMIT = 4_000_000; // characters of one unfinished line; a stream without line ends must not fill the tab
const TOKEN = /\b[A-Z]+_[0-9A-Z]{6}\b/g;
const TOKEN_OR_MARKER = /\[(\d{1,3})\]|\b[A-Z]+_[0-9A-Z]{6}\b/g;
const KINDS = {
  __proto__: null, USER: ["mention of a person", "mentions of people"], HANDLE: ["account name", "account names"],
  EMAIL: ["e-mail address", "e-mail addresses"], PHONE: ["phone number", "phone numbers"],
  IBAN: ["bank account", "bank accounts"], BIC: ["bank code", "bank codes"], CARD: ["card number", "card numbers"],
  IDENT: ["official number", "official numbers"], NUMBER: ["reference number", "reference numbers"],
  BIRTH: ["date of birth", "dates of birth"], ADDRESS: ["postal address", "postal addresses"],
  GEO: ["pair of coordinates", "pairs of coordinates"], PLATE: ["number plate", "number plates"],
  IP: ["IP address", "IP addresses"], MAC: ["device address", "device addresses"],
  ORG: ["organisation", "organisations"], PLACE: ["place", "places"], DATE: ["date", "dates"],
  AMOUNT: ["amount", "amounts"], TRAIT: ["trait of a person", "traits of people"], URL: ["link", "links"],
  SECRET: ["removed secret", "removed secrets"], TEXT: ["look-alike of a token", "look-alikes of tokens"],
};
const BROKEN = { title: "The answer broke off", detail: "It did not arrive whole, so nothing of it is shown." };
const UNREACHABLE = { title: "The service cannot be reached", detail: "The question may not have arrived." };
const STOPPED = "Stopped before the end. If the prompt had left by then, the audit trail says so.";

const byId = (id) => document.getElementById(id);
const [keyForm, keyField, keyError, signIn, signOutButton] =
  ["key-form", "key", "key-error", "sign-in", "sign-out"].map(byId);
const emergency = byId("emergency");
const [chat, empty, turns, askForm, question, counter, notice, send, stop] =
  ["chat", "empty", "turns", "ask", "question", "counter", "notice", "send", "stop"].map(byId);

// The whole state. The key lives here and nowhere else: no storage, no cookie, no address, no form field once read.
let key = null;
let conversation = null;
let running = null; // the AbortController of the question under way
let lookingAgain = 0; // the timer that looks whether emergency access has ended

// --- The stream -----------------------------------------------------------------------------------------------------

/**
 * Make a reader of server-sent events that may be fed text cut at any place.
 *
 * Lines end at \n, \r\n or \r alone, never at \u2028, and only our own event names count. So text of a model that looks
 * like part of the protocol stays text.
 */
export function eventReader(take) {
  let pending = "";
  let name = "";
  let data = [];

  function line(text) {
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(text);
    if (field === "event") name = value;
    if (field === "data") data.push(value);
    if (text !== "") return;
    if (EVENTS.has(name) && data.length) take(name, JSON.parse(data.join("\n")));
    [name, data] = ["", []];
  }

  return (text) => {
    // A \r at the very end may be half of \r\n: it stays until the next piece tells.
    const lines = (pending + text).split(/\r\n|\n|\r(?!$)/);
    pending = lines.pop();
    if (pending.length > PENDING_LIMIT) throw new RangeError("a line of the stream is too long");
    lines.forEach(line);
  };
}

const isText = (value) => typeof value === "string";
const isTextOrNull = (value) => value === null || isText(value);
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Say whether this is a whole reply. Half a reply might say that nothing left when something did. */
function isReply(reply) {
  return (
    isObject(reply) && isObject(reply.route) && isObject(reply.redactions) && typeof reply.left === "boolean" &&
    [reply.answer, reply.label, reply.audit_id, reply.conversation].every(isText) &&
    [reply.route.rule, reply.route.decision].every(isText) &&
    [reply.route.provider, reply.route.model, reply.prompt, reply.understood_as].every(isTextOrNull) &&
    ["answered", "nothing"].includes(reply.outcome) &&
    Array.isArray(reply.warnings) && reply.warnings.every(isText) && Array.isArray(reply.citations) &&
    reply.citations.every((it) => isObject(it) && Number.isInteger(it.number) && isText(it.title) && isText(it.excerpt))
  );
}

async function problemOf(response) {
  const problem = await response.json().catch(() => null);
  return { title: "The service refused", ...(isObject(problem) ? problem : {}), status: response.status };
}

/** Ask the service; call `on.stage`, `on.delta`, then exactly one of `on.done` and `on.problem`. */
async function converse(text, signal, on) {
  const response = await fetch("/api/v1/ask", {
    method: "POST",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", Accept: "text/event-stream" },
    body: JSON.stringify(conversation === null ? { question: text } : { question: text, conversation }),
    cache: "no-store",
    redirect: "error", // the key goes to this address alone
    signal,
  }).catch(() => null);
  if (signal.aborted) return;
  if (response === null) return void on.problem(UNREACHABLE);
  if (!response.ok) return void on.problem(await problemOf(response));
  if (!/^text\/event-stream\b/.test(response.headers.get("Content-Type"))) return void on.problem(BROKEN);

  let ended = false;
  const feed = eventReader((name, data) => {
    if (ended || signal.aborted) return;
    ended = name === "done" || name === "error";
    if (name === "stage") on.stage(data.stage);
    else if (name === "delta") on.delta(data.text);
    else if (name === "error") on.problem(isObject(data) ? data : BROKEN);
    else if (isReply(data)) on.done(data);
    else on.problem(BROKEN);
  });
  try {
    const reader = response.body.pipeThrough(new TextDecoderStream("utf-8", { fatal: true })).getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      feed(piece.value);
      if (ended) return void (await reader.cancel());
    }
  } catch {
    // Cut connection, bad UTF-8, bad JSON: each of them is an answer that did not arrive whole.
  }
  if (!ended && !signal.aborted) on.problem(BROKEN);
}

// --- Showing text ---------------------------------------------------------------------------------------------------

/** Copy a template of the page; give its element and a function that finds the parts of it. */
function copyOf(id) {
  const copy = byId(id).content.firstElementChild.cloneNode(true);
  return [copy, (name) => copy.querySelector(`[data-part="${name}"]`)];
}

const element = (tag, text, className = "") =>
  Object.assign(document.createElement(tag), { textContent: text, className });
const tokenMark = (match) => element("mark", match[0]);

/** Put text into a place, with an element in the stead of each match for which `make` gives one. */
function putText(place, text, pattern, make) {
  place.replaceChildren();
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    const made = make(match);
    if (!made) continue;
    place.append(text.slice(from, match.index), made);
    from = match.index + match[0].length;
  }
  place.append(text.slice(from));
}

function showCitation(citation) {
  const [item, part] = copyOf("citation");
  part("number").textContent = citation.number;
  part("title").textContent = citation.title;
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
  marker.setAttribute("aria-label", `[${citation.number}] ${citation.title}`);
  marker.addEventListener("click", () => {
    document.querySelectorAll(".source.lit").forEach((lit) => lit.classList.remove("lit"));
    item.classList.add("lit");
    item.querySelector("details").open = true;
    item.querySelector("summary").focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
  });
  return marker;
}

function countsOf(redactions) {
  const counts = Object.entries(redactions).filter(([, count]) => Number.isInteger(count) && count > 0);
  return counts.map(([kind, count]) => `${count} ${(KINDS[kind] ?? [kind, kind])[count === 1 ? 0 : 1]}`).join(", ");
}

function routeOf({ left, route }) {
  if (left) return `Sent to ${route.provider ?? "an outside model"}`;
  return route.decision === "local" ? "Answered on this machine; nothing left" : "Nothing left";
}

function showBadges(place, reply) {
  const label = element("li", reply.label, "badge");
  const level = reply.label.split("+")[0];
  if (LEVELS.has(level)) label.dataset.level = level;
  label.prepend(element("span", "Label: ", "unseen"));
  place.replaceChildren(label, element("li", routeOf(reply), `badge ${reply.left ? "went" : "stayed"}`));
  place.hidden = false;
}

function showWhatLeft(part, reply) {
  part("left").hidden = false;
  const counts = countsOf(reply.redactions);
  part("digest").textContent = reply.left ? (counts ? `${counts} replaced` : "nothing had to be replaced") : "nothing";
  const facts = {
    "Sent to": reply.left ? (reply.route.provider ?? "an outside model") : "nobody",
    Model: reply.route.model,
    Rule: reply.route.rule,
    Replaced: counts || (reply.prompt === null ? null : "nothing"),
    "Audit record": reply.audit_id,
  };
  for (const [name, value] of Object.entries(facts)) {
    if (value) part("facts").append(element("dt", name), element("dd", value));
  }
  const fate = reply.left ? "These exact words were sent." : "This prompt was prepared and stayed here.";
  const note = `${fate} Marked words stand for what was taken out.`;
  part("prompt-note").textContent = reply.prompt === null ? "No prompt was prepared." : note;
  part("prompt").hidden = reply.prompt === null;
  putText(part("prompt"), reply.prompt ?? "", TOKEN, tokenMark);
}

/** Show the whole reply. It is the authority: what was streamed before gives way to it. */
function showReply(part, reply) {
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

/** Say loudly which emergency access is open, as the service has it now; look again when the first of it ends. */
async function showEmergency() {
  const asked = key;
  const response = await fetch("/api/v1/me", {
    headers: { Authorization: `Bearer ${asked}` },
    cache: "no-store",
    redirect: "error",
  }).catch(() => null);
  const me = response?.ok ? await response.json().catch(() => null) : null;
  if (key !== asked || !isObject(me) || !Array.isArray(me.emergency)) return; // what is not known takes nothing away
  const open = me.emergency.filter((it) => isObject(it) && isText(it.object) && !Number.isNaN(Date.parse(it.ends_at)));
  putEmergency(open.map((it) => [it.object, new Date(it.ends_at)]));
}

function putEmergency(open) {
  clearTimeout(lookingAgain);
  const until = (end) => end.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
  const lines = open.map(([object, end]) => `Emergency access to ${object} is open until ${until(end)}.`);
  // Put in again only when it says something else, so that it is not read out after each answer.
  if (lines.join("\n") !== [...emergency.children].map((line) => line.textContent).join("\n")) {
    emergency.replaceChildren(...lines.map((line) => element("p", line)));
  }
  emergency.hidden = lines.length === 0;
  const ends = Math.min(...open.map(([, end]) => end.getTime()));
  if (lines.length) lookingAgain = setTimeout(showEmergency, Math.max(1000, ends - Date.now() + 500));
}

function adviceFor({ status, code }) {
  if (code === undefined && status === undefined) return "Check that you are connected, then ask again.";
  if (status === 429) return "You have asked a lot in a short time. Wait a little, then ask again.";
  if (status === 404) return "The conversation has ended. Ask again to begin a new one.";
  if (status === 409) return "Something changed while you asked. Ask again.";
  if (status === 403) return "If you need this for your work, ask an administrator and name the code below.";
  if (status >= 500) return "Ask again in a minute. An administrator can look this up by the code below.";
  return "Change the question, then ask again.";
}

function showProblem(place, problem, again) {
  const [box, part] = copyOf("problem");
  part("title").textContent = isText(problem.title) ? problem.title : "The question could not be answered";
  part("detail").textContent = isText(problem.detail) ? problem.detail : "";
  part("advice").textContent = adviceFor(problem);
  part("code").textContent = [problem.code, problem.status].filter((it) => it !== undefined).join(" · ");
  part("again").addEventListener("click", again);
  place.append(box);
}

// --- The two faces of the page --------------------------------------------------------------------------------------

function setRunning(run) {
  running = run;
  send.hidden = run !== null;
  stop.hidden = run === null;
}

/** Ask a question and show everything that comes of it, below what is there. */
async function ask(text) {
  const [turn, part] = copyOf("turn");
  const run = new AbortController();
  setRunning(run);
  part("question").textContent = text;
  part("answer").setAttribute("aria-busy", "true"); // read out once it is whole, not letter by letter
  turns.append(turn);
  empty.hidden = true;
  turn.scrollIntoView({ block: "start" });
  await converse(text, run.signal, {
    stage: (stage) => (part("stage").textContent = stage === "searching" ? "Searching what you may read…" : "Working…"),
    delta: (piece) => part("answer").append(isText(piece) ? piece : ""),
    done: (reply) => {
      conversation = reply.conversation;
      showReply(part, reply);
    },
    problem: (problem) => {
      if (run.signal.aborted) return;
      if (problem.status === 401) return signOut(problem.detail ?? problem.title, text);
      if (problem.status === 404) conversation = null;
      part("answer").replaceChildren(); // half an answer may say the opposite of the whole
      showProblem(turn.querySelector(".said"), problem, () => running === null && ask(text));
    },
  });
  if (key !== null) showEmergency();
  part("answer").removeAttribute("aria-busy");
  part("stage").textContent = run.signal.aborted ? STOPPED : "";
  if (running === run) setRunning(null);
}

/** Forget the key and all that it opened. The next person at this tab may read less. */
function signOut(message, unasked) {
  running?.abort();
  setRunning(null);
  key = conversation = null;
  putEmergency([]);
  turns.replaceChildren();
  notice.textContent = "";
  question.value = message === undefined ? "" : question.value || unasked;
  keyError.textContent = message ?? "";
  keyField.setAttribute("aria-invalid", String(message !== undefined));
  empty.hidden = signIn.hidden = false;
  chat.hidden = signOutButton.hidden = true;
  keyField.focus();
}

function showCount() {
  const length = [...question.value.trim()].length; // code points, as the service counts
  const [have, may] = [length, LIMIT].map((number) => number.toLocaleString("en"));
  counter.textContent = length > LIMIT * 0.8 ? `${have} of ${may}` : "";
  counter.classList.toggle("over", length > LIMIT);
  notice.textContent = length > LIMIT ? `The question is too long: ${may} characters are the most.` : "";
  return length;
}

keyForm.addEventListener("submit", (event) => {
  event.preventDefault();
  key = keyField.value.trim();
  keyField.value = "";
  // A header carries ASCII alone; fetch would throw on anything else.
  const usable = /^[\x21-\x7e]+$/.test(key);
  keyError.textContent = usable ? "" : "Enter your API key. It has letters, digits and signs, and no blanks.";
  keyField.setAttribute("aria-invalid", String(!usable));
  if (!usable) return keyField.focus();
  signIn.hidden = true;
  chat.hidden = signOutButton.hidden = false;
  showCount();
  showEmergency();
  question.focus();
});

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
signOutButton.addEventListener("click", () => signOut());
keyField.focus();
