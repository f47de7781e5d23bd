// The elements of the page, and what is pressed on them.

import { said, spoken, t } from "./words.js";

export const HEADERS = { "countersign-demo": "1" };

/** The element with this name in `root`. */
export const part = (name, root = document) => root.querySelector(`[data-test="${name}"]`);

/** Writes a text only where it changes, so that nothing is spoken or selected anew. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Remembers what was drawn: true when this is something else, or in another language. */
export function changes() {
  let drawn;
  return (...values) => {
    const signature = JSON.stringify([spoken(), ...values]);
    const changed = signature !== drawn;
    drawn = signature;
    return changed;
  };
}

/** A new element with a text, and with classes. */
export function make(kind, text, classes = "") {
  const element = document.createElement(kind);
  if (classes) element.className = classes;
  element.textContent = text;
  return element;
}

/** A new button that does something. */
export function button(text, test, act) {
  const element = make("button", text, "quiet");
  element.type = "button";
  element.dataset.test = test;
  on(element, "click", act);
  return element;
}

/** Sends what was pressed; gives the answer, or null. A refusal is shown in the person's language. */
export async function send(path, body, say) {
  say("");
  try {
    const options = { method: "POST", headers: { ...HEADERS, "content-type": "application/json" } };
    const response = await fetch(`/demo/${path}`, { ...options, body: JSON.stringify(body) });
    const answer = await response.json().catch(() => ({}));
    if (response.ok && !answer.said) return answer;
    say(answer.said ? said(answer.said) : t("error_other"));
  } catch {
    write(part("stopped"), t("demo_stopped"));
  }
  return null;
}

/** Does something once for each press, and not again before it is done. */
export function on(element, event, act) {
  let busy = false;
  element.addEventListener(event, async (happened) => {
    if (event === "submit") happened.preventDefault();
    if (busy) return;
    busy = true;
    await act(happened).finally(() => (busy = false));
  });
}

/** The heading of one of several views. */
export const heading = (root, attribute, name) => root.querySelector(`[${attribute}="${name}"] h3`);

/**
 * Shows one of several views. When the one that had the focus is gone, its successor's heading takes the focus, so that
 * the keyboard goes on from there and no key press can hit a button that was not there before.
 */
export function showOne(root, attribute, name) {
  const views = [...root.querySelectorAll(`[${attribute}]`)];
  const hadFocus = views.some((view) => !view.hidden && view.contains(document.activeElement));
  for (const view of views) view.hidden = view.getAttribute(attribute) !== name;
  if (hadFocus) heading(root, attribute, name)?.focus();
  return hadFocus;
}

/** The sign of what kind of news it is, beside its words. */
export function sign(tone) {
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawn.setAttribute("class", "sign");
  drawn.setAttribute("aria-hidden", "true");
  setSign(drawn, tone);
  return drawn;
}

/** Gives a sign another kind. */
export function setSign(drawn, tone) {
  const use = drawn.querySelector("use") ?? drawn.appendChild(document.createElementNS(drawn.namespaceURI, "use"));
  use.setAttribute("href", `#sign-${tone}`);
  drawn.dataset.tone = tone;
}
