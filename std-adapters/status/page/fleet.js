// The fleet's section: all hosts together, with the age of each host's state.

import { fill, label } from "./tables.js";
import { count, inUnit, levelText, milliseconds, setText, share, visible } from "./text.js";

const VERSION = 1;
// What came so long ago is old.
const LATE_MS = 5000;

// As levels are shown: a sign and a word.
const STATES = { live: "● live", quiet: "▲ quiet", unreadable: "■ unreadable" };

// A heading and a table, hidden while it has no rows.
class Table {
  #element = document.getElementById("fleet-table").content.firstElementChild.cloneNode(true);
  #heading = this.#element.querySelector("h3 bdi");
  #facts = this.#element.querySelector(".facts");
  #region = this.#element.querySelector(".scroll");
  #body = this.#element.querySelector("tbody");

  constructor(parent, columns) {
    const head = this.#element.querySelector("thead tr");
    for (const column of columns) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = column;
      head.append(cell);
    }
    parent.append(this.#element);
  }

  update(heading, facts, rows) {
    if (this.#heading.textContent !== heading) {
      this.#heading.textContent = heading;
      this.#region.setAttribute("aria-label", `${heading} of the fleet`);
    }
    setText(this.#facts, facts);
    fill(this.#body, rows);
    const isHidden = rows.length === 0;
    if (this.#element.hidden !== isHidden) this.#element.hidden = isHidden;
  }

  remove() {
    this.#element.remove();
  }
}

// How many rows there are, if not all are listed.
function listed({ count: all, rows }) {
  return count(rows.length) === count(all) ? "" : `${count(rows.length)} of ${count(all)} are listed`;
}

function ledgersListed(ledgers) {
  const text = listed(ledgers);
  return text === "" ? "" : `, of the ledgers ${text}`;
}

function hostCells(host) {
  const troubles = [];
  if (host.rivals !== 0) troubles.push(`${count(host.rivals)} states of another run`);
  if (host.flaw !== null) troubles.push(visible(host.flaw));
  return [
    visible(host.name),
    STATES[host.state] ?? visible(host.state),
    milliseconds(host.age_ms),
    count(host.limits),
    count(host.raised),
    count(host.silent),
    count(host.restarts),
    count(host.dropped),
    troubles.join(", ") || "–",
  ];
}

// A message that could not be read, under a key of no known host.
function flawCells({ key, flaw }) {
  return [visible(key), STATES.unreadable, "–", "–", "–", "–", "–", "–", visible(flaw)];
}

function limitCells(limit) {
  const depth = inUnit(limit.name, limit.depth);
  return [
    label(limit),
    visible(limit.host),
    levelText(limit.level),
    limit.capacity === null ? depth : `${depth} of ${inUnit(limit.name, limit.capacity)}`,
    count(limit.waiting),
    milliseconds(limit.age_ms),
  ];
}

function silentCells(silent) {
  return [
    visible(silent.guest),
    visible(silent.run),
    visible(silent.host),
    milliseconds(silent.silent_for_ms),
    milliseconds(silent.window_ms),
    milliseconds(silent.age_ms),
  ];
}

function userCells(name, user, rank) {
  return [
    String(rank + 1),
    user.principal === null ? "not shown" : visible(user.principal),
    inUnit(name, user.at_least),
    inUnit(name, user.at_most),
    share(user.share),
    user.certified ? "yes" : "no",
    user.most_on === null ? "–" : visible(user.most_on),
    inUnit(name, user.most),
    count(user.hosts),
  ];
}

function ledgerFacts(ledger) {
  const facts = [
    visible(ledger.kind),
    `${count(ledger.hosts)} hosts`,
    `in all ${inUnit(ledger.name, ledger.total)}`,
    `on no host at most ${inUnit(ledger.name, ledger.bound)}`,
  ];
  if (ledger.saturated) facts.push("some values may be more");
  return facts.join(", ");
}

const HOST = ["Host", "State", "Age", "Limits", "Raised", "Silent", "Restarts", "Events dropped", "Flaw"];
const RAISED = ["Limit", "Host", "Level", "Depth", "Waiting", "Age"];
const SILENT = ["Guest", "Run", "Host", "Silent for", "Window", "Age"];
const USERS = [
  "Rank", "Principal", "At least", "At most", "Share", "Certain", "Most on", "Amount there", "Hosts",
];

export class Fleet {
  #section = document.getElementById("fleet");
  #connection = document.getElementById("fleet-connection");
  #facts = document.getElementById("fleet-facts");
  #parent = document.getElementById("fleet-tables");
  #hosts = new Table(this.#parent, HOST);
  #raised = new Table(this.#parent, RAISED);
  #silent = new Table(this.#parent, SILENT);
  #ledgers = [];

  // Without a fleet the section is hidden. Snapshots come without one while its merging takes too long.
  update(fleet, elapsedMs) {
    const isHidden = fleet === null;
    if (this.#section.hidden !== isHidden) this.#section.hidden = isHidden;
    if (isHidden) return;
    if (fleet.version !== VERSION) {
      this.#says("lost", "■ the server is of another version: load the page again");
      return;
    }
    this.#showConnection(fleet, elapsedMs > LATE_MS);
    const { hosts, flaws, raised, silent, ledgers } = fleet;
    setText(this.#facts, `${count(hosts.count)} hosts, ${count(raised.count)} raised limits, `
      + `${count(silent.count)} silent guests, ${count(fleet.gone)} hosts gone${ledgersListed(ledgers)}`);
    this.#hosts.update("Hosts", listed(hosts), [
      ...hosts.rows.map(hostCells), ...flaws.rows.map(flawCells),
    ]);
    this.#raised.update("Raised limits", listed(raised), raised.rows.map(limitCells));
    this.#silent.update("Silent guests", listed(silent), silent.rows.map(silentCells));
    this.#updateLedgers(ledgers.rows);
  }

  // A screen reader speaks it when it changes: it has no time in it.
  #showConnection({ is_connected: isConnected, connection }, isLate) {
    if (isLate) {
      this.#says("late", "▲ late: what is shown of the fleet is old");
    } else {
      this.#says(isConnected ? "live" : "lost", `${isConnected ? "●" : "■"} ${visible(connection)}`);
    }
  }

  #says(state, text) {
    if (this.#connection.dataset.state !== state) this.#connection.dataset.state = state;
    setText(this.#connection, text);
  }

  #updateLedgers(ledgers) {
    while (this.#ledgers.length > ledgers.length) this.#ledgers.pop().remove();
    ledgers.forEach((ledger, at) => {
      this.#ledgers[at] ??= new Table(this.#parent, USERS);
      const rows = ledger.users.map((user, rank) => userCells(ledger.name, user, rank));
      this.#ledgers[at].update(`Largest users: ${label(ledger)}`, ledgerFacts(ledger), rows);
    });
  }
}
