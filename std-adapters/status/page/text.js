// Numbers, times and names as text. Everything goes to the page as text, never as markup.

const numbers = new Intl.NumberFormat();
const LENGTH_MAX = 200;

// Integers above 2^53 come as strings, which keep every digit.
export function amount(value) {
  return typeof value === "string" ? Number(value) : (value ?? 0);
}

export function count(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") {
    return /^-?\d+$/.test(value) ? numbers.format(BigInt(value)) : visible(value);
  }
  return numbers.format(value);
}

const BYTES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

function bytes(value) {
  let scaled = amount(value);
  let unit = 0;
  while (scaled >= 1024 && unit < BYTES.length - 1) {
    scaled /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? scaled : scaled.toFixed(scaled < 10 ? 2 : 1)} ${BYTES[unit]}`;
}

export function milliseconds(value) {
  const ms = amount(value);
  if (ms < 1) return ms === 0 ? "0 ms" : `${(ms * 1000).toFixed(0)} µs`;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s < 10 ? s.toFixed(1) : s.toFixed(0)} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(s % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function microseconds(value) {
  return value === null || value === undefined ? "–" : milliseconds(amount(value) / 1e3);
}

// A part of a whole. Of a time it may be more, if several were blocked.
export function share(part) {
  return `${(part * 100).toFixed(part < 0.1 ? 1 : 0)} %`;
}

export function nanoseconds(value) {
  return value === null || value === undefined ? "–" : milliseconds(amount(value) / 1e6);
}

// The unit of a limit stands last in its name.
export function inUnit(name, value) {
  if (value !== null && value !== undefined) {
    if (name.endsWith("_bytes")) return bytes(value);
    if (name.endsWith("_ms")) return milliseconds(value);
  }
  return count(value);
}

// Names that hide or turn around what stands beside them show their characters' numbers.
export function visible(text) {
  const shown = String(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) =>
    `\\u{${character.codePointAt(0).toString(16)}}`);
  return shown.length > LENGTH_MAX ? `${shown.slice(0, LENGTH_MAX)}…` : shown;
}

const LEVELS = { normal: "○", elevated: "▲", critical: "◆", full: "■" };

// A level is a sign and a word, so that no color is needed to tell it.
export function levelText(level) {
  return `${LEVELS[level] ?? "?"} ${visible(level)}`;
}

// Writes only what has changed.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
