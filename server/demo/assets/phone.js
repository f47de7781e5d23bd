// One phone: its accounts and codes, its questions, its history. It is drawn from what its state says.

import { countDown, drawBar, tick } from "./countdown.js";
import { button, changes, heading, make, on, part, send, showOne, sign, write } from "./element.js";
import { clock, day, halves, said, shortClock, t, translate } from "./words.js";

/** How long the answers rest when one question takes the place of another, so that no second tap hits the wrong one. */
const REST_MS = 600;
/** How long a notification is seen before it opens by itself. */
const ARRIVAL_MS = 1400;
const still = matchMedia("(prefers-reduced-motion: reduce)");
/** The kind of news that each end of a question is. */
const TONES = { approved: "approved", denied: "denied", wrong_number: "denied", reported: "reported" };

/** A phone from the template, in which every name that must be unique carries the phone's number. */
function fromTemplate(number) {
  const element = document.getElementById("phone-template").content.firstElementChild.cloneNode(true);
  element.dataset.phoneId = number;
  for (const attribute of ["id", "for", "aria-describedby", "aria-labelledby"]) {
    for (const one of element.querySelectorAll(`[${attribute}]`)) {
      const names = one.getAttribute(attribute).split(" ");
      one.setAttribute(attribute, names.map((name) => (name === "site-message" ? name : `${name}-${number}`)).join(" "));
    }
  }
  element.id = `phone-${number}`;
  element.setAttribute("aria-labelledby", `phone-name-${number}`);
  translate(element);
  return element;
}

export class Phone {
  /** The question on the screen. It stays until it is over, even when another comes. */
  #prompt = null;
  #opened = null;
  /** The account whose code is on the screen. */
  #codeOf = null;
  #proposed = null;
  /** The account that the person was asked about, whether it is to be removed. */
  #removing = null;
  /** The question whose notification has come and not opened yet. */
  #arriving = null;
  /** The question whose details are drawn, and their rows. */
  #detailed = [null, []];
  #opening = 0;
  #resting = 0;
  #state = null;
  /** How the phone was drawn last: the view of the site, and when. */
  #drawn = ["loading", 0];
  #refusal = "";
  #changed = changes();
  #accountsChanged = changes();
  #historyChanged = changes();

  constructor(number, again) {
    this.number = number;
    this.again = again;
    this.element = fromTemplate(number);
    this.#listen();
  }

  part(name) {
    return part(name, this.element);
  }

  #press(path, body = {}) {
    return send(`phone/${this.number}/${path}`, body, (text) => this.#say(text));
  }

  #say(text) {
    this.#refusal = text;
    const notice = this.#state?.notice;
    // What became of one question is never said inside another.
    const fits = !notice?.about || this.#screen() !== "prompt" || notice.about === this.#prompt?.id;
    const sentence = text || (fits ? said(notice) : "");
    const tone = text ? "trouble" : notice?.tone;
    const element = this.part("phone-notice");
    if (element.textContent === sentence && element.dataset.tone === tone) return;
    element.dataset.tone = tone ?? "";
    element.replaceChildren(...(sentence ? [sign(tone), make("span", sentence)] : []));
  }

  #listen() {
    const click = (name, act) => on(this.part(name), "click", act);
    for (const name of ["scan", "scan-another"]) click(name, () => this.#press("enrol", { name: this.#name() }));
    on(this.part("paste"), "submit", async () => {
      const enrolled = await this.#press("enrol", { link: this.part("pasted").value, name: this.#name() });
      if (enrolled) this.part("pasted").value = "";
    });
    click("notification", async () => this.#openArrived());
    click("remove-yes", async () => {
      const id = this.#removing;
      this.#removing = null;
      await this.#press("remove", { id });
      this.#redraw();
    });
    click("remove-no", async () => {
      this.#removing = null;
      this.#redraw();
    });
    click("check", () => this.#press("check"));
    click("remove-proposed", () => this.#press("remove", { id: this.#proposed }));
    for (const [name, path] of [["push-switch", "push"], ["offline-switch", "offline"]]) {
      on(this.part(name), "change", async () => {
        const wanted = this.part(name).checked;
        if (!(await this.#press(path, { on: wanted }))) this.part(name).checked = !wanted;
      });
    }
    click("no", () => this.#press("answer", { id: this.#prompt.id, approve: false }));
    click("report", () => this.#press("report", { id: this.#prompt.id }));
    on(this.part("answers"), "submit", async () => {
      const { id, digits } = this.#prompt;
      const number = digits === null ? null : this.part("number").value.replaceAll(/\s/g, "");
      const lacks = number !== null && number.length !== digits;
      this.part("number").setAttribute("aria-invalid", String(lacks));
      if (!lacks) return this.#press("answer", { id, approve: true, number });
      this.#say(t("question_type_the_number"));
      this.part("number").focus();
    });
    click("prompt-code", async () => this.#showCode(this.#state.accounts[0]?.id));
    click("code-back", async () => this.#showCode(null));
  }

  #name() {
    return t("demo_phone_name", { number: this.number });
  }

  // Drawing

  #screen() {
    if (!this.#state) return "loading";
    const { prompts, accounts } = this.#state;
    if (this.#codeOf !== null) return "code";
    if (prompts.length > 0 && this.#arriving === null) return "prompt";
    if (accounts.some((account) => account.id === this.#removing)) return "remove";
    if (accounts.length === 0) return "empty";
    return accounts.some((account) => account.confirmation_code) ? "proposed" : "idle";
  }

  /** Draws the phone; `at` is the moment of this page's own clock at which the state came. */
  draw(state, siteView, at) {
    this.#drawn = [siteView, at];
    const first = this.#state === null;
    this.#state = state;
    const { prompts, accounts } = state;
    const came = state.opened !== this.#opened && prompts.find((one) => one.id === state.opened);
    this.#opened = state.opened;
    const prompt = came || (prompts.find((one) => one.id === this.#prompt?.id) ?? prompts[0] ?? null);
    // A question takes the place of a code, but not on a phone that has no network to answer with.
    const isNew = prompt !== null && prompt.id !== this.#prompt?.id;
    const gone = !accounts.some((account) => account.id === this.#codeOf);
    if (gone || (isNew && !state.offline)) this.#endCode();
    if (isNew && this.#prompt === null) this.#arrive(prompt, first);
    if (prompt === null || prompt.id !== this.#arriving) this.#settleArrival();
    const screen = this.#screen();
    if (this.#changed(screen, prompt?.id, prompt?.digits, state.notice)) this.#refusal = "";
    this.#enter(screen);
    this.part("push-row").hidden = screen !== "idle";
    this.part("push-switch").checked = state.push_on;
    this.part("offline-switch").checked = state.offline;
    this.part("scan-another").hidden = siteView !== "enrol";
    write(this.part("phone-name"), t("demo_phone", { number: this.number }));
    // Said anew for each question.
    if (prompt?.id !== this.#prompt?.id) this.#announce(prompt);
    this.#drawPrompt(prompt, prompts.length - 1, at);
    this.#say(this.#refusal);
    this.element.dataset.online = String(!state.offline);
    write(this.part("status-time"), shortClock(Date.now()));
    this.#drawProposed(accounts.find((account) => account.confirmation_code));
    if (this.#accountsChanged(accounts)) this.#drawAccounts(accounts);
    if (this.#historyChanged(state.history)) this.#drawHistory(state.history);
  }

  #redraw() {
    this.draw(this.#state, ...this.#drawn);
    tick();
  }

  /** A push has brought a question: it is seen as a notification first, and opens by itself. */
  #arrive(prompt, first) {
    if (first || !prompt.by_push || still.matches || this.#state.offline) return;
    this.#arriving = prompt.id;
    write(this.part("notification-who"), prompt.relying_party);
    this.part("notification").hidden = false;
    this.#opening = setTimeout(() => this.#openArrived(), ARRIVAL_MS);
  }

  #openArrived() {
    this.#settleArrival();
    this.#redraw();
  }

  #settleArrival() {
    clearTimeout(this.#opening);
    this.#arriving = null;
    this.part("notification").hidden = true;
  }

  #enter(screen) {
    if (this.element.dataset.screen === screen) return;
    this.element.dataset.screen = screen;
    showOne(this.element, "data-phone", screen);
  }

  #announce(prompt) {
    this.part("number").value = "";
    this.part("number").removeAttribute("aria-invalid");
    clearTimeout(this.#resting);
    this.#resting = this.#prompt && prompt ? setTimeout(() => this.#rested(), REST_MS) : 0;
    part("announcement").replaceChildren(
      prompt ? `${t("demo_phone", { number: this.number })}. ${t("question_announcement")}` : "",
    );
  }

  #rested() {
    this.#resting = 0;
    this.#drawAnswers();
  }

  #drawPrompt(prompt, more, at) {
    this.#prompt = prompt;
    countDown(`phone ${this.number}`, prompt && at + prompt.milliseconds_left, (left) => {
      write(this.part("countdown"), `${Math.ceil(left / 1000)}\u00a0s`);
      drawBar(this.part("bar"), left, prompt.lifetime_seconds * 1000);
      // A question whose time is over: what became of it is asked at once.
      if (left === 0) this.again();
    });
    if (!prompt) return;
    const unknown = t("question_not_known");
    // What a YES does that is no sign-in is asked in its own words, also in the notification.
    for (const name of ["question", "notification-question"]) {
      this.part(name).dataset.text = prompt.question;
      write(this.part(name), t(prompt.question));
    }
    this.part("explanation").hidden = !prompt.explanation;
    write(this.part("explanation"), prompt.explanation ? t(prompt.explanation) : "");
    write(this.part("who"), prompt.relying_party);
    write(this.part("account"), prompt.account);
    write(this.part("place-label"), t(prompt.place ? "question_place" : "demo_address"));
    write(this.part("place"), prompt.place ?? prompt.ip ?? unknown);
    const { browser, system } = prompt;
    const both = browser && system ? t("question_browser_on_system", { browser, system }) : browser ?? system;
    write(this.part("browser"), both ?? unknown);
    write(this.part("asked-at"), clock(prompt.asked_at * 1000));
    this.part("binding-row").hidden = !prompt.binding_message;
    write(this.part("binding"), prompt.binding_message ?? "");
    this.#drawDetails(prompt);
    this.part("number-row").hidden = prompt.digits === null;
    this.part("number").maxLength = prompt.digits ?? 6;
    this.#drawAnswers();
    this.part("more").hidden = more === 0;
    write(this.part("more"), more === 1 ? t("question_more_one") : t("question_more_many", { count: more }));
    this.part("prompt-code").hidden = !this.#state.offline;
  }

  /** What exactly is decided, in the words of who asks, below their sentence. */
  #drawDetails(prompt) {
    const [id, drawn] = this.#detailed;
    if (id === prompt.id) return;
    drawn.forEach((row) => row.remove());
    const rows = prompt.details.map(({ label, value }) => {
      const row = make("div", "");
      row.append(make("dt", label), make("dd", value));
      row.dataset.test = "detail";
      return row;
    });
    this.part("binding-row").after(...rows);
    this.#detailed = [prompt.id, rows];
  }

  #drawAnswers() {
    const answering = this.#prompt?.answering || this.#resting !== 0;
    const pressed = [this.part("no"), this.part("yes"), this.part("report")];
    // A button that cannot be pressed loses the focus; the question keeps it.
    if (answering && pressed.includes(document.activeElement)) heading(this.element, "data-phone", "prompt").focus();
    this.part("yes").disabled = answering;
    // Without a network, a NO still takes the place of the YES that was not heard.
    const sending = this.#resting !== 0 || (answering && !this.#state.offline);
    this.part("no").disabled = sending;
    this.part("report").disabled = sending;
  }

  #drawProposed(account) {
    this.#proposed = account?.id ?? null;
    write(this.part("confirmation-code"), halves(account?.confirmation_code ?? ""));
    write(this.part("proposed-organisation"), account?.organisation ?? "");
    write(this.part("proposed-account"), account?.account ?? "");
  }

  #drawAccounts(accounts) {
    const hadFocus = this.part("accounts").contains(document.activeElement);
    this.part("accounts").replaceChildren(...accounts.map((account) => this.#accountRow(account)));
    if (hadFocus) heading(this.element, "data-phone", "idle").focus();
  }

  #accountRow({ id, organisation, account, ended }) {
    const row = document.createElement("li");
    const remove = button(t("account_remove"), "remove", async () => {
      // One that is over answers nothing any more: it goes without a question.
      if (ended) return this.#press("remove", { id });
      this.#removing = id;
      write(this.part("remove-account"), organisation);
      this.part("remove-only").hidden = this.#state.accounts.length > 1;
      return this.#redraw();
    });
    remove.setAttribute("aria-label", t("account_remove_named", { organisation, account }));
    if (ended) {
      const text = document.createElement("div");
      const why = make("p", said(ended), "ended");
      why.dataset.test = "ended";
      text.append(make("span", organisation, "name"), make("span", account, "name small"), why);
      row.append(text, remove);
      return row;
    }
    const open = button("", "account-open", async () => this.#showCode(id));
    open.classList.add("account");
    open.append(make("span", organisation, "name"), make("span", account, "name small"));
    open.append(make("span", t("code_heading"), "name small more"));
    row.append(open, remove);
    return row;
  }

  #drawHistory(history) {
    const hadFocus = this.part("history").contains(document.activeElement);
    this.part("history").replaceChildren(...history.map((past) => this.#historyRow(past)));
    this.part("history").hidden = history.length === 0;
    this.part("no-history").hidden = history.length > 0;
    if (hadFocus) this.part("history").focus();
  }

  #historyRow({ id, relying_party: relyingParty, asked_at: askedAt, outcome }) {
    const row = document.createElement("li");
    row.dataset.outcome = outcome;
    const time = make("span", day(askedAt * 1000), "small when");
    const end = make("span", "", "outcome");
    end.append(sign(TONES[outcome] ?? "note"), t(`outcome_${outcome}_short`));
    row.append(make("span", relyingParty, "name"), time, end);
    if (outcome !== "reported") {
      const report = button(t("question_this_was_not_me"), "report-past", () => this.#press("report", { id }));
      report.setAttribute("aria-label", `${t("question_this_was_not_me")}: ${relyingParty}, ${time.textContent}`);
      row.append(report);
    }
    return row;
  }

  // Codes

  #endCode() {
    this.#codeOf = null;
    countDown(`code ${this.number}`, null);
  }

  async #showCode(account) {
    this.#endCode();
    this.#removing = null;
    const shown = account ? await this.#press("code", { id: account }) : null;
    if (shown) {
      this.#codeOf = account;
      const { organisation, account: name } = this.#state.accounts.find((one) => one.id === account);
      write(this.part("code-account"), `${organisation}, ${name}`);
      write(this.part("code"), halves(shown.code));
      write(this.part("code-next"), t("code_next", { code: halves(shown.next) }));
      countDown(`code ${this.number}`, performance.now() + shown.seconds_left * 1000, (left) => {
        write(this.part("code-left"), t("question_seconds_left", { seconds: Math.ceil(left / 1000) }));
        drawBar(this.part("code-bar"), left, shown.period * 1000);
        if (left === 0) this.#showCode(account);
      });
    }
    this.#enter(this.#screen());
    this.part("push-row").hidden = this.#screen() !== "idle";
    tick();
  }
}
