// The log of events, the newest first, and what a screen reader says of them.

import { amount, levelText, milliseconds, visible } from "./text.js";

const ROWS_MAX = 200;
const SPOKEN_EVERY_MS = 5000;

export class EventLog {
  #list = document.getElementById("event-list");
  #template = document.getElementById("event-row");
  #empty = document.getElementById("no-events");
  #spoken = document.getElementById("spoken");
  #lastId = null;
  #unspoken = [];
  #timer = null;

  // Adds an event, unless it was sent again after a reconnect.
  add(id, { at_ms: at, text, event }, isNews) {
    if (!this.#isLater(id)) return;
    this.#lastId = id;
    const row = this.#template.content.firstElementChild.cloneNode(true);
    const time = new Date(at);
    const element = row.querySelector("time");
    element.dateTime = time.toISOString();
    element.textContent = time.toLocaleTimeString();
    row.dataset.level = event.level;
    row.querySelector(".level").textContent = levelText(event.level);
    row.querySelector(".text").textContent = visible(text) + EventLog.#lasted(event);
    this.#list.prepend(row);
    while (this.#list.children.length > ROWS_MAX) this.#list.lastElementChild.remove();
    this.#empty.hidden = true;
    if (isNews) this.#speak(visible(text));
  }

  static #lasted(event) {
    const ms = event.duration_ms;
    return ms === undefined || event.kind !== "cleared" ? "" : ` (lasted ${milliseconds(ms)})`;
  }

  // An id is the start of the server and a number.
  #isLater(id) {
    if (this.#lastId === null) return true;
    const [run, number] = id.split("-");
    const [lastRun, lastNumber] = this.#lastId.split("-");
    return run !== lastRun || amount(number) > amount(lastNumber);
  }

  // A screen reader speaks now and then, and of many events at once only how many.
  #speak(text) {
    this.#unspoken.push(text);
    this.#timer ??= setTimeout(() => {
      const [first, ...more] = this.#unspoken;
      this.#spoken.textContent = more.length === 0 ? first : `${first}, and ${more.length} more events`;
      this.#unspoken = [];
      this.#timer = null;
    }, SPOKEN_EVERY_MS);
  }
}
