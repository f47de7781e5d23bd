// The site: enrolment, sign-in, the waiting page, and what comes after it.

import { drawBackupCodes, forgetBackupCodes, takeBackupCodes } from "./backup_codes.js";
import { countDown, drawBar } from "./countdown.js";
import { changes, heading, make, on, part, send, setSign, showOne, write } from "./element.js";
import { clock, count, said, shortClock, t } from "./words.js";

const say = (text) => write(part("site-message"), text);
const press = (path, body = {}) => send(`site/${path}`, body, say);

for (const name of ["new-link", "start-again", "enrol-another"]) on(part(name), "click", () => press("enrolment"));
for (const name of ["to-sign-in", "sign-out", "back-from-stopped", "back-from-expired"]) {
  on(part(name), "click", () => press("sign-out"));
}
for (const name of ["cancel", "second"]) on(part(name), "click", () => press(name));
on(part("confirm-form"), "submit", () =>
  takeBackupCodes(press("confirm", { code: part("confirm-input").value })),
);
for (const name of ["kept", "go-on"]) on(part(name), "click", () => press("kept"));
on(part("sign-in-form"), "submit", () =>
  press("sign-in", { password: part("password").value, ask: part("ask").value }),
);
on(part("code-form"), "submit", async () => {
  await press("code", { code: part("code-input").value });
  part("code-input").value = "";
});
/** Whether there are backup codes that new ones would end. */
let endsOthers = false;
const newBackupCodes = () => takeBackupCodes(press("backup-codes"));
for (const name of ["new-codes", "codes-again"]) {
  on(part(name), "click", async () => (endsOthers ? part("new-codes-dialog").showModal() : await newBackupCodes()));
}
on(part("new-codes-no"), "click", async () => part("new-codes-dialog").close());
on(part("new-codes-yes"), "click", async () => {
  part("new-codes-dialog").close();
  await newBackupCodes();
});
on(part("resume"), "click", async () => {
  if (await press("resume")) say(t("limit_prompts_resumed"));
});
on(part("copy"), "click", async () => {
  part("link").select();
  try {
    await navigator.clipboard.writeText(part("link").value);
    say(t("enrol_copied"));
  } catch {
    say(t("demo_not_copied"));
  }
});
on(part("open-here"), "click", () => send("phone/1/open", {}, say));

const changed = changes();
let entered = "loading";
/** How long the present question lives, in milliseconds, as far as this page has seen. */
let whole = 0;
let silent = true;

/** Draws the site; `now` is the server's time in milliseconds at the moment `at` of this page's own clock. */
export function drawSite(page, now, at) {
  const { view } = page;
  // In whole seconds, as the phone has it, so that both count alike.
  const endsAt = page.expires_at ? Math.ceil(Date.parse(page.expires_at) / 1000) * 1000 : 0;
  const end = at + endsAt - now;
  countDown("site", view === "waiting" ? end : null, (left) => {
    whole = Math.max(whole, left);
    write(part("site-countdown"), t("question_seconds_left", { seconds: Math.ceil(left / 1000) }));
    drawBar(part("site-bar"), left, whole);
  });
  countDown("link", view === "enrol" ? end : null, (left) =>
    write(part("link-end"), left === 0 ? t("enrol_link_ended") : t("enrol_link_ends_at", { time: shortClock(endsAt) })),
  );
  if (!changed(page)) return;
  const enters = entered !== view;
  if (enters) enter(page);
  part("help-desk").hidden = !page.prompts_stopped;
  DRAW[view]?.(page);
  if (enters) announce(view);
}

function enter({ view, password, methods }) {
  const first = entered === "loading";
  entered = view;
  whole = 0;
  part("site-view").dataset.view = view;
  say("");
  part("confirm-input").value = "";
  part("code-input").value = "";
  part("code-details").open = view === "waiting" && !methods.includes("push");
  if (view !== "backup_codes") forgetBackupCodes();
  part("new-codes-dialog").close();
  part("password").value = password ?? "";
  write(part("page-number"), "");
  const moved = showOne(part("site-view"), "data-site", view);
  silent = first || moved;
}

/** Says aloud what has come, unless the focus has moved there. */
function announce(view) {
  const title = heading(part("site-view"), "data-site", view)?.textContent ?? "";
  write(part("site-announcement"), silent ? "" : title);
}

const DRAW = {
  enrol({ qr_svg: qr, link }) {
    if (part("link").value !== link) say("");
    part("qr").src = `data:image/svg+xml,${encodeURIComponent(qr)}`;
    part("link").value = link;
  },
  confirm({ device_name: device }) {
    write(part("device-asks"), t("enrol_device_asks", { device }));
  },
  backup_codes(page) {
    endsOthers = true;
    drawBackupCodes(page);
  },
  sign_in({ person }) {
    part("person").value = person;
  },
  waiting({ number, heading: title, hint, methods, elsewhere }) {
    write(part("waiting-heading"), said(title));
    drawNumber(part("page-number"), number);
    // Where nothing was pushed, the hint says where to answer.
    part("page-goes-on").hidden = number !== null || hint.key !== "page_open_app_if_nothing";
    write(part("hint"), said(hint));
    const [code, backup] = [methods.includes("code"), methods.includes("backup_code")];
    part("code-details").hidden = !code && !backup;
    write(part("code-label"), t(code && backup ? "demo_code_or_backup" : code ? "code_label" : "demo_backup_label"));
    part("elsewhere").hidden = elsewhere === null;
    // Where no phone can answer, there is nothing that a code would be typed instead of.
    const push = methods.includes("push");
    part("type-code").hidden = !push;
    part("open-here").hidden = !push;
    part("second").hidden = elsewhere !== null || !push;
    write(part("elsewhere-who"), elsewhere ? t("demo_elsewhere", { relying_party: elsewhere.relying_party }) : "");
    drawNumber(part("elsewhere-number"), elsewhere?.number ?? null);
  },
  signed_in({ name, how, advice, amr, proof, backup_codes_left: left }) {
    write(part("welcome"), t("page_welcome", { name }));
    write(part("signed-how"), said(how));
    write(part("advice"), said(advice));
    part("advice").hidden = !advice;
    endsOthers = left !== null;
    write(part("backup-left"), endsOthers ? t("demo_backup_left", { count: left }) : t("demo_backup_left_none"));
    write(part("new-codes"), t(endsOthers ? "demo_backup_new" : "demo_backup_make"));
    write(part("amr"), amr.join(", "));
    for (const row of document.querySelectorAll("[data-receipt]")) row.hidden = !proof;
    if (!proof) return;
    write(part("answered-at"), clock(proof.answered_at * 1000));
    write(part("approval-key"), `${proof.approval_key.slice(0, 12)}…`);
    part("approval-key").title = proof.approval_key;
    write(part("receipt-size"), t("demo_bytes", { count: count(proof.receipt_bytes) }));
  },
  stopped({ said: why, tone }) {
    setSign(part("stopped-sign"), tone);
    write(part("why-stopped"), said(why));
  },
};

/** The number to be typed, large within its sentence. Said aloud when it comes later than the page. */
function drawNumber(element, number) {
  const sentence = number === null ? "" : t("page_type_this_number", { number });
  element.hidden = number === null;
  if (element.textContent === sentence) return;
  const late = element.textContent === "" && element === part("page-number");
  const [before, after] = t("page_type_this_number").split("{number}");
  const large = number === null ? null : make("strong", number, number.length > 2 ? "long" : "");
  element.replaceChildren(...(large ? [before, large, after] : []));
  if (late) write(part("site-announcement"), sentence);
}
