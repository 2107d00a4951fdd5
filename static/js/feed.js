// Lists and badges that follow the world. The feed says only which row changed; the page reads it again.
//
// A region is an element with an id and data-feed="cluster task" (the kinds that concern it). data-src: where its HTML
// comes from; data-rows: where single rows come from (?id=…), whose ids are "<kind>-<id>"; data-only: the one id that
// matters; data-always: read it now and then even if nothing is told, because it shows when something was last seen.
// After a gap in the line every region is read again whole.

import { morph } from "./apply.js";
import { Line } from "./live.js";

const GATHER = 200; // ms in which changes are read together
const PAUSE = 1000; // ms between two readings of a whole region
const MOST_ROWS = 40;
const BY_ITSELF = { "HX-Request": "true", "X-Automatic": "1" }; // says nothing of the person: the session stays idle
const ALWAYS = 10_000; // ms between readings of a region with data-always

const queues = new Map(); // region id → Set of row ids, or "whole"
const lastWhole = new Map(); // region id → when
const strangers = new Set(); // ids of which a whole reading showed that they are not in the list
const busy = new Set();
let timer;

function regions() {
  return document.querySelectorAll("[data-feed]");
}

function changed({ kind, id }) {
  for (const region of regions()) {
    const { feed, only, rows } = region.dataset;
    if (!feed.split(" ").includes(kind) || (only && only !== id)) continue;
    const row = rows && rowOf(region, kind, id);
    if (row) ask(region, row.dataset.row);
    else if (!rows || !strangers.has(id)) ask(region);
    if (rows && !row) strangers.add(id);
  }
}

/** The row of a thing itself, or of the thing that a task is about. */
function rowOf(region, kind, id) {
  return document.getElementById(`${kind}-${id}`) ?? (kind === "task" && region.querySelector(`[data-task="${id}"]`));
}

function ask(region, row) {
  const queue = queues.get(region.id);
  if (row === undefined || queue === "whole" || queue?.size >= MOST_ROWS) queues.set(region.id, "whole");
  else queues.set(region.id, (queue ?? new Set()).add(row));
  timer ??= setTimeout(flush, GATHER);
}

setInterval(() => {
  if (document.hidden) return;
  for (const region of document.querySelectorAll("[data-feed][data-always]")) ask(region);
}, ALWAYS);

/** Read every region again, now. */
export function refresh() {
  lastWhole.clear();
  strangers.clear();
  for (const region of regions()) ask(region);
}

function flush() {
  timer = undefined;
  for (const [id, queue] of queues) {
    const rests = queue === "whole" && performance.now() - (lastWhole.get(id) ?? -PAUSE) < PAUSE;
    if (busy.has(id) || rests) continue;
    queues.delete(id);
    if (queue === "whole") lastWhole.set(id, performance.now());
    const region = document.getElementById(id);
    if (region?.dataset.src) read(region, queue);
  }
  if (queues.size) timer ??= setTimeout(flush, GATHER);
}

async function read(region, queue) {
  const { src, rows, feed } = region.dataset;
  const whole = queue === "whole";
  const url = new URL(whole ? src : rows, location.href);
  if (!whole) for (const id of queue) url.searchParams.append("id", id);
  busy.add(region.id);
  try {
    const response = await fetch(url, { headers: BY_ITSELF, cache: "no-store" });
    if (response.status === 401) state("denied");
    else if (response.ok || response.status === 410) {
      const html = await response.text();
      if (document.getElementById(region.id)?.dataset.src !== src) {
        queues.set(region.id, "whole"); // a filter was set meanwhile: what was asked for is not what is wanted now
        timer ??= setTimeout(flush, GATHER);
        return;
      }
      const seen = morph(html);
      if (!whole) sweep(feed, queue, seen);
      globalThis.htmx?.process(document.getElementById(region.id) ?? document.body);
      document.dispatchEvent(new CustomEvent("portal:changed"));
    }
  } catch {
    // the line tells when the server is back, and then everything is read again
  } finally {
    busy.delete(region.id);
  }
}

/** Take out rows that were asked for and are no longer there. */
function sweep(feed, asked, seen) {
  const [kind] = feed.split(" "); // the first one named is what the rows are
  for (const id of asked) if (!seen.has(`${kind}-${id}`)) document.getElementById(`${kind}-${id}`)?.remove();
}

function state(name) {
  document.body.dataset.feedState = name;
}

/** Say whether the session lives (a server that is away counts as yes); if not, say it in the page, which stays. */
export async function stillSignedIn() {
  const response = await fetch(badges, { headers: BY_ITSELF, cache: "no-store" }).catch(() => null);
  if (response?.status === 401) state("denied");
  else if (response?.ok) renew(response.headers.get("X-CSRFToken"));
  return response?.status !== 401;
}

/** Signing in elsewhere has changed the token that forms carry. */
function renew(token) {
  for (const input of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) input.value = token;
  document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
}

function open() {
  new Line({
    ws: document.body.dataset.feedUrl,
    onstate: state,
    // also after the first hello: something may have changed between the page's making and the line's opening
    onmessage: (message) => (message.hello ? refresh() : changed(message)),
  });
}

async function comeBack() {
  if (document.hidden || document.body.dataset.feedState !== "denied") return;
  state("waiting");
  if (!(await stillSignedIn())) return;
  open();
  document.dispatchEvent(new CustomEvent("portal:signed-in"));
}

const badges = document.getElementById("tray").dataset.src;
document.addEventListener("visibilitychange", comeBack);
addEventListener("focus", comeBack);
document.addEventListener("htmx:afterRequest", (event) => {
  const { xhr } = event.detail;
  if (xhr.status === 401 && !xhr.getResponseHeader("X-Step-Up")) state("denied");
});
open();
