//! Backup codes: shown once, kept on paper or in a file, and typed on the day on which the phone is gone.

use crate::visit::Visit;
use std::collections::HashSet;

/// The parts of the page whose text is seen, and the ground that they stand on.
const SEEN: &str = "return { text: document.body.innerText.split('\\n').filter((line) => line.trim() !== ''),
    ground: getComputedStyle(document.body).backgroundColor, ink: getComputedStyle(document.body).color }";

/// With phone 1 and its ten codes, which were kept.
async fn with_codes() -> (Visit, Vec<String>) {
    let visit = Visit::start().await;
    visit.confirm(1).await;
    let codes = visit.keep_backup_codes().await;
    visit.view("sign_in").await;
    (visit, codes)
}

/// Signs in with a code while the phone is not there, up to the page that comes then.
async fn signs_in(visit: &Visit, code: &str) {
    visit.sign_in().await;
    visit.answer_by_code(code).await;
    visit.view("signed_in").await;
}

#[tokio::test]
async fn the_first_phone_brings_ten_codes_and_a_reload_shows_them_no_more() {
    let visit = Visit::start().await;
    visit.confirm(1).await;
    let codes = visit.backup_codes().await;
    assert_eq!(codes.iter().collect::<HashSet<_>>().len(), 10, "{codes:?}");
    assert!(codes.iter().all(|code| code.len() == 14), "{codes:?}");
    let heading = visit.browser.text("[data-site='backup_codes'] h3").await;
    assert_eq!(heading, "Ten codes for the day on which your phone is not there");
    visit.picture("backup-codes").await;
    visit.browser.emulate("screen", "dark").await;
    visit.picture("backup-codes-dark").await;
    visit.browser.emulate("", "").await;

    let headers = "{ headers: { 'countersign-demo': '1' } }";
    let state = format!("return fetch('/demo/state', {headers}).then((answer) => answer.text())");
    let state = visit.browser.run(&state).await;
    assert!(codes.iter().all(|code| !state.as_str().unwrap().contains(code)), "only one answer has had them: {state}");

    visit.browser.open(&visit.demo.url).await;
    visit.view("backup_codes").await;
    visit.says("codes-left", "10 left").await;
    let seen = visit.browser.run(SEEN).await.to_string();
    assert!(codes.iter().all(|code| !seen.contains(code)), "{seen}");
    visit.picture("backup-codes-gone").await;

    // New ones are to be had at once, and end those that nobody has kept.
    visit.click("codes-again").await;
    visit.says("new-codes-question", "The ones you have end at once, on paper too.").await;
    visit.click("new-codes-yes").await;
    let new = visit.backup_codes().await;
    assert!(new.iter().all(|code| !codes.contains(code)));
    let focus = "return document.activeElement.tagName";
    assert_eq!(visit.browser.run(focus).await, "H3", "the button that had it is gone");
    visit.click("kept").await;
    visit.view("sign_in").await;
    let left = "return document.body.textContent";
    let left = visit.browser.run(left).await;
    assert!(new.iter().all(|code| !left.as_str().unwrap().contains(code)), "nothing of them stays in the page");

    // A second phone brings none: there are some.
    visit.click("enrol-another").await;
    visit.confirm(2).await;
    visit.view("sign_in").await;
    visit.no_complaints().await;
}

#[tokio::test]
async fn the_codes_are_printed_alone_in_black_on_white_and_saved_as_a_text() {
    let visit = Visit::start().await;
    visit.confirm(1).await;
    let codes = visit.backup_codes().await;
    visit.browser.run("window.print = () => document.body.setAttribute('data-printed', '')").await;
    visit.click("print-codes").await;
    visit.browser.until_there("body[data-printed]").await;

    // Whoever has a dark screen prints no dark paper.
    visit.browser.emulate("print", "dark").await;
    let seen = visit.browser.run(SEEN).await;
    assert_eq!((&seen["ground"], &seen["ink"]), (&"rgb(255, 255, 255)".into(), &"rgb(0, 0, 0)".into()));
    let lines: Vec<String> = serde_json::from_value(seen["text"].clone()).unwrap();
    let sentence = "Each code signs in once, in place of the phone; new codes end these.";
    assert_eq!(lines[0], "Harbour Hosting customer area");
    assert_eq!(lines[1], "Backup codes of maya@harbour.example");
    assert!(lines[2].starts_with("Made on ") && lines[2].ends_with(char::is_numeric), "{}", lines[2]);
    assert_eq!(lines[3..13], codes);
    assert_eq!(lines[13..], [sentence], "and nothing else");
    visit.picture("backup-codes-printed").await;
    let printed = String::from_utf8_lossy(&visit.browser.printed().await).into_owned();
    assert_eq!(printed.matches("/Type /Page\n").count(), 1, "one sheet of paper");
    visit.browser.emulate("", "").await;

    visit.click("save-codes").await;
    let saved = visit.browser.saved("countersign-backup-codes.txt").await;
    let expected = format!("{}\n\n{}\n\n{sentence}\n", lines[..3].join("\n"), codes.join("\n"));
    assert_eq!(saved, expected);

    let copies = "navigator.clipboard.writeText = async (text) => document.body.setAttribute('data-copied', text)";
    visit.browser.run(copies).await;
    visit.click("copy-codes").await;
    visit.says("site-message", "Copied.").await;
    assert_eq!(visit.browser.run("return document.body.dataset.copied").await, saved.as_str());
    visit.browser.run("navigator.clipboard.writeText = async () => { throw new Error('not allowed') }").await;
    visit.click("copy-codes").await;
    visit.says("site-message", "The codes are selected").await;
    let selected = visit.browser.run("return getSelection().toString()").await;
    assert!(codes.iter().all(|code| selected.as_str().unwrap().contains(code)), "{selected}");
    visit.no_complaints().await;
}

#[tokio::test]
async fn the_phone_is_lost_and_a_code_signs_in_once() {
    let (visit, codes) = with_codes().await;
    visit.tap(1, "offline-switch").await;
    visit.phone_says(1, "phone-notice", "No network.").await;
    visit.sign_in().await;
    visit.click("type-code").await;
    assert_eq!(visit.text("code-label").await, "Code from the app, or a backup code");
    visit.type_text("code-input", &codes[3]).await;
    visit.picture("backup-code-typed").await;
    visit.click("verify-code").await;
    visit.view("signed_in").await;
    assert_eq!(visit.text("signed-how").await, "A backup code was used. 9 are left.");
    assert_eq!(
        (visit.text("amr").await, visit.text("backup-left").await),
        ("otp, backup_code".into(), "9 left".into())
    );
    assert!(visit.done_steps().await.contains(&"backup_code".to_owned()));
    visit.picture("signed-in-by-backup-code").await;
    visit.click("sign-out").await;

    visit.sign_in().await;
    visit.answer_by_code(&codes[3]).await;
    visit.says("site-message", "This backup code was used before. Type another one.").await;
    visit.picture("backup-code-used").await;
    let last = if codes[5].ends_with('0') { '1' } else { '0' };
    visit.answer_by_code(&format!("{}{last}", &codes[5][..13])).await;
    visit.says("site-message", "This is not one of your backup codes.").await;
    visit.answer_by_code(&codes[5][..13]).await;
    visit.says("site-message", "A code of the app has six digits, a backup code twelve.").await;
    // As somebody types who does not look at the groups.
    visit.answer_by_code(&codes[5].replace(' ', "")).await;
    visit.view("signed_in").await;
    visit.says("signed-how", "8 are left.").await;
    visit.click("sign-out").await;

    // The phone is back, and the page says at every sign-in how many there are.
    visit.tap(1, "offline-switch").await;
    visit.sign_in().await;
    visit.screen(1, "prompt").await;
    visit.tap(1, "yes").await;
    visit.view("signed_in").await;
    assert_eq!(visit.text("backup-left").await, "8 left");
    visit.no_complaints().await;
}

#[tokio::test]
async fn few_codes_are_left_and_a_new_set_ends_them() {
    let (visit, old) = with_codes().await;
    visit.tap(1, "offline-switch").await;
    for code in &old[..6] {
        signs_in(&visit, code).await;
        visit.browser.until_there("[data-test='advice'][hidden]").await;
        visit.click("sign-out").await;
    }
    signs_in(&visit, &old[6]).await;
    visit.says("signed-how", "3 are left.").await;
    visit.says("advice", "Make new backup codes in time.").await;
    visit.picture("backup-codes-few").await;

    visit.click("new-codes").await;
    visit.says("new-codes-question", "The ones you have end at once, on paper too.").await;
    visit.picture("backup-codes-new").await;
    visit.click("new-codes-no").await;
    visit.says("backup-left", "3 left").await;
    visit.click("new-codes").await;
    visit.click("new-codes-yes").await;
    let new = visit.keep_backup_codes().await;
    visit.view("signed_in").await;
    visit.says("backup-left", "10 left").await;
    visit.browser.until_there("[data-test='advice'][hidden]").await;
    visit.click("sign-out").await;

    visit.sign_in().await;
    visit.answer_by_code(&old[7]).await;
    visit.says("site-message", "Type all twelve digits of one from the newest set.").await;
    visit.answer_by_code(&new[7]).await;
    visit.view("signed_in").await;
    visit.says("signed-how", "9 are left.").await;
    visit.no_complaints().await;
}

#[tokio::test]
async fn paper_outlives_the_phone_and_the_page_asks_for_nothing_else() {
    let (visit, codes) = with_codes().await;
    visit.tap(1, "remove").await;
    visit.tap(1, "remove-yes").await;
    visit.screen(1, "empty").await;
    visit.sign_in().await;
    assert_eq!(visit.text("waiting-heading").await, "No phone answers for this account.");
    assert_eq!(visit.text("hint").await, "Type one of your backup codes.");
    assert_eq!(visit.text("code-label").await, "Backup code");
    visit.picture("backup-code-alone").await;
    visit.answer_by_code(&codes[0]).await;
    visit.view("signed_in").await;

    // Without a phone there are no new ones, and those that are there stay.
    visit.click("new-codes").await;
    visit.click("new-codes-yes").await;
    visit.says("site-message", "No phone is set up for this account.").await;
    visit.says("backup-left", "9 left").await;
    visit.click("sign-out").await;
    visit.view("sign_in").await;
    visit.click("enrol-another").await;
    visit.enrol(1).await;
    signs_in(&visit, &codes[1]).await;
    visit.says("signed-how", "8 are left.").await;
    visit.no_complaints().await;
}

#[tokio::test]
async fn guesses_at_the_paper_are_slowed_down() {
    let (visit, codes) = with_codes().await;
    let last = if codes[9].ends_with('0') { '1' } else { '0' };
    let guess = format!("{}{last}", &codes[9][..13]);
    visit.sign_in().await;
    let said = "return document.querySelector(\"[data-test='site-message']\").textContent";
    let mut heard = String::new();
    for _ in 0..8 {
        visit.answer_by_code(&guess).await;
        visit.browser.until("return document.querySelector(\"[data-test='code-input']\").value === ''").await;
        heard = visit.browser.run(said).await.as_str().unwrap().to_owned();
        if heard.starts_with("Several") {
            break;
        }
    }
    assert!(heard.starts_with("Several backup codes were wrong. Wait ") && heard.contains("\u{a0}s, then"), "{heard}");
    visit.no_complaints().await;
}

#[tokio::test]
async fn in_a_narrow_window_the_codes_stand_whole_in_every_language() {
    let visit = Visit::start_in(500).await;
    visit.confirm(1).await;
    visit.backup_codes().await;
    let columns = "const tops = [...document.querySelectorAll(\"[data-test='codes'] li\")]
                       .map((code) => code.getBoundingClientRect().top);
                   return tops.length / new Set(tops).size";
    assert_eq!(visit.browser.run(columns).await, 2);
    visit.browser.resize(360, 780).await;
    assert_eq!(visit.browser.run(columns).await, 1, "on a phone in one, so that the digits are large");
    for language in ["fr", "de", "it", "es", "en"] {
        visit.choose("language", language).await;
        visit.browser.until(&format!("return document.documentElement.lang === '{language}'")).await;
        visit.fits().await;
        let whole = "const list = document.querySelector(\"[data-test='codes']\");
                     list.scrollIntoView({ block: 'center' });
                     return list.scrollWidth <= list.clientWidth";
        assert_eq!(visit.browser.run(whole).await, true, "{language}");
        visit.picture(&format!("backup-codes-narrow-{language}")).await;
    }
    visit.no_complaints().await;
}
