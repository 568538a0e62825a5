// The stream of an answer, read piece by piece.

import { isReply } from "./reply.js";
import { BROKEN, UNREACHABLE, problemOf, request } from "./service.js";
import { isObject } from "./text.js";

const EVENTS = new Set(["stage", "delta", "done", "error"]);
const PENDING_LIMIT = 4_000_000; // characters of one unfinished line; a stream without line ends must not fill the tab

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

/** Ask the service; call `on.stage`, `on.delta`, then exactly one of `on.done` and `on.problem`. */
export async function converse(body, signal, on) {
  const response = await request("/api/v1/ask", { method: "POST", body, accept: "text/event-stream", signal });
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
