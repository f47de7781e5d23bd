//! One-time codes: read on a phone without a network, typed on the page.

use crate::visit::Visit;

#[tokio::test]
async fn an_offline_phone_shows_codes_and_one_signs_in() {
    let visit = Visit::enrolled().await;
    visit.tap(1, "offline-switch").await;
    visit.phone_says(1, "phone-notice", "No network. Codes still work.").await;
    visit.sign_in().await;
    visit.tap(1, "check").await;
    visit.phone_says(1, "phone-notice", "The server cannot be reached.").await;
    visit.tap(1, "account-open").await;
    visit.screen(1, "code").await;
    let code = visit.on(1, "code").await;
    assert!(code.len() == 7 && code.as_bytes()[3] == b' ', "{code}");
    assert!(visit.on(1, "code-next").await.starts_with("Next code: "));
    assert!(visit.on(1, "code-left").await.ends_with(" s left"));
    visit.click("type-code").await;
    visit.type_text("code-input", &code).await;
    visit.picture("code-offline").await;
    visit.click("verify-code").await;
    visit.view("signed_in").await;
    assert_eq!(visit.text("amr").await, "otp");
    assert!(visit.text("signed-how").await.contains("one-time code"));
    assert_eq!(visit.text("receipt").await, "", "a code leaves no receipt");
    visit.picture("signed-in-by-code").await;

    visit.tap(1, "code-back").await;
    visit.tap(1, "offline-switch").await;
    // The question and its end, both of which came meanwhile.
    visit.phone_says(1, "phone-notice", "A code was typed instead.").await;
    visit.screen(1, "idle").await;
    visit.no_complaints().await;
}

#[tokio::test]
async fn a_push_that_came_while_the_phone_was_offline_arrives_when_it_is_back() {
    let visit = Visit::enrolled().await;
    visit.tap(1, "offline-switch").await;
    visit.sign_in().await;
    visit.browser.until_there("[data-step='push']").await;
    visit.screen(1, "idle").await;
    visit.tap(1, "offline-switch").await;
    visit.screen(1, "prompt").await;

    // And an answer that was given without a network is sent when there is one again.
    visit.tap(1, "offline-switch").await;
    visit.phone_says(1, "phone-notice", "No network.").await;
    visit.tap(1, "yes").await;
    visit.phone_says(1, "phone-notice", "Your answer is kept and sent again.").await;
    visit.browser.until_there("[data-phone-id='1'] [data-test='yes']:disabled").await;
    visit.browser.until_there("[data-phone-id='1'] [data-test='no']:enabled").await;
    visit.picture("answer-kept").await;
    visit.tap(1, "offline-switch").await;
    visit.view("signed_in").await;
    visit.phone_says(1, "phone-notice", "Approved. The page goes on by itself.").await;
    visit.no_complaints().await;
}

#[tokio::test]
async fn a_typed_code_takes_the_prompt_from_the_phone_and_wrong_ones_are_slowed_down() {
    let visit = Visit::enrolled().await;
    visit.tap(1, "account-open").await;
    visit.screen(1, "code").await;
    let code = visit.on(1, "code").await.replace(' ', "");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    visit.sign_in().await;
    visit.screen(1, "prompt").await;
    visit.click("type-code").await;
    visit.type_text("code-input", wrong).await;
    visit.click("verify-code").await;
    visit.says("site-message", "The code is wrong or was used. Wait for the next one.").await;
    visit.screen(1, "prompt").await;
    visit.picture("code-wrong").await;
    visit.type_text("code-input", &code).await;
    visit.click("verify-code").await;
    visit.view("signed_in").await;
    visit.screen(1, "idle").await;
    visit.phone_says(1, "phone-notice", "A code was typed instead.").await;
    visit.picture("code-online").await;
    visit.click("sign-out").await;

    visit.sign_in().await;
    visit.click("type-code").await;
    let count = "return document.querySelector(\"[data-test='site-message']\").textContent";
    let mut said = String::new();
    for _ in 0..8 {
        visit.type_text("code-input", wrong).await;
        visit.click("verify-code").await;
        let condition = "const field = document.querySelector(\"[data-test='code-input']\"); return field.value === ''";
        visit.browser.until(condition).await;
        said = visit.browser.run(count).await.as_str().unwrap().to_owned();
        if said.starts_with("Several") {
            break;
        }
    }
    assert!(said.starts_with("Several codes were wrong. Wait ") && said.contains("\u{a0}s, then"), "{said}");
    visit.picture("code-throttled").await;
    visit.no_complaints().await;
}
