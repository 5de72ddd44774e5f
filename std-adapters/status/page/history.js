// The last ten minutes of one number, in buckets of five seconds. A bucket keeps the largest.

const BUCKET_MS = 5000;
const BUCKETS = 120;
const HEIGHT = 24;

export class History {
  #largest = new Float64Array(BUCKETS).fill(NaN);
  #bucket = null;

  // Returns whether that changes the line: a new bucket, or a larger value.
  add(now, value) {
    const bucket = Math.floor(now / BUCKET_MS);
    const before = this.#bucket;
    if (before === null || bucket > before) {
      // Buckets without a value stay empty.
      const first = before === null ? bucket : Math.max(before + 1, bucket - BUCKETS + 1);
      for (let empty = first; empty <= bucket; empty += 1) this.#largest[empty % BUCKETS] = NaN;
      this.#bucket = bucket;
    }
    const at = this.#bucket % BUCKETS;
    const known = this.#largest[at];
    if (before === this.#bucket && known >= value) return false;
    this.#largest[at] = Number.isNaN(known) ? value : Math.max(known, value);
    return true;
  }

  // Puts what the server knows before what was seen here: a value for each bucket, oldest first, and
  // null where nothing is known.
  fill(now, values, bucketMs) {
    const seen = this.#largest;
    const newest = Math.floor(now / BUCKET_MS);
    if (this.#bucket === null || bucketMs !== BUCKET_MS) return;
    values.forEach((value, at) => {
      const bucket = newest - (values.length - 1 - at);
      const isKept = bucket > this.#bucket - BUCKETS && bucket <= this.#bucket;
      if (value === null || !isKept) return;
      const place = bucket % BUCKETS;
      seen[place] = Number.isNaN(seen[place]) ? value : Math.max(seen[place], value);
    });
  }

  largest() {
    return this.#largest.reduce((most, value) => (value > most ? value : most), 0);
  }

  // A line from the oldest bucket on the left to the newest, broken where nothing is known.
  path(top) {
    let path = "";
    let isDrawing = false;
    for (let x = 0; x < BUCKETS; x += 1) {
      const value = this.#largest[(this.#bucket + 1 + x) % BUCKETS];
      if (Number.isNaN(value)) {
        isDrawing = false;
        continue;
      }
      const y = HEIGHT - 1 - (HEIGHT - 2) * Math.min(value / (top || 1), 1);
      path += isDrawing ? `L${x} ${y.toFixed(1)}` : `M${x} ${y.toFixed(1)}h0.5`;
      isDrawing = true;
    }
    return path;
  }
}
