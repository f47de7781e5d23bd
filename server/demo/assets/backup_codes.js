// Ten backup codes, shown by the page that asked for them: only the answer has them, so after a reload nobody does.

import { heading, make, on, part, write } from "./element.js";
import { date, t } from "./words.js";

const FILE = "countersign-backup-codes.txt";

/** What the answer brought: the set's id, its codes, and when they were made. */
let made = null;
let coming = false;
/** What is drawn; null while another view is. */
let page = null;

const say = (text) => write(part("site-message"), text);

/** Takes the codes out of an answer that may have some. */
export async function takeBackupCodes(answer) {
  coming = true;
  const given = await answer.finally(() => (coming = false));
  if (given?.codes) made = given;
  if (!page) return;
  // The button that asked for them is gone.
  if (given?.codes) heading(part("site-view"), "data-site", "backup_codes").focus();
  drawBackupCodes(page);
}

/** Another view has come: the codes are not kept. */
export function forgetBackupCodes() {
  made = null;
  page = null;
  document.documentElement.toggleAttribute("data-sheet", false);
  for (const list of ["codes", "sheet-codes"]) part(list).replaceChildren();
}

export function drawBackupCodes(shown) {
  page = shown;
  const mine = made?.id === page.set;
  part("codes-shown").hidden = !mine;
  part("codes-gone").hidden = mine || coming;
  write(part("codes-left"), t("demo_backup_left", { count: page.left }));
  document.documentElement.toggleAttribute("data-sheet", mine);
  if (!mine) return;
  for (const list of ["codes", "sheet-codes"]) part(list).replaceChildren(...made.codes.map((code) => make("li", code)));
  write(part("sheet-account"), account());
  write(part("sheet-date"), madeOn());
}

const account = () => t("demo_backup_of", { account: page.person });
const madeOn = () => t("demo_backup_made", { date: date(Date.parse(made.created_at)) });

/** The codes as a text for people: what the sheet of paper says. */
function text() {
  const site = `Harbour Hosting ${t("demo_customer_area")}`;
  return [site, account(), madeOn(), "", ...made.codes, "", t("demo_backup_note"), ""].join("\n");
}

on(part("print-codes"), "click", async () => window.print());
on(part("save-codes"), "click", async () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text()], { type: "text/plain;charset=utf-8" }));
  link.download = FILE;
  link.click();
  // Once the browser has it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
});
on(part("copy-codes"), "click", async () => {
  try {
    await navigator.clipboard.writeText(text());
    say(t("enrol_copied"));
  } catch {
    getSelection().selectAllChildren(part("codes"));
    say(t("demo_backup_not_copied"));
  }
});
