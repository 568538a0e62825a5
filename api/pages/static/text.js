// Putting text into a page. Whatever comes from the service is put in as text and nothing else: none of these files has
// innerHTML, and the page's Content-Security-Policy makes the browser refuse it should one ever slip in.

export const byId = (id) => document.getElementById(id);
export const isText = (value) => typeof value === "string";
export const isTextOrNull = (value) => value === null || isText(value);
export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
export const isId = (value) => isText(value) && /^[A-Za-z0-9-]{1,64}$/.test(value);
/** Give the objects of what ought to be a list of them. */
export const objectsOf = (value) => (Array.isArray(value) ? value.filter(isObject) : []);
/** Give the texts of what ought to be a list of them. */
export const textsOf = (value) => (Array.isArray(value) ? value.filter(isText) : []);

/** Copy a template of the page; give its element and a function that finds the parts of it. */
export function copyOf(id) {
  const copy = byId(id).content.firstElementChild.cloneNode(true);
  return [copy, (name) => copy.querySelector(`[data-part="${name}"]`)];
}

export const element = (tag, text, className = "") =>
  Object.assign(document.createElement(tag), { textContent: text, className });

/** Make an element around others. */
export function around(tag, inside, className = "") {
  const made = element(tag, "", className);
  made.append(...inside);
  return made;
}

/** Put text into a place, with an element in the stead of each match for which `make` gives one. */
export function putText(place, text, pattern, make) {
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

/** Put names and what they stand for into a `dl`; what is empty is left out. */
export function putFacts(place, facts) {
  const known = Object.entries(facts).filter(([, value]) => value);
  place.replaceChildren(...known.flatMap(([name, value]) => [element("dt", name), valueOf(value)]));
}

function valueOf(value) {
  const made = element("dd", value);
  made.dir = "auto";
  return made;
}

/** Say something in a place that is read out, once: the same words again are not put in again. */
export function say(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

/** Give a time of the service in the reader's own; what is none as it stands. */
export function timeOf(iso) {
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? String(iso) : time.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

export const dayOf = (iso) =>
  Number.isNaN(Date.parse(iso)) ? String(iso) : new Date(iso).toLocaleDateString("en-GB", { dateStyle: "medium" });

/** Say how long something has waited. */
export function ageOf(seconds) {
  const steps = [[86_400, "day"], [3_600, "hour"], [60, "minute"]];
  for (const [length, name] of steps) {
    const many = Math.floor(seconds / length);
    if (many >= 1) return `${many} ${name}${many === 1 ? "" : "s"} ago`;
  }
  return "just now";
}

/** Make the badge of a label. */
export function labelBadge(label, tag = "li") {
  const badge = element(tag, label, "badge");
  const level = label.split("+")[0];
  if (["public", "internal", "confidential", "restricted"].includes(level)) badge.dataset.level = level;
  badge.prepend(element("span", "Label: ", "unseen"));
  return badge;
}
