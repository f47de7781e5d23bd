// The countdowns: the only thing on the page that moves.

/** What counts: by name, the moment of its end on this page's own clock, and how what is left is drawn. */
const counted = new Map();
let ticking = 0;

/** Counts down to `end`, in milliseconds of `performance.now()`; null ends the count. */
export function countDown(name, end, draw) {
  if (end === null) counted.delete(name);
  else counted.set(name, { end, draw });
}

/** Draws what is left now, and comes again in a second while something counts. */
export function tick() {
  clearTimeout(ticking);
  const now = performance.now();
  const waits = [];
  for (const { end, draw } of [...counted.values()]) {
    const left = Math.max(0, end - now);
    draw(left);
    // Just after the whole second, where the number changes.
    waits.push(left > 0 ? (left % 1000) + 10 : 1000);
  }
  if (waits.length > 0) ticking = setTimeout(tick, Math.min(...waits));
}

/** The width of a bar for what is left of a whole. */
export function drawBar(bar, left, whole) {
  const share = whole > 0 ? Math.min(1, left / whole) : 0;
  bar.style.setProperty("width", `${(100 * share).toFixed(1)}%`);
}
