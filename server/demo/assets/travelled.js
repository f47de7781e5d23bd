// What travelled in the latest sign-in, as a picture of who spoke to whom: a lane for each party, an arrow for each
// message with the number of its step, and what was in it folded under it.

import { changes, make, part } from "./element.js";
import { count, said, t } from "./words.js";

/** The six steps, in their order. */
const STEPS = {
  create: "demo_step_create",
  push: "demo_step_push",
  receive: "demo_step_receive",
  decide: "demo_step_decide",
  settle: "demo_step_settle",
  claim: "demo_step_claim",
};
const PARTIES = { site: "demo_party_site", server: "demo_party_server", push: "demo_party_push" };
/** A string that is longer is shown by its beginning: it is ciphertext, a key or a signature, and nobody reads it. */
const LONGEST = 96;
const BEGINNING = 32;

// Beside the phones there is room for it.
part("trace").open = matchMedia("(min-width: 56rem)").matches;

const changed = changes();
/** The messages that somebody has opened stay open while others come. */
const opened = new Set();

const nameOf = (party) =>
  PARTIES[party] ? t(PARTIES[party]) : t("demo_phone", { number: party.replace("phone-", "") });

export function drawTravelled(travelled, phones) {
  if (!changed(travelled, phones)) return;
  const lanes = [...Object.keys(PARTIES), ...phones.map((number) => `phone-${number}`)];
  part("trace-empty").hidden = travelled.length > 0;
  part("trace").style.setProperty("--lanes", lanes.length);
  part("lanes").replaceChildren(...lanes.map((lane) => make("span", nameOf(lane))));
  if (travelled.length === 0) opened.clear();
  part("steps").replaceChildren(...travelled.map((message, index) => row(message, index, lanes)));
}

function row({ step, from, to, what, title, content }, index, lanes) {
  const row = document.createElement("li");
  row.dataset.step = step;
  const fold = document.createElement("details");
  const key = `${index} ${title}`;
  fold.open = opened.has(key);
  fold.addEventListener("toggle", () => (fold.open ? opened.add(key) : opened.delete(key)));
  const summary = document.createElement("summary");
  const number = make("span", String(Object.keys(STEPS).indexOf(step) + 1), "number");
  const text = make("span", "", "what");
  text.append(make("b", t(STEPS[step])), make("span", `${nameOf(from)} → ${nameOf(to)}: `, "unseen"), ` ${said(what)}`);
  summary.append(number, text, arrow(lanes.indexOf(from), lanes.indexOf(to)));
  const body = make("div", "", "content");
  body.append(make("code", title), ...contents(content, title));
  fold.append(summary, body);
  row.append(fold);
  return row;
}

function arrow(from, to) {
  const track = make("span", "", "track");
  track.setAttribute("aria-hidden", "true");
  const line = make("span", "", to > from ? "arrow right" : "arrow left");
  line.style.setProperty("--start", Math.min(from, to));
  line.style.setProperty("--span", Math.abs(to - from));
  track.append(line);
  return track;
}

function contents(content, title) {
  const { body_base64url: body, body_bytes: size, ...rest } = content ?? {};
  const shortened = (_, value) =>
    typeof value === "string" && value.length > LONGEST
      ? `${value.slice(0, BEGINNING)}… (${t("demo_characters", { count: count(value.length) })})`
      : value;
  const all = [block(JSON.stringify(body ? rest : content, shortened, 2), title)];
  if (body) {
    const fold = document.createElement("details");
    fold.className = "ciphertext";
    const summary = make("summary", `${body.slice(0, BEGINNING)}… `);
    summary.append(make("b", t("demo_ciphertext", { count: count(size) })));
    fold.append(summary, block(body, t("demo_ciphertext", { count: count(size) })));
    all.push(fold, make("p", t("demo_ciphertext_note"), "small"));
  }
  return all;
}

/** A text as it is, which the keyboard can scroll when it is long. */
function block(text, label) {
  const element = make("pre", text);
  element.tabIndex = 0;
  element.setAttribute("role", "region");
  element.setAttribute("aria-label", label);
  return element;
}
