// The demo's page. It draws what /demo/state says and sends what is pressed; it decides nothing.

import { tick } from "./countdown.js";
import { HEADERS, part, write } from "./element.js";
import { Phone } from "./phone.js";
import { drawSite } from "./site.js";
import { drawTour } from "./tour.js";
import { drawTravelled } from "./travelled.js";
import { keep, preferred, said, speak, t } from "./words.js";

/** How long the page waits before it asks a silent demo again. */
const RETRY_MS = 2000;
/** A wait at the demo ends after 25 seconds; one that takes longer than this is lost. */
const LOST_MS = 40000;

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// The wait for the next change

const AGAIN = "asked anew";
let waiting = null;

async function ask(seen) {
  waiting = new AbortController();
  const signal = AbortSignal.any([waiting.signal, AbortSignal.timeout(LOST_MS)]);
  const response = await fetch(`/demo/state?seen=${seen}`, { headers: HEADERS, cache: "no-store", signal });
  const answer = await response.json();
  return answer.said ? Promise.reject(answer) : answer;
}

// Drawing

const phones = new Map();
/** What was drawn last, and when it came. */
let drawn = null;

function phone(number) {
  if (!phones.has(number)) {
    phones.set(number, new Phone(number, () => waiting?.abort(AGAIN)));
    part("phones").append(phones.get(number).element);
  }
  return phones.get(number);
}

function draw(state, at) {
  drawn = { state, at };
  drawSite(state.site, state.now_ms, at);
  part("pair").classList.toggle("two", state.phones.length > 1);
  for (const one of state.phones) phone(one.phone).draw(one, state.site.view, at);
  for (const [number, { element }] of phones) element.hidden = !state.phones.some((one) => one.phone === number);
  drawTravelled(state.trace, state.phones.map((one) => one.phone));
  drawTour(state.tour, state.site.limited);
  tick();
}

async function follow() {
  let seen = 0;
  for (;;) {
    let state = null;
    try {
      state = await ask(seen);
      write(part("stopped"), "");
    } catch (error) {
      seen = 0;
      const again = waiting.signal.aborted;
      if (!again) write(part("stopped"), error.said ? said(error.said) : t("demo_stopped"));
      await wait(again ? 500 : RETRY_MS);
      continue;
    }
    seen = state.version;
    draw(state, performance.now());
  }
}

// The language

part("language").addEventListener("change", async () => {
  keep(part("language").value);
  await speak(part("language").value);
  if (drawn) draw(drawn.state, drawn.at);
});

await speak(preferred());
part("language").value = document.documentElement.lang;
document.documentElement.dataset.ready = "";
follow();
