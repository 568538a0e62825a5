// Asking the service. The key lives here and nowhere else: no storage, no cookie, no address, no form field once read.

import { isObject } from "./text.js";

export const BROKEN = { title: "The answer broke off", detail: "It did not arrive whole, so nothing of it is shown." };
export const UNREACHABLE = { title: "The service cannot be reached", detail: "The question may not have arrived." };

let key = null;
let session = new AbortController(); // ends with the sign-out, and with it all that is under way
let refusal = () => undefined;

/** Take a key; a header carries ASCII alone, and fetch would throw on anything else. */
export function signIn(given) {
  if (!/^[\x21-\x7e]+$/.test(given)) return false;
  key = given;
  session = new AbortController();
  return true;
}

/** Forget the key. Nothing that it asked for arrives any more. */
export function forget() {
  key = null;
  session.abort();
}

/** Have somebody told when the service does not know the key. */
export const onRefusal = (tell) => void (refusal = tell);
export const refused = (problem) => refusal(problem.detail ?? problem.title);

/** Send a request with the key; null if nothing came back. */
export async function request(path, { method = "GET", body, accept = "application/json", signal } = {}) {
  const headers = { Authorization: `Bearer ${key}`, Accept: accept };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return fetch(path, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    cache: "no-store",
    redirect: "error", // the key goes to this address alone
    signal: AbortSignal.any(signal ? [session.signal, signal] : [session.signal]),
  }).catch(() => null);
}

export async function problemOf(response) {
  const problem = await response.json().catch(() => null);
  const wait = Number(response.headers.get("Retry-After"));
  const known = isObject(problem) ? problem : {};
  return { title: "The service refused", ...known, status: response.status, wait: wait > 0 ? wait : undefined };
}

/**
 * Ask for JSON. Gives `{ value }` or `{ problem }`, and null when the caller stopped or signed out meanwhile, or the
 * key is refused: then nothing may be shown any more.
 */
export async function call(path, options = {}) {
  const mine = session;
  const response = await request(path, options);
  const result = await resultOf(response);
  if (mine.signal.aborted || options.signal?.aborted) return null;
  if (result.problem?.status !== 401) return result;
  refused(result.problem);
  return null;
}

async function resultOf(response) {
  if (response === null) return { problem: UNREACHABLE };
  if (!response.ok) return { problem: await problemOf(response) };
  if (response.status === 204) return { value: {} };
  const value = await response.json().catch(() => null);
  return isObject(value) ? { value } : { problem: BROKEN };
}
