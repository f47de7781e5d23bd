//! Codes as people type and paste them: in the digits of their script, in groups, with marks that nobody sees.

use crate::world::{Application, STEP, World, shown};
use countersign_tests::handmade::Prepared;
use serde_json::json;
use std::sync::Arc;

/// The same code with the digits of another script.
fn in_script(code: &str, zero: char) -> String {
    let digit = |digit: char| char::from_u32(u32::from(zero) + digit.to_digit(10).unwrap()).unwrap();
    code.chars().map(digit).collect()
}

/// A code in the forms in which one was seen to come; each is the same code.
fn forms(code: &str) -> Vec<String> {
    let (start, end) = code.split_at(3);
    let scripts = ['\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{e50}', '\u{ff10}', '\u{1d7ce}'];
    let grouped = ["\u{202f}", "-", "\u{2013}", ".", "\u{b7}", "/", ",", " "].map(|by| format!("{start}{by}{end}"));
    let around = [format!("\u{2068}{code}\u{2069}"), format!(" {code}\r\n"), format!("\u{feff}“{code}”.")];
    scripts.into_iter().map(|zero| in_script(code, zero)).chain(grouped).chain(around).collect()
}

#[tokio::test]
async fn a_code_in_any_script_and_grouping_is_the_same_code() {
    let world = World::new().await;
    let (phone, id) = world.phone().await;
    let count = forms("123456").len();
    for form in 0..count {
        let code = &forms(&shown(&phone, id))[form];
        assert_eq!(world.tries(code).await, (true, 100), "{code:?}");
        world.clock.advance(STEP);
    }
    for malformed in ["60566", "60566x", "605666, 605667", "½05666", "⑥05666", "six"] {
        assert_eq!(world.verify(malformed).await.code(), "malformed", "{malformed:?}");
    }
    assert_eq!(world.counts()[0].0, 0, "what is no code counts nowhere");
}

#[tokio::test]
async fn an_application_is_confirmed_by_a_code_in_any_form() {
    let world = World::new().await;
    for form in 0..forms("123456").len() {
        let made = world.propose().await;
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let application = Application { id: text("id"), key: text("key") };
        let code = &forms(&application.code(&world.clock))[form];
        assert_eq!(world.confirm(&application.id, code).await.status, 200, "{code:?}");
    }
}

#[tokio::test]
async fn a_device_is_confirmed_by_its_digits_in_any_form() {
    let world = World::new().await;
    for form in 0..forms("123456").len() {
        let link = world.site.link(&world.user).await;
        let prepared = Prepared::new(&link, Arc::new(world.clock.clone())).await;
        let statement = prepared.statement(&prepared.send(&prepared.redemption).await);
        let typed = &forms(&prepared.confirmation_code(&statement))[form];
        let answer = world.site.confirm(&statement.enrolment_id, typed).await;
        assert_eq!((answer.status, &answer.body["state"]), (200, &json!("confirmed")), "{typed:?}");
    }
}
