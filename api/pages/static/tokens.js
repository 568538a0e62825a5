// The words that stand for what was taken out of a text: found, marked, counted.

import { element } from "./text.js";

export const TOKEN = /\b[A-Z]+_[0-9A-Z]{6}\b/g;
export const TOKEN_OR_MARKER = /\[(\d{1,3})\]|\b[A-Z]+_[0-9A-Z]{6}\b/g;
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

export const tokenMark = (match) => element("mark", match[0]);

/** Say how many stretches were replaced, by kind; empty if none was. */
export function countsOf(redactions) {
  const counts = Object.entries(redactions).filter(([, count]) => Number.isInteger(count) && count > 0);
  return counts.map(([kind, count]) => `${count} ${(KINDS[kind] ?? [kind, kind])[count === 1 ? 0 : 1]}`).join(", ");
}
