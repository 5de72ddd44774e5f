// The log of events, the newest first, and what a screen reader says of them.

import { amount, levelText, milliseconds, setText, visible } from "./text.js";

const ROWS_MAX = 100;
const SPOKEN_EVERY_MS = 5000;

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

// Keeps its place and takes another event's text: cheaper for the browser than a new row.
class Row {
  #time;
  #level;
  #text;

  constructor(template) {
    this.element = template.content.firstElementChild.cloneNode(true);
    const part = (selector) => this.element.querySelector(selector);
    [this.#time, this.#level, this.#text] = ["time", ".level", ".text"].map(part);
  }

  show({ at_ms: at, text, event }) {
    const time = new Date(at);
    this.#time.dateTime = time.toISOString();
    setText(this.#time, clock.format(time));
    this.element.dataset.level = event.level;
    setText(this.#level, levelText(event.level));
    setText(this.#text, visible(text) + lasted(event));
  }
}

function lasted({ kind, duration_ms: ms }) {
  return ms === undefined || kind !== "cleared" ? "" : ` (lasted ${milliseconds(ms)})`;
}

export class EventLog {
  #list = document.getElementById("event-list");
  #template = document.getElementById("event-row");
  #empty = document.getElementById("no-events");
  #spoken = document.getElementById("spoken");
  #lastId = null;
  // What came since the last frame, the newest last.
  #pending = [];
  // What the rows show, the newest first.
  #events = [];
  #rows = [];
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

  // Rewrites the rows, and makes one only where there is none yet.
  show() {
    if (this.#pending.length === 0) return;
    this.#events = [...this.#pending.reverse(), ...this.#events].slice(0, ROWS_MAX);
    this.#pending = [];
    while (this.#rows.length < this.#events.length) {
      const row = new Row(this.#template);
      this.#rows.push(row);
      this.#list.append(row.element);
    }
    this.#events.forEach((event, at) => this.#rows[at].show(event));
    this.#empty.hidden = true;
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
