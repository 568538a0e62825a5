// The page: signing in and out, and which of its views is seen. One key opens all of them, and leaving the page forgets it.

import * as chat from "./chat.js";
import { hideEmergency, showEmergency } from "./emergency.js";
import { forget, onRefusal, signIn } from "./service.js";
import { byId } from "./text.js";

const VIEWS = { chat };
const [keyForm, keyField, keyError, signInPart, signOutButton] =
  ["key-form", "key", "key-error", "sign-in", "sign-out"].map(byId);

function signOut(message) {
  forget();
  hideEmergency();
  Object.values(VIEWS).forEach((view) => view.forget({ keep: message !== undefined }));
  keyError.textContent = message ?? "";
  keyField.setAttribute("aria-invalid", String(message !== undefined));
  signInPart.hidden = false;
  byId("chat").hidden = signOutButton.hidden = true;
  keyField.focus();
}

keyForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const usable = signIn(keyField.value.trim());
  keyField.value = "";
  keyError.textContent = usable ? "" : "Enter your API key. It has letters, digits and signs, and no blanks.";
  keyField.setAttribute("aria-invalid", String(!usable));
  if (!usable) return keyField.focus();
  signInPart.hidden = true;
  byId("chat").hidden = signOutButton.hidden = false;
  showEmergency();
  chat.begin();
  chat.focus();
});

onRefusal(signOut);
signOutButton.addEventListener("click", () => signOut());
keyField.focus();
