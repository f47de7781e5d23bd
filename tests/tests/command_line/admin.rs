//! `countersign admin` beside a running server: what it changes counts at once, and what it refuses it explains.

use countersign_protocol::challenge::Challenge;
use countersign_protocol::decision::Answer::{Approve, Report};
use countersign_protocol::jws::Unverified;
use countersign_protocol::key::Thumbprint;
use countersign_protocol::retraction::Retraction;
use countersign_protocol::sealing::Envelope;
use countersign_protocol::server_identity::WellKnown;
use countersign_protocol::time::{Clock, SystemClock};
use countersign_tests::handmade::read_claims;
use countersign_tests::http::{Answer, RelyingParty, client, send};
use countersign_tests::program::{Installation, Program, admin, admin_command, command, run, used};
use countersign_tests::push_service::PushService;
use reqwest::Method;
use serde_json::json;
use std::path::Path;

/// A command that is refused, with this exit code and a sentence that holds these words.
async fn refused(data: &Path, arguments: &[&str], code: i32, words: &str) {
    let ended = run(admin_command(data, arguments)).await.expect(code);
    assert!(ended.complaint().contains(words), "{arguments:?}: {ended:?}");
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
        refused(data, &["key", action], 2, "Make one with: countersign init").await;
    }
    assert!(Program::serve(data).await.stop().await.success());
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
    for name in ["", "\u{200f} ", "Meridian\u{202e}", "Meri\ndian"] {
        refused(data, &["organisation", "create", name], 2, "1 to 100 characters").await;
    }
    assert_eq!(admin(data, &["organisation", "list"]).await.as_array().unwrap().len(), 1, "nothing of it was made");
}

#[tokio::test]
async fn a_rotated_key_and_a_revoked_relying_party_end_at_once() {
    let here = Installation::new().await;
    let site = &here.site;
    let listed = here.admin(&["relying-party", "list"]).await;
    let id = listed[0]["id"].as_str().unwrap();
    let other = here.admin(&["relying-party", "create", "--organisation", "Meridian", "Shop"]).await;
    let other = RelyingParty::new(&here.server.url, other["api_key"].as_str().unwrap());
    assert_eq!(call(site).await.status, 200);

    let rotated = here.admin(&["relying-party", "rotate", id]).await;
    let refusal = call(site).await;
    assert_eq!((refusal.status, refusal.code()), (401, "unauthorised"), "{refusal:?}");
    let site = &RelyingParty::new(&here.server.url, rotated["api_key"].as_str().unwrap());
    assert_eq!(call(site).await.status, 200, "the new key is the same relying party's");

    here.admin(&["relying-party", "revoke", id]).await;
    let refusal = call(site).await;
    assert_eq!((refusal.status, refusal.code()), (401, "unauthorised"), "{refusal:?}");
    assert_eq!(call(&other).await.status, 200, "another relying party is not concerned");
    for action in ["rotate", "revoke"] {
        here.refuses(&["relying-party", action, id], 3, "no relying party of this id in use").await;
    }
    assert_eq!(here.admin(&["relying-party", "list"]).await[0]["revoked"], true);
}

#[tokio::test]
async fn a_revoked_device_is_not_asked_any_more() {
    let here = Installation::new().await;
    let Installation { site, user, .. } = &here;
    let device = here.device().await;
    let id = device.id().to_string();
    let of_user = ["--organisation", "Meridian", "--user", user];
    let list = [&["device", "list"][..], &of_user].concat();
    let listed = here.admin(&list).await;
    let (first, seen) = (&listed[0], listed[0]["last_contact_at"].is_string());
    assert_eq!((&first["id"], &first["name"], &first["state"]), (&json!(id), &json!("Handmade"), &json!("confirmed")));
    assert!(seen && listed.as_array().unwrap().len() == 1, "{listed}");

    let (challenge, compact) = device.asked(site, user).await;
    let revoke = [&["device", "revoke"][..], &of_user, &[&id]].concat();
    assert_eq!(here.admin(&revoke).await, json!({ "id": id, "revoked": true }));
    assert_eq!(here.admin(&list).await, json!([]));
    let late = device.decide(&challenge, device.decision(&compact, Approve)).await;
    assert_eq!(late.status, 403, "a revoked device answers nothing: {late:?}");
    assert_eq!(site.state(&challenge).await, "pending");
    assert_eq!(site.ask_for(user, json!({})).await.code(), "no_device");
    here.refuses(&revoke, 3, "no device of this id in use").await;
}

#[tokio::test]
async fn what_an_operator_types_or_pastes_is_cleaned() {
    let here = Installation::new().await;
    let made = here.admin(&["organisation", "create", " Harbour\u{a0}\u{a0}Hosting\u{200f}"]).await;
    assert_eq!(made["name"], "Harbour Hosting");
    here.refuses(&["organisation", "create", "Harbour Hosting "], 3, "there is an organisation of this name").await;
    let site = ["relying-party", "create", "--organisation", "Harbour  Hosting", "\u{2068}Shop\u{2069}"];
    let site = here.admin(&site).await;
    assert_eq!(site["name"], "Shop");
    let pasted = format!(" “{}”,", site["id"].as_str().unwrap().replace('-', "\u{2011}"));
    assert_eq!(here.admin(&["relying-party", "rotate", &pasted]).await["id"], site["id"]);
    let maya = here.admin(&["user", "create", "--organisation", "Harbour Hosting", "maya\n"]).await;
    let pasted = format!("<{}>", maya["id"].as_str().unwrap());
    let unlock = ["user", "unlock", "--organisation", "Harbour Hosting\t", &pasted];
    assert_eq!(here.admin(&unlock).await, json!({ "id": maya["id"], "unlocked": 0 }));
    here.refuses(&["organisation", "create", "a\u{202e}b"], 2, "1 to 100 characters").await;
}

#[tokio::test]
async fn locked_codes_are_unlocked() {
    let here = Installation::new().await;
    let Installation { site, user, .. } = &here;
    here.device().await;
    let verify = async || site.verify(user, "0000000").await;
    assert_eq!(verify().await.body["remaining_attempts"], 99);
    let database = rusqlite::Connection::open(here.data.path().join("countersign.db")).unwrap();
    database.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    database.execute("UPDATE code_authenticator SET failures = 100, locked_at = 1", []).unwrap();
    assert_eq!(verify().await.code(), "locked");

    let unlock = ["user", "unlock", "--organisation", "Meridian", user];
    assert_eq!(here.admin(&unlock).await, json!({ "id": user, "unlocked": 1 }));
    assert_eq!(verify().await.body["remaining_attempts"], 99, "also while the server runs");
    assert_eq!(here.admin(&unlock).await["unlocked"], 1, "one failure is forgotten too");
    assert_eq!(here.admin(&unlock).await["unlocked"], 0);
    let stranger = ["user", "unlock", "--organisation", "Meridian", "AAAAAAAAAAAAAAAAAAAAAA"];
    here.refuses(&stranger, 3, "no user of this id").await;
}

#[tokio::test]
async fn prompts_that_a_report_has_stopped_are_let_through_again() {
    let here = Installation::new().await;
    let Installation { site, user, .. } = &here;
    let resume = ["user", "resume-prompts", "--organisation", "Meridian", user];
    here.refuses(&resume, 3, "no report is standing").await;

    let device = here.device().await;
    let push = PushService::start().await;
    let registration = serde_json::to_vec(&push.registration()).unwrap();
    assert_eq!(device.send(Method::PUT, "/v1/device/push", &registration).await.status, 204);
    let (_, compact) = device.asked(site, user).await;
    device.answers(&compact, Report).await;
    let push = async || site.ask_for(user, json!({})).await.body["push"].clone();
    assert_eq!(push().await, "stopped");
    assert_eq!(here.admin(&resume).await, json!({ "id": user, "prompts": "resumed" }));
    assert_ne!(push().await, "stopped", "also while the server runs");
    while push().await != "limited" {}
    let lift = ["user", "lift-limit", "--organisation", "Meridian", user];
    assert_eq!(here.admin(&lift).await, json!({ "id": user, "limit": "lifted" }));
    assert_ne!(push().await, "limited", "also while the server runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_checked_and_the_answer_of_its_network_is_said_in_words() {
    let here = Installation::new().await;
    let user = &here.user;
    let device = here.device().await;
    let id = device.id().to_string();
    let check = ["push", "check", "--organisation", "Meridian", "--user", user, &id];
    here.refuses(&check, 3, "open it on the phone").await;

    let mut push = PushService::start().await;
    let registration = serde_json::to_vec(&push.registration()).unwrap();
    assert_eq!(device.send(Method::PUT, "/v1/device/push", &registration).await.status, 204);
    let answer = here.admin(&check).await;
    assert_eq!(answer[0]["answer"], "sent", "{answer}");
    let envelope: Envelope = serde_json::from_slice(&push.next().await.message).unwrap();
    let shown = device.open(&envelope);
    assert_eq!(read_claims::<Retraction>(&shown).enrolment_id, device.id());

    for (status, words) in
        [(410, "gone. The network no longer knows"), (429, "retry. Not now"), (503, "down."), (400, "failed.")]
    {
        push.answer(axum::http::StatusCode::from_u16(status).unwrap());
        here.refuses(&check, 3, words).await;
    }
    drop(push);
    here.refuses(&check, 3, "down. The network cannot be used").await;
    let stranger = ["push", "check", "--organisation", "Meridian", "--user", user, "AAAAAAAAAAAAAAAAAAAAAA"];
    here.refuses(&stranger, 3, "no device of this id").await;
}

/// The key that the server says it signs with, by its root's word.
async fn signing_key(url: &str) -> Thumbprint {
    let identity = send(client().get(format!("{url}/.well-known/countersign"))).await.body;
    let identity: WellKnown = serde_json::from_value(identity).unwrap();
    let fingerprint = identity.server_id.clone();
    identity.pin(&fingerprint, 0, SystemClock.now()).unwrap().signing_key.thumbprint()
}

#[tokio::test]
async fn a_rotated_signing_key_signs_the_next_challenge() {
    let here = Installation::new().await;
    let Installation { site, user, .. } = &here;
    let device = here.device().await;
    let before = signing_key(&here.server.url).await;
    assert_eq!(here.admin(&["key", "rotate"]).await, json!({ "sequence": 2 }));
    let after = signing_key(&here.server.url).await;
    assert_ne!(after, before);
    let (_, compact) = device.asked(site, user).await;
    assert_eq!(*Unverified::parse::<Challenge>(&compact).unwrap().key_id(), after);

    std::fs::remove_file(here.data.path().join("root.key")).unwrap();
    here.refuses(&["key", "rotate"], 5, "put the root key back from where you keep it").await;
    assert_eq!(signing_key(&here.server.url).await, after, "nothing has changed");
    site.ask(user).await;
}

#[tokio::test]
async fn without_json_things_are_columns_that_a_person_reads() {
    let data = used().await;
    let plain = async |arguments: &[&str]| {
        let mut command = command(&["admin"]);
        command.args(arguments).env("COUNTERSIGN_DATA_DIR", data.path());
        run(command).await.expect(0).out
    };
    assert_eq!(plain(&["organisation", "list"]).await, "none\n");
    let made = plain(&["organisation", "create", "Meridian"]).await;
    assert!(made.starts_with("id:   ") && made.ends_with("\nname: Meridian\n"), "{made}");
    let site = plain(&["relying-party", "create", "--organisation", "Meridian", "Shop"]).await;
    assert!(site.contains("\napi_key: csk_") && site.lines().count() == 3, "{site}");
    let listed = plain(&["relying-party", "list"]).await;
    let headings: Vec<&str> = listed.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(headings, ["ID", "NAME", "ORGANISATION", "REVOKED"], "{listed}");
    assert!(listed.lines().nth(1).unwrap().ends_with("  Shop  Meridian      no"), "{listed}");
}

#[tokio::test]
async fn an_api_key_is_kept_as_its_digest_alone() {
    let data = used().await;
    admin(data.path(), &["organisation", "create", "Meridian"]).await;
    let made = admin(data.path(), &["relying-party", "create", "--organisation", "Meridian", "Shop"]).await;
    let key = made["api_key"].as_str().unwrap().as_bytes();
    let bytes = std::fs::read(data.path().join("countersign.db")).unwrap();
    assert!(!bytes.windows(key.len()).any(|window| window == key), "it is kept as its SHA-256");
    let name = b"Shop";
    assert!(bytes.windows(name.len()).any(|window| window == name), "the database was looked at");
}
