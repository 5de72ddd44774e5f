// Reads the stream of events, and brings the page up to date once per frame.

import { EventLog } from "./events.js";
import { Fleet } from "./fleet.js";
import { Limits } from "./limits.js";
import { Pools, SilentGuests, Users, Watchers } from "./tables.js";
import { amount, count, setText } from "./text.js";

const RETRY_MS_MAX = 30_000;

const base = new URL(document.body.dataset.base, location.href);
const limits = new Limits();
const pools = new Pools();
const users = new Users();
const watchers = new Watchers();
const silentGuests = new SilentGuests();
const fleetSection = new Fleet();
const log = new EventLog();

const VERSION = 1;

let latest = null;
let shown = null;
let charts = null;
let fleet = null;
let fleetArrived = 0;
let arrived = 0;
let interval = 0;
let isFrameAsked = false;
let retryMs = 1000;
let updates = 0;

function show(snapshot) {
  const entries = snapshot.entries;
  const now = Date.now();
  limits.update(entries, now);
  if (charts !== null) limits.fillHistories(charts, now);
  charts = null;
  pools.update(snapshot.pools ?? []);
  users.update(snapshot.ledgers);
  watchers.update(snapshot.watchers);
  silentGuests.update(now);
  fleetSection.update(fleet, performance.now() - fleetArrived);
  const raised = entries.filter((entry) => entry.level !== "normal").length;
  const total = (list, field) => list.reduce((sum, { [field]: value }) => sum + amount(value), 0);
  const set = (id, value) => setText(document.getElementById(id), count(value));
  set("count-limits", entries.length);
  set("count-raised", raised);
  set("count-waiting", total(entries, "waiting"));
  set("count-silent", total(snapshot.watchers, "silent"));
  set("count-events", snapshot.events.delivered);
  set("count-dropped", snapshot.events.dropped);
  const title = raised > 0 ? `(${raised} raised) Plimsoll` : "Plimsoll";
  if (document.title !== title) document.title = title;
}

// Updates the page at its next frame. The browser makes none while the page is hidden.
function ask() {
  if (isFrameAsked) return;
  isFrameAsked = true;
  requestAnimationFrame(() => {
    isFrameAsked = false;
    log.show();
    if (latest === shown) return;
    show(latest);
    shown = latest;
    updates += 1;
    document.documentElement.dataset.updates = String(updates);
  });
}

function connected(state, text) {
  const element = document.getElementById("connection");
  element.dataset.state = state;
  setText(element, text);
}

function open() {
  const source = new EventSource(new URL("events", base));
  let isNew = false;
  // A server that was started again may have no fleet any more.
  source.addEventListener("open", () => {
    fleet = null;
  });
  source.addEventListener("fleet", (message) => {
    fleet = JSON.parse(message.data);
    fleetArrived = performance.now();
  });
  source.addEventListener("snapshot", (message) => {
    const now = performance.now();
    interval = arrived === 0 ? 0 : now - arrived;
    arrived = now;
    const snapshot = JSON.parse(message.data);
    if (snapshot.version !== VERSION) {
      // The server was replaced by another one, whose page fits to it.
      connected("lost", "■ the server is of another version: load the page again");
      source.close();
      return;
    }
    latest = snapshot;
    retryMs = 1000;
    // Events before the first snapshot are of the past.
    isNew = true;
    connected("live", "● live");
    ask();
  });
  source.addEventListener("event", (message) => {
    // It is shown with the snapshot that follows at once, in one frame.
    log.add(message.lastEventId, JSON.parse(message.data), isNew);
  });
  source.addEventListener("charts", (message) => {
    charts = JSON.parse(message.data);
  });
  source.addEventListener("silent", (message) => silentGuests.set(JSON.parse(message.data)));
  source.addEventListener("late", () => {
    connected("late", "▲ the host does not answer: a snapshot takes too long");
    ask();
  });
  source.onerror = () => {
    connected("lost", "■ connection lost, trying again");
    // The browser tries again by itself, unless the server has refused.
    if (source.readyState === EventSource.CLOSED) {
      source.close();
      refused();
    }
  };
}

// Finds out why, and tries again after growing waits.
async function refused() {
  const answer = await fetch(new URL("snapshot.json", base), { method: "HEAD" }).catch(() => null);
  if (answer?.status === 401) {
    // The form for the token.
    location.reload();
    return;
  }
  connected("lost", "■ the server has no room for another page, trying again");
  setTimeout(open, retryMs);
  retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
}

// Says so if the server has fallen silent without closing the connection.
setInterval(() => {
  const silentMs = performance.now() - arrived;
  if (arrived > 0 && silentMs > Math.max(5000, 3 * interval)) {
    connected("lost", `■ nothing heard for ${Math.floor(silentMs / 1000)} s`);
  }
}, 1000);

open();
