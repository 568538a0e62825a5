// The gates of applications: ten points each, open or closed, with what says so.

import { showProblem } from "./problem.js";
import { call } from "./service.js";
import { tableOf } from "./table.js";
import { copyOf, dayOf, element, isObject, isText, objectsOf, putFacts, textsOf } from "./text.js";

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** Show the gate of each application that the caller may look at, as long as `wanted` says so. */
export async function showGates(place, wanted) {
  const got = await call("/api/v1/applications");
  if (got === null || !wanted()) return;
  place.replaceChildren();
  if (!got.value) return showProblem(place, got.problem, () => showGates(place, wanted), { name: "Look again" });
  const found = objectsOf(got.value.items).filter((it) => NAME.test(it.name) && isObject(it.record));
  if (found.length === 0) place.append(element("p", "There is no application that you manage.", "note"));
  const looked = await Promise.all(found.map((it) => call(`/api/v1/applications/${it.name}/gate`)));
  if (!wanted()) return;
  found.forEach((it, at) => looked[at] && place.append(gateOf(it, looked[at])));
}

function gateOf({ name, version, record }, { value, problem }) {
  const [card, part] = copyOf("gate");
  part("name").textContent = name;
  part("purpose").textContent = isText(record.purpose) ? record.purpose : "";
  putFacts(part("facts"), {
    "Answers for it": record.owner,
    "Up to": record.ceiling,
    "Who may ask": textsOf(record.users).join(", "),
    Provider: record.provider ?? "none",
    "Own model": record.local,
    Version: String(version),
  });
  const known = isObject(value) && Array.isArray(value.points);
  const open = known && value.open === true;
  part("state").textContent = open ? "Open" : "Closed: nothing above public leaves";
  part("state").classList.add(open ? "yes" : "no");
  if (!known) showProblem(part("points"), problem ?? { title: "The gate cannot be shown" });
  else part("points").append(tableOf(`The ten points of ${name}`, HEADS, objectsOf(value.points).map(rowOf)));
  const warnings = known ? textsOf(value.warnings) : [];
  part("warnings").replaceChildren(...warnings.map((it) => element("li", it)));
  part("warnings").hidden = warnings.length === 0;
  return card;
}

const HEADS = ["Point", "State", "Why", "How it is known", "Until"];

function rowOf({ point, state, why, kind, until }) {
  const open = state === "open";
  const word = element("span", open ? "Open" : "Closed", `verdict ${open ? "yes" : "no"}`);
  return [point, [word], why, kind, until ? dayOf(until) : "—"];
}
