// What travelled at each of the six steps. It is for developers, and in English.

import { changes, make, part } from "./element.js";

const STEPS = {
  create: ["Create", "The site asks the server."],
  push: ["Push", "The server seals the question and sends it. This is all that a push network sees."],
  receive: ["Receive", "The phone opens it, checks who sealed it, and shows the question."],
  decide: ["Decide", "The phone signs the answer with a key that never leaves it."],
  settle: ["Settle", "The server checks the answer and keeps it."],
  claim: ["Claim", "The site takes the approval, once, and verifies the receipt by itself."],
};

const changed = changes();

export function drawTravelled(travelled) {
  if (!changed(travelled)) return;
  part("trace-empty").hidden = travelled.length > 0;
  const steps = Object.entries(STEPS).map(([step, [name, sentence]], index) => {
    const entries = travelled.filter((one) => one.step === step);
    if (entries.length === 0) return null;
    const row = document.createElement("li");
    row.dataset.step = step;
    row.value = index + 1;
    row.append(make("h3", `${index + 1}. ${name}`), make("p", sentence), ...entries.flatMap(entry));
    return row;
  });
  part("steps").replaceChildren(...steps.filter(Boolean));
}

function entry({ way, title, content }) {
  const line = make("p", "", "way");
  line.append(make("span", way.replace(" to ", " → ")), ` · ${title}`);
  const { body_base64url: body, body_bytes: size, ...rest } = content ?? {};
  if (!body) return [line, block(JSON.stringify(content, null, 2), title)];
  const bodyLine = make("p", `The body, ${size.toLocaleString("en-GB")} bytes, as it was on the way:`, "way");
  return [line, block(JSON.stringify(rest, null, 2), title), bodyLine, block(body, "The body")];
}

/** A text as it is, which the keyboard can scroll when it is long. */
function block(text, label) {
  const element = make("pre", text);
  element.tabIndex = 0;
  element.setAttribute("role", "region");
  element.setAttribute("aria-label", label);
  return element;
}
