//! `countersign admin` beside a running server: what it changes counts at once, and what it refuses it explains.

#![cfg(test)]

use countersign_protocol::challenge::Challenge;
use countersign_protocol::decision::Answer::Approve;
use countersign_protocol::jws::Unverified;
use countersign_protocol::key::Thumbprint;
use countersign_protocol::retraction::Retraction;
use countersign_protocol::server_identity::WellKnown;
use countersign_protocol::time::{Clock, SystemClock};
use countersign_tests::handmade::{HandmadeDevice, read_claims};
use countersign_tests::http::{Answer, RelyingParty, client, send};
use countersign_tests::program::{Program, admin, admin_command, phone_command, relying_party, run};
use serde_json::json;
use std::path::Path;

/// A command that is refused, with this exit code and a sentence that holds these words.
async fn refused(data: &Path, arguments: &[&str], code: i32, words: &str) {
    let ended = run(admin_command(data, arguments)).await.expect(code);
    assert!(ended.err.contains(words), "{arguments:?}: {ended:?}");
    assert_eq!(ended.out, "", "{arguments:?}");
}

async fn call(site: &RelyingParty) -> Answer {
    site.post("/v1/users", &json!({ "name": "maya" })).await
}

#[tokio::test]
async fn what_is_made_while_the_server_runs_counts_at_once() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Program::serve(data).await;
    assert_eq!(admin(data, &["organisation", "list"]).await, json!([]));
    let organisation = admin(data, &["organisation", "create", "Meridian"]).await;
    assert_eq!(admin(data, &["organization", "list"]).await, json!([organisation]), "the other spelling");

    let create = ["relying-party", "create", "--organisation", "Meridian", "Customer area"];
    let made = admin(data, &create).await;
    let site = RelyingParty::new(&server.url, made["api_key"].as_str().unwrap());
    assert_eq!(call(&site).await.status, 201);
    let listed = json!([{ "id": made["id"], "name": "Customer area", "organisation": "Meridian", "revoked": false }]);
    assert_eq!(admin(data, &["relying-party", "list"]).await, listed, "the key is shown once");

    let user = site.user("maya").await;
    let same = admin(data, &["user", "create", "--organisation", "Meridian", "maya"]).await;
    assert_eq!(same, json!({ "id": user, "name": "maya", "new": false }));
    let noor = admin(data, &["user", "create", "--organisation", "Meridian", "noor"]).await;
    assert_eq!(noor["id"], site.user("noor").await);
    let users = json!([{ "id": user, "name": "maya" }, { "id": noor["id"], "name": "noor" }]);
    assert_eq!(admin(data, &["user", "list", "--organisation", "Meridian"]).await, users);
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    for action in ["rotate", "rotate-vapid"] {
        refused(data, &["key", action], 3, "start the server once: countersign serve").await;
    }
    let site = ["relying-party", "create", "--organisation", "Meridian", "Customer area"];
    refused(data, &site, 3, "countersign admin organisation create \"Meridian\"").await;
    refused(data, &["user", "list", "--organisation", "Meridian"], 3, "no organisation \"Meridian\"").await;
    admin(data, &["organisation", "create", "Meridian"]).await;
    refused(data, &["organisation", "create", "Meridian"], 3, "there is an organisation of this name").await;
    admin(data, &site).await;
    refused(data, &site, 3, "has a relying party of this name").await;
    for action in ["rotate", "revoke"] {
        refused(data, &["relying-party", action, "nobody"], 3, "countersign admin relying-party list").await;
    }
    for name in ["", " Meridian", "Meridian\u{202e}", "Meri\ndian"] {
        refused(data, &["organisation", "create", name], 2, "1 to 100 characters").await;
    }
    assert_eq!(admin(data, &["organisation", "list"]).await.as_array().unwrap().len(), 1, "nothing of it was made");
}

#[tokio::test]
async fn a_rotated_key_and_a_revoked_relying_party_end_at_once() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Program::serve(data).await;
    let site = relying_party(data, &server.url).await;
    let listed = admin(data, &["relying-party", "list"]).await;
    let id = listed[0]["id"].as_str().unwrap();
    let other = admin(data, &["relying-party", "create", "--organisation", "Meridian", "Shop"]).await;
    let other = RelyingParty::new(&server.url, other["api_key"].as_str().unwrap());
    assert_eq!(call(&site).await.status, 201);

    let rotated = admin(data, &["relying-party", "rotate", id]).await;
    let refusal = call(&site).await;
    assert_eq!((refusal.status, refusal.code()), (401, "unauthorised"), "{refusal:?}");
    let site = RelyingParty::new(&server.url, rotated["api_key"].as_str().unwrap());
    assert_eq!(call(&site).await.status, 200, "the new key is the same relying party's");

    admin(data, &["relying-party", "revoke", id]).await;
    let refusal = call(&site).await;
    assert_eq!((refusal.status, refusal.code()), (401, "unauthorised"), "{refusal:?}");
    assert_eq!(call(&other).await.status, 200, "another relying party is not concerned");
    for action in ["rotate", "revoke"] {
        refused(data, &["relying-party", action, id], 3, "no relying party of this id in use").await;
    }
    assert_eq!(admin(data, &["relying-party", "list"]).await[0]["revoked"], true);
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_revoked_device_is_not_asked_any_more() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Program::serve(data).await;
    let site = relying_party(data, &server.url).await;
    let user = site.user("maya").await;
    let device = HandmadeDevice::enrol(&site, &user).await;
    let id = device.id().to_string();
    let of_user = ["--organisation", "Meridian", "--user", &user];
    let list = [&["device", "list"][..], &of_user].concat();
    assert_eq!(admin(data, &list).await, json!([{ "id": id, "name": "Handmade", "state": "confirmed" }]));

    let challenge = site.ask(&user).await;
    let compact = device.pull().await.pop().unwrap();
    let revoke = [&["device", "revoke"][..], &of_user, &[&id]].concat();
    assert_eq!(admin(data, &revoke).await, json!({ "id": id, "revoked": true }));
    assert_eq!(admin(data, &list).await, json!([]));
    let late = device.decide(&challenge.parse().unwrap(), device.decision(&compact, Approve)).await;
    assert_eq!(late.status, 403, "a revoked device answers nothing: {late:?}");
    assert_eq!(site.state(&challenge).await, "pending");
    assert_eq!(site.post("/v1/challenges", &json!({ "user_id": user })).await.code(), "no_device");
    refused(data, &revoke, 3, "no device of this id in use").await;
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn locked_codes_are_unlocked() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Program::serve(data).await;
    let site = relying_party(data, &server.url).await;
    let user = site.user("maya").await;
    HandmadeDevice::enrol(&site, &user).await;
    let verify = async || site.post(&format!("/v1/users/{user}/codes/verify"), &json!({ "code": "0000000" })).await;
    assert_eq!(verify().await.body["remaining_attempts"], 99);
    let database = rusqlite::Connection::open(data.join("countersign.db")).unwrap();
    database.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    database.execute("UPDATE code_authenticator SET failures = 100, locked_at = 1", []).unwrap();
    assert_eq!(verify().await.code(), "locked");

    let unlock = ["user", "unlock", "--organisation", "Meridian", &user];
    assert_eq!(admin(data, &unlock).await, json!({ "id": user, "unlocked": 1 }));
    assert_eq!(verify().await.body["remaining_attempts"], 99, "also while the server runs");
    assert_eq!(admin(data, &unlock).await["unlocked"], 1, "one failure is forgotten too");
    assert_eq!(admin(data, &unlock).await["unlocked"], 0);
    let stranger = ["user", "unlock", "--organisation", "Meridian", "AAAAAAAAAAAAAAAAAAAAAA"];
    refused(data, &stranger, 3, "no user of this id").await;
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn prompts_that_a_report_has_stopped_are_let_through_again() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Program::serve(data).await;
    let site = relying_party(data, &server.url).await;
    let user = site.user("maya").await;
    let resume = ["user", "resume-prompts", "--organisation", "Meridian", &user];
    refused(data, &resume, 3, "no report is standing").await;

    let device = HandmadeDevice::enrol(&site, &user).await;
    let push = countersign_tests::push_service::PushService::start().await;
    let registration = serde_json::to_vec(&push.registration()).unwrap();
    assert_eq!(device.send(reqwest::Method::PUT, "/v1/device/push", &registration).await.status, 204);
    let id = site.ask(&user).await;
    let report = device.decision(&device.pull().await.remove(0), countersign_protocol::decision::Answer::Report);
    assert_eq!(device.decide(&id.parse().unwrap(), report).await.status, 200);
    let push = async || site.post("/v1/challenges", &json!({ "user_id": user })).await.body["push"].clone();
    assert_eq!(push().await, "stopped");
    assert_eq!(admin(data, &resume).await, json!({ "id": user, "prompts": "resumed" }));
    assert_ne!(push().await, "stopped", "also while the server runs");
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_checked_and_the_answer_of_its_network_is_said_in_words() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Program::serve(data).await;
    let site = relying_party(data, &server.url).await;
    let user = site.user("maya").await;
    let device = HandmadeDevice::enrol(&site, &user).await;
    let id = device.id().to_string();
    let check = ["push", "check", "--organisation", "Meridian", "--user", &user, &id];
    refused(data, &check, 3, "open it on the phone").await;

    let mut push = countersign_tests::push_service::PushService::start().await;
    let registration = serde_json::to_vec(&push.registration()).unwrap();
    assert_eq!(device.send(reqwest::Method::PUT, "/v1/device/push", &registration).await.status, 204);
    let answer = admin(data, &check).await;
    assert_eq!(answer[0]["answer"], "sent", "{answer}");
    let envelope: countersign_protocol::sealing::Envelope = serde_json::from_slice(&push.next().await.message).unwrap();
    let shown = device.open(&envelope);
    assert_eq!(read_claims::<Retraction>(&shown).enrolment_id, device.id());

    for (status, words) in
        [(410, "gone. The network no longer knows"), (429, "retry. Not now"), (503, "down."), (400, "failed.")]
    {
        push.answer(axum::http::StatusCode::from_u16(status).unwrap());
        refused(data, &check, 3, words).await;
    }
    drop(push);
    refused(data, &check, 3, "down. The network cannot be used").await;
    let stranger = ["push", "check", "--organisation", "Meridian", "--user", &user, "AAAAAAAAAAAAAAAAAAAAAA"];
    refused(data, &stranger, 3, "no device of this id").await;
    assert!(server.stop().await.success());
}

/// The key that the server says it signs with, by its root's word.
async fn signing_key(url: &str) -> Thumbprint {
    let identity = send(client().get(format!("{url}/.well-known/countersign"))).await.body;
    let identity: WellKnown = serde_json::from_value(identity).unwrap();
    let fingerprint = identity.server_id.clone();
    identity.pin(&fingerprint, 0, SystemClock.now()).unwrap().signing_key.thumbprint()
}

#[tokio::test]
async fn a_rotated_signing_key_signs_the_next_challenge_and_enrolled_phones_follow() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Program::serve(data).await;
    let site = relying_party(data, &server.url).await;
    let user = site.user("maya").await;
    let phone = tempfile::tempdir().unwrap();
    let on_phone = async |arguments: &[&str]| run(phone_command(phone.path(), arguments)).await.expect(0).json();
    let account = on_phone(&["enrol", &site.link(&user).await]).await;
    let confirm = format!("/v1/enrolments/{}/confirm", account["id"].as_str().unwrap());
    assert_eq!(site.post(&confirm, &json!({ "code": account["confirmation_code"] })).await.status, 200);
    assert_eq!(on_phone(&["list"]).await["accounts"][0]["state"], "confirmed");
    let device = HandmadeDevice::enrol(&site, &user).await;
    let before = signing_key(&server.url).await;

    assert_eq!(admin(data, &["key", "rotate"]).await, json!({ "sequence": 2 }));
    let after = signing_key(&server.url).await;
    assert_ne!(after, before);
    let challenge = site.ask(&user).await;
    let compact = device.pull().await.pop().unwrap();
    assert_eq!(read_claims::<Challenge>(&compact).challenge_id.to_string(), challenge);
    assert_eq!(*Unverified::parse::<Challenge>(&compact).unwrap().key_id(), after);
    assert_eq!(on_phone(&["list"]).await["pending"][0]["id"], challenge);
    assert_eq!(on_phone(&["approve", &challenge]).await["outcome"], "approved");
    assert_eq!(site.state(&challenge).await, "approved");

    std::fs::remove_file(data.join("root.key")).unwrap();
    refused(data, &["key", "rotate"], 5, "put the root key back from where you keep it").await;
    assert_eq!(signing_key(&server.url).await, after, "nothing has changed");
    assert_eq!(site.post("/v1/challenges", &json!({ "user_id": user })).await.status, 201);
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn without_json_each_thing_is_a_line_that_a_person_reads() {
    let data = tempfile::tempdir().unwrap();
    let plain = async |arguments: &[&str]| {
        let mut command = countersign_tests::program::command(&["admin"]);
        command.args(arguments).env("COUNTERSIGN_DATA_DIR", data.path());
        run(command).await.expect(0).out
    };
    assert_eq!(plain(&["organisation", "list"]).await, "none\n");
    let made = plain(&["organisation", "create", "Meridian"]).await;
    assert!(made.starts_with("id: ") && made.ends_with("  name: Meridian\n"), "{made}");
    let site = plain(&["relying-party", "create", "--organisation", "Meridian", "Shop"]).await;
    assert!(site.contains("api_key: csk_") && site.lines().count() == 1, "{site}");
}

#[tokio::test]
async fn an_api_key_is_kept_as_its_digest_alone() {
    let data = tempfile::tempdir().unwrap();
    admin(data.path(), &["organisation", "create", "Meridian"]).await;
    let made = admin(data.path(), &["relying-party", "create", "--organisation", "Meridian", "Shop"]).await;
    let key = made["api_key"].as_str().unwrap().as_bytes();
    let bytes = std::fs::read(data.path().join("countersign.db")).unwrap();
    assert!(!bytes.windows(key.len()).any(|window| window == key), "it is kept as its SHA-256");
    let name = b"Shop";
    assert!(bytes.windows(name.len()).any(|window| window == name), "the database was looked at");
}
