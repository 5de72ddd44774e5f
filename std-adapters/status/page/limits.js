// The list of limits: one row each, which changes only where its numbers have, and only where it is
// seen. The others are written when they come into view.

import { History } from "./history.js";
import { amount, count, inUnit, levelText, microseconds, setText, share, visible } from "./text.js";

class Row {
  #parts;
  #sought;
  #shown = {};
  #capacity;
  #latest = null;
  #isSeen = true;
  #isDrawn = false;
  #history = new History();

  constructor(entry, template) {
    this.id = entry.id;
    this.name = entry.name;
    this.scope = entry.scope;
    this.element = template.content.firstElementChild.cloneNode(true);
    const part = (selector) => this.element.querySelector(selector);
    this.#parts = {
      level: part(".level"),
      bar: part(".bar"),
      fill: part(".fill"),
      peak: part(".peak"),
      depth: part(".depth"),
      more: part(".more"),
      chart: part(".chart"),
      path: part("path"),
    };
    part(".limit-name").textContent = visible(entry.name);
    part(".scope").textContent = entry.scope === null ? "" : visible(entry.scope);
    this.label = visible(entry.scope === null ? entry.name : `${entry.name} ${entry.scope}`);
    this.#sought = this.label.toLowerCase();
    this.#capacity = amount(entry.capacity);
    this.#drawMarks(entry.watermarks);
    this.element.addEventListener("contentvisibilityautostatechange", ({ skipped }) => {
      this.#isSeen = !skipped;
      if (this.#isSeen) this.#show();
    });
  }

  // A line for each watermark of each level.
  #drawMarks(watermarks) {
    const { bar } = this.#parts;
    bar.setAttribute("aria-label", this.label);
    if (this.#capacity === 0) {
      bar.classList.add("unbounded");
      bar.setAttribute("aria-valuemax", "0");
      return;
    }
    bar.setAttribute("aria-valuemax", String(this.#capacity));
    for (const pair of watermarks) {
      for (const kind of ["low", "high"]) {
        const mark = document.createElement("div");
        mark.className = `mark ${kind}`;
        mark.style.left = this.#place(pair[kind]);
        bar.append(mark);
      }
    }
  }

  #place(value) {
    return `${Math.min(amount(value) / this.#capacity, 1) * 100}%`;
  }

  update(entry, now) {
    const isNewChart = this.#history.add(now, amount(entry.depth));
    this.#isDrawn &&= !isNewChart;
    this.#latest = entry;
    if (this.#isSeen) this.#show();
  }

  #show() {
    const entry = this.#latest;
    const shown = this.#shown;
    this.#showDepth(entry, shown);
    setText(this.#parts.more, moreText(entry));
    if (!this.#isDrawn) this.#drawChart();
    this.#shown = entry;
  }

  #showDepth(entry, shown) {
    const { level, bar, fill, peak } = this.#parts;
    const depth = amount(entry.depth);
    if (shown.level !== entry.level) {
      this.element.dataset.level = entry.level;
      level.textContent = levelText(entry.level);
    } else if (shown.depth === entry.depth && shown.high_water === entry.high_water) {
      return;
    }
    const text = this.#depthText(entry, depth);
    this.#parts.depth.textContent = text;
    bar.setAttribute("aria-valuenow", String(depth));
    bar.setAttribute("aria-valuetext", `${text}, ${entry.level}`);
    if (this.#capacity > 0) {
      fill.style.transform = `scaleX(${Math.min(depth / this.#capacity, 1)})`;
      if (shown.high_water !== entry.high_water) {
        peak.style.left = this.#place(entry.high_water);
      }
    }
  }

  #depthText(entry, depth) {
    const text = inUnit(this.name, entry.depth);
    if (entry.capacity === null) return `${text}, no bound`;
    const percent = this.#capacity > 0 ? ` (${Math.floor((depth / this.#capacity) * 100)} %)` : "";
    return `${text} of ${inUnit(this.name, entry.capacity)}${percent}`;
  }

  // What the server knows of the time before the page was opened.
  fillHistory(now, values, bucketMs) {
    this.#history.fill(now, values, bucketMs);
    this.#isDrawn = false;
    if (this.#isSeen) this.#show();
  }

  #drawChart() {
    this.#isDrawn = true;
    const largest = this.#history.largest();
    const { chart, path } = this.#parts;
    path.setAttribute("d", this.#history.path(this.#capacity || largest));
    const label = `last ten minutes, at most ${inUnit(this.name, largest)}`;
    if (chart.getAttribute("aria-label") !== label) chart.setAttribute("aria-label", label);
  }

  matches(text) {
    return this.#sought.includes(text);
  }

  setHidden(isHidden) {
    if (this.element.hidden !== isHidden) this.element.hidden = isHidden;
  }

  get isPressed() {
    return this.#latest.level !== "normal" || amount(this.#latest.waiting) > 0;
  }
}

// What operators ask for next, as far as it is known and not zero.
function moreText({ name, high_water, waiting, blocked_us, levels, flow, recent }) {
  const parts = [`largest ${inUnit(name, high_water)}`];
  const add = (value, text) => amount(value) > 0 && parts.push(text());
  add(recent?.peak_minute, () => `${inUnit(name, recent.peak_minute)} in the last whole minute`);
  add(waiting, () => `${count(waiting)} waiting`);
  add(blocked_us, () => `blocked for ${microseconds(blocked_us)}${blockedShare(recent)}`);
  for (const level of ["elevated", "critical", "full"]) {
    const total = levels?.[level];
    add(total?.held_us, () => `${level} for ${microseconds(total.held_us)}`);
  }
  add(flow?.sent, () => `${count(flow.sent)} sent`);
  add(flow?.received, () => `${count(flow.received)} received`);
  for (const reason of ["full", "timeout", "closed"]) {
    add(flow?.refused?.[reason], () => `${count(flow.refused[reason])} refused (${reason})`);
  }
  add(flow?.oldest_age_us, () => `the oldest for ${microseconds(flow.oldest_age_us)}`);
  return parts.join(", ");
}

function blockedShare(recent) {
  if (typeof recent?.blocked_share_10s !== "number") return "";
  return `, ${share(recent.blocked_share_10s)} of the last 10 s`
    + `, ${share(recent.blocked_share_60s ?? 0)} of 60 s`;
}

export class Limits {
  #list = document.getElementById("limit-list");
  #template = document.getElementById("limit-row");
  #empty = document.getElementById("no-limits");
  #filter = document.getElementById("filter");
  #show = document.getElementById("show");
  #rows = [];

  constructor() {
    this.#filter.addEventListener("input", () => this.#choose());
    this.#show.addEventListener("change", () => this.#choose());
  }

  update(entries, now) {
    const isNew = !this.#isSame(entries);
    if (isNew) this.#rebuild(entries);
    entries.forEach((entry, at) => this.#rows[at].update(entry, now));
    if (isNew || this.#show.value === "pressed") this.#choose();
  }

  fillHistories(charts, now) {
    const known = new Map(charts.charts);
    for (const row of this.#rows) {
      const values = known.get(row.id);
      if (values !== undefined) row.fillHistory(now, values, charts.bucket_ms);
    }
  }

  // Entries come in the order of their registration. No two limits ever have one number.
  #isSame(entries) {
    return entries.length === this.#rows.length
      && entries.every((entry, at) => this.#rows[at].id === entry.id);
  }

  // Keeps the rows of limits that are still there, with their history. A server that was started
  // again counts from the beginning.
  #rebuild(entries) {
    const known = new Map(this.#rows.map((row) => [row.id, row]));
    this.#rows = entries.map((entry) => {
      const row = known.get(entry.id);
      const isKnown = row?.name === entry.name && row?.scope === entry.scope;
      return isKnown ? row : new Row(entry, this.#template);
    });
    this.#list.replaceChildren(...this.#rows.map((row) => row.element));
    this.#empty.hidden = entries.length > 0;
  }

  #choose() {
    const text = this.#filter.value.trim().toLowerCase();
    const isPressedOnly = this.#show.value === "pressed";
    for (const row of this.#rows) {
      row.setHidden(!row.matches(text) || (isPressedOnly && !row.isPressed));
    }
  }
}
