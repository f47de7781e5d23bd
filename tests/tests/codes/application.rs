//! Any other OTP application as a second factor. Its codes are made by another implementation, `oathtool`.

use crate::world::{Application, STEP, WRONG, World};
use countersign_protocol::one_time_code::{Algorithm, Secret};
use countersign_protocol::otpauth::{Generator, OtpauthLink};
use countersign_tests::http::{Answer, RelyingParty, send};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

async fn remove(site: &RelyingParty, id: &str) -> Answer {
    send(site.request(Method::DELETE, &format!("/v1/authenticators/{id}"))).await
}

#[tokio::test]
async fn an_application_is_scanned_or_typed_and_confirmed_by_its_first_code() {
    let world = World::new().await;
    let made = world.propose().await;
    let text = |name: &str| made[name].as_str().unwrap();
    assert_eq!(text("state"), "proposed");
    assert!(text("qr_svg").starts_with("<svg") && text("qr_png").starts_with("data:image/png;base64,iVBOR"));
    let key = text("key");
    assert_eq!((key.len(), key.split(' ').count()), (39, 8), "{key}");
    assert!(key.split(' ').all(|group| group.len() == 4));
    let link = OtpauthLink::parse(text("otpauth")).unwrap();
    assert_eq!((link.issuer(), link.account()), (Some("Meridian"), "maya"));
    let Generator::Totp(totp) = link.generator() else { panic!("{link:?}") };
    assert_eq!(*totp.secret(), Secret::from_base32(key).unwrap(), "scanned or typed, it is the same");
    assert_eq!((totp.algorithm(), totp.digits(), totp.period()), (Algorithm::Sha1, 6, 30));

    let application = Application { id: text("id").into(), key: key.into() };
    let code = application.code(&world.clock);
    assert_eq!(world.verify(&code).await.code(), "no_device", "proposed, it makes no code that counts");
    let (start, end) = code.split_at(3);
    let confirmed = world.confirm(&application.id, &format!("{start} {end}")).await;
    let expected = json!({
        "id": application.id, "name": "Tablet", "state": "confirmed", "kind": "application", "locked": false,
        "device": null,
    });
    assert_eq!((confirmed.status, &confirmed.body), (200, &expected));
    assert_eq!(world.authenticators().await, [expected]);
    assert_eq!(world.tries(&code).await, (false, 100), "the code that confirmed is spent");
    assert_eq!(world.confirm(&application.id, &code).await.code(), "not_proposed");
    world.clock.advance(STEP);
    assert_eq!(world.tries(&application.code(&world.clock)).await, (true, 100));

    assert_eq!(remove(&world.site, &application.id).await.status, 204);
    assert_eq!(world.authenticators().await, Vec::<Value>::new());
    world.clock.advance(STEP);
    assert_eq!(world.verify(&application.code(&world.clock)).await.code(), "no_device");
    assert_eq!(remove(&world.site, &application.id).await.code(), "not_found");
}

#[tokio::test]
async fn a_wrong_first_code_confirms_nothing_and_is_counted() {
    let world = World::new().await;
    let application = world.proposed().await;
    let id = &application.id;
    for left in (95..100).rev() {
        let refused = world.confirm(id, WRONG).await;
        assert_eq!((refused.status, refused.code()), (403, "wrong_number"));
        assert!(refused.body["detail"].as_str().unwrap().contains(&format!("left: {left}")), "{refused:?}");
    }
    let throttled = world.confirm(id, &application.code(&world.clock)).await;
    assert_eq!((throttled.status, throttled.code()), (429, "throttled"));
    assert_eq!(throttled.headers["retry-after"], "1");
    assert_eq!(world.authenticators().await[0]["state"], "proposed");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.confirm(id, &application.code(&world.clock)).await.status, 200);
    for malformed in ["", "12345", "abcdef"] {
        assert_eq!(world.confirm(id, malformed).await.code(), "malformed", "{malformed}");
    }
}

#[tokio::test]
async fn a_proposal_ends_after_ten_minutes() {
    let world = World::new().await;
    let application = world.proposed().await;
    world.clock.advance(Duration::from_secs(600));
    let late = world.confirm(&application.id, &application.code(&world.clock)).await;
    assert_eq!((late.status, late.code()), (409, "not_proposed"));
    assert_eq!(world.authenticators().await, Vec::<Value>::new());
    world.propose().await;
    let sql = "SELECT count(*) FROM code_authenticator WHERE secret <> x''";
    let secrets: u32 = world.server.sqlite().query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(secrets, 1, "the earlier one is forgotten");
}

#[tokio::test]
async fn another_organisation_finds_nothing() {
    let world = World::new().await;
    let application = world.application().await;
    let stranger = world.server.relying_party("Another", "Shop").await;
    let of_user = format!("/v1/users/{}/authenticators", world.user);
    let confirm = format!("/v1/authenticators/{}/confirm", application.id);
    let made = world.propose().await;
    let proposed = format!("/v1/authenticators/{}/confirm", made["id"].as_str().unwrap());
    let code = json!({ "code": "123456" });
    for answer in [
        stranger.post(&of_user, &json!({})).await,
        stranger.get(&of_user).await,
        stranger.post(&confirm, &code).await,
        stranger.post(&proposed, &code).await,
        remove(&stranger, &application.id).await,
        remove(&stranger, made["id"].as_str().unwrap()).await,
        stranger.post("/v1/authenticators/nothing/confirm", &code).await,
    ] {
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{answer:?}");
    }
    let states: Vec<_> = world.authenticators().await.iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["confirmed", "proposed"], "nothing has changed");
    assert_eq!(world.counts()[0].0, 0);
    let sister = world.server.relying_party("Meridian", "Shop").await;
    assert_eq!(sister.get(&of_user).await.status, 200, "a relying party of the same organisation may");
}

#[tokio::test]
async fn names_that_no_code_holds_still_leave_the_key_to_type() {
    let world = World::new().await;
    let organisation = "👩‍🚀".repeat(33);
    let site = world.server.relying_party(&organisation, "Customer area").await;
    let user = site.user(&"語".repeat(100)).await;
    let made = site.post(&format!("/v1/users/{user}/authenticators"), &json!({})).await;
    assert_eq!((made.status, &made.body["qr_svg"], &made.body["qr_png"]), (201, &Value::Null, &Value::Null));
    assert_eq!(OtpauthLink::parse(made.body["otpauth"].as_str().unwrap()).unwrap().issuer(), Some(&*organisation));
    for wrong in ["", " \u{200f}", "a\u{202e}b", &"x".repeat(101)] {
        let refused = site.post(&format!("/v1/users/{user}/authenticators"), &json!({ "name": wrong })).await;
        assert_eq!((refused.status, refused.code()), (400, "malformed"), "{wrong}");
    }
}
