// Pools, the largest users, and the guests that are silent.

import {
  amount, count, inUnit, microseconds, milliseconds, nanoseconds, setText, share, visible,
} from "./text.js";

export function label(source) {
  return visible(source.scope === null ? source.name : `${source.name} ${source.scope}`);
}

// Brings the rows of a table up to date. The first cell is the heading of its row.
export function fill(body, rows) {
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((cells, at) => {
    const row = body.rows[at] ?? addRow(body, cells.length);
    cells.forEach((text, column) => setText(row.cells[column].firstChild, text));
  });
}

function addRow(body, columns) {
  const row = body.insertRow();
  for (let column = 0; column < columns; column += 1) {
    const cell = document.createElement(column === 0 ? "th" : "td");
    if (column === 0) cell.scope = "row";
    cell.append(document.createElement("bdi"));
    row.append(cell);
  }
  return row;
}

export class Pools {
  #section = document.getElementById("pools");
  #body = document.getElementById("pool-rows");

  update(pools) {
    this.#section.hidden = pools.length === 0;
    fill(this.#body, pools.map((pool) => [
      label(pool),
      count(pool.max),
      count(pool.leased),
      count(pool.idle),
      count(pool.building),
      count(pool.waiting),
      ["warm", "cold", "waited"].map((path) => count(pool.checkouts?.[path])).join(" / "),
      nanoseconds(pool.wait?.p99_ns),
      nanoseconds(pool.hold?.p99_ns),
      nanoseconds(pool.create?.p99_ns),
      count(pool.built),
      count(Object.values(pool.discards ?? {}).reduce((sum, value) => sum + amount(value), 0)),
    ]));
  }
}

export class Watchers {
  #section = document.getElementById("watchers");
  #body = document.getElementById("watcher-rows");

  update(watchers) {
    this.#section.hidden = watchers.length === 0;
    fill(this.#body, watchers.map((watcher) => [
      label(watcher),
      count(watcher.watched),
      count(watcher.late),
      count(watcher.silent),
      count(watcher.silences),
      count(watcher.recoveries),
      count(watcher.stalls),
      microseconds(watcher.lag_us),
    ]));
  }
}

// Text, a number, or an object that says what else it is: a digest, bytes, a large number.
function principal(id) {
  if (id === null) return "not shown";
  return visible(typeof id === "object" ? Object.entries(id).flat().join(" ") : id);
}

export class Users {
  #section = document.getElementById("users");
  #list = document.getElementById("ledger-list");
  #template = document.getElementById("ledger");

  update(ledgers) {
    this.#section.hidden = ledgers.length === 0;
    while (this.#list.children.length > ledgers.length) this.#list.lastElementChild.remove();
    ledgers.forEach((ledger, at) => {
      const element = this.#list.children[at] ?? this.#add();
      this.#show(element, ledger);
    });
  }

  #add() {
    const element = this.#template.content.firstElementChild.cloneNode(true);
    this.#list.append(element);
    return element;
  }

  #show(element, ledger) {
    const name = label(ledger);
    setText(element.querySelector("h3 bdi"), name);
    element.querySelector(".scroll").setAttribute("aria-label", `largest users of ${name}`);
    const facts = [
      visible(ledger.kind),
      `${count(ledger.tracked)} tracked of ${count(ledger.capacity)}`,
      `untracked at most ${inUnit(ledger.name, ledger.bound)}`,
    ];
    setText(element.querySelector(".facts"), facts.join(", "));
    fill(element.querySelector("tbody"), ledger.users.map((user, rank) => [
      String(rank + 1),
      principal(user.principal),
      inUnit(ledger.name, user.value) + (user.saturated ? " or more" : ""),
      inUnit(ledger.name, user.error),
      share(user.share),
      user.certified ? "yes" : "no",
    ]));
  }
}

export class SilentGuests {
  #section = document.getElementById("silent");
  #body = document.getElementById("silent-rows");
  #guests = [];

  set(guests) {
    this.#guests = guests;
  }

  update(now) {
    this.#section.hidden = this.#guests.length === 0;
    fill(this.#body, this.#guests.map((silent) => [
      visible(silent.guest),
      visible(silent.run),
      visible(silent.watcher),
      milliseconds(Math.max(now - silent.at_ms, 0) + amount(silent.elapsed_ms)),
      milliseconds(silent.window_ms),
    ]));
  }
}
