// The banner that is loud as long as emergency access is open.

import { call } from "./service.js";
import { byId, element, isText, objectsOf, timeOf } from "./text.js";

const banner = byId("emergency");
let lookingAgain = 0; // the timer that looks whether emergency access has ended

/** Say loudly which emergency access is open, as the service has it now; look again when the first of it ends. */
export async function showEmergency() {
  const got = await call("/api/v1/me");
  if (!Array.isArray(got?.value?.emergency)) return; // what is not known takes nothing away
  const open = objectsOf(got.value.emergency).filter((it) => isText(it.object) && !Number.isNaN(Date.parse(it.ends_at)));
  putEmergency(open.map((it) => [it.object, new Date(it.ends_at)]));
}

export const hideEmergency = () => putEmergency([]);

function putEmergency(open) {
  clearTimeout(lookingAgain);
  const lines = open.map(([object, end]) => `Emergency access to ${object} is open until ${timeOf(end)}.`);
  // Put in again only when it says something else, so that it is not read out after each answer.
  if (lines.join("\n") !== [...banner.children].map((line) => line.textContent).join("\n")) {
    banner.replaceChildren(...lines.map((line) => element("p", line)));
  }
  banner.hidden = lines.length === 0;
  const ends = Math.min(...open.map(([, end]) => end.getTime()));
  if (lines.length) lookingAgain = setTimeout(showEmergency, Math.max(1000, ends - Date.now() + 500));
}
