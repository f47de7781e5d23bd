//! Enrolment: one ticket, one device, six digits; and a thief with the link.

use countersign_device::AccountState;
use countersign_protocol::device_api::EnrolmentState;
use countersign_protocol::key::SoftwareKey;
use countersign_protocol::revocation::EndReason;
use countersign_protocol::sealing::SealingPublicKey;
use countersign_tests::handmade::Prepared;
use countersign_tests::phone::Phone;
use countersign_tests::scene::Scene;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn the_page_waits_for_the_phone_and_the_phone_for_the_page() {
    let Scene { clock, server, site, user } = Scene::new().await;
    let opened = site.post(&format!("/v1/users/{user}/enrolments"), &Value::Null).await.body;
    assert_eq!(opened["state"], "open");
    assert!(opened["qr_svg"].as_str().unwrap().starts_with("<svg"));
    assert!(opened["qr_png"].as_str().unwrap().starts_with("data:image/png;base64,iVBOR"));
    let page = site.waits(format!("/v1/enrolments/{}?wait=60", opened["id"].as_str().unwrap()));
    let phone = Arc::new(Phone::at(&clock));
    let account = phone.core.enrol(opened["link"].as_str().unwrap(), "Maya's phone").await.unwrap();
    let seen = page.await.unwrap().body;
    assert_eq!((&seen["state"], &seen["device_name"]), (&json!("proposed"), &json!("Maya's phone")));

    let unconfirmed = site.ask_for(&user, json!({})).await;
    assert_eq!(unconfirmed.code(), "no_device", "a proposed device is asked nothing");
    let parked = tokio::spawn({
        let phone = Arc::clone(&phone);
        async move { phone.core.pull(account.id, 60).await.unwrap().state }
    });
    server.until_waiting(|wake| wake.devices.count(), 1).await;
    let AccountState::Proposed { confirmation_code } = account.state else { panic!() };
    let typed = format!("{} {}", &confirmation_code[..3], &confirmation_code[3..]);
    assert_eq!(site.confirm(&account.id, &typed).await.body["state"], "confirmed");
    assert_eq!(parked.await.unwrap(), EnrolmentState::Confirmed);
    assert!(phone.core.is_confirmed(account.id).unwrap());
}

#[tokio::test]
async fn a_second_device_with_the_same_link_ends_it_for_both() {
    let Scene { clock, server: _server, site, user } = Scene::new().await;
    let link = site.link(&user).await;
    let prepare = || Prepared::new(&link, Arc::new(clock.clone()));
    let (owner, thief) = (prepare().await, prepare().await);
    let first = owner.send(&owner.redemption).await;
    let statement = owner.statement(&first);
    let code = owner.confirmation_code(&statement);
    let again = owner.send(&owner.redemption).await;
    assert_eq!(again.body["enrolment"], first.body["enrolment"], "a lost answer may be asked for again");
    assert_eq!(owner.code_seed(&again), owner.code_seed(&first), "with the same codes");
    assert_ne!(again.body["code_seed"], first.body["code_seed"], "sealed afresh");
    let same_again = owner.changed(|_| ());
    assert_ne!(same_again.transcript, owner.redemption.transcript, "signed again, the bytes differ");
    let same_again = owner.send(&same_again).await;
    assert_eq!(same_again.body["enrolment"], first.body["enrolment"], "the same claims signed again are the same");
    assert_eq!(owner.code_seed(&same_again), owner.code_seed(&first));

    let second = thief.send(&thief.redemption).await;
    assert_eq!((second.status, second.code()), (403, "redeemed_twice"));
    let id = statement.enrolment_id;
    assert_eq!(site.confirm(&id, &code).await.code(), "not_proposed");
    let seen = site.get(&format!("/v1/enrolments/{id}")).await.body;
    assert_eq!((&seen["state"], &seen["void_reason"]), (&json!("void"), &json!("redeemed_twice")));
    assert_eq!(owner.send(&owner.redemption).await.code(), "invalid_ticket");
}

#[tokio::test]
async fn the_same_phone_scanning_the_link_again_has_one_account() {
    let Scene { clock, server: _server, site, user } = Scene::new().await;
    let link = site.link(&user).await;
    let phone = Phone::at(&clock);
    let (first, second) = tokio::join!(phone.core.enrol(&link, "Phone"), phone.core.enrol(&link, "Phone"));
    let first = first.unwrap();
    assert_eq!(first.id, second.unwrap().id, "two taps at one time");
    assert_eq!(phone.core.enrol(&link, "Phone").await.unwrap().id, first.id, "and one later");
    assert_eq!(site.confirm_account(&first).await.body["state"], "confirmed");
}

#[tokio::test]
async fn two_processes_on_one_phone_store_lose_no_key() {
    let Scene { clock, server: _server, site, user } = Scene::new().await;
    let phone = Phone::at(&clock);
    let other = countersign_device::Authenticator::open(phone.directory(), phone.platform().clone()).unwrap();
    let id = phone.enrol(&site, &user).await;
    let noor = site.user("noor").await;
    let second = other.enrol(&site.link(&noor).await, "Other process").await.unwrap();
    phone.core.refresh_server(id).await.unwrap();
    site.confirm_account(&second).await;
    site.ask(&noor).await;
    assert_eq!(phone.core.pull(second.id, 0).await.unwrap().received.len(), 1);
    assert_eq!(phone.core.pending().unwrap().len(), 1, "the first process opens what the second one enrolled");
}

#[tokio::test]
async fn five_wrong_codes_end_it() {
    let Scene { clock, server: _server, site, user } = Scene::new().await;
    let (device, code) = Prepared::new(&site.link(&user).await, Arc::new(clock.clone())).await.redeem().await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for left in (0..5).rev() {
        let answer = site.confirm(&device.id(), wrong).await;
        assert_eq!(answer.code(), "wrong_number");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(&if left == 0 { "is over".to_owned() } else { format!("left: {left}") }), "{detail}");
    }
    assert_eq!(site.confirm(&device.id(), &code).await.code(), "not_proposed", "even the right one");
    for malformed in ["", "12345", "1234567", "abcdef", "12345½"] {
        assert_eq!(site.confirm(&device.id(), malformed).await.code(), "malformed", "{malformed}");
    }
}

#[tokio::test]
async fn a_link_ends_after_ten_minutes_and_so_does_a_proposal() {
    let Scene { clock, server: _server, site, user } = Scene::new().await;
    let phone = || Phone::at(&clock);
    let late = site.link(&user).await;
    clock.advance(Duration::from_secs(600));
    assert_eq!(phone().core.enrol(&late, "Phone").await.unwrap_err().code(), "invalid_ticket");

    let phone = phone();
    let account = phone.core.enrol(&site.link(&user).await, "Phone").await.unwrap();
    clock.advance(Duration::from_secs(600));
    assert_eq!(site.confirm_account(&account).await.code(), "not_proposed");
    let seen = site.get(&format!("/v1/enrolments/{}", account.id)).await.body;
    assert_eq!((&seen["state"], &seen["void_reason"]), (&json!("void"), &json!("expired")));
    assert_eq!(phone.core.pull(account.id, 0).await.unwrap().ended, Some(EndReason::Expired), "the phone is told");
}

#[tokio::test]
async fn a_redemption_with_one_thing_changed_is_refused_and_the_ticket_lives() {
    let Scene { clock, server: _server, site, user } = Scene::new().await;
    let prepared = Prepared::new(&site.link(&user).await, Arc::new(clock)).await;
    // Each other field is one of the vectors; this one shows that they are asked.
    let (stranger, _) = SoftwareKey::generate().unwrap();
    let not_held = prepared.changed(|t| t.request_key = stranger.public());
    assert_eq!(prepared.send(&not_held).await.code(), "unknown_key");
    let nothing_opens = prepared.changed(|t| t.sealing_key = SealingPublicKey::from_bytes([0; 32]));
    assert_eq!(prepared.send(&nothing_opens).await.code(), "malformed", "a sealing key that cannot be used");
    assert_eq!(prepared.send(&prepared.redemption).await.status, 200);
}
