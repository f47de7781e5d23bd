//! The phones: two of them, one that ended, one between runs, one in a terminal.

use crate::visit::Visit;
use countersign_tests::program::{self, command};

#[tokio::test]
async fn an_answer_on_one_phone_takes_the_question_from_the_other() {
    let visit = Visit::enrolled().await;
    let phones = "return document.querySelectorAll('[data-phone-id]:not([hidden])').length";
    assert_eq!(visit.browser.run(phones).await, 1, "one phone until a second is added");
    visit.click("enrol-another").await;
    visit.enrol(2).await;
    visit.choose("ask", "2").await;
    visit.sign_in().await;
    visit.screen(1, "prompt").await;
    visit.screen(2, "prompt").await;
    let number = visit.number("page-number").await;
    visit.fits().await;
    let row = "const top = (test) => document.querySelector(test).getBoundingClientRect().top;
               return Math.abs(top(\"[data-phone-id='1']\") - top(\"[data-phone-id='2']\")) < 2";
    assert_eq!(visit.browser.run(row).await, true, "the phones stand side by side");
    visit.picture("two-phones").await;
    visit.type_on(2, "number", &number).await;
    visit.tap(2, "yes").await;
    visit.view("signed_in").await;
    visit.screen(1, "idle").await;
    visit.phone_says(1, "phone-notice", "Answered on your other phone.").await;
    visit.phone_says(2, "phone-notice", "Approved. The page goes on by itself.").await;
    visit.picture("two-phones-answered").await;

    // Also when no push tells it.
    visit.tap(1, "push-switch").await;
    visit.phone_says(1, "phone-notice", "No notifications arrive on this phone.").await;
    visit.click("sign-out").await;
    visit.sign_in().await;
    visit.screen(2, "prompt").await;
    visit.tap(1, "check").await;
    visit.screen(1, "prompt").await;
    visit.tap(2, "no").await;
    visit.view("stopped").await;
    visit.phone_says(1, "phone-notice", "Answered on your other phone.").await;
    visit.screen(1, "idle").await;
    visit.no_complaints().await;
}

#[tokio::test]
async fn in_a_narrow_window_the_phones_stand_below_the_site() {
    let visit = Visit::start_in(500).await;
    visit.enrol(1).await;
    visit.click("enrol-another").await;
    visit.enrol(2).await;
    visit.sign_in().await;
    visit.screen(2, "prompt").await;
    visit.fits().await;
    let order = "const top = (test) => document.querySelector(test).getBoundingClientRect().top;
                 return top(\".site\") < top(\"[data-phone-id='1']\") \
                 && top(\"[data-phone-id='1']\") < top(\"[data-phone-id='2']\")";
    assert_eq!(visit.browser.run(order).await, true);
    visit.picture("narrow").await;
    visit.tap(2, "yes").await;
    visit.view("signed_in").await;
    visit.picture("narrow-phone").await;
    visit.no_complaints().await;
}

#[tokio::test]
async fn an_account_that_ended_says_why_and_can_be_removed() {
    let visit = Visit::start().await;
    visit.view("enrol").await;
    visit.tap(1, "scan").await;
    visit.view("confirm").await;
    visit.screen(1, "proposed").await;
    let digits: u32 = visit.on(1, "confirmation-code").await.replace(' ', "").parse().unwrap();
    let wrong = format!("{:06}", (digits + 1) % 1_000_000);
    for attempt in 1..=5 {
        let clear = "document.querySelector(\"[data-test='confirm-input']\").value = ''";
        visit.browser.run(clear).await;
        visit.type_text("confirm-input", &wrong).await;
        visit.click("confirm").await;
        let last = if attempt < 5 { "Type them again." } else { "The digits were wrong too often" };
        visit.says("site-message", last).await;
    }
    visit.screen(1, "idle").await;
    visit.phone_says(1, "ended", "The digits were wrong too often, so this phone was not added.").await;
    visit.picture("ended").await;
    visit.tap(1, "remove").await;
    visit.screen(1, "empty").await;
    visit.click("start-again").await;
    visit.enrol(1).await;
    visit.no_complaints().await;
}

#[tokio::test]
async fn removing_an_account_is_asked_first() {
    let visit = Visit::enrolled().await;
    visit.tap(1, "remove").await;
    visit.screen(1, "remove").await;
    assert_eq!(visit.on(1, "remove-only").await, "It is the only phone of this account.");
    visit.picture("remove").await;
    visit.tap(1, "remove-no").await;
    visit.screen(1, "idle").await;
    visit.tap(1, "remove").await;
    visit.tap(1, "remove-yes").await;
    visit.screen(1, "empty").await;
    visit.no_complaints().await;
}

#[tokio::test]
async fn start_anew_asks_first_and_leaves_nothing() {
    let visit = Visit::enrolled().await;
    visit.click("anew").await;
    visit.picture("anew").await;
    visit.click("anew-no").await;
    visit.screen(1, "idle").await;
    visit.click("anew").await;
    visit.click("anew-yes").await;
    visit.view("enrol").await;
    visit.screen(1, "empty").await;
    assert!(visit.done_steps().await.is_empty());
    visit.enrol(1).await;
    visit.sign_in().await;
    visit.screen(1, "prompt").await;
    assert!(visit.demo.stop().await.success(), "it is the same process, and ends as asked");
}

#[tokio::test]
async fn the_demo_remembers_its_phones_between_runs_and_at_another_port() {
    let visit = Visit::enrolled().await;
    visit.click("enrol-another").await;
    visit.enrol(2).await;
    let Visit { demo, data, browser } = visit;
    let first = demo.url.clone();
    assert!(demo.stop().await.success());
    let demo = Visit::demo(&data).await;
    assert_ne!(demo.url, first, "a free port is another one");
    browser.open(&demo.url).await;
    let visit = Visit { demo, data, browser };
    visit.sign_in().await;
    visit.screen(1, "prompt").await;
    visit.screen(2, "prompt").await;
    visit.tap(2, "yes").await;
    visit.view("signed_in").await;
}

#[tokio::test]
async fn a_terminal_phone_enrols_by_the_pasted_link_and_answers() {
    let visit = Visit::start().await;
    visit.view("enrol").await;
    let link = visit.browser.run("return document.querySelector(\"[data-test='link']\").value").await;
    let store = visit.data.path().join("terminal");
    let phone = async |arguments: &[&str]| {
        let mut all = vec!["phone", "--json", "--store", store.to_str().unwrap()];
        all.extend_from_slice(arguments);
        program::run(command(&all)).await.expect(0).json()
    };
    let enrolled = phone(&["enrol", link.as_str().unwrap()]).await;
    visit.view("confirm").await;
    visit.type_text("confirm-input", enrolled["confirmation_code"].as_str().unwrap()).await;
    visit.click("confirm").await;
    visit.keep_backup_codes().await;
    visit.sign_in().await;
    let listed = phone(&["list"]).await;
    let id = listed["pending"][0]["id"].as_str().unwrap_or_else(|| panic!("{listed}")).to_owned();
    assert_eq!(phone(&["approve", &id]).await["outcome"], "approved");
    visit.view("signed_in").await;
    assert!(visit.demo.stop().await.success());
}
