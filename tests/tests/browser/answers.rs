//! What a person answers on the phone, and what the page then says.

use crate::visit::Visit;

#[tokio::test]
async fn yes_moves_the_page_on_and_no_stops_it() {
    let visit = Visit::enrolled().await;
    visit.sign_in().await;
    visit.screen(1, "prompt").await;
    let prompt = visit.browser.text("[data-phone-id='1'] [data-phone='prompt']").await;
    for shown in ["Is this you?", "Harbour Hosting", "maya@harbour.example", "127.0.0.1", "Chrome", "Linux", "Asked at"]
    {
        assert!(prompt.contains(shown), "{shown}: {prompt}");
    }
    for (button, word) in [("no", "NO"), ("yes", "YES"), ("report", "This was not me")] {
        assert!(visit.on(1, button).await.contains(word));
    }
    let countdown = visit.on(1, "countdown").await;
    let seconds: u32 = countdown.split(char::is_whitespace).next().unwrap().parse().unwrap();
    assert!((30..=60).contains(&seconds), "{countdown}");
    visit.picture("question").await;
    visit.tap(1, "yes").await;
    visit.view("signed_in").await;
    assert_eq!(visit.text("amr").await, "swk, mca, user");
    assert!(visit.text("receipt").await.contains("bytes"), "an approval by push leaves a receipt");
    visit.picture("signed-in").await;

    let open = visit.browser.run("return document.querySelector(\"[data-test='trace']\").open").await;
    assert_eq!(open, true, "the picture is open beside the phones");
    for step in ["create", "push", "receive", "decide", "settle", "claim"] {
        visit.browser.until_there(&format!("[data-step='{step}']")).await;
    }
    visit.browser.click("[data-step='push'] summary").await;
    let pushed = visit.browser.text("[data-step='push']").await;
    assert!(!pushed.contains("maya") && !pushed.contains("Harbour"), "the push is ciphertext: {pushed}");
    assert!(pushed.contains("bytes of ciphertext") && pushed.len() < 2000, "and folded: {pushed}");
    visit.browser.click("[data-step='decide'] summary").await;
    let decided = visit.browser.text("[data-step='decide']").await;
    assert!(decided.contains("countersign-decision+jws") && decided.contains("approve"), "{decided}");
    let says = "return document.querySelector(\"[data-step='decide'] summary\").textContent";
    let says = visit.browser.run(says).await;
    assert!(says.as_str().unwrap().contains("Phone 1 → Server"), "an arrow is said in words too: {says}");
    visit.picture("what-travelled").await;

    visit.click("sign-out").await;
    visit.sign_in().await;
    visit.screen(1, "prompt").await;
    visit.tap(1, "no").await;
    visit.view("stopped").await;
    assert_eq!(visit.text("why-stopped").await, "The answer on the phone was NO.");
    visit.browser.until_there("[data-test='stopped-sign'][data-tone='denied']").await;
    visit.browser.until_there("[data-phone-id='1'] [data-test='phone-notice'][data-tone='denied']").await;
    visit.picture("stopped").await;
    assert_eq!(visit.done_steps().await, ["scan", "yes", "no"], "the tour is ticked by what happened");
    let history = visit.on(1, "history").await;
    assert!(history.contains("Approved") && history.contains("Denied"), "{history}");
    visit.no_complaints().await;
}

/// The demo's own site asks for sign-ins alone, so the page is told here what a site with more to decide would ask.
#[tokio::test]
async fn every_detail_of_a_question_is_on_the_phone_in_its_order() {
    let visit = Visit::enrolled().await;
    let details = r#"[{ label: "Amount", value: "12.00 EUR" }, { label: "To", value: "<b>Meridian</b>" }]"#;
    let script = format!(
        "const read = Response.prototype.json;
         Response.prototype.json = async function () {{
             const state = await read.call(this);
             state.phones?.forEach((phone) => phone.prompts.forEach((prompt) => (prompt.details = {details})));
             return state;
         }};"
    );
    visit.browser.run(&script).await;
    visit.sign_in().await;
    visit.screen(1, "prompt").await;
    let rows = "return [...document.querySelectorAll(\"[data-phone-id='1'] [data-test='detail']\")].map((row) => \
                row.textContent)";
    let rows = visit.browser.run(rows).await;
    assert_eq!(rows, serde_json::json!(["Amount12.00 EUR", "To<b>Meridian</b>"]), "as text, whatever is in it");
    visit.picture("details").await;
    visit.tap(1, "no").await;
    visit.view("stopped").await;
    visit.click("back-from-stopped").await;
    visit.no_complaints().await;
}

#[tokio::test]
async fn a_cancelled_sign_in_leaves_the_phone_at_once() {
    let visit = Visit::enrolled().await;
    visit.sign_in().await;
    visit.screen(1, "prompt").await;
    visit.click("cancel").await;
    visit.view("sign_in").await;
    visit.screen(1, "idle").await;
    visit.phone_says(1, "phone-notice", "The site took the question back.").await;
    visit.no_complaints().await;
}

#[tokio::test]
async fn the_number_on_the_page_is_typed_on_the_phone_and_a_wrong_one_stops_the_sign_in() {
    let visit = Visit::enrolled().await;
    visit.choose("ask", "6").await;
    visit.sign_in().await;
    visit.screen(1, "prompt").await;
    let number = visit.number("page-number").await;
    assert!(number.len() == 6 && number.bytes().all(|byte| byte.is_ascii_digit()), "{number}");
    let sentence = visit.text("page-number").await;
    assert_eq!(sentence.split_whitespace().collect::<Vec<_>>().join(" "), format!("Type {number} on your phone."));
    let headers = "{ headers: { 'countersign-demo': '1' } }";
    let script = format!("return fetch('/demo/state', {headers}).then((answer) => answer.json())");
    let state = visit.browser.run(&script).await;
    assert_eq!(state["site"]["number"], number.as_str(), "the state is the one of this question");
    assert_eq!(state["phones"][0]["prompts"][0]["digits"], 6);
    assert!(!state["phones"].to_string().contains(&number), "the person carries the number over");

    visit.tap(1, "yes").await;
    visit.browser.until("return document.activeElement.dataset.test === 'number'").await;
    visit.phone_says(1, "phone-notice", "Type the number that the page shows.").await;
    visit.picture("number-missing").await;
    visit.view("waiting").await;
    visit.type_on(1, "number", &number).await;
    visit.tap(1, "yes").await;
    visit.view("signed_in").await;
    visit.click("sign-out").await;

    visit.choose("ask", "2").await;
    visit.sign_in().await;
    visit.screen(1, "prompt").await;
    let number: u32 = visit.number("page-number").await.parse().unwrap();
    visit.type_on(1, "number", &format!("{:02}", (number + 1) % 100)).await;
    visit.picture("number").await;
    visit.tap(1, "yes").await;
    visit.view("stopped").await;
    assert_eq!(visit.text("why-stopped").await, "The number typed on the phone was wrong.");
    visit.phone_says(1, "phone-notice", "The number was wrong. The sign-in was stopped.").await;
    visit.phone_says(1, "history", "Wrong number").await;
    visit.picture("number-wrong").await;
    visit.no_complaints().await;
}

#[tokio::test]
async fn this_was_not_me_stops_the_prompts_until_the_help_desk_lets_them_through() {
    let visit = Visit::enrolled().await;
    visit.sign_in().await;
    visit.screen(1, "prompt").await;
    visit.tap(1, "report").await;
    visit.view("stopped").await;
    assert_eq!(visit.text("why-stopped").await, "The answer on the phone was that it was not you.");
    visit.phone_says(1, "phone-notice", "Reported. No more prompts come until they are allowed again.").await;
    visit.browser.until_there("[data-test='help-desk']:not([hidden])").await;
    visit.browser.until_there("[data-test='stopped-sign'][data-tone='reported']").await;
    visit.picture("reported").await;

    visit.click("back-from-stopped").await;
    visit.sign_in().await;
    assert_eq!(visit.text("waiting-heading").await, "Open the app on your phone.", "nobody was asked");
    visit.says("hint", "Prompts are stopped after a report. Open the app or type a code.").await;
    visit.screen(1, "idle").await;
    visit.picture("prompts-stopped").await;
    visit.click("resume").await;
    visit.says("site-message", "Prompts come again.").await;
    visit.phone_says(1, "phone-notice", "Prompts come again.").await;
    visit.browser.until_there("[data-test='help-desk'][hidden]").await;
    visit.click("cancel").await;
    visit.sign_in().await;
    visit.screen(1, "prompt").await;
    visit.tap(1, "yes").await;
    visit.view("signed_in").await;

    // Beside its row in the history, and the session ends.
    visit.browser.click("[data-phone-id='1'] [data-outcome='approved'] [data-test='report-past']").await;
    visit.view("stopped").await;
    assert!(visit.text("why-stopped").await.contains("was reported on the phone"));
    visit.browser.until_there("[data-test='help-desk']:not([hidden])").await;
    visit.picture("reported-later").await;
    visit.no_complaints().await;
}

#[tokio::test]
async fn the_help_desk_knows_also_of_a_report_of_a_sign_in_that_the_page_has_left() {
    let visit = Visit::enrolled().await;
    visit.sign_in().await;
    visit.screen(1, "prompt").await;
    visit.click("cancel").await;
    visit.screen(1, "idle").await;
    visit.browser.click("[data-phone-id='1'] [data-outcome='cancelled'] [data-test='report-past']").await;
    visit.browser.until_there("[data-test='help-desk']:not([hidden])").await;
    // At once, while the site still looks whether its sign-in was reported.
    visit.click("resume").await;
    visit.browser.until_there("[data-test='help-desk'][hidden]").await;
    visit.sign_in().await;
    visit.screen(1, "prompt").await;
    visit.tap(1, "yes").await;
    visit.view("signed_in").await;
    visit.browser.until_there("[data-test='help-desk'][hidden]").await;
    visit.no_complaints().await;
}

#[tokio::test]
async fn after_three_unwanted_prompts_the_phone_rings_no_more_and_still_answers() {
    let visit = Visit::enrolled().await;
    for _ in 0..2 {
        visit.sign_in().await;
        visit.screen(1, "prompt").await;
        visit.tap(1, "no").await;
        visit.view("stopped").await;
        visit.click("back-from-stopped").await;
    }
    visit.sign_in().await;
    visit.screen(1, "prompt").await;
    visit.click("cancel").await;
    visit.screen(1, "idle").await;

    visit.sign_in().await;
    visit.says("hint", "No more prompts for an hour. Open the app or type a code.").await;
    assert_eq!(visit.text("waiting-heading").await, "Open the app on your phone.", "nobody was asked");
    visit.screen(1, "idle").await;
    visit.picture("limit").await;
    visit.tap(1, "check").await;
    visit.screen(1, "prompt").await;
    visit.tap(1, "yes").await;
    visit.view("signed_in").await;
    visit.click("sign-out").await;

    // A code works as well.
    visit.sign_in().await;
    visit.says("hint", "No more prompts for an hour.").await;
    visit.tap(1, "account-open").await;
    visit.screen(1, "code").await;
    let code = visit.on(1, "code").await;
    visit.click("type-code").await;
    assert_eq!(code.len(), 7, "{code:?} is shown");
    visit.type_text("code-input", &code).await;
    visit.click("verify-code").await;
    visit.view("signed_in").await;
    visit.click("sign-out").await;

    // And the operator lifts the limit: the phone rings again.
    visit.tap(1, "code-back").await;
    visit.click("lift").await;
    visit.says("tour-message", "The limit is lifted.").await;
    visit.sign_in().await;
    visit.screen(1, "prompt").await;
    assert_eq!(visit.text("waiting-heading").await, "We have asked your phone.");
    assert!(visit.done_steps().await.contains(&"limit".to_owned()));
    visit.no_complaints().await;
}

#[tokio::test]
async fn a_push_arrives_as_a_notification_and_nothing_else_moves() {
    let visit = Visit::enrolled().await;
    let places = "const box = (test) => document.querySelector(test).getBoundingClientRect();
                  return [box('.phone').height, box('.phone').top, box('.card').top]";
    let before = visit.browser.run(places).await;
    visit.sign_in().await;
    visit.browser.until_there("[data-phone-id='1'] [data-test='notification']:not([hidden])").await;
    visit.screen(1, "idle").await;
    visit.says("announcement", "Phone 1. A sign-in waits for your answer.").await;
    visit.picture("arrival").await;
    // Whoever does not want to wait touches it.
    visit.tap(1, "notification").await;
    visit.screen(1, "prompt").await;
    visit.browser.until_there("[data-phone-id='1'] [data-test='notification'][hidden]").await;
    assert_eq!(visit.browser.run(places).await, before, "the question");
    visit.tap(1, "report").await;
    visit.view("stopped").await;
    assert_eq!(visit.browser.run(places).await, before, "the end");
    visit.no_complaints().await;
}

#[tokio::test]
async fn a_second_sign_in_at_the_same_time_makes_both_ask_for_their_numbers() {
    let visit = Visit::enrolled().await;
    visit.sign_in().await;
    visit.screen(1, "prompt").await;
    assert_eq!(visit.on(1, "number-row").await, "", "a tap at first");
    visit.click("second").await;
    let (ours, theirs) = (visit.number("page-number").await, visit.number("elsewhere-number").await);
    visit.browser.until_there("[data-phone-id='1'] [data-test='number-row']:not([hidden])").await;
    visit.phone_says(1, "phone-notice", "Another sign-in is waiting too, so each asks for its number.").await;
    assert!(visit.text("elsewhere").await.contains("Harbour Webmail"));
    assert!(visit.on(1, "who").await.contains("Harbour Hosting"), "the question on the screen stays");
    assert_eq!(visit.on(1, "more").await, "One more question waits after this one.");
    visit.picture("overlap").await;
    visit.type_on(1, "number", &ours).await;
    visit.tap(1, "yes").await;
    visit.view("signed_in").await;
    visit.phone_says(1, "who", "Harbour Webmail").await;
    let focus = "return document.activeElement.tagName";
    assert_eq!(visit.browser.run(focus).await, "H3", "no second press hits the question that has taken its place");
    visit.browser.until_there("[data-phone-id='1'] [data-test='no']:enabled").await;
    assert_eq!(visit.on(1, "phone-notice").await, "", "how one question ended is not said inside another");
    visit.picture("overlap-second").await;
    visit.tap(1, "no").await;
    visit.screen(1, "idle").await;
    visit.phone_says(1, "phone-notice", "Denied. The sign-in was stopped.").await;
    assert!(theirs.len() == 2, "{theirs}");
    visit.no_complaints().await;
}

#[tokio::test]
async fn without_pushes_the_phone_checks_by_itself_or_opens_the_pages_link() {
    let visit = Visit::enrolled().await;
    visit.tap(1, "push-switch").await;
    visit.phone_says(1, "phone-notice", "No notifications arrive on this phone.").await;
    visit.sign_in().await;
    visit.screen(1, "idle").await;
    visit.picture("no-push").await;
    visit.tap(1, "check").await;
    visit.screen(1, "prompt").await;
    visit.tap(1, "yes").await;
    visit.view("signed_in").await;
    visit.click("sign-out").await;

    visit.sign_in().await;
    visit.screen(1, "idle").await;
    visit.click("open-here").await;
    visit.screen(1, "prompt").await;
    visit.picture("same-phone").await;
    visit.tap(1, "yes").await;
    visit.view("signed_in").await;
    visit.no_complaints().await;
}
