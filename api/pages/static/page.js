// The page: signing in and out, and which of its views is seen. One key opens all of them; leaving the page forgets it.

import * as approvals from "./approvals.js";
import * as chat from "./chat.js";
import { hideEmergency, showEmergency } from "./emergency.js";
import * as matrix from "./matrix.js";
import { forget, onRefusal, signIn } from "./service.js";
import { byId } from "./text.js";

const VIEWS = { __proto__: null, chat, approvals, matrix };
const [keyForm, keyField, keyError, signInPart, signOutButton, nav] =
  ["key-form", "key", "key-error", "sign-in", "sign-out", "views"].map(byId);
const links = [...nav.querySelectorAll("a")];

let signedIn = false;
let seen = document.body.dataset.view; // as the service gave the page

/** Show one view; before the sign-in, what it is for. */
function show(name) {
  seen = name;
  document.title = nav.querySelector(`[data-view="${name}"]`).dataset.title;
  for (const link of links) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const view of Object.keys(VIEWS)) {
    byId(view).hidden = !signedIn || view !== name;
    byId(`welcome-${view}`).hidden = view !== name;
  }
  signInPart.hidden = signedIn;
  nav.hidden = signOutButton.hidden = !signedIn;
  if (signedIn) VIEWS[name].show();
}

function signOut(message) {
  forget();
  hideEmergency();
  signedIn = false;
  Object.values(VIEWS).forEach((view) => view.forget({ keep: message !== undefined }));
  keyError.textContent = message ?? "";
  keyField.setAttribute("aria-invalid", String(message !== undefined));
  show(seen);
  keyField.focus();
}

keyForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const usable = signIn(keyField.value.trim());
  keyField.value = "";
  keyError.textContent = usable ? "" : "Enter your API key. It has letters, digits and signs, and no blanks.";
  keyField.setAttribute("aria-invalid", String(!usable));
  if (!usable) return keyField.focus();
  signedIn = true;
  showEmergency();
  Object.values(VIEWS).forEach((view) => view.begin());
  show(seen);
  VIEWS[seen].focus();
});

// A view is changed without loading the page anew, which would forget the key; its address changes with it.
nav.addEventListener("click", (event) => {
  const view = event.target.closest("a")?.dataset.view;
  if (view === undefined || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (view === seen) return;
  history.pushState({ view }, "", event.target.closest("a").getAttribute("href"));
  show(view);
  VIEWS[view].focus();
});
window.addEventListener("popstate", (event) => show(event.state?.view in VIEWS ? event.state.view : seen));
history.replaceState({ view: seen }, "");

onRefusal(signOut);
signOutButton.addEventListener("click", () => signOut());
show(seen);
keyField.focus();
