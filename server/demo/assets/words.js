// The sentences of the page, in the person's language. The demo sends keys; this looks them up.

const LOCALES = { en: "en-GB", fr: "fr-FR", de: "de-DE", it: "it-IT", es: "es-ES" };
const KEPT = "countersign-demo-language";

let words = {};
let language = "en";

/** A sentence, with each `{name}` replaced by the value of that name. */
export function t(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** What the demo said: a key and values. */
export const said = (one) => (one ? t(one.key, one.values) : "");

/** The language that is spoken. */
export const spoken = () => language;

/** The person's own language, where the page speaks it. */
export function preferred() {
  const asked = [localStorage.getItem(KEPT), ...navigator.languages].map((tag) => (tag ?? "").split("-")[0]);
  return asked.find((tag) => tag in LOCALES) ?? "en";
}

/** Speaks a language from now on. */
export async function speak(tag) {
  const response = await fetch(`/demo/sentences/${tag}`);
  words = await response.json();
  language = tag;
  document.documentElement.lang = tag;
  document.title = t("demo_title");
  translate(document);
}

/** Remembers a choice for the next visit. */
export const keep = (tag) => localStorage.setItem(KEPT, tag);

/** Writes what stands in the document itself. */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t(element.dataset.label));
  for (const element of root.querySelectorAll("[data-alt]")) element.alt = t(element.dataset.alt);
}

const format = (milliseconds, options) => new Intl.DateTimeFormat(LOCALES[language], options).format(milliseconds);
const MINUTE = { hour: "2-digit", minute: "2-digit" };

export const clock = (milliseconds) => format(milliseconds, { ...MINUTE, second: "2-digit" });
export const shortClock = (milliseconds) => format(milliseconds, MINUTE);
export const day = (milliseconds) => format(milliseconds, { day: "numeric", month: "short", ...MINUTE });
export const date = (milliseconds) => format(milliseconds, { dateStyle: "long" });
export const count = (number) => number.toLocaleString(LOCALES[language]);

/** Digits in two halves, as people read them. */
export const halves = (digits) => `${digits.slice(0, digits.length / 2)} ${digits.slice(digits.length / 2)}`.trim();
