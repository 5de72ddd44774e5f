// The log of events, the newest first, and what a screen reader says of them.

import { amount, levelText, milliseconds, visible } from "./text.js";

const ROWS_MAX = 100;
const SPOKEN_EVERY_MS = 5000;

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export class EventLog {
  #list = document.getElementById("event-list");
  #template = document.getElementById("event-row");
  #empty = document.getElementById("no-events");
  #spoken = document.getElementById("spoken");
  #lastId = null;
  // What came since the last frame, the newest last.
  #pending = [];
  #unspoken = { first: null, count: 0 };
  #timer = null;

  // Adds an event, unless it was sent again after a reconnect. It is seen from the next `show` on.
  // One that happened before the page was open is not spoken.
  add(id, message, isNew) {
    if (!this.#isLater(id)) return;
    this.#lastId = id;
    this.#pending.push(message);
    if (this.#pending.length > 2 * ROWS_MAX) this.#pending.splice(0, ROWS_MAX);
    if (isNew) this.#speak(message.text);
  }

  // Makes only the rows that stay, however many events there were.
  show() {
    if (this.#pending.length === 0) return;
    const newest = this.#pending.slice(-ROWS_MAX).reverse();
    this.#pending = [];
    const rows = newest.map((message) => this.#row(message));
    this.#list.prepend(...rows);
    while (this.#list.children.length > ROWS_MAX) this.#list.lastElementChild.remove();
    this.#empty.hidden = true;
  }

  #row({ at_ms: at, text, event }) {
    const row = this.#template.content.firstElementChild.cloneNode(true);
    const time = new Date(at);
    const element = row.querySelector("time");
    element.dateTime = time.toISOString();
    element.textContent = clock.format(time);
    row.dataset.level = event.level;
    row.querySelector(".level").textContent = levelText(event.level);
    row.querySelector(".text").textContent = visible(text) + EventLog.#lasted(event);
    return row;
  }

  static #lasted(event) {
    const ms = event.duration_ms;
    return ms === undefined || event.kind !== "cleared" ? "" : ` (lasted ${milliseconds(ms)})`;
  }

  // An id is the start of the server, a dash and a number.
  #isLater(id) {
    if (this.#lastId === null) return true;
    const [run, number] = id.split("-");
    const [lastRun, lastNumber] = this.#lastId.split("-");
    return run !== lastRun || amount(number) > amount(lastNumber);
  }

  // A screen reader speaks now and then, and of many events at once only how many.
  #speak(text) {
    this.#unspoken.first ??= visible(text);
    this.#unspoken.count += 1;
    this.#timer ??= setTimeout(() => {
      const { first, count } = this.#unspoken;
      this.#spoken.textContent = count === 1 ? first : `${first}, and ${count - 1} more events`;
      this.#unspoken = { first: null, count: 0 };
      this.#timer = null;
    }, SPOKEN_EVERY_MS);
  }
}
