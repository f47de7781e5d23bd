// The demo's page. It draws what /demo/state says and sends what is pressed; it decides nothing.
"use strict";

const HEADERS = { "countersign-demo": "1" };
const STOPPED = "The demo has stopped. Start it again: countersign demo";
/** How long the page waits before it asks a silent demo again. */
const RETRY_MS = 2000;
/** A wait at the demo ends after 25 seconds; one that takes longer than this is lost. */
const LOST_MS = 40000;

const part = (name) => document.querySelector(`[data-test="${name}"]`);
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Writes a text only where it changes, so that nothing is spoken or selected anew. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Remembers what was drawn: true when this is something else. */
function changes() {
  let drawn;
  return (...values) => {
    const signature = JSON.stringify(values);
    const changed = signature !== drawn;
    drawn = signature;
    return changed;
  };
}

/** A new element with a text, and with classes. */
function make(kind, text, classes = "") {
  const element = document.createElement(kind);
  if (classes) element.className = classes;
  element.textContent = text;
  return element;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const shortClock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const bytes = (count) => `${count.toLocaleString("en-GB")} bytes`;

// Buttons

/** Sends what was pressed. A refusal is shown in the demo's own words. */
async function send(path, body, say) {
  say("");
  try {
    const options = { method: "POST", headers: { ...HEADERS, "content-type": "application/json" } };
    const response = await fetch(`/demo/${path}`, { ...options, body: JSON.stringify(body) });
    if (response.ok) return true;
    const refusal = await response.json().catch(() => ({}));
    say(refusal.message ?? "This did not work. Try again.");
  } catch {
    write(part("stopped"), STOPPED);
  }
  return false;
}

/** Does something once for each press, and not again before it is done. */
function on(element, event, act) {
  let busy = false;
  element.addEventListener(event, async (happened) => {
    if (event === "submit") happened.preventDefault();
    if (busy) return;
    busy = true;
    await act().finally(() => (busy = false));
  });
}

const saySite = (text) => write(part("site-message"), text);
const site = (path, body = {}) => send(`site/${path}`, body, saySite);
let phoneRefusal = "";
let phoneNotice = "";
function sayPhone(text) {
  phoneRefusal = text;
  write(part("phone-notice"), phoneRefusal || phoneNotice);
}
const phone = (path, body = {}) => send(`phone/${path}`, body, sayPhone);

for (const name of ["new-link", "start-again", "enrol-another"]) on(part(name), "click", () => site("enrolment"));
for (const name of ["to-sign-in", "sign-out", "back-from-stopped", "back-from-expired"]) {
  on(part(name), "click", () => site("sign-out"));
}
on(part("cancel"), "click", () => site("cancel"));
on(document.querySelector('[data-site="confirm"]'), "submit", () =>
  site("confirm", { code: part("confirm-input").value }),
);
on(document.querySelector('[data-site="sign_in"]'), "submit", () =>
  site("sign-in", { password: part("password").value }),
);
on(part("copy"), "click", async () => {
  part("link").select();
  try {
    await navigator.clipboard.writeText(part("link").value);
    saySite("Copied.");
  } catch {
    saySite("Not copied. The link is selected: copy it with the keyboard.");
  }
});
for (const name of ["scan", "scan-another"]) on(part(name), "click", () => phone("enrol"));
on(part("paste"), "submit", async () => {
  if (await phone("enrol", { link: part("pasted").value.trim() })) part("pasted").value = "";
});
on(part("check"), "click", () => phone("check"));
on(part("push-switch"), "change", async () => {
  const wanted = part("push-switch").checked;
  if (!(await phone("push", { on: wanted }))) part("push-switch").checked = !wanted;
});
on(part("no"), "click", () => phone("answer", { id: shownPrompt.id, approve: false }));
on(part("yes"), "click", () => phone("answer", { id: shownPrompt.id, approve: true }));

// Views

const heading = (attribute, name) => document.querySelector(`[${attribute}="${name}"] h3`);

/**
 * Shows one of several views. When the one that had the focus is gone, its successor's heading takes the focus, so that
 * the keyboard goes on from there and no key press can hit a button that was not there before.
 */
function showOne(attribute, name) {
  const views = [...document.querySelectorAll(`[${attribute}]`)];
  const hadFocus = views.some((view) => !view.hidden && view.contains(document.activeElement));
  for (const view of views) view.hidden = view.getAttribute(attribute) !== name;
  if (hadFocus) heading(attribute, name)?.focus();
  return hadFocus;
}

// The site

const siteChanged = changes();
const siteEntered = changes();

function drawSite(view, nowMs) {
  const endsAt = view.expires_at ? Date.parse(view.expires_at) : 0;
  counted.site = view.view === "waiting" ? performance.now() + endsAt - nowMs : null;
  counted.link = view.view === "enrol" ? performance.now() + endsAt - nowMs : null;
  if (!siteChanged(view)) return;
  if (siteEntered(view.view)) {
    const first = part("site-view").dataset.view === "loading";
    part("site-view").dataset.view = view.view;
    saySite("");
    part("confirm-input").value = "";
    part("password").value = view.password ?? "";
    const moved = showOne("data-site", view.view);
    const title = heading("data-site", view.view)?.textContent ?? "";
    write(part("site-announcement"), first || moved ? "" : title);
  }
  if (view.view === "enrol") {
    saySite("");
    part("qr").src = `data:image/svg+xml,${encodeURIComponent(view.qr_svg)}`;
    part("link").value = view.link;
    linkEnd = shortClock.format(endsAt);
  } else if (view.view === "confirm") {
    write(part("device-name"), view.device_name);
  } else if (view.view === "sign_in") {
    part("person").value = view.person;
  } else if (view.view === "signed_in") {
    const { answered_at: answeredAt, approval_key: key, receipt_bytes: size } = view.proof;
    write(part("answered-at"), clock.format(answeredAt * 1000));
    write(part("approval-key"), `${key.slice(0, 12)}…`);
    part("approval-key").title = key;
    write(part("receipt-size"), bytes(size));
  }
}

// The phone

const OUTCOMES = {
  approved: "Approved",
  denied: "Denied",
  already_answered: "Answered on your other phone",
  expired: "Expired",
  cancelled: "Taken back",
};

const phoneChanged = changes();
const accountsChanged = changes();
const historyChanged = changes();
/** The question on the screen. It stays until it is over, even when another comes. */
let shownPrompt = null;

function screenOf({ prompts, accounts }) {
  if (prompts.length > 0) return "prompt";
  if (accounts.length === 0) return "empty";
  return accounts.some((account) => account.confirmation_code) ? "proposed" : "idle";
}

function drawPhone(state, siteView) {
  const screen = screenOf(state);
  const prompt = state.prompts.find((one) => one.id === shownPrompt?.id) ?? state.prompts[0] ?? null;
  if (phoneChanged(screen, prompt?.id, state.notice)) phoneRefusal = "";
  phoneNotice = state.notice ?? "";
  sayPhone(phoneRefusal);

  if (part("phone").dataset.screen !== screen) {
    part("phone").dataset.screen = screen;
    showOne("data-phone", screen);
  }
  part("push-row").hidden = screen === "prompt";
  part("push-switch").checked = state.push_on;
  part("scan-another").hidden = siteView !== "enrol";
  // Said anew for each question.
  if (prompt?.id !== shownPrompt?.id) part("announcement").replaceChildren(prompt ? "Sign-in request on the phone" : "");
  shownPrompt = prompt;
  if (prompt) drawPrompt(prompt, state.prompts.length - 1);
  counted.phone = prompt ? performance.now() + prompt.milliseconds_left : null;
  counted.lifetime = prompt ? prompt.lifetime_seconds * 1000 : 0;
  drawProposed(state.accounts.find((account) => account.confirmation_code));
  if (accountsChanged(state.accounts)) drawAccounts(state.accounts);
  if (historyChanged(state.history)) part("history").replaceChildren(...state.history.map(historyRow));
  part("history").hidden = state.history.length === 0;
  part("no-history").hidden = state.history.length > 0;
}

function drawPrompt(prompt, more) {
  write(part("who"), prompt.relying_party);
  write(part("account"), prompt.account);
  write(part("place"), prompt.place ?? prompt.ip ?? "Not known");
  const browser = [prompt.browser, prompt.system].filter(Boolean).join(" on ");
  write(part("browser"), browser || "Not known");
  write(part("asked-at"), clock.format(prompt.asked_at * 1000));
  part("binding-row").hidden = !prompt.binding_message;
  write(part("binding"), prompt.binding_message ?? "");
  const buttons = [part("no"), part("yes")];
  // A button that cannot be pressed loses the focus; the question keeps it.
  if (prompt.answering && buttons.includes(document.activeElement)) heading("data-phone", "prompt").focus();
  for (const button of buttons) button.disabled = prompt.answering;
  part("more").hidden = more === 0;
  write(part("more"), more === 1 ? "One more question waits after this one." : `${more} more questions wait after this.`);
}

let proposedId = null;
on(part("remove-proposed"), "click", () => phone("remove", { id: proposedId }));

function drawProposed(account) {
  proposedId = account?.id ?? null;
  const code = account?.confirmation_code ?? "";
  write(part("confirmation-code"), `${code.slice(0, 3)} ${code.slice(3)}`.trim());
  write(part("proposed-organisation"), account?.organisation ?? "");
  write(part("proposed-account"), account?.account ?? "");
}

function drawAccounts(accounts) {
  const hadFocus = part("accounts").contains(document.activeElement);
  part("accounts").replaceChildren(...accounts.map(accountRow));
  if (hadFocus) heading("data-phone", "idle").focus();
}

function accountRow({ id, organisation, account }) {
  const row = document.createElement("li");
  const text = document.createElement("div");
  text.append(make("span", organisation, "name"), make("span", account, "name small"));
  const remove = make("button", "Remove", "quiet");
  remove.type = "button";
  remove.dataset.test = "remove";
  remove.setAttribute("aria-label", `Remove ${organisation}, ${account}`);
  on(remove, "click", () => phone("remove", { id }));
  row.append(text, remove);
  return row;
}

function historyRow({ relying_party: relyingParty, asked_at: askedAt, outcome }) {
  const row = document.createElement("li");
  row.dataset.outcome = outcome;
  const time = make("span", day.format(askedAt * 1000), "small");
  row.append(make("span", relyingParty, "name"), time, make("span", OUTCOMES[outcome] ?? outcome, "outcome"));
  return row;
}

// The countdowns

/** The moments, by this page's own clock, at which something shown ends. */
const counted = { site: null, phone: null, link: null, lifetime: 0 };
let linkEnd = "";
let ticking = 0;

/** Draws what is left now, and comes again in a second while something counts. */
function tick() {
  clearTimeout(ticking);
  const now = performance.now();
  const left = (end) => Math.max(0, end - now);
  if (counted.site !== null) write(part("site-countdown"), `${Math.ceil(left(counted.site) / 1000)} s`);
  if (counted.link !== null) {
    const over = left(counted.link) === 0;
    write(part("link-end"), over ? `This link ended at ${linkEnd}. Take a new one.` : `The link ends at ${linkEnd}.`);
  }
  if (counted.phone !== null) {
    const remaining = left(counted.phone);
    write(part("countdown"), `${Math.floor(remaining / 1000)} s`);
    const share = counted.lifetime > 0 ? Math.min(1, remaining / counted.lifetime) : 0;
    part("bar").style.setProperty("width", `${(100 * share).toFixed(1)}%`);
    // A question whose time is over: what became of it is asked at once.
    if (remaining === 0) waiting?.abort(AGAIN);
  }
  const next = counted.phone ?? counted.site ?? counted.link;
  // Just after the whole second, where the number changes.
  if (next !== null) ticking = setTimeout(tick, next > now ? ((next - now) % 1000) + 10 : 1000);
}

// What travelled

const STEPS = {
  create: ["Create", "The site asks the server."],
  push: ["Push", "The server seals the question and sends it. This is all that a push network sees."],
  receive: ["Receive", "The phone opens it, checks who sealed it, and shows the question."],
  decide: ["Decide", "The phone signs the answer with a key that never leaves it."],
  settle: ["Settle", "The server checks the answer and keeps it."],
  claim: ["Claim", "The site takes the approval, once, and verifies the receipt by itself."],
};

const travelledChanged = changes();

function drawTravelled(travelled) {
  if (!travelledChanged(travelled)) return;
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
  const bodyLine = make("p", `The body, ${bytes(size)}, as it was on the way:`, "way");
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

// The wait for the next change

const AGAIN = "asked anew";
let waiting = null;

async function ask(seen) {
  waiting = new AbortController();
  const signal = AbortSignal.any([waiting.signal, AbortSignal.timeout(LOST_MS)]);
  const response = await fetch(`/demo/state?seen=${seen}`, { headers: HEADERS, cache: "no-store", signal });
  const answer = await response.json();
  return response.ok ? answer : Promise.reject(answer);
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
      if (!again) write(part("stopped"), error instanceof Error ? STOPPED : error.message);
      await wait(again ? 500 : RETRY_MS);
      continue;
    }
    seen = state.version;
    drawSite(state.site, state.now_ms);
    drawPhone(state.phone, state.site.view);
    drawTravelled(state.trace);
    tick();
  }
}

follow();
