// The tour: what there is to try, in an order that works. A step is done once it has happened, and not by a click here.

import { HEADERS, changes, make, on, part, send, write } from "./element.js";
import { t } from "./words.js";

/** The steps in their order, each with its title and what to do. */
const STEPS = [
  ["scan", "demo_tour_scan", "demo_tour_scan_how"],
  ["yes", "demo_tour_yes", "demo_tour_yes_how"],
  ["no", "demo_tour_no", "demo_tour_no_how"],
  ["number", "demo_tour_number", "demo_tour_number_how"],
  ["two_at_once", "demo_tour_two", "demo_tour_two_how"],
  ["code", "demo_tour_code", "demo_tour_code_how"],
  ["backup_code", "demo_tour_backup", "demo_tour_backup_how"],
  ["second_phone", "demo_tour_second", "demo_tour_second_how"],
  ["report", "demo_tour_report", "demo_tour_report_how"],
  ["limit", "demo_tour_limit", "demo_tour_limit_how"],
];

const say = (text) => write(part("tour-message"), text);

on(part("lift"), "click", async () => {
  if (await send("site/lift", {}, say)) say(t("demo_lifted"));
});
on(part("tour-all"), "click", async () => {
  const all = part("tour").classList.toggle("all");
  part("tour-all").setAttribute("aria-expanded", String(all));
});
on(part("anew"), "click", async () => part("anew-dialog").showModal());
on(part("anew-no"), "click", async () => part("anew-dialog").close());
on(part("anew-yes"), "click", async () => {
  part("anew-dialog").close();
  if (!(await send("anew", {}, say))) return;
  say(t("demo_anew_going"));
  await untilAnew();
  location.reload();
});

/** Returns once another demo answers under this address: the one that ends answers no more, or has something to forget. */
async function untilAnew() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    const asked = fetch("/demo/state?seen=0", { headers: HEADERS, cache: "no-store" });
    const state = await asked.then((answer) => answer.json()).catch(() => null);
    if (state?.site?.view === "enrol" && state.tour.length === 0) return;
  }
}

const changed = changes();
let before = [];

export function drawTour(done, limited) {
  part("lift").hidden = !limited;
  if (!changed(done)) return;
  // That the limit is lifted is said by what ends that step, before or after the step is seen to be done.
  if (before.includes("limit") || !done.includes("limit")) say("");
  before = done;
  const current = STEPS.find(([step]) => !done.includes(step))?.[0];
  const steps = STEPS.map(([step, title, how], index) => {
    const row = document.createElement("li");
    row.dataset.tour = step;
    const marker = make("span", done.includes(step) ? "✓" : String(index + 1), "marker");
    marker.setAttribute("aria-hidden", "true");
    const text = document.createElement("div");
    text.append(make("b", t(title)));
    if (done.includes(step)) {
      row.classList.add("done");
      text.append(make("span", t("demo_tour_step_done"), "unseen"));
    }
    if (step === current) {
      row.setAttribute("aria-current", "step");
      text.append(make("p", t(how), "small"));
    }
    row.append(marker, text);
    return row;
  });
  part("tour-steps").replaceChildren(...steps);
  part("tour-finished").hidden = current !== undefined;
  write(part("tour-progress"), t("demo_tour_progress", { done: done.length, all: STEPS.length }));
}
