//! A server that is restored from a backup: what was ended since does not come back, and phones know it again.

use countersign_device::{Error, Outcome};
use countersign_protocol::Refusal;
use countersign_protocol::decision::Answer::{Approve, Report};
use countersign_protocol::handle::EnrolmentId;
use countersign_server::keys::backup_code_hash::HashCost;
use countersign_server::runtime::restore::losses::Loss;
use countersign_server::runtime::restore::restoring::Wish;
use countersign_tests::http::RelyingParty;
use countersign_tests::phone::Phone;
use countersign_tests::scene::Scene;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A restore from this file that asks for nothing more.
fn from(file: &Path) -> Wish {
    Wish { file: file.to_owned(), ..Wish::default() }
}

/// A place for a backup.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.backup");
    (folder, file)
}

/// A whole login by push or pull, and whether it came to its end.
async fn signs_in(site: &RelyingParty, user: &str, phone: &Phone, id: EnrolmentId) {
    let question = site.ask(user).await;
    assert!(phone.core.pull(id, 0).await.unwrap().received.iter().all(Result::is_ok));
    assert_eq!(phone.core.approve(question.parse().unwrap(), None).await.unwrap(), Outcome::Approved);
    assert_eq!(site.claim(&question, "k").await.body["state"], "claimed");
}

#[tokio::test]
async fn a_phone_signs_in_after_the_restore_and_what_was_under_way_is_over() {
    let scene = Scene::new().await;
    let (phone, id) = scene.phone().await;
    let pending = scene.site.ask(&scene.user).await;
    let link = scene.site.link(&scene.user).await;
    let noor = scene.site.user("noor").await;
    let device = scene.device_of(&noor).await;
    let (approved, compact) = device.asked(&scene.site, &noor).await;
    device.answers(&compact, Approve).await;
    let (_folder, file) = place();
    let made = scene.server.back_up(&file).await;
    assert!(made.with_root && made.bytes > 100_000);

    let (server, restored) = scene.server.restore(&from(&file), |_| ()).await;
    assert_eq!((restored.sequence, restored.recovered.lines_replayed), (2, 0), "{restored:?}");
    let done = restored.recovered;
    assert_eq!((done.challenges_cancelled, done.approvals_revoked, done.enrolments_ended), (1, 1, 1), "{done:?}");
    assert_eq!(scene.site.state(&pending).await, "cancelled");
    assert_eq!(scene.site.state(&approved).await, "revoked");
    assert_eq!(scene.site.claim(&approved, "k").await.code(), "not_approved");
    let late = Phone::at(&scene.clock).core.enrol(&link, "late").await.unwrap_err();
    assert!(!late.is_temporary(), "a link from before is over: {late}");
    signs_in(&scene.site, &scene.user, &phone, id).await;
    server.stop().await;
}

#[tokio::test]
async fn what_was_ended_since_the_backup_stays_ended() {
    let scene = Scene::new().await;
    let (stolen, kept) = (scene.device().await, scene.phone().await);
    let other = scene.server.relying_party("Meridian", "Old site").await;
    let noor = scene.site.user("noor").await;
    let device = scene.device_of(&noor).await;
    let (approved, compact) = device.asked(&scene.site, &noor).await;
    device.answers(&compact, Approve).await;
    let (reported, report) = device.asked(&scene.site, &noor).await;
    let secret = scene.site.post(&format!("/v1/users/{noor}/authenticators"), &json!({ "name": "App" })).await;
    assert_eq!(secret.status, 201, "{secret:?}");
    let gone = scene.site.user("somebody who leaves").await;
    let device_of_gone = scene.device_of(&gone).await;
    let (_folder, file) = place();
    scene.server.back_up(&file).await;

    let operator = scene.server.service().operator();
    operator.delete_user("Meridian", gone.parse().unwrap()).await.unwrap();
    operator.revoke_device("Meridian", scene.user.parse().unwrap(), stolen.id()).await.unwrap();
    let parties = operator.relying_parties().await.unwrap();
    let handle = |name: &str| parties.iter().find(|one| one.name == name).unwrap().handle.clone();
    operator.revoke_relying_party(&handle("Old site")).await.unwrap();
    assert_eq!(scene.site.claim(&approved, "first").await.body["state"], "claimed");
    device.answers(&report, Report).await;
    let new_key = operator.rotate_api_key(&handle("Customer area")).await.unwrap();
    let site = RelyingParty::new(&scene.server.url, &new_key);
    let lost = Phone::at(&scene.clock);
    lost.enrol(&site, &scene.user).await;
    site.user("somebody new").await;

    let (server, restored) = scene.server.restore(&from(&file), |_| ()).await;
    let done = restored.recovered;
    let ended = (done.devices_ended, done.relying_parties_revoked, done.api_keys_rotated, done.claims);
    assert_eq!(ended, (2, 1, 1, 1), "the stolen device, and that of the person who left: {done:?}");
    assert_eq!(done.people_deleted, 1, "{done:?}");
    assert_eq!(site.get(&format!("/v1/users/{gone}")).await.code(), "not_found", "deleted people stay deleted");
    let names = "SELECT count(*) FROM account WHERE name = 'somebody who leaves'";
    assert_eq!(server.sqlite().query_row(names, [], |row| row.get::<_, u32>(0)).unwrap(), 0, "nor is the name there");
    let refused = device_of_gone.send(reqwest::Method::GET, "/v1/device/challenges", b"").await;
    assert!(refused.status >= 400 || refused.body["state"] == "void", "{refused:?}");
    assert_eq!((done.prompts_stopped, done.devices_lost, done.others_lost), (1, 1, 1), "{done:?}");
    assert_eq!(scene.site.get(&format!("/v1/challenges/{approved}")).await.code(), "unauthorised", "the old key");
    assert_eq!(other.get(&format!("/v1/challenges/{approved}")).await.code(), "unauthorised", "revoked");
    assert_eq!(site.claim(&approved, "second").await.code(), "already_claimed");
    assert_eq!(site.state(&reported).await, "cancelled");
    let stopped = site.ask_for(&noor, json!({})).await;
    assert_ne!(stopped.body["push"], "queued", "{stopped:?}");
    let refused = stolen.send(reqwest::Method::GET, "/v1/device/challenges", b"").await;
    assert!(refused.status >= 400 || refused.body["state"] == "void", "{refused:?}");
    signs_in(&site, &scene.user, &kept.0, kept.1).await;
    server.stop().await;
}

#[tokio::test]
async fn no_code_of_before_the_restore_is_right_after_it() {
    let scene = Scene::new().await;
    let (phone, id) = scene.phone().await;
    let (_folder, file) = place();
    scene.server.back_up(&file).await;
    let spent = phone.core.code(id).unwrap();
    assert_eq!(scene.site.verify(&scene.user, &spent.code).await.body["valid"], true);

    let (server, restored) = scene.server.restore(&from(&file), |_| ()).await;
    assert_eq!(restored.recovered.codes_spent, 1, "{restored:?}");
    for code in [&spent.code, &spent.next] {
        assert_eq!(scene.site.verify(&scene.user, code).await.body["valid"], false, "also the one that was to come");
    }
    scene.clock.advance(Duration::from_secs(4 * 30));
    let fresh = phone.core.code(id).unwrap();
    assert_eq!(scene.site.verify(&scene.user, &fresh.code).await.body["valid"], true, "two minutes later");
    server.stop().await;
}

#[tokio::test]
async fn a_backup_code_that_was_used_since_is_used_and_a_set_that_was_replaced_stays_ended() {
    let scene = Scene::with(|config| config.hash_cost = HashCost { memory: 8, passes: 1 }).await;
    scene.phone().await;
    let make = async |site: &RelyingParty, user: &str| -> Vec<String> {
        let made = site.post(&format!("/v1/users/{user}/backup-codes"), &serde_json::Value::Null).await;
        serde_json::from_value(made.body["codes"].clone()).unwrap_or_else(|_| panic!("{made:?}"))
    };
    let noor = scene.site.user("noor").await;
    scene.device_of(&noor).await;
    let (mayas, noors) = (make(&scene.site, &scene.user).await, make(&scene.site, &noor).await);
    let (_folder, file) = place();
    scene.server.back_up(&file).await;
    for code in &mayas[..2] {
        assert_eq!(scene.site.verify(&scene.user, code).await.body["valid"], true);
    }
    let lost = make(&scene.site, &noor).await;

    let (server, restored) = scene.server.restore(&from(&file), |_| ()).await;
    let done = restored.recovered;
    assert_eq!((done.backup_codes_spent, done.applications_removed, done.others_lost), (2, 1, 1), "{done:?}");
    for code in &mayas[..2] {
        assert_eq!(scene.site.verify(&scene.user, code).await.body["reason"], "used_before", "{code}");
    }
    let right = scene.site.verify(&scene.user, &mayas[2]).await.body;
    assert_eq!((&right["valid"], &right["backup_codes_left"]), (&json!(true), &json!(7)));
    for code in [&noors[0], &lost[0]] {
        assert_eq!(scene.site.verify(&noor, code).await.code(), "no_device", "she makes new ones, and knows it");
    }
    server.stop().await;
}

#[tokio::test]
async fn after_a_rotation_in_between_phones_follow_and_an_old_copy_is_refused() {
    let scene = Scene::new().await;
    let (phone, id) = scene.phone().await;
    let (folder, file) = place();
    scene.server.back_up(&file).await;
    // A copy that somebody has kept, and that runs after the restore.
    let old = folder.path().join("old.db");
    scene.server.sqlite().execute("VACUUM INTO ?1", [old.to_str().unwrap()]).unwrap();
    assert_eq!((scene.server.rotate_signing_key().await, scene.server.rotate_signing_key().await), (2, 3));
    signs_in(&scene.site, &scene.user, &phone, id).await;

    let (server, restored) = scene.server.restore(&from(&file), |_| ()).await;
    assert_eq!(restored.sequence, 4, "above every one that was made");
    signs_in(&scene.site, &scene.user, &phone, id).await;

    let server =
        server.restart_after(|data| assert!(std::fs::copy(&old, data.join("countersign.db")).unwrap() > 0)).await;
    scene.site.ask(&scene.user).await;
    let pulled = phone.core.pull(id, 0).await.unwrap();
    assert_eq!(pulled.received.len(), 1, "{pulled:?}");
    assert!(matches!(pulled.received[0], Err(Refusal::OldCertificate | Refusal::UnknownKey)), "{pulled:?}");
    assert!(phone.core.pending().unwrap().is_empty(), "nothing of it is shown");
    let refused = phone.core.refresh_server(id).await.unwrap_err();
    assert!(matches!(refused, Error::Refused(Refusal::OldCertificate)), "{refused:?}");
    let refused = phone.core.enrol(&scene.site.link(&scene.user).await, "again").await.unwrap_err();
    assert_eq!(refused.code(), "old_certificate", "nor does it enrol there");
    // And when the old copy says that the account is over, signed as it was right once, the phone does not believe it.
    server.service().operator().revoke_device("Meridian", scene.user.parse().unwrap(), id).await.unwrap();
    let pulled = phone.core.pull(id, 0).await;
    assert!(pulled.is_err() || pulled.as_ref().is_ok_and(|pulled| pulled.ended.is_none()), "{pulled:?}");
    assert_eq!(phone.core.accounts().unwrap().len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn without_its_journal_it_says_what_is_lost_and_takes_each_by_its_name() {
    let scene = Scene::new().await;
    let (phone, id) = scene.phone().await;
    let (_folder, file) = place();
    scene.server.back_up(&file).await;
    scene.server.rotate_signing_key().await;
    let all = Loss::ALL.to_vec();
    let wish = Wish { without_journal: true, accepted: all, ..from(&file) };
    let lose = |data: &Path| std::fs::remove_dir_all(data.join("recovery-journal")).unwrap();
    let (server, restored) = scene.server.restore(&wish, lose).await;
    assert_eq!(restored.sequence, 1001, "more than were ever made");
    signs_in(&scene.site, &scene.user, &phone, id).await;
    // Its new journal is whole: a backup of now is restored with it.
    let (_folder, file) = place();
    server.back_up(&file).await;
    let (server, restored) = server.restore(&from(&file), |_| ()).await;
    assert_eq!(restored.sequence, 1002);
    signs_in(&scene.site, &scene.user, &phone, id).await;
    server.stop().await;
}

#[tokio::test]
async fn a_second_restore_of_the_same_backup_knows_what_the_first_has_lived_through() {
    let scene = Scene::new().await;
    let (phone, id) = scene.phone().await;
    let stolen = scene.device().await;
    let (_folder, file) = place();
    scene.server.back_up(&file).await;
    let (server, first) = scene.server.restore(&from(&file), |_| ()).await;
    server.service().operator().revoke_device("Meridian", scene.user.parse().unwrap(), stolen.id()).await.unwrap();
    let (server, second) = server.restore(&from(&file), |_| ()).await;
    assert_eq!((first.sequence, second.sequence, second.recovered.devices_ended), (2, 3, 1), "{second:?}");
    signs_in(&scene.site, &scene.user, &phone, id).await;
    server.stop().await;
}
