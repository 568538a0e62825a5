// The matrix of classes and requirements, how each provider stands in it, and the gates of applications.

import { showGates } from "./gates.js";
import { showProblem } from "./problem.js";
import { BROKEN, call } from "./service.js";
import { tableOf } from "./table.js";
import { byId, dayOf, element, isObject, objectsOf, textsOf } from "./text.js";

const ORDER = ["public", "internal", "confidential", "restricted", "gdpr", "hipaa", "pci", "trade-secret"];
const [title, place, about, warnings, problems, gates] =
  ["matrix-title", "matrix-table", "matrix-about", "matrix-warnings", "matrix-problems", "gates"].map(byId);
const listed = (values) => textsOf(values).sort().join(", "); // they are sets, and come in any order

/** Make the table of a matrix, with a column for each provider. */
export function matrixTable(matrix, providers = []) {
  const classes = isObject(matrix.classes) ? matrix.classes : {};
  const names = [...ORDER.filter((name) => Object.hasOwn(classes, name)), ...Object.keys(classes).filter((it) => !ORDER.includes(it))];
  const heads = ["Class of text", "May go to", "If the contract has", "A second person approves for"];
  const rows = names.map((name) => {
    const asked = isObject(classes[name]) ? classes[name] : {};
    const cells = [listed(asked.kinds) || "nobody", listed(asked.needs) || "—", listed(asked.approve) || "—"];
    return [name, ...cells, ...providers.map((provider) => verdictOf(provider, name))];
  });
  return tableOf("The matrix", [...heads, ...providers.map(headOf)], rows);
}

/** Say what a matrix means by terms that have a measure. */
export function measuresOf(matrix) {
  const days = Number.isInteger(matrix.retention_days) ? matrix.retention_days : "?";
  return `“retention” holds where things are kept for at most ${days} days, “region” in ${listed(matrix.regions) || "none"}.`;
}

function headOf(provider) {
  return [element("span", String(provider.name)), element("span", `${provider.kind}, version ${provider.version}`, "under")];
}

/** Say in words whether a class may go to a provider, and why. */
function verdictOf(provider, name) {
  const cell = objectsOf(provider.cells).find((it) => it.class === name);
  if (cell === undefined) return [verdict("no", "No"), element("span", "nothing is known of it", "under")];
  const needs = isObject(cell.needs) ? cell.needs : {};
  const missing = Object.keys(needs).filter((term) => needs[term] !== true);
  const why = [];
  if (provider.active !== true) why.push("no contract that holds");
  else if (cell.kind_fits !== true) why.push(`not for ${provider.kind}`);
  if (missing.length) why.push(`missing: ${missing.join(", ")}`);
  const soon = isObject(provider.ends_soon) ? Object.entries(provider.ends_soon) : [];
  const ends = soon.filter(([term]) => term === "contract" || (Object.hasOwn(needs, term) && needs[term] === true));
  const passed = cell.passed === true && why.length === 0;
  if (passed) why.push(...ends.map(([term, day]) => `${term} ends on ${dayOf(day)}`));
  const word = !passed ? verdict("no", "No") : cell.approve === true ? verdict("approve", "Needs approval") : verdict("yes", "Passes");
  return [word, element("span", why.join("; "), "under")];
}

const verdict = (kind, word) => element("span", word, `verdict ${kind}`);

let turn = 0; // of all looks, the last one is shown

async function load() {
  const mine = ++turn;
  const got = await call("/api/v1/matrix");
  if (got === null || mine !== turn) return;
  problems.replaceChildren();
  if (!got.value || !isObject(got.value.matrix)) {
    return showProblem(problems, got.problem ?? BROKEN, load, { name: "Look again" });
  }
  const { matrix, version, providers } = got.value;
  const columns = objectsOf(providers);
  place.replaceChildren(matrixTable(matrix, columns));
  const which = version === 0 ? "It is the one that ships." : `It is version ${version}.`;
  about.textContent = `${which} ${measuresOf(matrix)}`;
  const told = columns.flatMap((provider) => textsOf(provider.warnings));
  warnings.replaceChildren(...told.map((warning) => element("li", warning)));
  warnings.hidden = told.length === 0;
  await showGates(gates, () => mine === turn);
}

export const begin = () => undefined;
export const show = () => void load();
export const focus = () => title.focus();

export function forget() {
  turn += 1;
  for (const it of [place, warnings, problems, gates]) it.replaceChildren();
  about.textContent = "";
}

byId("matrix-again").addEventListener("click", load);
