//! The payloads, byte by byte: what Apple reads, and how long they are.

use crate::scene::{Scene, registration};
use countersign_protocol::text::{MAX_BINDING_MESSAGE, MAX_NAME};
use countersign_protocol::time::Clock;
use countersign_tests::apns::Taken;
use serde_json::json;

/// Bytes of every challenge's payload.
const CHALLENGE: usize = 3707;
/// Bytes of every retraction's payload.
const RETRACTION: usize = 3570;

/// The payload with the envelope's bytes left out, and how many they are in their place.
fn masked(push: &Taken) -> String {
    let mut text = String::from_utf8(push.payload.clone()).unwrap();
    for member in ["id", "sealed"] {
        let value = push.json()["envelope"][member].as_str().unwrap().to_owned();
        text = text.replace(&value, &format!("<{} characters>", value.len()));
    }
    text
}

#[tokio::test]
async fn the_payloads_are_those_of_the_snapshots() {
    let mut scene = Scene::new().await;
    scene.registered(&[registration()]).await;
    let challenge = scene.site.ask(&scene.user).await;
    let question = scene.apns.next().await;
    assert_eq!(masked(&question), include_str!("challenge.json").trim_end());
    scene.site.until(&challenge, "push", "sent").await;
    scene.site.cancel(&challenge).await;
    let retraction = scene.apns.next().await;
    assert_eq!(masked(&retraction), include_str!("retraction.json").trim_end());
    assert_eq!((question.payload.len(), retraction.payload.len()), (CHALLENGE, RETRACTION));

    let ends = (scene.clock.now().seconds() + 60).to_string();
    for (push, form, priority) in [(&question, "alert", "10"), (&retraction, "background", "5")] {
        for (name, value) in [
            ("apns-topic", "net.countersign.app"),
            ("apns-push-type", form),
            ("apns-priority", priority),
            ("apns-expiration", &ends),
            ("apns-collapse-id", question.header("apns-collapse-id")),
            ("content-type", "application/json"),
        ] {
            assert_eq!(push.header(name), value, "{form}: {name}");
        }
        let text = String::from_utf8_lossy(&push.payload);
        assert!(!text.contains("maya") && !text.contains("Meridian"), "Apple reads no names");
    }
    assert_ne!(retraction.header("apns-id"), question.header("apns-id"));
}

/// Text of so many characters, two bytes each.
fn long(characters: usize) -> String {
    "é".repeat(characters)
}

#[tokio::test]
async fn the_largest_question_is_as_long_as_every_other() {
    let mut scene = Scene::new().await;
    scene.site = scene.server.relying_party(&long(MAX_NAME), &long(MAX_NAME)).await;
    scene.user = scene.site.user(&long(MAX_NAME)).await;
    scene.registered(&[registration()]).await;
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let context = json!({ "ip": "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "user_agent": agent });
    let ask = async |characters: usize| {
        let body = json!({ "user_id": scene.user, "binding_message": long(characters), "context": context });
        scene.site.post("/v1/challenges", &body).await
    };
    assert_eq!(ask(MAX_BINDING_MESSAGE + 1).await.code(), "too_large");
    assert_eq!(ask(MAX_BINDING_MESSAGE).await.status, 201);
    let payload = scene.apns.next().await.payload;
    assert!(payload.len() == CHALLENGE && CHALLENGE <= 4096, "{}", payload.len());
}
